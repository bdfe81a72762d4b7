"""Lost residents: the year of silence, failed attempts over every channel, the act, the archive.

Not here: how some are found again (returns.py), archives lost before the rules took effect (departures.py),
and where so many are lost in a month that it is to be listed (masses.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.synth.acts import (
    add_contacts,
    add_terminations,
    add_visit,
    declare,
    declared_days,
    set_expected,
    set_status,
)
from pipelines.synth.cases import (
    is_kind,
    members,
    note_stories,
)
from pipelines.synth.clock import (
    NEVER,
    add_months,
    moment_text,
    plus,
    year_of,
)
from pipelines.synth.returns import add_returns
from pipelines.synth.world import World

_LOST_KINDS = (
    "lost",
    "lost_after_contact",
    "lost_boundary",
    "premature_lost",
    "premature_lost_boundary",
    "lost_contact_within_year",
    "lost_without_attempts",
    "lost_channel_missing",
    "reactivated_lost",
    "reactivated_without_service",
    "reactivated_unfiled",
    "reactivated_before_archive",
    "served_without_reactivation",
    "archived_direct",
    "direct_same_district",
    "direct_unfiled",
    "mass_lost",
)


def add_lost(world: World) -> None:
    """Lost residents: the year of silence, failed attempts over every channel, the act, the archive."""
    person = members(world, *_LOST_KINDS)
    people, generator = world.people, world.random("lost")
    org, copy, size = people.org[person], person, len(person)
    declared = declared_days(world, "lost", person)
    in_masses = is_kind(world, person, "mass_lost")
    month = _mass_month(world)
    declared = np.where(in_masses, plus(month, generator.integers(2, 24, size=size)), declared)
    year_before = add_months(declared, -12)
    gap = generator.integers(2, 120, size=size)
    gap = np.where(is_kind(world, person, "lost_boundary"), 1, gap)
    premature = is_kind(world, person, "premature_lost")
    gap = np.where(premature, -generator.integers(20, 200, size=size), gap)
    gap = np.where(is_kind(world, person, "premature_lost_boundary"), 0, gap)
    clock = plus(year_before, -gap)
    last_service = clock.copy()
    reached = is_kind(world, person, "lost_after_contact", "lost_contact_within_year")
    last_service[reached] = plus(clock[reached], -60)
    within = is_kind(world, person, "lost_contact_within_year")
    clock[within] = plus(declared[within], -generator.integers(40, 300, size=int(within.sum())))
    people.stay_to[person] = last_service
    add_visit(world, person, copy, org, last_service, "last before lost")
    success = np.where(reached, clock, NEVER)
    add_contacts(world, person, copy, org, success, "1", "1", "1")
    silent = is_kind(world, person, "lost_without_attempts")
    half = silent | is_kind(world, person, "lost_channel_missing")
    spread = generator.integers(1, 15, size=(3, size))
    add_contacts(world, person, copy, org, np.where(silent, NEVER, plus(declared, -spread[0])), "1", "1", "2")
    add_contacts(world, person, copy, org, np.where(silent, NEVER, plus(declared, -spread[1])), "1", "2", "2")
    add_contacts(world, person, copy, org, np.where(half, NEVER, plus(declared, -spread[2])), "2", "3", "2")
    early = is_kind(world, person, "reactivated_before_archive")
    archived = plus(declared, np.where(early, 6, generator.integers(0, 3, size=size)))
    entered = plus(declared, generator.integers(0, 2, size=size))
    entered = np.minimum(entered, archived)
    ids = add_terminations(
        world,
        person,
        "LOST",
        {
            "declared_date": declared,
            "entered_at": moment_text(entered, 600),
            "archived_at": moment_text(archived, 660),
            "filed_at": moment_text(archived, 720),
        },
        archived,
    )
    set_status(world, person, "LOST", declared)
    declare(world, person, "LOST", archived)
    unit = people.unit[person]
    hasty = is_kind(world, person, "premature_lost", "premature_lost_boundary", "lost_contact_within_year")
    for rule in ("A1-6-1-1", "A1-6-2-3"):
        note_stories(world, rule, "PREMATURE_LOST", "termination", unit, ids, person, hasty)
    # Waiting does not heal a hasty act, but by the last day the year may have passed all the same.
    set_expected(world, person[hasty & (add_months(clock, 12) >= world.plan.last)], "MANAGED")
    note_stories(world, "A1-6-1-1", "LOST_WITHOUT_ATTEMPT", "termination", unit, ids, person, silent)
    note_stories(world, "A1-6-1-1", "LOST_CHANNEL_UNTRIED", "termination", unit, ids, person, half & ~silent)
    set_expected(world, person[half], "MANAGED")
    boundary = is_kind(world, person, "lost_boundary")
    note_stories(world, "A1-6-1-1", "", "termination", unit, ids, person, boundary, is_violation=False)
    note_stories(world, "A1-6-2-3c", "REACTIVATED_SOON", "termination", unit, ids, person, early)
    add_returns(world, person, archived)
    world.facts["lost"] = pl.DataFrame(
        {
            "person": person,
            "declared": declared,
            "archived": archived,
            "is_compliant": ~is_kind(
                world,
                person,
                "premature_lost",
                "premature_lost_boundary",
                "lost_contact_within_year",
                "lost_without_attempts",
                "lost_channel_missing",
            ),
        }
    )


def _mass_month(world: World) -> np.datetime64:
    """First day of the month of mass terminations: the last December that is over, else an earlier month."""
    last = world.plan.last
    december = np.datetime64(f"{int(year_of(last)) - 1}-12-01", "D")
    if december > world.plan.first:
        return december
    return np.datetime64(add_months(last, -1).astype("datetime64[M]"), "D")

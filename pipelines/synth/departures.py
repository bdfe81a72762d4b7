"""Residents who left the city, and the archives of all kinds that ended before the rules took effect.

Not here: moves within the city (moves.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipelines.synth.acts import (
    add_contacts,
    add_terminations,
    declare,
    declared_days,
    set_expected,
    set_status,
)
from pipelines.synth.archives import add_versions, archive_ids, org_codes
from pipelines.synth.cases import (
    draw_days,
    is_kind,
    members,
    note_archives,
    note_stories,
)
from pipelines.synth.clock import (
    NEVER,
    Dates,
    Whole,
    add_months,
    moment_text,
    plus,
)
from pipelines.synth.deaths import draw_causes
from pipelines.synth.returns import add_returns
from pipelines.synth.world import World, masked

_DESTINATIONS = ("510100", "440300", "330100", "520100", "310000", "350200", "530100")
_MOVED_KINDS = (
    "moved_out",
    "reactivated_moved",
    "moved_without_informant",
    "moved_within_city",
    "moved_without_destination",
    "moved_returns_within_year",
    "moved_before_news",
    "moved_not_departed",
    "moved_absence_unknown",
    "moved_absence_short",
    "moved_then_edited",
    "reactivated_old_contact",
)


def add_history(world: World) -> None:
    """Archives ended before the rules took effect: history of the stock, not judged."""
    people = world.people
    cutoff = np.datetime64("2024-11-01", "D")
    last = min(cutoff, plus(world.plan.first, -30))
    for kind, code in (
        ("stock_lost", "LOST"),
        ("stock_dead", "DEAD"),
        ("stock_moved_out", "MOVED_OUT"),
        ("archive_vanished", "DEAD"),
    ):
        person = members(world, kind)
        declared = draw_days(world, kind, len(person), add_months(last, -8), last)
        moment = moment_text(
            declared, world.random("minutes " + kind).integers(540, 1020, size=len(declared))
        )
        died, entered = plus(declared, -15), declared
        people.stay_to[person] = (
            plus(add_months(declared, -12), -20) if code == "LOST" else plus(declared, -20)
        )
        facts: dict[str, Any] = {"entered_at": moment, "archived_at": moment, "filed_at": moment}
        if code == "DEAD":
            people.death[person] = died
            facts |= {
                "info_received_date": plus(declared, -10),
                "evidence_code": ["1"] * len(person),
                "evidence_received_date": plus(declared, -2),
                "sealed_at": moment,
                "death_date": died,
                **draw_causes(world, kind, len(person)),
            }
        elif code == "MOVED_OUT":
            facts |= _departure(world, kind, declared)
            people.left[person] = declared
        else:
            facts |= {"declared_date": declared}
        add_terminations(world, person, code, facts, entered)
        set_status(world, person, code, declared)
        declare(world, person, code, declared)
    # Archived for some months only, yet the unit's complete set lacks them; the death stands as it is.
    vanished = members(world, "archive_vanished")
    world.vanished = archive_ids(world, vanished)
    note_archives(world, "A1-6-2-4", "LOST_ARCHIVE", vanished)


def add_departures(world: World) -> None:
    """Residents who left the city: told by themselves or their contact person, for a year or longer."""
    person = members(world, *_MOVED_KINDS)
    people, size = world.people, len(person)
    org, unit = people.org[person], people.unit[person]
    declared = declared_days(world, "moved out", person)
    facts = _departure(world, "moved out", declared)
    stranger = is_kind(world, person, "moved_without_informant")
    inside = is_kind(world, person, "moved_within_city")
    nowhere = is_kind(world, person, "moved_without_destination")
    back = is_kind(world, person, "moved_returns_within_year")
    facts["evidence_code"] = np.where(stranger, "9", facts["evidence_code"])
    facts["destination_code"] = masked(~nowhere, np.where(inside, "500101", facts["destination_code"]))
    facts["return_expected_code"] = np.where(back, "2", facts["return_expected_code"])
    early = is_kind(world, person, "moved_before_news")
    present = is_kind(world, person, "moved_not_departed")
    undated = is_kind(world, person, "moved_absence_unknown")
    short = is_kind(world, person, "moved_absence_short")
    facts["info_received_date"] = np.where(early, plus(declared, 3), facts["info_received_date"])
    away = np.where(present, plus(declared, 9), facts["departed_date"])
    away = np.where(short, plus(declared, -25), away)
    facts["departed_date"] = np.where(undated, NEVER, away)
    # Without a word about the return only the length of the absence could tell.
    facts["return_expected_code"] = np.where(undated | short, "9", facts["return_expected_code"])
    people.stay_to[person] = plus(np.minimum(away, declared), -1)
    people.left[person] = np.where(inside, NEVER, declared)
    told = np.where(stranger, NEVER, facts["info_received_date"])
    add_contacts(world, person, person, org, told, "1", "1", "1", purpose="3")
    archived = plus(declared, world.random("moved archive").integers(0, 4, size=size))
    # Told and archived on one day would leave nothing to state in the wrong order.
    archived = np.where(is_kind(world, person, "reactivated_old_contact"), plus(archived, 1), archived)
    ids = add_terminations(
        world,
        person,
        "MOVED_OUT",
        {
            **facts,
            "entered_at": moment_text(declared, 600),
            "archived_at": moment_text(archived, 660),
            "filed_at": moment_text(archived, 720),
        },
        archived,
    )
    set_status(world, person, "MOVED_OUT", declared)
    declare(world, person, "MOVED_OUT", archived)
    flawed = stranger | inside | nowhere | back | early | present | undated | short
    gone = early | present | (short & (add_months(away, 12) <= world.plan.last))
    set_expected(world, person[flawed & ~gone], "MANAGED")
    for chosen, code in (
        (stranger, "MOVED_OUT_WITHOUT_INFORMANT"),
        (inside, "DESTINATION_IN_CITY"),
        (nowhere, "DESTINATION_MISSING"),
        (back, "RETURN_WITHIN_YEAR"),
        (early, "MOVED_OUT_BEFORE_NEWS"),
        (present, "NOT_DEPARTED"),
        (undated, "ABSENCE_UNKNOWN"),
        (short, "ABSENCE_TOO_SHORT"),
    ):
        note_stories(world, "A1-6-1-3", code, "termination", unit, ids, person, chosen)
    note_stories(world, "A1-6-2-3", "MOVED_OUT_WITHOUT_EVIDENCE", "termination", unit, ids, person, flawed)
    _edit_after_ending(world, person, archived)
    add_returns(world, person, archived, told)
    world.facts["moved_out"] = pl.DataFrame({"person": person, "declared": declared, "is_compliant": ~flawed})


def _edit_after_ending(world: World, everyone: Whole, all_archived: Dates) -> None:
    """A phone number changed in an archive that should rest, in a delivery after that of the ending."""
    chosen = is_kind(world, everyone, "moved_then_edited")
    person, archived = everyone[chosen], all_archived[chosen]
    size = len(person)
    at = plus(archived, 40 + world.random("edited after ending").integers(0, 60, size=size))
    add_versions(
        world,
        person,
        at,
        {
            "phone": world.new_phones(size),
            "modified_by_org_code": org_codes(world, world.people.org[person]),
            "modified_at": moment_text(at, 700),
        },
    )
    note_archives(world, "ART-14b", "UPDATE_AFTER_STOP", person)


def _departure(world: World, topic: str, declared: Dates) -> dict[str, Any]:
    generator = world.random("departure " + topic)
    size = len(declared)
    info = plus(declared, -generator.integers(0, 5, size=size))
    return {
        "declared_date": declared,
        "info_received_date": info,
        "evidence_code": np.where(generator.random(size) < 0.6, "2", "3"),
        "departed_date": plus(info, -generator.integers(5, 60, size=size)),
        "destination_code": np.array(_DESTINATIONS)[generator.integers(0, len(_DESTINATIONS), size=size)],
        "return_expected_code": np.array(["1"] * size),
    }

"""Residents found again after a termination: contact, new service, reactivation, filing; and the flawed ways.

Not here: taking over an ended archive from another district (moves.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.synth.acts import (
    add_contacts,
    add_reactivations,
    add_visit,
    declare,
    resume_stay,
    set_expected,
    set_status,
)
from pipelines.synth.cases import draw_days, is_kind, members, note_stories, story_window
from pipelines.synth.clock import (
    NEVER,
    Dates,
    Whole,
    plus,
)
from pipelines.synth.world import World


def add_returns(world: World, everyone: Whole, all_archived: Dates, all_told: Dates | None = None) -> None:
    """Residents found again: contact, new service, reactivation, filing; and the flawed ways of doing it.

    Args:
        world: the city.
        everyone: residents whose archives ended.
        all_archived: days on which these were archived.
        all_told: days on which somebody told of a departure.
    """
    people = world.people
    lawful = ("reactivated_lost", "reactivated_moved")
    silent, outdated = "reactivated_without_service", "reactivated_old_contact"
    flawed = (silent, outdated, "reactivated_unfiled", "reactivated_before_archive")
    chosen = is_kind(world, everyone, *lawful, *flawed)
    person, archived = everyone[chosen], all_archived[chosen]
    org, unit, size = people.org[person], people.unit[person], int(chosen.sum())
    generator = world.random("reactivate")
    contact = plus(archived, 95 + generator.integers(0, 60, size=size))
    service = plus(contact, generator.integers(0, 12, size=size))
    early = is_kind(world, person, "reactivated_before_archive")
    service = np.where(early, plus(archived, -2), service)
    contact = np.where(early, NEVER, contact)
    reactivated = np.where(early, plus(archived, 2), service)
    without = is_kind(world, person, silent)
    served = np.flatnonzero(~without)
    record = np.full(size, None, dtype=object)
    records = add_visit(
        world, person[served], person[served], org[served], service[served], "reactivation " + str(size)
    )
    record[served] = records.to_list()
    # Nobody looks for those who come of themselves: the old contact is stated for the new one.
    old = is_kind(world, person, outdated)
    add_contacts(world, person, person, org, np.where(old, NEVER, contact), "1", "1", "1", purpose="3")
    if all_told is not None:
        contact = np.where(old, all_told[chosen], contact)
    unfiled = is_kind(world, person, "reactivated_unfiled")
    filed = np.where(unfiled, NEVER, reactivated)
    ids = add_reactivations(
        world, person, person, org, contact, pl.Series(record.tolist(), dtype=pl.String), reactivated, filed
    )
    back = is_kind(world, person, *lawful, outdated)
    set_status(world, person[back], "MANAGED", service[back])
    set_status(world, person[early | unfiled], "MANAGED", service[early | unfiled])
    declare(world, person[~without], "MANAGED", reactivated[~without])
    resume_stay(world, person[back], person[back], org[back], plus(service[back], 1))
    people.returned[person[back]] = service[back]
    rule = "A1-6-2-2"
    note_stories(world, rule, "WITHOUT_SERVICE", "reactivation", unit, ids, person, without)
    note_stories(world, rule, "NOT_FILED", "reactivation", unit, ids, person, unfiled)
    note_stories(world, rule, "SERVICE_BEFORE_ARCHIVING", "reactivation", unit, ids, person, early)
    note_stories(world, rule, "CONTACT_OUT_OF_ORDER", "reactivation", unit, ids, person, old)
    _served_without(world, everyone, all_archived)


def add_needless_returns(world: World) -> None:
    """An archive that never ended is reactivated after a visit; the resident stays managed as before."""
    person = members(world, "reactivated_managed")
    people, size = world.people, len(person)
    org, unit = people.org[person], people.unit[person]
    first, last = story_window(world)
    at = draw_days(world, "needless return", size, first, last)
    records = add_visit(world, person, person, org, at, "needless return")
    ids = add_reactivations(world, person, person, org, np.full(size, NEVER), records, at, at)
    everybody = np.ones(size, dtype=bool)
    note_stories(world, "A1-6-2-2", "NOT_TERMINATED", "reactivation", unit, ids, person, everybody)


def _served_without(world: World, everyone: Whole, all_archived: Dates) -> None:
    """A lost resident is served again and nobody reactivates the archive."""
    people = world.people
    chosen = is_kind(world, everyone, "served_without_reactivation")
    person, size = everyone[chosen], int(chosen.sum())
    at = plus(all_archived[chosen], 95 + world.random("served without").integers(0, 60, size=size))
    records = add_visit(world, person, person, people.org[person], at, "without reactivation")
    kind = "served_without_reactivation"
    unit = people.unit[person]
    world.note("A1-6-2-2", "SERVICE_WITHOUT_REACTIVATION", "encounter", unit, records, kind, person)
    world.note("ART-14b", "UPDATE_AFTER_STOP", "encounter", unit, records, kind, person)
    set_expected(world, person, "MANAGED")

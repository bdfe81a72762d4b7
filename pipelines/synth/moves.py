"""Transfers of archives between institutions: one step, two steps, within a district, of ended archives.

Not here: the rows of a transfer and what follows from its completion (applications.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.synth.acts import (
    add_contacts,
    add_reactivations,
    add_visit,
    resume_stay,
    set_status,
)
from pipelines.synth.applications import (
    add_transfers,
    move_archive,
    note_managers,
    other_org,
    record_applications,
)
from pipelines.synth.archives import add_versions, org_codes
from pipelines.synth.cases import (
    draw_days,
    is_kind,
    members,
    note_stories,
    story_window,
)
from pipelines.synth.clock import (
    NEVER,
    Dates,
    Whole,
    away_from_year_end,
    moment_text,
    plus,
)
from pipelines.synth.world import World

_CROSS_DONE = (
    "cross_transfer",
    "cross_transfer_boundary",
    "decided_late",
    "decided_late_boundary",
    "origin_edited",
    "origin_still_active",
    "flow_late",
    "filed_after_change",
)
_CROSS_OPEN = (
    "transfer_refused",
    "refused_without_reason",
    "transfer_withdrawn",
    "transfer_pending",
    "decision_overdue",
    "confirmed_unfiled",
    "illegal_manager_change",
    "withdrawn_late",
)
#: Story → days between the two successes.
_PROTECTED = {"protected_179": 179, "protected_180": 180, "protected_181": 181}
_DIRECT = ("archived_direct", "direct_same_district", "direct_unfiled")


def add_moves(world: World) -> None:
    """Play every story of transfer; needs the terminations to be there."""
    _crossings(world, members(world, *_CROSS_DONE, *_CROSS_OPEN))
    _inside(world, members(world, "intra_transfer"))
    _second_crossings(world)
    _refused_in_protection(world)
    _direct_changes(world)
    _direct_without_ground(world)
    _move_the_dead(world)


def _crossings(world: World, person: Whole) -> None:
    """Cross-district applications of one step each, lawful and not."""
    people, size = world.people, len(person)
    generator = world.random("crossings")
    first, last = story_window(world)
    origin = people.org[person]
    target = other_org(world, "crossings", origin, True)
    applied = draw_days(world, "crossings", size, first, plus(last, -40))
    applied = away_from_year_end(applied, first)
    end = np.full(size, world.plan.last)
    pending = is_kind(world, person, "transfer_pending")
    overdue = is_kind(world, person, "decision_overdue")
    rank = np.arange(size)
    applied = np.where(pending, plus(end, -np.where(rank % 3 == 0, 7, rank % 7)), applied)
    applied = np.where(overdue, plus(end, -np.where(rank % 3 == 0, 8, 8 + rank % 40)), applied)
    delay = generator.integers(0, 8, size=size)
    delay = np.where(is_kind(world, person, "cross_transfer_boundary"), 7, delay)
    delay = np.where(is_kind(world, person, "decided_late_boundary"), 8, delay)
    slow = is_kind(world, person, "decided_late", "withdrawn_late")
    delay = np.where(slow, generator.integers(9, 25, size=size), delay)
    decided = np.where(pending | overdue, NEVER, plus(applied, delay))
    decision = np.full(size, "1")
    decision[
        is_kind(world, person, "transfer_refused", "refused_without_reason", "illegal_manager_change")
    ] = "2"
    decision[is_kind(world, person, "transfer_withdrawn", "withdrawn_late")] = "3"
    decision[pending | overdue] = ""
    done = is_kind(world, person, *_CROSS_DONE)
    illegal = is_kind(world, person, "illegal_manager_change")
    filed = np.where(done, plus(decided, generator.integers(0, 2, size=size)), NEVER)
    filed = np.where(is_kind(world, person, "flow_late"), plus(decided, 4 + rank % 5), filed)
    swapped = is_kind(world, person, "filed_after_change")
    filed = np.where(swapped, plus(decided, 1), filed)
    changed = np.where(illegal, plus(decided, 1), np.where(swapped, decided, filed))
    initiator = np.where(generator.random(size) < 0.7, "1", "2")
    ids = add_transfers(
        world,
        person,
        origin,
        target,
        "1",
        initiator,
        applied,
        decided,
        decision,
        filed,
        changed,
        generator,
        gives_reason=~is_kind(world, person, "refused_without_reason"),
    )
    deciding = np.where(initiator == "1", origin, target)
    unit_of = world.places.org_unit
    record_applications(
        world,
        person=person,
        deciding_unit=unit_of[deciding],
        path="1",
        applied=applied,
        decided=decided,
        decision=decision,
        success=filed,
        is_protection_violation=False,
        is_unreasoned=is_kind(world, person, "refused_without_reason"),
    )
    who, moved_at = person[done], filed[done]
    still_active = is_kind(world, who, "origin_still_active")
    new = move_archive(world, who, who, target[done], moved_at, ~still_active)
    people.stay_to[who] = moved_at
    resume_stay(world, who, new, target[done], moved_at)
    note_managers(world, who, target[done], moved_at)
    _edit_at_origin(world, who, moved_at)
    unit = np.where(initiator == "1", unit_of[target], unit_of[origin])
    for rule, code, kinds, is_violation in (
        ("A1-4-2c", "REFUSED_WITHOUT_REASON", ("refused_without_reason",), True),
        ("A1-4-3-1a", "DECIDED_LATE", ("decided_late", "decided_late_boundary"), True),
        ("A1-4-3-1a", "OVERDUE", ("decision_overdue",), True),
        ("A1-4-3-1a", "", ("cross_transfer_boundary",), False),
        ("A1-4-3-1a", "WITHDRAWN_LATE", ("withdrawn_late",), True),
        ("A1-4-3-1b", "FLOW_INCOMPLETE", ("confirmed_unfiled",), True),
        ("A1-4-3-1b", "FLOW_LATE", ("flow_late",), True),
        ("A1-4-3-1b", "TRANSFER_ORDER", ("filed_after_change",), True),
        ("A1-4-3-1c", "ILLEGAL_MANAGER_CHANGE", ("illegal_manager_change",), True),
        ("A1-4-3-8a", "ORIGIN_EDIT", ("origin_edited",), True),
        ("A1-4-3-8a", "ORIGIN_STILL_ACTIVE", ("origin_still_active",), True),
    ):
        chosen = is_kind(world, person, *kinds)
        note_stories(world, rule, code, "transfer", unit, ids, person, chosen, is_violation)


def _edit_at_origin(world: World, person: Whole, success: Dates) -> None:
    """The origin changes basic information of an archive that has left; on the day itself it still may."""
    edited = is_kind(world, person, "origin_edited")
    who, size = person[edited], int(edited.sum())
    at = plus(success[edited], world.random("origin edits").integers(2, 25, size=size))
    moment = moment_text(at, 700)
    add_versions(
        world,
        who,
        at,
        {
            "phone": world.new_phones(size),
            "modified_by_org_code": org_codes(world, world.people.org[who]),
            "modified_at": moment,
        },
        seq=2,
    )


def _inside(world: World, person: Whole) -> None:
    """Transfers within one district: the same archive gets another manager, the city files it."""
    people, size = world.people, len(person)
    generator = world.random("inside")
    first, last = story_window(world)
    origin = people.org[person]
    target = other_org(world, "inside", origin, False)
    applied = away_from_year_end(draw_days(world, "inside", size, first, plus(last, -20)), first)
    decided = plus(applied, generator.integers(0, 6, size=size))
    add_transfers(
        world,
        person,
        origin,
        target,
        "2",
        np.where(generator.random(size) < 0.8, "1", "2"),
        applied,
        decided,
        np.full(size, "1"),
        decided,
        decided,
        generator,
    )
    add_versions(
        world,
        person,
        decided,
        {
            "manage_org_code": org_codes(world, target),
            "manage_from_date": decided,
            "modified_by_org_code": org_codes(world, target),
            "modified_at": moment_text(decided, 970),
            "basic_info_verified_at": moment_text(decided, 970),
        },
    )
    people.stay_to[person] = decided
    resume_stay(world, person, person, target, decided)
    note_managers(world, person, target, decided)


def _second_crossings(world: World) -> None:
    """Two cross-district transfers of one resident: inside, on and after the 180 days of protection."""
    person = members(world, *_PROTECTED, "protection_violated")
    if not len(person):
        return
    people, size = world.people, len(person)
    generator = world.random("second crossings")
    first, last = story_window(world)
    origin = people.org[person]
    middle = other_org(world, "second 1", origin, True)
    target = other_org(world, "second 2", middle, True, avoid=origin)
    gap = generator.integers(20, 170, size=size)
    for kind, days in _PROTECTED.items():
        gap = np.where(is_kind(world, person, kind), days, gap)
    start = draw_days(world, "second crossings", size, first, plus(last, -185))
    # Every step is applied for, decided and filed on one day, so that only the protection is at stake.
    one = start
    two = plus(start, gap)
    violated = gap < 180
    unit_of = world.places.org_unit
    all_ids = []
    for at, source, goal, is_second in ((one, origin, middle, False), (two, middle, target, True)):
        ids = add_transfers(
            world,
            person,
            source,
            goal,
            "1",
            np.full(size, "1"),
            at,
            at,
            np.full(size, "1"),
            at,
            at,
            generator,
        )
        all_ids.append(ids)
        record_applications(
            world,
            person=person,
            deciding_unit=unit_of[source],
            path="1",
            applied=at,
            decided=at,
            decision="1",
            success=at,
            is_protection_violation=violated & is_second,
            is_unreasoned=False,
        )
        note_managers(world, person, goal, at)
    copy = move_archive(world, person, person, middle, one)
    people.stay_to[person] = one
    last_copy = move_archive(world, person, copy, target, two)
    resume_stay(world, person, copy, middle, one)
    world.stays[-1] = world.stays[-1].with_columns(stay_to=pl.Series(two))
    resume_stay(world, person, last_copy, target, two)
    unit = unit_of[target]
    note_stories(world, "A1-4-3-6", "PROTECTION_VIOLATION", "transfer", unit, all_ids[1], person, violated)
    note_stories(world, "A1-4-3-6b", "EARLY_APPLY", "transfer", unit, all_ids[1], person, violated)
    note_stories(world, "A1-4-3-6", "", "transfer", unit, all_ids[1], person, ~violated, is_violation=False)


def _refused_in_protection(world: World) -> None:
    """A transfer, and a second application within its protection that is refused without a word.

    The refusal justifies itself; only the early application is found.
    """
    person = members(world, "refused_in_protection")
    if not len(person):
        return
    people, size = world.people, len(person)
    generator = world.random("refused in protection")
    first, last = story_window(world)
    origin = people.org[person]
    middle = other_org(world, "refused 1", origin, True)
    target = other_org(world, "refused 2", middle, True, avoid=origin)
    start = draw_days(world, "refused in protection", size, first, plus(last, -150))
    start = away_from_year_end(start, first)
    again = away_from_year_end(plus(start, generator.integers(45, 110, size=size)), first)
    unit_of = world.places.org_unit
    nothing = np.full(size, NEVER)
    ids = []
    for at, source, goal, decision in ((start, origin, middle, "1"), (again, middle, target, "2")):
        done = at if decision == "1" else nothing
        ids.append(
            add_transfers(
                world,
                person,
                source,
                goal,
                "1",
                np.full(size, "1"),
                at,
                at,
                np.full(size, decision),
                done,
                done,
                generator,
                gives_reason=False,
            )
        )
        record_applications(
            world,
            person=person,
            deciding_unit=unit_of[source],
            path="1",
            applied=at,
            decided=at,
            decision=decision,
            success=done,
            is_protection_violation=False,
            is_unreasoned=False,
        )
    copy = move_archive(world, person, person, middle, start)
    people.stay_to[person] = start
    resume_stay(world, person, copy, middle, start)
    note_managers(world, person, middle, start)
    everybody = np.ones(size, dtype=bool)
    unit = unit_of[target]
    note_stories(world, "A1-4-3-6b", "EARLY_APPLY", "transfer", unit, ids[1], person, everybody)
    note_stories(world, "A1-4-2c", "", "transfer", unit, ids[1], person, everybody, is_violation=False)


def _direct_changes(world: World) -> None:
    """Archives ended by loss that another institution takes over without asking, and the flawed ways."""
    ended = world.facts["lost"].filter(pl.col("person").is_in(members(world, *_DIRECT).tolist()))
    if ended.is_empty():
        return
    people = world.people
    person = ended["person"].to_numpy()
    archived = ended["archived"].to_numpy().astype("datetime64[D]")
    size = len(person)
    generator = world.random("direct")
    same = is_kind(world, person, "direct_same_district")
    unfiled = is_kind(world, person, "direct_unfiled")
    origin = people.org[person]
    target = np.where(
        same, other_org(world, "direct inside", origin, False), other_org(world, "direct", origin, True)
    )
    first = story_window(world)[0]
    at = away_from_year_end(plus(archived, 95 + generator.integers(0, 50, size=size)), first)
    at = np.where(at <= plus(archived, 91), plus(at, 45), at)
    done = np.where(unfiled, NEVER, at)
    ids = add_transfers(
        world,
        person,
        origin,
        target,
        "3",
        np.full(size, "1"),
        at,
        np.full(size, NEVER),
        np.full(size, ""),
        done,
        done,
        generator,
    )
    lawful = ~same & ~unfiled
    who, when, goal = person[lawful], at[lawful], target[lawful]
    copy = move_archive(world, who, who, goal, when)
    record = add_visit(world, who, copy, goal, when, "direct")
    add_contacts(world, who, copy, goal, when, "1", "1", "1", purpose="3")
    add_reactivations(world, who, copy, goal, when, record, when, when)
    set_status(world, who, "MANAGED", when)
    resume_stay(world, who, copy, goal, plus(when, 1))
    note_managers(world, who, goal, when)
    unit = world.places.org_unit[target]
    note_stories(world, "A1-4-3-3b", "DIRECT_SAME_DISTRICT", "transfer", unit, ids, person, same)
    note_stories(world, "A1-4-3-3b", "DIRECT_NOT_FILED", "transfer", unit, ids, person, unfiled)


def _direct_without_ground(world: World) -> None:
    """A managed archive taken over by the direct path: the confirmation is bypassed."""
    person = members(world, "direct_not_archived")
    people, size = world.people, len(person)
    generator = world.random("direct without ground")
    first, last = story_window(world)
    origin = people.org[person]
    target = other_org(world, "direct without ground", origin, True)
    at = away_from_year_end(draw_days(world, "direct without ground", size, first, last), first)
    ids = add_transfers(
        world,
        person,
        origin,
        target,
        "3",
        np.full(size, "1"),
        at,
        np.full(size, NEVER),
        np.full(size, ""),
        at,
        at,
        generator,
    )
    copy = move_archive(world, person, person, target, at)
    people.stay_to[person] = at
    resume_stay(world, person, copy, target, at)
    note_managers(world, person, target, at)
    everybody = np.ones(size, dtype=bool)
    unit = world.places.org_unit[target]
    note_stories(world, "A1-4-3-3b", "DIRECT_NOT_ARCHIVED", "transfer", unit, ids, person, everybody)


def _move_the_dead(world: World) -> None:
    """A transfer within the district of an archive closed because of death."""
    dead = world.facts["dead"].filter(pl.col("person").is_in(members(world, "dead_transferred").tolist()))
    if dead.is_empty():
        return
    person = dead["person"].to_numpy()
    size = len(person)
    generator = world.random("dead transferred")
    archived = dead["archived"].to_numpy().astype("datetime64[D]")
    at = np.minimum(plus(archived, 5 + generator.integers(0, 30, size=size)), world.plan.last)
    origin = world.people.org[person]
    target = other_org(world, "dead transferred", origin, False)
    ids = add_transfers(
        world,
        person,
        origin,
        target,
        "2",
        np.full(size, "1"),
        at,
        at,
        np.full(size, "1"),
        at,
        at,
        generator,
    )
    everybody = np.ones(size, dtype=bool)
    unit = world.places.org_unit[target]
    note_stories(world, "A1-4-3-3a", "TRANSFER_AFTER_DEATH", "transfer", unit, ids, person, everybody)

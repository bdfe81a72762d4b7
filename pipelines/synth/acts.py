"""Single acts that stories are made of: visits, contact attempts, terminations, reactivations, states.

Not here: which acts make a story (lost.py, deaths.py, departures.py, returns.py, moves.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipelines.synth.archives import add_versions, doctors, identity_block, org_codes
from pipelines.synth.cases import (
    draw_days,
    is_kind,
    story_window,
)
from pipelines.synth.clock import (
    FAR,
    Dates,
    Whole,
    away_from_year_end,
    moment_text,
    plus,
)
from pipelines.synth.world import World

#: Stories that go on for half a year after the termination.
_LONG_KINDS = (
    "reactivated_lost",
    "reactivated_moved",
    "reactivated_without_service",
    "reactivated_unfiled",
    "reactivated_before_archive",
    "reactivated_old_contact",
    "served_without_reactivation",
    "reactivated_dead",
    "archived_direct",
    "direct_same_district",
    "direct_unfiled",
    "dead_transferred",
    "moved_then_edited",
)


def declared_days(world: World, topic: str, person: Whole) -> Dates:
    """Days of the acts: spread over the period, early enough for stories that go on."""
    first, last = story_window(world)
    long = is_kind(world, person, *_LONG_KINDS)
    days = draw_days(world, topic, len(person), first, last)
    early = draw_days(world, topic + " early", len(person), first, plus(world.plan.last, -200))
    return away_from_year_end(np.where(long, early, days), first)


def add_visit(
    world: World, person: Whole, copy: Whole, org: Whole, at: Dates, topic: str, entered_late: Any = 0
) -> pl.Series:
    """Explicit clinic visits on given days, entered on the same day.

    Returns:
        Their record ids.
    """
    generator = world.random("visits " + topic)
    size = len(person)
    world.served_in_stories.append(pl.DataFrame({"person": person, "at": at}))
    record = world.new_ids("V", size)
    minute = generator.integers(9 * 60, 17 * 60, size=size)
    code = org_codes(world, org)
    doctor = doctors(code, generator.integers(0, 100, size=size))
    entered = plus(at, entered_late)
    world.deliver(
        "encounter",
        world.places.org_unit[org],
        entered,
        {
            "record_id": record,
            **identity_block(world, person, copy),
            "org_code": code,
            "doctor_id": doctor,
            "service_date": at,
            "mode_code": ["1"] * size,
            "capture_code": ["E"] * size,
            "entered_at": moment_text(entered, minute),
            "entered_by_id": doctor,
            "entered_by_org_type_code": ["1"] * size,
            "uploaded_at": moment_text(entered, minute + 60),
            "is_free": [False] * size,
            "encounter_type_code": ["1"] * size,
            "diagnosis_icd10": ["J06.9"] * size,
            "diagnosis_text": ["急性上呼吸道感染"] * size,
            "chief_complaint": ["咳嗽3天"] * size,
            "is_first_visit": [True] * size,
            "sbp": generator.integers(108, 138, size=size).astype(float),
            "dbp": generator.integers(64, 88, size=size).astype(float),
            "fee_yuan": np.round(generator.uniform(20, 180, size=size), 2),
        },
    )
    return record


def add_contacts(
    world: World,
    person: Whole,
    copy: Whole,
    org: Whole,
    at: Dates,
    channel: str,
    target: str,
    outcome: str,
    purpose: str = "1",
) -> None:
    """Contact attempts, entered on the day; rows whose day is NaT are left out."""
    known = ~np.isnat(at)
    person, copy, org, at = person[known], copy[known], org[known], at[known]
    size = len(person)
    minute = world.random(f"contacts {target}{outcome}{purpose}").integers(9 * 60, 18 * 60, size=size)
    world.deliver(
        "contact_attempt",
        world.places.org_unit[org],
        at,
        {
            "attempt_id": world.new_ids("CA", size),
            **identity_block(world, person, copy),
            "org_code": org_codes(world, org),
            "purpose_code": [purpose] * size,
            "channel_code": [channel] * size,
            "target_code": [target] * size,
            "attempted_at": moment_text(at, minute),
            "outcome_code": [outcome] * size,
            "entered_at": moment_text(at, minute + 5),
        },
    )


def add_terminations(
    world: World, person: Whole, kind: str, columns: dict[str, Any], sent: Dates
) -> pl.Series:
    """Termination rows of the managing institutions.

    Args:
        world: the city.
        person: positions.
        kind: LOST, DEAD or MOVED_OUT.
        columns: contract columns.
        sent: days from which the rows can be delivered.
    """
    people = world.people
    ids = world.new_ids("TM", len(person))
    world.deliver(
        "termination",
        people.unit[person],
        sent,
        {
            "termination_id": ids,
            **identity_block(world, person, person),
            "org_code": org_codes(world, people.org[person]),
            "kind_code": [kind] * len(person),
            **columns,
        },
    )
    return ids


def add_reactivations(
    world: World,
    person: Whole,
    copy: Whole,
    org: Whole,
    contact: Dates,
    record: pl.Series,
    reactivated: Dates,
    filed: Dates,
) -> pl.Series:
    """Reactivation rows of institutions that took an ended archive up again."""
    ids = world.new_ids("RA", len(person))
    world.deliver(
        "reactivation",
        world.places.org_unit[org],
        reactivated,
        {
            "reactivation_id": ids,
            **identity_block(world, person, copy),
            "org_code": org_codes(world, org),
            "contact_date": contact,
            "service_record_id": record,
            "reactivated_at": moment_text(reactivated, 780),
            "filed_at": moment_text(filed, 840),
        },
    )
    return ids


def set_status(world: World, person: Whole, code: str, at: Dates) -> None:
    """Recorded status from a day on, for those whose day is known."""
    known = ~np.isnat(at)
    world.status.append(
        pl.DataFrame(
            {"person": person[known], "status_code": [code] * int(known.sum()), "status_from": at[known]}
        )
    )


def set_expected(world: World, person: Whole, code: str) -> None:
    """What the evidence supports at the evaluation date, where it differs from the record."""
    # nobody at all would make a column without a type
    codes = pl.Series("expected_code", [code] * len(person), dtype=pl.String)
    world.expected.append(pl.DataFrame({"person": person, "expected_code": codes}))


def declare(world: World, copy: Whole, code: str, at: Dates) -> None:
    """The status an archive row states from a day on."""
    known = ~np.isnat(at)
    add_versions(world, copy[known], at[known], {"declared_status_code": [code] * int(known.sum())})


def resume_stay(world: World, person: Whole, copy: Whole, org: Whole, start: Dates) -> None:
    """Ordinary services begin (again) at an institution."""
    world.stays.append(
        pl.DataFrame(
            {
                "person": person,
                "copy": copy,
                "org": org,
                "stay_from": start,
                "stay_to": np.full(len(person), FAR),
            }
        )
    )

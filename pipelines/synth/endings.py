"""Terminations and what follows: lost, dead and moved-out residents, contact attempts, reactivations.

Not here: transfers of ended archives (moves.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipelines.synth.archives import add_versions, doctors, identity_block, org_codes
from pipelines.synth.cases import draw_days, is_kind, members, note_stories, story_window
from pipelines.synth.clock import (
    FAR,
    NEVER,
    Dates,
    Whole,
    add_months,
    away_from_year_end,
    moment_text,
    plus,
)
from pipelines.synth.world import World

_CAUSES = (
    ("I21.9", "急性心肌梗死"),
    ("I63.9", "脑梗死"),
    ("I61.9", "脑出血"),
    ("C34.9", "支气管或肺恶性肿瘤"),
    ("C22.0", "肝细胞癌"),
    ("J44.9", "慢性阻塞性肺疾病"),
    ("I25.9", "慢性缺血性心脏病"),
    ("E11.9", "2型糖尿病"),
    ("W19", "跌倒"),
)
_DESTINATIONS = ("510100", "440300", "330100", "520100", "310000", "350200", "530100")
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
)
_DEAD_KINDS = (
    "dead",
    "dead_boundary",
    "dead_running",
    "death_late",
    "death_late_boundary",
    "death_overdue",
    "death_after_info",
    "death_without_cause",
    "service_after_death",
    "service_after_death_archived",
    "reactivated_dead",
    "dead_transferred",
)
_MOVED_KINDS = (
    "moved_out",
    "reactivated_moved",
    "moved_without_informant",
    "moved_within_city",
    "moved_without_destination",
    "moved_returns_within_year",
)
#: Stories that go on for half a year after the termination.
_LONG_KINDS = (
    "reactivated_lost",
    "reactivated_moved",
    "reactivated_without_service",
    "reactivated_unfiled",
    "reactivated_before_archive",
    "served_without_reactivation",
    "reactivated_dead",
    "archived_direct",
    "direct_same_district",
    "direct_unfiled",
    "dead_transferred",
)


def add_endings(world: World) -> None:
    """Play every story of termination."""
    _stock(world)
    _lost(world, members(world, *_LOST_KINDS))
    _dead(world, members(world, *_DEAD_KINDS))
    _moved_out(world, members(world, *_MOVED_KINDS))


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
    world.expected.append(pl.DataFrame({"person": person, "expected_code": [code] * len(person)}))


def declare(world: World, copy: Whole, code: str, at: Dates) -> None:
    """The status an archive row states from a day on."""
    known = ~np.isnat(at)
    add_versions(world, copy[known], at[known], {"declared_status_code": [code] * int(known.sum())})


def _moments(world: World, topic: str, at: Dates) -> Any:
    return moment_text(at, world.random("minutes " + topic).integers(9 * 60, 17 * 60, size=len(at)))


def _stock(world: World) -> None:
    """Archives ended before the rules took effect: history of the stock, not judged."""
    people = world.people
    cutoff = np.datetime64("2024-11-01", "D")
    last = min(cutoff, plus(world.plan.first, -30))
    for kind, code in (("stock_lost", "LOST"), ("stock_dead", "DEAD"), ("stock_moved_out", "MOVED_OUT")):
        person = members(world, kind)
        declared = draw_days(world, kind, len(person), add_months(last, -8), last)
        moment = _moments(world, kind, declared)
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
                **_causes(world, kind, len(person)),
            }
        elif code == "MOVED_OUT":
            facts |= _departure(world, kind, declared)
            people.left[person] = declared
        else:
            facts |= {"declared_date": declared}
        add_terminations(world, person, code, facts, entered)
        set_status(world, person, code, declared)
        declare(world, person, code, declared)


def _lost(world: World, person: Whole) -> None:
    """Lost residents: the year of silence, failed attempts over every channel, the act, the archive."""
    people, generator = world.people, world.random("lost")
    org, copy, size = people.org[person], person, len(person)
    declared = declared_days(world, "lost", person)
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
    for kinds, rules in (
        (("premature_lost", "premature_lost_boundary", "lost_contact_within_year"), ("A1-6-1-1", "A1-6-2-3")),
    ):
        chosen = is_kind(world, person, *kinds)
        for rule in rules:
            note_stories(world, rule, "PREMATURE_LOST", "termination", unit, ids, person, chosen)
        set_expected(world, person[chosen], "MANAGED")
    note_stories(world, "A1-6-1-1", "LOST_WITHOUT_ATTEMPT", "termination", unit, ids, person, silent)
    note_stories(world, "A1-6-1-1", "LOST_CHANNEL_UNTRIED", "termination", unit, ids, person, half & ~silent)
    set_expected(world, person[half], "MANAGED")
    boundary = is_kind(world, person, "lost_boundary")
    note_stories(world, "A1-6-1-1", "", "termination", unit, ids, person, boundary, is_violation=False)
    note_stories(world, "A1-6-2-3c", "REACTIVATED_SOON", "termination", unit, ids, person, early)
    _reactivate(world, person, archived)
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


def _causes(world: World, topic: str, size: int) -> dict[str, Any]:
    pick = world.random("causes " + topic).integers(0, len(_CAUSES), size=size)
    return {
        "cause_icd10": np.array([code for code, _ in _CAUSES])[pick],
        "cause_text": np.array([text for _, text in _CAUSES])[pick],
    }


def _dead(world: World, person: Whole) -> None:
    """Deaths: the day, the news, the entry within a month of the news, documents, seal and archive."""
    people, generator = world.people, world.random("dead")
    size, unit = len(person), people.unit[person]
    last = world.plan.last
    late = is_kind(world, person, "death_late", "death_late_boundary")
    info = declared_days(world, "dead", person)
    # A late entry must fall into the year of the news.
    late_in_year = late & (info.astype("datetime64[M]").astype("int64") % 12 >= 8)
    info = np.where(late_in_year, add_months(info, -5), info)
    info = np.where(late & (info > plus(last, -75)), plus(info, -80), info)
    boundary = is_kind(world, person, "dead_boundary", "death_late_boundary")
    end_of_january = plus(
        add_months(np.full(size, world.plan.first.astype("datetime64[Y]").astype("datetime64[D]")), 1), -1
    )
    fits = (end_of_january > world.plan.first) & (end_of_january < plus(last, -40))
    info = np.where(boundary & fits & (np.arange(size) % 2 == 0), end_of_january, info)
    info = np.where(boundary & (info > plus(last, -35)), plus(info, -40), info)
    running = is_kind(world, person, "dead_running")
    overdue = is_kind(world, person, "death_overdue")
    draws = generator.integers(0, 10_000, size=(6, size))
    info = np.where(running, plus(np.full(size, last), -(draws[0] % 20)), info)
    info = np.where(overdue, plus(np.full(size, last), -(45 + draws[0] % 40)), info)
    delay = 1 + draws[1] % 15
    delay = np.where(is_kind(world, person, "service_after_death"), 16 + draws[1] % 10, delay)
    death = plus(info, -delay)
    reversed_order = is_kind(world, person, "death_after_info")
    death = np.where(reversed_order, plus(info, 2), death)
    limit = add_months(info, 1)
    entered = plus(info, draws[2] % 25)
    entered = np.where(reversed_order, plus(info, 3 + draws[2] % 10), entered)
    entered = np.where(is_kind(world, person, "dead_boundary"), limit, entered)
    entered = np.where(is_kind(world, person, "death_late"), plus(limit, 2 + draws[2] % 40), entered)
    entered = np.where(is_kind(world, person, "death_late_boundary"), plus(limit, 1), entered)
    entered = np.minimum(entered, np.where(late | running | overdue, FAR, last))
    unknown = running | overdue
    entered = np.where(unknown, NEVER, entered)
    archived = plus(entered, draws[3] % 5)
    evidence = np.minimum(plus(info, draws[4] % 3), np.where(unknown, FAR, entered))
    without_cause = is_kind(world, person, "death_without_cause")
    causes = {
        name: np.where(without_cause | unknown, None, values)
        for name, values in _causes(world, "dead", size).items()
    }
    people.death[person] = death
    people.stay_to[person] = np.minimum(death, info)
    sent = np.where(unknown, info, archived)
    ids = add_terminations(
        world,
        person,
        "DEAD",
        {
            "info_received_date": info,
            "evidence_code": ["1"] * size,
            "evidence_received_date": evidence,
            "death_date": death,
            **{name: pl.Series(values.tolist(), dtype=pl.String) for name, values in causes.items()},
            "entered_at": moment_text(entered, 600),
            "sealed_at": moment_text(entered, 610),
            "archived_at": moment_text(archived, 660),
            "filed_at": moment_text(archived, 720),
        },
        sent,
    )
    set_status(world, person, "DEAD", entered)
    set_expected(world, person[unknown], "DEAD")
    declare(world, person, "DEAD", np.where(unknown, NEVER, archived))
    rule = "A1-6-1-2a"
    note_stories(world, rule, "DEATH_ENTRY_LATE", "termination", unit, ids, person, late)
    note_stories(world, rule, "DEATH_ENTRY_OVERDUE", "termination", unit, ids, person, overdue)
    note_stories(world, "A1-6-1-2e", "DEATH_AFTER_NEWS", "termination", unit, ids, person, reversed_order)
    note_stories(
        world,
        rule,
        "",
        "termination",
        unit,
        ids,
        person,
        is_kind(world, person, "dead_boundary"),
        is_violation=False,
    )
    note_stories(world, "A1-6-2-3", "DEAD_WITHOUT_CAUSE", "termination", unit, ids, person, without_cause)
    _serve_the_dead(world, person, death, archived)
    _reactivate_dead(world, person, archived)
    world.facts["dead"] = pl.DataFrame(
        {
            "person": person,
            "info": info,
            "archived": archived,
            "is_on_time": ~(late | overdue),
            "is_evaluable": ~(running | reversed_order),
        }
    )


def _serve_the_dead(world: World, person: Whole, death: Dates, archived: Dates) -> None:
    """Visits dated after the death: before the archive was closed, or even after."""
    for kind, rules in (
        ("service_after_death", ("A1-6-1-2b", "ART-14b")),
        ("service_after_death_archived", ("A1-6-1-2b", "A1-4-3-3a", "ART-14b")),
    ):
        chosen = is_kind(world, person, kind)
        who, size = person[chosen], int(chosen.sum())
        offset = world.random(kind).integers(1, 12, size=size)
        at = plus(death[chosen] if kind == "service_after_death" else archived[chosen], offset)
        at = np.minimum(at, world.plan.last)
        records = add_visit(world, who, who, world.people.org[who], at, kind)
        codes = {"A1-6-1-2b": "SERVICE_AFTER_DEATH", "A1-4-3-3a": "SERVED_AFTER_DEATH_ARCHIVED"}
        for rule in rules:
            world.note(
                rule,
                codes.get(rule, "UPDATE_AFTER_STOP"),
                "encounter",
                world.people.unit[who],
                records,
                kind,
                who,
            )


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


def _moved_out(world: World, person: Whole) -> None:
    """Residents who left the city: told by themselves or their contact person, for a year or longer."""
    people, size = world.people, len(person)
    org, unit = people.org[person], people.unit[person]
    declared = declared_days(world, "moved out", person)
    facts = _departure(world, "moved out", declared)
    stranger = is_kind(world, person, "moved_without_informant")
    inside = is_kind(world, person, "moved_within_city")
    nowhere = is_kind(world, person, "moved_without_destination")
    back = is_kind(world, person, "moved_returns_within_year")
    facts["evidence_code"] = np.where(stranger, "9", facts["evidence_code"])
    facts["destination_code"] = pl.Series(
        np.where(nowhere, None, np.where(inside, "500101", facts["destination_code"])).tolist(),
        dtype=pl.String,
    )
    facts["return_expected_code"] = np.where(back, "2", facts["return_expected_code"])
    people.stay_to[person] = plus(facts["departed_date"], -1)
    people.left[person] = np.where(inside, NEVER, declared)
    told = np.where(stranger, NEVER, facts["info_received_date"])
    add_contacts(world, person, person, org, told, "1", "1", "1", purpose="3")
    archived = plus(declared, world.random("moved archive").integers(0, 4, size=size))
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
    flawed = stranger | inside | nowhere | back
    set_expected(world, person[flawed], "MANAGED")
    for chosen, code in (
        (stranger, "MOVED_OUT_WITHOUT_INFORMANT"),
        (inside, "DESTINATION_IN_CITY"),
        (nowhere, "DESTINATION_MISSING"),
        (back, "RETURN_WITHIN_YEAR"),
    ):
        note_stories(world, "A1-6-1-3", code, "termination", unit, ids, person, chosen)
    note_stories(world, "A1-6-2-3", "MOVED_OUT_WITHOUT_EVIDENCE", "termination", unit, ids, person, flawed)
    _reactivate(world, person, archived)
    world.facts["moved_out"] = pl.DataFrame({"person": person, "declared": declared, "is_compliant": ~flawed})


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


def _reactivate(world: World, everyone: Whole, all_archived: Dates) -> None:
    """Residents found again: contact, new service, reactivation, filing; and the flawed ways of doing it."""
    people = world.people
    lawful = ("reactivated_lost", "reactivated_moved")
    silent = "reactivated_without_service"
    chosen = is_kind(world, everyone, *lawful, silent, "reactivated_unfiled", "reactivated_before_archive")
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
    add_contacts(world, person, person, org, contact, "1", "1", "1", purpose="3")
    unfiled = is_kind(world, person, "reactivated_unfiled")
    filed = np.where(unfiled, NEVER, reactivated)
    ids = add_reactivations(
        world, person, person, org, contact, pl.Series(record.tolist(), dtype=pl.String), reactivated, filed
    )
    back = is_kind(world, person, *lawful)
    set_status(world, person[back], "MANAGED", service[back])
    set_status(world, person[early | unfiled], "MANAGED", service[early | unfiled])
    declare(world, person[~without], "MANAGED", reactivated[~without])
    resume_stay(world, person[back], person[back], org[back], plus(service[back], 1))
    people.returned[person[back]] = service[back]
    rule = "A1-6-2-2"
    note_stories(world, rule, "WITHOUT_SERVICE", "reactivation", unit, ids, person, without)
    note_stories(world, rule, "NOT_FILED", "reactivation", unit, ids, person, unfiled)
    note_stories(world, rule, "SERVICE_BEFORE_ARCHIVING", "reactivation", unit, ids, person, early)
    _served_without(world, everyone, all_archived)


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


def _reactivate_dead(world: World, everyone: Whole, all_archived: Dates) -> None:
    """A reactivation of an archive that was ended by death, which the regulation does not know."""
    people = world.people
    chosen = is_kind(world, everyone, "reactivated_dead")
    person, size = everyone[chosen], int(chosen.sum())
    at = plus(all_archived[chosen], 95)
    empty = pl.Series([None] * size, dtype=pl.String)
    ids = add_reactivations(world, person, person, people.org[person], at, empty, at, at)
    everybody = np.ones(size, dtype=bool)
    note_stories(
        world, "A1-6-2-2", "BACK_FROM_DEATH", "reactivation", people.unit[person], ids, person, everybody
    )


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

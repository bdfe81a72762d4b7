"""Pregnancies: the booklet, antenatal checks, the visit after discharge, the check after 42 days.

Not here: the children (childhood.py) and the births themselves (people.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipelines.synth.archives import doctors, identity_block, org_codes
from pipelines.synth.clock import NEVER, Dates, Whole, days_between, plus
from pipelines.synth.forms import choose, deliver_form, placed, same
from pipelines.synth.readings import reading
from pipelines.synth.world import World, masked

_EARLY_SHARE = 0.88
#: Antenatal follow-ups 2 to 5: first and last week of their windows.
_WINDOWS = ((16, 20), (21, 24), (28, 35), (36, 38))
_RISKS = {"1": 0.62, "2": 0.27, "3": 0.07, "4": 0.02, "5": 0.02}


def add_pregnancies(world: World, stays: pl.DataFrame) -> None:
    """Every birth of the period had its pregnancy; others still last on the last day.

    Leaves `world.facts["pregnancies"]`: person, lmp, booked, first_check, born, discharged, live_births and
    visited (days, NaT = not or not yet).
    """
    mother, lmp, born, children = _pregnancies(world)
    size = len(mother)
    generator = world.random("pregnancies")
    early = generator.random(size) < _EARLY_SHARE
    booked = plus(lmp, np.where(early, generator.integers(42, 91, size), generator.integers(91, 160, size)))
    is_here = (booked <= world.plan.last) & (booked < np.where(np.isnat(born), world.plan.last, born))
    mother, lmp, born, children, booked = (
        column[is_here] for column in (mother, lmp, born, children, booked)
    )
    size = len(mother)
    discharged = plus(born, generator.integers(3, 7, size=size))
    risk = choose(generator, size, _RISKS)
    first = _antenatal_first(world, stays, mother, lmp, booked, risk)
    _antenatal_followups(world, stays, mother, lmp, born, risk)
    visited = _postpartum(world, stays, mother, born, discharged)
    closed = _after_42_days(world, stays, mother, born, discharged)
    _registers(world, mother, lmp, booked, born, discharged, children, risk, closed)
    world.facts["pregnancies"] = pl.DataFrame(
        {
            "person": mother,
            "lmp": lmp,
            "booked": booked,
            "first_check": first,
            "born": born,
            "discharged": discharged,
            "live_births": children,
            "visited": visited,
        }
    )


def _pregnancies(world: World) -> tuple[Whole, Dates, Dates, Whole]:
    """Mother, last menstruation, birth (NaT = still to come), number of children."""
    people, last = world.people, world.plan.last
    generator = world.random("mothers")
    born_to = people.mother[people.is_newborn]
    mother, first, children = np.unique(born_to, return_index=True, return_counts=True)
    birth = people.birth[people.is_newborn][first]
    lmp = plus(birth, -generator.integers(262, 288, size=len(mother)))
    age = people.age_on(last)
    hers = (people.sex == 2) & (people.spouse >= 0) & (age >= 20) & (age <= 40) & people.has_archive
    hers &= (people.case == 0) & (people.created < last) & (people.birth < last)
    hers[mother] = False
    # A child of the last two years: the next one would follow too soon.
    small = (people.guardian >= 0) & (age < 3)
    hers[people.guardian[small]] = False
    wanted = max(1, round(len(mother) * 270 / max(world.plan.span, 1)))
    waiting = np.sort(generator.permutation(np.flatnonzero(hers))[:wanted])
    begun = plus(np.full(len(waiting), last), -generator.integers(45, 250, size=len(waiting)))
    return (
        np.r_[mother, waiting],
        np.r_[lmp, begun],
        np.r_[birth, np.full(len(waiting), NEVER)],
        np.r_[children, np.zeros(len(waiting), dtype=np.int64)].astype(np.int64),
    )


def _weeks(lmp: Dates, at: Dates) -> dict[str, Whole]:
    days = days_between(lmp, at)
    return {"gestation_weeks": days // 7, "gestation_days": days % 7}


def _antenatal_first(
    world: World, stays: pl.DataFrame, mother: Whole, lmp: Dates, booked: Dates, risk: Any
) -> Dates:
    """The first check on the day of the booklet; returns its day by pregnancy, NaT = none."""
    who = placed(world, stays, mother, booked)
    person, _, _, at = who
    size = len(person)
    row = _rows_of(mother, person)
    generator = world.random("antenatal first")
    weight = np.round(reading(generator, 56, 7, size), 1).clip(40, 95)
    height = np.round(reading(generator, 158, 5, size), 1)
    father = world.people.spouse[person]
    deliver_form(
        world,
        "antenatal_first",
        "N",
        who,
        {
            **_weeks(lmp[row], at),
            "husband_name": masked(father >= 0, world.people.name.gather(np.maximum(father, 0))),
            "husband_phone": masked(father >= 0, world.people.phone.gather(np.maximum(father, 0))),
            "gravidity_count": generator.integers(1, 4, size=size),
            **same(size, vaginal_delivery_count=0, cesarean_count=0, miscarriage_count=0),
            "lmp_date": lmp[row],
            "expected_date": plus(lmp[row], 280),
            "height_cm": height,
            "weight_kg": weight,
            "bmi": np.round(weight / (height / 100) ** 2, 1),
            **_pressure(generator, size),
            **same(size, past_history_codes="1", family_history_codes="1", personal_history_codes="1"),
            **same(size, gynecologic_surgery_code="1", heart_code="1", lung_code="1", vulva_code="1"),
            **same(size, vagina_code="1", cervix_code="1", uterus_code="1", adnexa_code="1"),
            "hemoglobin": np.round(reading(generator, 119, 9, size).clip(80, 150)),
            "wbc": np.round(reading(generator, 8, 1.4, size).clip(4, 14), 1),
            "platelet": np.round(reading(generator, 215, 40, size).clip(110, 360)),
            "urine_protein_code": choose(generator, size, {"1": 0.95, "2": 0.04, "3": 0.01}),
            "abo_code": choose(generator, size, {"1": 0.3, "2": 0.25, "3": 0.36, "4": 0.09}),
            **same(size, rh_code="2"),
            "fasting_glucose_mmol": np.round(reading(generator, 4.6, 0.4, size).clip(3.5, 7), 1),
            "alt": np.round(reading(generator, 18, 5, size).clip(6, 60)),
            "ast": np.round(reading(generator, 19, 4, size).clip(8, 60)),
            "hbsag_code": np.where(risk[row] == "5", "2", "1"),
            **same(size, syphilis_code="1", hiv_code="1", ultrasound_text="宫内早孕，可见心管搏动"),
            "evaluation_code": np.where(risk[row] == "1", "1", "2"),
            "risk_codes": risk[row],
            **same(size, guidance_codes="1|2|3|5", referral_flag=False),
            "next_visit_date": plus(at, 35),
        },
    )
    checked = np.full(len(mother), NEVER)
    checked[row] = at
    return checked


def _antenatal_followups(
    world: World, stays: pl.DataFrame, mother: Whole, lmp: Dates, born: Dates, risk: Any
) -> None:
    for number, (first, last) in enumerate(_WINDOWS, start=2):
        generator = world.random(f"antenatal {number}")
        size = len(mother)
        at = plus(lmp, generator.integers(first * 7, last * 7 + 7, size=size))
        goes = (generator.random(size) < 0.9) & (np.isnat(born) | (at < born))
        who = placed(world, stays, mother[goes], at[goes])
        person, _, _, at = who
        size = len(person)
        row = _rows_of(mother, person)
        weeks = days_between(lmp[row], at) / 7
        deliver_form(
            world,
            "antenatal_followup",
            "N",
            who,
            {
                "visit_no": [number] * size,
                **_weeks(lmp[row], at),
                **same(size, chief_complaint="无不适"),
                "weight_kg": np.round(56 + (weeks - 10) * 0.4 + reading(generator, 0, 5, size), 1).clip(
                    40, 110
                ),
                "fundal_height_cm": np.round(weeks - 1 + reading(generator, 0, 1.2, size), 1).clip(10, 42),
                "abdomen_cm": np.round(74 + weeks * 0.6 + reading(generator, 0, 3, size), 1),
                "fetal_position_text": np.where(weeks >= 28, "头位", "未定"),
                "fetal_heart_bpm": generator.integers(122, 158, size=size).astype(float),
                **_pressure(generator, size),
                "hemoglobin": np.round(reading(generator, 114, 8, size).clip(78, 145)),
                "urine_protein_code": choose(generator, size, {"1": 0.94, "2": 0.05, "3": 0.01}),
                "class_code": np.where(np.isin(risk[row], ["3", "4"]), "2", "1"),
                "risk_codes": risk[row],
                **same(size, guidance_codes="1|2|5", referral_flag=False),
                "next_visit_date": plus(at, 28),
            },
        )


def _postpartum(world: World, stays: pl.DataFrame, mother: Whole, born: Dates, discharged: Dates) -> Dates:
    """The visit at home, mostly within a week of discharge; returns its day by pregnancy."""
    generator = world.random("postpartum visit")
    size = len(mother)
    wait = np.where(
        generator.random(size) < 0.85, generator.integers(2, 8, size), generator.integers(8, 36, size)
    )
    at = plus(discharged, wait)
    goes = ~np.isnat(born) & (generator.random(size) < 0.95)
    who = placed(world, stays, mother[goes], at[goes])
    person = who[0]
    size = len(person)
    row = _rows_of(mother, person)
    deliver_form(
        world,
        "postpartum_visit",
        "N",
        who,
        {
            "delivery_date": born[row],
            "discharge_date": discharged[row],
            "temperature_c": np.round(reading(generator, 36.6, 0.2, size), 1),
            **_pressure(generator, size),
            **same(size, general_health_code="1", psychological_code="1", breast_code="1", lochia_code="1"),
            **same(size, uterus_code="1", wound_code="1", class_code="1", guidance_codes="1|3|4|5"),
            **same(size, referral_flag=False),
            "next_visit_date": plus(born[row], 42),
        },
        mode="2",
    )
    visited = np.full(len(mother), NEVER)
    visited[row] = who[3]
    return visited


def _after_42_days(world: World, stays: pl.DataFrame, mother: Whole, born: Dates, discharged: Dates) -> Dates:
    generator = world.random("postpartum 42")
    at = plus(born, 42 + generator.integers(0, 13, size=len(mother)))
    goes = ~np.isnat(born) & (generator.random(len(mother)) < 0.88)
    who = placed(world, stays, mother[goes], at[goes])
    person = who[0]
    size = len(person)
    row = _rows_of(mother, person)
    deliver_form(
        world,
        "postpartum_42d",
        "N",
        who,
        {
            "delivery_date": born[row],
            "discharge_date": discharged[row],
            **_pressure(generator, size),
            **same(size, general_health_code="1", psychological_code="1", breast_code="1", lochia_code="1"),
            **same(size, uterus_code="1", wound_code="1", class_code="1", guidance_codes="1|2|3"),
            **same(size, closed_flag=True, referral_flag=False),
        },
    )
    closed = np.full(len(mother), NEVER)
    closed[row] = who[3]
    return closed


def _registers(
    world: World,
    mother: Whole,
    lmp: Dates,
    booked: Dates,
    born: Dates,
    discharged: Dates,
    children: Whole,
    risk: Any,
    closed: Dates,
) -> None:
    """The booklet's row: when it is opened, after the birth, when the case is closed."""
    people, last, size = world.people, world.plan.last, len(mother)
    ids = world.new_ids("MR", size)
    code = org_codes(world, people.org[mother])
    weeks = _weeks(lmp, booked)
    opened = {
        "register_id": ids,
        **identity_block(world, mother, mother),
        "org_code": code,
        "doctor_id": doctors(code, mother),
        "booked_date": booked,
        "booked_gestation_weeks": weeks["gestation_weeks"],
        "booked_gestation_days": weeks["gestation_days"],
        "lmp_date": lmp,
        "expected_date": plus(lmp, 280),
        "gravidity_count": 1 + mother % 3,
        "parity_count": mother % 2,
        "risk_codes": risk,
        "risk_assessed_date": booked,
    }
    for at, is_closed in ((booked, False), (discharged, False), (closed, True)):
        told = np.flatnonzero(~np.isnat(at) & (at <= last) & (np.maximum(at, people.created[mother]) <= last))
        if not len(told):
            continue
        after_birth = at is not booked
        frame = pl.DataFrame(opened)[told.tolist()].with_columns(
            _unit=pl.Series(people.unit[mother[told]]),
            _at=pl.Series(np.maximum(at[told], people.created[mother[told]])),
        )
        if after_birth:
            frame = frame.with_columns(
                delivery_date=pl.Series(born[told]),
                discharge_date=pl.Series(discharged[told]),
                delivery_org_name=pl.lit("区县妇幼保健院"),
                outcome_code=pl.lit("1"),
                live_birth_count=pl.Series(children[told]),
            )
        if is_closed:
            frame = frame.with_columns(closed_date=pl.Series(closed[told]))
        world.rows.setdefault("maternal_register", []).append(frame)


def _pressure(generator: Any, size: int) -> dict[str, Any]:
    sbp = np.round(reading(generator, 112, 9, size)).clip(88, 138)
    return {"sbp": sbp, "dbp": np.round(sbp * 0.62 + reading(generator, 1, 4, size)).clip(50, 88)}


def _rows_of(all_persons: Whole, person: Whole) -> Whole:
    """Positions of persons among the pregnancies (each woman has one)."""
    order = np.argsort(all_persons, kind="stable")
    return np.asarray(order[np.searchsorted(all_persons[order], person)])

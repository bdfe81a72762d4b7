"""Ordinary services: clinic visits, registers, signing with its contacts, the restricted list.

Not here: examinations (checkups.py), follow-ups (followups.py), flaws in records (records.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from pipelines.synth.acts import (
    add_contacts,
)
from pipelines.synth.archives import doctors, identity_block, org_codes
from pipelines.synth.checkups import add_exams
from pipelines.synth.childhood import add_childhood
from pipelines.synth.clock import (
    Dates,
    Whole,
    add_months,
    days_between,
    full_years,
    plus,
    year_of,
)
from pipelines.synth.elderly import add_elderly
from pipelines.synth.followups import add_followups
from pipelines.synth.maternal import add_pregnancies
from pipelines.synth.mental_health import add_mental_health
from pipelines.synth.referrals import add_hospital_contacts
from pipelines.synth.services import (
    all_stays,
    place,
    placed_columns,
    service_columns,
    where_measured,
)
from pipelines.synth.tuberculosis import add_tuberculosis
from pipelines.synth.world import World

_DIAGNOSES = (
    ("J06.9", "急性上呼吸道感染", "咳嗽、流涕3天"),
    ("I10", "高血压", "头昏1周"),
    ("K29.5", "慢性胃炎", "上腹不适半月"),
    ("M54.5", "腰痛", "腰部疼痛5天"),
    ("J20.9", "急性支气管炎", "咳嗽、咳痰1周"),
    ("E11.9", "2型糖尿病", "口干2周"),
    ("L30.9", "皮炎", "皮肤瘙痒3天"),
    ("K02.9", "龋齿", "牙痛2天"),
    ("M17.9", "膝关节骨性关节炎", "膝痛1月"),
)
_COLD, _PRESSURE, _BRONCHITIS, _DIABETES = 0, 1, 4, 5
_COMMON = (2, 3, 6, 7, 8)
#: Visits of a month against the year's mean, from January on.
_MONTH_WEIGHTS = np.array([1.35, 1.2, 1.15, 0.95, 0.9, 0.85, 0.8, 0.8, 0.85, 0.95, 1.15, 1.3])


def add_care(world: World) -> None:
    """All ordinary services of the city."""
    stays = all_stays(world)
    _visits(world, stays)
    _registers(world)
    _signing(world)
    _restricted(world)
    add_exams(world, stays)
    for disease in ("HTN", "T2DM"):
        add_followups(world, stays, disease)
    add_pregnancies(world, stays)
    add_childhood(world, stays)
    add_elderly(world, stays)
    add_mental_health(world, stays)
    add_tuberculosis(world, stays)
    add_hospital_contacts(world, stays)


def _visits(world: World, stays: pl.DataFrame) -> None:
    people, plan = world.people, world.plan
    generator = world.random("visits")
    start = add_months(plan.first, -14)
    years = float(days_between(start, plan.last)) / 365
    age = people.age_on(plan.first)
    rate = np.interp(age, [0, 5, 15, 30, 50, 65, 80], [1.6, 1.4, 0.5, 0.5, 0.9, 1.6, 1.9])
    number = np.where(people.has_archive, generator.poisson(rate * years), 0)
    wished = np.repeat(np.arange(len(people)), number)
    at = _seasonal(generator, start, plan.last, len(wished))
    placed = place(stays, wished, at)
    person, copy, org, at = placed_columns(placed)
    size = len(person)
    in_hospital = generator.random(size) < 0.08
    org = np.where(in_hospital, world.places.hospital_of_unit[world.places.org_unit[org]], org)
    pick = _diagnoses(world, generator, person, at)
    years_old = full_years(people.birth[person], at)
    world.deliver(
        "encounter",
        world.places.org_unit[org],
        at,
        {
            **service_columns(
                world, generator, "E", person, copy, org, at, np.zeros(size, dtype=np.int64), False
            ),
            "capture_code": ["E"] * size,
            "mode_code": ["1"] * size,
            "encounter_type_code": np.where(in_hospital & (pick == 0), "2", "1"),
            "diagnosis_icd10": np.array([item[0] for item in _DIAGNOSES])[pick],
            "diagnosis_text": np.array([item[1] for item in _DIAGNOSES])[pick],
            "chief_complaint": np.array([item[2] for item in _DIAGNOSES])[pick],
            "is_first_visit": generator.random(size) < 0.6,
            "sbp": where_measured(years_old >= 35, generator.integers(104, 150, size=size)),
            "dbp": where_measured(years_old >= 35, generator.integers(62, 92, size=size)),
            "fee_yuan": np.round(generator.gamma(2.0, 45.0, size=size) + 5, 2),
        },
    )
    world.served.append(pl.DataFrame({"person": person, "at": at}))


def _seasonal(generator: Generator, first: np.datetime64, last: np.datetime64, size: int) -> Dates:
    """Days of visits between two days: from November to March half as many again as in summer."""
    span = int(days_between(first, last)) + 1
    days = plus(np.full(span, first), np.arange(span))
    weight = _MONTH_WEIGHTS[days.astype("datetime64[M]").astype("int64") % 12]
    ends = np.cumsum(weight)
    return np.asarray(days[np.searchsorted(ends, generator.random(size) * ends[-1], side="right")])


def _diagnoses(world: World, generator: Generator, person: Whole, at: Dates) -> Whole:
    """Positions among the diagnoses: colds in winter and of children, pressure and sugar of the patients."""
    size = len(person)
    winter = _MONTH_WEIGHTS[at.astype("datetime64[M]").astype("int64") % 12] > 1.1
    child = full_years(world.people.birth[person], at) < 15
    draws = generator.random((2, size))
    pick = np.array(_COMMON)[(draws[0] * len(_COMMON)).astype(np.int64)]
    cold = draws[1] < np.where(winter, 0.5, 0.2) + 0.25 * child
    chronic = draws[1] > 0.7
    pick = np.where(chronic & world.is_dm[person], _DIABETES, pick)
    pick = np.where(chronic & world.is_htn[person], _PRESSURE, pick)
    return np.where(cold, np.where(draws[0] < 0.75, _COLD, _BRONCHITIS), pick)


def _registers(world: World) -> None:
    people, plan = world.people, world.plan
    generator = world.random("registers")
    # A few patients are found in the period itself, at least half a year before its end.
    opened = max(min(plan.span - 200, 300), 1)
    for disease, flag in (("HTN", world.is_htn), ("T2DM", world.is_dm)):
        person = np.flatnonzero(flag)
        size = len(person)
        earliest = np.maximum(people.created[person], add_months(plan.first, -96))
        room = np.maximum(days_between(earliest, plan.first), 1)
        registered = plus(earliest, (generator.random(size) * room).astype(np.int64))
        new = generator.random(size) < 0.06
        recent = plus(np.full(size, plan.first), generator.integers(1, opened + 1, size=size))
        registered = np.where(new, recent, registered)
        _register_rows(world, disease, person, registered, generator, "RG")
    _small_registers(world)


def _register_rows(
    world: World, disease: str, person: Whole, registered: Dates, generator: Generator, prefix: str
) -> None:
    people, size = world.people, len(person)
    code = org_codes(world, people.org[person])
    ids = world.new_ids(prefix, size)
    confirmed = np.maximum(plus(registered, -generator.integers(0, 60, size=size)), people.birth[person])
    world.deliver(
        "chronic_register",
        people.unit[person],
        registered,
        {
            "register_id": ids,
            **identity_block(world, person, person),
            "org_code": code,
            "doctor_id": doctors(code, person),
            "disease_code": [disease] * size,
            "confirmed_date": confirmed,
            "registered_date": registered,
            "notified_date": _only(disease == "TB", plus(registered, -2)),
            "at_home_flag": [True] * size,
        },
    )
    world.facts[f"register {disease}"] = pl.DataFrame(
        {"person": person, "registered": registered, "confirmed": confirmed, "register_id": ids}
    )


def _only(condition: bool, dates: Dates) -> Dates:
    return dates if condition else np.full(len(dates), np.datetime64("NaT", "D"))


def _small_registers(world: World) -> None:
    """Severe mental disorders and tuberculosis: few, and the former on the restricted list."""
    people, plan = world.people, world.plan
    generator = world.random("small registers")
    # Restricted residents appear in no list of findings: nothing about them is flawed.
    complete = (world.cover_gap < 0) & (world.basic_gap < 0)
    pool = np.flatnonzero((people.case == 0) & people.is_signed & ~world.is_htn & ~world.is_dm & complete)
    chosen = generator.permutation(pool)
    few = max(2, round(plan.residents * 0.003))
    world.restricted = np.sort(chosen[:few])
    patients = np.sort(chosen[few : few + max(2, round(plan.residents * 0.0006))])
    # The list names other reasons too: those have no register of mental disorders.
    disturbed = world.restricted[restricted_classes(len(world.restricted)) == "SMI"]
    registered = np.maximum(people.created[disturbed], add_months(plan.first, -10))
    _register_rows(world, "SMI", disturbed, registered, generator, "RG")
    found = plus(
        np.full(len(patients), add_months(plan.first, -4)),
        generator.integers(0, plan.span + 90, size=len(patients)),
    )
    _register_rows(world, "TB", patients, np.maximum(people.created[patients], found), generator, "RG")


def restricted_classes(size: int) -> NDArray[np.str_]:
    """Classes of the entries of the restricted list, in the order of the persons."""
    return np.array(["SMI"] * 8 + ["SPECIAL", "CLASSIFIED"])[np.arange(size) % 10]


def _restricted(world: World) -> None:
    """Entries of the restricted list, reviewed every year; the last review stands in the row."""
    people, plan = world.people, world.plan
    person = world.restricted
    size = len(person)
    ids = world.new_ids("RL", size)
    listed = add_months(np.full(size, plan.first), -9)
    kinds = restricted_classes(size)
    for year in range(int(year_of(plan.first)), int(year_of(plan.last)) + 1):
        begun = np.datetime64(f"{year}-01-01", "D")
        reviewed = plus(np.full(size, begun), world.random(f"review {year}").integers(35, 140, size=size))
        done = (reviewed <= plan.last) & (reviewed > plan.first)
        columns = {
            **identity_block(world, person, person),
            "class_code": kinds,
            "org_code": org_codes(world, people.org[person]),
            "listed_date": listed,
        }
        if year == int(year_of(plan.first)):
            world.deliver(
                "restricted_list",
                people.unit[person],
                np.full(size, plan.first),
                {"entry_id": ids, **columns},
            )
        frame = pl.DataFrame(
            {
                "entry_id": ids,
                **columns,
                "reviewed_date": reviewed,
                "_unit": people.unit[person],
                "_at": reviewed,
            }
        )
        world.rows["restricted_list"].append(frame.filter(pl.Series(done)))


def _signing(world: World) -> None:
    """Yearly contracts with a family doctor, and at least one contact in every half-year."""
    people, plan = world.people, world.plan
    person = np.flatnonzero(people.is_signed)
    size = len(person)
    code = org_codes(world, people.org[person])
    for year in range(int(year_of(plan.first)), int(year_of(plan.last)) + 1):
        start = np.full(size, np.datetime64(f"{year}-01-01", "D"))
        world.deliver(
            "signing",
            people.unit[person],
            np.maximum(start, plan.first),
            {
                "contract_id": world.new_ids("SG", size),
                **identity_block(world, person, person),
                "org_code": code,
                "team_id": code + "T" + pl.Series(person % 3 + 1).cast(pl.String),
                "doctor_id": doctors(code, person),
                "start_date": start,
                "end_date": np.full(size, np.datetime64(f"{year}-12-31", "D")),
            },
        )
        for half in (0, 6):
            begun = add_months(np.datetime64(f"{year}-01-01", "D"), half)
            at = plus(
                np.full(size, begun), world.random(f"contact {year} {half}").integers(3, 175, size=size)
            )
            seen = (at > plan.first) & (at <= plan.last)
            add_contacts(
                world,
                person[seen],
                person[seen],
                people.org[person[seen]],
                at[seen],
                "1",
                "1",
                "1",
                purpose="2",
            )

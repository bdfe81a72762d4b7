"""Ordinary services: clinic visits, chronic registers, follow-ups, examinations, signing, restricted list.

Not here: flaws in the records (records.py) and services that belong to a story (endings.py, moves.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from pipelines.synth.archives import doctors, identity_block, org_codes
from pipelines.synth.clock import (
    FAR,
    Dates,
    Whole,
    add_months,
    days_between,
    full_years,
    moment_text,
    plus,
    year_of,
)
from pipelines.synth.endings import add_contacts
from pipelines.synth.world import World

_DIAGNOSES = (
    ("J06.9", "急性上呼吸道感染", "咳嗽、流涕3天"),
    ("I10", "高血压", "头昏1周"),
    ("K29.5", "慢性胃炎", "上腹不适半月"),
    ("M54.5", "腰痛", "腰部疼痛5天"),
    ("J20.9", "急性支气管炎", "咳嗽、咳痰1周"),
    ("E11.9", "2型糖尿病", "口干2周"),
    ("L30.9", "皮炎", "皮肤瘙痒3天"),
)
#: Items that every complete examination holds (regulation's exam form, contract §3).
_CORE = (
    "temperature_c",
    "pulse_bpm",
    "respiration_rpm",
    "height_cm",
    "weight_kg",
    "waist_cm",
    "evaluation_code",
)
REMOTE_SHARE = 0.01
REGULAR_SHARE = 0.7


def add_care(world: World) -> None:
    """All ordinary services of the city."""
    stays = all_stays(world)
    _visits(world, stays)
    _registers(world)
    _signing(world)
    _restricted(world)
    exams = _exam_dates(world)
    _exams(world, stays, exams)
    for disease in ("HTN", "T2DM"):
        _followups(world, stays, disease)


def all_stays(world: World) -> pl.DataFrame:
    """Where each person may be served when: person, copy, org, stay_from, stay_to (exclusive)."""
    people = world.people
    person = np.flatnonzero(people.has_archive)
    base = pl.DataFrame(
        {
            "person": person,
            "copy": person,
            "org": people.org[person],
            "stay_from": people.stay_from[person],
            "stay_to": people.stay_to[person],
        }
    )
    return pl.concat([base, *world.stays])


def _placed(stays: pl.DataFrame, person: Whole, at: Dates) -> pl.DataFrame:
    """Wished services that fall into a stay: person, at, copy, org, in the order of the wishes."""
    wishes = pl.DataFrame({"person": person, "at": at}).with_row_index("wish")
    several = stays.filter(pl.col("person").is_duplicated())
    one = wishes.join(
        stays.filter(~pl.col("person").is_duplicated()), on="person", how="inner", maintain_order="left"
    )
    more = wishes.join(several, on="person", how="inner", maintain_order="left")
    placed = pl.concat([one, more]).filter(
        (pl.col("at") >= pl.col("stay_from")) & (pl.col("at") < pl.col("stay_to"))
    )
    return placed.sort("wish").drop("wish", "stay_from", "stay_to")


def service_columns(
    world: World,
    generator: Generator,
    prefix: str,
    person: Whole,
    copy: Whole,
    org: Whole,
    at: Dates,
    delay: Whole,
    is_free: bool,
) -> dict[str, Any]:
    """Blocks P and S of service records, with entry `delay` days after the service."""
    size = len(person)
    code = org_codes(world, org)
    doctor = doctors(code, generator.integers(0, 1000, size=size))
    entered = plus(at, delay)
    minute = generator.integers(9 * 60, 18 * 60, size=size)
    return {
        "record_id": world.new_ids(prefix, size),
        **identity_block(world, person, copy),
        "org_code": code,
        "doctor_id": doctor,
        "service_date": at,
        "capture_code": np.where(generator.random(size) < 0.08, "P", "E"),
        "entered_at": moment_text(entered, minute),
        "entered_by_id": doctor,
        "entered_by_org_type_code": np.where(generator.random(size) < 0.06, "2", "1"),
        "uploaded_at": moment_text(entered, minute + 70),
        "is_free": [is_free] * size,
    }


def entry_delays(world: World, generator: Generator, at: Dates) -> Whole:
    """Lawful days between service and entry: mostly 0 or 1, up to 5, never across a year's end."""
    delay = generator.choice(6, size=len(at), p=np.array([0.55, 0.2, 0.1, 0.07, 0.05, 0.03]))
    end_of_year = plus((at.astype("datetime64[Y]") + 1).astype("datetime64[D]"), -1)
    return np.minimum(delay, days_between(at, end_of_year))


def _visits(world: World, stays: pl.DataFrame) -> None:
    people, plan = world.people, world.plan
    generator = world.random("visits")
    start = add_months(plan.first, -14)
    years = float(days_between(start, plan.last)) / 365
    age = people.age_on(plan.first)
    rate = np.interp(age, [0, 5, 15, 30, 50, 65, 80], [1.6, 1.4, 0.5, 0.5, 0.9, 1.6, 1.9])
    number = np.where(people.has_archive, generator.poisson(rate * years), 0)
    wished = np.repeat(np.arange(len(people)), number)
    at = plus(
        np.full(len(wished), start),
        generator.integers(0, int(days_between(start, plan.last)) + 1, len(wished)),
    )
    placed = _placed(stays, wished, at)
    person, copy, org, at = _columns(placed)
    size = len(person)
    in_hospital = generator.random(size) < 0.08
    org = np.where(in_hospital, world.places.hospital_of_unit[world.places.org_unit[org]], org)
    pick = generator.integers(0, len(_DIAGNOSES), size=size)
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
            "sbp": _maybe(years_old >= 35, generator.integers(104, 150, size=size)),
            "dbp": _maybe(years_old >= 35, generator.integers(62, 92, size=size)),
            "fee_yuan": np.round(generator.gamma(2.0, 45.0, size=size) + 5, 2),
        },
    )
    world.served.append(pl.DataFrame({"person": person, "at": at}))


def _columns(placed: pl.DataFrame) -> tuple[Whole, Whole, Whole, Dates]:
    return (
        placed["person"].to_numpy().astype(np.int64),
        placed["copy"].to_numpy().astype(np.int64),
        placed["org"].to_numpy().astype(np.int64),
        placed["at"].to_numpy().astype("datetime64[D]"),
    )


def _maybe(mask: NDArray[np.bool_], values: Any) -> NDArray[np.float64]:
    """Values where the mask holds, NaN (delivered as empty) elsewhere."""
    return np.where(mask, np.asarray(values, dtype=float), np.nan)


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
        world.facts[f"register {disease}"] = pl.DataFrame({"person": person, "registered": registered})
    _small_registers(world)


def _register_rows(
    world: World, disease: str, person: Whole, registered: Dates, generator: Generator, prefix: str
) -> None:
    people, size = world.people, len(person)
    code = org_codes(world, people.org[person])
    confirmed = np.maximum(plus(registered, -generator.integers(0, 60, size=size)), people.birth[person])
    world.deliver(
        "chronic_register",
        people.unit[person],
        registered,
        {
            "register_id": world.new_ids(prefix, size),
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


def _only(condition: bool, dates: Dates) -> Dates:
    return dates if condition else np.full(len(dates), np.datetime64("NaT", "D"))


def _small_registers(world: World) -> None:
    """Severe mental disorders and tuberculosis: few, and the former on the restricted list."""
    people, plan = world.people, world.plan
    generator = world.random("small registers")
    pool = np.flatnonzero((people.case == 0) & people.is_signed & ~world.is_htn & ~world.is_dm)
    chosen = generator.permutation(pool)
    few = max(2, round(plan.residents * 0.003))
    world.restricted = np.sort(chosen[:few])
    patients = np.sort(chosen[few : few + max(2, round(plan.residents * 0.0006))])
    for disease, person in (("SMI", world.restricted), ("TB", patients)):
        registered = np.maximum(people.created[person], add_months(plan.first, -10))
        _register_rows(world, disease, person, registered, generator, "RG")


def _restricted(world: World) -> None:
    """Entries of the restricted list, reviewed every year; the last review stands in the row."""
    people, plan = world.people, world.plan
    person = world.restricted
    size = len(person)
    ids = world.new_ids("RL", size)
    listed = add_months(np.full(size, plan.first), -9)
    kinds = np.array(["SMI"] * 8 + ["SPECIAL", "CLASSIFIED"])[np.arange(size) % 10]
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


def _exam_dates(world: World) -> pl.DataFrame:
    """Wished examinations: one a year for the elderly and the chronically ill, rarely for others."""
    people, plan = world.people, world.plan
    generator = world.random("exam dates")
    parts = []
    for year in range(int(year_of(plan.first)) - 1, int(year_of(plan.last)) + 1):
        start = np.datetime64(f"{year}-01-01", "D")
        turning = year - year_of(people.birth)
        chance = np.where(turning >= 65, 0.74, np.where(world.is_htn | world.is_dm, 0.8, 0.015))
        chosen = np.flatnonzero(
            people.has_archive & (turning >= 18) & (generator.random(len(people)) < chance)
        )
        offset = (generator.triangular(20, 130, 300, size=len(chosen))).astype(np.int64)
        parts.append(pl.DataFrame({"person": chosen, "at": plus(np.full(len(chosen), start), offset)}))
    return pl.concat(parts).filter(pl.col("at") <= pl.lit(plan.last))


def _exams(world: World, stays: pl.DataFrame, wished: pl.DataFrame) -> None:
    people, plan = world.people, world.plan
    generator = world.random("exams")
    placed = _placed(stays, wished["person"].to_numpy(), wished["at"].to_numpy().astype("datetime64[D]"))
    person, copy, org, at = _columns(placed)
    size = len(person)
    delay = entry_delays(world, generator, at)
    year = year_of(at)
    elderly = year - year_of(people.birth[person]) >= 65
    incomplete = generator.random(size) < 0.12
    # The missing item is one that persons of any age must have, so that no age rule blurs the verdict.
    missing = np.where(incomplete, generator.integers(0, len(_CORE) + 2, size=size), -1)
    sbp = np.clip(generator.normal(128, 14, size=size), 92, 198).round()
    dbp = np.clip(sbp * 0.6 + generator.normal(2, 6, size=size), 52, 118).round()
    values: dict[str, Any] = {
        "temperature_c": np.round(generator.normal(36.5, 0.2, size=size), 1),
        "pulse_bpm": generator.integers(58, 98, size=size).astype(float),
        "respiration_rpm": generator.integers(14, 22, size=size).astype(float),
        "height_cm": np.round(np.where(people.sex[person] == 1, 168, 157) + generator.normal(0, 5, size), 1),
        "weight_kg": np.round(np.where(people.sex[person] == 1, 67, 58) + generator.normal(0, 8, size), 1),
        "waist_cm": np.round(generator.normal(83, 8, size=size), 1),
        "evaluation_code": np.where(generator.random(size) < 0.4, "1", "2"),
    }
    pressure_gone = missing == len(_CORE)
    guidance_gone = missing == len(_CORE) + 1
    columns: dict[str, Any] = {}
    for index, name in enumerate(_CORE):
        column = values[name]
        if column.dtype.kind == "U":
            frame = pl.DataFrame({"gone": missing == index, "value": column})
            columns[name] = frame.select(pl.when(~pl.col("gone")).then("value")).to_series()
        else:
            columns[name] = _maybe(missing != index, column)
    guidance = pl.DataFrame(
        {
            "gone": guidance_gone,
            "value": np.array(["2", "4", "1|4", "9"])[generator.integers(0, 4, size=size)],
        }
    )
    world.deliver(
        "health_exam",
        world.places.org_unit[org],
        plus(at, delay),
        {
            **service_columns(world, generator, "X", person, copy, org, at, delay, True),
            "mode_code": np.where(generator.random(size) < 0.9, "1", "2"),
            **columns,
            "sbp_right": _maybe(~pressure_gone, sbp),
            "dbp_right": _maybe(~pressure_gone, dbp),
            **_laboratory(generator, elderly),
            "smoking_code": np.where(generator.random(size) < 0.22, "3", "1"),
            "drinking_code": np.array(list("1123"))[generator.integers(0, 4, size=size)],
            "exercise_code": np.array(list("1234"))[generator.integers(0, 4, size=size)],
            "diet_codes": ["1"] * size,
            "symptom_codes": ["01"] * size,
            "cerebrovascular_codes": ["1"] * size,
            "kidney_codes": ["1"] * size,
            "heart_codes": ["1"] * size,
            "vessel_codes": ["1"] * size,
            "eye_codes": np.where(generator.random(size) < 0.05, "4", "1"),
            "guidance_codes": guidance.select(pl.when(~pl.col("gone")).then("value")).to_series(),
        },
    )
    world.exams = pl.DataFrame(
        {
            "record_id": world.rows["health_exam"][-1]["record_id"],
            "dataset": ["health_exam"] * size,
            "person": person,
            "org": org,
            "at": at,
            "entered": plus(at, delay),
            "is_complete": ~incomplete,
        }
    ).filter(pl.col("entered") <= pl.lit(plan.last))


def _laboratory(generator: Generator, elderly: NDArray[np.bool_]) -> dict[str, Any]:
    """Tests and scales of the elderly form."""
    size = len(elderly)
    normal = {
        "fasting_glucose_mmol": (5.6, 0.7, 3.4),
        "total_cholesterol": (4.8, 0.7, 2.5),
        "triglyceride": (1.5, 0.4, 0.5),
        "ldl": (2.7, 0.4, 1.0),
        "hdl": (1.3, 0.2, 0.7),
        "alt": (24, 7, 6),
        "ast": (25, 6, 8),
        "total_bilirubin": (12, 3, 4),
        "creatinine": (72, 12, 40),
        "urea": (5.4, 1.1, 2.2),
        "hemoglobin": (132, 12, 90),
        "wbc": (6.1, 1.2, 3.2),
        "platelet": (205, 40, 100),
    }
    columns: dict[str, Any] = {
        name: _maybe(elderly, np.round(np.maximum(generator.normal(mean, spread, size), least), 2))
        for name, (mean, spread, least) in normal.items()
    }
    codes = {
        "urine_protein_code": np.where(generator.random(size) < 0.05, "3", "1"),
        "ecg_code": np.where(generator.random(size) < 0.15, "2", "1"),
        "abdominal_ultrasound_code": np.where(generator.random(size) < 0.2, "2", "1"),
        "self_care_code": np.where(generator.random(size) < 0.08, "2", "1"),
        "cognition_code": np.where(generator.random(size) < 0.06, "2", "1"),
        "emotion_code": np.where(generator.random(size) < 0.04, "2", "1"),
    }
    for name, values in codes.items():
        frame = pl.DataFrame({"elderly": elderly, "value": values})
        columns[name] = frame.select(pl.when("elderly").then("value")).to_series()
    return columns


def _followup_wishes(
    world: World, disease: str, generator: Generator
) -> tuple[Whole, Dates, NDArray[np.bool_]]:
    """Persons and days: once a quarter for the regular ones, by chance for the others; extra calls."""
    plan = world.plan
    register = world.facts[f"register {disease}"]
    person = register["person"].to_numpy().astype(np.int64)
    registered = register["registered"].to_numpy().astype("datetime64[D]")
    regular = generator.random(len(person)) < REGULAR_SHARE
    people_out, days_out, calls_out = [], [], []
    quarter = np.datetime64(f"{int(year_of(plan.first)) - 1}-07-01", "D")
    while quarter <= plan.last:
        following = add_months(quarter, 3)
        width = int(days_between(quarter, following))
        at = plus(np.full(len(person), quarter), generator.integers(0, width, size=len(person)))
        # In the quarter of the registration the visit follows it.
        at = np.where((registered > at) & (registered < following), plus(registered, 1), at)
        visits = (regular | (generator.random(len(person)) < 0.5)) & (at >= registered)
        by_phone = ~regular & (generator.random(len(person)) < 0.3)
        extra = visits & (generator.random(len(person)) < 0.06)
        people_out += [person[visits], person[extra]]
        days_out += [at[visits], plus(at[extra], 12)]
        calls_out += [by_phone[visits], np.ones(int(extra.sum()), dtype=bool)]
        quarter = following
    return np.concatenate(people_out), np.concatenate(days_out), np.concatenate(calls_out)


def _followups(world: World, stays: pl.DataFrame, disease: str) -> None:
    """Quarterly follow-ups of one disease with plausible values and thresholds hit exactly now and then."""
    people, plan = world.people, world.plan
    dataset, prefix = ("htn_followup", "H") if disease == "HTN" else ("dm_followup", "D")
    generator = world.random(dataset)
    wished, days, calls = _followup_wishes(world, disease, generator)
    wishes = pl.DataFrame({"person": wished, "at": days, "call": calls}).filter(
        pl.col("at") <= pl.lit(plan.last)
    )
    # One follow-up of a disease a day and person.
    wishes = wishes.sort("person", "at", "call").unique(["person", "at"], keep="first", maintain_order=True)
    placed = _placed(stays, wishes["person"].to_numpy(), wishes["at"].to_numpy().astype("datetime64[D]"))
    placed = placed.join(wishes, on=["person", "at"], how="left", maintain_order="left")
    person, copy, org, at = _columns(placed)
    size = len(person)
    by_phone = placed["call"].to_numpy()
    delay = entry_delays(world, generator, at)
    remote = (generator.random(size) < REMOTE_SHARE) & ~by_phone & (plan.units > 1)
    home = org
    hosts = world.places.town_org
    guest = hosts[generator.integers(0, len(hosts), size=size)]
    remote &= world.places.org_unit[guest] != world.places.org_unit[home]
    org = np.where(remote, guest, home)
    copy = np.where(remote, -1, copy)
    age = full_years(people.birth[person], at)
    limit = np.where(age >= 65, 150, 140)
    draws = generator.random((6, size))
    good = draws[0] < 0.72
    sbp = np.where(good, limit - 1 - np.floor(draws[1] * 26), limit + np.floor(draws[1] * 24))
    dbp = np.where(draws[2] < 0.93, 89 - np.floor(draws[3] * 25), 90 + np.floor(draws[3] * 12))
    unmeasured = by_phone & (draws[4] < 0.4)
    controlled = good & (dbp < 90) & ~unmeasured
    weight = np.round(62 + 9 * generator.standard_normal(size), 1)
    columns: dict[str, Any] = {
        **service_columns(world, generator, prefix, person, copy, org, at, delay, True),
        "mode_code": np.where(by_phone, "3", np.where(draws[5] < 0.3, "2", "1")),
        "local_residence_start_date": np.where(remote, plus(at, -90), np.datetime64("NaT", "D")),
        "symptom_codes": np.where(generator.random(size) < 0.2, "2", "1"),
        "sbp": _maybe(~unmeasured, sbp),
        "dbp": _maybe(~unmeasured, dbp),
        "weight_kg": _maybe(~by_phone, weight),
        "compliance_code": np.where(generator.random(size) < 0.8, "1", "2"),
        "adverse_reaction_code": ["1"] * size,
        "referral_flag": [False] * size,
    }
    has_glucose = np.zeros(size, dtype=bool)
    if disease == "HTN":
        columns |= {
            "heart_rate_bpm": _maybe(~by_phone, generator.integers(58, 96, size=size)),
            "smoking_per_day": np.where(generator.random(size) < 0.2, 10.0, 0.0),
            "salt_code": np.where(generator.random(size) < 0.4, "2", "1"),
        }
    else:
        controlled, has_glucose, glucose = _glucose(generator, by_phone, columns)
        del glucose
    columns["class_code"] = np.where(controlled, "1", "2")
    columns["next_visit_date"] = np.where(controlled, plus(at, 90), plus(at, 14))
    world.deliver(dataset, world.places.org_unit[org], plus(at, delay), columns)
    world.followups[disease] = pl.DataFrame(
        {
            "record_id": columns["record_id"],
            "dataset": [dataset] * size,
            "person": person,
            "org": org,
            "at": at,
            "entered": plus(at, delay),
            "is_face_to_face": ~by_phone,
            "is_controlled": controlled,
            "is_remote": remote,
        }
    ).filter(pl.col("entered") <= pl.lit(plan.last))
    del has_glucose


def _glucose(
    generator: Generator, by_phone: NDArray[np.bool_], columns: dict[str, Any]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    """Fasting glucose of the follow-ups; some have only a random value, which never counts as fasting."""
    size = len(by_phone)
    draws = generator.random((4, size))
    good = draws[0] < 0.6
    fasting = np.where(good, np.round(6.9 - draws[1] * 2.2, 1), np.round(7.0 + draws[1] * 3.5, 1))
    measured = ~by_phone | (draws[2] < 0.6)
    only_random = measured & (draws[3] < 0.05)
    has_fasting = measured & ~only_random
    columns |= {
        "dorsalis_pedis_code": ["1"] * size,
        "fasting_glucose_mmol": _maybe(has_fasting, fasting),
        "random_glucose_mmol": _maybe(only_random, np.round(fasting + 2.1, 1)),
        "hypoglycemia_code": ["1"] * size,
        "insulin_flag": generator.random(size) < 0.15,
    }
    return good & has_fasting, has_fasting, fasting


__all__ = ["FAR", "add_care", "all_stays"]

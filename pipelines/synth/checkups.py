"""Yearly health examinations, complete or lacking one item that everybody must have.

Not here: late or edited entries (records.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from pipelines.synth.clock import (
    plus,
    year_of,
)
from pipelines.synth.gaming import crowd_doctor, crowd_examinations
from pipelines.synth.readings import reading
from pipelines.synth.services import (
    entry_delays,
    place,
    placed_columns,
    service_columns,
    where_measured,
)
from pipelines.synth.world import World, masked

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


def add_exams(world: World, stays: pl.DataFrame) -> None:
    """Examinations of the residents, placed where they may be served."""
    wished = _exam_dates(world)
    people, plan = world.people, world.plan
    generator = world.random("exams")
    placed = place(stays, wished["person"].to_numpy(), wished["at"].to_numpy().astype("datetime64[D]"))
    person, copy, org, at = placed_columns(placed)
    at, crowded = crowd_examinations(world, person, org, at)
    size = len(person)
    delay = entry_delays(world, generator, at)
    year = year_of(at)
    elderly = year - year_of(people.birth[person]) >= 65
    incomplete = generator.random(size) < 0.12
    # The missing item is one that persons of any age must have, so that no age rule blurs the verdict.
    missing = np.where(incomplete, generator.integers(0, len(_CORE) + 2, size=size), -1)
    sbp = np.clip(reading(generator, 128, 14, size), 92, 198).round()
    dbp = np.clip(sbp * 0.6 + reading(generator, 2, 6, size), 52, 118).round()
    values: dict[str, Any] = {
        "temperature_c": np.round(reading(generator, 36.5, 0.2, size), 1),
        "pulse_bpm": generator.integers(58, 98, size=size).astype(float),
        "respiration_rpm": generator.integers(14, 22, size=size).astype(float),
        "height_cm": np.round(
            np.where(people.sex[person] == 1, 168, 157) + reading(generator, 0, 5, size), 1
        ),
        "weight_kg": np.round(np.where(people.sex[person] == 1, 67, 58) + reading(generator, 0, 8, size), 1),
        "waist_cm": np.round(reading(generator, 83, 8, size), 1),
        "evaluation_code": np.where(generator.random(size) < 0.4, "1", "2"),
    }
    pressure_gone = missing == len(_CORE)
    guidance_gone = missing == len(_CORE) + 1
    columns: dict[str, Any] = {}
    for index, name in enumerate(_CORE):
        column = values[name]
        if column.dtype.kind == "U":
            columns[name] = masked(missing != index, column)
        else:
            columns[name] = where_measured(missing != index, column)
    guidance = np.array(["2", "4", "1|4", "9"])[generator.integers(0, 4, size=size)]
    service = service_columns(world, generator, "X", person, copy, org, at, delay, True)
    one = masked(crowded, pl.Series([crowd_doctor(world)] * size, dtype=pl.String))
    service["doctor_id"] = pl.select(pl.coalesce(one, service["doctor_id"])).to_series()
    world.deliver(
        "health_exam",
        world.places.org_unit[org],
        plus(at, delay),
        {
            **service,
            "mode_code": np.where(generator.random(size) < 0.9, "1", "2"),
            **columns,
            "sbp_right": where_measured(~pressure_gone, sbp),
            "dbp_right": where_measured(~pressure_gone, dbp),
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
            "guidance_codes": masked(~guidance_gone, guidance),
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
        name: where_measured(elderly, np.round(np.maximum(reading(generator, mean, spread, size), least), 2))
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
        columns[name] = masked(elderly, values)
    return columns

"""Quarterly follow-ups of the hypertension and diabetes patients, with values on and around the thresholds.

Not here: late or edited entries (records.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from pipelines.synth.clock import (
    Dates,
    Whole,
    add_months,
    days_between,
    full_years,
    plus,
    year_of,
)
from pipelines.synth.readings import reading
from pipelines.synth.services import (
    entry_delays,
    place,
    placed_columns,
    service_columns,
    where_measured,
)
from pipelines.synth.world import World

REMOTE_SHARE = 0.01
REGULAR_SHARE = 0.7


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


def add_followups(world: World, stays: pl.DataFrame, disease: str) -> None:
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
    placed = place(stays, wishes["person"].to_numpy(), wishes["at"].to_numpy().astype("datetime64[D]"))
    placed = placed.join(wishes, on=["person", "at"], how="left", maintain_order="left")
    person, copy, org, at = placed_columns(placed)
    size = len(person)
    by_phone = placed["call"].to_numpy()
    delay = entry_delays(world, generator, at)
    remote = (generator.random(size) < REMOTE_SHARE) & ~by_phone & (plan.units > 1)
    home = org
    hosts = world.places.town_org
    hosts = hosts[~world.places.is_reformed[world.places.org_unit[hosts]]]
    remote &= len(hosts) > 0
    guest = np.resize(hosts, max(len(hosts), 1))[generator.integers(0, max(len(hosts), 1), size=size)]
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
    weight = np.round(reading(generator, 62, 9, size), 1)
    columns: dict[str, Any] = {
        **service_columns(world, generator, prefix, person, copy, org, at, delay, True),
        "mode_code": np.where(by_phone, "3", np.where(draws[5] < 0.3, "2", "1")),
        "local_residence_start_date": np.where(remote, plus(at, -90), np.datetime64("NaT", "D")),
        "symptom_codes": np.where(generator.random(size) < 0.2, "2", "1"),
        "sbp": where_measured(~unmeasured, sbp),
        "dbp": where_measured(~unmeasured, dbp),
        "weight_kg": where_measured(~by_phone, weight),
        "compliance_code": np.where(generator.random(size) < 0.8, "1", "2"),
        "adverse_reaction_code": ["1"] * size,
        "referral_flag": [False] * size,
    }
    any_glucose = controlled
    if disease == "HTN":
        columns |= {
            "heart_rate_bpm": where_measured(~by_phone, generator.integers(58, 96, size=size)),
            "smoking_per_day": np.where(generator.random(size) < 0.2, 10.0, 0.0),
            "salt_code": np.where(generator.random(size) < 0.4, "2", "1"),
        }
    else:
        controlled, any_glucose = _glucose(generator, by_phone, columns)
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
            "is_any_glucose": any_glucose,
            "is_remote": remote,
        }
    ).filter(pl.col("entered") <= pl.lit(plan.last))


def _glucose(
    generator: Generator, by_phone: NDArray[np.bool_], columns: dict[str, Any]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Add glucose values; some have only a random one, which never counts as fasting.

    Returns:
        Whether the fasting value is below 7.0 mmol/L; the same, or the only value a random one below 10.0.
    """
    size = len(by_phone)
    draws = generator.random((4, size))
    good = draws[0] < 0.6
    fasting = np.where(good, np.round(6.9 - draws[1] * 2.2, 1), np.round(7.0 + draws[1] * 3.5, 1))
    measured = ~by_phone | (draws[2] < 0.6)
    only_random = measured & (draws[3] < 0.05)
    has_fasting = measured & ~only_random
    by_chance = np.round(fasting + 2.1, 1)
    columns |= {
        "dorsalis_pedis_code": ["1"] * size,
        "fasting_glucose_mmol": where_measured(has_fasting, fasting),
        "random_glucose_mmol": where_measured(only_random, by_chance),
        "hypoglycemia_code": ["1"] * size,
        "insulin_flag": generator.random(size) < 0.15,
    }
    in_range = good & has_fasting
    return in_range, in_range | (only_random & (by_chance < 10.0))

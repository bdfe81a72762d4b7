"""What all service records share: where a person may be served, blocks P and S, the days until entry.

Not here: the single forms (care.py, checkups.py, followups.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from pipelines.synth.archives import doctors, identity_block, org_codes
from pipelines.synth.clock import (
    Dates,
    Whole,
    days_between,
    moment_text,
    plus,
)
from pipelines.synth.world import World


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


def place(stays: pl.DataFrame, person: Whole, at: Dates) -> pl.DataFrame:
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


def placed_columns(placed: pl.DataFrame) -> tuple[Whole, Whole, Whole, Dates]:
    return (
        placed["person"].to_numpy().astype(np.int64),
        placed["copy"].to_numpy().astype(np.int64),
        placed["org"].to_numpy().astype(np.int64),
        placed["at"].to_numpy().astype("datetime64[D]"),
    )


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


def where_measured(mask: NDArray[np.bool_], values: Any) -> NDArray[np.float64]:
    """Values where the mask holds, NaN (delivered as empty) elsewhere."""
    return np.where(mask, np.asarray(values, dtype=float), np.nan)

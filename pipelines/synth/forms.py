"""What the further service forms share: delivery of a form's rows, and the facts of them for the truth.

Not here: the forms themselves (maternal.py, childhood.py, elderly.py, mental_health.py, tuberculosis.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from pipelines.synth.clock import Dates, Whole, add_months, plus
from pipelines.synth.services import entry_delays, place, placed_columns, service_columns
from pipelines.synth.world import World

#: Forms outside the five days of annex 1 三(二): medical records and vaccinations (rulebook §1.6, 27 and 35).
OUTSIDE_ENTRY_SCOPE = ("consultation", "referral", "vaccination")
#: Forms sent with the last delivery of a quarter: a file a month would hold next to nothing.
QUARTERLY = ("smi_supplement", "smi_followup", "tb_first_visit", "tb_followup", "consultation", "referral")
_FACTS = {
    "record_id": pl.String,
    "dataset": pl.String,
    "person": pl.Int64,
    "org": pl.Int64,
    "at": pl.Date,
    "entered": pl.Date,
}


def history_start(world: World) -> np.datetime64:
    """First day of the services that the stock carries."""
    start: np.datetime64 = add_months(world.plan.first, -6)
    return start


def quarter_ends(world: World, at: Dates) -> Dates:
    """Days from which rows are sent that go out once a quarter: its last day, or the last day of all."""
    quarter = at.astype("datetime64[M]").astype("int64") // 3 * 3 + 3
    ends = plus(quarter.astype("datetime64[M]").astype("datetime64[D]"), -1)
    return np.where(at <= world.plan.last, np.minimum(ends, world.plan.last), at)


def same(size: int, **values: Any) -> dict[str, list[Any]]:
    """Columns with one value in every row."""
    return {name: [value] * size for name, value in values.items()}


def choose(generator: Generator, size: int, shares: dict[str, float]) -> NDArray[np.str_]:
    """Codes drawn by their shares."""
    weights = np.array(list(shares.values()))
    codes = np.array(list(shares))
    return np.asarray(codes[generator.choice(len(codes), size=size, p=weights / weights.sum())])


def placed(world: World, stays: pl.DataFrame, person: Whole, at: Dates) -> tuple[Whole, Whole, Whole, Dates]:
    """Wished services that can happen: person, copy, org, day; none after the last day."""
    possible = (at <= world.plan.last) & (at >= history_start(world))
    return placed_columns(place(stays, person[possible], at[possible]))


def deliver_form(
    world: World,
    dataset: str,
    prefix: str,
    who: tuple[Whole, Whole, Whole, Dates],
    columns: dict[str, Any],
    mode: Any = "1",
    is_free: bool = True,
) -> pl.Series:
    """Deliver service rows of a form, entered within the five days, and note them for the truth.

    Args:
        world: the city.
        dataset: the form.
        prefix: of its record ids.
        who: person, copy, org, day.
        columns: the form's own columns.
        mode: mode_code, one for all or one per row.
        is_free: whether residents pay nothing.

    Returns:
        Record ids.
    """
    person, copy, org, at = who
    size = len(person)
    generator = world.random(f"form {dataset} {len(world.rows.get(dataset, []))}")
    delay = entry_delays(world, generator, at)
    block = service_columns(world, generator, prefix, person, copy, org, at, delay, is_free)
    modes = np.broadcast_to(np.asarray(mode), (size,))
    entered = plus(at, delay)
    sent = quarter_ends(world, entered) if dataset in QUARTERLY else entered
    world.deliver(
        dataset, world.places.org_unit[org], sent, {**block, "mode_code": pl.Series(modes), **columns}
    )
    facts = pl.DataFrame(
        {
            "record_id": block["record_id"],
            "dataset": pl.Series([dataset] * size, dtype=pl.String),
            "person": person,
            "org": org,
            "at": at,
            "entered": entered,
        },
        schema=_FACTS,
    ).filter(pl.col("entered") <= pl.lit(world.plan.last))
    name = f"form {dataset}"
    world.facts[name] = pl.concat([world.facts[name], facts]) if name in world.facts else facts
    return block["record_id"]


def form_facts(world: World) -> pl.DataFrame:
    """Delivered service rows of all further forms: record_id, dataset, person, org, at, entered."""
    parts = [frame for name, frame in sorted(world.facts.items()) if name.startswith("form ")]
    return pl.concat([pl.DataFrame(schema=_FACTS), *parts])

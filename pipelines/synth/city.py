"""Builds the synthetic city: `generate` is the one entry, used by `yudang synth`.

Not here: any single story or file format; this module only sets their order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.synth import (
    archives,
    care,
    cases,
    deaths,
    deliver,
    departures,
    expected,
    flaws,
    lost,
    moves,
    newborns,
    records,
    registers,
    territory,
    truth,
)
from pipelines.synth import (
    residents as population,
)
from pipelines.synth.clock import delivery_days
from pipelines.synth.people import build_people
from pipelines.synth.places import build_places
from pipelines.synth.world import Plan, World

FORMATS = ("csv", "parquet", "xlsx")


@dataclass(frozen=True)
class CitySummary:
    """What was written: residents, deliveries, files, rows and planted violations (truth lines)."""

    residents: int
    deliveries: int
    files: int
    rows: int
    violations: int
    as_of: date


def generate(
    out: Path,
    residents: int = 20_000,
    units: int = 5,
    first: date = date(2025, 1, 1),
    last: date = date(2026, 6, 30),
    seed: int = 1,
    defects: float = 0.02,
    file_format: str = "csv",
    progress: Callable[[str], None] | None = None,
) -> CitySummary:
    """Write a synthetic city: `out/inbox/<unit>/<day>/<batch>/` and `out/truth/`.

    Args:
        out: target folder; `inbox` and `truth` below it must not exist yet.
        residents: persons living in the sampled districts on `first`.
        units: delivering districts.
        first: day of the first delivery, which carries the stock.
        last: day of the last delivery; the truth is stated as of this day.
        seed: the same seed gives the same bytes.
        defects: share of the residents who carry a planted violation; 0 plants none.
        file_format: csv, parquet or xlsx.
        progress: called with a short text before each stage.

    Raises:
        ValueError: an argument out of its range, or a target that already holds a city.
    """
    if residents < 1:
        raise ValueError(f"residents must be 1 or more, not {residents}")
    if not 0 <= defects <= 0.5:
        raise ValueError(f"defects is a share between 0 and 0.5, not {defects}")
    if file_format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}, not {file_format!r}")
    if first >= last:
        raise ValueError("the first day must lie before the last day")
    inbox, truth_folder = out / "inbox", out / "truth"
    if inbox.exists() or truth_folder.exists():
        raise ValueError("the target folder already holds a city; choose another or empty it")
    tell = progress or (lambda _: None)
    plan = Plan(
        residents, units, np.datetime64(first, "D"), np.datetime64(last, "D"), seed, defects, file_format
    )
    tell("居民 people")
    world = build_world(plan)
    tell("事件 stories")
    counts = live(world)
    tell("数据行 rows")
    rows = collect_rows(world)
    tell("报送文件 files")
    deliveries = deliver.add_special_deliveries(world, deliver.split_rows(world, rows))
    written = deliver.write_deliveries(world, deliveries, inbox)
    tell("真值 truth")
    truth.write_truth(world, counts, truth_folder)
    expected.expected_figures(world).write_csv(truth_folder / "indicators.csv")
    return CitySummary(
        residents=residents,
        deliveries=written.select("unit", "day", "batch").n_unique(),
        files=written.height,
        rows=int(written["rows"].sum()),
        violations=int(pl.concat(world.lines)["is_violation"].sum()),
        as_of=last,
    )


def build_world(plan: Plan) -> World:
    """Places and residents of a plan, before anything happens."""
    places = build_places(plan.residents, plan.units)
    generator = np.random.default_rng([plan.seed, 1])
    people = build_people(places, plan.residents, plan.first, plan.last, generator)
    return World(plan, places, people, delivery_days(plan.first, plan.last))


def live(world: World) -> dict[str, int]:
    """Let everything happen; returns how many persons live each special story."""
    territory.add_territory(world)
    counts = cases.assign_cases(world)
    cases.draw_traits(world)
    departures.add_history(world)
    lost.add_lost(world)
    deaths.add_deaths(world)
    departures.add_departures(world)
    moves.add_moves(world)
    newborns.add_newborns(world)
    flaws.add_identity_flaws(world)
    care.add_care(world)
    records.add_record_flaws(world, counts)
    archives.change_phones(world)
    population.add_population(world)
    population.add_index(world)
    registers.add_registers(world)
    truth.note_disputes(world)
    return counts | truth.note_gaps(world) | truth.note_keyless(world)


def collect_rows(world: World) -> dict[str, pl.DataFrame]:
    """All rows by dataset, archives included."""
    rows = {name: pl.concat(frames, how="diagonal_relaxed") for name, frames in world.rows.items()}
    rows["archive"] = archives.archive_rows(world)
    return rows

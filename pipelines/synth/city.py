"""Builds the synthetic city: `generate` is the one entry, used by `yudang synth`.

Not here: any single story or file format; this module only sets their order.
"""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.synth import (
    archives,
    assemble,
    care,
    cases,
    deaths,
    departures,
    expected,
    flaws,
    gaming,
    lost,
    masses,
    moves,
    newborns,
    records,
    reform,
    refusals,
    registers,
    returns,
    slips,
    takeovers,
    territory,
    truth,
)
from pipelines.synth import (
    residents as population,
)
from pipelines.synth.clock import delivery_days
from pipelines.synth.deliver import Rows, sort_rows
from pipelines.synth.files import FORMATS
from pipelines.synth.people import build_people
from pipelines.synth.places import CITY, Places, build_places
from pipelines.synth.slices import Slice, cut, nobody, restrict
from pipelines.synth.spill import InMemory, OnDisk, write_rows
from pipelines.synth.world import Plan, World

#: Processes that make slices; each needs about 1.3 GB, whatever the size of the city.
WORKERS = 2
#: Most slices whose rows lie on disk at once before they become files: bounds the scratch space.
SLICES_PER_ROUND = 48
#: Cities above this number of residents tell persons and status as Parquet, a file per slice.
TRUTH_CSV_RESIDENTS = 2_000_000
#: Counts that every slice knows in part and the city delivers as one.
_FIGURES = ("population", "live_births")


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
    inbox_folder, truth_folder = out / "inbox", out / "truth"
    if inbox_folder.exists() or truth_folder.exists():
        raise ValueError("the target folder already holds a city; choose another or empty it")
    tell = progress or (lambda _: None)
    plan = Plan(
        residents, units, np.datetime64(first, "D"), np.datetime64(last, "D"), seed, defects, file_format
    )
    places = _city_places(residents, units)
    inbox = assemble.Inbox(
        inbox_folder,
        places.units,
        places.later_units,
        delivery_days(plan.first, plan.last),
        file_format,
        defects,
    )
    slices = cut(residents, places.weights)
    truth_folder.mkdir(parents=True)
    if len(slices) == 1:
        tally, written = _small_city(plan, slices[0], inbox, truth_folder, tell)
    else:
        tally, written = _large_city(plan, slices, inbox, out, tell)
    tally = _with_masses(tally, truth_folder)
    tell("清单 manifests")
    written += assemble.write_unit(inbox, -1, [InMemory(_figure_rows(plan, tally))])
    files = assemble.finish(inbox, written)
    assemble.quarantined(inbox, files).write_csv(truth_folder / "quarantine.csv")
    assemble.refused(inbox, files).write_csv(truth_folder / "refusals.csv")
    codes = sorted({*places.codes_on(plan.first), *places.codes_on(plan.last)})
    truth.write_summary(plan, codes, tally, truth_folder)
    return CitySummary(
        residents=residents,
        deliveries=len({one.folder for one in files}),
        files=len(files),
        rows=sum(one.entry["rows"] for one in files),
        violations=tally.violations,
        as_of=last,
    )


@cache
def _city_places(residents: int, units: int) -> Places:
    return build_places(residents, units)


def build_world(plan: Plan, share: Slice) -> World:
    """Places and residents of a slice, before anything happens; `plan` is the city's."""
    places = restrict(_city_places(plan.residents, plan.units), share.units)
    own = replace(plan, residents=share.residents, units=len(share.units))
    generator = np.random.default_rng([plan.seed, 1 + share.number])
    people = build_people(places, share, plan.first, plan.last, generator)
    return World(own, share, places, people, delivery_days(plan.first, plan.last))


def live(world: World) -> dict[str, int]:
    """Let everything happen; returns how many persons live each special story."""
    counts = cases.assign_cases(world)
    cases.draw_traits(world)
    departures.add_history(world)
    lost.add_lost(world)
    deaths.add_deaths(world)
    departures.add_departures(world)
    returns.add_needless_returns(world)
    moves.add_moves(world)
    takeovers.add_takeovers(world)
    newborns.add_newborns(world)
    flaws.add_identity_flaws(world)
    care.add_care(world)
    gaming.add_gaming(world)
    slips.add_slips(world)
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
    if len(world.people):
        rows["archive"] = archives.archive_rows(world)
    return reform.under_successors(world, rows)


@dataclass(frozen=True)
class _Lived:
    """One slice: rows by dataset, rows that break the contract, truth line by line, tally."""

    rows: dict[str, Rows]
    broken: list[refusals.BrokenRow]
    tables: dict[str, pl.DataFrame]
    tally: truth.Tally


_Made = tuple[truth.Tally, list[refusals.BrokenRow]]


def _slice(plan: Plan, share: Slice) -> _Lived:
    world = build_world(plan, share)
    counts = live(world)
    tables = truth.truth_tables(world)
    rows = collect_rows(world)
    tally = truth.Tally(
        counts,
        expected.expected_figures(world),
        truth.rule_counts(tables["violations"]),
        {name: rows.pop(name) for name in _FIGURES},
        masses.institution_months(world),
    )
    delivered = sort_rows(world, rows)
    broken = refusals.break_rows(world, delivered)
    refusals.send_spoiled(world, delivered)
    return _Lived(delivered, broken, tables, tally)


def _city_world(plan: Plan) -> World:
    """A world without residents: what the city and its districts say beside them."""
    return build_world(plan, nobody(len(_city_places(plan.residents, plan.units).units)))


def _territory_rows(plan: Plan) -> dict[str, Rows]:
    world = _city_world(plan)
    territory.add_territory(world)
    return sort_rows(world, collect_rows(world))


def _figure_rows(plan: Plan, tally: truth.Tally) -> dict[str, Rows]:
    return sort_rows(_city_world(plan), tally.figures)


def _small_city(
    plan: Plan, share: Slice, inbox: assemble.Inbox, truth_folder: Path, tell: Callable[[str], None]
) -> tuple[truth.Tally, list[assemble.Written]]:
    """One slice, in this process."""
    tell("居民 residents")
    lived = _slice(plan, share)
    for name, table in lived.tables.items():
        table.write_csv(truth_folder / f"{name}.csv")
    tell("报送文件 files")
    sources = [InMemory(_territory_rows(plan)), InMemory(lived.rows)]
    written = []
    for unit in range(-1, len(inbox.units)):
        written += assemble.write_unit(inbox, unit, sources, lived.broken)
    return lived.tally, written


def _large_city(
    plan: Plan, slices: list[Slice], inbox: assemble.Inbox, out: Path, tell: Callable[[str], None]
) -> tuple[truth.Tally, list[assemble.Written]]:
    """Slices by two processes, round by round: rows to disk, then the files of each district from them."""
    scratch, truth_folder = out / "scratch", out / "truth"
    tallies: list[truth.Tally] = []
    written: list[assemble.Written] = []
    turns: dict[int, int] = {}
    pool = ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn"))
    try:
        write_rows(_territory_rows(plan), scratch / "city")
        for batch in _rounds(slices):
            made = [pool.submit(_make_slice, plan, share, scratch, truth_folder) for share in batch]
            broken: list[refusals.BrokenRow] = []
            for share, slice_job in zip(batch, made, strict=True):
                tally, bad = slice_job.result()
                tallies.append(tally)
                broken += bad
                tell(f"居民 residents {share.number + 1}/{len(slices)}")
                _append_truth(scratch / str(share.number), truth_folder)
            jobs = {}
            for unit in [-1, *sorted({unit for share in batch for unit in share.units})]:
                turn = turns.get(unit, 0)
                turns[unit] = turn + 1
                folders = [scratch / str(one.number) for one in batch if unit < 0 or unit in one.units]
                if turn == 0:
                    folders.insert(0, scratch / "city")
                jobs[unit] = pool.submit(_make_files, inbox, unit, folders, broken, turn)
            for unit, file_job in jobs.items():
                written += file_job.result()
                tell(f"报送文件 files {inbox.units[unit] if unit >= 0 else CITY}")
            for share in batch:
                shutil.rmtree(scratch / str(share.number))
    finally:
        # After a failure nobody waits for the slices that were still to come.
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(scratch, ignore_errors=True)
    return truth.added_up(tallies), written


def _rounds(slices: list[Slice]) -> Iterator[list[Slice]]:
    """Slices in portions that hold whole groups of districts where these are small enough."""
    batch: list[Slice] = []
    for share in slices:
        rest = min(share.siblings, SLICES_PER_ROUND) if share.within == 0 else 1
        if batch and len(batch) + rest > SLICES_PER_ROUND:
            yield batch
            batch = []
        batch.append(share)
    if batch:
        yield batch


def _make_slice(plan: Plan, share: Slice, scratch: Path, truth_folder: Path) -> _Made:
    """Rows and truth of a slice to disk, in a process of its own; returns what is not written yet."""
    lived = _slice(plan, share)
    folder = scratch / str(share.number)
    write_rows(lived.rows, folder)
    for name, table in lived.tables.items():
        if plan.residents > TRUTH_CSV_RESIDENTS and name in ("persons", "status"):
            path = truth_folder / name / f"{share.number:04d}.parquet"
            path.parent.mkdir(exist_ok=True)
            table.write_parquet(path, compression="zstd", compression_level=1)
        else:
            table.write_csv(folder / f"{name}.csv", include_header=share.number == 0)
    return lived.tally, lived.broken


def _with_masses(tally: truth.Tally, truth_folder: Path) -> truth.Tally:
    """Add the lines that only the whole city can tell to the truth, and count them."""
    lines = masses.mass_lines(tally.institution_months)
    with (truth_folder / "violations.csv").open("ab") as whole:
        lines.write_csv(whole, include_header=False)
    found = pl.concat([tally.rule_counts, truth.rule_counts(lines).cast(tally.rule_counts.schema)])
    return replace(tally, rule_counts=found.sort("rule_id", "finding_code"))


def _append_truth(folder: Path, truth_folder: Path) -> None:
    for path in sorted(folder.glob("*.csv")):
        with path.open("rb") as part, (truth_folder / path.name).open("ab") as whole:
            shutil.copyfileobj(part, whole)


def _make_files(
    inbox: assemble.Inbox, unit: int, folders: list[Path], broken: list[refusals.BrokenRow], turn: int
) -> list[assemble.Written]:
    """Files of a district from the rows of slices, in a process of its own."""
    return assemble.write_unit(inbox, unit, [OnDisk(folder) for folder in folders], broken, turn)

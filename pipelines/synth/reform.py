"""The reform of 2026: what the abolished units knew goes on under their successors.

Not here: which districts and townships went where (places.py) and the stories, none of which is played there:
everything that is found in these districts was planted by nobody.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.synth.clock import Dates, Whole
from pipelines.synth.places import REFORM_DATE, reform_towns
from pipelines.synth.world import World

#: Datasets of which the successor sends what stands on the day of the reform, under its own archive numbers.
_TAKEN_OVER = ("archive", "restricted_list")


def in_reform(world: World, unit: Whole) -> NDArray[np.bool_]:
    """Whether units deliver under another code from the reform on."""
    return np.asarray(world.places.is_reformed[unit])


def archive_ids_on(world: World, unit: Whole, ids: pl.Series, at: Dates) -> pl.Series:
    """Archive ids as their unit writes them on a day: a successor puts the old district before the old id.

    Args:
        world: the city.
        unit: unit numbers, -1 = the city.
        ids: archive ids as the first unit gave them.
        at: days.
    """
    renamed = (unit >= 0) & in_reform(world, np.maximum(unit, 0)) & (at >= REFORM_DATE)
    old = pl.Series(np.array([code[3:6] for code in world.places.units])[np.maximum(unit, 0)])
    return pl.select(pl.when(pl.lit(pl.Series(renamed))).then(old + ids).otherwise(ids)).to_series()


def under_successors(world: World, rows: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Rows from the day of the reform on with the archive numbers and townships of the successors.

    Args:
        world: the city.
        rows: rows by dataset with `_unit` and `_at`.
    """
    if not world.places.is_reformed.any():
        return rows
    changed = dict(rows)
    for name in _TAKEN_OVER:
        if name in changed:
            changed[name] = _with_takeover(world, name, changed[name])
    for name, frame in changed.items():
        if "district_archive_id" in frame.columns and name != "city_index":
            changed[name] = _renamed(world, frame)
    return changed


def _with_takeover(world: World, name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The last state of each record before the reform again, to be sent by the successor."""
    key = "copy" if name == "archive" else "entry_id"
    unit = frame["_unit"].to_numpy().astype(np.int64)
    before = pl.Series(in_reform(world, unit)) & (frame["_at"] < pl.lit(REFORM_DATE))
    last = frame.filter(before).sort("_at", maintain_order=True).unique(key, keep="last", maintain_order=True)
    taken = last.with_columns(_at=pl.lit(REFORM_DATE).cast(frame["_at"].dtype))
    # First, so that a change in the month of the reform is the later state of the two.
    return pl.concat([taken, frame])


def _renamed(world: World, frame: pl.DataFrame) -> pl.DataFrame:
    unit = frame["_unit"].to_numpy().astype(np.int64)
    at = frame["_at"].to_numpy().astype("datetime64[D]")
    moved = pl.Series((unit >= 0) & in_reform(world, np.maximum(unit, 0)) & (at >= REFORM_DATE))
    if not moved.any():
        return frame
    ids = frame["district_archive_id"]
    changes = {"district_archive_id": archive_ids_on(world, unit, ids, at)}
    if "previous_district_archive_id" in frame.columns:
        changes["previous_district_archive_id"] = _where(moved, ids, frame["previous_district_archive_id"])
        towns = reform_towns()
        later = dict(towns.select("town_code", "new_town_code").iter_rows())
        town = frame["town_code"].replace(later)
        village = frame["village_code"]
        names = dict(towns.select("town_code", "new_town_name").iter_rows())
        name = frame["town_code"].replace_strict(names, default=frame["town_name"], return_dtype=pl.String)
        changes |= {
            "town_name": _where(moved, name, frame["town_name"]),
            "town_code": _where(moved, town, frame["town_code"]),
            "village_code": _where(moved, town + village.str.slice(9), village),
            "town_code_system": _where(moved, pl.Series(["MCA"] * frame.height), frame["town_code_system"]),
        }
    return frame.with_columns(**changes)


def _where(chosen: pl.Series, values: pl.Series, others: pl.Series) -> pl.Series:
    return pl.select(pl.when(pl.lit(chosen)).then(values).otherwise(others)).to_series()


def renamed_lines(world: World, lines: pl.DataFrame, column: str) -> pl.DataFrame:
    """Truth about archives as they stand on the last day: `column` with the successors' archive ids.

    Args:
        world: the city.
        lines: rows with `_unit`; where there is a `dataset`, only archives and persons are renamed.
        column: the column with the archive id.
    """
    unit = lines["_unit"].to_numpy().astype(np.int64)
    at = np.full(len(unit), world.plan.last)
    new = archive_ids_on(world, unit, lines[column], at)
    if "dataset" in lines.columns:
        new = _where(lines["dataset"].is_in(["archive", "person"]), new, lines[column])
    return lines.with_columns(new.alias(column))

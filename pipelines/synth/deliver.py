"""Which rows go into which delivery: stock and month ends, repeats, a withdrawal, a full delivery.

Not here: what the rows say, files (files.py) and how the rows of several slices meet in them (assemble.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from pipelines.contract.model import dataset
from pipelines.synth.world import World

#: Feeds that every unit keeps up, with a header only when there was nothing to say.
STANDING_FEEDS = ("contact_attempt", "termination", "transfer", "reactivation", "amendment")
#: The datasets of which the first unit sends its complete set.
_FULL_DATASETS = ("archive", "dm_followup")
_FEWEST_DAYS = 6
_KINDS: dict[str, Any] = {
    "string": pl.String,
    "integer": pl.Int64,
    "decimal": pl.Float64,
    "date": pl.Date,
    "timestamp": pl.Datetime("us"),
    "boolean": pl.Boolean,
}


class Folder(NamedTuple):
    """One delivery: its district among the city's (-1 = the city), number of the day, batch suffix."""

    unit: int
    day: int
    batch: str


@dataclass(frozen=True)
class Envelope:
    """What a manifest says beside its files; `minute` of the day of sending, `withdraws` as folders."""

    minute: int
    mode: str = "delta"
    withdraws: tuple[Folder, ...] = ()


@dataclass
class Rows:
    """Rows of one dataset under the contract, and which of them each delivery takes: first row, how many."""

    frame: pl.DataFrame
    parts: dict[Folder, tuple[int, int]] = field(default_factory=dict)

    def of(self, folder: Folder) -> pl.DataFrame:
        """The rows of one delivery; none where it has none."""
        first, count = self.parts.get(folder, (0, 0))
        return self.frame.slice(first, count)


@cache
def special_folders(units: int, days: int) -> dict[str, Folder]:
    """Repeats, a withdrawal and a full delivery beside the ordinary ones, by name.

    The second unit sends its visits of a month again word for word; the third takes a delivery back and
    sends it anew; the first sends the complete sets of its archives and of its diabetes follow-ups, without
    the vanished and the deleted ones.
    """
    if days < _FEWEST_DAYS:
        return {}
    return {
        "repeated": Folder(min(1, units - 1), 3, "02"),
        "taken_back": Folder(min(2, units - 1), 4, "02"),
        "full": Folder(0, days - 3, "03"),
    }


def envelope(folder: Folder, units: int, days: int) -> Envelope:
    """Mode, withdrawals and minute of sending of a delivery."""
    special = special_folders(units, days)
    if folder == special.get("full"):
        return Envelope(22 * 60 + 10, mode="full")
    if folder == special.get("taken_back"):
        return Envelope(21 * 60 + 50, withdraws=(Folder(folder.unit, folder.day, "01"),))
    if folder == special.get("repeated"):
        return Envelope(21 * 60 + 45)
    return Envelope(21 * 60 + 3 + (folder.unit * 7) % 30)


def contract_frame(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Rows with exactly the contract's columns, in its order and types."""
    columns = dataset(name).columns
    unknown = set(rows.columns) - {column.name for column in columns} - {"_unit", "_at", "copy"}
    if unknown:
        raise ValueError(f"columns that the contract does not know in {name}: {sorted(unknown)}")
    # Added as columns first: a selection of nothing but literals would make one row of no rows.
    absent = [
        pl.lit(None, dtype=_KINDS[column.type]).alias(column.name)
        for column in columns
        if column.name not in rows.columns
    ]
    return rows.with_columns(absent).select(_cast(column.name, _KINDS[column.type]) for column in columns)


def empty_frame(name: str) -> pl.DataFrame:
    """A dataset without rows."""
    return contract_frame(pl.DataFrame(schema={"_unit": pl.Int64}), name)


def _cast(name: str, kind: Any) -> pl.Expr:
    column = pl.col(name).cast(kind)
    return column.fill_nan(None) if kind == pl.Float64 else column


def sort_rows(world: World, rows: dict[str, pl.DataFrame]) -> dict[str, Rows]:
    """Rows by delivery: the latest state of each record by unit and delivery day.

    Rows dated after the last delivery are not sent. A record that changes twice between two deliveries is
    sent once, as it then stands.
    """
    delivered = {name: _sorted(world, name, rows[name]) for name in sorted(rows)}
    _add_special(world, delivered)
    return delivered


def _sorted(world: World, name: str, frame: pl.DataFrame) -> Rows:
    at = frame["_at"].to_numpy().astype("datetime64[D]")
    day = np.searchsorted(world.days, at)
    sent = np.flatnonzero(day < len(world.days))
    folder = (frame["_unit"].to_numpy().astype(np.int64) + 1) * len(world.days) + day
    # The states of a record in the order of the events.
    order = sent[np.lexsort((at[sent], folder[sent]))]
    rows = frame.with_columns(_folder=pl.Series(folder)).gather(order)
    key = dataset(name).key
    # Most records are sent once: asking for that first is cheaper.
    if len(key) > 1 or rows[key[0]].n_unique() < rows.height:
        rows = rows.unique(["_folder", *key], keep="last", maintain_order=True)
    numbers, first, count = np.unique(rows["_folder"].to_numpy(), return_index=True, return_counts=True)
    parts = {}
    for number, start, height in zip(numbers.tolist(), first.tolist(), count.tolist(), strict=True):
        place, day_number = divmod(number, len(world.days))
        parts[Folder(_city_unit(world, place - 1), day_number, "01")] = (start, height)
    return Rows(contract_frame(rows.drop("_folder"), name), parts)


def _city_unit(world: World, unit: int) -> int:
    return unit if unit < 0 else world.share.units[unit]


def _add_special(world: World, delivered: dict[str, Rows]) -> None:
    special = special_folders(world.share.city_units, len(world.days))
    if not special:
        return
    again = special["repeated"]
    _take_again(delivered, ["encounter"], again._replace(day=again.day - 1, batch="01"), again)
    anew = special["taken_back"]
    _take_again(delivered, delivered, anew._replace(batch="01"), anew)
    for name, gone in zip(_FULL_DATASETS, (world.vanished, world.deleted), strict=True):
        if name in delivered:
            _take_all(delivered[name], dataset(name).key[0], special["full"], gone)


def _take_all(rows: Rows, key: str, full: Folder, gone: pl.Series | None) -> None:
    """The last state of every record that the unit has sent, without those that are gone."""
    history = [rows.of(Folder(full.unit, day, "01")) for day in range(full.day + 1)]
    current = pl.concat(history).unique(key, keep="last", maintain_order=True)
    if gone is not None:
        current = current.filter(~pl.col(key).is_in(gone.implode()))
    if current.height:
        rows.parts[full] = (rows.frame.height, current.height)
        rows.frame = pl.concat([rows.frame, current])


def _take_again(delivered: dict[str, Rows], names: Iterable[str], source: Folder, target: Folder) -> None:
    for name in names:
        if name in delivered and source in delivered[name].parts:
            delivered[name].parts[target] = delivered[name].parts[source]

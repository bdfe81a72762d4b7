"""The month file: all rows of a unit's month of one dataset in one Parquet file; its name, order, content.

Not here: which days are put together and how that survives a kill (`compact.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from pipelines import duck
from pipelines.publish.content_hash import Content, table_content
from pipelines.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MONTH_FILE = "rows.parquet"
"""A month's rows lie in `day=YYYY-MM/rows.parquet`, beside the folders of days that are still open."""

_ORDER = ("received_at", "delivery_id", "delivery_file", "file_path", "delivery_row")
_ROW_GROUP = 100_000
_IN_MEMORY_BYTES = 8 * 1024 * 1024


class ContentChangedError(RuntimeError):
    """The rows of a month file are not those of its sources; the sources stand untouched."""

    def __init__(self, source: Path) -> None:
        place = "/".join(source.parts[-4:-1])
        super().__init__(
            f"the rows of {place} changed while they were put together; the days stay as they are"
        )


def month_path(root: Path, dataset: str, unit: str, day: date | None) -> Path | None:
    """Place of the month file that holds a day's rows once the month is compacted; None without a day."""
    if day is None:
        return None
    return root / dataset / f"unit={unit}" / f"day={day:%Y-%m}" / MONTH_FILE


def month_files(root: Path, unit: str, day: date | None) -> list[Path]:
    """Month files of all datasets below `root` (lake or quarantine) that may hold rows of a day."""
    return sorted(root.glob(f"*/unit={unit}/day={day:%Y-%m}/{MONTH_FILE}")) if day else []


def delivery_ids(path: Path) -> frozenset[str]:
    """Deliveries that have rows in a month file."""
    frame = pl.read_parquet(path, columns=["delivery_id"], hive_partitioning=False)
    return frozenset(frame["delivery_id"].unique())


def work_folder(settings: Settings) -> Path:
    """Where month files are written before they count; no pattern of a reader reaches it."""
    return settings.lake / ".compaction"


def write_sorted(
    connection: DuckDBPyConnection, sources: Sequence[Path], target: Path, leave_out: str | None = None
) -> Content:
    """Write the rows of `sources` into one file, in the order of delivery, file and row, and read it back.

    Columns are those of all sources by name, so that rows of an older contract have the newer columns, empty.
    Small months are put together in memory, which opens their many small files much faster; large ones by
    DuckDB, which spills: memory stays bounded whatever the month holds.

    Args:
        leave_out: a delivery whose rows are not taken over.

    Returns:
        Number and digest of the rows in all their columns.

    Raises:
        ContentChangedError: what was written is not what the sources hold.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    is_small = sum(path.stat().st_size for path in sources) <= _IN_MEMORY_BYTES
    (_write_in_memory if is_small else _write_on_disk)(connection, sources, target, leave_out)
    return _content(connection, f"select * from read_parquet({_literal(target)}, hive_partitioning = false)")


def _write_in_memory(
    _: DuckDBPyConnection, sources: Sequence[Path], target: Path, leave_out: str | None
) -> None:
    frames = [pl.read_parquet(path, hive_partitioning=False) for path in sources]
    frame = pl.concat(frames, how="diagonal_relaxed")
    if leave_out is not None:
        frame = frame.filter(pl.col("delivery_id") != leave_out)
    frame = frame.sort([name for name in _ORDER if name in frame.columns], nulls_last=True)
    frame.write_parquet(target, compression="zstd", row_group_size=_ROW_GROUP)
    if not frame.equals(pl.read_parquet(target, hive_partitioning=False)):
        raise ContentChangedError(sources[-1])


def _write_on_disk(
    connection: DuckDBPyConnection, sources: Sequence[Path], target: Path, leave_out: str | None
) -> None:
    source = f"read_parquet([{', '.join(_literal(path) for path in sources)}], "
    source += "union_by_name = true, hive_partitioning = false)"
    kept = "" if leave_out is None else f" where delivery_id <> '{leave_out}'"
    before = _content(connection, f"select * from {source}{kept}")
    names = {row[0] for row in connection.execute("describe month_rows").fetchall()}
    order = ", ".join(f"{name} nulls last" for name in _ORDER if name in names)
    connection.execute(
        f"copy (select * from month_rows order by {order}) to {_literal(target)} "
        f"(format parquet, compression zstd, row_group_size {_ROW_GROUP})"
    )
    after = _content(connection, f"select * from read_parquet({_literal(target)}, hive_partitioning = false)")
    if after != before:
        raise ContentChangedError(sources[-1])


def _content(connection: DuckDBPyConnection, rows: str) -> Content:
    connection.execute(f"create or replace temp view month_rows as {rows}")
    return table_content(connection, "temp", "main", "month_rows")


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def without_delivery(settings: Settings, path: Path, delivery_id: str) -> Path | None:
    """Write a month file anew without one delivery; None when nothing is left.

    Returns the new file in the work folder, flushed by whoever places it.
    """
    aside = work_folder(settings) / f"{path.parents[2].name}-{path.parents[1].name}-{path.parent.name}.aside"
    connection = duck.memory(settings)
    try:
        kept = write_sorted(connection, [path], aside, leave_out=delivery_id)
    finally:
        connection.close()
    if kept.row_count == 0:
        aside.unlink()
        return None
    return aside

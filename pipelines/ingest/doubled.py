"""Keys that occur more than once in a file: found over all its staged parts, every row of them quarantined.

Does not look beyond one file; the same key in two files is two versions of a record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipelines import duck
from pipelines.contract.model import Dataset
from pipelines.ingest.lake import write_part
from pipelines.ingest.limits import Limits
from pipelines.ingest.rows import quarantine_accepted, sentence
from pipelines.settings import Settings

CODE = "KEY_DOUBLED"


@dataclass(frozen=True)
class StagedPart:
    """The staged files of one block: lake rows and quarantine rows; a file without rows does not exist."""

    accepted: Path
    quarantined: Path
    first_row: int
    last_row: int

    def paths(self) -> list[Path]:
        """Files of the part that exist."""
        return [path for path in (self.accepted, self.quarantined) if path.is_file()]


def quarantine_doubled(
    parts: list[StagedPart],
    dataset: Dataset,
    columns: Sequence[str],
    settings: Settings,
    limits: Limits,
    scratch: Path,
) -> None:
    """Move every row whose key is doubled within the file from the lake parts to the quarantine parts.

    `columns`: the contract columns that the file has, kept as the raw row. `scratch`: a folder for spilled
    results.
    """
    paths = [path for part in parts for path in part.paths()]
    if not paths:
        return
    last_row = max(part.last_row for part in parts)
    if last_row <= limits.doubled_in_memory_rows:
        doubled = _doubled_in_memory(paths)
        if doubled.height == 0:
            return
        found = doubled.lazy()
    else:
        file = scratch / "doubled.parquet"
        if _doubled_on_disk(paths, file, settings) == 0:
            return
        found = pl.scan_parquet(file)
    for part in parts:
        rows = found.filter(pl.col("delivery_row").is_between(part.first_row, part.last_row)).collect()
        if rows.height:
            _move(part, rows["delivery_row"], dataset, columns)


def _doubled_in_memory(paths: list[Path]) -> pl.DataFrame:
    keys = pl.concat(
        [
            pl.read_parquet(path, columns=["record_key", "delivery_row"], hive_partitioning=False)
            for path in paths
        ]
    )
    return keys.filter(pl.col("record_key").is_not_null() & pl.col("record_key").is_duplicated()).select(
        "delivery_row"
    )


def _doubled_on_disk(paths: list[Path], target: Path, settings: Settings) -> int:
    """The same with DuckDB, which spills: for files whose keys need not fit into memory."""
    names = [str(path) for path in paths]
    connection = duck.memory(settings)
    try:
        keys = "select record_key, delivery_row from read_parquet($names) where record_key is not null"
        connection.execute(
            f"create table doubled as with keys as ({keys}), "
            "repeated as (select record_key from keys group by record_key having count(*) > 1) "
            "select keys.delivery_row from keys semi join repeated using (record_key)",
            {"names": names},
        )
        count = connection.execute("select count(*) from doubled").fetchone()
        connection.execute(
            "copy (select delivery_row from doubled order by delivery_row) "
            f"to '{_quoted(target)}' (format parquet)"
        )
        return int(count[0]) if count else 0
    finally:
        connection.close()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _move(part: StagedPart, rows: pl.Series, dataset: Dataset, columns: Sequence[str]) -> None:
    is_doubled = pl.col("delivery_row").is_in(rows.implode())
    moved: list[pl.DataFrame] = []
    if part.quarantined.is_file():
        text = sentence(CODE, dataset)
        moved.append(
            pl.read_parquet(part.quarantined, hive_partitioning=False).with_columns(
                pl.when(is_doubled)
                .then(pl.col("reason_codes") + f"|{CODE}")
                .otherwise("reason_codes")
                .alias("reason_codes"),
                pl.when(is_doubled)
                .then(pl.col("reason_text") + text)
                .otherwise("reason_text")
                .alias("reason_text"),
            )
        )
    if part.accepted.is_file():
        accepted = pl.read_parquet(part.accepted, hive_partitioning=False)
        hit = accepted.filter(is_doubled)
        if hit.height:
            moved.append(quarantine_accepted(hit, dataset, CODE, columns))
            kept = accepted.filter(~is_doubled)
            part.accepted.unlink()
            if kept.height:
                write_part(kept, part.accepted)
    write_part(pl.concat(moved).sort("delivery_row"), part.quarantined)

"""Files of the lake and the quarantine: names, anchors, staging, placing, the register as commit mark.

Does not judge rows and does not put months together (`compact.py`); which deliveries count at a moment is
decided when the control tables are written (pipelines.warehouse.control).
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from datetime import date
from pathlib import Path

import polars as pl

from pipelines.contract import model
from pipelines.ingest import month
from pipelines.ingest.rows import QUARANTINE_SCHEMA, lake_schema
from pipelines.settings import Settings

REGISTER = "delivery_file"
"""Folder of the delivery register inside the lake."""

REGISTER_SCHEMA = pl.Schema(
    {
        "delivery_id": pl.String(),
        "delivery_unit": pl.String(),
        "delivery_day": pl.Date(),
        "delivery_batch": pl.String(),
        "received_at": pl.Datetime("us"),
        "source_system": pl.String(),
        "mode": pl.String(),
        "contract_version": pl.String(),
        "withdraws": pl.String(),
        "delivery_status": pl.String(),
        "delivery_reason_code": pl.String(),
        "file_path": pl.String(),
        "dataset": pl.String(),
        "format": pl.String(),
        "manifest_rows": pl.Int64(),
        "accepted_rows": pl.Int64(),
        "quarantined_rows": pl.Int64(),
        "refused_rows": pl.Int64(),
        "file_status": pl.String(),
        "file_reason_code": pl.String(),
        "unknown_columns": pl.String(),
        "file_sm3": pl.String(),
        "delivery_sm3": pl.String(),
    }
)
"""Columns of the register; one row per file of a delivery, plus one without file where there is none."""

ANCHOR = "schema.parquet"
_NO_DAY = "unknown"
_STALE_SECONDS = 24 * 3600


def day_folder(day: date | None) -> str:
    """Name of the day partition; a delivery without a readable day lies under `day=unknown`."""
    return f"day={day.isoformat() if day else _NO_DAY}"


def anchor_path(root: Path, dataset: str) -> Path:
    """The empty file with the schema of a dataset in the lake, or of the quarantine."""
    return root / dataset / ANCHOR


def ensure_anchors(settings: Settings) -> None:
    """Write the empty file with the full schema of every dataset, the register and the quarantine.

    With it a reader's glob never fails and every column exists before its first row.
    """
    anchors = {settings.lake / name: lake_schema(dataset) for name, dataset in model.datasets().items()}
    anchors[settings.lake / REGISTER] = REGISTER_SCHEMA
    anchors[settings.quarantine / "schema"] = QUARANTINE_SCHEMA
    for folder, schema in anchors.items():
        path = folder / ANCHOR
        if path.is_file() and pl.read_parquet_schema(path) == schema:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(schema.to_frame(), path)


def write_part(frame: pl.DataFrame, path: Path) -> None:
    """Write a Parquet file and flush it to disk; the file's place is not a reader's yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path, compression="zstd", compression_level=1, statistics=False)
    flush(path)


def write_atomically(frame: pl.DataFrame, path: Path) -> None:
    """Write a Parquet file so that a reader sees the old one or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # one name per file: what a kill leaves behind is written over by the next attempt
    temporary = path.with_name(f".{path.name}.writing")
    try:
        frame.write_parquet(temporary, compression="zstd", compression_level=1)
        flush(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Flush a file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def staging_folder(settings: Settings, delivery_id: str) -> Path:
    """An empty folder for a delivery under work; what an earlier broken attempt left is removed."""
    root = settings.build / "ingest"
    root.mkdir(parents=True, exist_ok=True)
    for leftover in root.iterdir():
        if time.time() - leftover.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(leftover, ignore_errors=True)
    folder = root / delivery_id
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def part_path(root: Path, dataset: str, unit: str, day: date | None, delivery_id: str, number: int) -> Path:
    """Final place of a part in lake or quarantine (`root`); parts of a delivery are numbered from 1."""
    return root / dataset / f"unit={unit}" / day_folder(day) / f"{delivery_id}-{number}.parquet"


def place(staged: Path, final: Path) -> None:
    """Move a finished part to its place in one step, also across file systems."""
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        staged.replace(final)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        temporary = final.with_name(f".{final.name}.writing")
        shutil.copyfile(staged, temporary)
        flush(temporary)
        temporary.replace(final)


def remove_parts(settings: Settings, unit: str, day: date | None, delivery_id: str) -> None:
    """Remove every row of a delivery from lake and quarantine, also out of files of whole months."""
    for root in (settings.lake, settings.quarantine):
        for path in root.glob(f"*/unit={unit}/{day_folder(day)}/{delivery_id}-*.parquet"):
            path.unlink(missing_ok=True)
        for path in month.month_files(root, unit, day):
            if path.parents[2].name != REGISTER and delivery_id in month.delivery_ids(path):
                aside = month.without_delivery(settings, path, delivery_id)
                if aside is None:
                    path.unlink()
                else:
                    flush(aside)
                    place(aside, path)


def register_path(settings: Settings, unit: str, day: date | None, delivery_id: str) -> Path:
    """Place of a delivery's register file while its month is open."""
    return settings.lake / REGISTER / f"unit={unit}" / day_folder(day) / f"{delivery_id}.parquet"


def enter(settings: Settings, unit: str, day: date | None, delivery_id: str, rows: pl.DataFrame) -> None:
    """Write a delivery's commit mark: in the place of an older one, else into a file of its own."""
    whole = _month_register(settings, unit, day, delivery_id)
    if whole is None:
        write_atomically(rows, register_path(settings, unit, day, delivery_id))
    else:
        path, others = whole
        _replace_month_register(settings, path, pl.concat([others, rows]))


def remove_register(settings: Settings, unit: str, day: date | None, delivery_id: str) -> None:
    """Take a delivery's commit mark away, if there is one."""
    register_path(settings, unit, day, delivery_id).unlink(missing_ok=True)
    whole = _month_register(settings, unit, day, delivery_id)
    if whole is not None:
        path, others = whole
        _replace_month_register(settings, path, others)


def _replace_month_register(settings: Settings, path: Path, rows: pl.DataFrame) -> None:
    if rows.height == 0:
        path.unlink()
        return
    aside = month.work_folder(settings) / "register.aside"
    write_part(rows.sort("received_at", "delivery_id", "file_path", nulls_last=True), aside)
    place(aside, path)


def _month_register(
    settings: Settings, unit: str, day: date | None, delivery_id: str
) -> tuple[Path, pl.DataFrame] | None:
    """The register of a whole month that holds a delivery, and the rows of the other deliveries in it."""
    path = month.month_path(settings.lake, REGISTER, unit, day)
    if path is None or not path.is_file():
        return None
    frame = _read_registers([path])
    others = frame.filter(pl.col("delivery_id") != delivery_id)
    return (path, others) if others.height < frame.height else None


def read_register(settings: Settings, unit: str | None = None) -> pl.DataFrame:
    """Read the register, of one unit or all; rows sorted by unit, moment, delivery and file."""
    root = settings.lake / REGISTER
    found = root.glob(f"unit={unit}/**/*.parquet") if unit else root.glob("unit=*/**/*.parquet")
    paths = sorted(path for path in found if not path.name.startswith("."))
    if not paths:
        return REGISTER_SCHEMA.to_frame()
    return _read_registers(paths).sort(
        "delivery_unit", "received_at", "delivery_id", "file_path", nulls_last=True
    )


def _read_registers(paths: list[Path]) -> pl.DataFrame:
    return pl.read_parquet(paths, hive_partitioning=False, schema=REGISTER_SCHEMA, missing_columns="insert")


def registered_ids(settings: Settings) -> frozenset[str]:
    """Ids of all deliveries that the register knows, accepted or refused; open days are known by names."""
    found: set[str] = set()
    months: list[Path] = []
    for path in (settings.lake / REGISTER).glob("unit=*/*/*.parquet"):
        if path.name == month.MONTH_FILE:
            months.append(path)
        elif not path.name.startswith("."):
            found.add(path.stem)
    if months:
        frame = pl.read_parquet(sorted(months), columns=["delivery_id"], hive_partitioning=False)
        found.update(frame["delivery_id"].unique())
    return frozenset(found)

"""Large delivery files for measurements: CSV in UTF-8 and GB 18030, Parquet; written piece by piece.

Not here: the rows themselves (`rows.py`) and what is measured.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from pipelines.contract import model
from pipelines.ingest.readers import file_sm3
from tests.benchmark.rows import pieces

FORMS = ("utf-8", "gb18030", "parquet")
"""Encodings of CSV, and Parquet with the values' own types."""


def write_input(folder: Path, dataset: str, rows: int, form: str) -> Path:
    """Write one file of `rows` rows with Chinese headers, and a manifest beside it; return the file's path."""
    path = folder / f"{dataset}-{form}.{'parquet' if form == 'parquet' else 'csv'}"
    titles = {column.name: column.title for column in model.dataset(dataset).columns}
    frames = (make().rename(titles, strict=False) for make in pieces(dataset, rows))
    if form == "parquet":
        _write_parquet(path, frames)
    else:
        with path.open("wb") as file:
            for number, frame in enumerate(frames):
                file.write(_csv(frame, number == 0).encode(form))
    path.with_suffix(".manifest.json").write_text(_manifest(path, dataset, rows, form), "utf-8")
    return path


def _write_parquet(path: Path, frames: Iterator[pl.DataFrame]) -> None:
    writer = None
    for frame in frames:
        table = frame.to_arrow()
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _csv(frame: pl.DataFrame, with_header: bool) -> str:
    booleans = [pl.col(name).cast(pl.Int8) for name, dtype in frame.schema.items() if dtype == pl.Boolean]
    return frame.with_columns(booleans).write_csv(
        include_header=with_header, datetime_format="%Y-%m-%d %H:%M:%S", line_terminator="\r\n"
    )


def _manifest(path: Path, dataset: str, rows: int, form: str) -> str:
    entry = {"path": path.name, "dataset": dataset, "rows": rows, "sm3": file_sm3(path)}
    kind = {"format": "parquet"} if form == "parquet" else {"format": "csv", "encoding": form}
    return json.dumps(
        {
            "contract_version": model.contract_version(),
            "unit": "500116",
            "batch": "1",
            "sent_at": "2026-01-07T21:00:00+08:00",
            "mode": "delta",
            "files": [entry | kind],
        }
    )

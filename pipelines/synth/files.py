"""Files of a delivery in the three formats, with their SM3 digests, and manifests.

Not here: which rows a file holds (deliver.py, assemble.py).
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from pipelines.contract.model import Dataset, contract_version

if TYPE_CHECKING:
    from pipelines.synth.refusals import BrokenRow

FORMATS = ("csv", "parquet", "xlsx")
SOURCE_SYSTEM = "SYNTH"
#: Units take turns: header language and encoding of CSV files.
_STYLES = (("zh", "utf-8"), ("en", "utf-8-sig"), ("zh", "gb18030"), ("en", "utf-8"), ("zh", "utf-8-sig"))
#: Most rows of a file; more rows make several files. A workbook may not hold more (contract §1).
ROWS_PER_FILE = {"csv": 250_000, "parquet": 250_000, "xlsx": 100_000}


def write_file(
    path: Path,
    contract: Dataset,
    frame: pl.DataFrame,
    file_format: str,
    unit: int,
    day: np.datetime64,
    broken: Sequence[BrokenRow] = (),
) -> dict[str, Any]:
    """Write one file in the manner of a unit.

    Args:
        path: where to.
        contract: its dataset.
        frame: contract columns.
        file_format: csv, parquet or xlsx.
        unit: position of the unit in the city, -1 = the city; decides on language and encoding.
        day: day of the delivery.
        broken: rows that break the contract, to follow the good ones.

    Returns:
        Its entry in the manifest.
    """
    language, encoding = _STYLES[unit % len(_STYLES)]
    titles = {column.name: column.title for column in contract.columns} if language == "zh" else {}
    entry: dict[str, Any] = {"path": path.name, "dataset": contract.name, "format": file_format}
    if file_format == "parquet":
        named = pl.concat([frame, *(one.typed() for one in broken)]).rename(titles)
        buffer = io.BytesIO()
        named.write_parquet(buffer, compression="zstd", compression_level=1, statistics=False)
        content: Any = buffer.getbuffer()
    else:
        good = as_text(frame).rename(titles)
        bad = pl.concat([one.text() for one in broken]) if broken else None
        if file_format == "csv":
            entry["encoding"] = "gb18030" if encoding == "gb18030" else "utf-8"
            content = _csv(good, bad, encoding)
        else:
            content = _xlsx(good, bad, day)
    path.write_bytes(content)
    entry["rows"] = frame.height + len(broken)
    entry["sm3"] = sm3(content)
    return entry


def sm3(content: Any) -> str:
    """SM3 digest of the bytes of a file, 64 hexadecimal digits (GB/T 32905)."""
    return hashlib.new("sm3", content).hexdigest()


def manifest(
    unit: str, batch: str, day: str, minute: int, files: Sequence[Mapping[str, Any]], **other: Any
) -> dict[str, Any]:
    """The manifest of a delta delivery that withdraws nothing, under the present contract.

    Args:
        unit, batch, day: of the delivery.
        minute: minute of the day at which it was sent.
        files: entries of its files.
        other: what is to stand instead, by the names of the manifest.
    """
    return {
        "contract_version": contract_version(),
        "unit": unit,
        "batch": batch,
        "sent_at": f"{day}T{minute // 60:02d}:{minute % 60:02d}:00+08:00",
        "source_system": SOURCE_SYSTEM,
        "mode": "delta",
        "withdraws": [],
        "files": list(files),
    } | other


def manifest_text(content: Mapping[str, Any]) -> str:
    """A manifest as it stands in its file."""
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _csv(good: pl.DataFrame, bad: pl.DataFrame | None, encoding: str) -> Any:
    buffer = io.BytesIO()
    good.write_csv(buffer, include_bom=encoding == "utf-8-sig")
    if bad is not None:
        bad.write_csv(buffer, include_header=False)
    if encoding == "gb18030":
        return buffer.getvalue().decode().encode(encoding)
    return buffer.getbuffer()


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Booleans as 1 and 0, moments with seconds, whole decimals without a tail."""
    return frame.with_columns(
        pl.selectors.boolean().cast(pl.Int8),
        pl.selectors.datetime().dt.strftime("%Y-%m-%d %H:%M:%S"),
    )


def _xlsx(good: pl.DataFrame, bad: pl.DataFrame | None, day: np.datetime64) -> Any:
    """First sheet, values as text; created on the delivery's day, so that equal rows give equal bytes."""
    import xlsxwriter

    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"constant_memory": False, "in_memory": True}) as workbook:
        workbook.set_properties({"created": day.astype("datetime64[s]").item()})
        sheet = workbook.add_worksheet("Sheet1")
        sheet.write_row(0, 0, good.columns)
        rows = [*good.cast(pl.String).iter_rows(), *(bad.iter_rows() if bad is not None else ())]
        for number, values in enumerate(rows, start=1):
            for column, value in enumerate(values):
                if value is not None:
                    sheet.write_string(number, column, value)
    return target.getbuffer()

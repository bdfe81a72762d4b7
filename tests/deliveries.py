"""Builds contract deliveries for tests from plain Python rows: folder, files, digests, counts, manifest.

No expectations and no judgement of data live here; every wrong thing must be asked for by argument.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from pipelines.contract import model

Row = Mapping[str, Any]
SHANGHAI = timezone(timedelta(hours=8))


def sm3(content: bytes) -> str:
    """SM3 digest as 64 lower-case hex digits."""
    return hashlib.new("sm3", content).hexdigest()


def local_day(sent_at: str) -> str:
    """The day in Chongqing of an ISO moment; a moment without offset is local already."""
    moment = datetime.fromisoformat(sent_at)
    return (moment.astimezone(SHANGHAI) if moment.tzinfo else moment).date().isoformat()


def as_text(value: Any) -> str:
    """A value as a delivery writes it: ISO dates, 1/0 booleans, empty for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def headers(dataset: str, columns: Sequence[str], language: str) -> list[str]:
    """Headers of contract columns in `en`, `zh` or `mixed`; names the contract lacks stay as they are."""
    try:
        known = model.dataset(dataset).by_name
    except model.ContractError:
        return list(columns)
    titles = []
    for index, name in enumerate(columns):
        chinese = language == "zh" or (language == "mixed" and index % 2 == 0)
        titles.append(known[name].title if chinese and name in known else name)
    return titles


def csv_bytes(header: Sequence[str], rows: Sequence[Sequence[Any]], line_end: str = "\r\n") -> bytes:
    """RFC 4180 text in UTF-8 without byte order mark."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator=line_end)
    writer.writerow(header)
    writer.writerows([as_text(value) for value in row] for row in rows)
    return buffer.getvalue().encode("utf-8")


def parquet_bytes(header: Sequence[str], rows: Sequence[Sequence[Any]], natural: bool) -> bytes:
    """Parquet with the values' own types (`natural`) or all text."""
    import polars as pl

    columns: list[pl.Series] = []
    for index, name in enumerate(header):
        values = [row[index] for row in rows]
        # a Parquet column has one type: mixed values can only be text
        if natural and len({type(value) for value in values if value is not None}) <= 1:
            series = pl.Series(name, values)
            columns.append(series.cast(pl.String) if series.dtype == pl.Null else series)
        else:
            texts = [None if value is None else as_text(value) for value in values]
            columns.append(pl.Series(name, texts, dtype=pl.String))
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


def xlsx_bytes(header: Sequence[str], rows: Sequence[Sequence[Any]], natural: bool) -> bytes:
    """A workbook with one sheet; dates, moments, numbers and booleans as such (`natural`) or as text."""
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet = book.add_worksheet("数据")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    for column, title in enumerate(header):
        sheet.write_string(0, column, title)
    for line, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            if value is None:
                continue
            if not natural or isinstance(value, str):
                sheet.write_string(line, column, as_text(value))
            elif isinstance(value, bool):
                sheet.write_boolean(line, column, value)
            elif isinstance(value, datetime):
                sheet.write_datetime(line, column, value, moment)
            elif isinstance(value, date):
                sheet.write_datetime(line, column, datetime(value.year, value.month, value.day), day)
            else:
                sheet.write_number(line, column, value)
    book.close()
    return buffer.getvalue()


@dataclass
class DeliveryBuilder:
    """One delivery in the making: `add` files, then `write` the folder.

    The folder is `inbox/<unit>/<local day of sent_at>/<batch>`; `folder_unit`, `folder_day` and
    `folder_batch` put it somewhere else. `manifest` entries replace or extend the manifest's own keys.
    """

    inbox: Path
    unit: str = "500116"
    sent_at: str = "2026-01-07T21:00:00+08:00"
    batch: str = ""
    mode: str = "delta"
    source_system: str = "SYS1"
    contract_version: str = "1.0.0"
    withdraws: Sequence[str] = ()
    folder_unit: str | None = None
    folder_day: str | None = None
    folder_batch: str | None = None
    manifest: dict[str, Any] = field(default_factory=dict)
    _contents: dict[str, bytes] = field(default_factory=dict)
    _entries: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.batch:
            self.batch = local_day(self.sent_at).replace("-", "") + "-01"

    def add(
        self,
        dataset: str,
        rows: Sequence[Row],
        *,
        columns: Sequence[str] | None = None,
        header: str = "en",
        format: str = "csv",
        encoding: str = "utf-8",
        byte_order_mark: bool = False,
        line_end: str = "\r\n",
        natural: bool = True,
        path: str | None = None,
        entry: Mapping[str, Any] | None = None,
    ) -> DeliveryBuilder:
        """Add a file of `rows` (English column → value, missing = null).

        `columns` fixes the columns (default: those that occur; for no rows all of the contract). `header` is
        `en`, `zh` or `mixed`. `entry` replaces keys of the manifest entry, e.g. a wrong `rows` or `sm3`.
        """
        names = (
            list(columns) if columns is not None else list(dict.fromkeys(key for row in rows for key in row))
        )
        if not names:
            names = list(model.dataset(dataset).column_names)
        titles = headers(dataset, names, header)
        table = [[row.get(name) for name in names] for row in rows]
        if format == "csv":
            content = csv_bytes(titles, table, line_end)
            if encoding != "utf-8":
                content = content.decode("utf-8").encode(encoding)
            if byte_order_mark:
                content = b"\xef\xbb\xbf" + content
        elif format == "parquet":
            content = parquet_bytes(titles, table, natural)
        else:
            content = xlsx_bytes(titles, table, natural)
        declared = {"encoding": encoding} if format == "csv" else {}
        return self.add_bytes(
            dataset, content, len(rows), format=format, path=path, entry=declared | dict(entry or {})
        )

    def add_bytes(
        self,
        dataset: str,
        content: bytes,
        rows: int,
        *,
        format: str = "csv",
        path: str | None = None,
        entry: Mapping[str, Any] | None = None,
    ) -> DeliveryBuilder:
        """Add a file of given bytes that the manifest says to hold `rows` data rows."""
        name = path or f"{dataset}{'' if not self._entries else len(self._entries)}.{format}"
        self._contents[name] = content
        declared: dict[str, Any] = {
            "path": name, "dataset": dataset, "format": format, "rows": rows, "sm3": sm3(content)
        }  # fmt: skip
        if format == "csv":
            declared["encoding"] = "utf-8"
        self._entries.append(declared | dict(entry or {}))
        return self

    def add_unnamed(self, path: str, content: bytes) -> DeliveryBuilder:
        """Add a file that the manifest does not name."""
        self._contents[path] = content
        return self

    @property
    def folder(self) -> Path:
        """Where `write` puts the delivery."""
        return (
            self.inbox
            / (self.folder_unit or self.unit)
            / (self.folder_day or local_day(self.sent_at))
            / (self.folder_batch or self.batch)
        )

    def manifest_bytes(self) -> bytes:
        """The manifest as it will be written."""
        content: dict[str, Any] = {
            "contract_version": self.contract_version,
            "unit": self.unit,
            "batch": self.batch,
            "sent_at": self.sent_at,
            "source_system": self.source_system,
            "mode": self.mode,
            "withdraws": list(self.withdraws),
            "files": self._entries,
        }
        return json.dumps(content | self.manifest, ensure_ascii=False, indent=1).encode("utf-8")

    def write(self) -> Path:
        """Write folder, files and manifest; return the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, content in self._contents.items():
            target = self.folder / name
            if "\0" not in name and target.resolve().is_relative_to(self.folder.resolve()):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        (self.folder / "manifest.json").write_bytes(self.manifest_bytes())
        return self.folder


def write_delivery(
    inbox: Path,
    *,
    unit: str,
    sent_at: str,
    files: Mapping[str, Sequence[Row]],
    header: str = "en",
    format: str = "csv",
    encoding: str = "utf-8",
    natural: bool = True,
    **delivery: Any,
) -> Path:
    """Write one delivery of `files` (dataset → rows) and return its folder.

    `delivery` takes the fields of `DeliveryBuilder`: batch, mode, withdraws, source_system …
    """
    builder = DeliveryBuilder(Path(inbox), unit=unit, sent_at=sent_at, **delivery)
    for dataset, rows in files.items():
        builder.add(
            dataset,
            rows,
            header=header,
            format=format,
            encoding=encoding,
            natural=natural,
            path=f"{dataset}.{format}",
        )
    return builder.write()

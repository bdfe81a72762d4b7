"""Reads the first sheet of a delivered workbook, guarded against packages that unpack to too much.

Does not read CSV and Parquet (`readers.py`) and does not know what the values mean.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.ingest.limits import Limits
from pipelines.ingest.raw import FileRefused, RawBlock, RawFile, unreadable_is_refused

if TYPE_CHECKING:
    import polars as pl

_XLSX_MAX_COLUMNS = 256
_INDEX_BYTES = 1024 * 1024
# a column beyond IV: one cell there makes a reader allocate the whole rectangle
_FAR_COLUMN = re.compile(rb'r="(?:[A-Z]{3}|[J-Z][A-Z])[0-9]')
_ROW_REFERENCE = re.compile(rb'<row\b[^>]*?\br="([0-9]{1,9})"')
# a number of sixteen characters and more in a cell that holds a number, also as the result of a formula
_LONG_NUMBER = re.compile(
    rb"<(?:\w+:)?c\b(?![^>]*\bt=\"(?!n\"))[^>]*>\s*(?:<(?:\w+:)?f\b[^>]*(?:/>|>[^<]*</(?:\w+:)?f>)\s*)?"
    rb"<(?:\w+:)?v>\s*([-+0-9.eE]{16,40})\s*</"
)
_EXACT = 2**53


def _first_sheet_part(book: zipfile.ZipFile) -> str | None:
    """Path of the first sheet inside the package, None when the package does not say it plainly."""
    try:
        workbook, relations = (
            book.open(name).read(_INDEX_BYTES) for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels")
        )
    except (KeyError, zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError):
        return None
    sheet = re.search(rb'<(?:\w+:)?sheet\b[^>]*?\br:id="([^"]+)"', workbook)
    if sheet is None:
        return None
    for relation in re.findall(rb"<Relationship\b[^>]*>", relations):
        identifier = re.search(rb'\bId="([^"]+)"', relation)
        target = re.search(rb'\bTarget="([^"]+)"', relation)
        if identifier and target and identifier[1] == sheet[1]:
            text = target[1].decode("utf-8", "replace")
            return text.removeprefix("/") if text.startswith("/") else "xl/" + text
    return None


def _guard_workbook(path: Path, limits: Limits) -> set[float]:
    """Refuse a workbook that unpacks to more than the bound or whose first sheet is too tall or wide.

    Counts what really comes out of every part: sizes declared in the package may lie.

    Returns:
        Numbers in the cells of the sheet that are too large to be exact.
    """
    unpacked = 0
    rounded: set[float] = set()
    with zipfile.ZipFile(path) as book:
        if sum(info.file_size for info in book.infolist()) > limits.xlsx_unpacked_bytes:
            raise FileRefused("TOO_LARGE")
        sheet = _first_sheet_part(book)
        for info in book.infolist():
            is_sheet = info.filename == sheet or (sheet is None and "/worksheets/" in info.filename)
            tail, rows = b"", 0
            # the reader would stop at the size that the package declares; the next one to read it would not
            info.file_size = 2**62
            with book.open(info) as part:
                while piece := part.read(1024 * 1024):
                    unpacked += len(piece)
                    if unpacked > limits.xlsx_unpacked_bytes:
                        raise FileRefused("TOO_LARGE")
                    if is_sheet:
                        text = tail + piece
                        rounded |= _inexact(text)
                        rows += text.count(b"<row") - tail.count(b"<row")
                        if rows > _tallest(limits) or _is_far(text, limits):
                            raise FileRefused("TOO_LARGE")
                        tail = text[-400:]
    return rounded


def _inexact(sheet: bytes) -> set[float]:
    found = set()
    for text in _LONG_NUMBER.findall(sheet):
        with suppress(ValueError):
            number = float(text)
            if abs(number) >= _EXACT and number not in (float("inf"), float("-inf")):
                found.add(number)
    return found


def _shown(rounded: set[float]) -> dict[str, str]:
    """Every way in which a reader writes these numbers out → as a spreadsheet shows them, with 15 digits.

    Written out, an identity number typed as a number would look like another one that nobody sent.
    """
    return {
        text: f"{number:.14E}"
        for number in rounded
        for text in (str(int(number)), f"{Decimal(repr(number)):f}", repr(number))
    }


def _tallest(limits: Limits) -> int:
    """Rows of a sheet that are looked at; blank ones below the data are common and do not count as rows."""
    return 2 * limits.xlsx_rows + 1


def _is_far(sheet: bytes, limits: Limits) -> bool:
    if _FAR_COLUMN.search(sheet):
        return True
    return any(int(row) > _tallest(limits) for row in _ROW_REFERENCE.findall(sheet))


def open_workbook(path: Path, limits: Limits) -> RawFile:
    import fastexcel
    import polars as pl

    with unreadable_is_refused():
        rounded = _guard_workbook(path, limits)
        frame = fastexcel.read_excel(path).load_sheet(0, header_row=None, dtypes="string").to_polars()
    frame = frame.rename({name: str(index) for index, name in enumerate(frame.columns)})
    if frame.width == 0 or frame.height == 0:
        raise FileRefused("FILE_UNREADABLE", "表头 header")
    if frame.width > _XLSX_MAX_COLUMNS:
        raise FileRefused("TOO_LARGE")
    header = ["" if value is None else str(value) for value in frame.row(0)]
    body = frame.slice(1)
    if rounded:
        body = body.with_columns(pl.all().replace(_shown(rounded)))
    body = body.filter(pl.any_horizontal(pl.all().is_not_null()))
    if body.height > limits.xlsx_rows:
        raise FileRefused("TOO_LARGE")
    opened = RawFile(header, iter(()), set(range(len(header))))
    opened.blocks = _frame_blocks(opened, body, limits)
    return opened


def _frame_blocks(opened: RawFile, frame: pl.DataFrame, limits: Limits) -> Iterator[RawBlock]:
    import polars as pl

    names = [str(index) for index in sorted(opened.positions)]
    for start in range(0, frame.height, limits.block_rows):
        part = frame.slice(start, limits.block_rows).select(names)
        yield RawBlock(part, pl.Series("row", np.arange(start + 1, start + 1 + part.height, dtype=np.int64)))

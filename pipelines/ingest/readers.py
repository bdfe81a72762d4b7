"""Reads one delivered file as blocks of raw rows: CSV, Parquet, XLSX; bounded memory, bounded damage.

Does not know what the values mean: columns come out as text or in the file's own types under the file's
headers.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.ingest.limits import DEFAULT_LIMITS, Limits
from pipelines.ingest.manifest import FileEntry
from pipelines.ingest.tokenise import Records, find_records

if TYPE_CHECKING:
    import polars as pl

FORMATS = ("csv", "parquet", "xlsx")

ENCODINGS = {
    "utf-8": "utf-8", "utf8": "utf-8", "utf-8-sig": "utf-8",
    "gb18030": "gb18030", "gbk": "gb18030", "gb2312": "gb18030",
}  # fmt: skip
"""Spelling in the manifest (lower case, `_` as `-`) → codec; GB 18030 contains the two older sets."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_XLSX_MAX_COLUMNS = 256
# a reference to a column beyond IV; a workbook with one cell there makes a reader allocate the whole
# rectangle
_FAR_COLUMN = re.compile(rb'r="(?:[A-Z]{3}|[J-Z][A-Z])[0-9]')
_ROW_REFERENCE = re.compile(rb'<row\b[^>]*?\br="([0-9]{1,9})"')


class FileRefused(Exception):
    """A file that is refused whole: a code of `reasons.py` and a detail without any value of a row."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code} {detail}".strip())
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class MalformedRow:
    """A CSV record that does not fit its header: data row number and its text as sent."""

    row: int
    text: str


@dataclass(frozen=True)
class RawBlock:
    """Consecutive raw rows.

    `frame` has one column per header position, named "0", "1", …; `rows` holds the data row number (from 1)
    of each row of the frame; `malformed` the rows that could not be read as rows.
    """

    frame: pl.DataFrame
    rows: pl.Series
    malformed: tuple[MalformedRow, ...] = ()


@dataclass
class RawFile:
    """An opened file: its header, and its rows as blocks that can be run through once.

    `positions` may be narrowed before the first block is taken, so that columns nobody needs are not decoded.
    """

    header: list[str]
    blocks: Iterator[RawBlock]
    positions: set[int] = field(default_factory=set)


def file_sm3(path: Path) -> str:
    """SM3 digest of a file's bytes as 64 lower-case hex digits, read in pieces."""
    digest = hashlib.new("sm3")
    with path.open("rb") as file:
        while piece := file.read(4 * 1024 * 1024):
            digest.update(piece)
    return digest.hexdigest()


def codec_of(entry: FileEntry) -> str:
    """Return the codec of a CSV entry; refuse an encoding that the contract does not have."""
    spelling = (entry.encoding or "utf-8").strip().lower().replace("_", "-")
    if spelling not in ENCODINGS:
        raise FileRefused("ENCODING_UNKNOWN")
    return ENCODINGS[spelling]


def open_file(path: Path, entry: FileEntry, limits: Limits = DEFAULT_LIMITS) -> RawFile:
    """Open a delivered file.

    Raises `FileRefused` here or while the blocks are taken: unreadable, wrong encoding, beyond the bounds.
    """
    if entry.format == "csv":
        return _open_csv(path, codec_of(entry), limits)
    if entry.format == "parquet":
        return _open_parquet(path, limits)
    if entry.format == "xlsx":
        return _open_xlsx(path, limits)
    raise FileRefused("FORMAT_UNKNOWN")


# --- CSV ---------------------------------------------------------------------------------------------------


def _utf8_pieces(path: Path, codec: str, limits: Limits) -> Iterator[bytes]:
    """The file's text as UTF-8 bytes in pieces, without byte order mark."""
    decoder = None if codec == "utf-8" else codecs.getincrementaldecoder(codec)("strict")
    is_first = True
    with path.open("rb") as file:
        while piece := file.read(limits.chunk_bytes):
            if b"\0" in piece:
                raise FileRefused("FILE_UNREADABLE", "NUL")
            if is_first and codec == "utf-8":
                while len(piece) < 3 and (more := file.read(1)):
                    piece += more
            text = piece if decoder is None else _decoded(decoder, piece, False)
            if is_first and text:
                # the decoder of GB 18030 keeps a byte order mark as a character
                text = text.removeprefix(_BYTE_ORDER_MARK)
                is_first = False
            yield text
    if decoder is not None:
        yield _decoded(decoder, b"", True)


def _decoded(decoder: codecs.IncrementalDecoder, piece: bytes, final: bool) -> bytes:
    try:
        text: str = decoder.decode(piece, final)
        return text.encode("utf-8")
    except UnicodeError:
        raise FileRefused("ENCODING_WRONG") from None


def _runs(path: Path, codec: str, limits: Limits) -> Iterator[tuple[bytes, Records]]:
    """Runs of bytes with their complete records; every record of the file is in exactly one run."""
    rest = b""
    pieces = _utf8_pieces(path, codec, limits)
    is_last = False
    while not is_last:
        piece = next(pieces, None)
        is_last = piece is None
        data = rest + (piece or b"")
        records = find_records(data, is_last)
        if len(records) and int((records.ends - records.starts).max()) > limits.line_bytes:
            raise FileRefused("LINE_TOO_LONG")
        rest = data[records.consumed :]
        if len(rest) > limits.line_bytes:
            raise FileRefused("LINE_TOO_LONG")
        if is_last and rest:
            raise FileRefused("FILE_UNREADABLE", "引号未闭合 open quote")
        if len(records):
            yield data, records


def _header_fields(text: bytes) -> list[str]:
    try:
        decoded = text.decode("utf-8")
    except UnicodeDecodeError:
        raise FileRefused("ENCODING_WRONG") from None
    try:
        return next(csv.reader(io.StringIO(decoded, newline=""), strict=True))
    except (csv.Error, StopIteration):
        raise FileRefused("FILE_UNREADABLE", "表头 header") from None


def _open_csv(path: Path, codec: str, limits: Limits) -> RawFile:
    runs = _runs(path, codec, limits)
    first = next(runs, None)
    if first is None:
        raise FileRefused("FILE_UNREADABLE", "表头 header")
    data, records = first
    if records.malformed[0]:
        raise FileRefused("FILE_UNREADABLE", "表头 header")
    header = _header_fields(data[records.starts[0] : records.ends[0]])
    opened = RawFile(header, iter(()), set(range(len(header))))
    opened.blocks = _csv_blocks(opened, first, runs, limits)
    return opened


def _csv_blocks(
    opened: RawFile, first: tuple[bytes, Records], runs: Iterator[tuple[bytes, Records]], limits: Limits
) -> Iterator[RawBlock]:
    row = 1
    current: tuple[bytes, Records] | None = first
    begin = 1  # the first record of the first run is the header
    while current is not None:
        data, records = current
        for start in range(begin, len(records), limits.block_rows):
            stop = min(start + limits.block_rows, len(records))
            yield _csv_block(opened, data, records, start, stop, row)
            row += stop - start
        begin = 0
        current = next(runs, None)


def _csv_block(opened: RawFile, data: bytes, records: Records, start: int, stop: int, row: int) -> RawBlock:
    import polars as pl

    width = len(opened.header)
    good = (records.fields[start:stop] == width) & ~records.malformed[start:stop]
    starts, ends = records.starts[start:stop], records.ends[start:stop]
    numbers = np.arange(row, row + stop - start, dtype=np.int64)
    malformed = tuple(
        MalformedRow(
            int(numbers[index]), data[starts[index] : ends[index]].decode("utf-8", "replace").rstrip("\r\n")
        )
        for index in np.flatnonzero(~good)
    )
    is_contiguous = bool(good.all()) and bool((starts[1:] == ends[:-1]).all())
    if is_contiguous:
        text = data[starts[0] : ends[-1]] if len(starts) else b""
    else:
        text = b"".join(
            data[a:b] + (b"" if data[b - 1] == 10 else b"\n")
            for a, b in zip(starts[good], ends[good], strict=True)
        )
    frame = _parse_csv(text, width, sorted(opened.positions), int(good.sum()))
    return RawBlock(frame, pl.Series("row", numbers[good], dtype=pl.Int64), malformed)


def _parse_csv(text: bytes, width: int, positions: list[int], height: int) -> pl.DataFrame:
    """Parse well-formed records of `width` fields; every value is text, an empty one may be null or empty."""
    import polars as pl

    schema = {str(index): pl.String() for index in range(width)}
    if height == 0:
        return pl.DataFrame(schema={str(index): pl.String() for index in positions})
    if not text.endswith(b"\n"):
        text += b"\n"
    try:
        frame = pl.read_csv(
            text, has_header=False, schema=schema, columns=positions, infer_schema=False
        )  # fmt: skip
    except pl.exceptions.PolarsError as error:
        # the engine's message quotes values, so nothing of it goes on
        code = "ENCODING_WRONG" if "utf" in str(error).lower() else "FILE_UNREADABLE"
        raise FileRefused(code) from None
    if frame.height != height:
        raise FileRefused("FILE_UNREADABLE", "行 rows")
    return frame


# --- Parquet -----------------------------------------------------------------------------------------------


def _open_parquet(path: Path, limits: Limits) -> RawFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(
            path, pre_buffer=False, buffer_size=1024 * 1024, page_checksum_verification=False
        )
        header = list(file.schema_arrow.names)
    except (pa.ArrowException, OSError, ValueError):
        raise FileRefused("FILE_UNREADABLE") from None
    opened = RawFile(header, iter(()), set(range(len(header))))
    opened.blocks = _parquet_blocks(opened, file, limits)
    return opened


def _parquet_blocks(opened: RawFile, file: Any, limits: Limits) -> Iterator[RawBlock]:
    import polars as pl
    import pyarrow as pa

    row = 1
    names = [opened.header[index] for index in sorted(opened.positions)]
    try:
        for batch in file.iter_batches(batch_size=limits.block_rows, columns=names, use_threads=True):
            positions = {name: str(opened.header.index(name)) for name in batch.schema.names}
            frame = pl.DataFrame(
                [
                    pl.Series(positions[name], batch.column(index))
                    for index, name in enumerate(batch.schema.names)
                ]
            )
            numbers = pl.Series("row", np.arange(row, row + batch.num_rows, dtype=np.int64))
            row += batch.num_rows
            yield RawBlock(frame, numbers)
    except (pa.ArrowException, OSError, ValueError, pl.exceptions.PolarsError):
        raise FileRefused("FILE_UNREADABLE") from None
    finally:
        file.close()


# --- XLSX --------------------------------------------------------------------------------------------------


def _first_sheet_part(book: zipfile.ZipFile) -> str | None:
    """Path of the first sheet inside the package, None when the package does not say it plainly."""
    try:
        workbook = book.read("xl/workbook.xml")
        relations = book.read("xl/_rels/workbook.xml.rels")
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


def guard_workbook(path: Path, limits: Limits) -> None:
    """Refuse a workbook that unpacks to more than the bound or whose first sheet is too tall or wide.

    Counts what really comes out of every part: sizes declared in the package may lie.
    """
    try:
        with zipfile.ZipFile(path) as book:
            unpacked = 0
            if sum(info.file_size for info in book.infolist()) > limits.xlsx_unpacked_bytes:
                raise FileRefused("TOO_LARGE")
            sheet = _first_sheet_part(book)
            for info in book.infolist():
                is_sheet = info.filename == sheet or (sheet is None and "/worksheets/" in info.filename)
                tail = b""
                rows = 0
                with book.open(info) as part:
                    while piece := part.read(1024 * 1024):
                        unpacked += len(piece)
                        if unpacked > limits.xlsx_unpacked_bytes:
                            raise FileRefused("TOO_LARGE")
                        if is_sheet:
                            text = tail + piece
                            # row 1 is the header; blank rows below the data count for the bound, not as rows
                            rows += len(re.findall(rb"<row\b", text)) - len(re.findall(rb"<row\b", tail))
                            far = any(
                                int(found) > limits.xlsx_rows * 2 for found in _ROW_REFERENCE.findall(text)
                            )
                            if far or rows > limits.xlsx_rows * 2 or _FAR_COLUMN.search(text):
                                raise FileRefused("TOO_LARGE")
                            tail = text[-200:]
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError, ValueError):
        raise FileRefused("FILE_UNREADABLE") from None
    except Exception as error:
        if isinstance(error, FileRefused):
            raise
        raise FileRefused("FILE_UNREADABLE") from None


def _open_xlsx(path: Path, limits: Limits) -> RawFile:
    import fastexcel
    import polars as pl

    guard_workbook(path, limits)
    try:
        sheet = fastexcel.read_excel(path).load_sheet(0, header_row=None, dtypes="string")
        frame = sheet.to_polars()
    except (fastexcel.FastExcelError, ValueError, OSError, pl.exceptions.PolarsError):
        raise FileRefused("FILE_UNREADABLE") from None
    frame = frame.rename({name: str(index) for index, name in enumerate(frame.columns)})
    if frame.width == 0 or frame.height == 0:
        raise FileRefused("FILE_UNREADABLE", "表头 header")
    if frame.width > _XLSX_MAX_COLUMNS:
        raise FileRefused("TOO_LARGE")
    header = ["" if value is None else str(value) for value in frame.row(0)]
    body = frame.slice(1)
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

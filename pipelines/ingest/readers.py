"""Opens a delivered file as blocks of raw rows, and reads CSV and Parquet; bounded memory and damage.

Does not know what the values mean: columns come out as text or in the file's own types under the file's
headers.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.ingest.limits import DEFAULT_LIMITS, Limits
from pipelines.ingest.manifest import FileEntry
from pipelines.ingest.raw import FileRefused, MalformedRow, RawBlock, RawFile, unreadable_is_refused
from pipelines.ingest.tokenise import Records, count_plain, find_records
from pipelines.ingest.workbook import open_workbook

if TYPE_CHECKING:
    import polars as pl

FORMATS = ("csv", "parquet", "xlsx")

ENCODINGS = {
    "utf-8": "utf-8", "utf8": "utf-8", "utf-8-sig": "utf-8",
    "gb18030": "gb18030", "gbk": "gb18030", "gb2312": "gb18030",
}  # fmt: skip
"""Spelling in the manifest (lower case, `_` as `-`) → codec; GB 18030 contains the two older sets."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DECODED_BYTES = 1024 * 1024


def file_sm3(path: Path, given_up: Event | None = None) -> str:
    """SM3 digest of a file's bytes as 64 lower-case hex digits, read in pieces.

    Ends early with some other digest once `given_up` is set.
    """
    digest = hashlib.new("sm3")
    with path.open("rb") as file:
        while (piece := file.read(1024 * 1024)) and not (given_up and given_up.is_set()):
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
        return open_workbook(path, limits)
    raise FileRefused("FORMAT_UNKNOWN")


def _utf8_pieces(path: Path, codec: str, limits: Limits) -> Iterator[bytes]:
    """The file's text as UTF-8 bytes in pieces, without byte order mark."""
    decoder = None if codec == "utf-8" else codecs.getincrementaldecoder(codec)("strict")
    head: bytes | None = b""
    for piece in _bytes_of(path, limits.chunk_bytes):
        if b"\0" in piece:
            raise FileRefused("FILE_UNREADABLE", "NUL")
        text = piece if decoder is None else _decoded(decoder, piece, False)
        if head is not None:
            text = head + text
            if len(text) < len(_BYTE_ORDER_MARK):
                head = text
                continue
            # the decoder of GB 18030 keeps a byte order mark as a character
            text, head = text.removeprefix(_BYTE_ORDER_MARK), None
        yield text
    yield (head or b"") + (_decoded(decoder, b"", True) if decoder is not None else b"")


def _bytes_of(path: Path, size: int) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(size):
                yield piece
    except OSError:
        raise FileRefused("FILE_UNREADABLE") from None


def _decoded(decoder: codecs.IncrementalDecoder, piece: bytes, final: bool) -> bytes:
    """The piece as UTF-8, decoded in short runs: a long text would live in pages fresh from the system."""
    try:
        texts = [
            decoder.decode(piece[start : start + _DECODED_BYTES], False).encode("utf-8")
            for start in range(0, len(piece), _DECODED_BYTES)
        ]
        if final:
            texts.append(decoder.decode(b"", True).encode("utf-8"))
        return b"".join(texts)
    except UnicodeError:
        raise FileRefused("ENCODING_WRONG") from None


@dataclass(frozen=True)
class _Run:
    """Bytes that begin at a record, with their complete records: counted (`plain`) or found one by one."""

    data: bytes
    plain: int | None
    records: Records | None


@dataclass
class _Source:
    """The bytes of a CSV file in runs of whole records; every record is in exactly one run."""

    pieces: Iterator[bytes]
    limits: Limits
    rest: bytes = b""
    is_last: bool = False

    def header(self) -> bytes:
        """Take the first record."""
        while True:
            # a file's header is short; most of the first piece is left for the quick way
            head = self.rest[: self.limits.line_bytes + 1]
            records = find_records(head, self.is_last and len(head) == len(self.rest))
            if len(records):
                if records.malformed[0]:
                    raise FileRefused("FILE_UNREADABLE", "表头 header")
                text = self.rest[records.starts[0] : records.ends[0]]
                self.rest = self.rest[records.ends[0] :]
                return text
            if len(self.rest) > self.limits.line_bytes:
                raise FileRefused("LINE_TOO_LONG")
            if self.is_last:
                raise FileRefused("FILE_UNREADABLE", "表头 header")
            self._more()

    def runs(self, width: int) -> Iterator[_Run]:
        """Take the records that follow, `width` fields each if they are as they should be."""
        while self.rest or not self.is_last:
            line_bytes = self.limits.line_bytes
            if self.rest and (plain := count_plain(self.rest, self.is_last, width, line_bytes)):
                consumed, count = plain
                yield _Run(self.rest[:consumed], count, None)
                self.rest = self.rest[consumed:]
            elif self.rest:
                records = self.records(self.rest, self.is_last)
                if len(records):
                    yield _Run(self.rest, None, records)
                self.rest = self.rest[records.consumed :]
                if self.is_last and self.rest:
                    raise FileRefused("FILE_UNREADABLE", "引号未闭合 open quote")
            if len(self.rest) > self.limits.line_bytes:
                raise FileRefused("LINE_TOO_LONG")
            self._more()

    def records(self, data: bytes, is_last: bool) -> Records:
        """Find records one by one; refuse one that is too long."""
        records = find_records(data, is_last)
        if len(records) and int((records.ends - records.starts).max()) > self.limits.line_bytes:
            raise FileRefused("LINE_TOO_LONG")
        return records

    def _more(self) -> None:
        if self.is_last:
            return
        piece = next(self.pieces, None)
        self.is_last = piece is None
        self.rest += piece or b""


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
    source = _Source(_utf8_pieces(path, codec, limits), limits)
    header = _header_fields(source.header())
    opened = RawFile(header, iter(()), set(range(len(header))))
    opened.blocks = _csv_blocks(opened, source)
    return opened


def _csv_blocks(opened: RawFile, source: _Source) -> Iterator[RawBlock]:
    import polars as pl

    row, step, width = 1, source.limits.block_rows, len(opened.header)
    for run in source.runs(width):
        records = run.records
        if run.plain is not None:
            frame = _parse_csv(run.data, width, opened.positions, run.plain)
            if frame is not None:
                for start in range(0, run.plain, step):
                    part = frame.slice(start, step)
                    numbers = np.arange(row, row + part.height, dtype=np.int64)
                    yield RawBlock(part, pl.Series("row", numbers))
                    row += part.height
                continue
            records = source.records(run.data, True)
        if records is None:
            raise ValueError("a run is either plain or has records")
        for start in range(0, len(records), step):
            stop = min(start + step, len(records))
            yield _csv_block(opened, run.data, records, start, stop, row)
            row += stop - start


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
    frame = _parse_csv(text, width, opened.positions, int(good.sum()))
    if frame is None:
        raise FileRefused("FILE_UNREADABLE", "行 rows")
    return RawBlock(frame, pl.Series("row", numbers[good], dtype=pl.Int64), malformed)


def _parse_csv(text: bytes, width: int, positions: set[int], height: int) -> pl.DataFrame | None:
    """Parse `height` records of `width` fields; None when they turn out to be others.

    Every value is text, an empty one may be null or empty. Raises `FileRefused` for bytes that are no UTF-8.
    """
    import polars as pl

    wanted = [str(position) for position in sorted(positions)]
    if height == 0:
        return pl.DataFrame(schema=dict.fromkeys(wanted, pl.String()))
    if not text.endswith(b"\n"):
        text += b"\n"
    try:
        frame = pl.read_csv(
            text,
            has_header=False,
            schema={str(index): pl.String() for index in range(width)},
            # the parser looks for surplus fields only behind the last column that it reads
            columns=sorted(positions | {width - 1}),
            infer_schema=False,
        )
    except pl.exceptions.PolarsError:
        try:
            text.decode("utf-8")
        except UnicodeDecodeError:
            # not the engine's own message: it quotes values
            raise FileRefused("ENCODING_WRONG") from None
        return None
    return frame.select(wanted) if frame.height == height else None


def _open_parquet(path: Path, limits: Limits) -> RawFile:
    import pyarrow.parquet as pq

    with unreadable_is_refused():
        file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1024 * 1024)
        header = list(file.schema_arrow.names)
    opened = RawFile(header, iter(()), set(range(len(header))))
    opened.blocks = _parquet_blocks(opened, file, limits)
    return opened


def _parquet_blocks(opened: RawFile, file: Any, limits: Limits) -> Iterator[RawBlock]:
    import polars as pl

    row = 1
    positions = {opened.header[position]: str(position) for position in sorted(opened.positions)}
    with unreadable_is_refused():
        batches = iter(file.iter_batches(batch_size=limits.block_rows, columns=list(positions)))
    while True:
        with unreadable_is_refused():
            batch = next(batches, None)
            if batch is None:
                break
            columns = zip(batch.schema.names, batch.columns, strict=True)
            frame = pl.DataFrame([pl.Series(positions[name], column) for name, column in columns])
        numbers = pl.Series("row", np.arange(row, row + batch.num_rows, dtype=np.int64))
        row += batch.num_rows
        yield RawBlock(frame, numbers)
    file.close()

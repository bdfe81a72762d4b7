"""Finds the records of CSV bytes: where each ends, how many fields it has, whether its quoting is RFC 4180.

Does not decode values and does not read files; `readers.py` does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_NEWLINE, _RETURN, _QUOTE, _COMMA = 10, 13, 34, 44

# One field and its terminator, read as a lenient reader would: text after a closing quote and quotes inside
# an unquoted field belong to the field. `open` is a quoted field that the bytes at hand do not close.
_FIELD = re.compile(
    rb'(?:"(?>[^"]*(?:""[^"]*)*)(?:"(?P<junk>[^,\n]*)|(?P<open>\Z))|(?P<plain>[^,\n]*))(?P<end>,|\n|\Z)'
)


@dataclass(frozen=True)
class Records:
    """Complete records in a run of bytes.

    `starts` and `ends` are byte offsets (the end includes the line break), `fields` the number of fields,
    `malformed` marks records whose quotes are not RFC 4180. Blank lines are left out. `consumed` is where the
    first incomplete record begins, `is_open` says that it is incomplete because of an open quote.
    """

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    fields: npt.NDArray[np.int64]
    malformed: npt.NDArray[np.bool_]
    consumed: int
    is_open: bool

    def __len__(self) -> int:
        return len(self.starts)


def count_plain(data: bytes, is_last: bool, width: int, line_bytes: int) -> tuple[int, int] | None:
    """The quick way for bytes without quotes: return where the complete records end and how many there are.

    None when the bytes need `find_records`: quotes, blank lines, a possibly too long line, or a number of
    commas that does not fit records of `width` fields. What passes is plain only if besides no record has
    more than `width` fields, which the caller's parser finds out.
    """
    consumed = len(data) if is_last else data.rfind(b"\n") + 1
    if consumed == 0 or b'"' in data:
        return None
    array = np.frombuffer(data, dtype=np.uint8)[:consumed]
    ends = np.flatnonzero(array == _NEWLINE)
    if not data.endswith(b"\n", 0, consumed):
        ends = np.append(ends, consumed - 1)
    lengths = np.diff(ends, prepend=-1)
    # with a carriage return a blank line is two bytes long; so is "a" without one, which is rare enough
    if int(lengths.min()) <= 2 or int(lengths.max()) > line_bytes:
        return None
    if np.count_nonzero(array == _COMMA) != len(ends) * (width - 1):
        return None
    return consumed, len(ends)


def find_records(data: bytes, is_last: bool) -> Records:
    """Find the records of `data`, which begins at the start of a record.

    `is_last`: no bytes follow, so the last record needs no line break. The result for a record does not
    depend on how the file was cut into runs of bytes.
    """
    array = np.frombuffer(data, dtype=np.uint8)
    quotes = np.flatnonzero(array == _QUOTE)
    if len(quotes) and not _is_well_quoted(array, quotes, is_last):
        return _find_leniently(data, is_last)
    ends = _outside_quotes(np.flatnonzero(array == _NEWLINE), quotes) + 1
    consumed = int(ends[-1]) if len(ends) else 0
    is_open = len(quotes) % 2 == 1
    if is_last and consumed < len(data) and not is_open:
        ends = np.append(ends, len(data))
        consumed = len(data)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), ends[:-1]]) if len(ends) else ends
    commas = _outside_quotes(np.flatnonzero(array == _COMMA), quotes)
    fields = np.diff(np.searchsorted(commas, ends), prepend=0) + 1
    blank = _is_blank(array, starts, ends)
    kept = ~blank
    return Records(
        starts[kept], ends[kept], fields[kept], np.zeros(int(kept.sum()), dtype=np.bool_), consumed, is_open
    )


def _outside_quotes(positions: npt.NDArray[np.int64], quotes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    if not len(quotes):
        return positions
    outside: npt.NDArray[np.int64] = positions[np.searchsorted(quotes, positions) % 2 == 0]
    return outside


def _is_blank(
    array: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Records without content: a line break alone, with or without a carriage return before it."""
    length = ends - starts
    first = array[starts]
    second = array[np.minimum(starts + 1, max(len(array) - 1, 0))]
    alone = (length == 1) & ((first == _NEWLINE) | (first == _RETURN))
    blank: npt.NDArray[np.bool_] = alone | ((length == 2) & (first == _RETURN) & (second == _NEWLINE))
    return blank


def _is_well_quoted(array: npt.NDArray[np.uint8], quotes: npt.NDArray[np.int64], is_last: bool) -> bool:
    """Whether every opening quote begins a field and every closing one ends it (a doubled one is both)."""
    opening, closing = quotes[0::2], quotes[1::2]
    before = array[np.maximum(opening - 1, 0)]
    follows_closing = np.zeros(len(opening), dtype=np.bool_)
    follows_closing[1:] = opening[1:] == closing[: len(opening) - 1] + 1
    begins = (opening == 0) | (before == _COMMA) | (before == _NEWLINE) | follows_closing
    if not begins.all():
        return False
    last = len(array) - 1
    after = array[np.minimum(closing + 1, last)]
    at_end = closing == last
    precedes_opening = np.zeros(len(closing), dtype=np.bool_)
    paired = min(len(closing), len(opening) - 1)
    precedes_opening[:paired] = opening[1 : paired + 1] == closing[:paired] + 1
    # a carriage return ends a field only together with the line feed; at the edge of the bytes it is
    # undecided
    second = array[np.minimum(closing + 2, last)]
    line_end = (after == _NEWLINE) | ((after == _RETURN) & ((second == _NEWLINE) | (closing + 1 >= last)))
    return bool((at_end | (after == _COMMA) | line_end | precedes_opening).all())


def _find_leniently(data: bytes, is_last: bool) -> Records:
    """The slow way for bytes with wrong quotes: field by field, resynchronising at the next line break."""
    starts: list[int] = []
    ends: list[int] = []
    fields: list[int] = []
    malformed: list[bool] = []
    start = position = count = 0
    bad = is_open = False
    size = len(data)
    while position < size:
        match = _FIELD.match(data, position)
        if match is None:  # pragma: no cover - the pattern matches the empty field
            break
        if match["open"] is not None:
            is_open = True
            break
        junk, plain = match["junk"], match["plain"]
        if junk is not None and junk != b"" and not (junk == b"\r" and match["end"] != b","):
            bad = True
        if plain is not None and b'"' in plain:
            bad = True
        count += 1
        position = match.end()
        if match["end"] == b",":
            if position == size and is_last:
                count += 1
            else:
                continue
        if match["end"] == b"" and not is_last:
            break
        if data[start:position] not in (b"\n", b"\r\n", b"\r"):
            starts.append(start)
            ends.append(position)
            fields.append(count)
            malformed.append(bad)
        start, count, bad = position, 0, False
    consumed = start
    return Records(
        np.array(starts, dtype=np.int64),
        np.array(ends, dtype=np.int64),
        np.array(fields, dtype=np.int64),
        np.array(malformed, dtype=np.bool_),
        consumed,
        is_open,
    )

"""What reading a file gives: raw blocks, malformed rows, and the refusal of a whole file.

Does not read anything; `readers.py` and `workbook.py` do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


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


@contextmanager
def unreadable_is_refused() -> Iterator[None]:
    """Whatever a parser says of a broken file, panics of native code included, refuses the file."""
    try:
        yield
    except (FileRefused, MemoryError):
        raise
    except Exception:
        raise FileRefused("FILE_UNREADABLE") from None
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise FileRefused("FILE_UNREADABLE") from None
        raise

"""A damaged delivery in the making: its files, what its manifest says wrongly, what is to be found in it.

Not here: the damages (damages.py) and the writing of deliveries (dirt.py).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.contract.model import dataset


@dataclass(frozen=True)
class Finding:
    """What the intake has to say: level, code in the contract's words, column, place of the file and row."""

    code: str
    column: str = ""
    file: str = ""
    row: int | None = None


@dataclass
class Sheet:
    """A file in the making: rows of text under the contract's column names, written as CSV.

    `header` replaces the names in the file, `content` the bytes, `entry` keys of the manifest entry.
    """

    dataset: str
    columns: list[str]
    rows: list[list[str]]
    path: str = ""
    header: list[str] | None = None
    content: bytes | None = None
    entry: dict[str, Any] = field(default_factory=dict)
    is_written: bool = True

    def __post_init__(self) -> None:
        if not self.path:
            self.path = f"{self.dataset}.csv"

    def put(self, row: int, column: str, value: str) -> None:
        """Write a value into a row (numbered from 1)."""
        self.rows[row - 1][self.columns.index(column)] = value

    def bytes(self) -> bytes:
        """The file's content."""
        if self.content is not None:
            return self.content
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, lineterminator="\r\n")
        writer.writerow(self.header or self.columns)
        writer.writerows(self.rows)
        return buffer.getvalue().encode("utf-8")


@dataclass
class Draft:
    """A damaged delivery.

    `is_refused`: nothing of it is accepted, so nothing has to be taken back. `folder` names another place
    than unit, day and batch say; `text` replaces the manifest, "" leaves it out.
    """

    unit: str
    day: str
    batch: str
    sheets: list[Sheet]
    findings: list[Finding]
    is_refused: bool = False
    manifest: dict[str, Any] = field(default_factory=dict)
    folder: tuple[str, str, str] | None = None
    text: str | None = None
    unnamed: dict[str, bytes] = field(default_factory=dict)
    minute: int = 0


@dataclass(frozen=True)
class Ordinary:
    """An ordinary file of the clean city that can be damaged in a copy: delivery, place, manifest entry."""

    unit: str
    day: str
    batch: str
    path: Path
    entry: dict[str, Any]


def titled(columns: Sequence[str], name: str) -> list[str]:
    """Header that takes Chinese titles and English names in turn."""
    known = dataset(name).by_name
    return [known[one].title if index % 2 else one for index, one in enumerate(columns)]

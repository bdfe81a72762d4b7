"""Maps the header of a file to contract columns: Chinese titles or English names, in any mixture.

Does not read files and does not judge rows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pipelines.contract import model
from pipelines.contract.model import Dataset
from pipelines.ingest.raw import FileRefused

_NAMED_UNKNOWN = 50
_NAME_LENGTH = 40
# a run of digits in a header cell is more likely a number of a person than a name of a column
_DIGITS = re.compile(r"\d{5,}")


@dataclass(frozen=True)
class Header:
    """Contract column → position in the file, and the names of columns that the contract does not have."""

    positions: Mapping[str, int]
    unknown: tuple[str, ...]


def normal_header(text: str) -> str:
    """Return a header cell without blanks, full-width forms, byte order mark and letter case."""
    folded = unicodedata.normalize("NFKC", text).replace("\ufeff", "")
    return "".join(folded.split()).casefold()


@cache
def _lookup(name: str) -> Mapping[str, str]:
    return {normal_header(header): column.name for header, column in model.dataset(name).by_header.items()}


def resolve_header(titles: list[str], dataset: Dataset) -> Header:
    """Find the contract column of every header cell.

    Raises `FileRefused`: HEADER_DUPLICATED when a contract column occurs twice, COLUMN_MISSING when a
    required one (or all of block P's minimum) is absent. Names of unknown columns appear only when the
    header is a header: at least half of its cells are known; otherwise it may be a row of data and nothing
    of it is repeated.
    """
    lookup = _lookup(dataset.name)
    positions: dict[str, int] = {}
    doubled: list[str] = []
    unknown: list[str] = []
    for index, title in enumerate(titles):
        name = lookup.get(normal_header(title))
        if name is None:
            unknown.append(_shown(title, index))
        elif name in positions:
            doubled.append(name)
        else:
            positions[name] = index
    if doubled:
        raise FileRefused("HEADER_DUPLICATED", "、".join(dict.fromkeys(doubled)))
    missing = missing_columns(positions, dataset)
    if missing:
        raise FileRefused("COLUMN_MISSING", "、".join(missing))
    return Header(positions, tuple(unknown) if len(positions) * 2 >= len(titles) else ())


def known_share(titles: list[str], dataset: Dataset) -> float:
    """Return which share of a header's cells a dataset knows."""
    lookup = _lookup(dataset.name)
    return sum(normal_header(title) in lookup for title in titles) / max(len(titles), 1)


def _shown(title: str, index: int) -> str:
    text = " ".join(title.split())
    if not text or _DIGITS.search(text) or len(text) > _NAME_LENGTH or index >= _NAMED_UNKNOWN:
        return f"第{index + 1}列"
    return text.replace("|", "/")


def missing_columns(present: Mapping[str, int], dataset: Dataset) -> list[str]:
    """Names of required columns that are absent; if there are all, block P's minimum as one entry."""
    required = [column.name for column in dataset.columns if column.required or column.name in dataset.key]
    missing = [name for name in required if name not in present]
    is_named = any(all(name in present for name in group) for group in model.PERSON_MINIMUM)
    if dataset.has_person and not is_named and not missing:
        missing.append("/".join("+".join(group) for group in model.PERSON_MINIMUM))
    return missing

"""What the values behind the findings of a file look like: shapes and unknown codes with their counts.

Not here: what may be shown of a value (`mask.py`), and the counts of the findings themselves (`outcome.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from pipelines.contract.model import Dataset
from pipelines.ingest import mask, values
from pipelines.ingest.reasons import split_code
from pipelines.ingest.rows import Weighed

_KEPT = 50
"""So many different values are counted per finding; the rest is counted together."""

_WITHOUT_VALUE = ("KEY_MISSING", "REQUIRED_MISSING", "PERSON_MISSING")

_IDENTITY_COLUMNS: Mapping[str, str] = {
    "ID_LENGTH": "id_no",
    "ID_PATTERN": "id_no",
    "DOCUMENT_PATTERN": "id_no",
    "ID_TYPE_NO_KEY": "id_no",
    "ID_UNEXPECTED": "id_no",
    "BC_PATTERN": "birth_certificate_no",
    "MOTHER_ID_INVALID": "mother_id_no",
}
"""Identity issue → the column whose shape tells something; the others concern well-formed numbers."""


@dataclass(frozen=True)
class Shown:
    """A value as it may be shown: itself or its shape, how often, and the code whose label it is."""

    value: str
    is_masked: bool
    count: int
    code: str | None = None


class Examples:
    """Collects the values behind the findings of one file, block by block; memory does not grow with rows."""

    def __init__(self, dataset: Dataset, source_system: str | None) -> None:
        self._dataset = dataset
        self._source_system = source_system
        self._counts: dict[str, Counter[tuple[str, bool]]] = {}
        self._others: Counter[str] = Counter()

    def add(self, weighed: Weighed) -> None:
        """Look at the values of a block that something was said of; remarks count on accepted rows only."""
        is_accepted = ~weighed.is_refused
        remarks = {code: flag & is_accepted for code, flag in weighed.warnings.items()}
        for code, flag in {**weighed.refusing, **remarks}.items():
            name, column = split_code(code)
            if name in _WITHOUT_VALUE or column not in weighed.raw.columns:
                continue
            texts = _texts(weighed.raw, column, flag)
            self._count(code, self._unknown(texts, column) if name == "CODE_UNKNOWN" else texts, column)
        if self._dataset.has_person:
            self._identity(weighed)

    def of(self, code: str, column: str) -> tuple[list[Shown], int]:
        """The values behind a finding, most frequent first, and how many more stand behind those."""
        key = f"{code}:{column}" if column else code
        labels = mask.labels(self._dataset.by_name[column]) if column in self._dataset.by_name else {}
        found = [
            Shown(value, is_masked, count, None if is_masked else labels.get(value))
            for (value, is_masked), count in self._counts.get(key, Counter()).most_common()
        ]
        return found, self._others[key]

    def _identity(self, weighed: Weighed) -> None:
        has_issue = weighed.content["identity_issue_codes"].is_not_null() & ~weighed.is_refused
        if not has_issue.any():
            return
        issues = weighed.content["identity_issue_codes"].filter(has_issue).str.split("|")
        raw = weighed.raw.filter(has_issue)
        for code, column in _IDENTITY_COLUMNS.items():
            flag = issues.list.contains(code)
            if column in raw.columns and flag.any():
                self._count(code, _texts(raw, column, flag), column)

    def _unknown(self, cells: pl.Series, column: str) -> pl.Series:
        """Single unknown codes of cells, in which known ones may stand beside them."""
        found = self._dataset.by_name[column]
        if not found.is_multiple:
            return cells
        codes = cells.str.split("|").list.explode().str.strip_chars()
        known = [*values.codes_of(found, self._source_system), ""]
        return codes.filter(~codes.is_in(known))

    def _count(self, key: str, texts: pl.Series, column: str) -> None:
        counted = texts.value_counts(name="count")
        shown = mask.shown(counted.to_series(0), self._dataset.by_name[column])
        sums = (
            shown.with_columns(counted["count"])
            .group_by("value", "is_masked")
            .agg(pl.col("count").sum())
            .sort(pl.col("count"), "value", descending=[True, False])
        )
        found = self._counts.setdefault(key, Counter())
        for value, is_masked, count in sums.iter_rows():
            if (value, is_masked) in found or len(found) < _KEPT:
                found[(value, is_masked)] += count
            else:
                self._others[key] += count


def _texts(raw: pl.DataFrame, column: str, flag: pl.Series) -> pl.Series:
    """The flagged values as text, without nulls."""
    picked = raw.select(values.as_text(column, raw.schema[column]).alias(column))[column]
    return picked.filter(flag).cast(pl.String).drop_nulls()

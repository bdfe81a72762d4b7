"""The city under construction: plan, residents, archive copies, stays, rows to deliver, truth lines.

Not here: any story (newborns.py, moves.py, endings.py, care.py) and any file (deliver.py).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.random import Generator

from pipelines.synth.clock import Dates, Whole, days_between
from pipelines.synth.identity import PHONES, phones
from pipelines.synth.people import People
from pipelines.synth.places import Places
from pipelines.synth.slices import Slice


def masked(mask: Any, values: Any) -> pl.Series:
    """Values where the mask holds, null elsewhere."""
    frame = pl.DataFrame({"mask": np.asarray(mask, dtype=bool), "value": values})
    return frame.select(pl.when("mask").then("value")).to_series()


def short_texts(values: Any) -> Any:
    """Arrays of codes of at most two ASCII characters as a series, which costs a tenth of the general way.

    Anything else is returned as it is.
    """
    if not isinstance(values, np.ndarray) or values.dtype.kind != "U" or values.dtype.itemsize > 8:
        return values
    width = values.dtype.itemsize // 4
    if not len(values) or not width:
        return values
    letters = np.ascontiguousarray(values).view(np.uint32).reshape(len(values), width).astype(np.int64)
    if letters.max() >= 128:
        return values
    number = letters @ (128 ** np.arange(width))
    seen = np.flatnonzero(np.bincount(number))
    position = np.zeros(int(number.max()) + 1, dtype=np.int64)
    position[seen] = np.arange(len(seen))
    words = ["".join(chr(one // 128**place % 128) for place in range(width)).rstrip("\0") for one in seen]
    return pl.Series(words, dtype=pl.String).gather(position[number])


@dataclass(frozen=True)
class Plan:
    """What was asked for, of the city or of one of its slices.

    Attributes:
        residents: persons at the start.
        units: number of delivering districts.
        first, last: days of the first and the last delivery; `last` is the truth's evaluation date.
        seed: everything random derives from it.
        defects: share of residents that carry a planted violation; 0 = a city without violations.
        file_format: csv, parquet or xlsx.
    """

    residents: int
    units: int
    first: np.datetime64
    last: np.datetime64
    seed: int
    defects: float
    file_format: str

    @property
    def span(self) -> int:
        """Days from the first to the last delivery."""
        return int(days_between(self.first, self.last))


#: Types of a truth line's columns: a story that nobody lives leaves lines without a value to tell them by.
_LINE_TYPES = {
    **dict.fromkeys(("rule_id", "finding_code", "dataset", "record_key", "kind"), pl.String),
    **dict.fromkeys(("is_violation", "is_finding"), pl.Boolean),
}


@dataclass
class World:
    """Everything known so far of one slice; stories append to it.

    Attributes:
        share: which slice of the city this is; `plan` and `places` are the slice's own.
        rows: dataset → frames with contract columns and `_unit` (unit number, -1 = the city), `_at` (Date).
        copies: frames copy, person, unit, org, village, created, entered, from_copy (origin copy, -1 = none).
        versions: frames copy, `_at`, seq and overridden archive columns.
        stays: frames person, copy, org, stay_from, stay_to (exclusive): where ordinary services may happen.
        status: frames person, status_code, status_from: recorded states other than the initial one.
        expected: frames person, expected_code: what the evidence supports on the last day, where it differs.
        lines: truth lines of violations and of boundary cases.
    """

    plan: Plan
    share: Slice
    places: Places
    people: People
    days: Dates
    rows: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    copies: list[pl.DataFrame] = field(default_factory=list)
    versions: list[pl.DataFrame] = field(default_factory=list)
    stays: list[pl.DataFrame] = field(default_factory=list)
    status: list[pl.DataFrame] = field(default_factory=list)
    expected: list[pl.DataFrame] = field(default_factory=list)
    lines: list[pl.DataFrame] = field(default_factory=list)
    #: person, unit, copy, move_from: where residents live after a completed transfer.
    moves: list[pl.DataFrame] = field(default_factory=list)
    #: person, org, manage_from: managing institutions other than the first.
    managers: list[pl.DataFrame] = field(default_factory=list)
    #: Applications for transfer as they happened.
    transfers: list[pl.DataFrame] = field(default_factory=list)
    #: Known facts of the stories, for the expected figures.
    facts: dict[str, pl.DataFrame] = field(default_factory=dict)
    #: Copies whose first version states the identity number instead of the birth certificate.
    without_certificate: list[Whole] = field(default_factory=list)
    #: person, at: delivered ordinary services.
    served: list[pl.DataFrame] = field(default_factory=list)
    served_in_stories: list[pl.DataFrame] = field(default_factory=list)
    #: record_id, dataset, person, org, at, entered and the verdict of each examination.
    exams: pl.DataFrame = field(default_factory=pl.DataFrame)
    followups: dict[str, pl.DataFrame] = field(default_factory=dict)
    #: record_id, entered_again, delay: entries moved by a planted flaw.
    entries: list[pl.DataFrame] = field(default_factory=list)
    #: Records left out of a full delivery.
    deleted: pl.Series | None = None
    vanished: pl.Series | None = None
    #: Archive ids of the copies known so far (archives.py fills it).
    archive_ids: pl.Series = field(default_factory=lambda: pl.Series("id", [], dtype=pl.String))
    next_copy: int = 0
    next_record: dict[str, int] = field(default_factory=dict)
    next_phone: int = 0

    def __post_init__(self) -> None:
        size = len(self.people)
        #: Whether rows about the person carry the identity number (not while it changes or is wrong).
        self.block_has_id = np.ones(size, dtype=bool)
        #: Whether the archive names the mother's number.
        self.names_mother = self.people.is_newborn.copy()
        #: Index of the missing cover or basic item, -1 = complete.
        self.cover_gap = np.full(size, -1)
        self.basic_gap = np.full(size, -1)
        #: Persons on the restricted list.
        self.restricted = np.zeros(0, dtype=np.int64)
        self.is_htn = np.zeros(size, dtype=bool)
        self.is_dm = np.zeros(size, dtype=bool)

    def random(self, topic: str) -> Generator:
        """Random numbers of one topic: adding a topic never shifts the numbers of another."""
        return np.random.default_rng([self.plan.seed, zlib.crc32(topic.encode()), self.share.number])

    def deliver(self, dataset: str, unit: Whole, at: Dates, columns: dict[str, Any]) -> None:
        """Add rows of a dataset, to be sent by `unit` on the first delivery day from `at` on."""
        texts = {name: short_texts(values) for name, values in columns.items()}
        frame = pl.DataFrame({**texts, "_unit": unit, "_at": at})
        self.rows.setdefault(dataset, []).append(frame)

    def new_copies(self, count: int) -> Whole:
        """Numbers of further archive copies (the first copy of a person has the person's number)."""
        start = len(self.people) + self.next_copy
        self.next_copy += count
        return np.arange(start, start + count)

    def unit_of_copy(self, copy: Whole) -> Whole:
        """Unit numbers of further copies (of first copies the number of the person's unit is of no use)."""
        units = np.full(len(self.people) + self.next_copy, -1)
        for frame in self.copies:
            units[frame["copy"].to_numpy()] = frame["unit"].to_numpy()
        return np.asarray(units[copy])

    def note(
        self,
        rule_id: str,
        finding_code: str,
        dataset: str,
        unit: Whole,
        key: pl.Series,
        kind: str,
        person: Whole,
        is_violation: bool = True,
        is_finding: bool | None = None,
    ) -> None:
        """Write truth lines: one per subject, a violation or the lawful side of a boundary.

        Args:
            rule_id, finding_code, dataset: what is found where.
            unit: units of the records.
            key: record keys.
            kind: name of the story.
            person: positions.
            is_violation: whether the subject breaks the rule.
            is_finding: whether the finding is to appear; like `is_violation` unless said otherwise, as for
                a lawful state that an indicator has to name.
        """
        size = len(key)
        self.lines.append(
            pl.DataFrame(
                {
                    "rule_id": [rule_id] * size,
                    "finding_code": [finding_code] * size,
                    "dataset": [dataset] * size,
                    "_unit": np.asarray(unit, dtype=np.int64),
                    "record_key": key,
                    "kind": [kind] * size,
                    "person_no": np.asarray(person, dtype=np.int64),
                    "is_violation": [is_violation] * size,
                    "is_finding": [is_violation if is_finding is None else is_finding] * size,
                },
                schema_overrides=_LINE_TYPES,
            )
        )

    def new_ids(self, prefix: str, count: int) -> pl.Series:
        """Fresh record ids with a prefix, city-wide unique.

        Raises:
            ValueError: the slice's part of the numbers is used up.
        """
        start, width = self.share.share(10**9 - 1)
        used = self.next_record.get(prefix, 0)
        if used + count > width:
            raise ValueError("more records than record numbers; ask for fewer residents or a shorter period")
        self.next_record[prefix] = used + count
        first = start + used + 1
        return prefix + pl.Series(np.arange(first, first + count)).cast(pl.String).str.zfill(9)

    def new_phones(self, count: int) -> pl.Series:
        """Fresh mobile numbers beside those that everybody has from the start.

        Raises:
            ValueError: the slice's part of the numbers is used up.
        """
        start, width = self.share.share(PHONES)
        used = 2 * len(self.people) + self.next_phone
        if used + count > width:
            raise ValueError("more phones than numbers; ask for fewer residents or a shorter period")
        self.next_phone += count
        return phones(start + used + 1 + np.arange(count))

    def person_numbers(self, person: Whole) -> Whole:
        """Numbers of persons in the city, as they stand in the truth; -1 stays -1."""
        start = self.share.share(10**9)[0]
        return np.where(np.asarray(person) < 0, -1, start + np.asarray(person))

"""Takes in what the inbox holds and the register lacks; settles which delivery owns a batch.

Does not judge files (`delivery.py`) and never changes the inbox.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipelines.ingest import lake
from pipelines.ingest.delivery import commit, refused_outcome, store
from pipelines.ingest.limits import DEFAULT_LIMITS, Limits
from pipelines.ingest.manifest import Candidate, Refusal, missing_sm3, read_candidate
from pipelines.ingest.outcome import DeliveryOutcome, as_reused
from pipelines.settings import Settings

Progress = Callable[[int, int], None]
"""Called after each delivery with how many are done and how many there are."""

_UNIT = re.compile(r"^[0-9]{6}$")
_IGNORED = {".DS_Store", "Thumbs.db", ".gitkeep"}
# a delivery refused for these has no readable manifest in its own place, so it cannot own a batch
_HOLDS_BATCH = (None, "BATCH_REUSED", "PATH_OUTSIDE")


@dataclass(frozen=True)
class IngestSummary:
    """What one call did: new deliveries with their outcomes, how many were known already, what lay astray."""

    deliveries: tuple[DeliveryOutcome, ...]
    known: int
    strays: tuple[str, ...]

    @property
    def accepted_by_dataset(self) -> Mapping[str, int]:
        """Dataset → rows that went into the lake."""
        counts: Counter[str] = Counter()
        for outcome in self.deliveries:
            for file in outcome.files:
                if file.dataset:
                    counts[file.dataset] += file.accepted_rows
        return counts

    @property
    def has_findings(self) -> bool:
        """Whether anything was refused, quarantined or lay astray."""
        return bool(self.strays) or any(outcome.has_findings for outcome in self.deliveries)


class _Rank(NamedTuple):
    """Order of rivals for a batch: the first owns it, whatever arrived first."""

    received_at: datetime
    delivery_sm3: str


def delivery_folders(
    inbox: Path, unit: str | None = None, day: date | str | None = None
) -> tuple[list[Path], list[str]]:
    """Find folders `<unit>/<day>/<batch>`, sorted, and name whatever else lies in the inbox.

    Links are not followed. A folder at the right depth is a delivery whatever its day is called, so that
    nothing sent disappears without a receipt.
    """
    found: list[Path] = []
    strays: list[str] = []
    wanted_day = day.isoformat() if isinstance(day, date) else day
    for unit_entry in _entries(inbox):
        if not _UNIT.match(unit_entry.name) or not _is_folder(unit_entry):
            strays.append(_shown(unit_entry, inbox))
            continue
        if unit is not None and unit_entry.name != unit:
            continue
        for day_entry in _entries(Path(unit_entry.path)):
            if wanted_day is not None and day_entry.name != wanted_day:
                continue
            if not _is_folder(day_entry):
                strays.append(_shown(day_entry, inbox))
                continue
            for entry in _entries(Path(day_entry.path)):
                if _is_folder(entry):
                    found.append(Path(entry.path))
                else:
                    strays.append(_shown(entry, inbox))
    return found, strays


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda item: item.name):
            if entry.name not in _IGNORED:
                yield entry


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _shown(entry: os.DirEntry[str], inbox: Path) -> str:
    text = str(Path(entry.path).relative_to(inbox))
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def ingest_pending(
    settings: Settings,
    unit: str | None = None,
    day: date | str | None = None,
    progress: Progress | None = None,
    force: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> IngestSummary:
    """Take in every delivery of the inbox (of one unit, of one day) that the register does not have.

    `force` takes those in again that the register has, replacing their rows. Idempotent: the same inbox
    gives the same lake in any order and after any interruption. A delivery is known by the SM3 digest of
    its manifest.
    """
    lake.ensure_anchors(settings)
    folders, strays = delivery_folders(settings.inbox, unit, day)
    candidates = [read_candidate(folder, limits) for folder in folders]
    pending = [candidate for candidate in candidates if force or not _is_known(settings, candidate)]
    # older deliveries first: then a rival for a batch is mostly settled without taking anything back
    pending.sort(key=lambda candidate: (_moment(candidate), candidate.unit, candidate.delivery_sm3))
    outcomes: list[DeliveryOutcome] = []
    registers: dict[str, pl.DataFrame] = {}
    for number, candidate in enumerate(pending, start=1):
        register = registers.get(candidate.unit)
        if register is None and candidate.holds_batch:
            register = registers[candidate.unit] = lake.read_register(settings, candidate.unit)
        outcome, is_settled = _take_in(settings, candidate, register, pending, limits)
        if is_settled:
            registers.pop(candidate.unit, None)
        outcomes.append(outcome)
        if progress is not None:
            progress(number, len(pending))
    return IngestSummary(tuple(outcomes), len(candidates) - len(pending), tuple(strays))


def ingest_delivery(
    settings: Settings, folder: Path, force: bool = False, limits: Limits = DEFAULT_LIMITS
) -> DeliveryOutcome | None:
    """Take in one delivery folder `…/<unit>/<day>/<batch>`; None when the register has it already.

    `force` takes it in again, replacing its rows, receipt and register file.
    """
    lake.ensure_anchors(settings)
    candidate = read_candidate(Path(folder).absolute(), limits)
    if not force and _is_known(settings, candidate):
        return None
    register = lake.read_register(settings, candidate.unit) if candidate.holds_batch else None
    return _take_in(settings, candidate, register, [], limits)[0]


def _is_known(settings: Settings, candidate: Candidate) -> bool:
    return lake.register_path(settings, candidate.unit, candidate.day, candidate.delivery_id).is_file()


def _take_in(
    settings: Settings,
    candidate: Candidate,
    register: pl.DataFrame | None,
    pending: list[Candidate],
    limits: Limits,
) -> tuple[DeliveryOutcome, bool]:
    """Settle rivals, then store or refuse; the second result says whether the register changed beside it."""
    if candidate.manifest is not None:
        _forget_missing(settings, candidate)
    if not candidate.holds_batch or register is None:
        return store(settings, candidate, limits), False
    own = _rank(candidate)
    rivals = register.filter(
        (pl.col("delivery_batch") == candidate.batch) & (pl.col("delivery_id") != candidate.delivery_id)
    ).partition_by("delivery_id", maintain_order=True)
    rivals = [rival for rival in rivals if rival["delivery_reason_code"][0] in _HOLDS_BATCH]
    ranks = [_Rank(rival["received_at"][0], rival["delivery_sm3"][0]) for rival in rivals]
    ranks += [
        _rank(other)
        for other in pending
        if other.holds_batch and (other.unit, other.batch) == (candidate.unit, candidate.batch)
    ]
    if any(rank < own for rank in ranks):
        refusal = Refusal("BATCH_REUSED")
        outcome = refused_outcome(candidate, refusal)
        commit(settings, outcome)
        lake.remove_parts(settings, candidate.unit, candidate.day, candidate.delivery_id)
        return outcome, False
    for rival in rivals:
        reused = as_reused(rival)
        commit(settings, reused)
        lake.remove_parts(settings, reused.unit, reused.day, reused.delivery_id)
    return store(settings, candidate, limits), bool(rivals)


def _rank(candidate: Candidate) -> _Rank:
    return _Rank(_moment(candidate), candidate.delivery_sm3)


def _moment(candidate: Candidate) -> datetime:
    return candidate.received_at or datetime(9999, 12, 31)


def _forget_missing(settings: Settings, candidate: Candidate) -> None:
    """A folder that was seen before its manifest arrived was no delivery yet: its refusal is taken back."""
    identifier = missing_sm3(candidate.unit, candidate.day_text, candidate.batch)[:16]
    lake.remove_register(settings, candidate.unit, candidate.day, identifier)

"""Takes in what the inbox holds and the register lacks; settles which delivery owns a batch.

Does not search the inbox (`inbox.py`), does not judge files (`delivery.py`), never changes the inbox.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipelines.ingest import compact, inbox, lake
from pipelines.ingest.delivery import commit, refused_outcome, store
from pipelines.ingest.limits import DEFAULT_LIMITS, Limits
from pipelines.ingest.manifest import Candidate, Refusal, missing_sm3, read_candidate
from pipelines.ingest.outcome import DeliveryOutcome, as_reused
from pipelines.settings import Settings

Progress = Callable[[int, int], None]
"""Called after each delivery with how many are done and how many there are."""

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


def ingest_pending(
    settings: Settings,
    unit: str | None = None,
    day: date | str | None = None,
    progress: Progress | None = None,
    force: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    is_thorough: bool = False,
) -> IngestSummary:
    """Take in every delivery of the inbox (of one unit, of one day) that the register does not have.

    `force` takes those in again that the register has, replacing their rows. Idempotent: the same inbox
    gives the same lake in any order and after any interruption. A delivery is known by the SM3 digest of
    its manifest; `is_thorough` reads every manifest, else only those whose stamp is new (`inbox.py`).
    """
    compact.settle(settings)
    lake.ensure_anchors(settings)
    found, strays = inbox.listing(settings.inbox, unit, day)
    registered = lake.registered_ids(settings)
    seen = inbox.Seen(settings)
    read = [
        (one, read_candidate(one.folder, limits))
        for one in found
        if force or is_thorough or seen.delivery_id(one) not in registered
    ]
    pending = [candidate for _, candidate in read if force or candidate.delivery_id not in registered]
    # older deliveries first: then a rival for a batch is mostly settled without taking anything back
    pending.sort(key=lambda candidate: (_moment(candidate), candidate.unit, candidate.delivery_sm3))
    ranks: dict[tuple[str, str], list[_Rank]] = defaultdict(list)
    for candidate in pending:
        if candidate.holds_batch:
            ranks[candidate.unit, candidate.batch].append(_rank(candidate))
    outcomes: list[DeliveryOutcome] = []
    registers: dict[str, pl.DataFrame] = {}
    for number, candidate in enumerate(pending, start=1):
        register = registers.get(candidate.unit)
        if register is None and candidate.holds_batch:
            register = registers[candidate.unit] = lake.read_register(settings, candidate.unit)
        together = ranks[candidate.unit, candidate.batch]
        outcome, is_settled = _take_in(settings, candidate, register, together, limits)
        if is_settled:
            registers.pop(candidate.unit, None)
        outcomes.append(outcome)
        if progress is not None:
            progress(number, len(pending))
    seen.keep((one, candidate.delivery_id) for one, candidate in read)
    return IngestSummary(tuple(outcomes), len(found) - len(pending), tuple(strays))


def ingest_delivery(
    settings: Settings, folder: Path, force: bool = False, limits: Limits = DEFAULT_LIMITS
) -> DeliveryOutcome | None:
    """Take in one delivery folder `…/<unit>/<day>/<batch>`; None when the register has it already.

    `force` takes it in again, replacing its rows, receipt and register file.
    """
    compact.settle(settings)
    lake.ensure_anchors(settings)
    candidate = read_candidate(Path(folder).absolute(), limits)
    if not force and candidate.delivery_id in lake.registered_ids(settings):
        return None
    register = lake.read_register(settings, candidate.unit) if candidate.holds_batch else None
    return _take_in(settings, candidate, register, [], limits)[0]


def _take_in(
    settings: Settings,
    candidate: Candidate,
    register: pl.DataFrame | None,
    together: Sequence[_Rank],
    limits: Limits,
) -> tuple[DeliveryOutcome, bool]:
    """Settle rivals, then store or refuse; the second result says whether the register changed beside it.

    `together`: ranks of the deliveries of this call that claim the same batch, this one among them.
    """
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
    if any(rank < own for rank in [*ranks, *together]):
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

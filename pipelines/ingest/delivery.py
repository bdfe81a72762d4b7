"""One delivery from its folder into lake and quarantine, file by file, block by block.

Does not search the inbox and does not settle rivals for a batch (`pending.py`); nothing here counts before
the register file is written.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from threading import Event

import polars as pl

from pipelines.contract import model
from pipelines.contract.model import Dataset
from pipelines.ingest import edition, lake, receipt, tenure, withdrawal
from pipelines.ingest.doubled import StagedPart, quarantine_doubled
from pipelines.ingest.headers import Header, resolve_header
from pipelines.ingest.inbox import readable
from pipelines.ingest.limits import DEFAULT_LIMITS, Limits
from pipelines.ingest.manifest import MANIFEST_NAME, Candidate, FileEntry, Manifest, Refusal
from pipelines.ingest.outcome import (
    DeliveryOutcome,
    FileOutcome,
    Tally,
    outcome_of,
    refused_file,
    register_rows,
)
from pipelines.ingest.raw import FileRefused, RawBlock
from pipelines.ingest.readers import FORMATS, file_sm3, open_file
from pipelines.ingest.rows import Judged, Provenance, Weighed, said, stored, weigh
from pipelines.ingest.senders import may_send
from pipelines.settings import Settings

Watch = Callable[[FileEntry, Dataset, Weighed, int], None]
"""Called by `examine` after each block: file, dataset, what was said of the block's rows, rows so far."""

UNCOUNTED_ROWS = 10**12
"""Rows of an entry whose file nobody has counted: any number of rows is right."""


@dataclass
class _Work:
    """One delivery under work: where it is staged and how many parts it has.

    `watch` set: the rows are only looked at, so of the accepted ones no more is staged than what is said.
    """

    settings: Settings
    limits: Limits
    candidate: Candidate
    staging: Path
    parts: list[tuple[str, StagedPart]] = field(default_factory=list)
    watch: Watch | None = None

    def part(self, number: int, first_row: int, last_row: int) -> StagedPart:
        """Names for the next part."""
        return StagedPart(
            self.staging / f"{number}.accepted.parquet",
            self.staging / f"{number}.quarantined.parquet",
            first_row,
            last_row,
        )


def store(settings: Settings, candidate: Candidate, limits: Limits = DEFAULT_LIMITS) -> DeliveryOutcome:
    """Take a delivery in: judge it, place its parts, write receipt and register file (last).

    Whatever an earlier broken attempt left of it is removed first, so that a re-run gives the same lake.
    """
    staging = lake.staging_folder(settings, candidate.delivery_id)
    try:
        work = _Work(settings, limits, candidate, staging)
        outcome = _judge(work)
        sent = withdrawal.sent_batches(settings, candidate.unit) if outcome.withdraws else None
        outcome = _with_notices(outcome, sent)
        # taken in again: from here until the commit the delivery does not exist
        lake.remove_register(settings, candidate.unit, candidate.day, candidate.delivery_id)
        lake.remove_parts(settings, candidate.unit, candidate.day, candidate.delivery_id)
        for number, (dataset, part) in enumerate(work.parts, start=1):
            for staged, root in ((part.accepted, settings.lake), (part.quarantined, settings.quarantine)):
                if staged.is_file():
                    final = lake.part_path(
                        root, dataset, candidate.unit, candidate.day, candidate.delivery_id, number
                    )
                    lake.place(staged, final)
        commit(settings, outcome)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return outcome


def examine(
    settings: Settings, candidate: Candidate, scratch: Path, watch: Watch, limits: Limits = DEFAULT_LIMITS
) -> DeliveryOutcome:
    """Judge a delivery as `store` would, storing nothing; `scratch` is an empty folder for the work."""
    return _with_notices(_judge(_Work(settings, limits, candidate, scratch, watch=watch)), None)


def examine_file(
    settings: Settings, candidate: Candidate, scratch: Path, watch: Watch, limits: Limits = DEFAULT_LIMITS
) -> DeliveryOutcome:
    """Judge the first file of a manifest that was made up for it; its neighbours are no part of a delivery.

    Its entry has `UNCOUNTED_ROWS` and no digest: the outcome has the rows and the digest that were found.
    """
    if candidate.manifest is None:
        raise ValueError("a file is examined under a manifest")
    work = _Work(settings, limits, candidate, scratch, watch=watch)
    return outcome_of(candidate, None, [_file(work, candidate.manifest, candidate.manifest.files[0])])


def _with_notices(outcome: DeliveryOutcome, sent: Mapping[str, datetime] | None) -> DeliveryOutcome:
    """Add what is to be said of a delivery that counts; `sent`: the unit's batches, None when unknown."""
    if outcome.refusal is not None:
        return outcome
    found = withdrawal.notices(outcome.batch, outcome.received_at, outcome.withdraws, sent)
    found = tenure.notices(outcome.unit, outcome.received_at) + found
    return replace(outcome, notices=edition.notices(outcome.contract_version) + found)


def commit(settings: Settings, outcome: DeliveryOutcome) -> None:
    """Write receipt, then register file: from then on the delivery exists."""
    receipt.write(settings, outcome)
    lake.enter(settings, outcome.unit, outcome.day, outcome.delivery_id, register_rows(outcome))


def refused_outcome(candidate: Candidate, refusal: Refusal) -> DeliveryOutcome:
    """The outcome of a delivery that is refused whole: every file with all its rows."""
    entries = candidate.manifest.files if candidate.manifest else []
    files = [refused_file(entry, Refusal("DELIVERY_REFUSED")) for entry in entries]
    return outcome_of(candidate, refusal, [*files, *_unnamed(candidate)])


def _judge(work: _Work) -> DeliveryOutcome:
    candidate, manifest = work.candidate, work.candidate.manifest
    if candidate.refusal is not None:
        return refused_outcome(candidate, candidate.refusal)
    if manifest is None:
        raise ValueError("a candidate without manifest carries a refusal")
    files = [_file(work, manifest, entry) for entry in manifest.files]
    return outcome_of(candidate, None, [*files, *_unnamed(candidate)])


def _unnamed(candidate: Candidate) -> list[FileOutcome]:
    """Files that lie in the folder and stand in no manifest.

    Without a readable manifest nobody knows which files it names: they go with the delivery.
    """
    named = {PurePosixPath(MANIFEST_NAME)}
    code = "DELIVERY_REFUSED"
    if candidate.manifest:
        named |= {PurePosixPath(entry.path) for entry in candidate.manifest.files}
        code = "FILE_UNNAMED"
    found = sorted(set(_files_below(candidate.folder)) - named)
    return [FileOutcome(_printable(path), None, None, 0, refusal=Refusal(code)) for path in found]


def _files_below(folder: Path) -> Iterator[PurePosixPath]:
    for root, folders, files in os.walk(folder):
        for name in files:
            yield PurePosixPath((Path(root) / name).relative_to(folder))
        for name in folders:
            if (Path(root) / name).is_symlink():
                yield PurePosixPath((Path(root) / name).relative_to(folder))


def _printable(path: PurePosixPath) -> str:
    """A path as text that every reader can hold: bytes that are no UTF-8 and control characters escaped."""
    text = readable(str(path))
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def _file(work: _Work, manifest: Manifest, entry: FileEntry) -> FileOutcome:
    """One file of the manifest, refused or taken in; refused leaves no part behind."""
    placed = len(work.parts)
    try:
        path, dataset = _checked(work, manifest, entry)
    except FileRefused as refused:
        return refused_file(entry, Refusal(refused.code, refused.detail))
    # the digest is taken beside the reading: nothing is placed before it is known to be right
    given_up = Event()
    with ThreadPoolExecutor(max_workers=1) as hasher:
        digest = hasher.submit(_digest, path, given_up)
        try:
            outcome = _read(work, manifest, entry, path, dataset)
        except BaseException:
            given_up.set()
            raise
    if entry.rows == UNCOUNTED_ROWS:
        outcome = replace(outcome, sm3=digest.result())
    elif digest.result() != entry.sm3.lower():
        code = "DIGEST_MISMATCH" if digest.result() else "FILE_UNREADABLE"
        outcome = refused_file(entry, Refusal(code))
    if outcome.refusal is not None:
        for _, part in work.parts[placed:]:
            for staged in part.paths():
                staged.unlink()
        del work.parts[placed:]
    return outcome


def _digest(path: Path, given_up: Event) -> str | None:
    try:
        return file_sm3(path, given_up)
    except OSError:
        return None


def _read(work: _Work, manifest: Manifest, entry: FileEntry, path: Path, dataset: Dataset) -> FileOutcome:
    """Read, judge and stage a file's rows block by block."""
    placed = len(work.parts)
    unknown: tuple[str, ...] = ()
    try:
        opened = open_file(path, entry, work.limits)
        header = resolve_header(opened.header, dataset)
        unknown = header.unknown
        opened.positions = set(header.positions.values())
        rows = _stage(work, manifest, entry, dataset, header, opened.blocks)
        if entry.rows == UNCOUNTED_ROWS:
            entry = entry.model_copy(update={"rows": rows})
        if rows != entry.rows:
            raise FileRefused("ROWS_MISMATCH", f"{entry.rows} ≠ {rows}")
        parts = [part for _, part in work.parts[placed:]]
        quarantine_doubled(parts, dataset, list(header.positions), work.settings, work.limits, work.staging)
        return _accepted(entry, dataset, header, parts)
    except FileRefused as refused:
        if entry.rows == UNCOUNTED_ROWS:
            entry = entry.model_copy(update={"rows": 0})
        return refused_file(entry, Refusal(refused.code, refused.detail), unknown)


def _stage(
    work: _Work,
    manifest: Manifest,
    entry: FileEntry,
    dataset: Dataset,
    header: Header,
    blocks: Iterable[RawBlock],
) -> int:
    """Judge blocks and stage their parts; return the number of rows."""
    provenance = Provenance(
        delivery_id=work.candidate.delivery_id,
        unit=manifest.unit,
        batch=manifest.batch,
        file=entry.path,
        source_system=manifest.source_system,
        received_at=manifest.received_at,
        is_workbook=entry.format == "xlsx",
    )
    rows = 0
    with ThreadPoolExecutor(max_workers=1) as writer:
        pending: Future[None] | None = None
        for block in blocks:
            height = block.frame.height + len(block.malformed)
            # beyond the manifest's rows the file is refused anyway, but counted to its end
            if rows <= entry.rows:
                weighed = weigh(block, header.positions, dataset, provenance)
                if work.watch is None:
                    judged = stored(weighed, dataset, provenance)
                else:
                    judged = said(weighed, dataset, provenance)
                    work.watch(entry, dataset, weighed, rows + height)
                part = work.part(len(work.parts) + 1, rows + 1, rows + height)
                work.parts.append((dataset.name, part))
                if pending is not None:
                    pending.result()
                pending = writer.submit(_write, judged, part)
            rows += height
        if pending is not None:
            pending.result()
    return rows


def _checked(work: _Work, manifest: Manifest, entry: FileEntry) -> tuple[Path, Dataset]:
    """Everything that can be said of a file without reading its rows; its path and dataset."""
    if entry.dataset not in model.datasets():
        raise FileRefused("DATASET_UNKNOWN")
    dataset = model.dataset(entry.dataset)
    if not may_send(manifest.unit, dataset):
        raise FileRefused("SENDER_NOT_ALLOWED")
    if entry.format not in FORMATS:
        raise FileRefused("FORMAT_UNKNOWN")
    path = work.candidate.folder / entry.path
    if _regular_size(path) == 0:
        raise FileRefused("FILE_EMPTY")
    return path, dataset


def _regular_size(path: Path) -> int:
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        raise FileRefused("FILE_MISSING") from None
    except (OSError, ValueError):
        raise FileRefused("FILE_UNREADABLE") from None
    if not stat.S_ISREG(found.st_mode):
        raise FileRefused("FILE_NOT_REGULAR")
    return found.st_size


def _write(judged: Judged, part: StagedPart) -> None:
    if judged.accepted.height:
        lake.write_part(judged.accepted, part.accepted)
    if judged.quarantined.height:
        lake.write_part(judged.quarantined, part.quarantined)


def _accepted(entry: FileEntry, dataset: Dataset, header: Header, parts: list[StagedPart]) -> FileOutcome:
    reasons, warnings, issues = Tally(), Tally(), Tally()
    accepted_rows = quarantined_rows = 0
    reported = ["warning_codes", *(["identity_issue_codes"] if dataset.has_person else [])]
    for part in parts:
        if part.accepted.is_file():
            frame = pl.read_parquet(
                part.accepted, columns=["delivery_row", *reported], hive_partitioning=False
            )
            accepted_rows += frame.height
            warnings.add(frame["warning_codes"], frame["delivery_row"])
            if dataset.has_person:
                issues.add(frame["identity_issue_codes"], frame["delivery_row"])
        if part.quarantined.is_file():
            frame = pl.read_parquet(
                part.quarantined, columns=["delivery_row", "reason_codes"], hive_partitioning=False
            )
            quarantined_rows += frame.height
            reasons.add(frame["reason_codes"], frame["delivery_row"])
    return FileOutcome(
        entry.path,
        entry.dataset,
        entry.format,
        entry.rows,
        accepted_rows=accepted_rows,
        quarantined_rows=quarantined_rows,
        unknown_columns=header.unknown,
        sm3=entry.sm3.lower(),
        reasons=reasons.counts(),
        warnings=warnings.counts(),
        identity_issues=issues.counts(),
    )

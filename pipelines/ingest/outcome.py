"""What became of a delivery and its files: the values from which register and receipt are written.

Does not decide and does not write.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import polars as pl

from pipelines.ingest.lake import REGISTER_SCHEMA
from pipelines.ingest.manifest import Candidate, FileEntry, Refusal

ACCEPTED, REFUSED = "accepted", "refused"
_FIRST_ROWS = 10


@dataclass(frozen=True)
class ReasonCount:
    """How often a reason was given: `code` with the column it concerns, and the first data rows it hit."""

    code: str
    column: str
    count: int
    first_rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Notice:
    """Something a unit should know of its delivery and that refuses nothing: a code of `reasons.py`."""

    code: str
    detail: str = ""


class Tally:
    """Counts `|`-joined codes over blocks of rows, with the first rows of each."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._rows: dict[str, list[int]] = {}

    def add(self, codes: pl.Series, rows: pl.Series) -> None:
        """Count the codes of a block; `rows` are its data row numbers."""
        frame = pl.DataFrame({"code": codes, "row": rows}).drop_nulls("code")
        if not frame.height:
            return
        counted = (
            frame.with_columns(pl.col("code").str.split("|"))
            .explode("code")
            .group_by("code", maintain_order=True)
            .agg(pl.len().alias("count"), pl.col("row").sort().head(_FIRST_ROWS).alias("rows"))
        )
        for code, count, first in counted.iter_rows():
            self._counts[code] += count
            self._rows[code] = sorted(self._rows.get(code, []) + first)[:_FIRST_ROWS]

    def counts(self) -> tuple[ReasonCount, ...]:
        """The counts, most frequent first."""
        ordered = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        return tuple(ReasonCount(*(_split(code)), count, tuple(self._rows[code])) for code, count in ordered)


def _split(code: str) -> tuple[str, str]:
    name, _, column = code.partition(":")
    return name, column


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file. `manifest_rows` = accepted + quarantined + refused, always."""

    path: str
    dataset: str | None
    format: str | None
    manifest_rows: int
    accepted_rows: int = 0
    quarantined_rows: int = 0
    refusal: Refusal | None = None
    unknown_columns: tuple[str, ...] = ()
    sm3: str | None = None
    reasons: tuple[ReasonCount, ...] = ()
    warnings: tuple[ReasonCount, ...] = ()
    identity_issues: tuple[ReasonCount, ...] = ()

    @property
    def status(self) -> str:
        """`accepted` or `refused`."""
        return ACCEPTED if self.refusal is None else REFUSED

    @property
    def refused_rows(self) -> int:
        """Rows refused with the file: all that the manifest names, or none."""
        return 0 if self.refusal is None else self.manifest_rows

    @property
    def is_conserved(self) -> bool:
        """The first equation of conservation."""
        return self.manifest_rows == self.accepted_rows + self.quarantined_rows + self.refused_rows


@dataclass(frozen=True)
class DeliveryOutcome:
    """What became of one delivery; `refusal` set means that nothing of it counts."""

    delivery_id: str
    delivery_sm3: str
    unit: str
    day: date | None
    day_text: str
    batch: str
    received_at: datetime | None
    source_system: str | None
    mode: str | None
    contract_version: str | None
    withdraws: tuple[str, ...]
    unknown_keys: tuple[str, ...]
    refusal: Refusal | None
    files: tuple[FileOutcome, ...] = field(default=())
    notices: tuple[Notice, ...] = ()

    @property
    def status(self) -> str:
        """`accepted` or `refused`."""
        return ACCEPTED if self.refusal is None else REFUSED

    @property
    def has_findings(self) -> bool:
        """Whether anything was refused or quarantined."""
        return self.refusal is not None or any(
            file.refusal is not None or file.quarantined_rows for file in self.files
        )

    @property
    def manifest_rows(self) -> int:
        """Rows that the manifest names, over all files."""
        return sum(file.manifest_rows for file in self.files)

    @property
    def accepted_rows(self) -> int:
        """Rows in the lake."""
        return sum(file.accepted_rows for file in self.files)

    @property
    def quarantined_rows(self) -> int:
        """Rows in quarantine."""
        return sum(file.quarantined_rows for file in self.files)

    @property
    def refused_rows(self) -> int:
        """Rows of files that were refused whole."""
        return sum(file.refused_rows for file in self.files)


def outcome_of(
    candidate: Candidate, refusal: Refusal | None, files: Iterable[FileOutcome]
) -> DeliveryOutcome:
    """Put the outcome of a candidate together."""
    manifest = candidate.manifest
    return DeliveryOutcome(
        delivery_id=candidate.delivery_id,
        delivery_sm3=candidate.delivery_sm3,
        unit=candidate.unit,
        day=candidate.day,
        day_text=candidate.day_text,
        batch=candidate.batch,
        received_at=candidate.received_at,
        source_system=manifest.source_system if manifest else None,
        mode=manifest.mode if manifest else None,
        contract_version=manifest.contract_version if manifest else None,
        withdraws=tuple(manifest.withdraws) if manifest else (),
        unknown_keys=manifest.unknown_keys if manifest else (),
        refusal=refusal,
        files=tuple(files),
    )


def refused_file(entry: FileEntry, refusal: Refusal, unknown_columns: Sequence[str] = ()) -> FileOutcome:
    """The outcome of a file of the manifest that is refused whole."""
    return FileOutcome(
        entry.path, entry.dataset, entry.format, entry.rows,
        refusal=refusal, unknown_columns=tuple(unknown_columns), sm3=entry.sm3.lower(),
    )  # fmt: skip


def register_rows(outcome: DeliveryOutcome) -> pl.DataFrame:
    """The register rows of a delivery (grain: file)."""
    common: dict[str, Any] = {
        "delivery_id": outcome.delivery_id,
        "delivery_unit": outcome.unit,
        "delivery_day": outcome.day,
        "delivery_batch": outcome.batch,
        "received_at": outcome.received_at,
        "source_system": outcome.source_system,
        "mode": outcome.mode,
        "contract_version": outcome.contract_version,
        "withdraws": "|".join(outcome.withdraws) or None,
        "delivery_status": outcome.status,
        "delivery_reason_code": outcome.refusal.code if outcome.refusal else None,
        "delivery_sm3": outcome.delivery_sm3,
    }
    rows = [
        common
        | {
            "file_path": file.path,
            "dataset": file.dataset,
            "format": file.format,
            "manifest_rows": file.manifest_rows,
            "accepted_rows": file.accepted_rows,
            "quarantined_rows": file.quarantined_rows,
            "refused_rows": file.refused_rows,
            "file_status": file.status,
            "file_reason_code": file.refusal.code if file.refusal else None,
            "unknown_columns": "|".join(file.unknown_columns) or None,
            "file_sm3": file.sm3,
        }
        for file in outcome.files
    ]
    if outcome.refusal is not None or not rows:
        nothing = dict.fromkeys(("manifest_rows", "accepted_rows", "quarantined_rows", "refused_rows"), 0)
        rows.append(common | nothing)
    return pl.DataFrame(rows, schema=REGISTER_SCHEMA)


def as_reused(register: pl.DataFrame) -> DeliveryOutcome:
    """The outcome of a registered delivery whose batch turns out to belong to an earlier one: all refused."""
    first = register.row(0, named=True)
    refused = Refusal("DELIVERY_REFUSED")
    files = [
        FileOutcome(
            row["file_path"], row["dataset"], row["format"], row["manifest_rows"],
            refusal=Refusal("FILE_UNNAMED") if row["file_reason_code"] == "FILE_UNNAMED" else refused,
            sm3=row["file_sm3"],
        )
        for row in register.iter_rows(named=True)
        if row["file_path"] is not None
    ]  # fmt: skip
    return DeliveryOutcome(
        delivery_id=first["delivery_id"],
        delivery_sm3=first["delivery_sm3"],
        unit=first["delivery_unit"],
        day=first["delivery_day"],
        day_text=first["delivery_day"].isoformat() if first["delivery_day"] else "unknown",
        batch=first["delivery_batch"],
        received_at=first["received_at"],
        source_system=first["source_system"],
        mode=first["mode"],
        contract_version=first["contract_version"],
        withdraws=tuple((first["withdraws"] or "").split("|")) if first["withdraws"] else (),
        unknown_keys=(),
        refusal=Refusal("BATCH_REUSED"),
        files=tuple(files),
    )

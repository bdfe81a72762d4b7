"""What a check found: typed results, their five statuses, and how they are stored without values.

Not here: running checks (pipelines.quality.gate) and drawing pages (pipelines.quality.pages).
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Status(StrEnum):
    """Outcome of one expectation or of a whole suite; ordered by how much it asks of the reader."""

    ERROR = "error"
    FAIL = "fail"
    PASS_WITH_FAILURES = "pass_with_failures"  # noqa: S105 - a status
    PASS = "pass"  # noqa: S105 - a status
    NOT_APPLICABLE = "not_applicable"


class Severity(StrEnum):
    """How bad a breach is. ERROR: something is wrong; WARN: somebody should look; INFO: worth knowing."""

    ERROR = "ERROR"
    WARN = "WARN"
    INFO = "INFO"


class Kind(StrEnum):
    """What a suite judges."""

    STRUCTURE = "structure"
    MART = "mart"
    THRESHOLD = "threshold"


@dataclass(frozen=True)
class ExpectationResult:
    """One expectation with observed counts only; never a value of the data.

    Attributes:
        name: stable name within the suite, e.g. `value_set.status_code`.
        expectation: GX expectation type.
        column: column or columns judged, joined by `, `; None for the whole relation.
        title: one Chinese sentence: what is expected.
        evaluated_count: rows (or units) that were judged; None when the check could not run.
        unexpected_count: those of them that broke the expectation.
        limit: the limit as text, for people.
        reason: why the expectation or limit exists.
        article: rule id or article of the regulation, where there is one.
        note: why a status is ERROR or NOT_APPLICABLE; a fixed sentence, never an exception's text.
        blocking: a breach keeps the last good marts in place.
    """

    name: str
    expectation: str
    column: str | None
    title: str
    status: Status
    severity: Severity
    evaluated_count: int | None = None
    unexpected_count: int | None = None
    limit: str = ""
    reason: str = ""
    owner: str = ""
    article: str = ""
    note: str = ""
    blocking: bool = False

    @property
    def is_breach(self) -> bool:
        """True when the expectation broke or could not be judged because of an error."""
        return self.status in (Status.FAIL, Status.ERROR)


@dataclass(frozen=True)
class SuiteResult:
    """One suite over one relation.

    Attributes:
        suite: name, e.g. `marts.fct_archive`.
        relation: `schema.table` that was judged.
        row_count: rows of the relation; None when it could not be read.
        seconds: wall time of the suite; not part of equality or of stored results.
    """

    suite: str
    title: str
    kind: Kind
    relation: str
    expectations: tuple[ExpectationResult, ...]
    row_count: int | None = None
    seconds: float = field(default=0.0, compare=False)

    @property
    def status(self) -> Status:
        """The worst that was found; WARN and INFO breaches alone make `pass with failures`."""
        return overall(self.expectations)

    @property
    def breaches(self) -> tuple[ExpectationResult, ...]:
        """Expectations that broke or could not be judged, worst severity first."""
        found = [expectation for expectation in self.expectations if expectation.is_breach]
        return tuple(sorted(found, key=lambda one: (list(Severity).index(one.severity), one.name)))

    @property
    def is_blocking(self) -> bool:
        """True when a breach of this suite must keep the last good marts in place."""
        return any(expectation.blocking for expectation in self.breaches)

    @property
    def counts(self) -> dict[Status, int]:
        """Expectations by status, every status present."""
        counted = Counter(expectation.status for expectation in self.expectations)
        return {status: counted[status] for status in Status}


def overall(expectations: Sequence[ExpectationResult]) -> Status:
    """Status of a whole from its parts; nothing judged is NOT_APPLICABLE, never a pass."""
    statuses = {one.status for one in expectations}
    if Status.ERROR in statuses:
        return Status.ERROR
    if any(one.status is Status.FAIL and one.severity is Severity.ERROR for one in expectations):
        return Status.FAIL
    if statuses & {Status.FAIL, Status.PASS_WITH_FAILURES}:
        return Status.PASS_WITH_FAILURES
    return Status.PASS if Status.PASS in statuses else Status.NOT_APPLICABLE


def to_json(results: Iterable[SuiteResult]) -> str:
    """Results as readable JSON, the same text for the same findings."""
    suites = []
    for result in results:
        row: dict[str, Any] = asdict(result)
        row.pop("seconds")
        suites.append({**row, "status": result.status})
    return json.dumps({"suites": suites}, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def from_json(text: str) -> list[SuiteResult]:
    """The inverse of `to_json`.

    Raises:
        KeyError, ValueError: the text was not written by `to_json`.
    """
    results = []
    for row in json.loads(text)["suites"]:
        row.pop("status")
        expectations = tuple(
            ExpectationResult(
                **{**one, "status": Status(one["status"]), "severity": Severity(one["severity"])}
            )
            for one in row.pop("expectations")
        )
        results.append(SuiteResult(**{**row, "kind": Kind(row["kind"]), "expectations": expectations}))
    return results


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)

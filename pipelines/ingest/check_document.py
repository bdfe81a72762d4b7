"""A check as plain values, for machines: the structure that `yudang check --json` writes.

Not here: the same for people (`check_text.py`). It grows by new keys; a key never changes its meaning.

    form          "yudang check 1"
    verdict       clean | findings | unreadable, as the exit codes 0, 3, 2
    message       {sentence, english} when nothing could be checked; then no other key but form, path, verdict
    path, kind    what was checked: delivery | file
    …             the keys of a receipt (`receipt.as_document`): unit, day, batch, status, reason, notices,
                  ignored_manifest_keys, rows, files; of a single file unit, day and batch are null
    rows          manifest = accepted + quarantined + refused, and accepted_share (null without rows);
                  of the whole and of each file
    files[]       path, dataset, title, format, encoding, sm3, status, reason, rows, unknown_columns,
                  quarantine_reasons[], warnings[], identity_issues[]
    …[]           code, grade, column, title, count, first_rows (at most 10, 1 = first row of data),
                  sentence, english; role of the column, allowed {minimum, maximum} of ranges,
                  values[] {value, is_masked, count, code} most frequent first, other_values (count)

`value` is the value's shape unless `is_masked` is false (`mask.py`); `code` is the code whose label stands in
the code's place.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pipelines.contract import model
from pipelines.contract.model import Column
from pipelines.ingest import receipt
from pipelines.ingest.check import UNREADABLE, Checked, NotCheckable
from pipelines.ingest.examples import Examples
from pipelines.words import spoken

FORM = "yudang check 1"

LISTS = ("quarantine_reasons", "warnings", "identity_issues")
"""Keys of a file that hold findings."""


def as_document(checked: Checked, path: str) -> dict[str, Any]:
    """The check of `path` as plain values."""
    document = receipt.as_document(checked.outcome)
    for key in ("datasets", "delivery_id", "delivery_sm3"):
        del document[key]
    if checked.is_single:
        document |= dict.fromkeys(("unit", "day", "batch", "received_at", "mode", "source_system"))
    kind = "file" if checked.is_single else "delivery"
    document = {"form": FORM, "verdict": checked.verdict, "path": path, "kind": kind} | document
    document["rows"]["accepted_share"] = _share(document["rows"])
    for file, outcome in zip(document["files"], checked.outcome.files, strict=True):
        file["sm3"] = outcome.sm3
        file["encoding"] = checked.encoding if checked.is_single else None
        file["rows"]["accepted_share"] = _share(file["rows"])
        for name in LISTS:
            for finding in file[name]:
                _illustrate(finding, file["dataset"], checked.examples.get(file["path"]))
    return document


def not_checkable(error: NotCheckable, path: str) -> dict[str, Any]:
    """The document of something that could not be checked at all."""
    message = {"sentence": spoken(str(error), "zh"), "english": spoken(str(error), "en")}
    return {"form": FORM, "verdict": UNREADABLE, "path": path, "message": message}


def _share(rows: dict[str, Any]) -> float | None:
    return round(rows["accepted"] / rows["manifest"], 6) if rows["manifest"] else None


def _illustrate(finding: dict[str, Any], dataset: str, examples: Examples | None) -> None:
    """Add to a finding what is known of its column and of the values behind it."""
    column = model.dataset(dataset).by_name.get(finding["column"] or "")
    finding["role"] = column.role if column else None
    finding["allowed"] = _allowed(column, finding["code"])
    shown, others = examples.of(finding["code"], finding["column"] or "") if examples else ([], 0)
    finding["values"] = [asdict(item) for item in shown]
    finding["other_values"] = others


def _allowed(column: Column | None, code: str) -> dict[str, float | None] | None:
    if column is None or code not in ("HARD_RANGE", "SOFT_RANGE"):
        return None
    if code == "HARD_RANGE":
        return {"minimum": column.hard_min, "maximum": column.hard_max}
    return {"minimum": column.soft_min, "maximum": column.soft_max}

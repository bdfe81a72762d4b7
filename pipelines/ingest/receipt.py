"""The receipt of a delivery for the unit that sent it: JSON for machines, Chinese text for people.

Holds counts, codes, column names and row numbers; never a value of a row.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pipelines.contract import model
from pipelines.ingest.manifest import BATCH_FORM, Refusal
from pipelines.ingest.outcome import ACCEPTED, DeliveryOutcome, FileOutcome, Notice, ReasonCount
from pipelines.ingest.reasons import REASONS
from pipelines.settings import Settings

_SAFE_NAME = re.compile(BATCH_FORM)
_WHOLE = "DELIVERY_REFUSED"
_VERSIONS = ("current", "superseded", "repeated", "withdrawn")
_VERSIONS_CHINESE = {"current": "现行", "superseded": "被取代", "repeated": "重复", "withdrawn": "被撤回"}


@dataclass(frozen=True)
class VersionCount:
    """What became of the accepted rows of one dataset of a delivery after the build."""

    unit: str
    day: date | None
    batch: str
    delivery_id: str
    dataset: str
    current: int
    superseded: int
    repeated: int
    withdrawn: int


@dataclass(frozen=True)
class ReceiptPlace:
    """Whose receipt it is and where it lies."""

    unit: str
    day_text: str
    batch: str
    delivery_id: str


def receipt_path(settings: Settings, unit: str, day_text: str, batch: str) -> Path:
    """Place of the JSON receipt; the text lies beside it with the suffix `.txt`.

    Names of folders that are no proper day or batch are replaced by a digest.
    """
    day = day_text if _SAFE_NAME.match(day_text) else _digest(day_text)
    name = batch if _SAFE_NAME.match(batch) else _digest(batch)
    return settings.feedback / unit / "receipts" / f"{day}-{name}.json"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def _replace(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # one name per receipt: what a kill leaves behind is written over by the next attempt
    temporary = path.with_name(f".{path.name}.writing")
    temporary.write_text(content, encoding="utf-8")
    temporary.replace(path)


def write(settings: Settings, outcome: DeliveryOutcome) -> Path:
    """Write the receipt with its first equation; the second is open until `complete`."""
    path = receipt_path(settings, outcome.unit, outcome.day_text, outcome.batch)
    document = as_document(outcome)
    _replace(path.with_suffix(".txt"), as_text(document))
    _replace(path, _json(document))
    return path


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def as_document(outcome: DeliveryOutcome) -> dict[str, Any]:
    """The receipt as plain values, the structure of the JSON file."""
    datasets: dict[str, int] = {}
    for file in outcome.files:
        if outcome.refusal is None and file.status == ACCEPTED and file.dataset:
            datasets[file.dataset] = datasets.get(file.dataset, 0) + file.accepted_rows
    return {
        "delivery_id": outcome.delivery_id,
        "delivery_sm3": outcome.delivery_sm3,
        "unit": outcome.unit,
        "day": outcome.day_text,
        "batch": outcome.batch,
        "received_at": outcome.received_at.isoformat() if outcome.received_at else None,
        "source_system": outcome.source_system,
        "mode": outcome.mode,
        "contract_version": outcome.contract_version,
        "withdraws": list(outcome.withdraws),
        "status": outcome.status,
        "reason": _refusal(outcome.refusal),
        "ignored_manifest_keys": list(outcome.unknown_keys),
        "notices": [_said(notice.code, notice.detail) for notice in outcome.notices],
        "rows": {
            "manifest": outcome.manifest_rows,
            "accepted": outcome.accepted_rows,
            "quarantined": outcome.quarantined_rows,
            "refused": outcome.refused_rows,
        },
        "files": [_file(file) for file in outcome.files],
        "datasets": [
            {"dataset": name, "title": _title(name), "accepted": rows, **dict.fromkeys(_VERSIONS)}
            for name, rows in sorted(datasets.items())
        ],
    }


def _refusal(refusal: Refusal | None) -> dict[str, str] | None:
    return None if refusal is None else _said(refusal.code, refusal.detail)


def _said(code: str, detail: str) -> dict[str, str]:
    reason = REASONS[code]
    return {"code": code, "sentence": reason.chinese, "english": reason.english, "detail": detail}


def _title(dataset: str | None) -> str:
    return model.dataset(dataset).title if dataset and dataset in model.datasets() else ""


def _file(file: FileOutcome) -> dict[str, Any]:
    return {
        "path": file.path,
        "dataset": file.dataset,
        "title": _title(file.dataset),
        "format": file.format,
        "status": file.status,
        "reason": _refusal(file.refusal),
        "rows": {
            "manifest": file.manifest_rows,
            "accepted": file.accepted_rows,
            "quarantined": file.quarantined_rows,
            "refused": file.refused_rows,
        },
        "is_conserved": file.is_conserved,
        "unknown_columns": list(file.unknown_columns),
        "quarantine_reasons": _counts(file.reasons, file.dataset),
        "warnings": _counts(file.warnings, file.dataset),
        "identity_issues": _counts(file.identity_issues, file.dataset),
    }


def _counts(counts: Sequence[ReasonCount], dataset: str | None) -> list[dict[str, Any]]:
    columns = model.dataset(dataset).by_name if dataset and dataset in model.datasets() else {}
    found = []
    for item in counts:
        reason = REASONS[item.code]
        title = columns[item.column].title if item.column in columns else item.column
        found.append(
            {
                "code": item.code,
                "grade": reason.grade,
                "column": item.column or None,
                "title": title or None,
                "count": item.count,
                "first_rows": list(item.first_rows),
                "sentence": reason.sentence("zh", title, item.column),
                "english": reason.sentence("en", title, item.column),
            }
        )
    return found


def as_text(document: dict[str, Any]) -> str:
    """The receipt for people, in Chinese."""
    rows = document["rows"]
    lines = [
        f"报送回执  单位 {document['unit']}  日期 {document['day']}  批次 {document['batch']}",
        f"报送标识 {document['delivery_id']}  报送时间 {document['received_at'] or '不详'}",
        "结论：已接收" if document["status"] == ACCEPTED else "结论：整体拒收",
    ]
    if document["reason"]:
        lines.append(_reason_line(document["reason"]))
    if document["ignored_manifest_keys"]:
        lines.append("清单中不认识、已忽略的键：" + "、".join(document["ignored_manifest_keys"]))
    if document["withdraws"]:
        lines.append("本次撤回的批次：" + "、".join(document["withdraws"]))
    lines += [_reason_line(notice, "提示") for notice in document.get("notices", [])]
    lines.append(_first_equation("合计", rows))
    for file in document["files"]:
        lines += ["", *_file_lines(file)]
    if document["datasets"]:
        lines += ["", "入湖记录的去向（每个数据集：入湖 = 现行 + 被取代 + 重复 + 被撤回）"]
        lines += [_second_equation(entry) for entry in document["datasets"]]
    return "\n".join(lines) + "\n"


def _reason_line(reason: dict[str, str], label: str = "原因") -> str:
    detail = f"（{reason['detail']}）" if reason["detail"] else ""
    return f"{label}：{reason['sentence']}{detail} [{reason['code']}]"


def _first_equation(label: str, rows: dict[str, int]) -> str:
    return (
        f"{label}：清单 {rows['manifest']} 行 = 入湖 {rows['accepted']} + 隔离 {rows['quarantined']}"
        f" + 拒收 {rows['refused']}"
    )


def _second_equation(entry: dict[str, Any]) -> str:
    label = f"  {entry['title'] or entry['dataset']}：入湖 {entry['accepted']}"
    if entry["current"] is None:
        return f"{label}，去向待本次建仓后填写"
    return label + " = " + " + ".join(f"{_VERSIONS_CHINESE[name]} {entry[name]}" for name in _VERSIONS)


def _file_lines(file: dict[str, Any]) -> list[str]:
    title = f"（{file['title']}）" if file["title"] else ""
    fate = "已接收" if file["status"] == ACCEPTED else "拒收"
    goes_with_delivery = bool(file["reason"]) and file["reason"]["code"] == _WHOLE
    lines = [f"文件 {file['path']}{title}：" + ("随整个报送拒收" if goes_with_delivery else fate)]
    # the reason of a refused delivery stands at the head, once
    if file["reason"] and not goes_with_delivery:
        lines.append("  " + _reason_line(file["reason"]))
    lines.append("  " + _first_equation("行数", file["rows"]))
    if file["unknown_columns"]:
        lines.append("  契约中没有、未入湖的列：" + "、".join(file["unknown_columns"]))
    for name, label in (
        ("quarantine_reasons", "隔离原因"),
        ("warnings", "提示"),
        ("identity_issues", "证件检查"),
    ):
        for item in file[name]:
            first = "、".join(str(row) for row in item["first_rows"])
            lines.append(
                f"  {label}：{item['count']} 行，{item['sentence']} [{item['code']}] 首见于第 {first} 行"
            )
    return lines


def renew_notices(settings: Settings, place: ReceiptPlace, notices: Sequence[Notice]) -> None:
    """Rewrite the notices of a receipt when they differ: what was never sent may have arrived since."""
    path = receipt_path(settings, place.unit, place.day_text, place.batch)
    document = _read(path, place.delivery_id)
    said = [_said(notice.code, notice.detail) for notice in notices]
    if document is not None and document.get("notices") != said:
        document["notices"] = said
        _replace(path.with_suffix(".txt"), as_text(document))
        _replace(path, _json(document))


def _read(path: Path, delivery_id: str) -> dict[str, Any] | None:
    """The receipt of a delivery; None when it is gone or belongs to other bytes under the same place."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return document if document["delivery_id"] == delivery_id else None


def complete(settings: Settings, counts: Iterable[VersionCount]) -> list[VersionCount]:
    """Fill the second equation of the receipts from the counts after the build.

    Only receipts whose figures change are rewritten; a receipt of other bytes under the same place, or one
    that is gone, is left alone. Returns the counts whose equation does not hold: accepted ≠ current +
    superseded + repeated + withdrawn. The list is empty unless rows were lost.
    """
    by_delivery: dict[tuple[str, str, str, str], dict[str, VersionCount]] = {}
    for count in counts:
        day = count.day.isoformat() if count.day else "unknown"
        by_delivery.setdefault((count.unit, day, count.batch, count.delivery_id), {})[count.dataset] = count
    broken: list[VersionCount] = []
    for (unit, day, batch, delivery_id), found in by_delivery.items():
        path = receipt_path(settings, unit, day, batch)
        document = _read(path, delivery_id)
        if document is None:
            continue
        changed = False
        for entry in document["datasets"]:
            name = entry["dataset"]
            counted = found.get(name) or VersionCount(unit, None, batch, delivery_id, name, 0, 0, 0, 0)
            figures = {status: getattr(counted, status) for status in _VERSIONS}
            changed = changed or any(entry[status] != figures[status] for status in _VERSIONS)
            entry.update(figures)
            if entry["accepted"] != sum(figures.values()):
                broken.append(counted)
        if changed:
            _replace(path.with_suffix(".txt"), as_text(document))
            _replace(path, _json(document))
    return broken

"""How a delivery is made, in Chinese for people: the guide's text, the example manifest, what a column asks.

Not here: where it is printed (`templates.py`, `dictionary.py`), and what ingest does with a delivery.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import yaml

from pipelines.contract.model import (
    FOLDER,
    PERSON_MINIMUM,
    Column,
    Dataset,
    contract_version,
    value_set,
)

TYPES: Mapping[str, str] = MappingProxyType(
    {
        "string": "文本",
        "integer": "整数",
        "decimal": "小数",
        "date": "日期",
        "timestamp": "时间",
        "boolean": "是/否",
    }
)
"""Column type → Chinese word."""

ROLES: Mapping[str, str] = MappingProxyType({"DI": "直接标识", "QI": "准标识", "SENS": "敏感", "NONE": ""})
"""Identifier role (GB/T 42460) → Chinese word."""

SENDERS: Mapping[str, str] = MappingProxyType(
    {"city": "市级平台", "city_or_unit": "市级平台或有关单位", "unit": "机构所属的报送单位"}
)
"""Who sends a dataset → Chinese words."""

_PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        "^[A-Z][0-9]{9}$": "1 个大写字母加 9 位数字",
        r"^[A-Z][0-9]{2}(\.[0-9x]{1,3})?[†*+]?": "ICD-10 编码，如 I10、I21.9",
    }
)

PERSON_CONDITION = (
    "区县档案标识、证件号码、出生医学证明编号、(母亲证件号码+姓名)四者至少填其一，否则整行隔离。"
)
"""The condition that the columns of block P's minimum carry in every dataset."""

PLACEHOLDER_UNIT, PLACEHOLDER_SM3 = "000000", "0" * 64
"""Stand in the manifest template; a delivery that still has them is refused."""


@dataclass(frozen=True)
class Section:
    """One section of the guide."""

    title: str
    lines: Sequence[str]


@cache
def sections() -> tuple[Section, ...]:
    """Return the sections of the guide in order."""
    found = yaml.safe_load((FOLDER / "guide.yaml").read_text("utf-8"))["sections"]
    return tuple(Section(entry["title"], tuple(entry["lines"])) for entry in found)


def demand(dataset: Dataset, column: Column) -> str:
    """Return what the contract asks of a column in Chinese: 主键, 必填, 条件, or nothing."""
    if column.name in dataset.key:
        return "主键"
    if column.required:
        return "必填"
    return "条件" if is_conditional(dataset, column) else ""


def is_conditional(dataset: Dataset, column: Column) -> bool:
    """Whether a column should be filled on a condition, block P's minimum included."""
    in_minimum = any(column.name in group for group in PERSON_MINIMUM)
    return bool(column.conditional) or (dataset.has_person and in_minimum)


def condition(column: Column) -> str:
    """Return when a column should be filled; block P's minimum in short: it stands above the columns."""
    if column.conditional == PERSON_CONDITION:
        return "四者至少填其一。"
    return column.conditional or ""


def limit(value: float | None) -> str:
    """Return a bound as text, empty when there is none."""
    return "" if value is None else f"{value:g}"


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"不大于 {limit(high)}"
    return f"不小于 {limit(low)}" if high is None else f"{limit(low)}–{limit(high)}"


def _pattern(pattern: str) -> str:
    if found := re.fullmatch(r"\^\[0-9\]\{(\d+)\}\$", pattern):
        return f"{found[1]} 位数字"
    return _PATTERNS.get(pattern) or f"格式 {pattern}"


def ranges(column: Column) -> str:
    """Return hard and soft range, length and form of a column as Chinese text, empty when it has none."""
    parts = []
    if column.hard_min is not None or column.hard_max is not None:
        parts.append(_range(column.hard_min, column.hard_max))
    if column.soft_min is not None or column.soft_max is not None:
        parts.append(f"通常 {_range(column.soft_min, column.soft_max)}")
    if column.max_length is not None:
        parts.append(f"最多 {column.max_length} 字")
    if column.pattern is not None:
        parts.append(_pattern(column.pattern))
    return "；".join(parts)


def kind(column: Column) -> str:
    """Return the type of a column as Chinese text: what to write, not how it is stored."""
    if column.value_set:
        return "代码，多选" if column.is_multiple else "代码"
    return TYPES[column.type] + ("，多个" if column.is_multiple else "")


def form(column: Column) -> str:
    """Return how a value of the column is written, as a Chinese sentence."""
    if column.value_set and column.is_multiple:
        return "多选，代码之间用半角竖线 | 连接。"
    if column.value_set:
        return "只填一个代码。"
    if column.is_multiple:
        return "可填多个，之间用半角竖线 | 连接。"
    return {
        "date": "写成 YYYY-MM-DD，如 2025-06-15。",
        "timestamp": "写成 YYYY-MM-DD HH:MM，如 2025-06-15 09:30。",
        "boolean": "填 是 或 否。",
        "integer": "填整数，不带单位。",
        "decimal": "填数字，不带单位。",
        "string": "",
    }[column.type]


def codes_line(column: Column, longest: int | None = None) -> str:
    """Return `1 男、2 女 …` of a column's value set; cut at a whole code when longer than `longest`."""
    found = ""
    for code, label in value_set(column.value_set or "").items():
        added = f"{'、' if found else ''}{code} {label}"
        if longest is not None and len(found) + len(added) + 1 > longest:
            return found + "…"
        found += added
    return found


def example_manifest() -> dict[str, Any]:
    """Return a worked manifest: the city's example unit sends two files; digests are of no real file."""
    return {
        "contract_version": contract_version(),
        "unit": "500116",
        "batch": "20260107-01",
        "sent_at": "2026-01-07T21:03:00+08:00",
        "source_system": "MANUAL",
        "mode": "delta",
        "withdraws": [],
        "files": [
            {"path": "archive.xlsx", "dataset": "archive", "format": "xlsx", "rows": 1234,
             "sm3": "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"},
            {"path": "transfer.csv", "dataset": "transfer", "format": "csv", "encoding": "utf-8", "rows": 56,
             "sm3": "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"},
        ],
    }  # fmt: skip


def manifest_template(files: Iterable[tuple[str, str, str]]) -> str:
    """Return manifest.json to be filled in: one entry per file given as (path, dataset, format).

    What must be replaced holds values that are refused, so that a forgotten one is told.
    """
    entries = []
    for path, dataset, format in files:
        entry: dict[str, Any] = {"path": path, "dataset": dataset, "format": format}
        if format == "csv":
            entry["encoding"] = "utf-8"
        entries.append(entry | {"rows": 0, "sm3": PLACEHOLDER_SM3})
    manifest = example_manifest() | {"unit": PLACEHOLDER_UNIT, "files": entries}
    return manifest_text(manifest)


def manifest_text(manifest: Mapping[str, Any]) -> str:
    """Return a manifest as JSON, a line per key and per file."""
    lines = [
        f'  "{key}": {json.dumps(value, ensure_ascii=False)}'
        for key, value in manifest.items()
        if key != "files"
    ]
    files = [f"    {json.dumps(entry, ensure_ascii=False)}" for entry in manifest["files"]]
    lines.append('  "files": [\n' + ",\n".join(files) + "\n  ]")
    return "{\n" + ",\n".join(lines) + "\n}\n"

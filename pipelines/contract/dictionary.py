"""The Chinese data dictionary of the contract: one self-contained page, CSV tables, header templates.

Does not describe the marts (their comments stand in the marts) and decides nothing about the contract.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipelines.contract.model import (
    FOLDER,
    Column,
    Dataset,
    contract_version,
    crosswalk,
    datasets,
    manifest_contract,
    source_systems,
    value_set,
    value_set_catalogue,
)

TYPES = {
    "string": "文本",
    "integer": "整数",
    "decimal": "小数",
    "date": "日期",
    "timestamp": "时间",
    "boolean": "是/否",
}
ROLES = {"DI": "直接标识", "QI": "准标识", "SENS": "敏感", "NONE": ""}
SENDERS = {"city": "市级平台", "city_or_unit": "市级平台或有关单位", "unit": "报送单位"}


def _limit(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def ranges(column: Column) -> str:
    """Return the hard and soft range of a column as Chinese text, empty when it has none."""
    parts = []
    if column.hard_min is not None or column.hard_max is not None:
        parts.append(f"{_limit(column.hard_min)}–{_limit(column.hard_max)}")
    if column.soft_min is not None or column.soft_max is not None:
        parts.append(f"通常 {_limit(column.soft_min)}–{_limit(column.soft_max)}")
    return "；".join(parts)


def demand(dataset: Dataset, column: Column) -> str:
    """Return what the contract asks of a column in Chinese: key, required, or nothing."""
    if column.name in dataset.key:
        return "主键"
    return "必填" if column.required else ""


def _manifest_keys(nodes: Iterable[Mapping[str, Any]], parent: str = "") -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = []
    for node in nodes:
        path = parent + node["name"]
        choices = "；".join(f"{item['value']} {item['label']}" for item in node.get("enum", ()))
        keys.append(
            {
                "path": path,
                "title": node["businessName"],
                "required": bool(node.get("required", False)),
                "description": node["description"],
                "choices": choices,
            }
        )
        if "properties" in node.get("items", {}):
            keys += _manifest_keys(node["items"]["properties"], f"{path}[].")
    return keys


def _raw_codes(system: str, name: str) -> dict[str, list[str]] | None:
    mapping = crosswalk(system, name)
    if mapping is None:
        return None
    found: dict[str, list[str]] = {}
    for raw, canonical in mapping.items():
        found.setdefault(canonical, []).append(raw)
    return found


def _value_sets() -> list[dict[str, Any]]:
    described = []
    for name, entry in value_set_catalogue().items():
        mappings = {system: _raw_codes(system, name) for system in source_systems()}
        described.append(
            {
                **entry,
                "name": name,
                "codes": value_set(name),
                "crosswalks": {system: raw for system, raw in mappings.items() if raw is not None},
            }
        )
    return described


def _write_csv(path: Path, header: list[str], rows: Iterable[list[str]]) -> None:
    # the byte order mark makes spreadsheets read the file as UTF-8
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _column_rows() -> Iterable[list[str]]:
    for dataset in datasets().values():
        for column in dataset.columns:
            yield [
                dataset.name,
                dataset.title,
                column.name,
                column.title,
                TYPES[column.type] + ("，多选" if column.is_multiple else ""),
                demand(dataset, column),
                column.value_set or "",
                ranges(column),
                column.role,
                str(column.level),
                column.element or "",
                column.description + (column.conditional or ""),
            ]


def _code_rows() -> Iterable[list[str]]:
    for entry in _value_sets():
        for code, label in entry["codes"].items():
            yield [entry["name"], entry["title"], f"{entry['standard']} {entry['version']}", code, label]


def render_dictionary(out_dir: Path) -> list[Path]:
    """Write the data dictionary into `out_dir` and return the files written.

    index.html (no external address), columns.csv, value_sets.csv, and templates/<dataset>.csv with the
    Chinese headers. The output depends on the contract alone.
    """
    import jinja2

    (out_dir / "templates").mkdir(parents=True, exist_ok=True)
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string((FOLDER / "dictionary.html.j2").read_text("utf-8"))
    page = out_dir / "index.html"
    page.write_text(
        template.render(
            version=contract_version(),
            datasets=list(datasets().values()),
            value_sets=_value_sets(),
            manifest=_manifest_keys(manifest_contract()["schema"][0]["properties"]),
            types=TYPES,
            roles=ROLES,
            senders=SENDERS,
            ranges=ranges,
            demand=demand,
        ),
        "utf-8",
    )
    columns = out_dir / "columns.csv"
    header = ["数据集", "数据集名称", "英文名", "中文名", "类型", "要求"]
    header += ["值域", "范围", "标识角色", "级别", "数据元", "说明"]
    _write_csv(columns, header, _column_rows())
    codes = out_dir / "value_sets.csv"
    _write_csv(codes, ["值域", "值域名称", "标准", "代码", "名称"], _code_rows())
    written = [page, columns, codes]
    for dataset in datasets().values():
        path = out_dir / "templates" / f"{dataset.name}.csv"
        _write_csv(path, [column.title for column in dataset.columns], [])
        written.append(path)
    return written

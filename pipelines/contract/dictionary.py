"""The Chinese data dictionary of the contract: one self-contained page for screen and paper, and CSV tables.

Not here: the marts (their comments stand in the marts) and the templates (`templates.py`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipelines.contract import guide
from pipelines.contract.examples import example
from pipelines.contract.model import (
    DIVISIONS_SEED,
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
from pipelines.contract.templates import write_templates
from pipelines.contract.versions import Change, changelog, summary
from pipelines.ingest.reasons import REASONS, Reason

INLINE_CODES = 12
"""Value sets of at most this many codes are printed beside their columns too, not only in the appendix."""

_LEVELS: Mapping[str, str] = MappingProxyType(
    {
        "delivery": "整个报送",
        "file": "单个文件",
        "row": "单行",
        "value": "单个值",
        "identity": "证件号码",
    }
)
_EFFECTS: Mapping[str, str] = MappingProxyType(
    {
        "delivery": "整体拒收",
        "file": "文件拒收",
        "row": "整行隔离",
        "value": "接收并提示",
        "identity": "接收并反馈",
    }
)


def dataset_groups() -> list[tuple[str, list[Dataset]]]:
    """Return the datasets for people: by who sends them, service records apart, in the contract's order."""
    groups: dict[str, list[Dataset]] = {
        "市级平台报送": [],
        "市级平台或有关单位报送": [],
        "档案、变动、登记与监督": [],
        "服务记录": [],
    }
    by_senders = {"city": "市级平台报送", "city_or_unit": "市级平台或有关单位报送"}
    for found in datasets().values():
        of_unit = "服务记录" if found.is_service else "档案、变动、登记与监督"
        groups[by_senders.get(found.senders, of_unit)].append(found)
    return [(title, members) for title, members in groups.items() if members]


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


def _shown_example(dataset: Dataset, column: Column) -> str:
    """The example of a column; none of a direct identifier: nothing in a report may look like a person."""
    return "" if column.role == "DI" else example(dataset, column)


def _remark(dataset: Dataset, column: Column) -> str:
    """Data element and example of a column, as far as there are any."""
    shown = _shown_example(dataset, column)
    return " · ".join(filter(None, (column.element, f"例 {shown}" if shown else None)))


def _units() -> list[dict[str, str]]:
    """Reporting units with their validity, the city first."""
    with DIVISIONS_SEED.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["is_reporting_unit"] == "1"]


def _reason_groups() -> list[tuple[str, list[tuple[Reason, str, str]]]]:
    """Reasons by level, with what they do and the sentence that holds the way out."""
    groups: dict[str, list[tuple[Reason, str, str]]] = {title: [] for title in _LEVELS.values()}
    for reason in REASONS.values():
        does_refuse = reason.grade == "ERROR" or reason.level in ("value", "identity")
        effect = _EFFECTS[reason.level] if does_refuse else "接收并提示"
        groups[_LEVELS[reason.level]].append((reason, effect, reason.sentence("zh", "某列")))
    return list(groups.items())


def _changes_text(additions: Iterable[Change]) -> list[str]:
    """What a version adds, a line per kind and owner, with Chinese names."""
    added: dict[tuple[str, str], list[str]] = {}
    for change in additions:
        owner = "" if change.kind == "dataset_added" else change.owner
        added.setdefault((change.kind, owner), []).append(change.item or change.owner)
    lines = []
    titles = {name: entry["title"] for name, entry in summary()["datasets"].items()}
    for (kind, owner), items in added.items():
        if kind == "dataset_added":
            named = "、".join(f"{titles.get(item, item)}（{item}）" for item in items)
            lines.append(f"增加 {len(items)} 个数据集：{named}。")
        elif kind == "column_added":
            lines.append(f"{titles.get(owner, owner)}（{owner}）增加列：{'、'.join(items)}。")
        elif kind == "code_added":
            lines.append(f"值域 {owner} 增加代码：{'、'.join(items)}。")
    return lines


def dictionary_page() -> str:
    """Return the data dictionary as one HTML page without external addresses; only the contract matters."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    template = environment.from_string((FOLDER / "dictionary.html.j2").read_text("utf-8"))
    return template.render(
        version=contract_version(),
        count=len(datasets()),
        groups=dataset_groups(),
        value_sets=_value_sets(),
        numbers={name: number for number, name in enumerate(value_set_catalogue(), start=1)},
        codes_of=value_set,
        value_set_titles={name: entry["title"] for name, entry in value_set_catalogue().items()},
        inline_codes=INLINE_CODES,
        sections=guide.sections(),
        manifest=_manifest_keys(manifest_contract()["schema"][0]["properties"]),
        example_manifest=guide.manifest_text(guide.example_manifest()),
        reasons=_reason_groups(),
        units=_units(),
        releases=[(release, _changes_text(release.additions)) for release in changelog()],
        guide=guide,
        remark=_remark,
    )


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
                guide.kind(column),
                guide.demand(dataset, column),
                column.value_set or "",
                guide.ranges(column),
                column.role,
                str(column.level),
                column.element or "",
                column.description + (column.conditional or ""),
                _shown_example(dataset, column),
            ]


def _code_rows() -> Iterable[list[str]]:
    for entry in _value_sets():
        for code, label in entry["codes"].items():
            yield [entry["name"], entry["title"], f"{entry['standard']} {entry['version']}", code, label]


def render_dictionary(out_dir: Path) -> list[Path]:
    """Write the data dictionary into `out_dir` and return the files written.

    index.html, columns.csv, value_sets.csv, and the templates of all datasets in templates/. The output
    depends on the contract alone.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    page = out_dir / "index.html"
    page.write_text(dictionary_page(), "utf-8")
    columns = out_dir / "columns.csv"
    header = ["数据集", "数据集名称", "英文名", "中文名", "类型", "要求"]
    header += ["值域", "范围", "标识角色", "级别", "数据元", "说明", "示例"]
    _write_csv(columns, header, _column_rows())
    codes = out_dir / "value_sets.csv"
    _write_csv(codes, ["值域", "值域名称", "标准", "代码", "名称"], _code_rows())
    return [page, columns, codes, *write_templates(out_dir / "templates")]

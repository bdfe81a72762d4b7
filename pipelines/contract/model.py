"""The contract as Python values: datasets, columns, value sets, crosswalks, reporting units.

Does not render files (see `render.py`) and does not judge data (see `pipelines.ingest`).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    import polars

FOLDER = Path(__file__).parent
"""Folder of the contract files."""

DIVISIONS_SEED = FOLDER.parents[1] / "dbt_project" / "seeds" / "divisions.csv"
"""Seed with every reporting unit, old and new."""

CITY_UNIT = "500000"
"""Code of the city platform as a reporting unit."""

LOGICAL_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "string": "string",
        "integer": "integer",
        "number": "decimal",
        "date": "date",
        "timestamp": "timestamp",
        "boolean": "boolean",
    }
)
"""ODCS logicalType → column type of the loader."""

SQL_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "string": "VARCHAR",
        "integer": "BIGINT",
        "decimal": "DOUBLE",
        "date": "DATE",
        "timestamp": "TIMESTAMP",
        "boolean": "BOOLEAN",
    }
)
"""Column type of the loader → type in the lake and in staging."""


class ContractError(ValueError):
    """A contract file that cannot be read as a contract, or a name that no contract has."""


@dataclass(frozen=True)
class Column:
    """One delivered column.

    `type` is string, integer, decimal, date, timestamp or boolean. `title` is the Chinese header. `role` is
    the identifier role DI, QI, SENS or NONE and `level` the data level 1–5 (GB/T 39725-2020). Hard ranges
    quarantine, soft ranges warn. `is_structural`: an unknown code quarantines the row. `is_multiple`: codes
    joined by `|`. `in_hash`: counts in the record hash. `conditional`: when the column should be filled,
    judged by rules only.
    """

    name: str
    title: str
    type: str
    required: bool
    value_set: str | None
    is_structural: bool
    is_multiple: bool
    hard_min: float | None
    hard_max: float | None
    soft_min: float | None
    soft_max: float | None
    max_length: int | None
    pattern: str | None
    element: str | None
    role: str
    level: int
    in_hash: bool
    description: str
    conditional: str | None

    @property
    def stored_name(self) -> str:
        """Name in the lake and in staging: what a unit states never takes the place of what ingest adds."""
        return f"stated_{self.name}" if self.name in PROVENANCE_COLUMNS else self.name

    @property
    def sql_type(self) -> str:
        """Type in the lake and in staging, e.g. `VARCHAR`."""
        return SQL_TYPES[self.type]


@dataclass(frozen=True)
class Dataset:
    """One dataset of the contract.

    `scope`: keys are unique per `unit` or in the whole `city`. `senders`: `city`, `city_or_unit` or `unit`.
    `has_person`: carries block P, so that a row needs one of its identifying values (`person_minimum`).
    `is_service`: carries block S.
    """

    name: str
    title: str
    description: str
    grain: str
    key: tuple[str, ...]
    scope: str
    senders: str
    is_service: bool
    has_person: bool
    columns: tuple[Column, ...]
    version: str

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """English column name → column."""
        return MappingProxyType({column.name: column for column in self.columns})

    @cached_property
    def by_header(self) -> Mapping[str, Column]:
        """Chinese title or English name → column, as both may stand in a header."""
        headers = {column.title: column for column in self.columns}
        return MappingProxyType(headers | dict(self.by_name))

    @property
    def column_names(self) -> tuple[str, ...]:
        """English column names in the order of the contract."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Return the column `name`; raise `ContractError` when the dataset has none."""
        try:
            return self.by_name[name]
        except KeyError:
            raise ContractError(f"数据集 {self.name} 没有列 {name}；请对照数据字典。") from None


PERSON_MINIMUM: tuple[tuple[str, ...], ...] = (
    ("district_archive_id",),
    ("id_no",),
    ("birth_certificate_no",),
    ("mother_id_no", "name"),
)
"""Block P: a row of a dataset with `has_person` needs every column of at least one of these groups."""

DERIVED_IDENTITY_COLUMNS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "identity_key": ("VARCHAR", "由证件推得的最高级别身份键，前缀说明来源；没有可用证件时为空。"),
        "key_class": (
            "VARCHAR",
            "身份键的级别：A 身份证或出生医学证明，B 其他证件或母亲证件，C 无可用身份键。",
        ),
        "birth_key": ("VARCHAR", "本行出生医学证明编号形成的身份键。"),
        "mother_key": ("VARCHAR", "本行母亲证件、出生日期、姓名形成的身份键。"),
        "identity_issue_codes": ("VARCHAR", "证件检查发现的问题代码，多个以 | 分隔。"),
    }
)
"""Column that ingest adds to every dataset with block P → (SQL type, Chinese description)."""

PROVENANCE_COLUMNS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "delivery_id": ("VARCHAR", "报送标识：清单字节 SM3 摘要的前 16 位。"),
        "delivery_unit": ("VARCHAR", "报送单位代码。"),
        "delivery_batch": ("VARCHAR", "报送批次。"),
        "delivery_file": ("VARCHAR", "清单中的文件路径。"),
        "delivery_row": ("BIGINT", "文件中的数据行号，1 为第一行数据。"),
        "source_system": ("VARCHAR", "来源系统。"),
        "received_at": ("TIMESTAMP", "收到时间，即清单的报送时间（北京时间）。"),
        "record_scope": ("VARCHAR", "记录键的唯一范围：报送单位，或 * 表示全市。"),
        "record_key": ("VARCHAR", "记录键：主键各列规范化后以 | 连接。"),
        "record_hash": ("VARCHAR", "业务列规范化后的摘要，用于识别重复与修改。"),
        "unknown_codes": ("VARCHAR", "未知代码的原值（JSON：列名 → 原值）。"),
        "warning_codes": ("VARCHAR", "入湖时的提示代码，多个以 | 分隔。"),
    }
)
"""Column that ingest adds to every dataset → (SQL type, Chinese description)."""

VERSION_COLUMNS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "version_status": (
            "VARCHAR",
            "版本状态：current 现行、superseded 被取代、repeated 重复、withdrawn 被撤回。",
        ),
        "version_number": ("BIGINT", "同一记录不同内容版本的序号，自 1 起。"),
        "superseded_at": ("TIMESTAMP", "下一个不同版本的收到时间，空为最新。"),
        "first_received_at": ("TIMESTAMP", "本内容首次收到的时间。"),
        "vanished_at": ("TIMESTAMP", "记录在全量报送中消失的时间，仅现行行填写。"),
    }
)
"""Column that staging adds to every dataset → (SQL type, Chinese description)."""


def _load_yaml(path: Path) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text("utf-8"), Loader=loader)  # noqa: S506 - both are safe loaders


def _custom(node: Mapping[str, Any]) -> dict[str, Any]:
    return {item["property"]: item["value"] for item in node.get("customProperties") or ()}


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _column(node: Mapping[str, Any]) -> Column:
    custom = _custom(node)
    options = node.get("logicalTypeOptions") or {}
    return Column(
        name=node["name"],
        title=node["businessName"],
        type=LOGICAL_TYPES[node["logicalType"]],
        required=bool(node.get("required", False)),
        value_set=custom.get("valueSet"),
        is_structural=bool(custom.get("structural", False)),
        is_multiple=bool(custom.get("multiple", False)),
        hard_min=_number(options.get("minimum")),
        hard_max=_number(options.get("maximum")),
        soft_min=_number(custom.get("softMinimum")),
        soft_max=_number(custom.get("softMaximum")),
        max_length=options.get("maxLength"),
        pattern=options.get("pattern"),
        element=custom.get("element"),
        role=custom["role"],
        level=int(node["classification"]),
        in_hash=bool(custom.get("inHash", True)),
        description=node["description"],
        conditional=custom.get("condition"),
    )


def read_dataset(path: Path) -> Dataset:
    """Read one ODCS v3 file into a `Dataset`.

    Raises `ContractError` naming the file when a needed attribute is missing or unknown.
    """
    try:
        document = _load_yaml(path)
        (node,) = document["schema"]
        custom = _custom(node)
        keyed = [item for item in node["properties"] if item.get("primaryKey")]
        return Dataset(
            name=node["name"],
            title=node["businessName"],
            description=node["description"],
            grain=node["dataGranularityDescription"],
            key=tuple(item["name"] for item in sorted(keyed, key=lambda item: item["primaryKeyPosition"])),
            scope=custom["scope"],
            senders=custom["senders"],
            is_service="S" in custom["blocks"],
            has_person="P" in custom["blocks"],
            columns=tuple(_column(item) for item in node["properties"]),
            version=document["version"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ContractError(
            f"契约文件 {path.name} 无法读取（{error!r}）；请对照其他数据集补齐属性。"
        ) from error


@cache
def datasets() -> Mapping[str, Dataset]:
    """Return every dataset of the contract, dataset name → `Dataset`, in the order of the names."""
    found = (read_dataset(path) for path in sorted((FOLDER / "datasets").glob("*.yaml")))
    return MappingProxyType({item.name: item for item in found})


def dataset(name: str) -> Dataset:
    """Return the dataset `name`; raise `ContractError` when the contract has none."""
    try:
        return datasets()[name]
    except KeyError:
        raise ContractError(f"契约中没有数据集 {name}；可用的有 {'、'.join(datasets())}。") from None


@cache
def manifest_contract() -> Mapping[str, Any]:
    """Return the ODCS document of `manifest.json` as parsed YAML."""
    return MappingProxyType(_load_yaml(FOLDER / "manifest.yaml"))


def contract_version() -> str:
    """Return the version of the contract, `major.minor.patch`; a delivery of another major is refused."""
    return str(manifest_contract()["version"])


def _read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def value_set_catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return what each value set is: name → title, standard, version, mark, note, exclusive_codes (all text).

    Sorted by name. `mark`: V verified in a source, M from memory, D our own decision. `exclusive_codes`:
    codes joined by `|` that stand alone in a multi-select, such as “1 无” (rulebook §4.4).
    """
    rows = {row.pop("name"): row for row in _read_csv(FOLDER / "value_sets.csv")}
    return MappingProxyType({name: MappingProxyType(rows[name]) for name in sorted(rows)})


def value_set_names() -> tuple[str, ...]:
    """Return the names of all value sets, sorted."""
    return tuple(value_set_catalogue())


@cache
def value_set(name: str) -> Mapping[str, str]:
    """Return the canonical codes of a value set, code → Chinese label, in file order.

    Raises `ContractError` when there is no such value set.
    """
    path = FOLDER / "value_sets" / f"{name}.csv"
    if not path.is_file():
        raise ContractError(f"没有值域 {name}；请在 value_sets 中补充同名文件。")
    return MappingProxyType({row["code"]: row["label"] for row in _read_csv(path)})


@cache
def exclusive_codes(name: str) -> frozenset[str]:
    """Return the codes of a value set that stand alone in a multi-select; most value sets have none."""
    return frozenset(filter(None, value_set_catalogue()[name]["exclusive_codes"].split("|")))


@dataclass(frozen=True)
class Code:
    """One code of a value set.

    `group` is the label under which it is counted with its like, by default its own. It is part of the value
    set from `valid_from` until before `valid_to` (ISO dates, empty: as long as the value set).
    """

    code: str
    label: str
    group: str
    valid_from: str
    valid_to: str


@cache
def coded(name: str) -> tuple[Code, ...]:
    """Return the codes of a value set with group and validity, in file order; raise as `value_set` does."""
    value_set(name)
    return tuple(
        Code(
            row["code"],
            row["label"],
            row.get("group") or row["label"],
            row.get("valid_from") or "",
            row.get("valid_to") or "",
        )
        for row in _read_csv(FOLDER / "value_sets" / f"{name}.csv")
    )


@cache
def code_spellings(name: str) -> Mapping[str, str]:
    """Return every accepted spelling of a value set's codes → canonical code.

    Besides the code itself: leading zeros added or lost (as spreadsheets and numeric columns do) and, for
    letter codes, either case; a spelling that could mean two codes is left out.
    """
    codes = value_set(name)
    variants: dict[str, set[str]] = {}
    for code in codes:
        spellings = {code, code.lower(), code.upper()}
        if code.isdigit():
            plain = code.lstrip("0") or "0"
            spellings |= {plain, plain.zfill(2), plain.zfill(3)}
        for spelling in spellings:
            variants.setdefault(spelling, set()).add(code)
    found = {spelling: next(iter(meant)) for spelling, meant in variants.items() if len(meant) == 1}
    return MappingProxyType(found | {code: code for code in codes})


@cache
def crosswalk(source_system: str | None, value_set: str) -> Mapping[str, str] | None:
    """Return raw code of a source system → canonical code, or None when its codes are canonical already.

    A source system without a folder, and a value set without a file in it, use canonical codes. Where a file
    exists it is complete: a raw code that it lacks is unknown, even if it looks like a canonical code.
    """
    if not source_system or not source_system.replace("_", "").replace("-", "").isalnum():
        return None
    path = FOLDER / "crosswalks" / source_system / f"{value_set}.csv"
    if not path.is_file():
        return None
    return MappingProxyType({row["raw_code"]: row["canonical_code"] for row in _read_csv(path)})


def source_systems() -> tuple[str, ...]:
    """Return the source systems that have crosswalks, sorted."""
    return tuple(sorted(path.name for path in (FOLDER / "crosswalks").iterdir() if path.is_dir()))


@cache
def unit_terms() -> Mapping[str, tuple[date, date | None]]:
    """Return unit → the first day on which it exists and the first on which it no longer does (None: exists).

    Units are the city, every district and functional area, old and new. Districts abolished before deliveries
    existed are not among them.
    """
    return MappingProxyType(
        {
            row["division_code"]: (
                date.fromisoformat(row["valid_from"]),
                date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            )
            for row in _read_csv(DIVISIONS_SEED)
            if row["is_reporting_unit"] == "1"
        }
    )


@cache
def reference_units(on: date | None = None) -> frozenset[str]:
    """Return the units that may deliver, of all times; with a day, those that exist on it."""
    return frozenset(
        unit
        for unit, (first, end) in unit_terms().items()
        if on is None or (first <= on and (end is None or on < end))
    )


@cache
def polars_schema(dataset: Dataset) -> polars.Schema:
    """Return the Polars schema of a dataset's contract columns as they stand in the lake.

    string→String, integer→Int64, decimal→Float64, date→Date, timestamp→Datetime("us") naive local,
    boolean→Boolean.
    """
    import polars

    types: dict[str, polars.DataType] = {
        "string": polars.String(),
        "integer": polars.Int64(),
        "decimal": polars.Float64(),
        "date": polars.Date(),
        "timestamp": polars.Datetime("us"),
        "boolean": polars.Boolean(),
    }
    return polars.Schema({column.name: types[column.type] for column in dataset.columns})

"""Renders the structure suites from the contract, and finds drift between suites and what they judge.

Not here: limits (expectations/thresholds.yml) and the suites of the marts, which are kept by hand.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from pathlib import Path

from pipelines.contract.model import (
    DERIVED_IDENTITY_COLUMNS,
    PROVENANCE_COLUMNS,
    VERSION_COLUMNS,
    Column,
    Dataset,
    datasets,
    value_set,
)
from pipelines.quality import suites
from pipelines.quality.results import Kind
from pipelines.quality.suites import SUITES, Expectation, Suite

OWNER = "数据接入"
"""Who answers for a structure breach: the rows passed the door, so the door or a model is wrong."""


def structure_suite(dataset: Dataset) -> Suite:
    """The suite of a dataset's current records in staging."""
    expectations = [
        _not_empty(dataset),
        _columns_present(dataset),
        _unique_key(dataset),
        *(_type(column) for column in dataset.columns),
        *(_not_null(column) for column in dataset.columns if column.required),
        _record_key(),
        *(one for column in dataset.columns if column.value_set for one in [_value_set(column)]),
        *(_range(column) for column in dataset.columns if _has_range(column)),
    ]
    return Suite(
        name=f"structure.{dataset.name}",
        title=f"{dataset.title}：结构",
        kind=Kind.STRUCTURE,
        schema="staging",
        relation=f"stg_{dataset.name}",
        expectations=tuple(expectations),
        is_empty_allowed=True,
        owner=OWNER,
    )


def _not_empty(dataset: Dataset) -> Expectation:
    return Expectation(
        name="not_empty",
        type="expect_table_row_count_to_be_between",
        kwargs={"min_value": 1},
        title=f"{dataset.title}至少有一条现行记录",
        limit="≥ 1",
        reason="没有数据时不判定通过，记为不适用。",
    )


def _columns_present(dataset: Dataset) -> Expectation:
    names = [
        *(column.stored_name for column in dataset.columns),
        *(DERIVED_IDENTITY_COLUMNS if dataset.has_person else ()),
    ]
    return Expectation(
        name="columns",
        type="expect_table_columns_to_match_set",
        kwargs={"column_set": [*names, *PROVENANCE_COLUMNS, *VERSION_COLUMNS], "exact_match": True},
        title="列与数据契约一致，不多不少",
        reason="未在契约中的列不得入库（第二十条）。",
        article="ART-20c",
    )


def _unique_key(dataset: Dataset) -> Expectation:
    scope = "全市" if dataset.scope == "city" else "报送单位内"
    key = "、".join(dataset.column(name).title for name in dataset.key)
    return Expectation(
        name="unique_key",
        type="expect_compound_columns_to_be_unique",
        kwargs={"column_list": ["record_scope", *dataset.key]},
        title=f"{key}在{scope}唯一",
        reason="同一记录只有一个现行版本；重复是模型之误，不是报送之误。",
        is_blocking=True,
    )


def _type(column: Column) -> Expectation:
    return Expectation(
        name=f"type.{column.name}",
        type="expect_column_values_to_be_of_type",
        kwargs={"column": column.stored_name, "type_": column.sql_type},
        title=f"{column.title}的类型为 {column.sql_type}",
        limit=column.sql_type,
    )


def _not_null(column: Column) -> Expectation:
    return Expectation(
        name=f"not_null.{column.name}",
        type="expect_column_values_to_not_be_null",
        kwargs={"column": column.stored_name},
        title=f"{column.title}必填",
        limit="非空",
        reason="缺少必填项的行应已隔离。",
    )


def _record_key() -> Expectation:
    return Expectation(
        name="not_null.record_key",
        type="expect_column_values_to_not_be_null",
        kwargs={"column": "record_key"},
        title="记录键非空",
        limit="非空",
    )


def _value_set(column: Column) -> Expectation:
    codes = list(value_set(column.value_set or ""))
    shown = f"值域 {column.value_set}，{len(codes)} 个代码"
    reason = "未知代码应已隔离。" if column.is_structural else "未知代码应已置空并记录原值（STD-1）。"
    if column.is_multiple:
        one_of = "|".join(re.escape(code) for code in codes)
        return Expectation(
            name=f"value_set.{column.name}",
            type="expect_column_values_to_match_regex",
            kwargs={"column": column.stored_name, "regex": rf"^({one_of})(\|({one_of}))*$"},
            title=f"{column.title}的每个代码都在值域内",
            limit=shown,
            reason=reason,
            article="ART-21",
        )
    return Expectation(
        name=f"value_set.{column.name}",
        type="expect_column_values_to_be_in_set",
        kwargs={"column": column.stored_name, "value_set": codes},
        title=f"{column.title}在值域内",
        limit=shown,
        reason=reason,
        article="ART-21",
    )


def _has_range(column: Column) -> bool:
    return column.hard_min is not None or column.hard_max is not None


def _range(column: Column) -> Expectation:
    low, high = (_plain(limit) for limit in (column.hard_min, column.hard_max))
    kwargs = {"column": column.stored_name, "min_value": low, "max_value": high}
    return Expectation(
        name=f"range.{column.name}",
        type="expect_column_values_to_be_between",
        kwargs={part: value for part, value in kwargs.items() if value is not None},
        title=f"{column.title}在硬范围内",
        limit=f"{'' if low is None else low}–{'' if high is None else high}",
        reason="超出硬范围的行应已隔离。",
    )


def _plain(limit: float | None) -> int | float | None:
    return int(limit) if limit is not None and float(limit).is_integer() else limit


def rendered() -> dict[Path, str]:
    """Every structure suite, path below the suites' folder → text."""
    found = {}
    for dataset in datasets().values():
        found[Path("structure") / f"{dataset.name}.json"] = suites.dump(structure_suite(dataset))
    return found


def write(folder: Path = SUITES) -> list[Path]:
    """Write the structure suites, remove strays, put the suites of the marts in form; return what changed."""
    expected = rendered() | _in_form(folder)
    changed = []
    for path, text in expected.items():
        target = folder / path
        if not target.is_file() or target.read_text("utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
            changed.append(path)
    for path in _strays(folder):
        (folder / path).unlink()
        changed.append(path)
    return changed


def drift(folder: Path = SUITES) -> str:
    """A unified diff from the suites on disk to what they should be; empty when they agree."""
    parts: list[str] = []
    for path, text in (rendered() | _in_form(folder)).items():
        target = folder / path
        present = target.read_text("utf-8") if target.is_file() else ""
        parts += difflib.unified_diff(
            present.splitlines(), text.splitlines(), f"{path} (on disk)", f"{path} (expected)", lineterm=""
        )
    parts += [f"{path}: no contract renders this suite" for path in _strays(folder)]
    return "\n".join(parts)


def _in_form(folder: Path) -> dict[Path, str]:
    found = sorted((folder / "marts").glob("*.json"))
    return {path.relative_to(folder): suites.dump(suites.read(path)) for path in found}


def _strays(folder: Path) -> list[Path]:
    found = (path.relative_to(folder) for path in sorted((folder / "structure").glob("*.json")))
    return [path for path in found if path not in rendered()]


def main(arguments: list[str] | None = None) -> int:
    """Write the suites, or with `--check` print the drift; return 1 on drift, else 0."""
    parser = argparse.ArgumentParser(
        description="按契约生成结构检查套件 / render the structure suites from the contract"
    )
    parser.add_argument("--check", action="store_true", help="只比较，不写入 / compare only")
    if parser.parse_args(arguments).check:
        difference = drift()
        if difference:
            sys.stdout.write(difference + "\n")
            sys.stderr.write("检查套件与契约不一致；请运行 python -m pipelines.quality.render。\n")
        return 1 if difference else 0
    for path in write():
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

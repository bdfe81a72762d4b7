"""Renders the staging layer and the code labels of the dbt project from the contract, and finds drift.

Does not hold the logic of record versions (dbt macros) nor the data dictionary's layout (`dictionary.py`).
"""

from __future__ import annotations

import argparse
import csv
import difflib
import io
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from pipelines.contract.dictionary import render_dictionary
from pipelines.contract.model import (
    DERIVED_IDENTITY_COLUMNS,
    PROVENANCE_COLUMNS,
    VERSION_COLUMNS,
    Column,
    Dataset,
    coded,
    datasets,
    value_set_names,
)

__all__ = ["drift", "main", "render_dictionary", "rendered", "staged_columns", "write"]

CHECKOUT = Path(__file__).parents[2]
"""Root of the checkout."""

STAGING = Path("dbt_project/models/staging")
"""Folder of the staging models, below the checkout."""

CODE_LABELS = Path("dbt_project/seeds/code_labels.csv")
"""Seed with the labels of all value sets, below the checkout."""

NOTICE = (
    "rendered from pipelines/contract by `python -m pipelines.contract.render`; edit the contract instead"
)

QUARANTINE_COLUMNS: Mapping[str, tuple[str, str]] = {
    "dataset": ("VARCHAR", "数据集。"),
    "delivery_id": ("VARCHAR", "报送标识。"),
    "delivery_unit": ("VARCHAR", "报送单位代码。"),
    "delivery_batch": ("VARCHAR", "报送批次。"),
    "delivery_file": ("VARCHAR", "清单中的文件路径。"),
    "delivery_row": ("BIGINT", "文件中的数据行号，1 为第一行数据。"),
    "received_at": ("TIMESTAMP", "收到时间（北京时间）。"),
    "record_scope": ("VARCHAR", "记录键的唯一范围。"),
    "record_key": ("VARCHAR", "记录键，无法读出时为空。"),
    "reason_codes": ("VARCHAR", "隔离原因代码，多个以 | 分隔。"),
    "reason_text": ("VARCHAR", "隔离原因说明。"),
    "raw_row": ("VARCHAR", "原始行（JSON），含标识信息。"),
}

CONTROL_TABLES: Mapping[str, tuple[str, Mapping[str, tuple[str, str]]]] = {
    "run_context": (
        "本次运行的评价日、已知时点与规则集版本，一行。",
        {
            "as_of_date": ("DATE", "评价日。"),
            "known_at": ("TIMESTAMP", "已知时点：此后收到的报送不参与。"),
            "ruleset_version": ("VARCHAR", "规则集版本。"),
        },
    ),
    "parameter_override": (
        "本次运行覆盖的参数，每个参数一行。",
        {"parameter": ("VARCHAR", "参数名。"), "value": ("VARCHAR", "覆盖的值（文本）。")},
    ),
    "delivery_file": (
        "报送登记，每次报送的每个文件一行；整体拒收或没有文件的报送另有一行，文件路径为空。",
        {
            "delivery_id": ("VARCHAR", "报送标识。"),
            "delivery_unit": ("VARCHAR", "报送单位代码。"),
            "delivery_day": ("DATE", "报送日期。"),
            "delivery_batch": ("VARCHAR", "报送批次。"),
            "received_at": ("TIMESTAMP", "收到时间（北京时间）。"),
            "source_system": ("VARCHAR", "来源系统。"),
            "mode": ("VARCHAR", "报送方式：delta 增量、full 全量。"),
            "contract_version": ("VARCHAR", "契约版本。"),
            "withdraws": ("VARCHAR", "撤回的批次，多个以 | 分隔。"),
            "delivery_status": ("VARCHAR", "报送状态：accepted、refused。"),
            "delivery_reason_code": ("VARCHAR", "报送拒收原因代码。"),
            "file_path": ("VARCHAR", "清单中的文件路径。"),
            "dataset": ("VARCHAR", "数据集。"),
            "format": ("VARCHAR", "文件格式。"),
            "manifest_rows": ("BIGINT", "清单行数。"),
            "accepted_rows": ("BIGINT", "接收行数。"),
            "quarantined_rows": ("BIGINT", "隔离行数。"),
            "refused_rows": ("BIGINT", "拒收行数。"),
            "file_status": ("VARCHAR", "文件状态：accepted、refused。"),
            "file_reason_code": ("VARCHAR", "文件拒收原因代码。"),
            "unknown_columns": ("VARCHAR", "未知列名，多个以 | 分隔。"),
            "file_sm3": ("VARCHAR", "文件摘要（SM3）。"),
            "delivery_sm3": ("VARCHAR", "清单摘要（SM3）。"),
            "is_visible": ("BOOLEAN", "收到时间不晚于已知时点。"),
            "is_withdrawn": ("BOOLEAN", "被本单位之后的有效报送撤回。"),
            "is_active": ("BOOLEAN", "已接收、可见且未被撤回。"),
        },
    ),
}


def quoted(text: str) -> str:
    """Return `text` as a double-quoted YAML scalar."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def staged_columns(dataset: Dataset) -> tuple[str, ...]:
    """Return a dataset's own columns in staging: the contract's, then the derived identity columns."""
    derived = tuple(DERIVED_IDENTITY_COLUMNS) if dataset.has_person else ()
    return tuple(column.stored_name for column in dataset.columns) + derived


def column_description(column: Column) -> str:
    """Return the Chinese description of a column: title, description, value set, condition."""
    value_set = f"值域 {column.value_set}。" if column.value_set else ""
    return f"{column.title}：{column.description}{value_set}{column.conditional or ''}"


def _column_list(names: Iterable[str]) -> str:
    return "".join(f"    '{name}',\n" for name in names)


def _version_model(dataset: Dataset) -> str:
    return (
        f"-- {NOTICE}\n"
        "{{ config(materialized='table') }}\n\n"
        f"{{{{ record_versions('{dataset.name}', columns=[\n{_column_list(staged_columns(dataset))}]) }}}}\n"
    )


def _current_model(dataset: Dataset) -> str:
    return (
        f"-- {NOTICE}\n{{{{ config(materialized='view') }}}}\n\n{{{{ current_records('{dataset.name}') }}}}\n"
    )


def _documented(columns: Mapping[str, tuple[str, str]], indent: str) -> list[str]:
    lines = []
    for name, (sql_type, description) in columns.items():
        lines += [
            f"{indent}- name: {name}",
            f"{indent}  data_type: {sql_type}",
            f"{indent}  description: {quoted(description)}",
        ]
    return lines


def _contract_columns(dataset: Dataset) -> dict[str, tuple[str, str]]:
    found = {column.stored_name: (column.sql_type, column_description(column)) for column in dataset.columns}
    if dataset.has_person:
        found |= DERIVED_IDENTITY_COLUMNS
    return found


def _sources() -> str:
    lines = [
        f"# {NOTICE}",
        "version: 2",
        "sources:",
        "  - name: lake",
        '    description: "湖中已接收的记录，每个数据集一组 Parquet 文件。"',
        "    tables:",
    ]
    for dataset in datasets().values():
        location = (
            f"read_parquet(getvariable('lake') || '/{dataset.name}/**/*.parquet', "
            "union_by_name=true, hive_partitioning=false)"
        )
        lines += [
            f"      - name: {dataset.name}",
            f"        description: {quoted(f'{dataset.title}：{dataset.description}一行为收到的一行数据。')}",
            "        config:",
            "          external_location: >-",
            f"            {location}",
            "        columns:",
            *_documented(_contract_columns(dataset) | dict(PROVENANCE_COLUMNS), " " * 10),
        ]
    lines += [
        "  - name: quarantine",
        '    description: "被隔离的行及原因。"',
        "    tables:",
        "      - name: row",
        '        description: "被隔离的行，每行一行。"',
        "        config:",
        "          external_location: >-",
        "            read_parquet(getvariable('quarantine') || '/**/*.parquet', "
        "union_by_name=true, hive_partitioning=false)",
        "        columns:",
        *_documented(QUARANTINE_COLUMNS, " " * 10),
        "  - name: control",
        "    schema: control",
        '    description: "每次运行写入的控制表。"',
        "    tables:",
    ]
    for name, (description, columns) in CONTROL_TABLES.items():
        lines += [
            f"      - name: {name}",
            f"        description: {quoted(description)}",
            "        columns:",
            *_documented(columns, " " * 10),
        ]
    return "\n".join(lines) + "\n"


def _staging() -> str:
    lines = [f"# {NOTICE}", "version: 2", "models:"]
    indent = " " * 6
    for dataset in datasets().values():
        columns = _contract_columns(dataset) | dict(PROVENANCE_COLUMNS) | dict(VERSION_COLUMNS)
        key = "、".join(dataset.column(name).title for name in dataset.key)
        scope = "全市唯一" if dataset.scope == "city" else "报送单位内唯一"
        documented = _documented(columns, indent)
        lines += [
            f"  - name: stg_{dataset.name}_version",
            "    description: "
            + quoted(f"{dataset.title}的全部可见版本。粒度：收到的每一行一行；记录键为 {key}，{scope}。"),
            "    columns:",
            *documented,
            f"  - name: stg_{dataset.name}",
            "    description: "
            + quoted(f"{dataset.title}的现行记录。粒度：{dataset.grain}；记录键为 {key}，{scope}。"),
            "    columns:",
            *documented,
        ]
    return "\n".join(lines) + "\n"


def _code_labels() -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["value_set", "code", "label", "group_label", "valid_from", "valid_to", "sort_order"])
    for name in value_set_names():
        for order, one in enumerate(coded(name), start=1):
            writer.writerow([name, one.code, one.label, one.group, one.valid_from, one.valid_to, order])
    return text.getvalue()


def rendered() -> dict[Path, str]:
    """Return every rendered file, path below the checkout → text."""
    files = {
        STAGING / "_sources.yml": _sources(),
        STAGING / "_staging.yml": _staging(),
        CODE_LABELS: _code_labels(),
    }
    for dataset in datasets().values():
        files[STAGING / f"stg_{dataset.name}_version.sql"] = _version_model(dataset)
        files[STAGING / f"stg_{dataset.name}.sql"] = _current_model(dataset)
    return files


def stray_files(root: Path = CHECKOUT) -> list[Path]:
    """Return staging models `stg_*.sql` on disk, below `root`, that the contract does not render."""
    expected = rendered()
    found = (path.relative_to(root) for path in sorted((root / STAGING).glob("stg_*.sql")))
    return [path for path in found if path not in expected]


def write(root: Path = CHECKOUT) -> list[Path]:
    """Write every rendered file below `root`, remove stray ones, and return the paths that changed."""
    changed = []
    for path, text in rendered().items():
        target = root / path
        if not target.is_file() or target.read_text("utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
            changed.append(path)
    for path in stray_files(root):
        (root / path).unlink()
        changed.append(path)
    return changed


def drift(root: Path = CHECKOUT) -> str:
    """Return a unified diff from the files below `root` to what the contract renders; empty: they agree."""
    parts: list[str] = []
    for path, text in rendered().items():
        target = root / path
        present = target.read_text("utf-8") if target.is_file() else ""
        lines = difflib.unified_diff(
            present.splitlines(), text.splitlines(), f"{path} (on disk)", f"{path} (contract)", lineterm=""
        )
        parts.extend(lines)
    parts.extend(f"{path}: no contract renders this file" for path in stray_files(root))
    return "\n".join(parts)


def main(arguments: list[str] | None = None) -> int:
    """Write the rendered files, or with `--check` print the drift; return 1 on drift, else 0."""
    parser = argparse.ArgumentParser(description="按契约生成 staging 层 / render staging from the contract")
    parser.add_argument("--check", action="store_true", help="只比较，不写入 / compare only")
    if parser.parse_args(arguments).check:
        difference = drift()
        if difference:
            click.echo(difference)
            click.echo("与契约不一致；请运行 python -m pipelines.contract.render。", err=True)
        return 1 if difference else 0
    for path in write():
        click.echo(str(path))
    return 0


if __name__ == "__main__":
    sys.exit(main())

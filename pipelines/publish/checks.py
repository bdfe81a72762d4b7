"""Blocking checks that no dbt test can make: conservation of rows, identifying values, tables that shrank.

Not here: grain, keys, contracts and sums of the marts (tests of the dbt project), quality of the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines import duck
from pipelines.contract import model
from pipelines.publish.content_hash import columns, quoted, table_names
from pipelines.settings import LANGUAGES, Settings
from pipelines.words import both, spoken

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SHRINK_LIMIT = 0.30
"""A published table may lose this share of its rows (design §5); the limit itself still passes."""

KEY_PATTERN = "[0-9a-f]{64}"
"""Shape of a pseudonym."""

# The shapes of the numbers that name a person, found anywhere in a text. A digit or letter on either side
# makes it another number: organisation codes and pseudonyms hold long runs of digits.
_DATE_IN_ID = "(18|19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])"
SHAPES = {
    "ID_18": f"[1-9][0-9]{{5}}{_DATE_IN_ID}[0-9]{{3}}[0-9Xx]",
    "ID_15": "[1-9][0-9]{5}[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}",
    "PHONE": "1[3-9][0-9]{9}",
    "PHONE_SYNTHETIC": "100[0-9]{8}",
    "ARCHIVE_NUMBER": "[1-9][0-9]{16}",
    "BIRTH_CERTIFICATE": "[A-Z][0-9]{9}",
}

# from this size on a whole number may be a phone or an identity number that lost its text type
_LARGEST_COUNT = 10_000_000_000
# a value shorter than this names nobody, and codes of two digits would meet record ids
_SHORTEST_NAME, _SHORTEST_NUMBER = 2, 7


_SHOWN = 3

WAYS_OUT = {
    "conservation": (
        "请用 --rebuild --unit --day 重读有关报送后再运行。",
        "Read the deliveries concerned again with --rebuild --unit --day.",
    ),
    "identifier_scan": (
        "请查明该列的来源并改正报送或模型后再运行。",
        "Find where the column comes from, mend the delivery or the model and run again.",
    ),
    "shrinkage": (
        "请核对有关报送；确属实情时加 --accept-shrink 重新运行。",
        "Check the deliveries; if it is so in fact, run again with --accept-shrink.",
    ),
}
"""What to do when a check fails, in Chinese and English."""


@dataclass(frozen=True)
class CheckResult:
    """Outcome of one blocking check.

    Attributes:
        name: stable name, also that of the Dagster asset check.
        problems: phrases in both languages that name tables, columns and counts, never a value.
        examined: how much was looked at; a check that looked at nothing does not pass.
    """

    name: str
    problems: tuple[str, ...]
    examined: int

    @property
    def is_passed(self) -> bool:
        """True when something was examined and nothing was wrong."""
        return not self.problems and self.examined > 0

    @property
    def summary(self) -> str:
        """One sentence for people with the way out, in both languages."""
        if not self.examined:
            return both("没有可检查的内容，视为未通过。", "nothing to look at, which is no pass")
        if not self.problems:
            return both(f"检查 {self.examined} 项，全部通过。", f"{self.examined} looked at, nothing wrong")
        chinese, english = WAYS_OUT[self.name]
        count = len(self.problems)
        shown = [[spoken(one, language) for one in self.problems[:_SHOWN]] for language in LANGUAGES]
        return both(
            "；".join(shown[0]) + (f" 等 {count} 个问题" if count > _SHOWN else "") + f"。{chinese}",
            "; ".join(shown[1]) + (f", {count} problems in all" if count > _SHOWN else "") + f". {english}",
        )


def _attached(settings: Settings, **files: Path) -> DuckDBPyConnection:
    connection = duck.memory(settings)
    for name, path in files.items():
        literal = str(path).replace("'", "''")
        connection.execute(f"attach '{literal}' as {name} (read_only)")
    return connection


def conservation(settings: Settings, warehouse: Path) -> CheckResult:
    """Nothing is lost: every row of a manifest and every accepted row is accounted for (design §2, 1).

    Three equations, each per file: manifest = accepted + quarantined + refused; rows in the staging versions
    = accepted; rows in the quarantine = quarantined. Every staging row has one of the four version statuses,
    so that per dataset accepted = current + superseded + repeated + withdrawn follows.
    """
    problems: list[str] = []
    connection = _attached(settings, warehouse=warehouse)
    try:
        examined = _scalar(connection, "select count(*) from warehouse.control.delivery_file")
        unbalanced = _scalar(
            connection,
            """
            select count(*) from warehouse.control.delivery_file
            where
                delivery_status = 'accepted' and file_path is not null and manifest_rows is not null
                and manifest_rows
                is distinct from
                coalesce(accepted_rows, 0) + coalesce(quarantined_rows, 0) + coalesce(refused_rows, 0)
            """,
        )
        if unbalanced:
            problems.append(
                both(
                    f"{unbalanced} 个文件的行数不守恒：清单行数不等于接收、隔离、拒收之和",
                    f"{unbalanced} files: manifest rows are not accepted + quarantined + refused",
                )
            )
        for dataset in model.datasets():
            problems += _dataset_conservation(connection, dataset)
        connection.execute(
            "create temp view quarantined as select * from read_parquet(?, union_by_name = true, "
            "hive_partitioning = false)".replace("?", "'" + _glob(settings.quarantine) + "'")
        )
        lost = _scalar(
            connection,
            """
            with registered as (
                select delivery_id, file_path, sum(coalesce(quarantined_rows, 0)) as expected
                from warehouse.control.delivery_file
                where delivery_status = 'accepted' and file_status = 'accepted'
                group by all
            ),
            stored as (
                select delivery_id, delivery_file as file_path, count(*) as found
                from quarantined
                group by all
            )
            select count(*) from registered left join stored using (delivery_id, file_path)
            where registered.expected <> coalesce(stored.found, 0)
            """,
        )
        if lost:
            problems.append(
                both(
                    f"{lost} 个文件的隔离行数与登记不符",
                    f"quarantined rows of {lost} files differ from the register",
                )
            )
    finally:
        connection.close()
    return CheckResult("conservation", tuple(problems), examined)


def _glob(folder: Path) -> str:
    return str(folder / "**" / "*.parquet").replace("'", "''")


def _dataset_conservation(connection: DuckDBPyConnection, dataset: str) -> list[str]:
    staged = f"warehouse.staging.{quoted(f'stg_{dataset}_version')}"
    differing, unplaced = connection.execute(
        f"""
        with registered as (
            select delivery_id, file_path, sum(coalesce(accepted_rows, 0)) as expected
            from warehouse.control.delivery_file
            where delivery_status = 'accepted' and file_status = 'accepted' and is_visible and dataset = ?
            group by all
        ),
        stored as (
            select
                delivery_id, delivery_file as file_path, count(*) as found,
                count(*) filter (
                    where coalesce(version_status, '')
                    not in ('current', 'superseded', 'repeated', 'withdrawn')
                ) as unplaced
            from {staged}
            group by all
        )
        select
            count(*) filter (where coalesce(registered.expected, 0) <> coalesce(stored.found, 0)),
            coalesce(sum(stored.unplaced), 0)
        from registered full join stored using (delivery_id, file_path)
        """,
        [dataset],
    ).fetchone() or (0, 0)
    problems = []
    if differing:
        problems.append(
            both(
                f"数据集 {dataset} 有 {differing} 个文件的入仓行数与登记的接收行数不符",
                f"dataset {dataset}: rows of {differing} files differ from the accepted rows of the register",
            )
        )
    if unplaced:
        problems.append(
            both(
                f"数据集 {dataset} 有 {unplaced} 行不属于现行、被取代、重复、撤回中的任何一种",
                f"dataset {dataset}: {unplaced} rows stand for none of the four versions",
            )
        )
    return problems


def _scalar(connection: DuckDBPyConnection, sql: str) -> int:
    found = connection.execute(sql).fetchone()
    return int(found[0]) if found and found[0] is not None else 0


def identifier_scan(settings: Settings, warehouse: Path, marts: Path) -> CheckResult:
    """No identifying value stands in the marts (design §2, 4).

    Every text of the marts is looked at twice: by shape (identity numbers, phones, archive numbers, birth
    certificates anywhere inside the text) and against the values themselves (every direct identifier that
    any version of any record carries). Pseudonyms must look like pseudonyms and need no second look. Whole
    numbers must be too small to be a number of a person.
    """
    problems: list[str] = []
    examined = 0
    connection = _attached(settings, warehouse=warehouse, marts=marts)
    try:
        connection.execute("create temp table mart_text (place varchar, content varchar)")
        for table in table_names(connection, "marts", "marts"):
            relation = f"marts.marts.{quoted(table)}"
            for column, kind in columns(connection, "marts", "marts", table).items():
                examined += 1
                place = f"{table}.{column}"
                if kind.endswith(("INT", "BIGINT", "INTEGER")):
                    if _scalar(
                        connection, f"select max(abs({quoted(column)}::hugeint)) from {relation}"
                    ) >= _LARGEST_COUNT:  # fmt: skip
                        problems.append(
                            both(
                                f"{place} 含有大小如同证件号或电话的整数",
                                f"{place} holds whole numbers as large as a document number or phone",
                            )
                        )
                elif kind in ("DATE", "TIMESTAMP", "BOOLEAN", "DOUBLE", "FLOAT") or "DECIMAL" in kind:
                    continue
                elif column.endswith("_key"):
                    problems += _misshapen_keys(connection, relation, column, place)
                else:
                    connection.execute(
                        f"insert into mart_text select distinct ?, cast({quoted(column)} as varchar) "
                        f"from {relation} where {quoted(column)} is not null",
                        [place],
                    )
        problems += _by_shape(connection)
        problems += _by_value(connection)
    finally:
        connection.close()
    return CheckResult("identifier_scan", tuple(problems), examined)


def _misshapen_keys(connection: DuckDBPyConnection, relation: str, column: str, place: str) -> list[str]:
    found = _scalar(
        connection,
        f"select count(*) from {relation} where {quoted(column)} is not null "
        f"and not regexp_full_match(cast({quoted(column)} as varchar), '{KEY_PATTERN}')",
    )
    return (
        [both(f"{place} 有 {found} 个值不是假名", f"{place}: {found} values are no pseudonyms")]
        if found
        else []
    )


def _by_shape(connection: DuckDBPyConnection) -> list[str]:
    # names and codes of places and institutions are published lists and may look like anything
    connection.execute(
        """
        create or replace temp table public_text as
        select org_code as content from marts.marts.dim_org
        union select org_name from marts.marts.dim_org
        """
    )
    problems = []
    for shape, pattern in SHAPES.items():
        found = connection.execute(
            f"""
            select place, count(*) from mart_text
            where
                regexp_matches(content, '(^|[^0-9A-Za-z])({pattern})($|[^0-9A-Za-z])')
                and content not in (select content from public_text where content is not null)
            group by place order by place
            """
        ).fetchall()
        problems += [
            both(f"{place} 有 {count} 个值形如 {shape}", f"{place}: {count} values look like {shape}")
            for place, count in found
        ]
    return problems


def _by_value(connection: DuckDBPyConnection) -> list[str]:
    _collect_reference_text(connection)
    problems = []
    for dataset in model.datasets().values():
        if not dataset.has_person and not any(column.role == "DI" for column in dataset.columns):
            continue
        staged = f"warehouse.staging.{quoted(f'stg_{dataset.name}_version')}"
        for column in dataset.columns:
            if column.role != "DI" or column.type != "string" or column.value_set:
                continue
            found = connection.execute(
                f"""
                select suspect.place, count(*)
                from suspect
                where suspect.content in (
                    select trim({quoted(column.name)}) from {staged} where {quoted(column.name)} is not null
                )
                group by suspect.place order by suspect.place
                """
            ).fetchall()
            problems += [
                both(
                    f"{place} 有 {count} 个值就是 {dataset.name}.{column.name} 的值",
                    f"{place}: {count} values are values of {dataset.name}.{column.name}",
                )
                for place, count in found
            ]
    return problems


def _collect_reference_text(connection: DuckDBPyConnection) -> None:
    """Texts of the marts that could name somebody: not public lists, not too short.

    Seeds, organisations and divisions are public; a resident may well be called like a label of a code list.
    """
    connection.execute("create or replace temp table reference_text (content varchar)")
    connection.execute("insert into reference_text select content from public_text where content is not null")
    for table in table_names(connection, "warehouse", "reference"):
        for column, kind in columns(connection, "warehouse", "reference", table).items():
            if kind == "VARCHAR":
                connection.execute(
                    f"insert into reference_text select distinct {quoted(column)} "
                    f"from warehouse.reference.{quoted(table)} where {quoted(column)} is not null"
                )
    connection.execute(
        f"""
        create or replace temp table suspect as
        select distinct place, trim(content) as content from mart_text
        where
            content not in (select content from reference_text)
            and case
                when regexp_matches(content, '[^\\x00-\\x7F]') then length(trim(content)) >= {_SHORTEST_NAME}
                else length(trim(content)) >= {_SHORTEST_NUMBER}
            end
        """
    )


def shrinkage(settings: Settings, candidate: Path, published: Path, accept: bool) -> CheckResult:
    """No table is empty or lost more than 30 % of its rows since the last publication (design §5).

    A table that was empty before may stay empty; on the first publication only the archives must be there.

    Args:
        candidate: marts under construction.
        published: the marts that stand; need not exist.
        accept: the operator knows and accepts that tables shrank (`--accept-shrink`).
    """
    before = _row_counts(settings, published) if published.is_file() else {}
    now = _row_counts(settings, candidate)
    problems = [] if now.get("fct_archive") else [both("fct_archive 为空", "fct_archive is empty")]
    for table, count in sorted(before.items()):
        if table not in now:
            problems.append(both(f"{table} 不再存在", f"{table} is gone"))
        elif count and not now[table] and table != "fct_archive":
            problems.append(both(f"{table} 变为空表", f"{table} became empty"))
        elif count and now[table] < count * (1 - SHRINK_LIMIT):
            problems.append(
                both(
                    f"{table} 由 {count} 行减至 {now[table]} 行",
                    f"{table} shrank from {count} to {now[table]} rows",
                )
            )
    return CheckResult("shrinkage", () if accept else tuple(problems), len(now))


def _row_counts(settings: Settings, path: Path) -> dict[str, int]:
    connection = _attached(settings, candidate=path)
    try:
        return {
            table: _scalar(connection, f"select count(*) from candidate.marts.{quoted(table)}")
            for table in table_names(connection, "candidate", "marts")
        }
    finally:
        connection.close()


def run_all(settings: Settings, warehouse: Path, marts: Path, accept_shrink: bool) -> Sequence[CheckResult]:
    """All blocking checks of a finished build, none of them stopping another."""
    return [
        conservation(settings, warehouse),
        identifier_scan(settings, warehouse, marts),
        shrinkage(settings, marts, settings.marts_file, accept_shrink),
    ]

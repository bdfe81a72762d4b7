"""Runs every suite over a warehouse and its marts and says what was found.

Not here: what is expected (expectations/), limits on metrics (pipelines.quality.thresholds), pages.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import duck
from pipelines.quality import suites
from pipelines.quality.results import ExpectationResult, Status, SuiteResult
from pipelines.quality.suites import DATABASES, Expectation, Suite
from pipelines.settings import Settings

if TYPE_CHECKING:
    import duckdb

    from pipelines.quality.datasource import DuckDBDatasource

# Counts only. The datasource refuses to fetch values anyway; this says so to Great Expectations as well.
RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 0}

NO_ROWS = "没有数据，不作判定。"
NOTHING_TO_JUDGE = "没有可判定的值，不作判定。"
NO_RELATION = "表不存在或无法读取；请先检查 dbt 构建。"
NO_COLUMN = "列不存在；请对照数据契约与模型。"
NOT_RUN = "检查未能执行；多半是列的类型与预期不同。"

ROW_COUNT = "expect_table_row_count_to_be_between"
ROW_QUERY = "unexpected_rows_expectation"


def validate(settings: Settings, warehouse_file: Path, marts_file: Path) -> list[SuiteResult]:
    """Judge staging by the contract, the marts by their suites, and the marts' metrics by the limits.

    Args:
        settings: memory, threads and paths.
        warehouse_file: finished warehouse (schema `staging`), closed by its writer.
        marts_file: finished marts (schema `marts`), closed by their writer, published or not.

    Returns:
        One result per suite in the order of the files, then one per table with limits. Counts only.

    Raises:
        FileNotFoundError: one of the files is not there.
    """
    from pipelines.quality import metrics, thresholds

    # the names dbt gave the two databases: views in the warehouse refer to them
    with attached(settings, warehouse=warehouse_file, marts=marts_file) as connection:
        found = run_suites(connection, suites.load())
        metrics.collect(connection)
        metrics.store(settings, connection)
        return found + thresholds.judge(connection, thresholds.load())


@contextmanager
def attached(settings: Settings, **files: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A scratch connection with finished databases attached for reading, each under the name of its argument.

    Raises:
        FileNotFoundError: one of the files is not there.
    """
    for path in files.values():
        if not Path(path).is_file():
            raise FileNotFoundError(f"no database file {Path(path).name}; run `yudang run` first")
    connection = duck.memory(settings)
    try:
        for name, path in files.items():
            literal = str(path).replace("'", "''")
            connection.execute(f"attach '{literal}' as {name} (read_only)")
        yield connection
    finally:
        connection.close()


def run_suites(connection: duckdb.DuckDBPyConnection, wanted: Sequence[Suite]) -> list[SuiteResult]:
    """Run suites over an open connection; a suite that cannot run is an ERROR, never an exception."""
    # Great Expectations costs seconds and hundreds of megabytes to import: only a check pays for it.
    from pipelines.quality.datasource import add_datasource, ephemeral_context

    results = []
    with _silence():
        context = ephemeral_context()
        datasources: dict[str, DuckDBDatasource] = {}
        for suite in wanted:
            schema = f"{DATABASES[suite.kind]}.{suite.schema}"
            if schema not in datasources:
                datasources[schema] = add_datasource(context, schema, schema, connection)
            started = time.monotonic()
            expectations, row_count = _run(suite, datasources[schema])
            results.append(
                SuiteResult(
                    suite=suite.name,
                    title=suite.title,
                    kind=suite.kind,
                    relation=f"{suite.schema}.{suite.relation}",
                    expectations=expectations,
                    row_count=row_count,
                    seconds=time.monotonic() - started,
                )
            )
    return results


@contextmanager
def _silence() -> Iterator[None]:
    """Great Expectations and SQLAlchemy log the text of exceptions, and DuckDB's exceptions quote values."""
    logger = logging.getLogger("great_expectations")
    before = logger.disabled, logger.level, logger.propagate
    logger.setLevel(logging.CRITICAL + 1)
    logger.propagate = False
    try:
        yield
    finally:
        logger.disabled, logger.level, logger.propagate = before


def _run(suite: Suite, datasource: DuckDBDatasource) -> tuple[tuple[ExpectationResult, ...], int | None]:
    from great_expectations.datasource.fluent.interfaces import TestConnectionError

    try:
        asset = datasource.add_table_asset(suite.name, table_name=suite.relation)
    except TestConnectionError:
        return tuple(_unjudged(one, Status.ERROR, NO_RELATION) for one in suite.expectations), None
    batch = asset.add_batch_definition_whole_table(suite.name).get_batch()
    outcome = batch.validate(suite.to_gx(), result_format=RESULT_FORMAT)
    by_name = {
        found.expectation_config.meta["name"]: found for found in outcome.results if found.expectation_config
    }
    row_count, columns = _shape(suite, datasource)
    return tuple(
        _judge(suite, one, by_name[one.name], row_count, columns) for one in suite.expectations
    ), row_count


def _shape(suite: Suite, datasource: DuckDBDatasource) -> tuple[int, set[str]]:
    import sqlalchemy as sa

    engine = datasource.get_execution_engine()
    relation = sa.table(suite.relation, schema=datasource.schema_)
    rows = engine.execute_query(sa.select(sa.func.count()).select_from(relation)).scalar()
    described = engine.get_inspector().get_columns(suite.relation, schema=datasource.schema_)
    return int(rows or 0), {column["name"] for column in described}


def _judge(
    suite: Suite, one: Expectation, found: Any, row_count: int, columns: set[str]
) -> ExpectationResult:
    counts: dict[str, Any] = found.result or {}
    if _raised(found):
        asked = set((one.column or "").split(", ")) - {""}
        return _unjudged(one, Status.ERROR, NO_COLUMN if asked - columns else NOT_RUN)
    if one.type == ROW_COUNT:
        evaluated, unexpected = row_count, None
    elif one.type == ROW_QUERY:
        evaluated, unexpected = row_count, counts["observed_value"]
    elif "element_count" in counts:
        evaluated = counts["element_count"] - (counts.get("missing_count") or 0)
        unexpected = counts["unexpected_count"]
    else:
        evaluated, unexpected = None, None
    status, note = _status(suite, one, bool(found.success), row_count, evaluated, unexpected)
    return _result(one, status, note, evaluated, unexpected)


def _raised(found: Any) -> bool:
    info = found.exception_info or {}
    if "raised_exception" in info:
        return bool(info["raised_exception"])
    return any(part.get("raised_exception") for part in info.values())


def _status(
    suite: Suite,
    one: Expectation,
    success: bool,
    row_count: int,
    evaluated: int | None,
    unexpected: int | None,
) -> tuple[Status, str]:
    if not success:
        if one.type == ROW_COUNT and row_count == 0 and suite.is_empty_allowed:
            return Status.NOT_APPLICABLE, NO_ROWS
        return Status.FAIL, ""
    if row_count == 0:
        return Status.NOT_APPLICABLE, NO_ROWS
    if evaluated == 0:
        return Status.NOT_APPLICABLE, NOTHING_TO_JUDGE
    return (Status.PASS_WITH_FAILURES if unexpected else Status.PASS), ""


def _unjudged(one: Expectation, status: Status, note: str) -> ExpectationResult:
    return _result(one, status, note, None, None)


def _result(
    one: Expectation, status: Status, note: str, evaluated: int | None, unexpected: int | None
) -> ExpectationResult:
    return ExpectationResult(
        name=one.name,
        expectation=one.type,
        column=one.column,
        title=one.title,
        status=status,
        severity=one.severity,
        evaluated_count=evaluated,
        unexpected_count=unexpected,
        limit=one.limit,
        reason=one.reason,
        owner=one.owner,
        article=one.article,
        note=note,
        blocking=one.is_blocking,
    )

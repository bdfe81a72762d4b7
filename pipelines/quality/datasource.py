"""A Great Expectations datasource for DuckDB: pushed down, one open connection, blind to failing values.

Not here: which suite judges which relation (pipelines.quality.suites) and opening files (pipelines.duck).
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Literal

# Great Expectations decides on its telemetry while it is imported: the answer must stand before that.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

import duckdb
import great_expectations as gx
import sqlalchemy as sa
from duckdb_engine import ConnectionWrapper, Dialect
from great_expectations.compatibility import pydantic
from great_expectations.data_context import EphemeralDataContext
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.datasource.fluent import SQLDatasource
from great_expectations.exceptions import MetricResolutionError
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from sqlalchemy.dialects import postgresql, registry
from sqlalchemy.dialects.postgresql.base import PGCompiler

# Metrics that carry rows or cells of the data. None of them is ever computed: counts are enough to judge, and
# what was never fetched cannot end in a report, a log or an exception.
VALUE_METRICS = (
    ".unexpected_values",
    ".unexpected_value_counts",
    ".unexpected_rows",
    ".unexpected_index_list",
    ".unexpected_index_query",
    "unexpected_rows_query.table",
)

# Stock SQL for these joins every row to its group (32 million rows: 15 s) and loses keys with a null in them.
DUPLICATE_METRICS = ("column_values.unique.unexpected_count", "compound_columns.unique.unexpected_count")


class DuckDBCompiler(PGCompiler):
    """SQL of PostgreSQL's family with DuckDB's meaning of a regular expression match."""

    def visit_custom_op_binary(self, element: Any, operator: Any, **kw: Any) -> str:
        """PostgreSQL's `~` finds the pattern anywhere; DuckDB's wants the whole text to match."""
        if operator.opstring in ("~", "!~"):
            text, pattern = (
                element.left._compiler_dispatch(self, **kw),
                element.right._compiler_dispatch(self, **kw),
            )
            match = f"regexp_matches({text}, {pattern})"
            return match if operator.opstring == "~" else f"(not {match})"
        return super().visit_custom_op_binary(element, operator, **kw)


class DuckDBReadDialect(Dialect):
    """duckdb-engine's dialect for reading: no transactions, so a failed query does not harm the next."""

    statement_compiler = DuckDBCompiler
    supports_statement_cache = False

    def do_begin(self, connection: Any) -> None:
        """Nothing is written."""

    def do_commit(self, connection: Any) -> None:
        """Nothing is written."""

    def do_rollback(self, connection: Any) -> None:
        """Nothing is written."""

    def do_close(self, connection: Any) -> None:
        """Whoever opened the connection closes it."""


registry.register("duckdb.yudang_read", __name__, "DuckDBReadDialect")

# What Great Expectations asks of a "dialect module": column types by name, and a dialect class by which it
# chooses the regular expression operator; PostgreSQL's is the one DuckDBCompiler translates.
DIALECT_MODULE = SimpleNamespace(
    __name__="duckdb",
    dialect=postgresql.dialect,
    VARCHAR=sa.VARCHAR,
    BIGINT=sa.BIGINT,
    INTEGER=sa.INTEGER,
    DOUBLE=sa.DOUBLE,
    DECIMAL=sa.DECIMAL,
    DATE=sa.DATE,
    TIMESTAMP=sa.TIMESTAMP,
    BOOLEAN=sa.BOOLEAN,
)


class RelationInspector:
    """Columns of a relation from DuckDB's own DESCRIBE; PostgreSQL's catalogue queries fail here."""

    def __init__(self, engine: sa.Engine, connection: sa.Connection) -> None:
        self.dialect = engine.dialect
        self._connection = connection

    def get_pk_constraint(self, table_name: str, schema: str | None = None) -> dict[str, Any]:
        """dbt writes no primary keys."""
        return {"constrained_columns": []}

    def get_columns(self, table_name: str, schema: str | None = None) -> list[dict[str, Any]]:
        """Name and SQLAlchemy type of every column, in order."""
        relation = self.dialect.identifier_preparer.format_table(sa.table(table_name, schema=schema))
        described = self._connection.exec_driver_sql(f"describe {relation}").fetchall()
        return [{"name": row[0], "type": column_type(row[1])} for row in described]


def column_type(declared: str) -> sa.types.TypeEngine[Any]:
    """SQLAlchemy type of a DuckDB type text; a type without a counterpart equals no expected type."""
    plain = declared.split("(")[0].strip()
    if plain == "DECIMAL" and "(" in declared:
        precision, scale = (int(part) for part in declared.split("(")[1].rstrip(")").split(","))
        return sa.DECIMAL(precision, scale)
    known = getattr(DIALECT_MODULE, plain, None)
    return known() if known is not None else sa.types.NullType()


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """Computes metrics inside DuckDB over one connection that stays open for its whole life."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dialect_module: Any = DIALECT_MODULE
        self.query_count = 0

    @contextmanager
    def get_connection(self) -> Generator[sa.Connection, None, None]:
        """The one connection. Stock GX closes it before it fetches; on DuckDB the result dies with it."""
        if self._connection is None:
            self._connection = self.engine.connect()
        yield self._connection

    def get_inspector(self) -> Any:
        """Reflection by DESCRIBE."""
        with self.get_connection() as connection:
            return RelationInspector(self.engine, connection)

    def execute_query(self, query: Any) -> Any:
        """Run a query and count it."""
        self.query_count += 1
        return super().execute_query(query)

    def resolve_metrics(
        self,
        metrics_to_resolve: Iterable[Any],
        metrics: dict[Any, Any] | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> dict[Any, Any]:
        """Resolve counts; answer every question for failing values with an empty list."""
        resolved: dict[Any, Any] = {}
        stock = []
        for metric in metrics_to_resolve:
            if metric.metric_name.endswith(VALUE_METRICS):
                resolved[metric.id] = []
            elif metric.metric_name in DUPLICATE_METRICS:
                resolved[metric.id] = self._duplicate_count(metric)
            else:
                stock.append(metric)
        if stock:
            resolved.update(super().resolve_metrics(stock, metrics, runtime_configuration))
        return resolved

    def _duplicate_count(self, metric: Any) -> int:
        """Rows whose key occurs more than once; rows without any part of the key do not count."""
        domain = dict(metric.metric_domain_kwargs)
        columns: list[sa.ColumnClause[Any]] = [
            sa.column(name) for name in domain.pop("column_list", None) or [domain.pop("column")]
        ]
        domain.pop("ignore_row_if", None)
        try:
            rows = self.get_domain_records(domain_kwargs=domain)
            source: Any = rows.subquery("source") if isinstance(rows, sa.Select) else rows
            groups = (
                sa.select(sa.func.count().label("row_count"))
                .select_from(source)
                .where(sa.or_(*(column.is_not(None) for column in columns)))
                .group_by(*columns)
                .having(sa.func.count() > 1)
                .subquery("groups")
            )
            total = self.execute_query(
                sa.select(sa.func.coalesce(sa.func.sum(groups.c.row_count), 0))
            ).scalar()
        except Exception as error:
            # the name only: DuckDB's messages quote the value they stumbled over
            raise MetricResolutionError(message=type(error).__name__, failed_metrics=(metric,)) from None
        return int(total or 0)


class DuckDBDatasource(SQLDatasource):
    """Relations of one schema of an open DuckDB connection.

    Attributes:
        relation_schema: `database.schema` of the relations.
    """

    type: Literal["duckdb_relations"] = "duckdb_relations"  # type: ignore[assignment]
    connection_string: str = "duckdb+yudang_read:///:memory:"
    relation_schema: str

    _duckdb: Any = pydantic.PrivateAttr(None)

    @property
    def schema_(self) -> str | None:
        """Schema of every table asset."""
        return self.relation_schema

    @property
    def execution_engine_type(self) -> Any:
        """The engine that keeps its connection open."""
        return DuckDBExecutionEngine

    def bind(self, connection: duckdb.DuckDBPyConnection) -> DuckDBDatasource:
        """Use this connection, which its owner configured, opened for reading and will close."""
        self._duckdb = connection
        return self

    def test_connection(self, test_assets: bool = True) -> None:
        """Nothing to try: the connection is bound open, and each relation is tried when it is added."""

    def get_engine(self) -> sa.Engine:
        """SQLAlchemy engine over the bound connection."""
        if self._engine is None:
            if self._duckdb is None:
                raise ValueError("no DuckDB connection is bound to this datasource")
            self._engine = sa.create_engine(
                self.connection_string,
                creator=lambda: ConnectionWrapper(self._duckdb),
                poolclass=sa.pool.StaticPool,
            )
        return self._engine

    def get_execution_engine(self) -> DuckDBExecutionEngine:
        """The one execution engine of this datasource."""
        if self._execution_engine is None:
            self._execution_engine = DuckDBExecutionEngine(engine=self.get_engine(), create_temp_table=False)
        return self._execution_engine


def ephemeral_context() -> EphemeralDataContext:
    """A context that leaves nothing on disk, sends nothing and draws no progress bars."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    return context


def add_datasource(
    context: EphemeralDataContext, name: str, schema: str, connection: duckdb.DuckDBPyConnection
) -> DuckDBDatasource:
    """Add the relations of `schema` (`database.schema`) of an open connection to the context."""
    datasource = context.data_sources.add_duckdb_relations(name=name, relation_schema=schema)
    assert isinstance(datasource, DuckDBDatasource)
    return datasource.bind(connection)

"""Content hashes of tables: equal for equal rows in whatever order they lie, different otherwise.

Not here: digests of files; a DuckDB file of equal rows differs from write to write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Content:
    """Rows of a table and the digest of names, types and rows (64 hex digits, SM3)."""

    row_count: int
    digest: str


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def table_names(connection: DuckDBPyConnection, database: str, schema: str) -> list[str]:
    """Names of the tables of one schema, sorted."""
    found = connection.execute(
        "select table_name from duckdb_tables() where database_name = ? and schema_name = ? order by all",
        [database, schema],
    ).fetchall()
    return [name for (name,) in found]


def columns(connection: DuckDBPyConnection, database: str, schema: str, table: str) -> dict[str, str]:
    """Column name → type of one table, in its order."""
    found = connection.execute(
        "select column_name, data_type from duckdb_columns() "
        "where database_name = ? and schema_name = ? and table_name = ? order by column_index",
        [database, schema, table],
    ).fetchall()
    return dict(found)


def table_content(connection: DuckDBPyConnection, database: str, schema: str, table: str) -> Content:
    """Digest one table with a single scan in constant memory.

    The sum of the rows' hashes does not depend on their order, and unlike an exclusive or it sees a row that
    was doubled. Two differently seeded sums make an accidental match as good as impossible.
    """
    shape = columns(connection, database, schema, table)
    listed = ", ".join(quoted(name) for name in shape)
    relation = f"{quoted(database)}.{quoted(schema)}.{quoted(table)}"
    row_count, first, second = connection.execute(
        f"select count(*), sum(hash({listed})::hugeint), sum(hash('渝档', {listed})::hugeint) from {relation}"
    ).fetchone() or (0, None, None)
    digest = hashlib.new("sm3")
    for name, kind in shape.items():
        digest.update(f"{name} {kind}\n".encode())
    digest.update(f"{row_count} {first or 0} {second or 0}".encode())
    return Content(int(row_count), digest.hexdigest())


def schema_content(connection: DuckDBPyConnection, database: str, schema: str) -> Mapping[str, Content]:
    """Table name → content, for every table of one schema."""
    return {
        table: table_content(connection, database, schema, table)
        for table in table_names(connection, database, schema)
    }

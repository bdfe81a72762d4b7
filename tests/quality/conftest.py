"""Shared databases of the quality tests: built once per process, changed only inside a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from pipelines import duck
from pipelines.settings import Settings
from tests.quality import sample


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.load(home=tmp_path_factory.mktemp("home"), environment={})


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A warehouse and marts without a fault, as closed files."""
    folder = tmp_path_factory.mktemp("sample")
    found = {"warehouse": folder / "warehouse.duckdb", "marts": folder / "marts.duckdb"}
    sample.build_warehouse(found["warehouse"])
    sample.build_marts(found["marts"])
    return found


@pytest.fixture(scope="session")
def city(settings: Settings, files: dict[str, Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Both databases copied into memory, under their names, open for planting breaches."""
    connection = duck.memory(settings)
    for name, path in files.items():
        connection.execute(f"attach ':memory:' as {name}")
        connection.execute(f"attach '{path}' as source (read_only)")
        schema = {"warehouse": "staging", "marts": "marts"}[name]
        connection.execute(f"create schema {name}.{schema}")
        tables = connection.execute(
            "select table_name from duckdb_tables() where database_name = 'source'"
        ).fetchall()
        for (table,) in tables:
            connection.execute(
                f"create table {name}.{schema}.{table} as select * from source.{schema}.{table}"
            )
        views = connection.execute(
            "select view_name from duckdb_views() where database_name = 'source' and not internal"
        ).fetchall()
        for (view,) in views:
            connection.execute(
                f"create view {name}.{schema}.{view} as "
                f"select * from {name}.{schema}.{view}_version where version_status = 'current'"
            )
        connection.execute("detach source")
    yield connection
    connection.close()


@pytest.fixture
def planted(city: duckdb.DuckDBPyConnection):
    """A context that runs statements, hands out the connection, and undoes everything."""

    @contextmanager
    def plant(*statements: str) -> Iterator[duckdb.DuckDBPyConnection]:
        city.execute("begin")
        try:
            for statement in statements:
                city.execute(statement)
            yield city
        finally:
            city.execute("rollback")

    return plant

"""Every DuckDB connection: reader, build-aside with swap-in, scratch; memory, threads, time zone, spill.

Not here: any SQL of the product; the dbt profile sets the same options for dbt's own connection.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.settings import TIME_ZONE, Settings


def connection_options(settings: Settings) -> dict[str, str]:
    """Options that every connection of the process shares; DuckDB refuses mixed ones on one file."""
    return {
        "memory_limit": settings.memory_limit,
        "threads": str(settings.threads),
        "temp_directory": str(settings.spill),
        "extension_directory": str(settings.extensions),
        "autoinstall_known_extensions": "false",
        "allow_community_extensions": "false",
    }


def _connect(path: str, settings: Settings | None, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    resolved = settings or Settings.load()
    resolved.spill.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection = duckdb.connect(path, read_only=read_only, config=dict(connection_options(resolved)))
    # a setting of the session: DuckDB's own default is the machine's zone, which would move midnight services
    connection.execute(f"set TimeZone = '{TIME_ZONE}'")
    return connection


def read_only(path: Path, settings: Settings | None = None) -> duckdb.DuckDBPyConnection:
    """Open a finished file for reading.

    Raises:
        FileNotFoundError: there is no such file.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"no database file {Path(path).name}; run `yudang run` first")
    return _connect(str(path), settings, read_only=True)


def writer(path: Path, settings: Settings | None = None) -> duckdb.DuckDBPyConnection:
    """Open a file under construction for writing; never a published one."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return _connect(str(path), settings)


def memory(settings: Settings | None = None) -> duckdb.DuckDBPyConnection:
    """A scratch database in memory that may spill under home."""
    connection = _connect(":memory:", settings)
    connection.execute("set preserve_insertion_order = false")
    return connection


@contextmanager
def build_aside(
    final: Path, settings: Settings | None = None
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """Build a database beside its final place and swap it in whole when the block ends well.

    Yields:
        The writing connection and the path of the file under construction.

    A failing block leaves the final file as it was and removes what was begun. A reader that holds the old
    file keeps reading it.
    """
    final = Path(final)
    final.parent.mkdir(parents=True, exist_ok=True)
    aside = final.with_name(f".{final.name}.{os.getpid()}.building")
    discard(aside)
    connection = writer(aside, settings)
    try:
        yield connection, aside
        connection.execute("checkpoint")
        connection.close()
        swap_in(aside, final)
    finally:
        connection.close()
        discard(aside)


def swap_in(aside: Path, final: Path) -> None:
    """Put a closed database in the place of the published one, in one step, and flush it to disk."""
    with aside.open("rb") as handle:
        os.fsync(handle.fileno())
    aside.replace(final)
    directory = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def discard(path: Path) -> None:
    """Remove a database under construction with its write-ahead log."""
    for leftover in (path, path.with_name(path.name + ".wal")):
        leftover.unlink(missing_ok=True)

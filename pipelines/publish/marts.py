"""Publishing the marts: the checked build becomes the file that analysts open, in one step.

Not here: the checks (checks.py), files of single units (units.py).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines import duck
from pipelines.publish.content_hash import Content, quoted, schema_content, table_names
from pipelines.settings import Settings

PUBLISHED = "published.json"
"""What stands published: fingerprint, figures and content hashes, beside the marts."""


def finish(settings: Settings, build: Path) -> Mapping[str, Content]:
    """Complete a build before the swap and return the content of its tables.

    DuckDB names a database after its file, so that in `marts.duckdb` the name `marts.fct_archive` could mean
    two things and is refused. Views of the same names in the default schema let a plain `fct_archive` work.
    """
    connection = duck.writer(build, settings)
    try:
        for table in table_names(connection, "marts", "marts"):
            connection.execute(
                f"create or replace view main.{quoted(table)} as select * from marts.marts.{quoted(table)}"
            )
            _copy_comments(connection, table)
        content = schema_content(connection, "marts", "marts")
        connection.execute("checkpoint")
    finally:
        connection.close()
    return content


def _copy_comments(connection: Any, table: str) -> None:
    found = connection.execute(
        "select comment from duckdb_tables() where database_name = 'marts' and schema_name = 'marts' "
        "and table_name = ?",
        [table],
    ).fetchone()
    if found and found[0]:
        connection.execute(f"comment on view main.{quoted(table)} is {_literal(found[0])}")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def write_parquet(settings: Settings, marts: Path) -> None:
    """Write every table as Parquet beside the marts; the folder changes in one step."""
    final = settings.marts / "parquet"
    aside = settings.marts / f".parquet.{os.getpid()}.building"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    connection = duck.memory(settings)
    try:
        connection.execute(f"attach {_literal(str(marts))} as city (read_only)")
        for table in table_names(connection, "city", "marts"):
            target = _literal(str(aside / f"{table}.parquet"))
            connection.execute(
                f"copy (select * from city.marts.{quoted(table)}) to {target} "
                "(format parquet, compression zstd)"
            )
    finally:
        connection.close()
    old = settings.marts / f".parquet.{os.getpid()}.old.building"
    if final.exists():
        final.replace(old)
    aside.replace(final)
    shutil.rmtree(old, ignore_errors=True)


def record(settings: Settings, facts: Mapping[str, Any]) -> None:
    """Say what stands published; written last, so that a killed run does not look like a finished one."""
    settings.marts.mkdir(parents=True, exist_ok=True)
    aside = settings.marts / f".{PUBLISHED}.building"
    aside.write_text(json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True), encoding="utf-8")
    aside.replace(settings.marts / PUBLISHED)


def recorded(settings: Settings) -> dict[str, Any] | None:
    """What stands published, or None when nothing does or the record cannot be read."""
    path = settings.marts / PUBLISHED
    if not path.is_file() or not settings.marts_file.is_file():
        return None
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (json.JSONDecodeError, ValueError):
        return None

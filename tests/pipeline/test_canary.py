"""No identifying value leaves the restricted zone: planted persons are looked for wherever others may read."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.conftest import BROKEN_CANARY, CANARIES, SampleRun, texts

OPEN_ZONES = ("marts", "reports", "dagster", "audit")


def canaries() -> list[str]:
    return [*CANARIES.values(), BROKEN_CANARY]


def bytes_of(path: Path) -> bytes:
    """Contents of a file; of a DuckDB file all texts in it, since its storage is compressed."""
    if path.suffix != ".duckdb":
        return path.read_bytes()
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as looked (read_only)")
        parts = []
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'looked'"
        ).fetchall():
            cursor = connection.execute(f'select cast(t as varchar) from looked."{schema}"."{table}" as t')
            while rows := cursor.fetchmany(50_000):
                parts += [row[0] for row in rows]
        return "\n".join(parts).encode()


def test_the_canaries_sing_inside_so_that_silence_outside_means_something(sample_run: SampleRun) -> None:
    (found,) = sample_run.warehouse(
        f"select name, id_no, phone from staging.stg_archive where district_archive_id = "
        f"'{CANARIES['district_archive_id']}'"
    )
    assert found == (CANARIES["name"], CANARIES["id_no"], CANARIES["phone"])
    quarantined = sorted((sample_run.home / "quarantine" / "archive").rglob("*.parquet"))
    assert duckdb.sql(
        f"select count(*) from read_parquet('{quarantined[0]}') where raw_row like '%{BROKEN_CANARY}%'"
    ).fetchone() == (1,)


def test_no_canary_in_marts_reports_dagster_or_ledgers(sample_run: SampleRun) -> None:
    looked, wanted = 0, texts(canaries())
    for zone in OPEN_ZONES:
        for path in sorted((sample_run.home / zone).rglob("*")):
            if path.is_file():
                content = bytes_of(path)
                looked += 1
                heard = [index for index, one in enumerate(wanted) if one in content]
                assert heard == [], f"canary {heard} in {path.relative_to(sample_run.home)}"
    assert looked > 50


def test_no_canary_on_the_terminal(sample_run: SampleRun) -> None:
    said = sample_run.stdout + sample_run.stderr
    assert [value for value in canaries() if value in said] == []


def test_no_canary_in_what_dbt_left(sample_run: SampleRun) -> None:
    for path in sorted((sample_run.home / "build" / "dbt").rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            assert not any(one in content for one in texts(canaries())), path.name


def test_feedback_shows_row_numbers_but_no_values(sample_run: SampleRun) -> None:
    own_folder = set(texts([CANARIES["district_archive_id"]]))
    for path in sorted((sample_run.home / "feedback").rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            assert not any(one in content for one in texts(canaries()) if one not in own_folder), path.name

"""What the sample run left: published marts, unit files, receipts, lineage, and commands that read them."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from pipelines import audit
from tests.conftest import CANARY_UNIT, SampleRun, ask, yudang


def person_tables(path: Path) -> list[str]:
    """Tables of a marts file that have a person in their rows."""
    return [
        name
        for (name,) in ask(
            path,
            "city",
            "select table_name from duckdb_columns() where database_name = 'city' and schema_name = 'marts' "
            "and column_name = 'person_key' order by all",
        )
    ]


def test_the_command_says_where_things_are_and_what_was_found(sample_run: SampleRun) -> None:
    for expected in (
        "marts.duckdb",
        "index.html",
        "Dagster",
        "报送",
        "现行",
        "在管",
        "TRF-1",
        "N-HTN-3",
        "警告",
    ):
        assert expected in sample_run.stdout
    facts = sample_run.published
    assert facts["accepted_row_count"] == sum(facts["row_version_counts"].values())
    planted = (sample_run.city / "truth" / "quarantine.csv").read_text(encoding="utf-8").splitlines()[1:]
    # and the broken canary
    assert facts["quarantined_row_count"] == len(planted) + 1


def test_an_unchanged_run_is_over_in_seconds_and_changes_nothing(own_copy: SampleRun) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in own_copy.home.glob("marts/**/*.duckdb")}
    started = time.monotonic()
    again = yudang("run", "--inbox", str(own_copy.city / "inbox"), home=own_copy.home)
    assert again.returncode == 0
    assert "没有变化" in again.stdout
    assert time.monotonic() - started < 5
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps


def test_every_published_table_and_column_has_a_chinese_comment(sample_run: SampleRun) -> None:
    path = sample_run.home / "marts" / "marts.duckdb"
    silent = ask(
        path,
        "city",
        "select table_name, '' from duckdb_tables() where schema_name = 'marts' and comment is null "
        "union all select table_name, column_name from duckdb_columns() "
        "where database_name = 'city' and schema_name = 'marts' and comment is null",
    )
    assert silent == []


def test_a_plain_table_name_works_when_the_file_is_opened_directly(sample_run: SampleRun) -> None:
    import duckdb

    with duckdb.connect(str(sample_run.home / "marts" / "marts.duckdb"), read_only=True) as connection:
        plain = connection.execute("select count(*) from fct_archive").fetchone()
        full = connection.execute("select count(*) from marts.marts.fct_archive").fetchone()
    assert plain == full


def test_a_units_file_holds_nobody_elses_residents(sample_run: SampleRun) -> None:
    files = sorted((sample_run.home / "marts" / "units").glob("*.duckdb"))
    assert [path.stem for path in files] == sorted(sample_run.published["unit_person_counts"])
    for path in files:
        own = {
            key
            for (key,) in sample_run.marts(
                f"select person_key from marts.fct_manager_interval where district_code = '{path.stem}'"
            )
        }
        for table in person_tables(path):
            held = {
                key
                for (key,) in ask(
                    path, "city", f"select person_key from marts.{table} where person_key is not null"
                )
            }
            strangers = len(held - own)
            assert strangers == 0, f"{table} of unit {path.stem} holds {strangers} strangers"


def test_a_former_district_sees_nothing_after_the_transfer(sample_run: SampleRun) -> None:
    moved = sample_run.marts(
        "select person_key, district_code, taken_over_from from ("
        "select *, lead(district_code) over w as next_code, lead(valid_from_date) over w as taken_over_from, "
        "max(valid_from_date) over (partition by person_key, district_code) as last_from "
        "from marts.fct_manager_interval window w as (partition by person_key order by valid_from_date)) "
        "where next_code <> district_code and last_from = valid_from_date"
    )
    assert moved
    seen = 0
    for key, unit, until in moved:
        path = sample_run.home / "marts" / "units" / f"{unit}.duckdb"
        if path.is_file():
            later = ask(
                path,
                "city",
                f"select count(*) from marts.fct_service_activity where person_key = '{key}' "
                f"and service_date >= date '{until}'",
            )
            now = ask(path, "city", f"select count(*) from marts.fct_archive where person_key = '{key}'")
            others = sample_run.marts(
                f"select count(*) from marts.fct_archive where person_key = '{key}' and district_code = '{unit}'"
            )
            assert later == [(0,)], f"unit {unit} sees services after the transfer"
            assert now == others
            seen += 1
    assert seen


def test_unit_files_keep_the_comments_and_the_city_rows_of_indicators(sample_run: SampleRun) -> None:
    path = sample_run.home / "marts" / "units" / f"{CANARY_UNIT}.duckdb"
    silent = ask(
        path,
        "city",
        "select table_name, column_name from duckdb_columns() "
        "where database_name = 'city' and schema_name = 'marts' and comment is null",
    )
    assert silent == []
    levels = ask(
        path, "city", "select level, count(distinct district_code) from marts.mart_indicator group by all"
    )
    assert dict(levels) == {"city": 1, "district": 1, "org": 1}


def test_every_receipt_balances_twice(sample_run: SampleRun) -> None:
    receipts = sorted((sample_run.home / "feedback").glob("*/receipts/*.json"))
    assert len(receipts) == sample_run.published["delivery_count"]
    for path in receipts:
        receipt = json.loads(path.read_text(encoding="utf-8"))
        rows = receipt["rows"]
        assert rows["manifest"] == rows["accepted"] + rows["quarantined"] + rows["refused"], path.name
        for one in receipt["datasets"]:
            parts = [one[name] for name in ("current", "superseded", "repeated", "withdrawn")]
            assert one["accepted"] == sum(parts), path.name


def test_dagster_shows_which_unit_delivered_which_day(sample_run: SampleRun) -> None:
    from dagster import AssetKey, DagsterInstance, DagsterRunStatus

    with DagsterInstance.from_config(str(sample_run.home / "dagster")) as instance:
        (run,) = instance.get_runs()
        assert run.status == DagsterRunStatus.SUCCESS
        delivered = instance.get_materialized_partitions(AssetKey("delivery"))
        assert f"2026-06-02|{CANARY_UNIT}" in delivered
        assert len(delivered) == len(
            sample_run.warehouse("select distinct delivery_unit, delivery_day from control.delivery_file")
        )
        event = instance.get_latest_materialization_event(AssetKey(["marts", "fct_archive"]))
        metadata = event.asset_materialization.metadata
        ((rows,),) = sample_run.marts("select count(*) from marts.fct_archive")
        assert metadata["dagster/row_count"].value == rows


def test_the_figures_at_the_end_count_restricted_persons_too(sample_run: SampleRun) -> None:
    status = dict(
        sample_run.warehouse("select status_code, count(*) from archive.person_state group by status_code")
    )
    assert sample_run.published["status_counts"] == status
    assert sample_run.published["person_count"] == sum(status.values())
    ((shown,),) = sample_run.marts("select count(*) from marts.fct_archive")
    assert shown < sum(status.values())


def test_asset_checks_of_dbt_and_of_expectations_are_recorded(sample_run: SampleRun) -> None:
    from dagster import AssetCheckKey, AssetKey, DagsterInstance

    asset = AssetKey(["marts", "mart_indicator"])
    wanted = [
        AssetCheckKey(asset, "accepted_values_mart_indicator_level__city__district__org"),
        AssetCheckKey(asset, "expectations"),
        AssetCheckKey(asset, "limits"),
        *(
            AssetCheckKey(AssetKey(["publish", "marts"]), name)
            for name in ("conservation", "identifier_scan", "shrinkage")
        ),
    ]
    with DagsterInstance.from_config(str(sample_run.home / "dagster")) as instance:
        found = instance.event_log_storage.get_latest_asset_check_execution_by_key(wanted)
    assert set(wanted) <= set(found)
    # limits tell of the districts' data, which carry planted defects; everything else must hold
    assert {found[key].status.value for key in wanted if key.name != "limits"} == {"SUCCEEDED"}
    assert found[AssetCheckKey(asset, "limits")].event is not None


def test_the_ledgers_hold_the_run_and_the_publication(sample_run: SampleRun) -> None:
    assert audit.runs(sample_run.settings).verify() >= 1
    (publication,) = audit.publications(sample_run.settings).entries()
    assert publication["tables"] == sample_run.published["tables"]


@pytest.mark.parametrize("name", ["index.html", "dictionary/marts.html"])
def test_pages_open_from_disk_and_fetch_nothing(sample_run: SampleRun, name: str) -> None:
    text = (sample_run.home / "reports" / name).read_text(encoding="utf-8")
    assert "fct_archive" in text or "健康档案" in text
    for loader in ("<script src", '<link rel="stylesheet"', 'src="http', "url(http", "@import"):
        assert loader not in text


def test_a_question_is_answered_and_nothing_but_reading_is_allowed(
    sample_run: SampleRun, tmp_path: Path
) -> None:
    ((persons,),) = sample_run.marts("select count(*) from marts.fct_archive")
    for table in ("fct_archive", "marts.fct_archive"):
        answer = yudang("query", f"select count(*) as persons from {table}", "--csv", home=sample_run.home)
        assert answer.stdout.split() == ["persons", str(persons)]
    target = tmp_path / "x.csv"
    for sql in (
        "create table marts.x as select 1",
        f"copy (select 1) to '{target}'",
        "select * from read_text('/etc/hostname')",
        "select 1; select 2",
    ):
        refused = yudang("query", sql, home=sample_run.home)
        assert refused.returncode == 2, sql
        assert refused.stderr
    assert not target.exists()


def test_status_knows_the_inbox_of_the_last_run(sample_run: SampleRun) -> None:
    answer = yudang("status", home=sample_run.home)
    assert answer.returncode == 0
    assert "没有新的报送" in answer.stdout
    assert "密钥   正常" in answer.stdout
    english = yudang("status", "--lang", "en", home=sample_run.home)
    assert "nothing new" in english.stdout

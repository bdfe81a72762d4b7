"""The gate as a whole: pushed down, silent about values, cheap to import, honest in its statuses."""

from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import replace

import pytest

from pipelines.quality import gate, results, suites, thresholds
from pipelines.quality.results import ExpectationResult, Kind, Severity, Status, SuiteResult
from pipelines.settings import CHECKOUT

CANARIES = ("欧阳不可见", "51212119700101001X", "10012345678", "渝中区不存在路 9 号")


@pytest.fixture(scope="module")
def found(settings, files) -> list[SuiteResult]:
    return gate.validate(settings, files["warehouse"], files["marts"])


def test_a_faultless_city_passes_every_suite(found):
    assert {result.suite: result.status for result in found if result.status is not Status.PASS} == {}
    assert not any(result.is_blocking for result in found)
    assert {result.kind for result in found} == set(Kind)


def test_every_suite_and_every_table_with_limits_is_there_once(found):
    names = [result.suite for result in found]
    tables = sorted({limit.table for limit in thresholds.load()})
    assert names == [suite.name for suite in suites.load()] + [f"thresholds.{table}" for table in tables]


def test_results_survive_storage_and_are_the_same_text_twice(city, found):
    assert results.from_json(results.to_json(found)) == found
    wanted = [suite for suite in suites.load() if suite.relation in ("mart_indicator", "stg_transfer")]
    first, second = gate.run_suites(city, wanted), gate.run_suites(city, wanted)
    assert results.to_json(first) == results.to_json(second)


def test_a_missing_file_is_named(settings, files, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.duckdb"):
        gate.validate(settings, tmp_path / "nowhere.duckdb", files["marts"])


def plant_canaries() -> tuple[list[str], list[str]]:
    """Canaries where a value set, a format, a range, a type or a query stumbles over them."""
    archive = "warehouse.staging.stg_archive_version"
    finding = "marts.marts.fct_finding"
    return [
        f"update {archive} set sex_code = '{CANARIES[0]}' where rowid = 0",
        f"update {archive} set past_history_codes = '{CANARIES[1]}' where rowid = 0",
        f"alter table {archive} alter create_mode_code type varchar",
        f"update {archive} set abo_code = '{CANARIES[2]}' where rowid = 1",
    ], [
        f"update {finding} set message = '{CANARIES[0]} 的证件 {CANARIES[1]}' where rowid = 0",
        f"update {finding} set subject_key = '{CANARIES[1]}' where rowid = 1",
        f"update {finding} set severity_code = '{CANARIES[2]}' where rowid = 1",
        f"update {finding} set rule_id = '{CANARIES[3]}' where rowid = 2",
        # a type that makes DuckDB quote the value in its message
        "alter table marts.marts.fct_exam alter bmi type varchar",
        f"update marts.marts.fct_exam set bmi = '{CANARIES[0]}' where rowid = 0",
    ]


def test_no_value_leaves_the_database(planted, caplog, capfd):
    wanted = {suite.name: suite for suite in suites.load()}
    told = []
    caplog.set_level(logging.DEBUG)
    structure, marts = plant_canaries()
    with planted(*structure) as connection:
        told += gate.run_suites(connection, [wanted["structure.archive"]])
    with planted(*marts) as connection:
        told += gate.run_suites(connection, [wanted["marts.fct_finding"], wanted["marts.fct_exam"]])
    names = {one.name: one for result in told for one in result.breaches}
    assert {"value_set.sex_code", "value_set.past_history_codes", "value_set.abo_code"} <= set(names)
    assert {"no_identifier.message", "key.subject_key", "reference.rule_id", "range.bmi"} <= set(names)
    assert (names["range.bmi"].status, names["range.bmi"].note) == (Status.ERROR, gate.NOT_RUN)
    heard = results.to_json(told) + caplog.text + "".join(capfd.readouterr())
    for canary in CANARIES:
        assert canary not in heard
    assert "Traceback" not in heard


def test_no_value_metric_is_ever_computed(planted):
    from pipelines.quality import datasource

    suite = next(suite for suite in suites.load() if suite.name == "marts.fct_finding")
    asked = []
    stock = datasource.DuckDBExecutionEngine.execute_query

    def listen(self, query):
        asked.append(str(query))
        return stock(self, query)

    with planted(plant_canaries()[1][0]) as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasource.DuckDBExecutionEngine, "execute_query", listen)
        gate.run_suites(connection, [suite])
    counting = ("count(*)", "sum(", "coalesce(sum(")
    assert asked
    for query in asked:
        head = query.lower().split("from")[0]
        assert any(word in head for word in counting) or "unexpected_count" in head, query


def test_columns_of_a_table_are_judged_in_one_pass(city):
    from pipelines.quality import datasource

    suite = next(suite for suite in suites.load() if suite.name == "structure.archive")
    asked = []
    stock = datasource.DuckDBExecutionEngine.execute_query

    def listen(self, query):
        asked.append(query)
        return stock(self, query)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasource.DuckDBExecutionEngine, "execute_query", listen)
        gate.run_suites(city, [suite])
    assert len(suite.expectations) > 80
    assert len(asked) <= 6


def test_great_expectations_is_not_loaded_with_the_modules():
    modules = "gate, metrics, overview, pages, render, results, suites, thresholds, assets"
    code = f"import sys; from pipelines.quality import {modules}; print('great_expectations' in sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        check=True,
        env={"PYTHONPATH": "."},
    )
    assert told.stdout.strip() == "False"


def test_telemetry_is_off_and_nothing_is_drawn_or_sent():
    code = (
        "import os, sys\n"
        "os.environ.pop('GX_ANALYTICS_ENABLED', None)\n"
        "sys.addaudithook(lambda event, _: event == 'socket.connect' and os._exit(9))\n"
        "from pipelines.quality import datasource\n"
        "context = datasource.ephemeral_context()\n"
        "bars = context.variables.progress_bars\n"
        "print(os.environ['GX_ANALYTICS_ENABLED'], bars.globally, bars.metric_calculations)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        check=True,
        env={"PYTHONPATH": "."},
    )
    assert told.stdout.split() == ["false", "False", "False"]


def expectation(
    status: Status, severity: Severity = Severity.ERROR, blocking: bool = False
) -> ExpectationResult:
    return ExpectationResult("a", "expect", None, "标题", status, severity, blocking=blocking)


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([], Status.NOT_APPLICABLE),
        ([expectation(Status.NOT_APPLICABLE)], Status.NOT_APPLICABLE),
        ([expectation(Status.NOT_APPLICABLE), expectation(Status.PASS)], Status.PASS),
        ([expectation(Status.PASS), expectation(Status.PASS_WITH_FAILURES)], Status.PASS_WITH_FAILURES),
        ([expectation(Status.PASS), expectation(Status.FAIL, Severity.WARN)], Status.PASS_WITH_FAILURES),
        ([expectation(Status.PASS), expectation(Status.FAIL)], Status.FAIL),
        ([expectation(Status.FAIL), expectation(Status.ERROR, Severity.INFO)], Status.ERROR),
    ],
)
def test_the_status_of_a_suite_follows_from_its_parts(parts, whole):
    assert results.overall(parts) is whole


def test_only_a_broken_blocking_expectation_blocks():
    good = SuiteResult("s", "标题", Kind.MART, "marts.t", (expectation(Status.PASS, blocking=True),))
    assert not good.is_blocking
    assert replace(good, expectations=(expectation(Status.FAIL, blocking=True),)).is_blocking
    assert replace(good, expectations=(expectation(Status.ERROR, blocking=True),)).is_blocking
    assert not replace(good, expectations=(expectation(Status.FAIL),)).is_blocking

"""Limits: each is kept by good figures and broken by bad ones; judging again reads stored figures only."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from dataclasses import replace
from datetime import date

import pytest
import yaml

from pipelines import duck
from pipelines.quality import gate, metrics, thresholds
from pipelines.quality.results import Severity, Status
from pipelines.quality.thresholds import Threshold, ThresholdError
from pipelines.settings import CHECKOUT

LIMITS = thresholds.load()


@pytest.fixture
def figures(settings):
    """An empty store of metrics and a way to put one figure per district into it."""
    connection = duck.memory(settings)
    metrics._create(connection)

    def put(limit: Threshold, value: float, denominator: int = 1000, count: int = 2) -> None:
        for number in range(count):
            connection.execute(
                "insert into memory.quality.metric by name select ? as table_name, ? as check_name, "
                "? as subject, ? as level, ? as code, '2026' as period, date '2026-06-30' as as_of_date, "
                "true as is_running, true as is_ended, "
                "? as numerator_count, ? as denominator_count, ? as value",
                [
                    limit.table,
                    limit.check,
                    "A1" if limit.subject == "*" else limit.subject,
                    limit.level,
                    f"50010{number}",
                    round(value * denominator),
                    denominator,
                    value,
                ],
            )

    yield connection, put
    connection.close()


def judged(connection, *limits: Threshold):
    return {one.name: one for result in thresholds.judge(connection, limits) for one in result.expectations}


def values(limit: Threshold) -> tuple[float, float]:
    """A value that keeps the limit (its own bound) and one just beyond it."""
    if limit.maximum is not None:
        return limit.maximum, limit.maximum + 0.001
    assert limit.minimum is not None
    return limit.minimum, limit.minimum - 0.001


def test_every_limit_is_kept_at_its_bound_and_broken_beyond_it(figures):
    connection, put = figures
    for limit in LIMITS:
        put(limit, values(limit)[0], count=1 if limit.level == "city" else 2)
    found = judged(connection, *LIMITS)
    assert {name: one.status for name, one in found.items()} == {one.name: Status.PASS for one in LIMITS}


@pytest.mark.parametrize("half", [0, 1])
def test_figures_beyond_a_limit_fail_exactly_that_limit(figures, half):
    connection, put = figures
    broken = LIMITS[half::2]
    for limit in LIMITS:
        put(limit, values(limit)[limit in broken])
    found = judged(connection, *LIMITS)
    assert {name for name, one in found.items() if one.status is not Status.PASS} == {
        limit.name for limit in broken
    }
    for limit in broken:
        assert found[limit.name].status is Status.FAIL
        assert found[limit.name].unexpected_count == 2
        assert not found[limit.name].blocking
        assert [row["code"] for row in thresholds.beyond(connection, limit)] == ["500100", "500101"]


def test_no_figure_is_not_a_pass(figures):
    connection, _ = figures
    assert {one.status for one in judged(connection, *LIMITS).values()} == {Status.NOT_APPLICABLE}


def test_figures_on_few_cases_are_not_judged(figures):
    connection, put = figures
    limit = next(one for one in LIMITS if one.name == "rule.A1-2-2")
    put(limit, 0.9, denominator=limit.min_denominator - 1)
    assert judged(connection, limit)[limit.name].status is Status.NOT_APPLICABLE
    assert thresholds.beyond(connection, limit) == []


def test_a_share_lets_some_units_break_it(figures):
    connection, put = figures
    limit = next(one for one in LIMITS if one.share < 1)
    put(limit, values(limit)[0], count=9)
    connection.execute("update memory.quality.metric set value = 0.99, code = 'x' where code = '500100'")
    found = judged(connection, replace(limit, share=0.8))[limit.name]
    assert (found.status, found.unexpected_count) == (Status.PASS_WITH_FAILURES, 1)
    assert judged(connection, replace(limit, share=0.95))[limit.name].status is Status.FAIL


def test_a_limit_counts_from_its_first_day_to_the_day_before_its_last(figures):
    connection, put = figures
    limit = next(one for one in LIMITS if one.name == "rule.A1-2-2")
    put(limit, 0.9)
    day = date(2026, 6, 30)
    assert judged(connection, replace(limit, valid_from=day))[limit.name].status is Status.FAIL
    early = judged(connection, replace(limit, valid_from=date(2026, 7, 1)))[limit.name]
    assert (early.status, early.note) == (Status.NOT_APPLICABLE, thresholds.NOT_YET_VALID)
    late = judged(connection, replace(limit, valid_to=day))[limit.name]
    assert late.status is Status.NOT_APPLICABLE


def test_a_limit_on_a_whole_year_waits_until_it_is_over(city):
    metrics.collect(city)
    years = city.execute(
        "select distinct period, is_running, is_ended from memory.quality.metric "
        "where table_name = 'mart_indicator' order by period"
    ).fetchall()
    assert years == [("2025", False, True), ("2026", True, False)]
    limit = next(one for one in LIMITS if one.name == "indicator.N-HTN-2")
    assert limit.year == "ended"
    city.execute("update memory.quality.metric set value = 0.1 where period = '2026' and subject = 'N-HTN-2'")
    assert judged(city, limit)[limit.name].status is Status.PASS
    assert judged(city, replace(limit, year="running"))[limit.name].status is Status.FAIL
    assert [row["code"] for row in thresholds.beyond(city, replace(limit, year="running"))] == [
        "500103",
        "500116",
        "500236",
    ]


def test_metrics_are_counted_from_the_marts(city):
    metrics.collect(city)
    found = {
        (table, check, subject, level, code): (numerator, denominator)
        for table, check, subject, level, code, numerator, denominator in city.execute(
            "select table_name, check_name, subject, level, code, numerator_count, denominator_count "
            "from memory.quality.metric where is_running"
        ).fetchall()
    }
    rule = ("mart_rule_summary", "fail_rate", "A1-3-2")
    assert found[(*rule, "org", "5001030001")] == (9, 196)
    assert found[(*rule, "district", "500103")] == (9 + 10, 2 * 196)
    assert found[(*rule, "city", "500000")] == (sum(range(9, 14)), 5 * 196)
    assert found[("mart_rule_summary", "not_evaluable_rate", "A1-3-2", "city", "500000")] == (20, 1000)
    assert found[("mart_indicator", "rate", "STA-1.LOST", "district", "500103")] == (40, 2000)
    assert found[("mart_delivery", "quarantine_rate", "archive", "district", "500116")] == (6, 1500)
    # a rule on two kinds of subject keeps them apart
    assert ("mart_rule_summary", "fail_rate", "A1-4-3-3a.service", "city", "500000") in found
    names = dict(city.execute("select distinct code, name from memory.quality.metric").fetchall())
    assert names["500103"] == "渝中区"
    assert names["5001160001"] == "德感卫生院"


def test_a_metric_that_cannot_be_computed_makes_its_limits_errors(settings, files, tmp_path):
    broken = tmp_path / "marts.duckdb"
    shutil.copy(files["marts"], broken)
    writer = duck.writer(broken, settings)
    writer.execute("drop table marts.marts.mart_delivery")
    writer.close()
    with gate.attached(settings, marts=broken) as connection:
        metrics.collect(connection)
        found = judged(connection, *LIMITS)
    for limit in LIMITS:
        assert (found[limit.name].status is Status.ERROR) is (limit.table == "mart_delivery")
    assert found["delivery.missing"].note == thresholds.NOT_COMPUTED


def test_judging_again_reads_only_what_was_kept(settings, city, monkeypatch):
    metrics.collect(city)
    metrics.store(settings, city)
    metrics.keep(settings)
    before = {one.name: one.status for one in thresholds.rejudge(settings)[-1].expectations}
    assert before["rule.A1-3-2"] is Status.PASS
    monkeypatch.setattr(gate, "attached", lambda *_, **__: pytest.fail("a database was opened"))
    stricter = [replace(limit, limit="<= 0.01") for limit in LIMITS if limit.name == "rule.A1-3-2"]
    (result,) = thresholds.rejudge(settings, stricter)
    assert result.status is Status.PASS_WITH_FAILURES  # a breach of WARN only
    assert result.expectations[0].status is Status.FAIL
    assert result.expectations[0].unexpected_count == 3


def test_judging_again_without_a_run_says_so(tmp_path, capsys):
    assert thresholds.main(["--home", str(tmp_path)]) == 2
    assert "yudang run" in capsys.readouterr().err


def test_every_registered_rule_has_a_limit():
    with (CHECKOUT / "dbt_project" / "seeds" / "rules.csv").open(encoding="utf-8", newline="") as file:
        rules = list(csv.DictReader(file))
    kinds = Counter(rule_id for rule_id, _ in {(row["rule_id"], row["subject_type"]) for row in rules})
    expected = {
        row["rule_id"] if kinds[row["rule_id"]] == 1 else f"{row['rule_id']}.{row['subject_type']}"
        for row in rules
    }
    assert expected <= {limit.subject for limit in LIMITS}


def test_limits_name_only_rules_and_indicators_that_exist():
    known = {"*"}
    for seed, part in (("rules", "subject_type"), ("indicators", "variant")):
        with (CHECKOUT / "dbt_project" / "seeds" / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                identifier = row[f"{seed[:-1]}_id"]
                known |= {identifier, f"{identifier}.{row[part]}"}
    assert {limit.subject for limit in LIMITS} <= known


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"limit": "about 5%"}, "limit"),
        ({"check": "mood"}, "mood"),
        ({"level": "village"}, "level"),
        ({"year": "leap"}, "year"),
        ({"severity": "HIGH"}, "无法读取"),
        ({"colour": "red"}, "无法读取"),
    ],
)
def test_a_limit_that_cannot_be_used_is_named(tmp_path, change, message):
    row = yaml.safe_load(thresholds.THRESHOLDS.read_text("utf-8"))["limits"][0]
    path = tmp_path / "thresholds.yml"
    path.write_text(yaml.safe_dump({"limits": [row | change]}, allow_unicode=True), "utf-8")
    with pytest.raises(ThresholdError, match=message):
        thresholds.load(path)


def test_doubled_names_are_refused(tmp_path):
    row = yaml.safe_load(thresholds.THRESHOLDS.read_text("utf-8"))["limits"][0]
    path = tmp_path / "thresholds.yml"
    path.write_text(yaml.safe_dump({"limits": [row, row]}, allow_unicode=True), "utf-8")
    with pytest.raises(ThresholdError, match="重名"):
        thresholds.load(path)


def test_every_limit_says_why_and_whose():
    for limit in LIMITS:
        assert limit.reason and limit.owner and limit.title
        assert isinstance(limit.severity, Severity)

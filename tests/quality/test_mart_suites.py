"""Every expectation about a mart holds on good rows, and fails by name when exactly it is broken."""

from __future__ import annotations

import pytest

from pipelines.publish.checks import SHAPES
from pipelines.quality import gate, suites
from pipelines.quality.results import Status
from pipelines.quality.suites import Expectation, Suite
from tests.quality import sample

CANARY = "512121197001010017"
MARTS = [suite for suite in suites.load() if suite.name.startswith("marts.")]

FIRST = "where rowid = 0"

# Breaches of row queries and pairs: how each is planted into the good rows.
PLANTS = {
    "dim_division.interval": f"set valid_to_date = date '1999-12-31' {FIRST}",
    "dim_division_map.interval": f"set valid_to_date = date '1999-12-31' {FIRST}",
    "dim_org.interval": f"set valid_to_date = date '1999-12-31' {FIRST}",
    "dim_rule.interval": f"set valid_to_date = date '1999-12-31' {FIRST}",
    "dim_indicator.interval": f"set valid_to_date = date '1999-12-31' {FIRST}",
    "dim_person_alias.current_is_person": (
        "set person_key = (select min(person_key) from marts.marts.dim_person_alias) where alias_key = "
        "(select max(alias_key) from marts.marts.dim_person_alias)"
    ),
    "fct_archive.managed_has_manager": f"set org_code = null {FIRST}",
    "fct_archive_status.interval": f"set valid_to_date = date '2024-12-31' {FIRST}",
    "fct_manager_interval.interval": f"set valid_to_date = date '2024-12-31' {FIRST}",
    "fct_service_activity.service_end": f"set service_end_date = date '2020-01-01' {FIRST}",
    "mart_delivery.conservation": f"set accepted_count = accepted_count - 1 {FIRST}",
    "mart_delivery.silent_unit_has_no_rows": f"set received_count = 0 {FIRST}",
    "mart_indicator.numerator_within_denominator": (
        "set denominator_count = numerator_count - 1, rate = numerator_count / (numerator_count - 1) "
        "where indicator_id = 'ARC-2' and level = 'district'"
    ),
    "mart_indicator.rate_is_quotient": "set rate = 0.123 where indicator_id = 'ARC-2' and level = 'city'",
    "mart_indicator.no_rate_without_denominator": (
        "set rate = 1 where indicator_id = 'ARC-1' and level = 'city'"
    ),
    "mart_indicator.sum.district": (
        "set numerator_count = numerator_count + 1 where indicator_id = 'ARC-1' and level = 'district'"
    ),
    "mart_indicator.sum.org": (
        "set numerator_count = numerator_count + 1 where indicator_id = 'ARC-1' and level = 'org'"
    ),
    "mart_indicator_harmonised.adds_up": (
        "set numerator_count = numerator_count + 1 where indicator_id = 'ARC-1'"
    ),
    "mart_population_group.restricted_topic_small_cell": f"set group_code = 'SMI', person_count = 3 {FIRST}",
    "mart_population_group.suppressed_has_no_count": f"set is_suppressed = true {FIRST}",
    "mart_quality_scorecard.rate_is_quotient": f"set pass_rate = 0.1 {FIRST}",
    "mart_quality_scorecard.no_rate_without_denominator": f"set pass_count = 0, fail_count = 0 {FIRST}",
    "mart_rule_summary.suppressed_has_no_count": f"set is_suppressed = true {FIRST}",
    "mart_rule_summary.shown_has_count": f"set subject_count = null {FIRST}",
    "mart_workload.persons_within_activities": f"set person_count = activity_count + 1 {FIRST}",
    "mart_workload.suppressed_has_no_count": f"set is_suppressed = true {FIRST}",
    "mart_workload.shown_has_count": f"set person_count = null {FIRST}",
}

# Breaches that need a row more: what differs in a copy of the first row.
COPIES = {
    "dim_division_map.one_open": "date '2010-01-01' as valid_from_date",
    "dim_org.one_current": "date '2010-01-01' as valid_from_date",
    "dim_person_alias.one_current": "repeat('b', 64) as alias_key",
    "fct_archive_status.one_current": "date '2030-01-01' as valid_from_date",
    "fct_archive_status.no_overlap": "date '2025-06-01' as valid_from_date, false as is_current",
    "fct_finding.counted": "'A1-2-2' as rule_id",
    "fct_manager_interval.one_current": "date '2030-01-01' as valid_from_date",
}

# What else must break with it, because two expectations see the same fault.
TOGETHER = {
    "mart_indicator_harmonised.grain": {"adds_up"},
    "mart_indicator_harmonised.not_null.indicator_id": {"adds_up"},
    "mart_indicator_harmonised.not_null.numerator_count": {"adds_up"},
    "mart_indicator_harmonised.not_null.period": {"adds_up"},
    "dim_division_map.grain": {"one_open"},
    "dim_org.grain": {"one_current"},
    "dim_person_alias.current_is_person": {"one_current"},
    "dim_person_alias.grain": {"one_current"},
    "dim_person_alias.key.alias_key": {"current_is_person"},
    "dim_person_alias.key.person_key": {"current_is_person"},
    "dim_person_alias.one_current": {"current_is_person"},
    "fct_archive.key.person_key": {"reference.person_key"},
    "fct_archive_status.grain": {"one_current", "no_overlap"},
    "fct_archive_status.one_current": {"no_overlap"},
    "fct_exam.key.service_key": {"reference.service_key"},
    "fct_finding.not_null.rule_id": {"counted"},
    "fct_finding.reference.rule_id": {"counted"},
    "fct_followup.key.service_key": {"reference.service_key"},
    "fct_manager_interval.grain": {"one_current"},
    "mart_delivery.range.accepted_count": {"conservation"},
    "mart_delivery.range.quarantined_count": {"conservation"},
    "mart_delivery.range.refused_count": {"conservation"},
    "mart_delivery.range.row_count": {"conservation"},
    "mart_indicator.range.rate": {"no_rate_without_denominator"},
    "mart_quality_scorecard.range.fail_count": {"rate_is_quotient"},
    "mart_quality_scorecard.range.pass_count": {"rate_is_quotient"},
    "mart_quality_scorecard.range.pass_rate": {"rate_is_quotient"},
    "mart_workload.range.activity_count": {"persons_within_activities"},
    **{
        # the first row is one of the parts that must add up to the city
        f"mart_indicator.{name}": {"sum.org"}
        for name in (
            "format.period",
            "grain",
            "not_null.indicator_id",
            "not_null.level",
            "not_null.not_evaluable_count",
            "not_null.numerator_count",
            "not_null.period",
            "not_null.variant",
            "range.not_evaluable_count",
            "range.numerator_count",
            "reference.indicator_id",
            "value_set.level",
        )
    },
}


def cases() -> list[tuple[Suite, tuple[Expectation, ...]]]:
    """Per suite: breaches of one kind on different columns are planted together, every other one alone."""
    found = []
    for suite in MARTS:
        groups: dict[str, list[Expectation]] = {}
        for one in suite.expectations:
            kind = one.name.split(".")[0]
            is_independent = kind in ("not_null", "value_set", "format", "no_identifier")
            groups.setdefault(kind if is_independent else one.name, []).append(one)
        found += [(suite, tuple(members)) for members in groups.values()]
    return found


def plant(suite: Suite, one: Expectation) -> str:
    """The statement that breaks one expectation on the good rows of its mart."""
    table = f"marts.marts.{suite.relation}"
    name = f"{suite.relation}.{one.name}"
    if name in PLANTS:
        return f"update {table} {PLANTS[name]}"
    if name in COPIES:
        return f"insert into {table} select * replace ({COPIES[name]}) from {table} where rowid = 0"
    kind = one.name.split(".")[0]
    if kind == "not_empty":
        return f"delete from {table}"
    if kind == "grain":
        return f"insert into {table} select * from {table} where rowid = 0"
    value = {
        "not_null": "null",
        "value_set": "'?'",
        "format": "'?'",
        "key": f"'{CANARY}'",
        "reference": "repeat('c', 64)" if "_key" in one.name else "'NOWHERE'",
        "no_identifier": f"'证件 {CANARY} 有误'",
    }.get(kind)
    if kind == "range":
        low, high = one.kwargs.get("min_value"), one.kwargs.get("max_value")
        value = str(low - 1 if low is not None else high + 1)
    assert value is not None, f"{name}: say in PLANTS or COPIES how to break it"
    return (
        f"update {table} set {one.kwargs.get('column') or one.name.split('.')[1]} = {value} where rowid = 0"
    )


def failed(connection, suite: Suite) -> dict[str, Status]:
    (result,) = gate.run_suites(connection, [suite])
    return {one.name: one.status for one in result.expectations if one.is_breach}


def test_good_marts_pass_every_expectation(city):
    for result in gate.run_suites(city, MARTS):
        assert result.status is Status.PASS, (result.suite, [one.name for one in result.breaches])
        assert all(one.status is Status.PASS for one in result.expectations), [
            (result.suite, one.name, one.note) for one in result.expectations if one.status is not Status.PASS
        ]


def label(part: Suite | tuple[Expectation, ...]) -> str:
    return part.relation if isinstance(part, Suite) else part[0].name


@pytest.mark.parametrize(("suite", "members"), cases(), ids=label)
def test_a_planted_breach_fails_exactly_its_expectation(planted, suite, members):
    with planted(*(plant(suite, one) for one in members)) as connection:
        found = failed(connection, suite)
    expected = {one.name for one in members}
    for one in members:
        expected |= TOGETHER.get(f"{suite.relation}.{one.name}", set())
    if suite.is_empty_allowed:
        expected -= {"not_empty"}
    assert found == dict.fromkeys(expected, Status.FAIL)


def test_every_mart_has_a_suite_and_every_suite_a_mart():
    assert {suite.relation for suite in MARTS} == set(sample.mart_columns())


def test_an_identifier_has_the_same_shape_here_and_in_the_scan_of_the_marts():
    shapes = f"(^|[^0-9A-Za-z])({'|'.join(SHAPES.values())})($|[^0-9A-Za-z])"
    patterns = {
        one.kwargs["regex"]
        for suite in MARTS
        for one in suite.expectations
        if one.name.startswith("no_identifier.")
    }
    assert patterns == {shapes}


def test_the_suites_name_only_columns_the_marts_have():
    for suite in MARTS:
        known = set(sample.mart_columns()[suite.relation])
        for one in suite.expectations:
            assert set((one.column or "").split(", ")) - {""} <= known, (suite.name, one.name)


def test_only_what_a_model_makes_wrong_can_block():
    blocking = {one.name.split(".")[0] for suite in MARTS for one in suite.expectations if one.is_blocking}
    assert {"grain", "key", "sum", "conservation"} <= blocking
    # delivered values, empty feeds and unknown institutions are the district's matter
    assert not blocking & {"not_empty", "value_set", "range", "format", "reference", "interval", "not_null"}
    assert all(any(one.is_blocking for one in suite.expectations) for suite in MARTS)


@pytest.mark.parametrize("suite", MARTS, ids=lambda suite: suite.name)
def test_a_missing_mart_is_a_blocking_error(planted, suite):
    with planted(f"drop table marts.marts.{suite.relation}") as connection:
        (result,) = gate.run_suites(connection, [suite])
    assert result.status is Status.ERROR
    assert result.is_blocking
    assert {one.status for one in result.expectations} == {Status.ERROR}


@pytest.mark.parametrize("suite", MARTS, ids=lambda suite: suite.name)
def test_an_empty_mart_is_never_a_pass(planted, suite):
    with planted(f"delete from marts.marts.{suite.relation}") as connection:
        (result,) = gate.run_suites(connection, [suite])
    assert result.status is (Status.NOT_APPLICABLE if suite.is_empty_allowed else Status.FAIL)
    assert not any(one.status in (Status.PASS, Status.PASS_WITH_FAILURES) for one in result.expectations)

"""What the front page says about the city: figures read from finished marts, ready for the template.

Not here: how it looks (templates/) and whether a figure is good enough (expectations/thresholds.yml).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

import duckdb

STATUSES: Mapping[str, str] = {"MANAGED": "在管", "LOST": "失访", "DEAD": "死亡", "MOVED_OUT": "迁出"}
"""Status code → Chinese."""

SHOWN_ORGS = 30
"""Institutions listed on the front page; the rest stand in mart_rule_summary."""

MIN_CASES = 20
"""Rates of institutions and districts on fewer cases are not named as worst (rulebook §8, item 5)."""

_DISTRICT_NAME = """
select
    division_code as code,
    arg_max(division_name, (is_current, valid_from_date)) as name
from marts.marts.dim_division
where level_code in ('1', '2')
group by division_code
"""

_ORG_NAME = """
select org_code as code, arg_max(org_name, (is_current, valid_from_date)) as name
from marts.marts.dim_org
group by org_code
"""


@dataclass(frozen=True)
class Figure:
    """A rate with what it is made of; `rate` is None without a denominator."""

    code: str
    name: str
    numerator: int | None
    denominator: int | None
    not_evaluable: int
    rate: float | None
    earlier_rate: float | None = None


@dataclass(frozen=True)
class Indicator:
    """One indicator and variant: the city's figure and each district's."""

    indicator_id: str
    variant: str
    name: str
    kind: str
    numerator_text: str
    denominator_text: str
    article: str
    city: Figure
    districts: tuple[Figure, ...]


@dataclass(frozen=True)
class Rule:
    """One rule: how often it failed in the city, in each district, and where most."""

    rule_id: str
    name: str
    text: str
    article: str
    severity: str
    city: Figure
    districts: tuple[Figure, ...]
    worst: tuple[Figure, ...]


@dataclass(frozen=True)
class Org:
    """One institution with failures, and the rules that fail there most."""

    code: str
    name: str
    district: str
    failed: int
    judged: int
    worst: tuple[Figure, ...]


@dataclass(frozen=True)
class Overview:
    """Everything the front page shows."""

    as_of: date
    period: str
    ruleset_version: str
    deliveries: tuple[Mapping[str, Any], ...]
    silent_units: tuple[str, ...]
    statuses: tuple[Mapping[str, Any], ...]
    indicators: tuple[Indicator, ...]
    rules: tuple[Rule, ...]
    orgs: tuple[Org, ...]
    org_count: int


def read(connection: duckdb.DuckDBPyConnection) -> Overview:
    """Read the overview from a connection that has the marts attached as `marts`.

    Raises:
        LookupError: the marts hold no indicator, so there is nothing to show.
    """
    row = connection.execute(
        """
        select as_of_date, period, ruleset_version from marts.marts.mart_indicator
        where length(period) = 4 order by period desc limit 1
        """
    ).fetchone()
    if row is None:
        raise LookupError("the marts hold no indicator")
    as_of, period, ruleset_version = row
    deliveries, silent = _deliveries(connection)
    indicators = _indicators(connection, period)
    org_count, orgs = _orgs(connection, period)
    return Overview(
        as_of=as_of,
        period=period,
        ruleset_version=ruleset_version,
        deliveries=deliveries,
        silent_units=silent,
        statuses=_statuses(indicators),
        indicators=indicators,
        rules=_rules(connection, period),
        orgs=orgs,
        org_count=org_count,
    )


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()
) -> list[dict[str, Any]]:
    found = connection.execute(query, list(parameters))
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _deliveries(
    connection: duckdb.DuckDBPyConnection,
) -> tuple[tuple[Mapping[str, Any], ...], tuple[str, ...]]:
    units = _rows(
        connection,
        f"""
        with unit as (
            select
                delivery.unit_code as code,
                count(distinct case when delivery.received_count > 0 then delivery.delivery_date end) as day_count,
                count(distinct case when delivery.received_count > 0 then delivery.dataset end) as dataset_count,
                sum(delivery.row_count) as row_count,
                sum(delivery.accepted_count) as accepted_count,
                sum(delivery.quarantined_count) as quarantined_count,
                sum(delivery.refused_count) as refused_count,
                sum(delivery.expected_count) as expected_count,
                sum(case when delivery.is_on_time then 1 else 0 end) as on_time_count,
                sum(case when delivery.expected_count > 0 and delivery.met_at is null then 1 else 0 end)
                    as missing_count,
                max(case when delivery.received_count > 0 then delivery.delivery_date end) as last_date
            from marts.marts.mart_delivery as delivery
            group by delivery.unit_code
        )

        select unit.*, coalesce(division.name, unit.code) as name
        from unit
        left join ({_DISTRICT_NAME}) as division on unit.code = division.code
        order by unit.code
        """,
    )
    sent = tuple(unit for unit in units if unit["day_count"])
    return sent, tuple(unit["name"] for unit in units if not unit["day_count"])


def _indicators(connection: duckdb.DuckDBPyConnection, period: str) -> tuple[Indicator, ...]:
    figures = _rows(
        connection,
        f"""
        select
            figure.indicator_id,
            figure.variant,
            figure.level,
            figure.code,
            coalesce(division.name, case figure.code when 'UNKNOWN' then '未归属' else figure.code end) as name,
            figure.numerator_count,
            figure.denominator_count,
            figure.not_evaluable_count,
            cast(figure.rate as double) as rate,
            cast(earlier.rate as double) as earlier_rate
        from marts.marts.mart_indicator as figure
        left join marts.marts.mart_indicator as earlier
            on
                figure.indicator_id = earlier.indicator_id
                and figure.variant = earlier.variant
                and figure.level = earlier.level
                and figure.code = earlier.code
                and earlier.period = cast(cast(figure.period as integer) - 1 as varchar)
        left join ({_DISTRICT_NAME}) as division on figure.code = division.code
        where figure.period = ? and figure.level in ('city', 'district')
        order by figure.indicator_id, figure.variant, figure.level, figure.code
        """,
        [period],
    )
    by_indicator: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in figures:
        by_indicator.setdefault((row["indicator_id"], row["variant"]), []).append(row)
    registry = _rows(
        connection,
        "select * from marts.marts.dim_indicator qualify row_number() over "
        "(partition by indicator_id, variant order by valid_from_date desc) = 1 order by indicator_id, variant",
    )
    found = []
    for entry in registry:
        rows = by_indicator.get((entry["indicator_id"], entry["variant"]), [])
        city = [_figure(row) for row in rows if row["level"] == "city"]
        if city:
            found.append(
                Indicator(
                    indicator_id=entry["indicator_id"],
                    variant=entry["variant"],
                    name=entry["indicator_name"],
                    kind=entry["kind_code"],
                    numerator_text=entry["numerator_text"] or "",
                    denominator_text=entry["denominator_text"] or "",
                    article=entry["article"],
                    city=city[0],
                    districts=tuple(_figure(row) for row in rows if _has_cases(row)),
                )
            )
    return tuple(found)


def _has_cases(row: Mapping[str, Any]) -> bool:
    counts = ("numerator_count", "denominator_count", "not_evaluable_count")
    return row["level"] == "district" and any(row[count] for count in counts)


def _figure(row: Mapping[str, Any]) -> Figure:
    return Figure(
        code=row["code"],
        name=row["name"],
        numerator=row["numerator_count"],
        denominator=row["denominator_count"],
        not_evaluable=row["not_evaluable_count"] or 0,
        rate=row["rate"],
        earlier_rate=row.get("earlier_rate"),
    )


def _statuses(indicators: Sequence[Indicator]) -> tuple[Mapping[str, Any], ...]:
    """Persons by recorded status, the city first; from STA-1, which counts restricted persons as well."""
    by_code: dict[str, dict[str, Any]] = {}
    for indicator in indicators:
        if indicator.indicator_id == "STA-1" and indicator.variant in STATUSES:
            for figure in (indicator.city, *indicator.districts):
                row = by_code.setdefault(figure.code, {"code": figure.code, "name": figure.name})
                row[indicator.variant] = figure.numerator or 0
    for row in by_code.values():
        row["total"] = sum(row.get(status, 0) for status in STATUSES)
    return tuple(row for row in by_code.values() if row["total"])


_RULE_FIGURES = f"""
with counted as (
    select
        rule_id,
        org_code,
        district_code,
        sum(case when outcome_code = 'FAIL' then subject_count else 0 end) as fail_count,
        sum(case when outcome_code in ('PASS', 'FAIL') then subject_count else 0 end) as judged_count,
        sum(case when outcome_code = 'NOT_EVALUABLE' then subject_count else 0 end) as open_count
    from marts.marts.mart_rule_summary
    where substring(period, 1, 4) = ?
    group by rule_id, org_code, district_code
),

placed as (
    select rule_id, 'city' as level, '500000' as code, null as district_code, fail_count, judged_count, open_count
    from counted
    union all
    select rule_id, 'district', district_code, district_code, fail_count, judged_count, open_count from counted
    union all
    select rule_id, 'org', org_code, district_code, fail_count, judged_count, open_count from counted
)

select
    placed.rule_id,
    placed.level,
    placed.code,
    max(placed.district_code) as district_code,
    case
        when placed.code = 'UNKNOWN' then '未归属'
        when placed.level = 'org' then coalesce(max(org.name), placed.code)
        else coalesce(max(division.name), placed.code)
    end as name,
    cast(sum(placed.fail_count) as bigint) as numerator_count,
    cast(sum(placed.judged_count) as bigint) as denominator_count,
    cast(sum(placed.open_count) as bigint) as not_evaluable_count,
    case when sum(placed.judged_count) > 0 then sum(placed.fail_count) / sum(placed.judged_count) end as rate
from placed
left join ({_DISTRICT_NAME}) as division on placed.code = division.code and placed.level <> 'org'
left join ({_ORG_NAME}) as org on placed.code = org.code and placed.level = 'org'
group by placed.rule_id, placed.level, placed.code
order by placed.rule_id, placed.level, placed.code
"""


def _rules(connection: duckdb.DuckDBPyConnection, period: str) -> tuple[Rule, ...]:
    figures = {
        rule_id: list(rows)
        for rule_id, rows in groupby(
            _rows(connection, _RULE_FIGURES, [period]), key=lambda row: row["rule_id"]
        )
    }
    registry = _rows(
        connection,
        "select * from marts.marts.dim_rule qualify row_number() over "
        "(partition by rule_id order by valid_from_date desc) = 1 order by rule_id",
    )
    nothing = Figure("500000", "全市", 0, 0, 0, None)
    found = []
    for entry in registry:
        rows = figures.get(entry["rule_id"], [])
        orgs = [_figure(row) for row in rows if row["level"] == "org" and row["code"] != "UNKNOWN"]
        found.append(
            Rule(
                rule_id=entry["rule_id"],
                name=entry["rule_name"],
                text=entry["rule_text"] or "",
                article=entry["article"],
                severity=entry["severity_code"],
                city=next((_figure(row) for row in rows if row["level"] == "city"), nothing),
                districts=tuple(_figure(row) for row in rows if _has_cases(row)),
                worst=tuple(_worst(orgs)),
            )
        )
    return tuple(found)


def _worst(figures: Sequence[Figure], count: int = 3) -> list[Figure]:
    """Highest failure rates on enough cases, most first."""
    judged = [figure for figure in figures if figure.numerator and (figure.denominator or 0) >= MIN_CASES]
    return sorted(judged, key=lambda one: (-(one.rate or 0), -(one.numerator or 0), one.code))[:count]


def _orgs(connection: duckdb.DuckDBPyConnection, period: str) -> tuple[int, tuple[Org, ...]]:
    by_org: dict[str, list[dict[str, Any]]] = {}
    for row in _rows(connection, _RULE_FIGURES, [period]):
        if row["level"] == "org" and row["code"] != "UNKNOWN":
            by_org.setdefault(row["code"], []).append(row)
    names = {row["code"]: row["name"] for row in _rows(connection, _DISTRICT_NAME)}
    found = []
    for code, rows in by_org.items():
        figures = [Figure(row["rule_id"], row["rule_id"], *_counts(row)) for row in rows]
        failed = sum(figure.numerator or 0 for figure in figures)
        if failed:
            most = sorted(figures, key=lambda one: (-(one.numerator or 0), -(one.rate or 0), one.code))
            found.append(
                Org(
                    code=code,
                    name=rows[0]["name"],
                    district=names.get(rows[0]["district_code"], rows[0]["district_code"] or ""),
                    failed=failed,
                    judged=sum(figure.denominator or 0 for figure in figures),
                    worst=tuple(figure for figure in most[:3] if figure.numerator),
                )
            )
    found.sort(key=lambda org: (-org.failed, org.code))
    return len(by_org), tuple(found[:SHOWN_ORGS])


def _counts(row: Mapping[str, Any]) -> tuple[int, int, int, float | None]:
    return row["numerator_count"], row["denominator_count"], row["not_evaluable_count"], row["rate"]

"""What the front page says about the city: figures read from finished marts, ready for the template.

Not here: how it looks (templates/) and whether a figure is good enough (expectations/thresholds.yml).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from pipelines.contract.model import reference_units

CITY = "500000"

STATUSES: Mapping[str, str] = {"MANAGED": "在管", "LOST": "失访", "DEAD": "死亡", "MOVED_OUT": "迁出"}
"""Status code → Chinese."""

SUBJECTS: Mapping[str, str] = {
    "archive": "档案",
    "person": "居民",
    "service": "服务",
    "record": "记录",
    "transfer": "转迁",
    "termination": "终止",
    "termination_month": "机构月份",
    "reactivation": "启用",
}
"""Kind of subject that a rule judges → Chinese."""

SHOWN_ORGS = 30
"""Institutions listed on the front page; the rest stand in mart_rule_summary."""

MIN_CASES = 20
"""Rates on fewer cases are neither compared nor named as worst (rulebook §8, item 5)."""

_DISTRICT_NAME = """
select
    division_code as code,
    arg_max(division_name, (is_current, valid_from_date)) as name
from marts.marts.dim_division
where level_code in ('1', '2')
group by division_code
"""

_ORG_NAME = """
select
    org_code as code,
    arg_max(org_name, (is_current, valid_from_date)) as name
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
    district: str = ""

    @property
    def is_comparable(self) -> bool:
        """True when there is a rate on enough cases to be set beside others."""
        return self.rate is not None and (self.denominator or 0) >= MIN_CASES

    @property
    def has_cases(self) -> bool:
        """True when anything was counted at all."""
        return bool(self.numerator or self.denominator or self.not_evaluable)


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
    """One rule and kind of subject: how often it failed in the city and in each district, and where most."""

    rule_id: str
    subject: str
    name: str
    text: str
    article: str
    severity: str
    city: Figure
    districts: tuple[Figure, ...]
    worst: tuple[Figure, ...]


@dataclass(frozen=True)
class Org:
    """One institution with failures; `worst` are its rules with most failures, named by rule id."""

    code: str
    name: str
    district: str
    failed: int
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
    context = _rows(
        connection,
        """
        select as_of_date, period, ruleset_version
        from marts.marts.mart_indicator
        where length(period) = 4
        order by period desc
        limit 1
        """,
    )
    if not context:
        raise LookupError("the marts hold no indicator")
    period = context[0]["period"]
    units = _deliveries(connection)
    # a unit that the reform has abolished is silent by right
    existing = reference_units(context[0]["as_of_date"])
    indicators = _indicators(connection, period)
    counted = _rows(connection, _RULE_FIGURES, [period])
    rules = _rules(connection, counted)
    orgs = _orgs(counted)
    return Overview(
        as_of=context[0]["as_of_date"],
        period=period,
        ruleset_version=context[0]["ruleset_version"],
        deliveries=tuple(unit for unit in units if unit["day_count"]),
        silent_units=tuple(
            unit["name"] for unit in units if not unit["day_count"] and unit["code"] in existing
        ),
        statuses=_statuses(indicators),
        indicators=indicators,
        rules=rules,
        orgs=tuple(orgs[:SHOWN_ORGS]),
        org_count=len(orgs),
    )


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] = ()
) -> list[dict[str, Any]]:
    found = connection.execute(query, list(parameters))
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _figure(row: Mapping[str, Any]) -> Figure:
    return Figure(
        code=row["code"],
        name=row["name"],
        numerator=row["numerator_count"],
        denominator=row["denominator_count"],
        not_evaluable=row["not_evaluable_count"] or 0,
        rate=row["rate"],
        earlier_rate=row.get("earlier_rate"),
        district=row.get("district_name") or "",
    )


def _deliveries(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    return _rows(
        connection,
        f"""
        with unit as (
            select
                unit_code as code,
                count(distinct delivery_date) filter (received_count > 0) as day_count,
                count(distinct dataset) filter (received_count > 0) as dataset_count,
                sum(row_count) as row_count,
                sum(accepted_count) as accepted_count,
                sum(quarantined_count) as quarantined_count,
                sum(refused_count) as refused_count,
                sum(expected_count) as expected_count,
                count(*) filter (is_on_time) as on_time_count,
                count(*) filter (expected_count > 0 and met_at is null) as missing_count,
                max(delivery_date) filter (received_count > 0) as last_date
            from marts.marts.mart_delivery
            group by unit_code
        )

        select unit.*, coalesce(division.name, unit.code) as name
        from unit
        left join ({_DISTRICT_NAME}) as division on unit.code = division.code
        order by unit.code
        """,
    )


def _indicators(connection: duckdb.DuckDBPyConnection, period: str) -> tuple[Indicator, ...]:
    rows = _rows(
        connection,
        f"""
        select
            figure.indicator_id,
            figure.variant,
            figure.level,
            figure.code,
            if(figure.code = 'UNKNOWN', '未归属', coalesce(division.name, figure.code)) as name,
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
        order by figure.code
        """,
        [period],
    )
    registry = _rows(
        connection,
        """
        select *
        from marts.marts.dim_indicator
        qualify row_number() over (partition by indicator_id, variant order by valid_from_date desc) = 1
        order by indicator_id, variant
        """,
    )
    found = []
    for entry in registry:
        own = [row for row in rows if all(row[part] == entry[part] for part in ("indicator_id", "variant"))]
        city = [_figure(row) for row in own if row["level"] == "city"]
        districts = [_figure(row) for row in own if row["level"] == "district"]
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
                    districts=tuple(figure for figure in districts if figure.has_cases),
                )
            )
    return tuple(found)


def _statuses(indicators: Sequence[Indicator]) -> tuple[Mapping[str, Any], ...]:
    """Persons by recorded status, the city first; from STA-1, which counts restricted persons as well."""
    by_code: dict[str, dict[str, Any]] = {}
    for indicator in indicators:
        if indicator.indicator_id == "STA-1" and indicator.variant in STATUSES:
            for figure in (indicator.city, *indicator.districts):
                row = by_code.setdefault(figure.code, {"code": figure.code, "name": figure.name})
                row[indicator.variant] = figure.numerator or 0
    for row in by_code.values():
        row["total"] = sum(row.setdefault(status, 0) for status in STATUSES)
    return tuple(row for row in by_code.values() if row["total"])


_RULE_FIGURES = f"""
with counted as (
    select
        rule_id,
        subject_type,
        org_code,
        district_code,
        coalesce(sum(subject_count) filter (outcome_code = 'FAIL'), 0) as fail_count,
        coalesce(sum(subject_count) filter (outcome_code in ('PASS', 'FAIL')), 0) as judged_count,
        coalesce(sum(subject_count) filter (outcome_code = 'NOT_EVALUABLE'), 0) as open_count
    from marts.marts.mart_rule_summary
    where substring(period, 1, 4) = ?
    group by rule_id, subject_type, org_code, district_code
),

placed as (
    select 'city' as level, '{CITY}' as code, counted.* from counted
    union all
    select 'district' as level, district_code as code, counted.* from counted
    union all
    select 'org' as level, org_code as code, counted.* from counted
)

select
    placed.rule_id,
    placed.subject_type,
    placed.level,
    placed.code,
    max(coalesce(home.name, placed.district_code)) as district_name,
    case
        when placed.code = 'UNKNOWN' then '未归属'
        when placed.level = 'org' then coalesce(max(org.name), placed.code)
        else coalesce(max(division.name), placed.code)
    end as name,
    cast(sum(placed.fail_count) as bigint) as numerator_count,
    cast(sum(placed.judged_count) as bigint) as denominator_count,
    cast(sum(placed.open_count) as bigint) as not_evaluable_count,
    sum(placed.fail_count) / cast(nullif(sum(placed.judged_count), 0) as double) as rate
from placed
left join ({_DISTRICT_NAME}) as division on placed.code = division.code and placed.level <> 'org'
left join ({_DISTRICT_NAME}) as home on placed.district_code = home.code
left join ({_ORG_NAME}) as org on placed.code = org.code and placed.level = 'org'
group by placed.rule_id, placed.subject_type, placed.level, placed.code
order by placed.rule_id, placed.subject_type, placed.level, placed.code
"""


def _rules(connection: duckdb.DuckDBPyConnection, counted: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
    by_rule: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in counted:
        by_rule.setdefault((row["rule_id"], row["subject_type"]), []).append(row)
    registry = _rows(
        connection,
        """
        select *
        from marts.marts.dim_rule
        qualify row_number() over (partition by rule_id, subject_type order by valid_from_date desc) = 1
        order by rule_id, subject_type
        """,
    )
    found = []
    for entry in registry:
        own = by_rule.get((entry["rule_id"], entry["subject_type"]), [])
        city = [_figure(row) for row in own if row["level"] == "city"]
        districts = [_figure(row) for row in own if row["level"] == "district"]
        orgs = [_figure(row) for row in own if row["level"] == "org" and row["code"] != "UNKNOWN"]
        found.append(
            Rule(
                rule_id=entry["rule_id"],
                subject=SUBJECTS.get(entry["subject_type"], entry["subject_type"]),
                name=entry["rule_name"],
                text=entry["rule_text"] or "",
                article=entry["article"],
                severity=entry["severity_code"],
                city=city[0] if city else Figure(CITY, "全市", 0, 0, 0, None),
                districts=tuple(figure for figure in districts if figure.has_cases),
                worst=tuple(_worst(orgs)),
            )
        )
    return tuple(found)


def _worst(figures: Sequence[Figure], count: int = 3) -> list[Figure]:
    """Highest failure rates on enough cases, most first."""
    judged = [figure for figure in figures if figure.numerator and figure.is_comparable]
    return sorted(judged, key=lambda one: (-(one.rate or 0), -(one.numerator or 0), one.code))[:count]


def _orgs(counted: Sequence[Mapping[str, Any]]) -> list[Org]:
    """Institutions with failures, most first."""
    by_org: dict[str, list[Figure]] = {}
    names: dict[str, str] = {}
    for row in counted:
        if row["level"] == "org" and row["code"] != "UNKNOWN" and row["numerator_count"]:
            names[row["code"]] = row["name"]
            by_org.setdefault(row["code"], []).append(_figure({**row, "name": row["rule_id"]}))
    found = []
    for code, figures in by_org.items():
        most = sorted(figures, key=lambda one: (-(one.numerator or 0), -(one.rate or 0), one.name))
        failed = sum(figure.numerator or 0 for figure in figures)
        found.append(Org(code, names[code], figures[0].district, failed, tuple(most[:3])))
    return sorted(found, key=lambda org: (-org.failed, org.code))

"""Metrics of the published aggregates on which limits are set: computed once, kept, judged again at will.

Not here: the limits (expectations/thresholds.yml) and how a metric is judged (pipelines.quality.thresholds).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import duckdb

from pipelines import duck
from pipelines.settings import Settings

CITY = "500000"
NOT_COMPUTED = "NOT_COMPUTED"

# One row per metric, subject, level, code and year. `value` is numerator ÷ denominator; it is empty when
# there is nothing to divide by, so that a limit finds nothing to judge instead of a pass. `is_running` marks
# the year of the evaluation day, `is_ended` the last year that was over on it (on 31 December both are one).
COLUMNS: Mapping[str, str] = {
    "table_name": "varchar",
    "check_name": "varchar",
    "subject": "varchar",
    "level": "varchar",
    "code": "varchar",
    "name": "varchar",
    "period": "varchar",
    "as_of_date": "date",
    "is_running": "boolean",
    "is_ended": "boolean",
    "numerator_count": "bigint",
    "denominator_count": "bigint",
    "value": "double",
}

# A rule that judges several kinds of subject has a figure for each: `rule.subject`.
_RULE_COUNTS = f"""
with subject as (
    select
        rule_id,
        subject_type,
        rule_id || if(count(*) over (partition by rule_id) > 1, '.' || subject_type, '') as subject
    from (select distinct rule_id, subject_type from marts.marts.dim_rule)
),

counted as (
    select
        coalesce(subject.subject, summary.rule_id) as subject,
        summary.org_code,
        summary.district_code,
        substring(summary.period, 1, 4) as period,
        summary.as_of_date,
        coalesce(sum(summary.subject_count) filter (summary.outcome_code = 'PASS'), 0) as pass_count,
        coalesce(sum(summary.subject_count) filter (summary.outcome_code = 'FAIL'), 0) as fail_count,
        coalesce(sum(summary.subject_count) filter (summary.outcome_code = 'NOT_EVALUABLE'), 0) as open_count
    from marts.marts.mart_rule_summary as summary
    left join subject
        on summary.rule_id = subject.rule_id and summary.subject_type = subject.subject_type
    group by all
),

placed as (
    select 'city' as level, '{CITY}' as code, * from counted
    union all
    select 'district' as level, district_code as code, * from counted
    union all
    select 'org' as level, org_code as code, * from counted
)

select
    placed.subject,
    placed.level,
    placed.code,
    placed.period,
    placed.as_of_date,
    sum(placed.pass_count) as pass_count,
    sum(placed.fail_count) as fail_count,
    sum(placed.open_count) as open_count
from placed
group by all
"""

_INDICATOR_COUNTS = """
select
    concat_ws('.', figure.indicator_id, nullif(figure.variant, '')) as subject,
    figure.level,
    figure.code,
    figure.period,
    figure.numerator_count,
    figure.denominator_count,
    figure.not_evaluable_count as open_count,
    max(figure.as_of_date) over () as as_of_date
from marts.marts.mart_indicator as figure
where length(figure.period) = 4
"""

# Per reporting unit (level district) and for the city; the subject is the dataset.
_DELIVERY_COUNTS = f"""
with as_of as (
    select max(as_of_date) as as_of_date from marts.marts.mart_indicator
),

placed as (
    select 'city' as level, '{CITY}' as code, delivery.* from marts.marts.mart_delivery as delivery
    union all
    select 'district' as level, delivery.unit_code as code, delivery.*
    from marts.marts.mart_delivery as delivery
    where delivery.unit_code <> '{CITY}'
)

select
    placed.dataset as subject,
    placed.level,
    placed.code,
    substring(cast(placed.delivery_date as varchar), 1, 4) as period,
    as_of.as_of_date,
    sum(placed.row_count) as row_count,
    sum(placed.quarantined_count) as quarantined_count,
    sum(placed.expected_count) as expected_count,
    count(*) filter (placed.expected_count > 0 and placed.met_at is null) as missing_count,
    count(*) filter (placed.expected_count > 0 and placed.is_on_time is distinct from true) as late_count
from placed
cross join as_of
group by all
"""

# (table, check) → counts, numerator and denominator of the check
CHECKS: Mapping[tuple[str, str], tuple[str, str, str]] = {
    ("mart_rule_summary", "fail_rate"): (_RULE_COUNTS, "fail_count", "pass_count + fail_count"),
    ("mart_rule_summary", "not_evaluable_rate"): (
        _RULE_COUNTS,
        "open_count",
        "pass_count + fail_count + open_count",
    ),
    ("mart_indicator", "rate"): (_INDICATOR_COUNTS, "numerator_count", "denominator_count"),
    ("mart_indicator", "not_evaluable_rate"): (
        _INDICATOR_COUNTS,
        "open_count",
        "denominator_count + open_count",
    ),
    ("mart_delivery", "quarantine_rate"): (_DELIVERY_COUNTS, "quarantined_count", "row_count"),
    ("mart_delivery", "missing_rate"): (_DELIVERY_COUNTS, "missing_count", "expected_count"),
    ("mart_delivery", "late_rate"): (_DELIVERY_COUNTS, "late_count", "expected_count"),
}


def collect(connection: duckdb.DuckDBPyConnection) -> None:
    """Compute every metric into `memory.quality.metric` of a connection that has the marts attached.

    A metric whose table is missing or has other columns leaves one row of level `NOT_COMPUTED`, so that its
    limits become errors now and whenever they are judged again.
    """
    _create(connection)
    for (table, check), (counts, numerator, denominator) in CHECKS.items():
        try:
            connection.execute(
                f"""
                insert into memory.quality.metric by name
                with counts as ({counts})
                select
                    '{table}' as table_name,
                    '{check}' as check_name,
                    subject, level, code, period, as_of_date,
                    cast(period as integer) = year(as_of_date) as is_running,
                    cast(period as integer) = year(as_of_date + 1) - 1 as is_ended,
                    cast({numerator} as bigint) as numerator_count,
                    cast({denominator} as bigint) as denominator_count,
                    {numerator} / cast(nullif({denominator}, 0) as double) as value
                from counts
                """
            )
        except duckdb.Error:
            connection.execute(
                "insert into memory.quality.metric by name "
                "select ? as table_name, ? as check_name, ? as level",
                [table, check, NOT_COMPUTED],
            )
    _name(connection)


def _name(connection: duckdb.DuckDBPyConnection) -> None:
    """Give every figure the name of its district or institution, where the marts know it."""
    for table, code, name, level in (
        ("dim_division", "division_code", "division_name", "level <> 'org'"),
        ("dim_org", "org_code", "org_name", "level = 'org'"),
    ):
        try:
            connection.execute(
                f"""
                update memory.quality.metric as metric
                set name = known.name
                from (
                    select {code} as code, arg_max({name}, (is_current, valid_from_date)) as name
                    from marts.marts.{table}
                    group by {code}
                ) as known
                where metric.code = known.code and {level}
                """
            )
        except duckdb.Error:
            continue  # the suite of that table says so; a figure without a name shows its code


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    declared = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    connection.execute("create schema if not exists memory.quality")
    connection.execute(f"create or replace table memory.quality.metric ({declared})")


def built_file(settings: Settings) -> Path:
    """Where the metrics of a build wait until its marts are published."""
    return settings.build / "metrics.parquet"


def kept_file(settings: Settings) -> Path:
    """Where the metrics of the published marts are kept, for judging limits again without the marts."""
    return settings.reports / "expectations" / "metrics.parquet"


def store(settings: Settings, connection: duckdb.DuckDBPyConnection) -> Path:
    """Keep the metrics of a build, in a fixed order."""
    target = built_file(settings)
    target.parent.mkdir(parents=True, exist_ok=True)
    literal = str(target).replace("'", "''")
    connection.execute(f"copy (from memory.quality.metric order by all) to '{literal}' (format parquet)")
    return target


def keep(settings: Settings) -> None:
    """Put the metrics of the build, if there are any, in the place of the kept ones."""
    if built_file(settings).is_file():
        kept_file(settings).parent.mkdir(parents=True, exist_ok=True)
        aside = kept_file(settings).with_suffix(".aside")
        shutil.copyfile(built_file(settings), aside)
        aside.replace(kept_file(settings))


def restore(settings: Settings, source: Path) -> duckdb.DuckDBPyConnection:
    """A scratch connection that holds stored metrics as `memory.quality.metric`; the caller closes it.

    Raises:
        FileNotFoundError: nothing was stored there yet.
    """
    if not source.is_file():
        raise FileNotFoundError("no metrics of an earlier run; run `yudang run` first")
    connection = duck.memory(settings)
    _create(connection)
    connection.execute("insert into memory.quality.metric by name from read_parquet(?)", [str(source)])
    return connection

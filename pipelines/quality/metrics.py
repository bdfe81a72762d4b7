"""Metrics of the published aggregates that limits are set on: computed once in DuckDB, kept, judged again at will.

Not here: the limits (expectations/thresholds.yml) and how a metric is judged (pipelines.quality.thresholds).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from pipelines import duck
from pipelines.settings import Settings

CITY = "500000"
NOT_COMPUTED = "NOT_COMPUTED"

# One row per metric, subject, level, code and period. `value` is numerator ÷ denominator; it is empty when
# there is nothing to divide by, so that a limit finds nothing to judge instead of a pass.
COLUMNS: Mapping[str, str] = {
    "table_name": "varchar",
    "check_name": "varchar",
    "subject": "varchar",
    "level": "varchar",
    "code": "varchar",
    "period": "varchar",
    "as_of_date": "date",
    "is_latest": "boolean",
    "numerator_count": "bigint",
    "denominator_count": "bigint",
    "value": "double",
}

_RULE_COUNTS = f"""
with as_of as (
    select max(as_of_date) as as_of_date from marts.marts.mart_indicator
),

counted as (
    select
        summary.rule_id as subject,
        summary.org_code,
        summary.district_code,
        substring(summary.period, 1, 4) as period,
        sum(case when summary.outcome_code = 'PASS' then summary.subject_count else 0 end) as pass_count,
        sum(case when summary.outcome_code = 'FAIL' then summary.subject_count else 0 end) as fail_count,
        sum(case when summary.outcome_code = 'NOT_EVALUABLE' then summary.subject_count else 0 end) as open_count
    from marts.marts.mart_rule_summary as summary
    group by all
),

placed as (
    select 'city' as level, '{CITY}' as code, * from counted
    union all
    select 'district' as level, district_code as code, * from counted
    union all
    select 'org' as level, org_code as code, * from counted
),

summed as (
    select
        placed.subject,
        placed.level,
        placed.code,
        placed.period,
        sum(placed.pass_count) as pass_count,
        sum(placed.fail_count) as fail_count,
        sum(placed.open_count) as open_count
    from placed
    group by all
)

select
    summed.*,
    as_of.as_of_date,
    summed.period = substring(cast(as_of.as_of_date as varchar), 1, 4) as is_latest
from summed
cross join as_of
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
    figure.as_of_date,
    figure.period = max(figure.period) over () as is_latest
from marts.marts.mart_indicator as figure
where length(figure.period) = 4
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
                    subject, level, code, period, as_of_date, is_latest,
                    cast({numerator} as bigint) as numerator_count,
                    cast({denominator} as bigint) as denominator_count,
                    case when {denominator} > 0 then cast({numerator} as double) / ({denominator}) end as value
                from counts
                """
            )
        except duckdb.Error:
            connection.execute(
                "insert into memory.quality.metric by name "
                "select ? as table_name, ? as check_name, ? as level",
                [table, check, NOT_COMPUTED],
            )


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    declared = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    connection.execute("create schema if not exists memory.quality")
    connection.execute(f"create or replace table memory.quality.metric ({declared})")


def store_file(settings: Settings) -> Path:
    """Where the metrics of the last run are kept."""
    return settings.reports / "expectations" / "metrics.parquet"


def store(settings: Settings, connection: duckdb.DuckDBPyConnection) -> Path:
    """Keep the metrics beside the reports, in a fixed order, so that limits can be judged again without the marts."""
    target = store_file(settings)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}")
    literal = str(aside).replace("'", "''")
    connection.execute(f"copy (from memory.quality.metric order by all) to '{literal}' (format parquet)")
    aside.replace(target)
    return target


def restore(settings: Settings) -> duckdb.DuckDBPyConnection:
    """A scratch connection that holds the metrics of the last run; the caller closes it.

    Raises:
        FileNotFoundError: there was no run yet.
    """
    source = store_file(settings)
    if not source.is_file():
        raise FileNotFoundError("no metrics of an earlier run; run `yudang run` first")
    connection = duck.memory(settings)
    _create(connection)
    connection.execute("insert into memory.quality.metric by name from read_parquet(?)", [str(source)])
    return connection

"""What a run found, in a dozen counts: for the end of the command, the ledger and `yudang status`.

Not here: reports (pipelines.quality) and anything about a single person.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipelines import duck
from pipelines.contract import model
from pipelines.publish.content_hash import quoted
from pipelines.settings import Settings

SHOWN_INDICATORS = ("TRF-1", "N-ARC-3", "N-HTN-3")
"""The three that the first questions of an analyst are about."""

_CITY_NOW = """
    level = 'city' and period = (select max(period) from city.marts.mart_indicator where length(period) = 4)
"""


def collect(settings: Settings, warehouse: Path, marts: Path) -> dict[str, Any]:
    """Counts of deliveries, rows, persons, duplicates, status, three indicators of the city."""
    connection = duck.memory(settings)
    try:
        for name, path in (("warehouse", warehouse), ("city", marts)):
            literal = str(path).replace("'", "''")
            connection.execute(f"attach '{literal}' as {name} (read_only)")
        deliveries, refused, units = connection.execute(
            "select count(distinct delivery_id), "
            "count(distinct delivery_id) filter (where delivery_status = 'refused'), "
            "count(distinct delivery_unit) from warehouse.control.delivery_file where is_visible"
        ).fetchone() or (0, 0, 0)
        accepted, quarantined, refused_rows, refused_files = connection.execute(
            "select coalesce(sum(accepted_rows), 0), coalesce(sum(quarantined_rows), 0), "
            "coalesce(sum(refused_rows), 0), "
            "count(*) filter (where delivery_status = 'accepted' and file_status = 'refused') "
            "from warehouse.control.delivery_file where is_visible"
        ).fetchone() or (0, 0, 0, 0)
        versions = _versions(connection)
        status = _status_counts(connection)
        context = connection.execute(
            "select as_of_date, known_at, ruleset_version from warehouse.control.run_context"
        ).fetchone() or (None, None, "")
        return {
            "as_of_date": context[0].isoformat() if context[0] else None,
            "known_at": context[1].isoformat(" ") if context[1] else None,
            "ruleset_version": context[2],
            "unit_count": units,
            "delivery_count": deliveries,
            "refused_delivery_count": refused,
            "refused_file_count": refused_files,
            "accepted_row_count": int(accepted),
            "quarantined_row_count": int(quarantined),
            "refused_row_count": int(refused_rows),
            "row_version_counts": versions,
            "person_count": status.pop("", 0),
            "duplicated_person_count": _duplicated(connection),
            "status_counts": status,
            "finding_count": _scalar(connection, "select count(*) from city.marts.fct_finding"),
            "indicators": _indicators(connection),
        }
    finally:
        connection.close()


def _scalar(connection: Any, sql: str) -> int:
    found = connection.execute(sql).fetchone()
    return int(found[0]) if found and found[0] is not None else 0


def _status_counts(connection: Any) -> dict[str, int]:
    """Status code → persons, "" → all; restricted persons count here and stand in no person-level mart."""
    rows = connection.execute(
        f"select variant, numerator_count from city.marts.mart_indicator where {_CITY_NOW} "
        "and indicator_id = 'STA-1' order by variant"
    ).fetchall()
    return dict(rows)


def _duplicated(connection: Any) -> int:
    """Persons with several active archives: those who have one and fail ARC-2."""
    return _scalar(
        connection,
        "select denominator_count - numerator_count from city.marts.mart_indicator "
        f"where {_CITY_NOW} and indicator_id = 'ARC-2' and variant = ''",
    )


def _versions(connection: Any) -> dict[str, int]:
    counts = {"current": 0, "superseded": 0, "repeated": 0, "withdrawn": 0}
    parts = [
        f"select version_status from warehouse.staging.{quoted(f'stg_{dataset}_version')}"
        for dataset in model.datasets()
    ]
    for status, count in connection.execute(
        f"select version_status, count(*) from ({' union all '.join(parts)}) group by all"
    ).fetchall():
        counts[status] = count
    return counts


def _indicators(connection: Any) -> list[dict[str, Any]]:
    rows = connection.execute(
        f"""
        select
            indicator.indicator_id, any_value(dim.indicator_name), any_value(indicator.period),
            any_value(indicator.numerator_count), any_value(indicator.denominator_count),
            any_value(indicator.not_evaluable_count), any_value(indicator.rate)
        from city.marts.mart_indicator as indicator
        left join city.marts.dim_indicator as dim
            on indicator.indicator_id = dim.indicator_id and indicator.variant = dim.variant
        where
            {_CITY_NOW} and indicator.variant = '' and indicator.indicator_id in (?, ?, ?)
        group by indicator.indicator_id
        """,
        list(SHOWN_INDICATORS),
    ).fetchall()
    found = {
        row[0]: {
            "indicator_id": row[0],
            "name": row[1] or row[0],
            "period": row[2],
            "numerator_count": row[3],
            "denominator_count": row[4],
            "not_evaluable_count": row[5],
            "rate": None if row[6] is None else float(row[6]),
        }
        for row in rows
    }
    return [found[name] for name in SHOWN_INDICATORS if name in found]

"""A small warehouse and small marts with nothing wrong in them, made from the contract and the models.

No expectation lives here; the tests plant one breach at a time into copies of these files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

import duckdb
import yaml

from pipelines.contract.model import (
    DERIVED_IDENTITY_COLUMNS,
    PROVENANCE_COLUMNS,
    VERSION_COLUMNS,
    Column,
    datasets,
    value_set,
)
from pipelines.settings import CHECKOUT

ROWS = 24
Row = dict[str, Any]

DISTRICTS = {"500103": "渝中区", "500116": "江津区", "500236": "奉节县"}
ORGS = {
    "5001030001": ("七星岗社区卫生服务中心", "500103"),
    "5001030002": ("解放碑社区卫生服务中心", "500103"),
    "5001160001": ("德感卫生院", "500116"),
    "5001160002": ("几江社区卫生服务中心", "500116"),
    "5002360001": ("永安卫生院", "500236"),
}


def pseudonym(text: str) -> str:
    """64 hexadecimal digits, as the real ones look."""
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def mart_columns() -> Mapping[str, Mapping[str, str]]:
    """Mart → column → SQL type, from the models' YAML."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted((CHECKOUT / "dbt_project" / "models" / "marts").glob("*.yml")):
        for model in yaml.safe_load(path.read_text("utf-8")).get("models", ()):
            columns = {column["name"]: column.get("data_type") for column in model.get("columns", ())}
            if all(columns.values()) and not model["name"].startswith("_"):
                found[model["name"]] = columns
    return found


def build_warehouse(path: Path) -> None:
    """Every staging relation with good rows; views over version tables, as dbt leaves them."""
    connection = duckdb.connect(str(path))
    connection.execute("create schema staging")
    for dataset in datasets().values():
        made = {column.stored_name: _staged(column, column.name in dataset.key) for column in dataset.columns}
        extra = {**(DERIVED_IDENTITY_COLUMNS if dataset.has_person else {}), **PROVENANCE_COLUMNS}
        made |= {
            name: _text(name) if kind == "VARCHAR" else f"null::{kind}" for name, (kind, _) in extra.items()
        }
        made |= {name: f"null::{kind}" for name, (kind, _) in VERSION_COLUMNS.items()}
        made["version_status"] = "'current'"
        selected = ", ".join(f"{expression} as {name}" for name, expression in made.items())
        table = f"staging.stg_{dataset.name}_version"
        connection.execute(f"create table {table} as select {selected} from range({ROWS}) as made(i)")
        connection.execute(
            f"create view staging.stg_{dataset.name} as "
            f"select * from warehouse.{table} where version_status = 'current'"
        )
    connection.close()


def _text(name: str) -> str:
    return f"('{name}' || i)"


def _staged(column: Column, is_key: bool) -> str:
    kind = column.sql_type
    if column.value_set:
        codes = list(value_set(column.value_set))
        position = f"1 + (i + {len(codes)}) % {len(codes)}" if not is_key else f"1 + i % {len(codes)}"
        return f"({codes!r}[{position}])"
    low = ceil(column.hard_min if column.hard_min is not None else 0)
    high = int(column.hard_max if column.hard_max is not None else low + 1000)
    return {
        "VARCHAR": _text(column.name),
        "BIGINT": f"({low} + i % {max(high - low, 1)})::bigint",
        "DOUBLE": f"({low} + (i % 7) * ({high} - {low}) / 7.0)::double",
        "DATE": "(date '2025-01-01' + i::integer)",
        "TIMESTAMP": "(timestamp '2025-01-01 08:00:00' + i * interval 1 day)",
        "BOOLEAN": "(i % 2 = 0)",
    }[kind]


def build_marts(path: Path) -> None:
    """Every mart the project has, with rows that add up."""
    connection = duckdb.connect(str(path))
    connection.execute("create schema marts.marts")
    rows = good_rows()
    for mart, columns in mart_columns().items():
        declared = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"create table marts.marts.{mart} ({declared})")
        insert(connection, mart, rows.get(mart, ()))
    connection.close()


def insert(connection: duckdb.DuckDBPyConnection, mart: str, rows: Iterable[Row]) -> None:
    """Insert rows by column name; columns that a row does not name stay empty."""
    for row in rows:
        names = ", ".join(row)
        marks = ", ".join("?" for _ in row)
        connection.execute(f"insert into marts.marts.{mart} ({names}) values ({marks})", list(row.values()))


def good_rows() -> dict[str, list[Row]]:
    """Mart → rows without a fault."""
    people = [(pseudonym(f"person {number}"), org) for number, org in enumerate(sorted(ORGS) * 4)]
    return {
        **_dimensions(people),
        **_archives(people),
        **_events(people),
        **_rules(),
        "mart_indicator": _indicators(),
        "mart_indicator_harmonised": _harmonised(),
        "mart_quality_scorecard": _scorecard(),
        "mart_delivery": _deliveries(),
        "mart_workload": _workload(),
        "mart_population_group": _groups(),
    }


def _dimensions(people: list[tuple[str, str]]) -> dict[str, list[Row]]:
    ends = {"valid_from_date": "2000-01-01", "valid_to_date": "9999-12-31"}
    divisions = {"500000": ("重庆市", "1"), **{code: (name, "2") for code, name in DISTRICTS.items()}}
    return {
        "dim_date": [
            {
                "calendar_date": f"2026-06-{day:02d}",
                "year_period": "2026",
                "month_period": "2026-06",
                "month_number": 6,
                "weekday_number": 1 + day % 7,
            }
            for day in range(1, 31)
        ],
        "dim_division": [
            {
                "division_code": code,
                "code_system_code": "MCA",
                "division_name": name,
                "level_code": level,
                "parent_code": "500000",
                "kind_code": "gb",
                "is_current": True,
                **ends,
            }
            for code, (name, level) in divisions.items()
        ],
        "dim_org": [
            {
                "org_code": code,
                "org_name": name,
                "org_type_code": "3",
                "hospital_level_code": "1",
                "district_code": district,
                "is_current": True,
                **ends,
            }
            for code, (name, district) in ORGS.items()
        ],
        "dim_division_map": [
            {
                "map_code": "harmonised",
                "level": "district",
                "code": code,
                "area_code": code,
                "area_name": name,
                "is_exact": True,
                **ends,
            }
            for code, name in DISTRICTS.items()
        ],
        "dim_rule": [
            {
                "rule_id": rule_id,
                "subject_type": subject,
                "article": article,
                "rule_name": name,
                "rule_text": f"{name}的说明。",
                "severity_code": "ERROR",
                "attributed_role_code": "managing",
                "dimension_code": "AUTHENTIC",
                **ends,
            }
            for rule_id, subject, article, name in RULES
        ],
        "dim_indicator": [
            {
                "indicator_id": indicator,
                "variant": variant,
                "indicator_name": name,
                "kind_code": kind,
                "numerator_text": "分子的说明",
                "denominator_text": "分母的说明",
                "article": "附件1 六(二)1",
                "attributed_role_code": "managing",
                **ends,
            }
            for indicator, variant, kind, name, _, _ in INDICATORS
        ],
        "dim_person_alias": [
            {
                "alias_key": person,
                "person_key": person,
                "key_type_code": "ID",
                "key_class_code": "A",
                "is_current": True,
            }
            for person, _ in people
        ],
    }


def _archives(people: list[tuple[str, str]]) -> dict[str, list[Row]]:
    place = {org: {"org_code": org, "district_code": ORGS[org][1]} for org in ORGS}
    span = {"valid_from_date": "2025-01-01", "valid_to_date": "9999-12-31", "is_current": True}
    archives, states, managers = [], [], []
    for person, org in people:
        archive = pseudonym("archive " + person)
        archives.append(
            {
                "person_key": person,
                "archive_key": archive,
                "status_code": "MANAGED",
                "expected_status_code": "MANAGED",
                "sex_code": "1",
                "age_band_code": "60-64",
                "key_type_code": "ID",
                "key_class_code": "A",
                "active_archive_count": 1,
                "active_district_count": 1,
                **place[org],
            }
        )
        states.append({"person_key": person, "status_code": "MANAGED", **span, **place[org]})
        managers.append(
            {
                "archive_key": archive,
                "person_key": person,
                "reason_code": "TRANSFER",
                "transfer_key": pseudonym("transfer " + person),
                **span,
                **place[org],
            }
        )
    return {"fct_archive": archives, "fct_archive_status": states, "fct_manager_interval": managers}


def _events(people: list[tuple[str, str]]) -> dict[str, list[Row]]:
    services, followups, exams, transfers, terminations, findings = [], [], [], [], [], []
    for number, (person, org) in enumerate(people):
        place = {"org_code": org, "district_code": ORGS[org][1]}
        when = {"service_date": f"2026-0{1 + number % 6}-05", "period": f"2026-0{1 + number % 6}"}
        for dataset in ("htn_followup", "health_exam"):
            service = {"service_key": pseudonym(dataset + person), "person_key": person, **place, **when}
            services.append(
                {
                    **service,
                    "dataset": dataset,
                    "serving_org_code": org,
                    "service_end_date": service["service_date"],
                    "mode_code": "1",
                    "capture_code": "E",
                    "received_at": "2026-06-30 20:00:00",
                }
            )
            if dataset == "htn_followup":
                followups.append(
                    {
                        **service,
                        "disease_code": "HTN",
                        "age_band_code": "60-64",
                        "sbp_mmhg": 136,
                        "dbp_mmhg": 84,
                        "fasting_glucose_mmol": 6.1,
                    }
                )
            else:
                exams.append(
                    {
                        **service,
                        "age_band_code": "60-64",
                        "is_complete": True,
                        "missing_core_count": 0,
                        "bmi": 22.5,
                        "missing_elderly_count": 0,
                        "sbp_left_mmhg": 136,
                        "sbp_right_mmhg": 138,
                    }
                )
        if number < 4:
            transfers.append(
                {
                    "transfer_key": pseudonym("transfer " + person),
                    "person_key": person,
                    "applied_date": "2026-03-01",
                    "period": "2026-03",
                    "is_cross_district": True,
                    "path_code": "1",
                    "initiator_code": "1",
                    "decision_code": "1",
                    "response_outcome_code": "PASS",
                    "completion_outcome_code": "PASS",
                    **place,
                }
            )
            terminations.append(
                {
                    "termination_key": pseudonym("termination " + person),
                    "person_key": person,
                    "kind_code": "LOST",
                    "period": "2026-04",
                    **place,
                }
            )
        if number < 3:
            findings.append(
                {
                    "rule_id": "A1-3-2",
                    "finding_code": "ENTRY_LATE",
                    "subject_type": "service",
                    "subject_key": pseudonym("htn_followup" + person),
                    "person_key": person,
                    "attributed_role_code": "serving",
                    "event_date": "2026-05-05",
                    "period": "2026-05",
                    "severity_code": "WARN",
                    "article": "附件1 三(二)",
                    "message": "2026-05-05 的服务于 2026-05-12 录入，超过五日。",
                    "is_boundary": False,
                    **place,
                }
            )
    return {
        "fct_service_activity": services,
        "fct_followup": followups,
        "fct_exam": exams,
        "fct_transfer": transfers,
        "fct_termination": terminations,
        "fct_finding": findings,
    }


RULES = (
    ("A1-2-2", "archive", "附件1 二(二)", "全市一人一档"),
    ("A1-3-2", "service", "附件1 三(二)", "服务结束五日内录入"),
    ("A1-4-3-1a", "transfer", "附件1 四(三)1", "跨区县转迁七日内答复"),
    ("A1-4-3-3a", "transfer", "附件1 四(三)3", "死亡归档的档案不再流转"),
    ("A1-4-3-3a", "service", "附件1 四(三)3", "死亡归档的档案不再服务"),
    ("A1-6-1-2a", "termination", "附件1 六(一)2", "死亡信息一个月内录入"),
)

# failures of a rule among 200 subjects of one institution
FAILURES = {"A1-3-2": 9, "A1-4-3-1a": 6}


def _rules() -> dict[str, list[Row]]:
    rows = []
    for rule_id, subject, _, _ in RULES:
        for position, (org, (_, district)) in enumerate(ORGS.items()):
            failed = FAILURES.get(rule_id, 0) + position if rule_id in FAILURES else 0
            counts = {"PASS": 196 - failed, "FAIL": failed, "NOT_EVALUABLE": 4, "NOT_APPLICABLE": 10}
            rows += [
                {
                    "rule_id": rule_id,
                    "subject_type": subject,
                    "org_code": org,
                    "district_code": district,
                    "period": "2026-05",
                    "outcome_code": outcome,
                    "subject_count": count,
                    "is_suppressed": False,
                    "as_of_date": "2026-06-30",
                    "ruleset_version": "2024.55.1",
                }
                for outcome, count in counts.items()
                if count
            ]
    return {"mart_rule_summary": rows}


# indicator, variant, kind, name, numerator and denominator of one institution
INDICATORS = (
    ("ARC-1", "", "count", "在管档案数", 940, None),
    ("ARC-2", "", "rate", "唯一建档率", 990, 1000),
    ("ARC-5", "", "rate", "身份证件有效率", 970, 1000),
    ("STA-1", "MANAGED", "rate", "状态构成：在管", 940, 1000),
    ("STA-1", "LOST", "rate", "状态构成：失访", 20, 1000),
    ("STA-1", "DEAD", "rate", "状态构成：死亡", 30, 1000),
    ("STA-1", "MOVED_OUT", "rate", "状态构成：迁出", 10, 1000),
    ("TRF-1", "", "rate", "转迁响应及时率", 95, 100),
    ("UPD-1", "", "rate", "五日录入及时率", 960, 1000),
    ("N-HTN-2", "", "rate", "高血压患者规范管理率", 140, 200),
    ("N-HTN-3", "", "rate", "管理人群血压控制率", 120, 200),
    ("N-ARC-2", "", "population", "电子健康档案建档率", 930, None),
)


def _harmonised() -> list[Row]:
    kept = ("indicator_id", "variant", "period", "as_of_date", "numerator_count", "denominator_count", "rate")
    return [
        {**{name: row.get(name) for name in kept}, "area_code": row["code"], "not_evaluable_count": 0,
         "is_exact": True}
        for row in _indicators()
        if row["level"] == "district"
    ]  # fmt: skip


def _indicators() -> list[Row]:
    rows = []
    for year, as_of in (("2025", "2025-12-31"), ("2026", "2026-06-30")):
        for indicator, variant, kind, _, numerator, denominator in INDICATORS:
            places = [("org", org, district, 1) for org, (_, district) in ORGS.items()]
            for code in DISTRICTS:
                places.append(("district", code, code, sum(home == code for _, home in ORGS.values())))
            places.append(("city", "500000", "500000", len(ORGS)))
            for level, code, district, parts in places:
                top, bottom = numerator * parts, denominator * parts if denominator else None
                if kind == "population" and level != "org":
                    bottom = 1000 * parts
                rows.append(
                    {
                        "indicator_id": indicator,
                        "variant": variant,
                        "period": year,
                        "as_of_date": as_of,
                        "level": level,
                        "code": code,
                        "district_code": district,
                        "numerator_count": top,
                        "denominator_count": bottom,
                        "not_evaluable_count": 3 * parts,
                        "rate": round(top / bottom, 6) if bottom else None,
                        "ruleset_version": "2024.55.1",
                    }
                )
    return rows


def _scorecard() -> list[Row]:
    places = [("city", "500000", 6), *(("district", code, 2) for code in DISTRICTS)]
    return [
        {
            "period": "2026",
            "as_of_date": "2026-06-30",
            "level": level,
            "code": code,
            "district_code": code,
            "dimension_code": dimension,
            "rule_count": 3,
            "pass_count": 95 * parts,
            "fail_count": 5 * parts,
            "not_evaluable_count": parts,
            "not_applicable_count": 0,
            "pass_rate": 0.95,
            "ruleset_version": "2024.55.1",
        }
        for level, code, parts in places
        for dimension in ("AUTHENTIC", "TIMELY")
    ]


def _deliveries() -> list[Row]:
    return [
        {
            "unit_code": unit,
            "delivery_date": f"2026-06-{day:02d}",
            "dataset": dataset,
            "expected_count": 1,
            "received_count": 1,
            "row_count": 500,
            "accepted_count": 498,
            "quarantined_count": 2,
            "refused_count": 0,
            "first_received_at": f"2026-06-{day:02d} 20:15:00",
            "met_at": f"2026-06-{day:02d} 20:15:00",
            "is_on_time": True,
        }
        for unit in DISTRICTS
        for day in (28, 29, 30)
        for dataset in ("archive", "htn_followup")
    ]


def _workload() -> list[Row]:
    return [
        {
            "org_code": org,
            "district_code": district,
            "period": "2026-05",
            "activity_code": "htn_followup",
            "activity_count": 80,
            "person_count": 60,
            "face_to_face_count": 70,
            "remote_count": 2,
            "free_count": 80,
            "repeat_free_count": 0,
            "is_suppressed": False,
        }
        for org, (_, district) in ORGS.items()
    ]


def _groups() -> list[Row]:
    return [
        {
            "as_of_date": "2026-06-30",
            "level": "district",
            "code": code,
            "district_code": code,
            "group_code": "ELDERLY",
            "sex_code": "1",
            "age_band_code": "65-69",
            "person_count": 40,
            "is_suppressed": False,
            "ruleset_version": "2024.55.1",
        }
        for code in DISTRICTS
    ]

"""Rows that the contract accepts, to be changed one value at a time.

Not here: expectations.
"""

from __future__ import annotations

from datetime import date
from typing import Any

Row = dict[str, Any]

IDS = (
    "512121195001310011", "512122198001010027", "51212319550615001X", "512126202002290010",
    "51212419490101006X", "512127202602010015",
)  # fmt: skip
"""Valid numbers that were never issued (rulebook §4.3)."""


def archive(number: int = 1, **over: Any) -> Row:
    """A small archive that is accepted without a remark."""
    row: Row = {
        "district_archive_id": f"A{number}",
        "id_type_code": "01",
        "id_no": "512121195001310011",
        "name": "程春江",
        "sex_code": "1",
        "birth_date": date(1950, 1, 31),
        "create_org_code": "5001160001",
        "created_date": date(2025, 3, 1),
    }
    return {**row, **over}


def followup(number: int = 1, **over: Any) -> Row:
    """A small blood pressure visit that is accepted without a remark."""
    row: Row = {
        "record_id": f"R{number}",
        "district_archive_id": "A1",
        "org_code": "5001160001",
        "service_date": date(2025, 12, 1),
        "mode_code": "1",
        "sbp": 130,
        "dbp": 80,
    }
    return {**row, **over}


def population(**over: Any) -> Row:
    """A population count of the city platform."""
    row: Row = {
        "year": 2025, "area_code": "500116", "age_from": 0, "age_to": 999, "sex_code": "0",
        "source_code": "1", "resident_count": 1350000,
    }  # fmt: skip
    return {**row, **over}

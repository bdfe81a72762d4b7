"""An example value for every column of the contract, as it may stand in a delivery.

Not here: where examples are shown (`templates.py`, `dictionary.py`). Persons in them do not exist: identity
numbers carry a county code that was abolished before such numbers were issued.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

from pipelines.contract.model import Column, Dataset, value_set

_BIRTH = "1950-01-31"
_DATE = "2025-06-15"
_MOMENT = "2025-06-15 09:30:00"

_BY_NAME: Mapping[str, str] = MappingProxyType(
    {
        "archive_no": "50011600100100001",
        "birth_certificate_no": "A500000001",
        "birth_date": _BIRTH,
        "id_no": "512121195001310011",
        "mother_id_no": "512122193001010024",
        "previous_id_no": "512121500131001",
        "name": "程春江",
        "sex_code": "1",
        "left_key": "AR:500116:A0000001",
        "right_key": "AR:500117:B0000001",
        "serving_dataset": "encounter",
        "dataset": "archive",
        "field_name": "phone",
        "regimen_text": "2HRZE/4HR",
        "inpatient_no": "ZY0000001",
        "batch_no": "202501001",
        "health_code": "示例健康码",
    }
)
"""Columns whose example must agree with others, or whose name does not tell what it holds."""

_BY_ENDING: tuple[tuple[str, str], ...] = (
    (r"org_codes?$", "5001160001"),
    (r"village_code$", "500116001001"),
    (r"town_code$", "500116001"),
    (r"(division|district|area|destination|successor)_codes?$", "500116"),
    (r"^parent_code$", "500000"),
    (r"(^|_)unit$", "500116"),
    (r"icd10$", "I10"),
    (r"phone$", "10000000001"),
    (r"org_name$|manufacturer_name$|department$", "示例机构"),
    (r"(town|village|division)_name$", "示例街道"),
    (r"name$", "程大江"),
    (r"address$|place$", "示例街道1号"),
    (r"_ids?$", "X0000001"),
)
"""Ending of a text column's name → example."""

_NUMBERS: Mapping[str, str] = MappingProxyType({"year": "2025", "age_from": "65", "age_to": "69"})


def example(dataset: Dataset, column: Column) -> str:
    """Return an example of a column as text: inside its ranges, a code of its value set, of its form.

    A row of examples is accepted without a remark; the examples of a key are one key.
    """
    if dataset.name == "division" and column.name == "name":
        return "示例区"
    if column.name in _BY_NAME:
        return _BY_NAME[column.name]
    if column.value_set:
        return next(iter(value_set(column.value_set)))
    if column.type == "date":
        return _DATE
    if column.type == "timestamp":
        return _MOMENT
    if column.type == "boolean":
        return "是"
    if column.type in ("integer", "decimal"):
        return _NUMBERS.get(column.name) or _number(column)
    for ending, text in _BY_ENDING:
        if re.search(ending, column.name):
            return text
    return "示例文字"


def _number(column: Column) -> str:
    """A value inside the usual range, else the possible one: in its geometric middle, as measurements lie."""
    low = column.soft_min if column.soft_min is not None else column.hard_min or 0.0
    high = column.soft_max if column.soft_max is not None else column.hard_max
    if high is None:
        high = low + 20
    middle = math.sqrt(low * high) if low > 0 else (low + high) / 2
    return str(round(middle)) if column.type == "integer" or high - low > 10 else f"{middle:.1f}"

"""The indicator registry, its copy in the macros, and the unit tests of every outcome column agree.

What the indicators compute is tested by the dbt unit tests themselves.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
OUTCOMES = {"PASS", "FAIL", "NOT_EVALUABLE", "NOT_APPLICABLE"}
KINDS = {"count", "rate", "population", "population_elderly"}
# Everybody ever registered is counted: the column has no other side.
ONE_SIDED = {("indicator_person", "sta_1")}


def registry() -> list[dict[str, str]]:
    """Rows of seeds/indicators.csv."""
    with (PROJECT / "seeds" / "indicators.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def macro_entries() -> list[dict[str, str]]:
    """Entries of indicator_registry() in macros/indicators.sql."""
    text = (PROJECT / "macros" / "indicators.sql").read_text(encoding="utf-8")
    body = text.split("macro indicator_registry()")[1].split("{% endmacro %}")[0]
    return [
        dict(re.findall(r"'(\w+)': '([^']*)'", line))
        for line in body.splitlines()
        if "'indicator_id'" in line
    ]


@cache
def expected_outcomes() -> dict[tuple[str, str], set[str]]:
    """Outcomes that unit tests expect: (table, column) → set of outcomes."""
    found: dict[tuple[str, str], set[str]] = {}
    for file in sorted((PROJECT / "models" / "indicators").glob("*.yml")):
        document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        for test in document.get("unit_tests", []):
            for row in test["expect"]["rows"]:
                for column, value in row.items():
                    if value in OUTCOMES:
                        found.setdefault((test["model"], column), set()).add(value)
    return found


ROWS = registry()
IDS = [f"{row['indicator_id']} {row['variant']}".strip() for row in ROWS]


def test_the_registry_and_the_macro_are_the_same_list() -> None:
    names = ("indicator_id", "variant", "table_name", "column_name", "kind")
    assert [{name: row[name] for name in names} for row in ROWS] == macro_entries()


def test_no_indicator_stands_twice() -> None:
    assert len(set(IDS)) == len(IDS)
    columns = [(row["table_name"], row["column_name"]) for row in ROWS]
    assert len(set(columns)) == len(columns)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_texts_are_complete(row: dict[str, str]) -> None:
    assert row["kind"] in KINDS
    assert row["indicator_name"] and row["numerator_text"] and row["article"] and row["valid_from"]
    assert bool(row["denominator_text"]) == (row["kind"] != "count")
    assert row["attributed_role_code"] in {"managing", "serving", "deciding"}
    assert row["period_kinds"] in {"year", "year+month"}


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_both_sides_of_the_boundary_are_tested(row: dict[str, str]) -> None:
    column = (row["table_name"], row["column_name"])
    outcomes = expected_outcomes().get(column, set())
    assert "PASS" in outcomes, f"no unit test of {column} expects PASS"
    if column in ONE_SIDED:
        return
    other = {"FAIL", "NOT_APPLICABLE"} if row["kind"] == "count" else {"FAIL"}
    assert outcomes & other, f"no unit test of {column} expects the other side"


def test_every_outcome_column_is_registered() -> None:
    registered = {(row["table_name"], row["column_name"]) for row in ROWS}
    assert {column for column in expected_outcomes() if column[0].startswith("indicator_")} <= registered

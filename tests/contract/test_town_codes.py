"""A township code means nothing without its code system: wherever one stands, the system stands beside it (§4.5).

Not here: what the codes are (test_reference_seeds.py).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from pipelines.contract.model import datasets

DBT = Path(__file__).resolve().parents[2] / "dbt_project"

WITHOUT_SYSTEM = {("population_index", "residence_town_code")}
"""The contract gives no system for the population database; nothing may be joined on it."""


@pytest.mark.parametrize("name", sorted(datasets()))
def test_a_delivered_township_code_comes_with_its_system(name: str) -> None:
    columns = datasets()[name].by_name
    for column in columns:
        if column.endswith("town_code") and (name, column) not in WITHOUT_SYSTEM:
            assert f"{column}_system" in columns


def marts() -> dict[str, list[str]]:
    found = {}
    for path in sorted((DBT / "models" / "marts").glob("_*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            found[model["name"]] = [column["name"] for column in model.get("columns", [])]
    return found


def test_a_published_township_code_comes_with_its_system() -> None:
    published = marts()
    assert len(published) > 20
    bare = [
        (mart, column)
        for mart, columns in published.items()
        for column in columns
        if column.endswith("town_code") and f"{column}_system_code" not in columns
    ]
    assert bare == []
    assert "code_system_code" in published["dim_division"]


def test_no_model_joins_on_a_township_code_alone() -> None:
    """Every join condition on a township code compares the code system as well."""
    joined = re.compile(r"\b\w*\.?\w*town_code\s*=|=\s*\w*\.?\w*town_code\b")
    alone = []
    for path in sorted((DBT / "models").rglob("*.sql")):
        for clause in re.split(r"\bjoin\b", path.read_text(encoding="utf-8"))[1:]:
            condition = re.split(r"\b(?:where|group by|select)\b", clause)[0]
            if joined.search(condition) and "code_system" not in condition:
                alone.append(path.name)
    assert alone == []

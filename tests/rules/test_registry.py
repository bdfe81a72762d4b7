"""The rule registry against the rule models, their unit tests, the reasons and the parameters.

Verdicts themselves are tested in dbt, beside the models (test_*.yml).
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
MODELS = PROJECT / "models" / "rules"
CASE = re.compile(r"\bcase\b(?P<body>(?:(?!\bend as\b).)*?)\bend\s+as\s+(?P<column>\w+)", re.DOTALL)
VERDICT = re.compile(r"'((?:PASS|FAIL|NOT_EVALUABLE|NOT_APPLICABLE)(?::\w+)?)'")
OUTCOMES = {"PASS", "FAIL", "NOT_EVALUABLE", "NOT_APPLICABLE"}


def seed(name: str) -> list[dict[str, str]]:
    """Rows of a seed."""
    with (PROJECT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sql(model: str) -> str:
    """Text of a model of the rules layer."""
    return (MODELS / f"{model}.sql").read_text(encoding="utf-8")


def listed(model: str, variable: str) -> list[str]:
    """The texts of a list that a model sets."""
    found = re.search(rf"{{% set {variable} = \[(.*?)\] %}}", sql(model), re.DOTALL)
    return re.findall(r"'(\w+)'", found[1]) if found else []


def verdicts(model: str) -> dict[str, set[str]]:
    """Column → what its case expression can say ('FAIL:OVERDUE', 'PASS'), helper columns included."""
    text = sql(model)
    for loop in re.findall(r"{%- for code in (\w+) %}(.*?){%- endfor %}", text, re.DOTALL):
        name, body = loop
        expanded = "".join(body.replace("{{ code }}", code) for code in listed(model, name))
        text = text.replace(f"{{%- for code in {name} %}}{body}{{%- endfor %}}", expanded)
    said: dict[str, set[str]] = {}
    blocks: dict[str, str] = {}
    for block in CASE.finditer(text):
        blocks[block["column"]] = block["body"]
        said[block["column"]] = set(VERDICT.findall(block["body"]))
    for _ in range(3):  # a helper may lean on a helper
        for column, body in blocks.items():
            for helper in blocks:
                if helper != column and re.search(rf"then\s+\w+\.{helper}\b|else \w+\.{helper}\b", body):
                    renamed = re.search(rf"\b{helper} like 'FAIL:%'", body)  # its failures get another name
                    said[column] |= {
                        verdict
                        for verdict in said[helper]
                        if not (renamed and "FAIL:" in verdict) and not verdict.endswith(":OTHER_KIND")
                    }
    return said


def columns(model: str) -> set[str]:
    """Names that the last select of a model gives out, the outcome columns not among them."""
    last = sql(model).rsplit("\nselect\n", 1)[1]
    return set(re.findall(r"\bas (\w+)\b", last)) | set(re.findall(r"^\s*\w+\.(\w+),?$", last, re.MULTILINE))


def unit_tests() -> list[dict[str, Any]]:
    """Every unit test of the layer."""
    found = []
    for path in sorted(MODELS.glob("test_*.yml")):
        found += yaml.safe_load(path.read_text(encoding="utf-8"))["unit_tests"]
    return found


RULES = seed("rules")
REASONS = {row["reason_code"]: row for row in seed("reasons")}
TABLES = sorted({row["table_name"] for row in RULES})
EXPECTED: dict[tuple[str, str], set[str]] = defaultdict(set)
for one in unit_tests():
    for expected in one["expect"]["rows"]:
        for name, value in expected.items():
            if value in OUTCOMES:
                reason = expected.get(f"{name}_reason")
                EXPECTED[one["model"], name].add(f"{value}:{reason}" if reason else value)

identify = [f"{row['rule_id']}-{row['table_name']}" for row in RULES]


def test_a_rule_stands_once_per_table() -> None:
    keys = [(row["rule_id"], row["table_name"], row["valid_from"]) for row in RULES]
    assert len(keys) == len(set(keys))
    assert len({(row["table_name"], row["column_name"], row["valid_from"]) for row in RULES}) == len(RULES)


@pytest.mark.parametrize("table", TABLES)
def test_registry_and_model_name_the_same_rules(table: str) -> None:
    registered = [row["column_name"] for row in RULES if row["table_name"] == table]
    assert sorted(listed(table, "rules")) == sorted(registered)


def test_no_rule_model_is_outside_the_registry() -> None:
    models = {path.stem for path in MODELS.glob("rule_*.sql")} - {"rule_outcome_count"}
    assert sorted(models) == TABLES
    for reader in ("finding", "rule_outcome_count"):
        assert sorted(re.findall(r"'(rule_\w+)': ref\('\1'\)", sql(reader))) == TABLES


@pytest.mark.parametrize("row", RULES, ids=identify)
def test_column_is_named_after_its_rule_and_described(row: dict[str, str]) -> None:
    assert row["column_name"] == row["rule_id"].lower().replace("-", "_")
    described = yaml.safe_load((MODELS / "_rules.yml").read_text(encoding="utf-8"))["models"]
    model = next(entry for entry in described if entry["name"] == row["table_name"])
    names = {column["name"]: column["description"] for column in model["columns"]}
    assert row["rule_name"] in names[row["column_name"]]
    assert f"{row['column_name']}_reason" in names


@pytest.mark.parametrize("row", RULES, ids=identify)
def test_rule_has_cases_on_every_side(row: dict[str, str]) -> None:
    """PASS and FAIL, and every reason the model can give is expected in some unit test."""
    expected = EXPECTED[row["table_name"], row["column_name"]]
    assert "PASS" in expected
    assert any(verdict.startswith("FAIL:") for verdict in expected)
    assert any(verdict.startswith("NOT_") for verdict in expected)
    assert verdicts(row["table_name"])[row["column_name"]] - expected == set()


@pytest.mark.parametrize("row", RULES, ids=identify)
def test_registry_row_is_readable_and_usable(row: dict[str, str]) -> None:
    given = columns(row["table_name"])
    assert row["event_date_column"] in given
    assert not row["boundary_column"] or row["boundary_column"] in given
    role = row["attributed_role_code"]
    assert role == "none" or {f"{role}_org_code", f"{role}_district_code"} <= given
    assert row["severity_code"] in {"ERROR", "WARN", "INFO"}
    assert date.fromisoformat(row["valid_from"])
    for column in ("article", "rule_name", "rule_text", "message_template"):
        assert re.search("[一-鿿]", row[column])
        assert "'" not in row[column]
    named = {column for column in row["message_columns"].split("|") if column}
    assert named <= given
    said = verdicts(row["table_name"])[row["column_name"]]
    codes = {verdict.split(":")[1] for verdict in said if verdict.startswith("FAIL:")}
    for sentence in [row["message_template"], *(REASONS[code]["message_template"] for code in codes)]:
        assert set(re.findall(r"{(\w+)}", sentence)) <= named, sentence
        assert not sentence or sentence.endswith("。")
    assert {code for code in row["unattributed_codes"].split("|") if code} <= codes


def test_reasons_are_those_that_the_models_give() -> None:
    given: dict[str, set[str]] = defaultdict(set)
    for row in RULES:
        for verdict in verdicts(row["table_name"])[row["column_name"]]:
            outcome, _, code = verdict.partition(":")
            assert (outcome == "PASS") == (not code), verdict
            if code:
                given[code].add(outcome)
    assert {code: "|".join(sorted(outcomes)) for code, outcomes in given.items()} == {
        code: "|".join(sorted(row["outcome_codes"].split("|"))) for code, row in REASONS.items()
    }


def test_messages_hold_dates_only() -> None:
    for row in [*RULES, *REASONS.values()]:
        for placeholder in re.findall(r"{(\w+)}", row["message_template"]):
            assert placeholder.endswith("_date"), row


PARAMETERS = seed("parameters")
TYPES = {"integer": "bigint", "decimal": "double", "text": "varchar", "boolean": "boolean", "date": "date"}


def test_parameter_period_holds_every_parameter_with_its_type() -> None:
    text = (PROJECT / "models" / "staging" / "parameter_period.sql").read_text(encoding="utf-8")
    declared = dict(re.findall(r"'(\w+)': '(\w+)'", text.split("%}")[0]))
    assert declared == {row["parameter"]: TYPES[row["value_type"]] for row in PARAMETERS}


def test_parameters_are_valid_without_gap() -> None:
    periods: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in PARAMETERS:
        value = row["value"]
        if value:
            checks = {
                "integer": lambda text: int(text),
                "decimal": lambda text: float(text),
                "date": date.fromisoformat,
                "boolean": lambda text: {"true": True, "false": False}[text],
                "text": str,
            }
            checks[row["value_type"]](value)
        assert re.search("[一-鿿]", row["description"]), row["parameter"]
        assert row["source_rule"] and row["mark"] in {"V", "M", "D", "T"}
        # a profile takes over from a day on; its rows follow each other like those of the one before
        of = f"{row['parameter']} {row['profile']}"
        periods[of].append((row["valid_from"], row["valid_to"] or "9999-12-31"))
    for name, spans in periods.items():
        spans.sort()
        assert spans[-1][1] == "9999-12-31", name
        assert all(a[1] == b[0] for a, b in itertools.pairwise(spans)), name


def test_every_parameter_that_a_model_reads_exists() -> None:
    known = {row["parameter"] for row in PARAMETERS} | {"valid_from", "valid_to"}
    for path in (PROJECT / "models").rglob("*.sql"):
        text = path.read_text(encoding="utf-8")
        if "ref('parameter_period')" in text:
            for alias in set(re.findall(r"ref\('parameter_period'\) }} as (\w+)", text)):
                assert set(re.findall(rf"\b{alias}\.(\w+)", text)) <= known, path.name

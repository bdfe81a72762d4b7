"""The parameters against the rulebook's table, their profiles, and the targets that nobody but the admin sets.

Not here: how a period gets its values (unit tests of parameter_period beside the models).
"""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from pipelines.contract.model import datasets

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
BASE, LATER = "SPEC2017", "WST872_2025"


def seed(name: str) -> list[dict[str, str]]:
    """Rows of a seed."""
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = seed("parameters")
FIRST = {row["parameter"]: row for row in reversed(ROWS) if row["profile"] != LATER}


@pytest.mark.parametrize(
    ("parameter", "value", "unit", "article"),
    [
        ("rules_effective_from", "2024-11-15", "", "ART-30"),
        ("residence_mode", "months", "", "ART-7a"),
        ("residence_min", "6", "月", "ART-7a"),
        ("residence_min_days", "183", "日", "ART-7a"),
        ("service_entry_days", "5", "日", "A1-3-2"),
        ("paper_entry_days", "5", "日", "A1-2-7"),
        ("upload_lag_days", "1", "日", "ART-11"),
        ("transfer_confirm_days", "7", "日", "A1-4-3-1"),
        ("transfer_protect_days", "180", "日", "A1-4-3-6"),
        ("strict_180", "false", "", "A1-4-3-6"),
        ("protect_basis", "success", "", "A1-4-3-6"),
        ("transfer_protect_intra", "", "", "A1-4-3-6"),
        ("lost_min", "12", "月", "A1-6-1-1"),
        ("death_entry", "1", "月", "A1-6-1-2a"),
        ("moved_out_min", "12", "月", "A1-6-1-3"),
        ("retention_years", "15", "年", "A1-6-2-4"),
        ("signed_contact", "1", "次/半年", "A1-3-4"),
        ("newborn_id_grace", "3", "月", "A1-2-4"),
        ("restricted_review", "1", "次/年", "A2-7"),
        ("dynamic_window", "12", "月", "N-ARC-3"),
        ("pia_bulk_threshold", "10000", "人", "A1-7-2b"),
        ("holiday_rollover", "false", "", "ART-30"),
        ("k_by_model", "public:21|controlled:5|enclave:3", "", "ART-17"),
        ("small_cell_min", "5", "人", "ART-17"),
    ],
)
def test_every_parameter_of_the_rulebook_has_its_default(
    parameter: str, value: str, unit: str, article: str
) -> None:
    found = FIRST[parameter]
    assert (found["value"], found["unit"], found["source_rule"]) == (value, unit, article)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['parameter']}-{row['valid_from']}")
def test_a_parameter_tells_since_when_whence_and_in_what_unit(row: dict[str, str]) -> None:
    assert date.fromisoformat(row["valid_from"])
    assert not row["valid_to"] or row["valid_to"] > row["valid_from"]
    assert row["source_rule"] and row["description"]
    assert row["unit"] or row["value_type"] != "integer"


def test_periods_of_a_parameter_do_not_overlap() -> None:
    periods: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for row in ROWS:
        of = (row["parameter"], row["profile"])
        periods[of].append((row["valid_from"], row["valid_to"] or "9999-12-31"))
    for of, found in periods.items():
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(found))), of


def test_the_specification_of_2017_is_the_profile_in_use() -> None:
    assert FIRST["service_profile"]["value"] == BASE
    assert {row["profile"] for row in ROWS} == {"", BASE, LATER}
    for name in ("bp_sbp_limit", "fpg_limit", "followup_required_count", "exam_core_columns", "elderly_age"):
        assert FIRST[name]["profile"] == BASE, name


def test_the_standard_of_2025_has_a_row_for_each_of_them_from_its_day_still_to_be_filled() -> None:
    base = {row["parameter"]: row for row in ROWS if row["profile"] == BASE}
    later = {row["parameter"]: row for row in ROWS if row["profile"] == LATER}
    assert later.keys() == base.keys()
    for name, row in later.items():
        assert row["valid_from"] >= "2026-03-01", name
        assert (row["unit"], row["value_type"]) == (base[name]["unit"], base[name]["value_type"]), name
        # a row that nobody has compared with the text says so and repeats 2017
        assert row["mark"] != "T" or (row["value"] == base[name]["value"] and "待填" in row["description"]), (
            name
        )


def test_only_public_health_services_are_due_within_five_days() -> None:
    """Rulebook §1.6 (27), (35)."""
    scope = set(FIRST["entry_scope"]["value"].split("|"))
    services = {name for name, one in datasets().items() if one.is_service}
    assert services - scope == {"encounter", "consultation", "referral", "vaccination"}
    assert scope <= services


def test_there_is_no_target_and_no_weight_but_what_an_admin_fills_in() -> None:
    assert seed("targets") == []
    header = (SEEDS / "targets.csv").read_text("utf-8").splitlines()[0].split(",")
    assert {"indicator_id", "target_rate", "weight", "valid_from", "valid_to", "source"} <= set(header)

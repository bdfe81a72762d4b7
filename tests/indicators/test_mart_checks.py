"""The blocking checks of the marts fail where they should, and only there.

That the marts pass them is judged by every run.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import jinja2
import pytest

TESTS = Path(__file__).resolve().parents[2] / "dbt_project" / "tests"
GOOD = [
    ("2025", "city", "500000", 5, 1),
    ("2025", "district", "500103", 2, 1),
    ("2025", "district", "500116", 3, 0),
    ("2025", "org", "A", 5, 0),
    ("2025", "org", "UNKNOWN", 0, 1),
]


def failures(rows: list[tuple], **arguments: object) -> int:
    """How many cells the check complains about."""
    text = (TESTS / "generic" / "levels_add_up.sql").read_text(encoding="utf-8")
    text = text.replace("{% test ", "{% macro test_").replace("{% endtest %}", "{% endmacro %}")
    module = jinja2.Environment(autoescape=False).from_string(text).make_module()
    sql = module.test_levels_add_up("figure", ["period"], ["numerator", "open"], **arguments)  # type: ignore[attr-defined]
    with duckdb.connect() as connection:
        connection.execute(
            "create table figure(period varchar, level varchar, code varchar, numerator int, open int)"
        )
        connection.executemany("insert into figure values (?, ?, ?, ?, ?)", rows)
        return len(connection.sql(sql).fetchall())


def test_equal_sums_pass() -> None:
    assert failures(GOOD) == 0


@pytest.mark.parametrize("number", range(len(GOOD)))
@pytest.mark.parametrize("measure", [3, 4])
def test_one_wrong_figure_is_found(number: int, measure: int) -> None:
    rows = [list(row) for row in GOOD]
    rows[number][measure] += 1
    assert failures([tuple(row) for row in rows]) == 1


def test_a_missing_level_is_found_unless_it_is_not_asked_for() -> None:
    without_orgs = [row for row in GOOD if row[1] != "org"]
    assert failures(without_orgs) == 1
    assert failures(without_orgs, levels=["city", "district"]) == 0


def test_a_condition_leaves_cells_out() -> None:
    assert failures([*GOOD, ("2024", "city", "500000", 1, 0)], where="period <> '2024'") == 0


def test_a_level_that_knows_nothing_of_a_cell_is_not_compared_with_it() -> None:
    without_districts = [(*row[:3], None, None) if row[1] == "district" else row for row in GOOD]
    assert failures(without_districts) == 1
    assert failures(without_districts, silent_level="district") == 0
    partly = [(*row[:3], None, None) if row[2] == "500103" else row for row in GOOD]
    assert failures(partly, silent_level="district") == 1


def singular(name: str, tables: dict[str, str]) -> list[tuple]:
    """Rows that a singular test returns over the given tables (name → select)."""
    template = jinja2.Environment(autoescape=False).from_string(
        (TESTS / "marts" / f"{name}.sql").read_text(encoding="utf-8")
    )
    sql = template.render(
        ref=lambda table: table,
        source=lambda _, table: table,
        config=lambda **_: "",
        year_of=lambda day: f"substring(cast({day} as varchar), 1, 4)",
        level_five_datasets=lambda: ["smi_followup"],
    )
    with duckdb.connect() as connection:
        for table, select in tables.items():
            connection.execute(f"create table {table} as {select}")
        return connection.sql(sql).fetchall()


PERSON_MARTS = (
    "dim_person_alias", "fct_archive", "fct_archive_status", "fct_manager_interval", "fct_transfer",
    "fct_termination", "fct_service_activity", "fct_followup", "fct_exam", "fct_finding",
)  # fmt: skip


@pytest.mark.parametrize("leaking", [None, *PERSON_MARTS])
def test_a_row_of_a_restricted_person_is_found(leaking: str | None) -> None:
    tables = {
        mart: f"select '{'restricted' if mart == leaking else 'open'}' as person_key, 'health_exam' as dataset"
        for mart in PERSON_MARTS
    }
    found = singular(
        "restricted_persons_have_no_row",
        tables | {"restricted_person": "select 'restricted' as person_key"},
    )
    assert found == ([(leaking, 1)] if leaking else [])


def test_a_form_of_a_level_5_disease_is_found_whoever_it_is_about() -> None:
    tables = dict.fromkeys(PERSON_MARTS, "select 'open' as person_key, 'health_exam' as dataset")
    tables["restricted_person"] = "select 'restricted' as person_key"
    tables["fct_service_activity"] = "select 'open' as person_key, 'smi_followup' as dataset"
    assert singular("restricted_persons_have_no_row", tables) == [("fct_service_activity", 1)]


def test_every_mart_with_persons_is_checked() -> None:
    marts = TESTS.parent / "models" / "marts"
    with_persons = {file.stem for file in marts.glob("*.sql") if " as person_key" in file.read_text()}
    assert with_persons == set(PERSON_MARTS)


@pytest.mark.parametrize(("counted", "wrong"), [(2, 0), (1, 1), (3, 1)])
def test_a_managed_person_too_many_or_too_few_is_found(counted: int, wrong: int) -> None:
    found = singular(
        "managed_persons_agree",
        {
            "run_context": "select date '2026-06-30' as as_of_date",
            "person_state": "select 'A' as managing_org_code, "
            "unnest(['MANAGED', 'MANAGED', 'DEAD']) as status_code",
            "mart_indicator": "select 'ARC-1' as indicator_id, 'org' as level, "
            f"'2026' as period, 'A' as code, date '2026-06-30' as as_of_date, {counted} as numerator_count",
        },
    )
    assert len(found) == wrong

"""What the dbt macros assume of the contract and of GB 11643, checked where Python can see both sides.

Not here: the models' own cases (dbt unit tests beside the models).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import jinja2
import pytest

from pipelines.contract import model

MACROS = Path(__file__).resolve().parents[2] / "dbt_project" / "macros"


def listed(macro: str) -> set[str]:
    """The dataset names that a macro of datasets.sql returns, others' lists included."""
    source = (MACROS / "datasets.sql").read_text(encoding="utf-8")
    body = source.split(f"macro {macro}(")[1].split("endmacro")[0]
    names = set(re.findall(r"'(\w+)'", body))
    return names | (listed("service_datasets") if "service_datasets()" in body else set())


def test_every_dataset_with_services_is_read_as_services() -> None:
    assert listed("service_datasets") == {name for name, one in model.datasets().items() if one.is_service}


def test_every_dataset_that_names_persons_is_resolved() -> None:
    named = {name for name, one in model.datasets().items() if one.has_person}
    assert listed("person_datasets") == named - {"archive"}


def test_forms_in_person_are_services() -> None:
    assert listed("in_person_datasets") < listed("service_datasets")


def test_the_forms_kept_out_of_marts_are_those_at_level_five_throughout() -> None:
    assert listed("level_five_datasets") == {
        name
        for name, one in model.datasets().items()
        if one.is_service and {column.level for column in one.columns} == {5}
    }


def rendered(macro: str, *arguments: str) -> str:
    """A macro of engine.sql or identity.sql as DuckDB gets it."""

    class Adapter:
        """dbt's dispatch, reduced to the default implementation."""

        def dispatch(self, name: str, _package: str) -> Callable[..., str]:
            return lambda *given: getattr(loaded, f"default__{name}")(*given)

    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    source = "\n".join((MACROS / name).read_text(encoding="utf-8") for name in ("engine.sql", "identity.sql"))
    source = source.replace("ref(", "str(").replace("source(", "str(")
    loaded = environment.from_string(
        source, globals={"adapter": Adapter(), "return": lambda value: value, "str": str}
    ).module
    return str(getattr(loaded, macro)(*arguments))


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("512121500131001", "ID:512121195001310011"),
        ("512122198001010027", "ID:512122198001010027"),
        (" 51212319550615001x ", "ID:51212319550615001X"),
        ("p500000001", "BC:P500000001"),
        ("5121215001310", None),
        ("PASSPORT1", None),
    ],
)
def test_a_stated_number_becomes_its_key(written: str, key: str | None) -> None:
    sql = rendered("key_of_number", f"'{written}'")
    assert duckdb.sql(f"select {sql}").fetchone() == (key,)


def clipped(start: date, months: int) -> date:
    """The corresponding day months later, else the last day of that month (Civil Code 202)."""
    index = start.year * 12 + start.month - 1 + months
    following = date((index + 1) // 12, (index + 1) % 12 + 1, 1)
    return date(index // 12, index % 12 + 1, min(start.day, (following - timedelta(days=1)).day))


def test_months_and_years_follow_the_civil_code() -> None:
    days = [date(2023, 12, 1) + timedelta(days=n) for n in range(0, 430)]
    connection = duckdb.connect()
    connection.execute("create table pair (from_date date, to_date date, months integer)")
    rows = [
        (day, day + timedelta(days=gap), months)
        for day in days[::3]
        for gap in (0, 27, 28, 30, 59, 365, 366)
        for months in (1, 6, 12)
    ]
    connection.executemany("insert into pair values (?, ?, ?)", rows)
    found = connection.execute(
        f"select from_date, to_date, months, {rendered('add_months', 'from_date', 'months')}, "
        f"{rendered('full_months', 'from_date', 'to_date')}, {rendered('full_years', 'from_date', 'to_date')}, "
        f"{rendered('days_between', 'from_date', 'to_date')} from pair"
    ).fetchall()
    for start, end, months, later, whole_months, whole_years, gap in found:
        assert later == clipped(start, months)
        assert clipped(start, whole_months) <= end < clipped(start, whole_months + 1)
        assert whole_years == whole_months // 12
        assert gap == (end - start).days

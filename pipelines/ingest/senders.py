"""Who may send which dataset and which row (contract §1 "Who sends what").

Not here: whose a record is once it is accepted (the dbt project).

`org`, `catchment` and `restricted_list` come from the city or from the unit concerned. Whom a row concerns is
read from the row alone, since what other deliveries say would make the verdict depend on their order:

- `org`: the row's own `district_code`, which is the code of a reporting unit.
- `catchment`: the district in the first six digits of `village_code`. Villages of a functional area carry the
  code of the district around it, so its rows are not judged; nor is the institution, whose code names none.
- `restricted_list`: nothing in the row names a district, so only the dataset's sender is judged.

A code that is no district of the city, or empty, says nothing and is left to the rules. A district and those
it came from or went into stand for each other: a reform moves institutions together with their history.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import polars as pl

from pipelines.contract import model
from pipelines.contract.model import Dataset

CODE = "ROW_NOT_OF_UNIT"
_DISTRICT_DIGITS = 6

_CONCERNED: Mapping[str, str] = MappingProxyType({"org": "district_code", "catchment": "village_code"})
"""Dataset → the column that begins with the code of the district concerned."""


def may_send(unit: str, dataset: Dataset) -> bool:
    """Whether a unit may send a dataset at all."""
    if unit == model.CITY_UNIT:
        return dataset.senders in ("city", "city_or_unit")
    return dataset.senders in ("unit", "city_or_unit")


def foreign_rows(content: pl.DataFrame, dataset: Dataset, unit: str) -> dict[str, pl.Series]:
    """Flag rows that concern another unit than the sending one: `CODE:column` → boolean series.

    Empty when the sender may speak of everybody, when the row does not tell, or when no row is foreign.
    """
    column = _CONCERNED.get(dataset.name)
    if column is None or unit == model.CITY_UNIT:
        return {}
    if dataset.name == "catchment" and unit in _functional_areas():
        return {}
    foreign = sorted(model.reference_units() - _standing_for(unit))
    district = pl.col(column).str.slice(0, _DISTRICT_DIGITS)
    flag = content.select(district.is_in(foreign).fill_null(False).alias("foreign"))["foreign"]
    return {f"{CODE}:{column}": flag} if flag.any() else {}


@cache
def _functional_areas() -> frozenset[str]:
    rows = _seed("divisions.csv")
    return frozenset(row["division_code"] for row in rows if row["kind_code"] == "functional")


@cache
def _standing_for(unit: str) -> frozenset[str]:
    """The unit, the districts whose area came to it and those that took area over from it."""
    moves = {(row["old_district_code"], row["new_district_code"]) for row in _seed("division_successors.csv")}
    from_here = {new for old, new in moves if old == unit}
    return frozenset({unit} | from_here | {old for old, new in moves if new == unit})


def _seed(name: str) -> list[dict[str, str]]:
    with model.DIVISIONS_SEED.with_name(name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))

"""Planted stories whose facts are read back from the delivered rows: returns, deaths.

Not here: that every story is planted and every line names a delivered record (test_city_truth.py).
"""

from __future__ import annotations

import polars as pl

from tests.synth.conftest import City
from tests.synth.test_city_truth import day_of


def test_planted_returns(flawed_city: City) -> None:
    ended = {
        (row["unit_"], row["district_archive_id"]): row
        for row in flawed_city.current("termination").to_dicts()
    }
    visits = {
        (unit, record): day_of(served)
        for unit, record, served in flawed_city.current("encounter")
        .select("unit_", "record_id", "service_date")
        .rows()
    }
    early = flawed_city.planted_rows("A1-6-2-2", "CONTACT_OUT_OF_ORDER", "reactivation").to_dicts()
    assert early
    for row in early:
        archived = day_of(ended[row["unit"], row["district_archive_id"]]["archived_at"])
        assert day_of(row["contact_date"]) < archived < visits[row["unit"], row["service_record_id"]]
    needless = flawed_city.planted_rows("A1-6-2-2", "NOT_TERMINATED", "reactivation")
    assert needless.height > 0
    assert not set(needless.select("unit", "district_archive_id").rows()) & ended.keys()


def test_planted_deaths_without_a_date(flawed_city: City) -> None:
    rows = flawed_city.planted_rows("A1-6-2-3", "DEAD_WITHOUT_DATE", "termination")
    assert rows["death_date"].null_count() == rows.height > 0
    assert rows.select("entered_at", "cause_text", "cause_icd10").null_count().sum_horizontal().item() == 0
    dated = flawed_city.current("termination").filter(
        (pl.col("kind_code") == "DEAD") & pl.col("entered_at").is_not_null() & pl.col("death_date").is_null()
    )
    assert set(dated["termination_id"]) == set(rows["record_key"])

"""Expected figures hang together: the city is the sum of its districts, counts agree with other tables."""

from __future__ import annotations

import polars as pl
import pytest

from tests.synth.conftest import City

_POPULATION_BASED = ("N-ARC-1", "N-ARC-2", "N-ELD-1")


@pytest.fixture(params=["clean_city", "flawed_city"])
def figures(request: pytest.FixtureRequest) -> pl.DataFrame:
    city: City = request.getfixturevalue(request.param)
    return city.truth("indicators").with_columns(
        pl.col("numerator_count", "denominator_count").cast(pl.Int64), pl.col("variant").fill_null("")
    )


def test_city_is_the_sum_of_districts(figures: pl.DataFrame) -> None:
    keys = ["indicator_id", "variant", "period"]
    values = ["numerator_count", "denominator_count"]
    city = figures.filter(pl.col("level") == "city").select(*keys, *values).sort(keys)
    districts = (
        figures.filter(pl.col("level") == "district").group_by(keys).agg(pl.col(values).sum()).sort(keys)
    )
    joined = city.join(districts, on=keys, suffix="_sum")
    assert joined.height == city.height
    assert (joined["numerator_count"] == joined["numerator_count_sum"]).all()
    rated = joined.filter(pl.col("denominator_count").is_not_null())
    assert (rated["denominator_count"] == rated["denominator_count_sum"]).all()


def test_numerators_fit_into_denominators(figures: pl.DataFrame) -> None:
    rates = figures.filter(
        pl.col("denominator_count").is_not_null() & ~pl.col("indicator_id").is_in(_POPULATION_BASED)
    )
    assert (rates["numerator_count"] <= rates["denominator_count"]).all()


def test_every_figure_is_there(figures: pl.DataFrame) -> None:
    expected = {f"ARC-{number}" for number in (1, 2, 3, 4, 5, "6a", "6b")}
    expected |= {f"STA-{number}" for number in (1, 2, 3, 4)} | {f"TRF-{number}" for number in (1, 2, 3, 4)}
    expected |= {
        "UPD-1",
        "N-ARC-1",
        "N-ARC-2",
        "N-ARC-3",
        "N-HTN-2",
        "N-HTN-3",
        "N-DM-2",
        "N-DM-3",
        "N-ELD-1",
    }
    assert set(figures["indicator_id"]) == expected
    assert set(figures["period"]) == {"2025", "2026"}


def value(city: City, indicator: str, period: str, column: str, variant: str = "") -> int:
    """One city-level figure."""
    table = city.truth("indicators").with_columns(pl.col("variant").fill_null(""))
    row = table.filter(
        (pl.col("indicator_id") == indicator)
        & (pl.col("period") == period)
        & (pl.col("variant") == variant)
        & (pl.col("level") == "city")
    )
    return int(row[column].item())


def test_status_figures_agree_with_the_status_table(clean_city: City) -> None:
    status = clean_city.truth("status")["recorded_status_code"].value_counts()
    for code, count in status.rows():
        assert value(clean_city, "STA-1", "2026", "numerator_count", code) == count
    assert value(clean_city, "ARC-1", "2026", "numerator_count") == dict(status.rows())["MANAGED"]
    assert value(clean_city, "ARC-3", "2026", "numerator_count") == 0


def test_clean_rates_are_whole(clean_city: City) -> None:
    for indicator in ("STA-2", "STA-3", "STA-4", "UPD-1", "TRF-1", "ARC-2", "ARC-6a", "ARC-6b"):
        for period in ("2025", "2026"):
            assert value(clean_city, indicator, period, "numerator_count") == value(
                clean_city, indicator, period, "denominator_count"
            ), indicator


def test_planted_events_lower_their_rates(flawed_city: City) -> None:
    def missing(indicator: str) -> int:
        return sum(
            value(flawed_city, indicator, period, "denominator_count")
            - value(flawed_city, indicator, period, "numerator_count")
            for period in ("2025", "2026")
        )

    lines = flawed_city.truth("violations").filter(pl.col("is_violation") == "true")
    counted = dict(lines.group_by("rule_id").len().rows())
    assert missing("STA-2") == counted["A1-6-1-2a"]
    assert missing("STA-3") == counted["A1-6-1-1"]
    assert missing("STA-4") == counted["A1-6-1-3"]
    assert missing("UPD-1") == counted["A1-3-2"]
    assert missing("TRF-1") == counted["A1-4-3-1a"]
    assert missing("ARC-6a") >= counted["A1-1-3"]
    protection = sum(value(flawed_city, "TRF-4", period, "numerator_count") for period in ("2025", "2026"))
    assert protection == counted["A1-4-3-6"]


def test_population_counts_the_residents(clean_city: City) -> None:
    population = clean_city.current("population").with_columns(pl.col("resident_count").cast(pl.Int64))
    index = clean_city.current("population_index").filter(pl.col("is_resident") == "1")
    last = population.filter((pl.col("year") == "2026") & (pl.col("area_code") == "500000"))
    # A child born within the last days is counted before the population database knows it.
    assert abs(int(last["resident_count"].sum()) - index.height) <= 5
    towns = population.filter(pl.col("area_code").str.len_chars() == 9)
    for year in ("2025", "2026"):
        whole = population.filter((pl.col("year") == year) & (pl.col("area_code") == "500000"))
        parts = towns.filter(pl.col("year") == year)
        assert int(whole["resident_count"].sum()) == int(parts["resident_count"].sum())

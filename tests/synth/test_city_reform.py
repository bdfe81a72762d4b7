"""The reform of 2026 in a city of all 41 units: who delivers when, and how archives go on under successors."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from pipelines.synth.city import generate
from pipelines.synth.places import choose_units
from tests.synth.conftest import City

_ABOLISHED = {"500105", "500112", "500132"}


@pytest.fixture(scope="module")
def whole_city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """All units around the turn of the year."""
    root = tmp_path_factory.mktemp("reform")
    first, last = date(2025, 11, 30), date(2026, 2, 28)
    return City(root, generate(root, residents=1500, units=41, first=first, last=last, seed=8, defects=0.02))


@pytest.fixture(scope="module")
def archives(whole_city: City) -> pl.DataFrame:
    """Every delivered archive row with its unit."""
    return pl.concat(
        frame.with_columns(unit=pl.lit(manifest["unit"])) for manifest, frame in whole_city.files["archive"]
    )


def delivering(city: City, year: str) -> set[str]:
    """Districts that delivered in a year."""
    units = {manifest["unit"] for _, manifest in city.manifests() if manifest["sent_at"].startswith(year)}
    return units - {"500000"}


def test_41_units_deliver_until_2025_and_39_from_2026(whole_city: City) -> None:
    before, after = delivering(whole_city, "2025"), delivering(whole_city, "2026")
    assert (len(before), len(after)) == (41, 39)
    assert before - after == _ABOLISHED
    assert after - before == {"500157"}


def test_a_small_city_knows_nothing_of_the_reform() -> None:
    assert not {unit[:6] for unit in choose_units(38)} & (_ABOLISHED | {"500157"})
    assert len({unit[:6] for unit in choose_units(41)}) == 41


def test_every_archive_of_an_abolished_unit_goes_on_under_its_successor(archives: pl.DataFrame) -> None:
    held = archives.filter(pl.col("unit").is_in(list(_ABOLISHED)))
    taken = archives.filter(pl.col("unit").is_in(["500157", "500109"]))
    taken = taken.filter(pl.col("previous_district_archive_id").is_not_null())
    pairs = held.join(
        taken, left_on=["district_archive_id", "archive_no"],
        right_on=["previous_district_archive_id", "archive_no"], suffix="_new",
    )  # fmt: skip
    assert set(pairs["district_archive_id"]) == set(held["district_archive_id"])
    assert pairs.height > 50
    for name in ("name", "created_date", "manage_org_code", "birth_date"):
        assert (pairs[name] == pairs[f"{name}_new"]).all()
    assert (pairs["town_code"] != pairs["town_code_new"]).all()
    assert (
        not archives.select("unit", "district_archive_id", "name")
        .unique()
        .select("unit", "district_archive_id")
        .is_duplicated()
        .any()
    )


def test_townships_go_where_the_reform_sent_them(archives: pl.DataFrame) -> None:
    where = {
        (row["town_name"], row["unit"]) for row in archives.select("town_name", "unit").unique().to_dicts()
    }
    seen = {unit for town, unit in where if town in ("兴隆镇", "茨竹镇", "大湾镇", "统景镇", "大盛镇")}
    assert seen == {"500112", "500109"}
    assert {unit for town, unit in where if town == "水土镇"} <= {"500109", "500157"}


def test_institutions_have_a_second_period_under_the_successor(whole_city: City) -> None:
    orgs = whole_city.current("org")
    old = orgs.filter(pl.col("district_code").is_in(list(_ABOLISHED)))
    assert old.height > 0
    assert (old["valid_to"] == "2026-01-01").all()
    new = orgs.filter(pl.col("valid_from") == "2026-01-01")
    assert set(old["org_code"]) <= set(new["org_code"])
    assert set(new["district_code"]) == {"500157", "500109"}


def test_nothing_is_planted_where_the_reform_took_place(whole_city: City) -> None:
    lines = whole_city.truth("violations").filter(pl.col("is_violation") == "true")
    assert not set(lines["unit"]) & (_ABOLISHED | {"500157"})


def test_figures_name_the_districts_of_their_day(whole_city: City) -> None:
    figures = whole_city.truth("indicators").filter(pl.col("level") == "district")
    codes = set(figures.filter(pl.col("as_of_date") == "2026-02-28")["code"])
    assert len(codes) == 39
    assert "500157" in codes
    population = whole_city.current("population").filter(pl.col("year") == "2026")
    assert population.filter(pl.col("area_code").is_in(list(_ABOLISHED))).is_empty()
    assert population.filter(pl.col("area_code") == "500157")["resident_count"].cast(pl.Int64).sum() > 50

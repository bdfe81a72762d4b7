"""Reference seeds: divisions, successions, county prefixes, towns.

Not here: how the warehouse uses them.
"""

import csv
from datetime import date
from itertools import pairwise

import pytest

from pipelines.contract.model import DIVISIONS_SEED, reference_units

SEEDS = DIVISIONS_SEED.parent

DISTRICTS = (
    [f"5001{number:02d}" for number in range(1, 21)]
    + [f"5001{number}" for number in range(51, 57)]
    + [f"500{number}" for number in (229, 230, 231, 233, 235, 236, 237, 238)]
    + [f"50024{number}" for number in range(4)]
)


def rows(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def valid_on(day: date) -> set[str]:
    text = day.isoformat()
    return {
        row["division_code"]
        for row in rows("divisions")
        if row["level_code"] == "2"
        and row["is_reporting_unit"] == "1"
        and row["valid_from"] <= text
        and (not row["valid_to"] or text < row["valid_to"])
    }


def test_forty_one_units_on_the_day_of_the_regulation() -> None:
    assert valid_on(date(2024, 11, 15)) == {*DISTRICTS, "500131", "500132", "500133"}
    assert len(valid_on(date(2024, 11, 15))) == 41


def test_thirty_nine_units_after_the_reform() -> None:
    gone = {"500105", "500112", "500132"}
    assert valid_on(date(2025, 12, 31)) == {*DISTRICTS, "500131", "500132", "500133"}
    assert valid_on(date(2026, 1, 1)) == {*DISTRICTS, "500131", "500133", "500157"} - gone
    assert len(valid_on(date(2026, 1, 1))) == 39


def test_units_old_and_new_may_deliver() -> None:
    assert reference_units() == {"500000", *DISTRICTS, "500131", "500132", "500133", "500157"}


def test_a_code_is_never_two_divisions_on_one_day() -> None:
    periods: dict[str, list[tuple[str, str]]] = {}
    for row in rows("divisions"):
        periods.setdefault(row["division_code"], []).append(
            (row["valid_from"], row["valid_to"] or "9999-12-31")
        )
    for code, found in periods.items():
        found.sort()
        for before, after in pairwise(found):
            assert before[1] <= after[0], code
    assert len(periods["500110"]) == len(periods["500111"]) == 2


def test_successors_exist_and_only_the_abolished_have_them() -> None:
    known = {row["division_code"] for row in rows("divisions")}
    for row in rows("divisions"):
        assert bool(row["successor_codes"]) == bool(row["valid_to"]), row["division_code"]
        assert set(filter(None, row["successor_codes"].split("|"))) <= known


def test_five_towns_of_yubei_went_to_beibei() -> None:
    moved = {row["old_code"]: row["new_code"] for row in rows("division_successors")}
    assert {old: new for old, new in moved.items() if old.startswith("500112") and len(old) == 9} == {
        "500112113": "500109126",
        "500112115": "500109127",
        "500112117": "500109123",
        "500112121": "500109124",
        "500112123": "500109125",
    }
    assert moved["500105"] == moved["500112"] == moved["500132"] == "500157"


@pytest.mark.parametrize(
    "prefix",
    [f"51212{number}" for number in range(1, 9)]
    + ["512321", "810000", "820000", "830000", "500105", "500157", "510202", "510232", "510281", "510283"]
    + ["511481", "513525", "517081", "110105", "441900"],
)
def test_county_prefixes_of_any_edition_are_known(prefix: str) -> None:
    assert prefix in {row["prefix"] for row in rows("county_prefixes")}


def test_county_prefixes_are_six_digits_once_each() -> None:
    found = [row["prefix"] for row in rows("county_prefixes")]
    assert len(found) == len(set(found)) > 6000
    assert all(len(code) == 6 and code.isdigit() for code in found)
    assert not {"000000", "999999", "500000", "500100"} & set(found)


def test_every_district_is_a_known_prefix() -> None:
    functional = {"500131", "500132", "500133"}
    assert reference_units() - functional - {"500000"} <= {row["prefix"] for row in rows("county_prefixes")}


def test_towns_lie_in_known_divisions() -> None:
    found = rows("towns")
    assert len({(row["code_system"], row["town_code"]) for row in found}) == len(found)
    assert {row["code_system"] for row in found} == {"MCA", "HEALTH"}
    for row in found:
        assert row["town_code"].startswith(row["district_code"])
        assert row["district_code"] in reference_units()

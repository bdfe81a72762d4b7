"""Reference seeds: divisions, successions, county prefixes, towns.

Not here: how the warehouse uses them.
"""

import csv
from datetime import date
from itertools import pairwise

import pytest

from pipelines.contract.model import DIVISIONS_SEED, reference_units, unit_terms

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


def test_units_exist_from_their_first_day_to_the_day_before_their_end() -> None:
    assert len(reference_units(date(2025, 12, 31)) - {"500000"}) == 41
    assert len(reference_units(date(2026, 1, 1)) - {"500000"}) == 39
    assert unit_terms()["500105"] == (date(1997, 1, 1), date(2026, 1, 1))
    assert unit_terms()["500157"] == (date(2026, 1, 1), None)


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


REFORM = "2026-01-01"


def test_the_reform_has_one_day_and_it_is_the_default_of_the_parameter() -> None:
    (parameter,) = (row for row in rows("parameters") if row["parameter"] == "division_reform_date")
    assert {row["changed_on"] for row in rows("division_successors")} == {REFORM} == {parameter["value"]}
    abolished = {row["division_code"] for row in rows("divisions") if row["valid_to"] == REFORM}
    founded = {row["division_code"] for row in rows("divisions") if row["valid_from"] == REFORM}
    assert (abolished, founded) == ({"500105", "500112", "500132"}, {"500157"})


def test_three_districts_went_to_liangjiang_and_yubei_was_split() -> None:
    """Rulebook §4.5: 江北 whole, 渝北 but for five towns, the functional area; from 北碚 five streets and towns."""
    districts = {
        (row["old_code"], row["new_district_code"]): row["coverage_code"]
        for row in rows("division_successors")
        if len(row["old_code"]) == 6
    }
    assert districts == {
        ("500105", "500157"): "WHOLE",
        ("500132", "500157"): "WHOLE",
        ("500112", "500157"): "REMAINDER",
        ("500112", "500109"): "TOWNS",
        ("500109", "500157"): "TOWNS",
    }
    by_code = {row["division_code"]: row["successor_codes"].split("|") for row in rows("divisions")}
    for old, new in districts:
        assert new in by_code[old] or districts[old, new] == "TOWNS", old
    assert by_code["500112"] == ["500157", "500109"]


@pytest.mark.parametrize("system", ["MCA", "NBS", "HEALTH"])
def test_ten_towns_changed_hands_in_every_code_system(system: str) -> None:
    moved = {
        row["old_name"]: (
            row["old_district_code"],
            row["new_district_code"],
            row["new_code"],
            row["new_name"],
        )
        for row in rows("division_successors")
        if len(row["old_code"]) == 9 and row["code_system"] == system
    }
    new_code = {"兴隆镇": 126, "茨竹镇": 127, "大湾镇": 123, "统景镇": 124, "大盛镇": 125}
    for name, number in new_code.items():
        # the statistics bureau has published no codes since the reform
        assert moved.pop(name) == ("500112", "500109", "" if system == "NBS" else f"500109{number}", name)
    assert {(old, new) for old, new, _, _ in moved.values()} == {("500109", "500157")}
    names = {name for _, _, _, name in moved.values()}
    assert names == {"蔡家岗街道", "水土街道", "复兴街道", "施家梁镇", "童家溪镇"}


def test_five_towns_of_yubei_have_the_codes_of_the_rulebook() -> None:
    moved = {
        row["old_code"]: row["new_code"]
        for row in rows("division_successors")
        if row["code_system"] == "MCA" and len(row["old_code"]) == 9
    }
    assert {old: new for old, new in moved.items() if old.startswith("500112")} == {
        "500112113": "500109126",
        "500112115": "500109127",
        "500112117": "500109123",
        "500112121": "500109124",
        "500112123": "500109125",
    }


RETIRED = {
    "500110": "500110", "500111": "500111", "500221": "500115", "500222": "500110", "500223": "500152",
    "500224": "500151", "500225": "500111", "500226": "500153", "500227": "500120", "500228": "500155",
    "500232": "500156", "500234": "500154", "500239": "500114", "500381": "500116", "500382": "500117",
    "500383": "500118", "500384": "500119",
}  # fmt: skip


def test_retired_codes_lead_to_their_successors() -> None:
    found = {
        row["division_code"]: row["successor_codes"]
        for row in rows("divisions")
        if row["valid_to"] and row["valid_to"] < REFORM
    }
    assert found == RETIRED


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


def test_towns_lie_in_known_divisions_of_their_time() -> None:
    found = rows("towns")
    assert len({(row["code_system"], row["town_code"]) for row in found}) == len(found)
    assert {row["code_system"] for row in found} == {"MCA", "NBS", "HEALTH"}
    terms = unit_terms()
    for row in found:
        assert row["town_code"].startswith(row["district_code"])
        first, end = terms[row["district_code"]]
        assert row["valid_from"] >= first.isoformat() or first < date(2026, 1, 1)
        assert end is None or row["valid_to"] == end.isoformat(), row["town_code"]


def test_one_town_code_names_different_towns_in_different_systems() -> None:
    """Why nothing may be joined on a township code alone."""
    names: dict[str, dict[str, str]] = {}
    for row in rows("towns"):
        names.setdefault(row["code_system"], {})[row["town_code"]] = row["town_name"]
    shared = names["MCA"].keys() & names["NBS"].keys()
    assert len(shared) == 806
    assert sum(names["MCA"][code] != names["NBS"][code] for code in shared) == 304
    assert (names["MCA"]["500109108"], names["NBS"]["500109108"]) == ("静观镇", "施家梁镇")


def test_every_town_that_changed_hands_ended_on_the_day() -> None:
    towns = {(row["code_system"], row["town_code"]): row for row in rows("towns")}
    for row in rows("division_successors"):
        if len(row["old_code"]) == 9:
            old = towns[row["code_system"], row["old_code"]]
            assert (old["valid_to"], old["district_code"]) == (REFORM, row["old_district_code"])
            if row["code_system"] == "MCA":
                new = towns["MCA", row["new_code"]]
                assert (new["valid_from"], new["town_name"]) == (REFORM, row["new_name"])

"""Residents against the census and the ordinary shape of families and names."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from pipelines.synth.ages import age_table, draw_ages
from pipelines.synth.clock import add_months, day, full_years, plus
from pipelines.synth.households import build_households
from pipelines.synth.names import draw_given_names, misspelt

# 7th census: Kaizhou's shares by decade, and the city's of 0-14 and of 65 and over
_KAIZHOU = {0: 148237, 10: 166442, 20: 126915, 30: 128744, 40: 169509, 50: 189431, 60: 132425, 70: 100948}


def shares(district: str, is_urban: bool) -> dict[int, float]:
    """Share of each five years of age, both sexes."""
    table = age_table(district, is_urban)
    return {int(first): float(table.share[table.first == first].sum()) for first in np.unique(table.first)}


def test_a_district_of_the_census_has_its_own_ages() -> None:
    total = sum(_KAIZHOU.values()) + 40655
    found = shares("500154", False)
    for decade, people in _KAIZHOU.items():
        assert found[decade] + found[decade + 5] == pytest.approx(people / total, abs=1e-9)


@pytest.mark.parametrize(("district", "is_urban"), [("500116", False), ("500103", True)])
def test_other_districts_have_the_citys_margins(district: str, is_urban: bool) -> None:
    found = shares(district, is_urban)
    assert sum(share for age, share in found.items() if age < 15) == pytest.approx(0.1591)
    assert sum(share for age, share in found.items() if age >= 65) == pytest.approx(0.1708)
    table = age_table(district, is_urban)
    assert table.share[table.sex == 1].sum() == pytest.approx(0.5055, abs=1e-4)


@pytest.fixture(scope="module")
def village() -> dict[str, np.ndarray]:
    """Two thousand people of four villages and their households."""
    generator = np.random.default_rng(3)
    first = day("2025-01-01")
    age, sex = draw_ages(generator, age_table("500116", False), 2000)
    birth = plus(add_months(np.full(2000, first), -12 * age), -generator.integers(1, 365, size=2000))
    where = generator.integers(0, 4, size=2000)
    homes = build_households(generator, where, sex, birth, first)
    return {"age": full_years(birth, first), "sex": sex, "village": where, **vars(homes)}


def test_couples_are_mutual_of_two_sexes_and_share_a_house(village: dict[str, np.ndarray]) -> None:
    wed = np.flatnonzero(village["spouse"] >= 0)
    other = village["spouse"][wed]
    assert len(wed) > 900
    assert (village["spouse"][other] == wed).all()
    assert (village["sex"][wed] != village["sex"][other]).all()
    for name in ("household", "house", "village"):
        assert (village[name][wed] == village[name][other]).all()
    assert (np.abs(village["age"][wed] - village["age"][other]) <= 13).all()


def test_children_live_with_a_mother_or_grandmother_of_a_possible_age(village: dict[str, np.ndarray]) -> None:
    child = np.flatnonzero(village["age"] < 15)
    guardian = village["guardian"][child]
    assert (guardian >= 0).mean() > 0.98
    child, guardian = child[guardian >= 0], guardian[guardian >= 0]
    assert (village["sex"][guardian] == 2).all()
    assert (village["household"][guardian] == village["household"][child]).all()
    assert (village["age"][guardian] - village["age"][child] >= 17).all()


def test_given_names_follow_the_fashion_of_the_years() -> None:
    generator = np.random.default_rng(1)
    old = draw_given_names(generator, np.full(4000, day("1958-05-05")), np.full(4000, 2))
    young = draw_given_names(generator, np.full(4000, day("2021-05-05")), np.full(4000, 2))
    assert (old == "秀英").sum() > 50 > (young == "秀英").sum()
    assert (young == "若汐").sum() > 50 > (old == "若汐").sum()


def test_a_slip_changes_one_character_into_one_that_sounds_or_looks_alike() -> None:
    names = pl.Series(["张婷", "章子怡", "王五", "彐龘"])
    assert misspelt(names).to_list() == ["张亭", "章子宜", "汪五", None]

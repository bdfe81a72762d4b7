"""Calendar arithmetic and invented numbers against known values."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.synth.clock import add_months, away_from_year_end, day, delivery_days, full_years
from pipelines.synth.identity import check_characters, identity_bodies, with_check
from pipelines.synth.names import draw_given_names, draw_surnames


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ("2024-01-31", 1, "2024-02-29"),
        ("2025-01-31", 1, "2025-02-28"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2025-08-31", 6, "2026-02-28"),
        ("2025-03-31", -1, "2025-02-28"),
        ("2025-01-01", 6, "2025-07-01"),
    ],
)
def test_months_clip_to_the_last_day(start: str, months: int, end: str) -> None:
    assert add_months(day(start), months) == day(end)
    assert add_months(np.array([start], dtype="datetime64[D]"), months)[0] == day(end)


def test_ages_turn_on_the_day() -> None:
    births = np.array(["2020-02-29", "2020-02-29", "2024-12-31"], dtype="datetime64[D]")
    dates = np.array(["2026-02-27", "2026-02-28", "2025-01-01"], dtype="datetime64[D]")
    assert full_years(births, dates).tolist() == [5, 6, 0]


def test_deliveries_come_at_month_ends() -> None:
    days = delivery_days(day("2025-01-01"), day("2025-04-10")).astype(str).tolist()
    assert days == ["2025-01-01", "2025-01-31", "2025-02-28", "2025-03-31", "2025-04-10"]


def test_stories_keep_away_from_the_end_of_a_year() -> None:
    dates = np.array(["2025-11-24", "2025-11-25", "2025-12-31"], dtype="datetime64[D]")
    moved = away_from_year_end(dates, day("2025-01-02")).astype(str).tolist()
    assert moved == ["2025-11-24", "2025-10-19", "2025-11-24"]
    late_start = away_from_year_end(dates, day("2025-11-20")).astype(str).tolist()
    assert late_start == ["2025-11-24", "2026-01-04", "2025-11-24"]


def test_check_characters_of_the_standard() -> None:
    # The example of GB 11643-1999 and the never-issued test numbers.
    assert check_characters(np.array([11010519491231002])).tolist() == ["X"]
    bodies = np.array([51212119500131001, 51212219800101002, 51212319550615001, 51212419490101006])
    assert with_check(bodies).to_list() == [
        "512121195001310011",
        "512122198001010027",
        "51212319550615001X",
        "51212419490101006X",
    ]


def test_bodies_are_unique_and_tell_sex_and_birth() -> None:
    generator = np.random.default_rng(3)
    births = np.repeat(np.array(["1950-01-31", "2024-02-29"], dtype="datetime64[D]"), 500)
    sexes = generator.integers(1, 3, size=1000)
    bodies = identity_bodies(births, sexes, generator.permutation(1000))
    assert len(np.unique(bodies)) == 1000
    assert ((bodies % 2 == 1) == (sexes == 1)).all()
    assert set((bodies // 1000 % 10**8).tolist()) == {19500131, 20240229}


def test_too_many_births_on_one_day_are_refused() -> None:
    births = np.full(5000, day("2000-01-01"))
    with pytest.raises(ValueError, match="fewer residents"):
        identity_bodies(births, np.ones(5000, dtype=np.int64), np.arange(5000))


def test_names_follow_their_shares() -> None:
    generator = np.random.default_rng(1)
    surnames = draw_surnames(generator, 20_000)
    counts = {name: int((surnames == name).sum()) for name in ("王", "李", "霍")}
    assert counts["王"] > 8 * counts["霍"]
    assert counts["李"] > 8 * counts["霍"]
    births = np.full(1000, day("2024-05-05"))
    names = draw_given_names(generator, births, np.ones(1000, dtype=np.int64))
    assert names.str.len_chars().is_between(1, 2).all()

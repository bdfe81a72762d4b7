"""Names of invented people: surnames by their frequency, given names by the fashion of the birth year, slips.

Not here: which persons are relatives (households.py) and whose name is misspelt (slips.py).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from pipelines.synth.clock import Dates, Whole, year_of

_DATA = Path(__file__).parent / "data"
#: Share of the people who bear one of the favourite names of their years; the others' are put together.
_FAVOURITE_SHARE = 0.3
_SINGLE_CHARACTER_SHARE = ((1960, 0.18), (1985, 0.22), (2005, 0.35), (9999, 0.06))


@cache
def _table(name: str) -> pl.DataFrame:
    return pl.read_csv(_DATA / f"{name}.csv")


def draw_surnames(generator: Generator, size: int) -> NDArray[np.str_]:
    """Surnames in their natural shares."""
    table = _table("surnames")
    shares = table["weight"].to_numpy()
    names = table["surname"].to_numpy().astype("<U2")
    return np.asarray(names[generator.choice(len(names), size=size, p=shares / shares.sum())])


def draw_given_names(generator: Generator, births: Dates, sexes: Whole) -> pl.Series:
    """Given names of one or two characters by sex and birth year: favourites of the years, or put together.

    Args:
        generator: random numbers.
        births: birth dates.
        sexes: 1 male, 2 female.
    """
    years = year_of(births)
    size = len(births)
    first = _weighted(generator, "given_characters", "character", years, sexes)
    second = _weighted(generator, "given_characters", "character", years, sexes)
    bounds = [year for year, _ in _SINGLE_CHARACTER_SHARE[:-1]]
    shares = np.array([share for _, share in _SINGLE_CHARACTER_SHARE])[np.digitize(years, bounds)]
    single = generator.random(size) < shares
    favourite = _weighted(generator, "given_names", "given_name", years, sexes)
    composed = pl.Series(first) + pl.Series(np.where(single, "", second))
    chosen = pl.Series(generator.random(size) < _FAVOURITE_SHARE)
    return pl.select(
        pl.when(pl.lit(chosen)).then(pl.lit(pl.Series(favourite))).otherwise(composed)
    ).to_series()


def _weighted(generator: Generator, table: str, column: str, years: Whole, sexes: Whole) -> NDArray[np.str_]:
    """One draw per person from the part of a table that fits birth year and sex."""
    drawn = np.empty(len(years), dtype="<U2")
    position = generator.random(len(years))
    for (sex, first, last), part in _table(table).group_by(
        "sex", "born_from", "born_to", maintain_order=True
    ):
        here = (np.where(sexes == 2, 2, 1) == sex) & (years >= first) & (years <= last)
        ends = np.cumsum(part["weight"].to_numpy())
        pick = np.searchsorted(ends / ends[-1], position[here], side="right")
        drawn[here] = part[column].to_numpy().astype("<U2")[np.minimum(pick, part.height - 1)]
    return drawn


def misspelt(names: pl.Series) -> pl.Series:
    """Names with one character taken for another that sounds or looks alike (张 for 章); null = none fits."""
    pairs = _table("confused_characters")
    right, wrong = pairs["right"].to_list(), pairs["wrong"].to_list()
    last = names.str.slice(-1)
    surname = names.str.slice(0, 1)
    swapped_last = last.replace_strict(right, wrong, default=None, return_dtype=pl.String)
    swapped_first = surname.replace_strict(right, wrong, default=None, return_dtype=pl.String)
    at_end = names.str.head(-1) + swapped_last
    at_front = swapped_first + names.str.slice(1)
    return pl.select(pl.coalesce(pl.lit(at_end), pl.lit(at_front))).to_series()

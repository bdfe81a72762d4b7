"""Ages and sexes of a district's residents by the 7th census.

Not here: households and names (households.py, names.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from pipelines.synth.clock import Whole

_DATA = Path(__file__).parent / "data"
#: The one district with figures by five years of age and sex; the centre's districts follow its shape.
_DETAILED = "500112"
MALE_SHARE = 0.5055
"""Of the city's residents, communiqué of the 7th census."""
_OPEN_WIDTH = 20


@dataclass(frozen=True)
class AgeTable:
    """Bands of age and sex: first age, number of ages (the last band is open), sex, share of residents."""

    first: Whole
    width: Whole
    sex: Whole
    share: NDArray[np.float64]


@cache
def age_table(district: str, is_urban: bool) -> AgeTable:
    """The district's own figures where the census data hold them, else the city's margins.

    A district without figures takes the shape of the detailed district (centre) or of the counties known,
    fitted to the city's shares of the ages 0-14, 15-59, 60-64 and 65 and over. Figures without sexes are
    divided as in the detailed district, fitted to the city's share of men.

    Args:
        district: district code.
        is_urban: whether it lies in the centre.
    """
    census = pl.read_csv(_DATA / "census2020_age.csv", schema_overrides={"district_code": pl.String})
    detailed = _five_year_bands(census.filter(pl.col("district_code") == _DETAILED))
    if district == _DETAILED:
        return _table(detailed)
    counties = census.filter(pl.col("district_code") != _DETAILED)
    own = counties.filter(pl.col("district_code") == district)
    if own.height:
        return _table(_with_sexes(_decades_halved(own, detailed), detailed))
    both = detailed.group_by("first").agg(pl.col("population").sum()).sort("first")
    shape = both if is_urban else _decades_halved(counties, detailed)
    return _table(_with_sexes(_fitted(shape), detailed))


def draw_ages(generator: Generator, table: AgeTable, size: int) -> tuple[Whole, Whole]:
    """Ages in completed years and sexes (1, 2) of `size` persons."""
    band = generator.choice(len(table.first), size=size, p=table.share)
    draws = generator.random((3, size))
    # The open last band thins out: the smallest of three draws.
    position = np.where(table.width[band] == _OPEN_WIDTH, draws.min(axis=0), draws[0])
    return table.first[band] + (position * table.width[band]).astype(np.int64), table.sex[band]


def _five_year_bands(rows: pl.DataFrame) -> pl.DataFrame:
    """Columns first, sex, population; the first years of life are taken together."""
    ages = pl.col("age_group").str.extract(r"^(\d+)").cast(pl.Int64)
    sex = pl.when(pl.col("sex") == "male").then(1).otherwise(2).cast(pl.Int64)
    banded = rows.select(first=ages // 5 * 5, sex=sex, population=pl.col("population").cast(pl.Float64))
    return banded.group_by("first", "sex").agg(pl.col("population").sum()).sort("first", "sex")


def _decades_halved(rows: pl.DataFrame, detailed: pl.DataFrame) -> pl.DataFrame:
    """Decades cut into halves of five years; 80 and over as in the detailed district."""
    old = detailed.filter(pl.col("first") >= 80)
    counts = old["population"].to_numpy()
    younger_share = float(counts[(old["first"] == 80).to_numpy()].sum() / counts.sum())
    decades = (
        rows.with_columns(first=pl.col("age_group").str.extract(r"^(\d+)").cast(pl.Int64))
        .group_by("first")
        .agg(pl.col("population").sum().cast(pl.Float64))
    )
    share = pl.when(pl.col("first") == 80).then(younger_share).otherwise(0.5)
    halves = [
        decades.select("first", population=pl.col("population") * share),
        decades.select(pl.col("first") + 5, population=pl.col("population") * (1 - share)),
    ]
    return pl.concat(halves).sort("first")


def _with_sexes(bands: pl.DataFrame, detailed: pl.DataFrame) -> pl.DataFrame:
    men = detailed.filter(pl.col("sex") == 1).select("first", men="population")
    women = detailed.filter(pl.col("sex") == 2).select("first", women="population")
    joined = bands.join(men, on="first").join(women, on="first").sort("first")
    odds = (joined["men"] / joined["women"]).to_numpy()
    population = joined["population"].to_numpy()
    factor = 1.0
    # The odds of every age are moved together until the whole has the city's share of men.
    for _ in range(20):
        male = odds * factor / (1 + odds * factor)
        share = float((population * male).sum() / population.sum())
        factor *= MALE_SHARE / (1 - MALE_SHARE) / (share / (1 - share))
    male = odds * factor / (1 + odds * factor)
    return pl.concat(
        joined.select("first", sex=pl.lit(sex, dtype=pl.Int64), population=pl.Series(population * part))
        for sex, part in ((1, male), (2, 1 - male))
    ).sort("first", "sex")


def _fitted(bands: pl.DataFrame) -> pl.DataFrame:
    """The shape inside each of the city's age groups, with the city's shares of the groups."""
    city = pl.read_csv(_DATA / "census2020_city.csv").sort("age_from")
    group = np.searchsorted(city["age_from"].to_numpy(), bands["first"].to_numpy(), side="right") - 1
    inside = bands["population"].to_numpy()
    totals = np.bincount(group, weights=inside, minlength=city.height)
    return bands.with_columns(
        population=pl.Series(inside / totals[group] * city["share_percent"].to_numpy()[group])
    )


def _table(bands: pl.DataFrame) -> AgeTable:
    first = bands["first"].to_numpy().astype(np.int64)
    share = bands["population"].to_numpy().astype(float)
    return AgeTable(
        first=first,
        width=np.where(first == first.max(), _OPEN_WIDTH, 5),
        sex=bands["sex"].to_numpy().astype(np.int64),
        share=share / share.sum(),
    )

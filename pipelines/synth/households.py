"""Who lives with whom: couples, their children, grandchildren left with them, parents taken in.

Not here: the persons themselves (people.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipelines.synth.clock import Dates, Whole, full_years
from pipelines.synth.identity import rank_within

_MARRIED = ((19, 21, 25, 30, 40, 65, 75, 85), (0.0, 0.05, 0.45, 0.8, 0.92, 0.88, 0.68, 0.4))
_DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class Households:
    """Positions of relatives (-1 = none) and addresses.

    Attributes:
        household: number of the household, city-wide.
        house: house number within the village.
        spouse: husband or wife.
        guardian: mother or grandmother with whom a child or young adult lives.
    """

    household: Whole
    house: Whole
    spouse: Whole
    guardian: Whole


def build_households(
    generator: Generator, village: Whole, sex: Whole, birth: Dates, first: np.datetime64
) -> Households:
    """Households of the residents of `first`, village by village.

    Args:
        generator: random numbers.
        village: village numbers.
        sex: 1 male, 2 female.
        birth: birth dates.
        first: day on which the ages count.
    """
    size = len(village)
    age = full_years(birth, first)
    spouse = _couples(generator, village, sex, birth, age)
    guardian = _guardians(generator, village, sex, birth, age, spouse)
    head = np.arange(size)
    wives = np.flatnonzero((sex == 2) & (spouse >= 0))
    head[wives] = spouse[wives]
    young = np.flatnonzero(guardian >= 0)
    head[young] = head[guardian[young]]
    alone = np.flatnonzero((spouse < 0) & (guardian < 0) & (age >= 70) & (generator.random(size) < 0.45))
    host = _nearest(village, birth, wives, alone, 25 * _DAYS_PER_YEAR, 18, 36)
    taken = host >= 0
    head[alone[taken]] = head[host[taken]]
    numbers, household = np.unique(head, return_inverse=True)
    # Neighbouring numbers in a village, in the order of the heads.
    house = rank_within(village[numbers], np.arange(len(numbers)))[household] + 1
    return Households(household.astype(np.int64), house.astype(np.int64), spouse, guardian)


def _couples(generator: Generator, village: Whole, sex: Whole, birth: Dates, age: Whole) -> Whole:
    """Married men and women of a village, matched in the order of their ages."""
    married = generator.random(len(village)) < np.interp(age, *_MARRIED)
    married &= age >= np.where(sex == 1, 22, 20)
    spouse = np.full(len(village), -1)
    sides = []
    for one in (1, 2):
        who = np.flatnonzero(married & (sex == one))
        rank = rank_within(village[who], birth[who].astype("int64"))
        sides.append((who, village[who] * 1_000_000 + rank))
    (men, left), (women, right) = sides
    _, at_left, at_right = np.intersect1d(left, right, assume_unique=True, return_indices=True)
    husband, wife = men[at_left], women[at_right]
    fits = np.abs(age[husband] - age[wife]) <= 12
    spouse[husband[fits]], spouse[wife[fits]] = wife[fits], husband[fits]
    return spouse


def _guardians(
    generator: Generator, village: Whole, sex: Whole, birth: Dates, age: Whole, spouse: Whole
) -> Whole:
    """Wives who are mothers of the village's children, else grandmothers with whom children stay."""
    guardian = np.full(len(village), -1)
    wives = np.flatnonzero((sex == 2) & (spouse >= 0))
    at_home = age < np.where(generator.random(len(village)) < 0.5, 20, 28)
    young = np.flatnonzero(at_home & (spouse < 0))
    gap = (21 + generator.integers(0, 13, size=len(young))) * _DAYS_PER_YEAR
    mother = _nearest(village, birth, wives, young, -gap, 18, 45)
    guardian[young] = mother
    rest = young[(mother < 0) & (age[young] < 20)]
    gap = (48 + generator.integers(0, 14, size=len(rest))) * _DAYS_PER_YEAR
    guardian[rest] = _nearest(village, birth, wives, rest, -gap, 40, 75)
    return guardian


def _nearest(
    village: Whole,
    birth: Dates,
    candidates: Whole,
    person: Whole,
    days: NDArray[Any] | float,
    least: int,
    most: int,
) -> Whole:
    """The candidate of the same village born nearest to `days` after each person; -1 = none fits.

    The two must lie `least` to `most` years apart.
    """
    found = np.full(len(person), -1)
    if not len(candidates) or not len(person):
        return found
    born = birth.astype("int64")
    # Days since 1850 stay below a million: village and day make one number that sorts.
    base = int(np.datetime64("1850-01-01", "D").astype("int64"))
    order = np.argsort(village[candidates] * 1_000_000 + born[candidates] - base, kind="stable")
    sorted_candidates = candidates[order]
    keys = village[sorted_candidates] * 1_000_000 + born[sorted_candidates] - base
    wanted = village[person] * 1_000_000 + (born[person] + days).astype(np.int64) - base
    after = np.searchsorted(keys, wanted)
    for position in (np.minimum(after, len(keys) - 1), np.maximum(after - 1, 0)):
        one = sorted_candidates[position]
        apart = np.abs(born[one] - born[person]) / _DAYS_PER_YEAR
        fits = (found < 0) & (village[one] == village[person]) & (apart >= least) & (apart <= most)
        found = np.where(fits, one, found)
    return found

"""Numbers that identify nobody: identity numbers never issued, birth certificates, phones.

Not here: the judgement of such numbers (the ingest stage has its own arithmetic on purpose).
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.synth.clock import Dates, Whole, plus, year_of

#: Counties abolished in 1983, before identity numbers existed: no number with these prefixes was ever issued.
NEVER_ISSUED_COUNTIES = (512121, 512122, 512123, 512124, 512125, 512126, 512127, 512128, 512321)
#: Numbers of one birth day and sex that residents get: nine counties, serials up to 898.
NUMBERS_OF_A_DAY = 449 * len(NEVER_ISSUED_COUNTIES)
#: Mobile numbers with the prefix 100.
PHONES = 10**8
_WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], dtype=np.int64)
_CHECK_CHARACTERS = np.array(list("10X98765432"))
#: A prime, coprime with every power of ten: multiplication scatters numbers without collisions.
_SCATTER = 61_803_399


def check_characters(bodies: Whole) -> NDArray[np.str_]:
    """Check characters of 17-digit bodies (GB 11643-1999, ISO 7064 MOD 11-2)."""
    powers = 10 ** np.arange(16, -1, -1, dtype=np.int64)
    digits = (np.asarray(bodies, dtype=np.int64)[:, None] // powers) % 10
    return np.asarray(_CHECK_CHARACTERS[(digits * _WEIGHTS).sum(axis=1) % 11])


def with_check(bodies: Whole) -> pl.Series:
    """18-character numbers from 17-digit bodies."""
    return pl.Series(np.asarray(bodies, dtype=np.int64)).cast(pl.String) + pl.Series(check_characters(bodies))


def rank_within(groups: Whole, order: Whole) -> Whole:
    """Position (from 0) of each element among those of its group, in the sequence of `order`."""
    if not len(groups):
        return np.zeros(0, dtype=np.int64)
    sequence = np.lexsort((order, groups))
    sorted_groups = groups[sequence]
    starts = np.r_[True, sorted_groups[1:] != sorted_groups[:-1]]
    positions = np.arange(len(groups))
    ranks = np.empty(len(groups), dtype=np.int64)
    ranks[sequence] = positions - np.maximum.accumulate(np.where(starts, positions, 0))
    return ranks


def date_number(dates: Dates) -> Whole:
    """Dates as YYYYMMDD."""
    month = dates.astype("datetime64[M]")
    day_of_month = (dates - month.astype("datetime64[D]")).astype("int64") + 1
    return np.asarray(
        year_of(dates) * 10_000 + (month.astype("int64") % 12 + 1) * 100 + day_of_month, dtype=np.int64
    )


def spread_births(births: Dates, sexes: Whole, twin: Whole, is_later: NDArray[np.bool_], width: int) -> Dates:
    """Birth dates of which no day has more persons of one sex than numbers: the surplus moves on by a day.

    Args:
        births: birth dates.
        sexes: 1 male, 2 female.
        twin: position of the twin, -1 = none; twins move together.
        is_later: who moves to a later day, the others to an earlier one.
        width: numbers of one sex and day.

    Raises:
        ValueError: there are not enough numbers for so many persons.
    """
    spread = births.copy()
    for _ in range(60):
        crowded = rank_within(date_number(spread) * 10 + sexes, np.arange(len(spread))) >= width
        if not crowded.any():
            return spread
        crowded[twin[crowded & (twin >= 0)]] = True
        spread = np.where(crowded, plus(spread, np.where(is_later, 1, -1)), spread)
    raise ValueError("more residents than never-issued identity numbers; ask for fewer residents")


def identity_bodies(
    births: Dates, sexes: Whole, order: Whole, start: int = 0, width: int = NUMBERS_OF_A_DAY
) -> Whole:
    """17-digit bodies, all different: never-issued county, birth date, serial whose parity tells the sex.

    Args:
        births: birth dates.
        sexes: 1 male, 2 female.
        order: a permutation that scatters counties and serials among those born on one day.
        start, width: the part of the numbers of a day and sex to take from.

    Raises:
        ValueError: more persons of one sex born on one day than `width`.
    """
    numbers = date_number(births)
    ranks = rank_within(numbers * 10 + sexes, order)
    if len(ranks) and ranks.max() >= width:
        raise ValueError("more residents of one birth day than never-issued numbers; ask for fewer residents")
    counties = np.array(NEVER_ISSUED_COUNTIES, dtype=np.int64)
    ranks += start
    serial = 2 * (ranks // len(counties)) + np.where(sexes == 1, 1, 2)
    return np.asarray(counties[ranks % len(counties)] * 10**11 + numbers * 1000 + serial, dtype=np.int64)


def birth_certificates(births: Dates, start: int = 0, width: int = 10**7) -> pl.Series:
    """Birth-certificate numbers, all different: a letter by the year of issue, 50, seven digits.

    Args:
        births: birth dates.
        start, width: the part of the numbers of a letter to take from.

    Raises:
        ValueError: more births under one letter than `width`.
    """
    letter = (year_of(births) - 2000) % 26
    rank = rank_within(letter, np.arange(len(letter)))
    if len(rank) and rank.max() >= width:
        raise ValueError("more births than certificate numbers; ask for fewer residents")
    letters = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))[letter]
    digits = pl.Series(((start + rank + 1) * _SCATTER) % 10**7).cast(pl.String)
    return pl.Series(letters) + "50" + digits.str.zfill(7)


def phones(serials: Whole) -> pl.Series:
    """Mobile numbers of 11 digits with the prefix 100, which no operator assigns."""
    digits = pl.Series((np.asarray(serials, dtype=np.int64) * _SCATTER) % PHONES).cast(pl.String)
    return "100" + digits.str.zfill(8)

"""Numbers that identify nobody: identity numbers never issued, birth certificates, phones.

Not here: the judgement of such numbers (the ingest stage has its own arithmetic on purpose).
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.synth.clock import Dates, Whole, year_of

#: Counties abolished in 1983, before identity numbers existed: no number with these prefixes was ever issued.
NEVER_ISSUED_COUNTIES = (512121, 512122, 512123, 512124, 512125, 512126, 512127, 512128, 512321)
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


def identity_bodies(births: Dates, sexes: Whole, order: Whole) -> Whole:
    """17-digit bodies, all different: never-issued county, birth date, serial whose parity tells the sex.

    Args:
        births: birth dates.
        sexes: 1 male, 2 female.
        order: a permutation that scatters counties and serials among those born on one day.

    Raises:
        ValueError: more persons of one sex born on one day than numbers exist (4,491).
    """
    numbers = date_number(births)
    ranks = rank_within(numbers * 10 + sexes, order)
    counties = np.array(NEVER_ISSUED_COUNTIES, dtype=np.int64)
    serial = 2 * (ranks // len(counties)) + np.where(sexes == 1, 1, 2)
    if len(serial) and serial.max() > 998:
        raise ValueError("more residents of one birth day than never-issued numbers; ask for fewer residents")
    return np.asarray(counties[ranks % len(counties)] * 10**11 + numbers * 1000 + serial, dtype=np.int64)


def birth_certificates(births: Dates, serials: Whole) -> pl.Series:
    """Birth-certificate numbers: a letter by the year of issue, 50, seven digits."""
    letters = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))[(year_of(births) - 2000) % 26]
    digits = pl.Series((np.asarray(serials, dtype=np.int64) * _SCATTER) % 10**7).cast(pl.String)
    return pl.Series(letters) + "50" + digits.str.zfill(7)


def phones(serials: Whole) -> pl.Series:
    """Mobile numbers of 11 digits with the prefix 100, which no operator assigns."""
    digits = pl.Series((np.asarray(serials, dtype=np.int64) * _SCATTER) % 10**8).cast(pl.String)
    return "100" + digits.str.zfill(8)

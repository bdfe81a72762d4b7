"""Calendar arithmetic on arrays of dates: months with the Civil Code's clipping, ages, delivery days.

Not here: which events happen on which day (the modules of the events decide).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Dates = NDArray[np.datetime64]
Whole = NDArray[np.int64]

NEVER = np.datetime64("NaT", "D")
FAR = np.datetime64("9999-12-31", "D")
#: 渝卫发〔2024〕55号 art. 30: events before this day are not judged.
RULES_EFFECTIVE_FROM = np.datetime64("2024-11-15", "D")


def day(text: str) -> np.datetime64:
    """One date from `YYYY-MM-DD`."""
    return np.datetime64(text, "D")


def add_months(dates: Any, months: Any) -> Any:
    """Corresponding day `months` later, else the last day of that month (Civil Code art. 202).

    Args:
        dates: datetime64[D], scalar or array; NaT stays NaT.
        months: whole months, scalar or array, may be negative.
    """
    start = np.asarray(dates, dtype="datetime64[D]")
    month = start.astype("datetime64[M]")
    offset = (start - month.astype("datetime64[D]")).astype("int64")
    target = month + np.asarray(months).astype("timedelta64[M]")
    length = (
        (target + np.timedelta64(1, "M")).astype("datetime64[D]") - target.astype("datetime64[D]")
    ).astype("int64")
    result = target.astype("datetime64[D]") + np.minimum(offset, length - 1).astype("timedelta64[D]")
    return np.where(np.isnat(start), NEVER, result) if start.ndim else result[()]


def full_years(births: Any, dates: Any) -> Whole:
    """Completed years of age on a date; a child of 29 February turns on 28 February."""
    birth = np.asarray(births, dtype="datetime64[D]")
    moment = np.asarray(dates, dtype="datetime64[D]")
    years = moment.astype("datetime64[Y]").astype("int64") - birth.astype("datetime64[Y]").astype("int64")
    return np.asarray(years - (add_months(birth, 12 * years) > moment), dtype=np.int64)


def plus(dates: Any, days: Any) -> Any:
    """Dates moved by whole days."""
    return np.asarray(dates, dtype="datetime64[D]") + np.asarray(days).astype("timedelta64[D]")


def days_between(first: Any, second: Any) -> Whole:
    """`second - first` in days."""
    difference = np.asarray(second, dtype="datetime64[D]") - np.asarray(first, dtype="datetime64[D]")
    return np.asarray(difference.astype("int64"), dtype=np.int64)


def year_of(dates: Any) -> Whole:
    """Calendar years as whole numbers."""
    years = np.asarray(dates, dtype="datetime64[D]").astype("datetime64[Y]").astype("int64") + 1970
    return np.asarray(years, dtype=np.int64)


def delivery_days(first: np.datetime64, last: np.datetime64) -> Dates:
    """The stock on the first day, then the last day of each month up to `last`, and `last` itself."""
    months = np.arange(first.astype("datetime64[M]"), last.astype("datetime64[M]") + np.timedelta64(1, "M"))
    ends = (months + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    inside = ends[(ends > first) & (ends < last)]
    return np.unique(np.concatenate([np.array([first]), inside, np.array([last])]))


def away_from_year_end(dates: Dates, start: np.datetime64) -> Dates:
    """Dates of 25 November to 31 December moved back by 37 days, or on by 40 where that is before `start`.

    An application still open at a year's end, or a death entered after it, would be judged differently by
    the evaluation of the year and by the present: the city keeps such cases out of the last weeks.
    """
    months = dates.astype("datetime64[M]").astype("int64") % 12 + 1
    day_of_month = (dates - dates.astype("datetime64[M]").astype("datetime64[D]")).astype("int64") + 1
    late = (months == 12) | ((months == 11) & (day_of_month >= 25))
    moved = plus(dates, -37)
    return np.where(late, np.where(moved < start, plus(dates, 40), moved), dates)


def moment_text(dates: Any, minutes: Any) -> NDArray[np.datetime64]:
    """Local moments, datetime64[us], from dates and minutes of the day; NaT stays NaT."""
    base = np.asarray(dates, dtype="datetime64[D]").astype("datetime64[us]")
    return np.asarray(base + (np.asarray(minutes).astype("int64") * 60_000_000).astype("timedelta64[us]"))

"""Indicators of a district small enough to count by hand, from institution to city.

The stories stand in stories.py; single verdicts in test_casebook.py.
"""

from __future__ import annotations

import pytest

from tests.acceptance.city import D2, D
from tests.acceptance.stories import DIABETES, HYPERTENSION

# indicator, variant, institution → numerator, denominator in 2025
EXPECTED = {
    # controlled: 139/89; 149/89 from the 65th birthday on; the telephone one (130/80). Under 35 is outside.
    ("N-HTN-3", "", D): (3, 8),
    # four face to face and a complete exam: controlled, 140, 90, last one without value.
    ("N-HTN-2", "", D): (4, 8),
    # 6.9 only; 7.0, random only and the later 7.5 are not.
    ("N-DM-3", "", D2): (1, 4),
    ("N-DM-2", "", D2): (0, 4),
}


@pytest.mark.parametrize(("key", "figures"), EXPECTED.items(), ids=[" ".join(key) for key in EXPECTED])
def test_indicator_of_an_institution(told, key, figures) -> None:
    indicator, variant, org = key
    assert told.indicator(indicator, "2025", "org", org, variant)[:2] == figures


def test_elderly_management_counts_against_the_population(told) -> None:
    # 65 in the evaluation year = 65 on 31 December; the 1961 birth is too young, one exam lacks its ECG.
    numerator, denominator, _ = told.indicator("N-ELD-1", "2025", "district", "500230")
    assert (numerator, denominator) == (1, 8)
    numerator, denominator, _ = told.indicator("N-ELD-1", "2025", "org", D2)
    assert (numerator, denominator) == (1, None)


def test_archives_under_management_of_a_district(told) -> None:
    residents = len(HYPERTENSION) + len(DIABETES) + 4
    assert told.indicator("ARC-1", "2026", "district", "500230")[0] == residents
    assert told.indicator("N-ARC-2", "2025", "district", "500230")[:2] == (residents, 40)


def test_parts_add_up_from_institution_to_city(told) -> None:
    rows = told.marts(
        """
        select indicator_id, variant, period,
               sum(numerator_count) filter (where level = 'city') as city,
               sum(numerator_count) filter (where level = 'district') as district,
               sum(numerator_count) filter (where level = 'org') as org
        from marts.mart_indicator group by all
        """
    )
    assert rows
    assert [row for row in rows if not row[3] == row[4] == row[5]] == []


def test_rates_are_divided_from_summed_parts(told) -> None:
    wrong = told.marts(
        """
        select indicator_id, period, level, code from marts.mart_indicator
        where rate is distinct from
            (case when denominator_count > 0 then cast(numerator_count / denominator_count as decimal(9, 6)) end)
        """
    )
    assert wrong == []

"""The reform of divisions of 2026 (渝府发〔2025〕15号): units are renamed, residents and archives do not move.

The stories stand in reform.py. 2025-12-31 is told on the old map, 2026-01-01 on the new one (ART-1, ART-5, rulebook §4.5).
"""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from tests.acceptance.city import DALING, GUANYINQIAO, JINGGUAN, LONGXI, RENHE, SHUITU, TONGJING, A
from tests.acceptance.reform import AWAITED, BEFORE, CONTINUED, REFORM

OPEN = date(9999, 12, 31)
CHANGE = date.fromisoformat(REFORM)


def the_person(told, case: str, unit: str) -> str:
    return told.person_key(case, unit)


def managers(told, person: str) -> list[tuple]:
    return told.marts(
        "select org_code, district_code, valid_from_date, valid_to_date, reason_code, transfer_key is not null "
        f"from marts.fct_manager_interval where person_key = '{person}' order by valid_from_date, valid_to_date"
    )


def state(told, person: str) -> tuple:
    (row,) = told.marts(
        "select district_code, org_code, status_code, active_archive_count, active_district_count "
        f"from marts.fct_archive where person_key = '{person}'"
    )
    return row


@pytest.mark.parametrize(("case", "place"), CONTINUED.items(), ids=CONTINUED)
def test_an_archive_of_an_abolished_unit_goes_on_under_its_successor(told, case, place) -> None:
    org, old, new = place
    person = the_person(told, case, old)
    assert person == the_person(told, case, new)
    assert state(told, person) == (new, org, "MANAGED", 1, 1)
    assert managers(told, person) == [
        (org, old, date(2024, 12, 1), CHANGE, "CREATE", False),
        (org, new, CHANGE, OPEN, "ADMIN_REFORM", False),
    ]


@pytest.mark.parametrize(("case", "place"), CONTINUED.items(), ids=CONTINUED)
def test_services_belong_to_the_district_of_their_day_and_are_nowhere_remote(told, case, place) -> None:
    _, old, new = place
    person = the_person(told, case, old)
    found = told.marts(
        "select service_date, serving_district_code, district_code, is_in_management, is_cross_district "
        f"from marts.fct_service_activity where person_key = '{person}' order by service_date"
    )
    assert found == [
        (date(2025, 12, 31), old, old, True, False),
        (CHANGE, new, new, True, False),
    ]


@pytest.mark.parametrize(("case", "place"), CONTINUED.items(), ids=CONTINUED)
def test_nobody_is_blamed_for_a_change_of_name(told, case, place) -> None:
    _, old, new = place
    person = the_person(told, case, old)
    assert told.outcome("A1-2-2", "archive", new, case) == ("PASS", None)
    assert (
        told.marts(
            f"select rule_id, finding_code from marts.fct_finding where person_key = '{person}' "
            "and (rule_id like 'A1-4%' or rule_id like 'A1-2-2%' or rule_id like 'ART-1%')"
        )
        == []
    )
    assert told.marts(f"select * from marts.fct_transfer where person_key = '{person}'") == []
    assert told.warehouse(
        f"select count(*) from rules.rule_archive where subject_key = "
        f"'{told.key('archive', old, told.city.persons[case].archive_id(old))}'"
    ) == [(0,)]


@pytest.mark.parametrize(("case", "place"), AWAITED.items(), ids=AWAITED)
def test_an_archive_that_the_successor_has_not_sent_is_not_lost(told, case, place) -> None:
    org, old, new = place
    person = the_person(told, case, old)
    assert state(told, person) == (new, org, "MANAGED", 1, 1)
    assert managers(told, person) == [
        (org, old, date(2024, 12, 1), CHANGE, "CREATE", False),
        (org, new, CHANGE, OPEN, "ADMIN_REFORM", False),
    ]


def test_a_town_whose_number_moved_in_another_code_system_stays(told) -> None:
    person = the_person(told, "reform: jingguan", "500109")
    assert managers(told, person) == [(JINGGUAN, "500109", date(2024, 12, 1), OPEN, "CREATE", False)]


def test_an_institution_with_a_new_code_manages_from_the_day_of_the_reform(told) -> None:
    person = the_person(told, "reform: renamed institution", "500105")
    assert state(told, person) == ("500157", DALING, "MANAGED", 1, 1)
    assert managers(told, person) == [
        (GUANYINQIAO, "500105", date(2024, 12, 1), CHANGE, "CREATE", False),
        (DALING, "500157", CHANGE, OPEN, "ADMIN_REFORM", False),
    ]


def test_a_creation_date_stamped_anew_makes_no_new_archive_and_no_gap(told) -> None:
    case = "reform: stamped anew"
    person = the_person(told, case, "500105")
    assert [row[2:4] for row in managers(told, person)] == [(date(2024, 12, 1), CHANGE), (CHANGE, OPEN)]
    assert told.outcome("A1-2-2", "archive", "500157", case) == ("PASS", None)
    created = told.warehouse(
        "select created_date, create_district_code, copy_state_code from archive.archive_copy "
        f"where person_key = '{person}' order by copy_state_code"
    )
    assert created == [
        (date(2024, 12, 1), "500105", "ACTIVE"),
        (date(2024, 12, 1), "500105", "CONTINUED"),
    ]


def test_a_transfer_on_path_4_is_a_reform_and_not_judged(told) -> None:
    person = the_person(told, "reform: by transfer path 4", "500112")
    assert state(told, person) == ("500109", JINGGUAN, "MANAGED", 1, 1)
    assert {row[4] for row in managers(told, person)} == {"CREATE", "ADMIN_REFORM"}
    for rule in ("A1-4-3-1a", "A1-4-3-1b", "A1-4-3-6"):
        assert told.verdict(rule, "transfer", "*", "T-REFORM-4") == ("NOT_APPLICABLE", "ADMIN_REFORM")


def test_who_was_lost_stays_lost_and_can_be_lost_later(told) -> None:
    before = the_person(told, "reform: lost before", "500105")
    assert state(told, before)[2:4] == ("LOST", 0)
    assert [row[2:5] for row in managers(told, before)] == [(date(2024, 12, 1), date(2025, 9, 1), "CREATE")]
    after = the_person(told, "reform: lost after", "500105")
    assert state(told, after)[2:4] == ("LOST", 0)
    assert [row[1:4] for row in managers(told, after)] == [
        ("500105", date(2024, 12, 1), CHANGE),
        ("500157", CHANGE, date(2026, 3, 1)),
    ]


@pytest.mark.parametrize("case", ["reform: duplicate before", "reform: one of a duplicate sent"])
def test_a_duplicate_of_two_districts_becomes_one_inside_a_district(told, case) -> None:
    person = the_person(told, case, "500105")
    assert state(told, person)[3:] == (2, 1)
    assert told.warehouse(
        "select period, active_archive_count, active_district_count from indicators.person_period "
        f"where person_key = '{person}' order by period"
    ) == [("2025", 2, 2), ("2026", 2, 1)]


def test_the_creator_of_the_duplicate_is_the_same_after_the_reform(told) -> None:
    case = "reform: duplicate before"
    first = told.city.persons[case].archive_id("500157")
    assert told.verdict("A1-2-2", "archive", "500157", first) == ("PASS", None)
    assert told.verdict("A1-2-2", "archive", "500157", f"{first}-B") == ("FAIL", "DUP_CREATE")


@pytest.mark.parametrize(
    ("case", "success", "outcome"),
    [
        ("reform: moved on day 6", date(2026, 1, 5), "PASS"),
        ("reform: moved on day 8", date(2026, 1, 6), "FAIL"),
    ],
)
def test_a_real_transfer_across_the_day_is_judged_as_one(told, case, success, outcome) -> None:
    person = the_person(told, case, "500105")
    assert managers(told, person) == [
        (GUANYINQIAO, "500105", date(2024, 12, 1), CHANGE, "CREATE", False),
        (GUANYINQIAO, "500157", CHANGE, success, "ADMIN_REFORM", False),
        (JINGGUAN, "500109", success, OPEN, "TRANSFER", True),
    ]
    ((key, from_district, to_district, deciding),) = told.marts(
        "select transfer_key, from_district_code, to_district_code, deciding_district_code "
        f"from marts.fct_transfer where person_key = '{person}'"
    )
    # attributed to the district of the day of application
    assert (from_district, to_district, deciding) == ("500105", "500109", "500105")
    assert told.warehouse(f"select a1_4_3_1a from rules.rule_transfer where subject_key = '{key}'") == [
        (outcome,)
    ]
    assert state(told, person)[3:] == (1, 1)


def test_a_move_between_districts_that_merged_meanwhile_starts_no_protection(told) -> None:
    person = the_person(told, "reform: moved inside the merged district", "500105")
    assert [row[:5] for row in managers(told, person)] == [
        (GUANYINQIAO, "500105", date(2024, 12, 1), CHANGE, "CREATE"),
        (GUANYINQIAO, "500157", CHANGE, date(2026, 1, 5), "ADMIN_REFORM"),
        (LONGXI, "500157", date(2026, 1, 5), date(2026, 3, 3), "INTRA_TRANSFER"),
        (A, "500116", date(2026, 3, 3), OPEN, "TRANSFER"),
    ]
    # asked for between two districts, so the origin had seven days; done inside one
    assert told.verdict("A1-4-3-1a", "transfer", "*", "T-MERGED")[0] == "PASS"
    assert told.verdict("A1-4-3-6", "transfer", "*", "T-NEXT")[0] == "PASS"


def test_a_new_archive_beside_one_that_moved_away_is_a_duplicate(told) -> None:
    case = "reform: created anew after moving away"
    assert told.outcome("A1-2-2", "archive", "500157", case) == ("FAIL", "DUP_CREATE")
    assert state(told, the_person(told, case, "500105"))[3:] == (2, 2)


def test_a_service_sent_again_by_the_successor_is_one_service(told) -> None:
    person = the_person(told, "reform: service sent again", "500105")
    assert told.marts(
        "select service_date, serving_district_code from marts.fct_service_activity "
        f"where person_key = '{person}'"
    ) == [(date(2025, 11, 10), "500105")]


def test_late_data_of_the_old_unit_count_for_it(told) -> None:
    person = the_person(told, "reform: late service", "500105")
    assert told.marts(
        "select service_date, serving_district_code, district_code from marts.fct_service_activity "
        f"where person_key = '{person}'"
    ) == [(date(2025, 12, 30), "500105", "500105")]


def test_a_year_is_told_on_its_own_map(told) -> None:
    places = {
        period: {
            row[0]
            for row in told.marts(
                "select distinct code from marts.mart_indicator "
                f"where level = 'district' and indicator_id = 'ARC-1' and period = '{period}'"
            )
        }
        for period in ("2025", "2026")
    }
    abolished = {"500105", "500112", "500132"}
    assert abolished <= places["2025"] and "500157" not in places["2025"]
    assert "500157" in places["2026"] and not abolished & places["2026"]
    assert (len(places["2025"] - {"UNKNOWN"}), len(places["2026"] - {"UNKNOWN"})) == (41, 39)


HARMONISED = {
    "500157": (GUANYINQIAO, LONGXI, SHUITU, RENHE, "5001059999"),
    "500109": (TONGJING, JINGGUAN),
}
"""Where the institutions of the stories lie on the new map."""


@pytest.mark.parametrize("area", HARMONISED)
def test_the_year_before_is_compared_institution_by_institution(told, area) -> None:
    listed = ", ".join(f"'{org}'" for org in HARMONISED[area])
    ((managed,),) = told.marts(
        "select count(*) from marts.fct_archive_status where status_code = 'MANAGED' "
        f"and valid_from_date <= date '{BEFORE}' and valid_to_date > date '{BEFORE}' and org_code in ({listed})"
    )
    assert managed > 0
    assert told.marts(
        "select numerator_count, is_exact from marts.mart_indicator_harmonised "
        f"where indicator_id = 'ARC-1' and period = '2025' and area_code = '{area}'"
    ) == [(managed, True)]
    # the same by one join for whoever reads the institutions
    ((joined,),) = told.marts(
        "select sum(i.numerator_count) from marts.mart_indicator as i inner join marts.dim_division_map as m "
        "on m.map_code = 'harmonised' and i.level = m.level and i.code = m.code "
        "and i.as_of_date >= m.valid_from_date and i.as_of_date < m.valid_to_date "
        f"where i.indicator_id = 'ARC-1' and i.period = '2025' and i.level = 'org' and m.area_code = '{area}'"
    )
    undescribed = 1 if "5001059999" in HARMONISED[area] else 0
    assert joined == managed - undescribed


def test_the_harmonised_map_loses_nobody(told) -> None:
    assert (
        told.marts(
            """
        select h.indicator_id, h.variant, h.period
        from (
            select indicator_id, variant, period, sum(numerator_count) as numerator_count
            from marts.mart_indicator_harmonised group by all
        ) as h
        inner join marts.mart_indicator as city using (indicator_id, variant, period)
        where city.level = 'city' and city.numerator_count <> h.numerator_count
        """
        )
        == []
    )
    assert told.marts("select * from marts.mart_indicator_harmonised where indicator_id = 'ARC-4'") == []


def test_each_unit_sees_the_history_it_took_over(told) -> None:
    def persons(unit: str, table: str = "fct_manager_interval") -> set[str]:
        with duckdb.connect() as connection:
            connection.execute(f"attach '{told.home}/marts/units/{unit}.duckdb' as own (read_only); use own")
            return {
                row[0] for row in connection.sql(f"select distinct person_key from marts.{table}").fetchall()
            }

    key = {case: the_person(told, case, place[1]) for case, place in CONTINUED.items()}
    shared = {key["reform: jiangbei"], key["reform: longxi"], key["reform: shuitu"], key["reform: renhe"]}
    assert shared <= persons("500157")
    assert key["reform: tongjing"] not in persons("500157")
    assert key["reform: tongjing"] in persons("500109")
    assert key["reform: shuitu"] in persons("500109")
    assert persons("500105", "fct_archive") == persons("500112", "fct_archive") == set()
    with duckdb.connect() as connection:
        connection.execute(f"attach '{told.home}/marts/units/500105.duckdb' as own (read_only); use own")
        ends = connection.sql("select max(valid_to_date) from marts.fct_manager_interval").fetchall()
        connection.execute(
            f"attach '{told.home}/marts/units/500109.duckdb' as beibei (read_only); use beibei"
        )
        history = connection.sql(
            "select valid_from_date, district_code from marts.fct_manager_interval "
            f"where person_key = '{key['reform: tongjing']}' order by 1"
        ).fetchall()
    assert ends == [(CHANGE,)]
    assert history == [(date(2024, 12, 1), "500112"), (CHANGE, "500109")]

"""One person, one archive: what the key ladder makes of awkward documents.

The stories stand in stories.py.
"""

from __future__ import annotations


def persons(told, *cases: str) -> int:
    """How many persons the archives of these cases resolve to."""
    return len({told.person_key(case) for case in cases})


def test_a_newborn_keeps_its_person_when_the_number_arrives(told) -> None:
    key = told.person_key("ID upgraded")
    aliases = told.marts(f"select count(*) from marts.dim_person_alias where person_key = '{key}'")
    assert aliases[0][0] >= 2


def test_a_fifteen_figure_number_in_full_width_is_the_same_person_everywhere(told) -> None:
    key = told.person_key("ID awkward writing")
    found = told.marts(f"select count(*) from marts.fct_service_activity where person_key = '{key}'")
    assert found[0][0] == 1


def test_twins_are_told_apart_by_name(told) -> None:
    assert persons(told, "ID twin 程小一", "ID twin 程小二") == 2


def test_same_mother_same_day_same_name_is_for_people_to_decide(told) -> None:
    assert persons(told, "ID same name 1", "ID same name 2") == 2
    assert told.reviews("ID same name 1") | told.reviews("ID same name 2")


def test_a_child_under_its_mothers_number_is_not_its_mother(told) -> None:
    assert persons(told, "ID mother", "ID under mother's number") == 2
    assert told.outcome("A1-2-4c", "archive", "500229", "ID under mother's number")[0] == "FAIL"


def test_a_wrong_check_character_is_accepted_and_reported(told) -> None:
    assert told.outcome("A1-2-4a", "archive", "500229", "ID wrong check")[0] == "FAIL"


def test_a_dummy_number_merges_nobody(told) -> None:
    assert persons(told, *[f"ID dummy {copy}" for copy in range(4)]) == 4

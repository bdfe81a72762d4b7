"""Identity numbers (GB 11643-1999, rulebook §4.3) and the keys of a row (annex 1 二(四))."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.ingest import identity
from pipelines.ingest.reasons import REASONS
from tests.torture import examples

RECEIVED = date(2026, 3, 1)
MOTHER = "512122198001010027"
CHILD = date(2020, 2, 29)


def judged(number: str, received: date = RECEIVED) -> tuple[str | None, set[str]]:
    """The valid number, and the issues, of one number as given."""
    frame = identity.citizen_numbers(identity.normalise(pl.Series([number])), received)
    row = frame.row(0, named=True)
    return row["number"], {name for name, value in row.items() if name.startswith("ID_") and value}


def derived(**person: Any) -> dict[str, Any]:
    """Identity columns of one row of block P (and sex)."""
    texts = ("id_no", "id_type_code", "birth_certificate_no", "mother_id_no", "name", "sex_code")
    columns = {**dict.fromkeys(texts, pl.String), "birth_date": pl.Date}
    row = {name: person.get(name) for name in columns}
    return identity.derive(pl.DataFrame([row], schema=columns), RECEIVED).row(0, named=True)


@pytest.mark.parametrize(
    "number",
    [
        "512121195001310011", "512122198001010027", "51212319550615001X", "512126202002290010",
        "512127202602010015", "51212419490101006X", "11010519491231002X",
    ],
)  # fmt: skip
def test_the_known_numbers_are_valid(number: str) -> None:
    assert judged(number) == (number, set())


@pytest.mark.parametrize("position", range(18))
def test_any_changed_digit_is_noticed(position: int) -> None:
    number = "512121195001310011"
    changed = number[:position] + str((int(number[position]) + 1) % 10) + number[position + 1 :]
    assert judged(changed)[0] is None


def test_fifteen_digits_become_eighteen() -> None:
    frame = identity.citizen_numbers(pl.Series(["512121500131001"]), RECEIVED)
    assert frame.row(0, named=True)["number"] == "512121195001310011"
    row = derived(id_no="512121500131001")
    assert (row["identity_key"], row["id_no"]) == ("ID:512121195001310011", "512121195001310011")
    assert row["identity_issue_codes"] == "ID_UPGRADED_15"


@pytest.mark.parametrize(
    ("number", "issues"),
    [
        ("512121195001310012", {"ID_CHECK_DIGIT"}),
        ("51212119500131001", {"ID_LENGTH"}),
        ("无", {"ID_LENGTH"}),
        ("51212119500131O011", {"ID_PATTERN"}),
        ("5121211950X1310011", {"ID_PATTERN"}),
        ("51212119500131００1１", set()),
        ("512121195002310015", {"ID_BIRTH_IMPOSSIBLE", "ID_CHECK_DIGIT"}),
        ("111111111111111111", {"ID_PLACEHOLDER"}),
        ("123456789012345678", {"ID_PLACEHOLDER"}),
        ("000000000000000", {"ID_PLACEHOLDER"}),
        ("51212119500131001?", {"ID_PATTERN"}),
    ],
)
def test_issues_by_grade(number: str, issues: set[str]) -> None:
    assert judged(number)[1] == issues
    assert (judged(number)[0] is None) == bool(issues)


def with_check(body: str) -> str:
    """A number of 17 digits with its check character."""
    return body + identity.check_character(body)


def test_a_birth_before_1900_is_impossible_and_a_later_one_than_the_delivery_is_future() -> None:
    assert judged(with_check("51212118991231001")) == (None, {"ID_BIRTH_IMPOSSIBLE"})
    assert judged(with_check("51212119000101001"))[0] is not None
    assert judged(with_check("51212120260301001"))[0] is not None
    assert judged(with_check("51212120260302001")) == (None, {"ID_BIRTH_FUTURE"})


def test_prefixes_of_any_time_are_known_and_others_only_warn() -> None:
    for prefix in ("512321", "510202", "512222", "500110", "500112", "810000", "820000", "830000"):
        assert judged(with_check(prefix + "19800101001"))[1] == set()
    number = with_check("99999919800101001")
    assert judged(number) == (number, {"ID_PREFIX_UNKNOWN"})
    assert REASONS["ID_PREFIX_UNKNOWN"].grade == "WARN"


@pytest.mark.parametrize(
    "written",
    [
        "51212319550615001x",
        " 512123 19550615 001X ",
        "５１２１２３１９５５０６１５００１Ｘ",
        "512123\u200b19550615001X",
    ],
)
def test_full_width_blanks_and_small_x_are_normalised_and_said(written: str) -> None:
    row = derived(id_no=written)
    assert (row["id_no"], row["identity_key"]) == ("51212319550615001X", "ID:51212319550615001X")
    assert row["identity_issue_codes"] == "ID_NORMALISED"


bodies = st.builds(
    lambda county, days, serial: f"{county}{date(1900, 1, 1) + timedelta(days=days):%Y%m%d}{serial:03d}",
    st.sampled_from(["512121", "512128", "512321"]),
    st.integers(0, (RECEIVED - date(1900, 1, 1)).days),
    st.integers(0, 999),
)


@given(st.lists(bodies, min_size=1, max_size=50))
@settings(max_examples=examples(50), deadline=None)
def test_check_characters_round_trip(found: list[str]) -> None:
    numbers = [with_check(body) for body in found]
    frame = identity.citizen_numbers(pl.Series(numbers), RECEIVED)
    placeholders = frame["ID_PLACEHOLDER"].to_list()
    expected = [None if bad else number for number, bad in zip(numbers, placeholders, strict=True)]
    assert frame["number"].to_list() == expected


@given(bodies.filter(lambda body: body[6:8] == "19"))
@settings(max_examples=examples(50), deadline=None)
def test_fifteen_to_eighteen_round_trip(body: str) -> None:
    short = body[:6] + body[8:]
    frame = identity.citizen_numbers(pl.Series([short]), RECEIVED)
    if not frame["ID_PLACEHOLDER"].item():
        assert frame["number"].item() == with_check(body)


@given(st.text(max_size=20))
@settings(max_examples=examples(200), deadline=None)
def test_whatever_stands_as_number_gives_a_key_only_if_valid(text: str) -> None:
    row = derived(id_no=text)
    key = row["identity_key"]
    assert (row["key_class"] == "C") == (key is None)
    if key is not None:
        assert with_check(key[3:20]) == key[3:]


def test_mismatches_keep_the_key() -> None:
    row = derived(id_no="512121195001310011", birth_date=date(1950, 2, 1), sex_code="2")
    assert row["identity_key"] == "ID:512121195001310011"
    assert row["identity_issue_codes"] == "ID_BIRTH_MISMATCH|ID_SEX_MISMATCH"
    row = derived(id_no="512121195001310011", birth_date=date(1950, 1, 31), sex_code="0")
    assert row["identity_issue_codes"] is None


def test_the_ladder_of_keys() -> None:
    person = {"id_no": MOTHER.replace("1980", "1979"), "birth_certificate_no": "A500000001",
              "mother_id_no": MOTHER, "name": "大 宝", "birth_date": CHILD}  # fmt: skip
    person["id_no"] = with_check("51212120200229001")
    row = derived(**person)
    assert (row["identity_key"], row["key_class"]) == (f"ID:{person['id_no']}", "A")
    assert row["birth_key"] == "BC:A500000001"
    assert row["mother_key"] == f"MO:{MOTHER}|2020-02-29|大宝"
    row = derived(**{**person, "id_no": None})
    assert (row["identity_key"], row["key_class"]) == ("BC:A500000001", "A")
    row = derived(**{**person, "id_no": None, "birth_certificate_no": None})
    assert (row["identity_key"], row["key_class"]) == (f"MO:{MOTHER}|2020-02-29|大宝", "B")
    row = derived(name="大宝", birth_date=CHILD)
    assert (row["identity_key"], row["key_class"], row["identity_issue_codes"]) == (None, "C", None)


@pytest.mark.parametrize("missing", ["mother_id_no", "name", "birth_date"])
def test_a_mother_key_needs_number_birth_date_and_name(missing: str) -> None:
    person: dict[str, Any] = {"mother_id_no": MOTHER, "name": "大宝", "birth_date": CHILD}
    assert derived(**{**person, missing: None})["mother_key"] is None


def test_issues_of_the_mothers_number() -> None:
    child: dict[str, Any] = {"name": "大宝", "birth_date": CHILD}
    assert derived(mother_id_no="123", **child)["identity_issue_codes"] == "MOTHER_ID_INVALID"
    assert derived(mother_id_no="512121195001310011", **child)["identity_issue_codes"] == (
        "MOTHER_NOT_FEMALE|MOTHER_AGE_UNUSUAL"
    )
    for born, is_usual in (("20080301", False), ("20080229", True), ("19600229", True), ("19600228", False)):
        number = with_check(f"512121{born}002")
        issues = derived(mother_id_no=number, **child)["identity_issue_codes"]
        assert issues == (None if is_usual else "MOTHER_AGE_UNUSUAL"), born


def test_the_mothers_number_as_the_childs_own_is_no_key_of_the_child() -> None:
    row = derived(id_no=MOTHER, mother_id_no=MOTHER, name="大宝", birth_date=CHILD)
    assert "MOTHER_ID_AS_OWN" in row["identity_issue_codes"].split("|")
    assert row["identity_key"] == f"MO:{MOTHER}|2020-02-29|大宝"


@pytest.mark.parametrize(
    ("number", "key", "issue"),
    [
        ("A500000001", "BC:A500000001", None),
        ("a500000001", "BC:A500000001", "ID_NORMALISED"),
        ("5500000001", None, "BC_PATTERN"),
        ("A50000000", None, "BC_PATTERN"),
        ("A000000000", None, "BC_PLACEHOLDER"),
    ],
)
def test_birth_certificate_numbers(number: str, key: str | None, issue: str | None) -> None:
    row = derived(id_type_code="11", birth_certificate_no=number)
    assert (row["identity_key"], row["birth_key"], row["identity_issue_codes"]) == (key, key, issue)


ID = "512121195001310011"


@pytest.mark.parametrize(
    ("kind", "number", "key", "key_class", "issue"),
    [
        ("01", ID, f"ID:{ID}", "A", None),
        (None, ID, f"ID:{ID}", "A", None),
        ("15", ID, f"ID:{ID}", "A", None),
        ("12", with_check("81000019900101001"), "ID:" + with_check("81000019900101001"), "A", None),
        ("13", with_check("83000019900101002"), "ID:" + with_check("83000019900101002"), "A", None),
        ("02", ID, f"ID:{ID}", "A", None),
        ("02", "012345678", "02:012345678", "B", None),
        ("05", ID, f"ID:{ID}", "A", None),
        ("03", "E12345678", "03:E12345678", "B", None),
        ("03", ID, f"03:{ID}", "B", None),
        ("06", "H12345678", "06:H12345678", "B", None),
        ("06", "12", "06:12", "B", "DOCUMENT_PATTERN"),
        ("07", "12345678", "07:12345678", "B", None),
        ("14", "USA110080010101", "14:USA110080010101", "B", None),
        ("14", "911124198108030024", "14:911124198108030024", "B", None),
        ("99", "XY-12", "99:XY-12", "B", None),
        ("03", "00000000", None, "C", "DOCUMENT_PLACEHOLDER"),
        ("03", "无", None, "C", "DOCUMENT_PLACEHOLDER"),
        ("16", ID, None, "C", "ID_TYPE_NO_KEY"),
        ("11", ID, None, "C", "ID_UNEXPECTED"),
        ("01", "E12345678", None, "C", "ID_LENGTH"),
    ],
)
def test_documents_by_type(
    kind: str | None, number: str, key: str | None, key_class: str, issue: str | None
) -> None:
    row = derived(id_type_code=kind, id_no=number)
    assert (row["identity_key"], row["key_class"], row["identity_issue_codes"]) == (key, key_class, issue)


def test_all_issue_codes_stand_in_the_registry_with_a_grade() -> None:
    from pipelines.ingest.reasons import IDENTITY_CODES

    assert set(IDENTITY_CODES) >= {"ID_LENGTH", "ID_PATTERN", "ID_CHECK_DIGIT", "MOTHER_ID_AS_OWN"}
    for code in IDENTITY_CODES:
        assert REASONS[code].grade in ("ERROR", "WARN", "INFO")

"""Contract §1 "Rows" and `format`: what quarantines a row, what is stored, what is only remarked."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest

from pipelines.contract import model
from pipelines.ingest.reasons import REASONS, split_code
from tests.ingest.conftest import Home
from tests.ingest.rows import archive, followup, population


def codes(home: Home) -> list[list[str]]:
    """Reason codes of the quarantined rows."""
    return [text.split("|") for text in home.quarantine("reason_codes")["reason_codes"].to_list()]


@pytest.mark.parametrize(
    ("dataset", "unit", "row", "code"),
    [
        ("archive", "500116", archive(district_archive_id=None), "KEY_MISSING:district_archive_id"),
        ("archive", "500116", archive(district_archive_id="  　"), "KEY_MISSING:district_archive_id"),
        ("archive", "500116", archive(name=None), "REQUIRED_MISSING:name"),
        ("archive", "500116", archive(created_date=None), "REQUIRED_MISSING:created_date"),
        ("archive", "500116", archive(create_org_code=""), "REQUIRED_MISSING:create_org_code"),
        ("htn_followup", "500116", followup(org_code=None), "REQUIRED_MISSING:org_code"),
        ("htn_followup", "500116", followup(service_date=None), "REQUIRED_MISSING:service_date"),
        ("htn_followup", "500116", followup(district_archive_id=None), "PERSON_MISSING"),
        ("htn_followup", "500116", followup(service_date="2025-02-30"), "DATE_UNREADABLE:service_date"),
        ("htn_followup", "500116", followup(service_date="01.12.2025"), "DATE_UNREADABLE:service_date"),
        ("htn_followup", "500116", followup(entered_at="2025-12-01 25:00"), "MOMENT_UNREADABLE:entered_at"),
        ("htn_followup", "500116", followup(sbp="130mmHg"), "NUMBER_UNREADABLE:sbp"),
        ("htn_followup", "500116", followup(sbp="nan"), "NUMBER_UNREADABLE:sbp"),
        ("population", "500000", population(resident_count="1.5"), "NUMBER_UNREADABLE:resident_count"),
        ("htn_followup", "500116", followup(is_free="yes"), "BOOLEAN_UNREADABLE:is_free"),
        ("htn_followup", "500116", followup(sbp=301), "HARD_RANGE:sbp"),
        ("htn_followup", "500116", followup(dbp=19), "HARD_RANGE:dbp"),
        (
            "archive",
            "500116",
            archive(declared_status_code="GONE"),
            "STRUCTURAL_CODE_UNKNOWN:declared_status_code",
        ),
        ("population", "500000", population(resident_count=None), "REQUIRED_MISSING:resident_count"),
        ("population", "500000", population(year="二〇二五"), "NUMBER_UNREADABLE:year"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_row_is_quarantined(home: Home, dataset: str, unit: str, row: dict[str, Any], code: str) -> None:
    columns = list(dict.fromkeys([*row, *(["entered_at", "is_free"] if dataset == "htn_followup" else [])]))
    outcome = home.take_in(home.delivery(unit=unit).add(dataset, [row], columns=columns))
    assert (outcome.accepted_rows, outcome.quarantined_rows) == (0, 1)
    assert codes(home) == [[code]]


@pytest.mark.parametrize(
    ("dataset", "column", "required"),
    [
        ("termination", "kind_code", {"termination_id": "T1", "district_archive_id": "A1"}),
        ("transfer", "decision_code", {"transfer_id": "T1", "district_archive_id": "A1", "from_org_code": "1",
                                       "to_org_code": "2", "applied_at": "2026-01-01 08:00"}),
        ("transfer", "path_code", {"transfer_id": "T1", "district_archive_id": "A1", "from_org_code": "1",
                                   "to_org_code": "2", "applied_at": "2026-01-01 08:00"}),
        ("chronic_register", "disease_code", {"register_id": "C1", "district_archive_id": "A1"}),
        ("identity_decision", "verdict_code", {"decision_id": "D1"}),
        ("restricted_list", "class_code", {"entry_id": "E1", "district_archive_id": "A1",
                                         "listed_date": "2026-01-01"}),
    ],
)  # fmt: skip
def test_an_unknown_structural_code_quarantines(
    home: Home, dataset: str, column: str, required: dict[str, Any]
) -> None:
    home.take_in(home.delivery().add(dataset, [{**required, column: "ZZZ"}]))
    assert codes(home) == [[f"STRUCTURAL_CODE_UNKNOWN:{column}"]]


ORG = {"org_code": "CQ001", "valid_from": date(2025, 1, 1), "org_name": "卫生院"}
VILLAGE = {"valid_from": date(2025, 1, 1), "org_code": "CQ001"}


@pytest.mark.parametrize(
    ("unit", "dataset", "row", "is_foreign"),
    [
        ("500116", "org", {**ORG, "district_code": "500116"}, False),
        ("500116", "org", {**ORG, "district_code": "500103"}, True),
        ("500116", "org", {**ORG, "district_code": "500000"}, True),
        ("500000", "org", {**ORG, "district_code": "500103"}, False),
        # the row does not tell
        ("500116", "org", {**ORG, "district_code": None}, False),
        ("500116", "org", {**ORG, "district_code": "510107"}, False),
        # institutions move with a reform, and their history with them
        ("500157", "org", {**ORG, "district_code": "500105"}, False),
        ("500105", "org", {**ORG, "district_code": "500157"}, False),
        ("500109", "org", {**ORG, "district_code": "500112"}, False),
        ("500105", "org", {**ORG, "district_code": "500112"}, True),
        # a functional area is a unit of its own
        ("500131", "org", {**ORG, "district_code": "500131"}, False),
        ("500110", "org", {**ORG, "district_code": "500131"}, True),
        ("500116", "catchment", {**VILLAGE, "village_code": "500116001001"}, False),
        ("500116", "catchment", {**VILLAGE, "village_code": "500103001001"}, True),
        ("500000", "catchment", {**VILLAGE, "village_code": "500103001001"}, False),
        ("500157", "catchment", {**VILLAGE, "village_code": "500112001001"}, False),
        ("500131", "catchment", {**VILLAGE, "village_code": "500110001001"}, False),
        ("500116", "restricted_list",
         {"entry_id": "E1", "district_archive_id": "A1", "class_code": "SPECIAL", "org_code": "CQ500103T01",
          "listed_date": date(2025, 1, 1)}, False),
    ],
)  # fmt: skip
def test_a_row_about_another_unit_is_quarantined_where_the_row_tells(
    home: Home, unit: str, dataset: str, row: dict[str, Any], is_foreign: bool
) -> None:
    outcome = home.take_in(home.delivery(unit=unit).add(dataset, [row]))
    assert (outcome.accepted_rows, outcome.quarantined_rows) == ((0, 1) if is_foreign else (1, 0))
    if is_foreign:
        found = home.quarantine("reason_codes", "reason_text").row(0)
        assert found[0].startswith("ROW_NOT_OF_UNIT:")
        assert "所属单位或市级平台" in found[1]


def test_every_row_of_a_doubled_key_is_quarantined(home: Home) -> None:
    rows = [
        archive(1),
        archive(2),
        archive(1, name="程夏江"),
        archive(3),
        archive(2, birth_date="1950-02-31"),
    ]
    outcome = home.take_in(home.delivery().add("archive", rows))
    assert home.rows("archive", "record_key")["record_key"].to_list() == ["A3"]
    found = home.quarantine("delivery_row", "record_key", "reason_codes").rows()
    assert found == [
        (1, "A1", "KEY_DOUBLED"),
        (2, "A2", "KEY_DOUBLED"),
        (3, "A1", "KEY_DOUBLED"),
        (5, "A2", "DATE_UNREADABLE:birth_date|KEY_DOUBLED"),
    ]
    assert outcome.files[0].reasons[0].first_rows == (1, 2, 3, 5)


def test_the_same_key_in_two_files_is_two_versions(home: Home) -> None:
    builder = home.delivery().add("archive", [archive()]).add("archive", [archive(name="程夏江")])
    assert home.take_in(builder).accepted_rows == 2


def test_missing_keys_are_not_doubled_keys(home: Home) -> None:
    home.take_in(home.delivery().add("archive", [archive(district_archive_id=None)] * 2 + [archive()]))
    assert codes(home) == [["KEY_MISSING:district_archive_id"]] * 2


def test_all_reasons_of_a_row_are_given_with_a_sentence_each(home: Home) -> None:
    home.take_in(home.delivery().add("archive", [archive(name=None, birth_date="x", created_date=None)]))
    row = home.quarantine().row(0, named=True)
    assert (
        row["reason_codes"]
        == "REQUIRED_MISSING:name|REQUIRED_MISSING:created_date|DATE_UNREADABLE:birth_date"
    )
    assert row["reason_text"].count("。") == 3
    assert "“出生日期”不是可读的日期" in row["reason_text"]
    assert json.loads(row["raw_row"])["birth_date"] == "x"
    assert (row["record_scope"], row["record_key"], row["delivery_row"]) == ("500116", "A1", 1)


@pytest.mark.parametrize("text", ["2025-12-01", "20251201", "2025/12/1", "2025/12/01", " 2025-12-01　"])
def test_the_three_forms_of_a_date(home: Home, text: str) -> None:
    home.take_in(home.delivery().add("htn_followup", [followup(service_date=text)]))
    assert home.rows("htn_followup", "service_date").item() == date(2025, 12, 1)


@pytest.mark.parametrize(
    "text",
    [
        "2025-12-1",
        "2025/12",
        "25-12-01",
        "0000-01-01",
        "2025-12- 1",
        "+2025-12-01",
        "2025-12-01 00:00:00",
        "46000",
    ],
)
def test_no_other_form_of_a_date(home: Home, text: str) -> None:
    home.take_in(home.delivery().add("htn_followup", [followup(service_date=text)]))
    assert codes(home) == [["DATE_UNREADABLE:service_date"]]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-12-01 08:09", datetime(2025, 12, 1, 8, 9)),
        ("2025-12-01 08:09:10", datetime(2025, 12, 1, 8, 9, 10)),
        ("2025-12-01T08:09:10", datetime(2025, 12, 1, 8, 9, 10)),
        ("2025-12-01T08:09:10.5", datetime(2025, 12, 1, 8, 9, 10, 500000)),
        ("2025-12-01T08:09:10+08:00", datetime(2025, 12, 1, 8, 9, 10)),
        ("2025-12-01T20:09:10Z", datetime(2025, 12, 2, 4, 9, 10)),
        ("2025-12-01T00:09-0330", datetime(2025, 12, 1, 11, 39)),
        ("20251201T080910Z", datetime(2025, 12, 1, 16, 9, 10)),
        ("2025-12-01", datetime(2025, 12, 1)),
    ],
)
def test_moments_are_local_wall_time(home: Home, text: str, moment: datetime) -> None:
    home.take_in(home.delivery().add("htn_followup", [followup(entered_at=text)]))
    assert home.rows("htn_followup", "entered_at").item() == moment


@pytest.mark.parametrize(
    "text",
    ["2025-12-01 8:09", "2025-12-01 24:00", "2025-12-01 08:60", "2025-12-01 08:09:60", "2025/12/1 08:09"],
)
def test_no_other_form_of_a_moment(home: Home, text: str) -> None:
    home.take_in(home.delivery().add("htn_followup", [followup(entered_at=text)]))
    assert codes(home) == [["MOMENT_UNREADABLE:entered_at"]]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("0", False), ("true", True), ("FALSE", False), ("是", True), ("否", False), ("", None)],
)
def test_booleans(home: Home, text: str, value: bool | None) -> None:
    home.take_in(home.delivery().add("htn_followup", [followup(is_free=text)]))
    assert home.rows("htn_followup", "is_free").item() is value


@pytest.mark.parametrize(
    ("text", "value"), [("36.60", 36.6), ("-0", 0.0), ("1e1", 10.0), (".5", 0.5), ("", None)]
)
def test_decimals(home: Home, text: str, value: float | None) -> None:
    rows = [followup(weight_kg=text)]
    home.take_in(home.delivery().add("htn_followup", rows))
    if value is not None and not 20 <= value <= 300:
        assert codes(home) == [["HARD_RANGE:weight_kg"]]
    else:
        assert home.rows("htn_followup", "weight_kg").item() == value


def test_hard_bounds_are_inside_and_soft_bounds_warn(home: Home) -> None:
    rows = [
        followup(1, sbp=50),
        followup(2, sbp=300),
        followup(3, sbp=80),
        followup(4, sbp=220),
        followup(5, sbp=79),
    ]
    home.take_in(home.delivery().add("htn_followup", rows))
    found = home.rows("htn_followup", "sbp", "warning_codes").rows()
    assert found == [
        (50, "SOFT_RANGE:sbp"),
        (300, "SOFT_RANGE:sbp"),
        (80, None),
        (220, None),
        (79, "SOFT_RANGE:sbp"),
    ]


@pytest.mark.parametrize(
    ("codes_given", "is_reported"),
    [
        ("1", False),
        ("2|3", False),
        ("11|13", False),  # holds the figure 1, not the code
        ("1|2", True),
        ("2|1", True),
        ("01|2", True),
        ("1|77", True),  # a code nobody knows is another code
        ("77|2", False),
        ("1|1", False),
        ("", False),
    ],
)
def test_none_beside_another_code_is_reported_and_kept(
    home: Home, codes_given: str, is_reported: bool
) -> None:
    """Rulebook §4.4: 无 together with any other code is an error; the row counts all the same."""
    outcome = home.take_in(home.delivery().add("archive", [archive(past_history_codes=codes_given)]))
    assert outcome.accepted_rows == 1
    warned = home.rows("archive")["warning_codes"].item() or ""
    assert ("CODE_EXCLUSIVE:past_history_codes" in warned.split("|")) == is_reported


def test_none_of_another_source_system_is_known_by_its_meaning(home: Home) -> None:
    row = archive(id_type_code=None, disability_codes="0|2")
    home.take_in(home.delivery(source_system="VENDOR").add("archive", [row]))
    assert home.rows("archive")["warning_codes"].item() == "CODE_EXCLUSIVE:disability_codes"


def test_an_unknown_code_is_stored_as_null_with_its_raw_value_beside_it(home: Home) -> None:
    row = archive(abo_code='Q"\\', past_history_codes="2|77|3", ethnic_code="99")
    outcome = home.take_in(home.delivery().add("archive", [row, archive(2, abo_code="1")]))
    stored = home.rows("archive").row(0, named=True)
    assert (stored["abo_code"], stored["ethnic_code"], stored["past_history_codes"]) == (None, None, "2|3")
    assert json.loads(stored["unknown_codes"]) == {
        "abo_code": 'Q"\\', "ethnic_code": "99", "past_history_codes": "2|77|3",
    }  # fmt: skip
    assert set(stored["warning_codes"].split("|")) == {
        "CODE_UNKNOWN:abo_code", "CODE_UNKNOWN:ethnic_code", "CODE_UNKNOWN:past_history_codes",
    }  # fmt: skip
    assert home.rows("archive")["unknown_codes"][1] is None
    assert {item.column for item in outcome.files[0].warnings} == {
        "abo_code",
        "ethnic_code",
        "past_history_codes",
    }


def test_another_unknown_code_is_another_version(home: Home) -> None:
    home.take_in(
        home.delivery().add("archive", [archive(1, abo_code="Q"), archive(2, abo_code="R"), archive(3)])
    )
    assert home.rows("archive")["record_hash"].n_unique() == 3


def test_multi_select_codes_have_one_order(home: Home) -> None:
    rows = [archive(1, past_history_codes="3|2"), archive(2, past_history_codes=" 2 | 3|2|")]
    home.take_in(home.delivery().add("archive", rows))
    assert home.rows("archive", "past_history_codes")["past_history_codes"].to_list() == ["2|3", "2|3"]


def test_codes_of_a_source_system_go_through_its_crosswalk(home: Home) -> None:
    crosswalk = model.crosswalk("FORM2017", "rh")
    assert crosswalk is not None
    raw, canonical = next(iter(crosswalk.items()))
    rows = [archive(1, rh_code=raw), archive(2, rh_code="no such code")]
    home.take_in(home.delivery(source_system="FORM2017").add("archive", rows))
    assert home.rows("archive", "rh_code")["rh_code"].to_list() == [canonical, None]


def test_contradicting_dates_never_quarantine(home: Home) -> None:
    row = archive(birth_date="2030-01-01", created_date="1900-01-01", manage_from_date="1800-05-05")
    assert home.take_in(home.delivery().add("archive", [row])).accepted_rows == 1


def test_a_bad_identity_number_is_accepted_and_reported(home: Home) -> None:
    outcome = home.take_in(home.delivery().add("archive", [archive(id_no="512121195001310012")]))
    stored = home.rows("archive").row(0, named=True)
    assert (stored["id_no"], stored["identity_key"], stored["key_class"]) == ("512121195001310012", None, "C")
    assert stored["identity_issue_codes"] == "ID_CHECK_DIGIT"
    assert [item.code for item in outcome.files[0].identity_issues] == ["ID_CHECK_DIGIT"]


@pytest.mark.parametrize(
    "present",
    [
        {"district_archive_id": "A1"},
        {"id_no": "1"},
        {"birth_certificate_no": "A500000001"},
        {"mother_id_no": "512122198001010027", "name": "大宝"},
    ],
    ids=str,
)
def test_any_one_of_the_person_minimum_is_enough(home: Home, present: dict[str, str]) -> None:
    columns = [
        "record_id",
        "org_code",
        "service_date",
        "district_archive_id",
        "id_no",
        "birth_certificate_no",
    ]
    columns += ["mother_id_no", "name"]
    row = {**followup(district_archive_id=None), **present}
    alone = {**followup(2, district_archive_id=None), "name": "大宝"}
    outcome = home.take_in(home.delivery().add("htn_followup", [row, alone], columns=columns))
    assert (outcome.accepted_rows, outcome.quarantined_rows) == (1, 1)


def test_ragged_rows_and_stray_quotes_are_quarantined_and_the_rest_is_read(home: Home) -> None:
    lines = [
        "district_archive_id,name,create_org_code,created_date",
        "A1,程春,1,2025-01-01",
        "A2,程夏,1",
        "A3,程秋,1,2025-01-01,多",
        'A4,程"冬,1,2025-01-01',
        'A5,"程""梅",1,2025-01-01',
        'A6,"程"兰,1,2025-01-01',
        "",
        'A7,"程\r\n竹",1,2025-01-01',
        "A8,程菊,1,2025-01-01",
    ]
    outcome = home.take_in(home.delivery().add_bytes("archive", "\r\n".join(lines).encode(), 8))
    assert (outcome.accepted_rows, outcome.quarantined_rows) == (4, 4)
    assert home.rows("archive", "name", "delivery_row").rows() == [
        ("程春", 1), ('程"梅', 5), ("程\r\n竹", 7), ("程菊", 8),
    ]  # fmt: skip
    found = home.quarantine("delivery_row", "reason_codes", "raw_row").rows()
    assert [row[:2] for row in found] == [(row, "ROW_MALFORMED") for row in (2, 3, 4, 6)]
    assert json.loads(found[0][2]) == {"_line": "A2,程夏,1"}


def test_an_open_quote_refuses_the_file(home: Home) -> None:
    content = (
        'district_archive_id,name,create_org_code,created_date\nA1,"程春,1,2025-01-01\nA2,程夏,1,2025-01-01\n'
    )
    outcome = home.take_in(home.delivery().add_bytes("archive", content.encode(), 2))
    assert outcome.files[0].refusal.code == "FILE_UNREADABLE"


def test_the_lake_has_every_contract_column_in_its_type(home: Home) -> None:
    home.take_in(home.delivery().add("archive", [archive()]).add("htn_followup", [followup()]))
    for name in ("archive", "htn_followup"):
        dataset = model.dataset(name)
        schema = home.rows(name).schema
        for column, dtype in model.polars_schema(dataset).items():
            assert schema[column] == dtype
        expected = [*dataset.column_names, *model.PROVENANCE_COLUMNS, *model.DERIVED_IDENTITY_COLUMNS]
        assert schema.names() == expected


def test_every_reason_in_the_quarantine_stands_in_the_registry(home: Home) -> None:
    home.take_in(home.delivery().add("archive", [archive(name=None), archive(2, birth_date="x"), archive(2)]))
    for row in codes(home):
        for code in row:
            assert REASONS[split_code(code)[0]].level == "row"

"""Contract §1 "Refusal": what refuses a delivery or a file, and that everything is counted and named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.deliveries import DeliveryBuilder
from tests.ingest.conftest import Home
from tests.ingest.rows import archive, followup, population


def reasons(outcome: Any) -> dict[str, str | None]:
    """File path → reason code."""
    return {file.path: file.refusal.code if file.refusal else None for file in outcome.files}


def test_a_right_delivery_is_accepted_and_registered(home: Home) -> None:
    outcome = home.take_in(home.delivery().add("archive", [archive(1), archive(2)]))
    assert (outcome.status, outcome.accepted_rows) == ("accepted", 2)
    row = home.register().row(0, named=True)
    assert row["delivery_id"] == outcome.delivery_sm3[:16]
    assert (row["file_path"], row["dataset"], row["file_status"]) == ("archive.csv", "archive", "accepted")
    assert row["received_at"].isoformat() == "2026-01-07T21:00:00"
    assert row["mode"] == "delta"


def test_sent_at_with_another_offset_is_local_time_in_the_lake(home: Home) -> None:
    builder = home.delivery(sent_at="2026-01-07T18:30:00Z", folder_day="2026-01-08").add(
        "archive", [archive()]
    )
    outcome = home.take_in(builder)
    assert outcome.status == "accepted"
    assert home.rows("archive")["received_at"][0].isoformat() == "2026-01-08T02:30:00"


def test_a_folder_without_manifest_is_refused_until_the_manifest_comes(home: Home) -> None:
    builder = home.delivery().add("archive", [archive()])
    builder.write()
    (builder.folder / "manifest.json").unlink()
    (outcome,) = home.ingest().deliveries
    assert outcome.refusal.code == "MANIFEST_MISSING"
    assert reasons(outcome) == {"archive.csv": "DELIVERY_REFUSED"}
    builder.write()
    (outcome,) = home.ingest().deliveries
    assert outcome.status == "accepted"
    assert home.register()["delivery_reason_code"].to_list() == [None]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"unit": 500116}',
        b'{"a": 1, "a": 2}',
        b"[" * 100_000,
        b"null",
    ],
    ids=["empty", "broken", "list", "no utf-8", "keys missing", "key twice", "deep", "null"],
)
def test_a_malformed_manifest_refuses_the_delivery(home: Home, content: bytes) -> None:
    builder = home.delivery().add("archive", [archive()])
    builder.write()
    (builder.folder / "manifest.json").write_bytes(content)
    (outcome,) = home.ingest().deliveries
    assert outcome.refusal.code == "MANIFEST_MALFORMED"
    assert home.rows("archive").height == 0


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "partial"},
        {"sent_at": "yesterday"},
        {"sent_at": "2026-13-01T00:00:00"},
        {"files": [{"path": "archive.csv"}]},
        {"files": "archive.csv"},
        {"batch": "../x"},
        {"withdraws": [1]},
        {"withdraws": ["B1|B2"]},
        {"unit": 500116},
    ],
    ids=str,
)
def test_manifest_keys_of_a_wrong_kind_refuse_the_delivery(home: Home, change: dict[str, Any]) -> None:
    outcome = home.take_in(home.delivery(manifest=change).add("archive", [archive()]))
    assert outcome.refusal.code == "MANIFEST_MALFORMED"
    assert outcome.refusal.detail.split(".")[0] in change


@pytest.mark.parametrize("rows", [-1, "2", 1.5, True, None])
def test_a_row_count_that_is_no_count_refuses_the_delivery(home: Home, rows: Any) -> None:
    outcome = home.take_in(home.delivery().add("archive", [archive()], entry={"rows": rows}))
    assert outcome.refusal.code == "MANIFEST_MALFORMED"


@pytest.mark.parametrize(("version", "code"), [("2.0.0", "CONTRACT_VERSION_UNKNOWN"), ("1.9.4", None)])
def test_only_an_unknown_major_version_is_refused(home: Home, version: str, code: str | None) -> None:
    outcome = home.take_in(home.delivery(contract_version=version).add("archive", [archive()]))
    assert (outcome.refusal.code if outcome.refusal else None) == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"contract_version": "2.0.0"}, "CONTRACT_VERSION_UNKNOWN"),
        ({"mode": "partial"}, "MANIFEST_MALFORMED"),
        ({"files": [{"path": "../archive.csv", "dataset": "archive", "format": "csv", "rows": 1,
                     "sm3": "0" * 64}, {"path": "archive.csv", "dataset": "archive", "format": "csv",
                     "rows": 1, "sm3": "0" * 64}]}, "PATH_OUTSIDE"),
    ],
    ids=["version", "malformed", "path"],
)  # fmt: skip
def test_a_refused_delivery_says_once_why_and_calls_no_named_file_unnamed(
    home: Home, change: dict[str, Any], code: str
) -> None:
    outcome = home.take_in(home.delivery(manifest=change).add("archive", [archive()]))
    assert outcome.refusal.code == code
    assert set(reasons(outcome).values()) == {"DELIVERY_REFUSED"}
    assert "archive.csv" in reasons(outcome)
    text = next(home.settings.feedback.rglob("*.txt")).read_text("utf-8")
    assert [line for line in text.splitlines() if "原因：" in line] == [
        line for line in text.splitlines() if line.endswith(f"[{code}]")
    ]
    assert text.count("原因：") == 1
    assert "文件 archive.csv" in text and "随整个报送拒收" in text


def test_a_file_that_a_refused_manifest_leaves_out_is_still_unnamed(home: Home) -> None:
    builder = home.delivery(unit="510107").add("archive", [archive()]).add_unnamed("note.txt", b"x")
    assert reasons(home.take_in(builder)) == {"archive.csv": "DELIVERY_REFUSED", "note.txt": "FILE_UNNAMED"}


def test_an_unknown_unit_is_refused(home: Home) -> None:
    outcome = home.take_in(home.delivery(unit="510107").add("archive", [archive()]))
    assert outcome.refusal.code == "UNIT_UNKNOWN"
    assert outcome.refused_rows == 1


@pytest.mark.parametrize("unit", ["500131", "500132", "500133", "500157", "500105", "500000"])
def test_functional_areas_and_old_and_new_districts_may_deliver(home: Home, unit: str) -> None:
    outcome = home.take_in(home.delivery(unit=unit).add("org", [], path="org.csv"))
    assert outcome.status == "accepted"


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ({"folder_unit": "500103"}, "FOLDER_MISMATCH"),
        ({"folder_batch": "other"}, "FOLDER_MISMATCH"),
        ({"folder_day": "2026-01-08"}, "DAY_MISMATCH"),
        ({"folder_day": "20260107"}, "DAY_MISMATCH"),
    ],
)
def test_folder_and_manifest_must_agree(home: Home, place: dict[str, str], code: str) -> None:
    outcome = home.take_in(home.delivery(**place).add("archive", [archive()]))
    assert outcome.refusal.code == code
    assert home.receipt(outcome)["reason"]["code"] == code


def test_a_copy_in_a_wrong_folder_does_not_touch_the_right_one(home: Home) -> None:
    right = home.delivery().add("archive", [archive()])
    right.write()
    home.delivery(folder_unit="500103").add("archive", [archive()]).write()
    home.ingest()
    register = home.register()
    assert register["delivery_id"].n_unique() == 2
    assert home.rows("archive").height == 1


@pytest.mark.parametrize(
    "path", ["../x.csv", "/etc/hostname", "a/../../x.csv", "..\\x.csv", "C:\\x.csv", "a\0b"]
)
def test_a_path_outside_the_folder_refuses_the_delivery(home: Home, path: str) -> None:
    outcome = home.take_in(home.delivery().add("archive", [archive()], path=path))
    assert outcome.refusal.code == "PATH_OUTSIDE"


def test_a_link_that_leads_outside_refuses_the_delivery(home: Home, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("district_archive_id\nA1\n")
    builder = home.delivery().add("archive", [archive()])
    builder.write()
    (builder.folder / "archive.csv").unlink()
    (builder.folder / "archive.csv").symlink_to(secret)
    (outcome,) = home.ingest().deliveries
    assert outcome.refusal.code == "PATH_OUTSIDE"


def test_a_link_inside_the_folder_refuses_the_file(home: Home) -> None:
    builder = home.delivery().add("archive", [archive()])
    builder.write()
    (builder.folder / "archive.csv").rename(builder.folder / "real.csv")
    (builder.folder / "archive.csv").symlink_to("real.csv")
    (outcome,) = home.ingest().deliveries
    assert reasons(outcome) == {"archive.csv": "FILE_NOT_REGULAR", "real.csv": "FILE_UNNAMED"}


def test_a_linked_delivery_folder_is_not_followed(home: Home, tmp_path: Path) -> None:
    elsewhere = DeliveryBuilder(tmp_path / "elsewhere").add("archive", [archive()])
    elsewhere.write()
    day = home.settings.inbox / "500116" / "2026-01-07"
    day.mkdir(parents=True)
    (day / elsewhere.batch).symlink_to(elsewhere.folder)
    summary = home.ingest()
    assert summary.deliveries == ()
    assert summary.strays == (f"500116/2026-01-07/{elsewhere.batch}",)


def test_a_path_named_twice_refuses_the_delivery(home: Home) -> None:
    builder = (
        home.delivery().add("archive", [archive()], path="a.csv").add("archive", [archive()], path="./a.csv")
    )
    assert home.take_in(builder).refusal.code == "MANIFEST_MALFORMED"


def test_each_file_is_refused_for_itself_and_the_others_go_on(home: Home) -> None:
    builder = (
        home.delivery()
        .add("archive", [archive()], path="right.csv")
        .add("archive", [archive()], path="digest.csv", entry={"sm3": "0" * 64})
        .add("archive", [archive()], path="more.csv", entry={"rows": 2})
        .add("archive", [archive(1), archive(2)], path="fewer.csv", entry={"rows": 1})
        .add_bytes("archive", b"", 0, path="zero.csv")
        .add("archive", [archive()], path="dataset.csv", entry={"dataset": "nothing"})
        .add("archive", [archive()], path="format.csv", entry={"format": "json"})
        .add("archive", [archive()], path="encoding.csv", entry={"encoding": "utf-16"})
        .add("archive", [archive()], path="gone.csv")
        .add_bytes("archive", b"not a parquet file", 1, path="broken.parquet", format="parquet")
        .add_bytes("archive", b"not a workbook", 1, path="broken.xlsx", format="xlsx")
        .add_unnamed("notes/read me.txt", b"hello")
    )
    builder.write()
    (builder.folder / "gone.csv").unlink()
    (outcome,) = home.ingest().deliveries
    assert reasons(outcome) == {
        "right.csv": None,
        "digest.csv": "DIGEST_MISMATCH",
        "more.csv": "ROWS_MISMATCH",
        "fewer.csv": "ROWS_MISMATCH",
        "zero.csv": "FILE_EMPTY",
        "dataset.csv": "DATASET_UNKNOWN",
        "format.csv": "FORMAT_UNKNOWN",
        "encoding.csv": "ENCODING_UNKNOWN",
        "gone.csv": "FILE_MISSING",
        "broken.parquet": "FILE_UNREADABLE",
        "broken.xlsx": "FILE_UNREADABLE",
        "notes/read me.txt": "FILE_UNNAMED",
    }
    assert outcome.status == "accepted"
    assert home.rows("archive")["delivery_file"].to_list() == ["right.csv"]
    for file in outcome.files:
        assert file.manifest_rows == file.accepted_rows + file.quarantined_rows + file.refused_rows


def test_a_header_without_rows_is_a_feed_that_had_nothing_to_say(home: Home) -> None:
    builder = home.delivery()
    for format in ("csv", "parquet", "xlsx"):
        builder.add("contact_attempt", [], format=format, path=f"c.{format}")
    outcome = home.take_in(builder)
    assert [file.status for file in outcome.files] == ["accepted"] * 3
    assert home.register()["accepted_rows"].to_list() == [0, 0, 0]


@pytest.mark.parametrize(
    "columns", [["name", "create_org_code", "created_date"], ["district_archive_id", "name"]]
)
def test_an_absent_required_column_refuses_the_file(home: Home, columns: list[str]) -> None:
    outcome = home.take_in(home.delivery().add("archive", [archive()], columns=columns))
    (file,) = outcome.files
    assert file.refusal.code == "COLUMN_MISSING"
    missing = {"district_archive_id", "create_org_code", "created_date"} - set(columns)
    assert set(file.refusal.detail.split("、")) == missing


def test_a_file_without_any_column_of_the_person_minimum_is_refused(home: Home) -> None:
    columns = ["record_id", "org_code", "service_date", "mother_id_no"]
    outcome = home.take_in(home.delivery().add("htn_followup", [followup()], columns=columns))
    assert outcome.files[0].refusal.code == "COLUMN_MISSING"
    columns.append("name")
    outcome = home.take_in(home.delivery(batch="2").add("htn_followup", [followup()], columns=columns))
    assert outcome.files[0].refusal is None


def test_a_column_given_twice_refuses_the_file(home: Home) -> None:
    content = (
        "district_archive_id,name,姓名,create_org_code,created_date\nA1,程春,程夏,1,2025-01-01\n".encode()
    )
    outcome = home.take_in(home.delivery().add_bytes("archive", content, 1))
    assert (outcome.files[0].refusal.code, outcome.files[0].refusal.detail) == ("HEADER_DUPLICATED", "name")


def test_unknown_columns_and_manifest_keys_are_ignored_and_named(home: Home) -> None:
    builder = home.delivery(manifest={"remark": "x"}).add(
        "archive", [archive(hobby="chess", 爱好="棋")], entry={"author": "y"}
    )
    outcome = home.take_in(builder)
    assert "hobby" not in home.rows("archive").columns
    receipt = home.receipt(outcome)
    assert receipt["files"][0]["unknown_columns"] == ["hobby", "爱好"]
    assert receipt["ignored_manifest_keys"] == ["remark", "files.author"]
    assert home.register()["unknown_columns"].to_list() == ["hobby|爱好"]


def test_a_file_without_header_is_refused_and_nothing_of_it_is_repeated(home: Home) -> None:
    content = "A1,程春江,512121195001310011\nA2,程夏江,512122198001010027\n".encode()
    outcome = home.take_in(home.delivery().add_bytes("archive", content, 1))
    assert outcome.files[0].refusal.code == "COLUMN_MISSING"
    text = json.dumps(home.receipt(outcome), ensure_ascii=False)
    assert "程春江" not in text and "512121" not in text


@pytest.mark.parametrize(
    ("unit", "dataset", "is_allowed"),
    [
        ("500116", "population", False),
        ("500000", "population", True),
        ("500116", "delivery_plan", False),
        ("500000", "archive", False),
        ("500116", "archive", True),
        ("500000", "org", True),
        ("500116", "org", True),
        ("500116", "restricted_list", True),
        ("500116", "transfer", True),
    ],
)
def test_who_sends_what(home: Home, unit: str, dataset: str, is_allowed: bool) -> None:
    (file,) = home.take_in(home.delivery(unit=unit).add(dataset, [])).files
    assert file.refusal is None if is_allowed else file.refusal.code == "SENDER_NOT_ALLOWED"


def test_a_refused_delivery_counts_all_its_rows_as_refused(home: Home) -> None:
    builder = home.delivery(folder_day="2026-01-08").add("archive", [archive(1), archive(2)])
    outcome = home.take_in(builder.add("htn_followup", [followup()]))
    assert (outcome.manifest_rows, outcome.refused_rows) == (3, 3)
    register = home.register()
    assert register["delivery_status"].unique().to_list() == ["refused"]
    assert register["file_path"].to_list() == ["archive.csv", "htn_followup1.csv", None]


def test_a_delivery_may_only_withdraw(home: Home) -> None:
    outcome = home.take_in(home.delivery(withdraws=["20260101-01", "20260102-01"]))
    assert outcome.status == "accepted"
    row = home.register().row(0, named=True)
    assert (row["file_path"], row["withdraws"]) == (None, "20260101-01|20260102-01")


def test_a_batch_may_have_any_name_that_a_folder_may_have(home: Home) -> None:
    outcome = home.take_in(home.delivery(batch="第1批 (补报)").add("archive", [archive()]))
    assert outcome.status == "accepted"
    assert home.receipt(outcome)["batch"] == "第1批 (补报)"


def test_what_lies_astray_in_the_inbox_is_named(home: Home) -> None:
    inbox = home.settings.inbox
    (inbox / "500116" / "2026-01-07").mkdir(parents=True)
    (inbox / "readme.txt").write_text("x")
    (inbox / "江津").mkdir()
    (inbox / "500116" / "2026-01-07" / "archive.csv").write_text("x")
    assert home.ingest().strays == ("500116/2026-01-07/archive.csv", "readme.txt", "江津")


def test_the_city_sends_what_is_the_citys(home: Home) -> None:
    outcome = home.take_in(home.delivery(unit="500000").add("population", [population()]))
    assert outcome.accepted_rows == 1
    assert home.rows("population", "record_scope", "record_key").row(0) == ("*", "2025|500116|0|999|0|1")

"""`yudang check`: every refusal and every reason in words, masked values, exit codes, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

from pipelines.cli import main
from pipelines.contract import model
from pipelines.ingest.check import check_delivery
from pipelines.ingest.check_text import WIDTH, width_of
from pipelines.ingest.reasons import REASONS
from tests.conftest import REPOSITORY
from tests.deliveries import DeliveryBuilder, csv_bytes, headers, sm3
from tests.ingest.conftest import Home
from tests.ingest.rows import archive, followup, population

HEADER = b"district_archive_id,name,create_org_code,created_date\r\n"

PERSON = {
    "name": "甴曱麤龘", "id_no": "512127195002280035", "phone": "10098761234",
    "present_address": "鱻驫街厵弄七百四十二号", "archive_no": "50024377799900042",
    "contact_name": "齉齾爩", "district_archive_id": "ZSL-CANARY-0001",
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """What the command said."""

    code: int
    text: str
    document: dict[str, Any]

    @property
    def findings(self) -> dict[str, dict[str, Any]]:
        """`CODE:column` → finding, over all files."""
        return {
            f"{item['code']}:{item['column']}" if item["column"] else item["code"]: item
            for file in self.document["files"]
            for key in ("quarantine_reasons", "warnings", "identity_issues")
            for item in file[key]
        }


@pytest.fixture
def system_temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's temporary folder, and a home that nobody has set up."""
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("YUDANG_HOME", str(tmp_path / "no home"))
    return folder


@pytest.fixture
def check(system_temp: Path, tmp_path: Path) -> Any:
    """Runs the command; every run must leave neither a home nor a scratch folder."""

    def run(path: Path, *options: str) -> Said:
        target = tmp_path / "check.json"
        target.unlink(missing_ok=True)
        result = CliRunner().invoke(main, ["check", str(path), "--json", str(target), *options])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert list(system_temp.iterdir()) == []
        assert not (tmp_path / "no home").exists()
        return Said(result.exit_code, result.output, json.loads(target.read_text("utf-8")))

    return run


def desk(tmp_path: Path, **fields: Any) -> DeliveryBuilder:
    """A delivery that lies in its folder on somebody's desk."""
    return DeliveryBuilder(tmp_path / "desk", **fields)


def table(tmp_path: Path, dataset: str, rows: Sequence[dict[str, Any]], name: str | None = None) -> Path:
    """A CSV file with Chinese headers."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    path = tmp_path / (name or f"{dataset}.csv")
    path.write_bytes(
        csv_bytes(headers(dataset, columns, "zh"), [[row.get(c) for c in columns] for row in rows])
    )
    return path


def test_a_clean_delivery_is_ready_to_send(check: Any, tmp_path: Path) -> None:
    said = check(desk(tmp_path).add("archive", [archive(1), archive(2)], header="zh").write())
    assert said.code == 0
    assert "可以报送" in said.text and "2 行 = 可接收 2 + 隔离 0 + 拒收 0，可接收 100.00%" in said.text
    assert (said.document["verdict"], said.document["rows"]["accepted_share"]) == ("clean", 1.0)


REFUSED_DELIVERIES = {
    "MANIFEST_MALFORMED": {"manifest": {"mode": "partial"}},
    "CONTRACT_VERSION_UNKNOWN": {"contract_version": "9.0.0"},
    "UNIT_UNKNOWN": {"unit": "510107"},
    "FOLDER_MISMATCH": {"folder_unit": "500103"},
    "DAY_MISMATCH": {"folder_day": "2026-01-08"},
}


@pytest.mark.parametrize("code", REFUSED_DELIVERIES)
def test_a_delivery_that_would_be_refused_says_why_and_what_to_do(
    check: Any, tmp_path: Path, code: str
) -> None:
    said = check(desk(tmp_path, **REFUSED_DELIVERIES[code]).add("archive", [archive()]).write())
    assert said.code == 3
    assert said.document["reason"]["code"] == code
    assert f"[{code}]" in said.text and said.document["rows"]["accepted"] == 0
    assert REASONS[code].chinese in said.text.replace("\n  ", "")


def test_a_folder_without_a_manifest_is_no_delivery(check: Any, tmp_path: Path) -> None:
    folder = desk(tmp_path).add("archive", [archive()]).write()
    (folder / "manifest.json").unlink()
    said = check(folder)
    assert (said.code, said.document["reason"]["code"]) == (2, "MANIFEST_MISSING")
    assert "请补上清单" in said.text


def test_a_path_outside_the_folder_refuses_the_delivery(check: Any, tmp_path: Path) -> None:
    said = check(desk(tmp_path).add("archive", [archive()], path="../x.csv").write())
    assert (said.code, said.document["reason"]["code"]) == (3, "PATH_OUTSIDE")


def test_every_refused_file_is_shown_with_its_way_out(check: Any, tmp_path: Path) -> None:
    builder = (
        desk(tmp_path)
        .add("archive", [archive()], path="right.csv")
        .add("archive", [archive()], path="digest.csv", entry={"sm3": "0" * 64})
        .add("archive", [archive()], path="more.csv", entry={"rows": 2})
        .add_bytes("archive", b"", 0, path="zero.csv")
        .add("archive", [archive()], path="dataset.csv", entry={"dataset": "nothing"})
        .add("archive", [archive()], path="format.csv", entry={"format": "json"})
        .add("archive", [archive()], path="encoding.csv", entry={"encoding": "utf-16"})
        .add("archive", [archive()], path="gone.csv")
        .add_bytes("archive", b"no parquet", 1, path="broken.parquet", format="parquet")
        .add_bytes("archive", HEADER + b"A1,\xff\xff,1,2025-01-01\n", 1, path="bytes.csv")
        .add_bytes("archive", HEADER.replace(b"name", b"district_archive_id"), 0, path="twice.csv")
        .add("archive", [archive()], path="column.csv", columns=["district_archive_id", "name"])
        .add_bytes("archive", HEADER + b'A1,"' + b"x" * 1_100_000, 1, path="long.csv")
        .add("population", [population()], path="sender.csv")
        .add_unnamed("note.txt", b"hello")
    )
    folder = builder.write()
    (folder / "gone.csv").unlink()
    said = check(folder)
    found = {file["path"]: (file["reason"] or {}).get("code") for file in said.document["files"]}
    assert found == {
        "right.csv": None, "digest.csv": "DIGEST_MISMATCH", "more.csv": "ROWS_MISMATCH",
        "zero.csv": "FILE_EMPTY", "dataset.csv": "DATASET_UNKNOWN", "format.csv": "FORMAT_UNKNOWN",
        "encoding.csv": "ENCODING_UNKNOWN", "gone.csv": "FILE_MISSING", "broken.parquet": "FILE_UNREADABLE",
        "bytes.csv": "ENCODING_WRONG", "twice.csv": "HEADER_DUPLICATED", "column.csv": "COLUMN_MISSING",
        "long.csv": "LINE_TOO_LONG", "sender.csv": "SENDER_NOT_ALLOWED", "note.txt": "FILE_UNNAMED",
    }  # fmt: skip
    page = "".join(line.strip() for line in said.text.splitlines())
    for code in filter(None, found.values()):
        assert f"[{code}]" in page
        assert "".join(REASONS[code].chinese.split()) in "".join(page.split())
    # what is absent is named as the people who fill the table know it
    assert "建档单位 create_org_code" in page and "建档日期 created_date" in page
    assert said.code == 3


TOLD_BY_VALUE = [
    # what stands in a row, what is said of it, how its value is shown
    (followup(service_date="2025.13.01"), "DATE_UNREADABLE:service_date", "9999.99.99", True),
    (followup(entered_at="2025-13-01 25:00"), "MOMENT_UNREADABLE:entered_at", "2025-13-01 25:00", False),
    (followup(is_free="无偿"), "BOOLEAN_UNREADABLE:is_free", "张*", True),
    (followup(sbp="130毫米"), "NUMBER_UNREADABLE:sbp", "999张*", True),
    (followup(sbp=999), "HARD_RANGE:sbp", "999", True),
    (followup(sbp=60), "SOFT_RANGE:sbp", "99", True),
    (followup(mode_code="77"), "CODE_UNKNOWN:mode_code", "77", False),
    (followup(symptom_codes="2|头痛头晕|无症状"), "CODE_UNKNOWN:symptom_codes", "头痛头晕", False),
    (followup(mode_code="门诊"), "CODE_UNKNOWN:mode_code", "门诊", False),
    # a slip of columns puts numbers of persons anywhere
    (followup(mode_code="10098761234"), "CODE_UNKNOWN:mode_code", "99999999999", True),
    (followup(entered_at="10098761234"), "MOMENT_UNREADABLE:entered_at", "99999999999", True),
    (followup(entered_at="甴曱麤龘"), "MOMENT_UNREADABLE:entered_at", "张***", True),
    (archive(birth_date="甴曱麤龘"), "DATE_UNREADABLE:birth_date", "张***", True),
    (archive(birth_date="10098761234"), "DATE_UNREADABLE:birth_date", "99999999999", True),
    (archive(name="甴曱" * 40), "TEXT_TOO_LONG:name", "张" + "*" * 29 + "…", True),
    (archive(archive_no="12 A"), "PATTERN:archive_no", "99␣A", True),
    (archive(ethnic_code="99"), "CODE_UNKNOWN:ethnic_code", "99", False),
    (archive(ethnic_code="汉族"), "CODE_UNKNOWN:ethnic_code", "汉族", False),
    (archive(id_no="5121271950022800351234"), "ID_LENGTH", "9999999999999999999999", True),
    (archive(id_no="51212719500228003Z"), "ID_PATTERN", "99999999999999999A", True),
    (archive(birth_certificate_no="甴1"), "BC_PATTERN", "张9", True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "finding", "value", "is_masked"), TOLD_BY_VALUE, ids=lambda value: str(value)[-40:]
)
def test_a_value_is_shown_as_its_columns_role_allows(
    check: Any, tmp_path: Path, row: dict[str, Any], finding: str, value: str, is_masked: bool
) -> None:
    dataset = "htn_followup" if "record_id" in row else "archive"
    said = check(table(tmp_path, dataset, [row]), "--dataset", dataset)
    (shown, *_) = said.findings[finding]["values"]
    assert (shown["value"], shown["is_masked"], shown["count"]) == (value, is_masked, 1)
    code, _, column = finding.partition(":")
    assert f"[{code}]" in said.text and value in said.text
    if column:
        assert model.dataset(dataset).by_name[column].title in said.text
    raw = str(row.get(column, row.get("id_no")))
    if is_masked and raw != value:
        assert raw not in said.text and raw not in json.dumps(said.document, ensure_ascii=False)


def test_a_label_in_the_place_of_its_code_is_told_its_code(check: Any, tmp_path: Path) -> None:
    said = check(table(tmp_path, "archive", [archive(1, ethnic_code="汉族"), archive(2, ethnic_code="汉族")]))
    (shown,) = said.findings["CODE_UNKNOWN:ethnic_code"]["values"]
    assert (shown["value"], shown["code"], shown["count"]) == ("汉族", "01", 2)
    assert "汉族 (2，应填 01)" in said.text


def test_values_behind_a_remark_are_those_of_accepted_rows(check: Any, tmp_path: Path) -> None:
    rows = [followup(1, sbp=60), followup(2, sbp=60, service_date="x"), followup(3, sbp=999, mode_code="Q")]
    said = check(table(tmp_path, "htn_followup", rows), "--dataset", "htn_followup")
    finding = said.findings["SOFT_RANGE:sbp"]
    assert (finding["count"], [(item["value"], item["count"]) for item in finding["values"]]) == (
        1,
        [("99", 1)],
    )
    assert "CODE_UNKNOWN:mode_code" not in said.findings


ROW_REASONS = {
    "KEY_MISSING": [archive(1, district_archive_id=None)],
    "KEY_DOUBLED": [archive(1), archive(1)],
    "REQUIRED_MISSING": [archive(1, name=None)],
    "DATE_UNREADABLE": [archive(1, created_date="x")],
    "BOOLEAN_UNREADABLE": [archive(1, is_open="x")],
    "STRUCTURAL_CODE_UNKNOWN": [archive(1, declared_status_code="Q")],
}


@pytest.mark.parametrize("code", ROW_REASONS)
def test_rows_kept_out_are_grouped_by_reason_with_the_way_out(check: Any, tmp_path: Path, code: str) -> None:
    bad = ROW_REASONS[code]
    said = check(table(tmp_path, "archive", [*bad, archive(9)]))
    (finding,) = said.document["files"][0]["quarantine_reasons"]
    assert (finding["code"], finding["count"]) == (code, len(bad))
    assert finding["first_rows"] == list(range(1, len(bad) + 1))
    assert finding["sentence"] in "".join(line.strip() for line in said.text.splitlines())
    assert said.code == 3
    assert said.document["rows"]["accepted_share"] == round(1 / (1 + len(bad)), 6)


def test_persons_without_any_number_and_malformed_rows_are_named(check: Any, tmp_path: Path) -> None:
    rows = [followup(1, district_archive_id=None, name="甴曱"), followup(2)]
    path = table(tmp_path, "htn_followup", rows)
    path.write_bytes(path.read_bytes() + b"R3,too few\r\n")
    said = check(path, "--dataset", "htn_followup")
    assert set(said.findings) == {"PERSON_MISSING", "ROW_MALFORMED"}
    assert said.findings["ROW_MALFORMED"]["first_rows"] == [3]


def test_ten_rows_are_named_and_the_rest_counted(check: Any, tmp_path: Path) -> None:
    said = check(table(tmp_path, "archive", [archive(n, name=None) for n in range(1234)]))
    assert "行号 1、2、3、4、5、6、7、8、9、10、…共 1,234 行" in said.text


def test_unknown_columns_notes_and_ranges_are_told(check: Any, tmp_path: Path) -> None:
    row = {**followup(1, sbp=60), "爱好": "棋"}
    said = check(
        desk(tmp_path, manifest={"remark": "x"}, withdraws=["20260107-01"]).add("htn_followup", [row]).write()
    )
    assert said.code == 0
    for part in ("爱好", "remark", "WITHDRAWS_ITSELF", "范围 80 ~ 220", "另有 4 处提示"):
        assert part in said.text
    assert said.document["files"][0]["unknown_columns"] == ["爱好"]
    assert said.findings["SOFT_RANGE:sbp"]["allowed"] == {"minimum": 80, "maximum": 220}


def test_no_identifying_value_is_ever_shown(check: Any, tmp_path: Path) -> None:
    """Every column of a row holds an identifying value, so that every finding has one behind it."""
    values = list(PERSON.values())
    for dataset in model.datasets().values():
        rows = [
            {
                column.name: values[(index + turn) % len(values)]
                for index, column in enumerate(dataset.columns)
            }
            for turn in range(len(values))
        ]
        said = check(table(tmp_path, dataset.name, rows), "--dataset", dataset.name)
        spoken = said.text + json.dumps(said.document, ensure_ascii=False)
        assert [value for value in values if value in spoken] == []
        assert said.findings or dataset.name in ("amendment", "identity_decision")


def test_the_page_fits_a_terminal_and_a_pipe(check: Any, tmp_path: Path) -> None:
    rows = [
        archive(n, name=None, created_date="2025.1.1", ethnic_code="汉族", abo_code=str(n)) for n in range(30)
    ]
    folder = (
        desk(tmp_path)
        .add("archive", rows, header="zh", path="江津区第三季度健康档案封面与个人基本信息导出.csv")
        .add("archive", [archive()], columns=["district_archive_id", "name"], path="b.csv")
        .write()
    )
    for language in ("zh", "en"):
        said = check(folder, "--lang", language)
        assert "\x1b" not in said.text
        assert [line for line in said.text.splitlines() if width_of(line) > WIDTH] == []


@pytest.mark.parametrize(("language", "words"), [("zh", "需要改正"), ("en", "To be mended")])
def test_the_language_can_be_chosen(check: Any, tmp_path: Path, language: str, words: str) -> None:
    assert words in check(table(tmp_path, "archive", [archive(name=None)]), "--lang", language).text


def test_what_cannot_be_read_ends_with_2_and_says_what_would_do(check: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.xlsx").write_bytes(b"nothing")
    (tmp_path / "x.txt").write_text("x")
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    (tmp_path / "visits.csv").write_bytes(csv_bytes(list(followup()), []))
    cases = [
        ("none.csv", (), "请核对路径"),
        ("x.txt", (), "请先转换"),
        ("odd.csv", (), "--dataset"),
        ("visits.csv", (), "htn_followup"),
        ("odd.csv", ("--dataset", "nothing"), "数据字典"),
        ("broken.xlsx", (), "请重新导出"),
        ("broken.xlsx", ("--dataset", "archive"), "请重新导出"),
    ]
    for name, options, way_out in cases:
        said = check(tmp_path / name, *options)
        assert (said.code, said.document["verdict"]) == (2, "unreadable"), name
        assert way_out in said.text
    assert check(tmp_path / "visits.csv", "--dataset", "htn_followup").code == 0


def test_options_that_cannot_be_meant_are_usage_errors(system_temp: Path, tmp_path: Path) -> None:
    folder = desk(tmp_path).add("archive", [archive()]).write()
    path = table(tmp_path, "archive", [archive()])
    for arguments, way_out in (
        ([str(folder), "--dataset", "archive"], "请去掉该选项"),
        ([str(path), "--json", str(tmp_path / "no folder" / "x.json")], "请换一个位置"),
    ):
        result = CliRunner().invoke(main, ["check", *arguments])
        assert (result.exit_code, way_out in result.output) == (2, True)


def test_the_machine_form_can_go_to_standard_output_alone(system_temp: Path, tmp_path: Path) -> None:
    path = table(tmp_path, "archive", [archive()])
    result = CliRunner().invoke(main, ["check", str(path), "--json", "-"])
    document = json.loads(result.stdout)
    assert (document["form"], document["kind"], document["files"][0]["rows"]["manifest"]) == (
        "yudang check 1", "file", 1,
    )  # fmt: skip


def test_the_machine_form_keeps_its_shape(check: Any, tmp_path: Path) -> None:
    document = check(desk(tmp_path).add("archive", [archive(1, name=None, abo_code="Q")]).write()).document
    assert set(document) == {
        "form", "verdict", "path", "kind", "unit", "day", "batch", "received_at", "source_system", "mode",
        "contract_version", "withdraws", "status", "reason", "ignored_manifest_keys", "notices", "rows", "files",
    }  # fmt: skip
    (file,) = document["files"]
    assert set(file) == {
        "path", "dataset", "title", "format", "encoding", "sm3", "status", "reason", "rows", "is_conserved",
        "unknown_columns", "quarantine_reasons", "warnings", "identity_issues",
    }  # fmt: skip
    assert set(file["rows"]) == {"manifest", "accepted", "quarantined", "refused", "accepted_share"}
    (finding,) = file["quarantine_reasons"]
    assert set(finding) == {
        "code", "grade", "column", "title", "count", "first_rows", "sentence", "english", "role", "allowed",
        "values", "other_values",
    }  # fmt: skip


def test_a_single_file_is_told_what_its_manifest_has_to_say(check: Any, tmp_path: Path) -> None:
    path = table(tmp_path, "archive", [archive(1), archive(2)])
    said = check(path)
    digest = sm3(path.read_bytes())
    assert f"sm3 {digest}" in said.text and "rows 2  encoding utf-8" in said.text
    assert said.document["files"][0]["sm3"] == digest


def verdicts(folder: Path) -> dict[int, str]:
    """Data row number → reason codes of the quarantine parts below a folder."""
    found: dict[int, str] = {}
    for path in folder.rglob("*.parquet"):
        frame = pl.read_parquet(path, hive_partitioning=False)
        if "reason_codes" in frame.columns:
            found |= dict(frame.select("delivery_row", "reason_codes").iter_rows())
    return found


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_check_and_ingest_agree_row_for_row(home: Home, tmp_path: Path, form: str) -> None:
    visits = [row for row, *_ in TOLD_BY_VALUE if "record_id" in row]
    archives = [row for row, *_ in TOLD_BY_VALUE if "record_id" not in row]
    archives += [row for rows in ROW_REASONS.values() for row in rows]
    plans: list[tuple[str, list[dict[str, Any]]]] = [
        ("archive", [{**row, "district_archive_id": f"A{n}"} for n, row in enumerate(archives)]),
        ("archive", archives),
        ("htn_followup", [{**row, "record_id": f"R{n}"} for n, row in enumerate(visits)]),
        ("htn_followup", visits),
        ("catchment", [{"village_code": "500103001001", "valid_from": "2025-01-01", "org_code": "1"}]),
    ]
    for number, (dataset, rows) in enumerate(plans):
        builder = home.delivery(batch=str(number)).add(dataset, rows, format=form, natural=False)
        (scratch := tmp_path / f"scratch {number}").mkdir()
        checked = check_delivery(home.settings, builder.write(), scratch)
        (outcome,) = home.ingest().deliveries
        assert checked.outcome == outcome
        parts = home.settings.quarantine / dataset / "unit=500116"
        stored = {
            row: codes
            for path in parts.rglob(f"{outcome.delivery_id}-*.parquet")
            for row, codes in pl.read_parquet(path, hive_partitioning=False)
            .select("delivery_row", "reason_codes")
            .iter_rows()
        }
        assert verdicts(scratch) == stored
        assert len(stored) == outcome.quarantined_rows


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_check_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "archive.csv"
    with path.open("wb") as file:
        file.write(HEADER)
        for block in range(40):
            file.write(b"".join(b"A%d,x,CQ1,2025-01-01\r\n" % (block * 20_000 + n) for n in range(20_000)))
    (folder := tmp_path / "temp").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "check", str(path)],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(folder), "YUDANG_HOME": str(tmp_path / "no home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    while process.poll() is None and not any(path.parent.name == "work" for path in folder.glob("*/*/*")):
        time.sleep(0.01)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode not in (0, 3)
    assert list(folder.iterdir()) == []

"""A check before sending: the same verdict as ingest, nothing stored."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from pipelines.contract import model
from pipelines.ingest.check import NotCheckable, check_delivery, check_file
from tests.deliveries import DeliveryBuilder, csv_bytes, headers, sm3
from tests.ingest.conftest import Home
from tests.ingest.rows import archive, followup

MOMENT = datetime(2026, 1, 7, 21)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """An empty folder for the work."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def test_a_check_says_what_ingest_would_say_and_stores_nothing(
    home: Home, tmp_path: Path, scratch: Path
) -> None:
    elsewhere = DeliveryBuilder(tmp_path / "desk").add("archive", [archive(1), archive(2, name=None)]).write()
    folder = elsewhere.rename(tmp_path / "my delivery")
    checked = check_delivery(home.settings, folder, scratch).outcome
    assert (checked.accepted_rows, checked.quarantined_rows) == (1, 1)
    assert checked.files[0].reasons[0].code == "REQUIRED_MISSING"
    assert not home.settings.lake.exists()
    builder = home.delivery().add("archive", [archive(1), archive(2, name=None)])
    assert home.take_in(builder).files == checked.files


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_single_file_finds_its_dataset_and_encoding(
    home: Home, tmp_path: Path, scratch: Path, encoding: str, language: str
) -> None:
    rows = [followup(1, name="程春"), followup(2, name="程夏", sbp=999)]
    header = headers("htn_followup", list(rows[0]), language)
    path = tmp_path / "高血压随访 1月.csv"
    path.write_bytes(csv_bytes(header, [list(row.values()) for row in rows]).decode().encode(encoding))
    (tmp_path / "neighbour.csv").write_text("x")
    outcome = check_file(home.settings, path, scratch, known_at=MOMENT).outcome
    (file,) = outcome.files
    assert (file.dataset, file.accepted_rows, file.quarantined_rows) == ("htn_followup", 1, 1)
    assert file.sm3 == sm3(path.read_bytes())
    assert [(item.code, item.column) for item in file.reasons] == [("HARD_RANGE", "sbp")]
    assert not home.settings.lake.exists()


@pytest.mark.parametrize("dataset", sorted(model.datasets()))
def test_every_dataset_is_found_by_its_full_header(
    home: Home, tmp_path: Path, scratch: Path, dataset: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(csv_bytes(list(model.dataset(dataset).column_names), []))
    (file,) = check_file(home.settings, path, scratch, known_at=MOMENT).outcome.files
    assert (file.dataset, file.status) == (dataset, "accepted")


def test_a_broken_file_is_refused_as_ingest_would(home: Home, tmp_path: Path, scratch: Path) -> None:
    path = tmp_path / "x.xlsx"
    path.write_bytes(b"nothing")
    (file,) = check_file(home.settings, path, scratch, dataset="archive", known_at=MOMENT).outcome.files
    assert file.refusal is not None and file.refusal.code == "FILE_UNREADABLE"


def test_a_header_that_fits_several_datasets_needs_a_name(home: Home, tmp_path: Path, scratch: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_bytes(csv_bytes(list(followup()), []))
    with pytest.raises(NotCheckable, match="htn_followup"):
        check_file(home.settings, path, scratch)
    assert check_file(home.settings, path, scratch, dataset="htn_followup").verdict == "clean"


def test_what_cannot_be_checked_says_why(home: Home, tmp_path: Path, scratch: Path) -> None:
    (tmp_path / "x.txt").write_text("x")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    for name, dataset in (("none.csv", None), ("x.txt", None), ("x.csv", None), ("x.csv", "nothing")):
        with pytest.raises(NotCheckable):
            check_file(home.settings, tmp_path / name, scratch, dataset=dataset)


def test_neither_neighbours_nor_a_missing_count_refuse_a_single_file(
    home: Home, tmp_path: Path, scratch: Path
) -> None:
    path = tmp_path / "archive.csv"
    path.write_bytes(csv_bytes(list(archive()), [list(archive(n).values()) for n in range(3)]))
    (tmp_path / "deep" / "er").mkdir(parents=True)
    checked = check_file(home.settings, path, scratch)
    assert [(file.path, file.manifest_rows) for file in checked.outcome.files] == [("archive.csv", 3)]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("程".encode(), "utf-8"),
        ("程".encode("gb18030"), "gb18030"),
        (b"x", "utf-8"),
        # the beginning is ASCII, what follows is not UTF-8
        (b"x\r\n" + b"A9,x,CQ1,2025-01-01\r\n" * 60_000 + b"A8," + "程".encode("gb18030"), "gb18030"),
    ],
    ids=["utf-8", "gb18030", "ascii", "gb18030 late"],
)
def test_the_encoding_of_a_csv_file_is_found(
    home: Home, tmp_path: Path, scratch: Path, content: bytes, encoding: str
) -> None:
    path = tmp_path / "archive.csv"
    header = b"district_archive_id,name,create_org_code,created_date\r\n"
    path.write_bytes(header + b"A1," + content + b",CQ1,2025-01-01\r\n")
    checked = check_file(home.settings, path, scratch)
    assert (checked.encoding, checked.outcome.files[0].refusal) == (encoding, None)


def test_a_stray_byte_in_a_file_of_utf_8_is_not_read_as_another_encoding(
    home: Home, tmp_path: Path, scratch: Path
) -> None:
    path = tmp_path / "archive.csv"
    header = headers("archive", ["district_archive_id", "name", "create_org_code", "created_date"], "zh")
    path.write_bytes(
        csv_bytes(header, [["A1", "程春", "CQ1", "2025-01-01"]]) + b"A2,\xff\xff,CQ1,2025-01-01\r\n"
    )
    (file,) = check_file(home.settings, path, scratch, dataset="archive").outcome.files
    assert file.refusal is not None and file.refusal.code == "ENCODING_WRONG"

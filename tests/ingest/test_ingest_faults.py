"""Hostile and broken files: bounded time and memory, reasons instead of stack traces, no value in them."""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from pathlib import Path

import polars as pl
import pytest

from pipelines.ingest.limits import DEFAULT_LIMITS, Limits
from tests.deliveries import xlsx_bytes
from tests.ingest.conftest import Home
from tests.ingest.rows import archive

HEADER = "district_archive_id,name,create_org_code,created_date\n"


def code(
    home: Home, content: bytes, rows: int, limits: Limits = DEFAULT_LIMITS, format: str = "csv"
) -> str | None:
    """Reason code of a file of given bytes."""
    outcome = home.take_in(home.delivery().add_bytes("archive", content, rows, format=format), limits)
    refusal = outcome.files[0].refusal
    return refusal.code if refusal else None


@pytest.mark.parametrize(
    "content",
    [
        HEADER + "A1," + "x" * 5000 + ",1,2025-01-01\n",
        HEADER + 'A1,"' + "x\n" * 5000,
        "x" * 5000,
        HEADER + "A1,a,1,2025-01-01\n" * 3 + '"' + "x" * 5000,
    ],
    ids=["long line", "open quote", "no line break", "open quote at the end"],
)
@pytest.mark.parametrize("chunk", [64, 1000, 1_000_000])
def test_a_line_beyond_the_bound_refuses_the_file(home: Home, content: str, chunk: int) -> None:
    assert code(home, content.encode(), 1, Limits(chunk_bytes=chunk, line_bytes=1000)) == "LINE_TOO_LONG"


def test_a_line_at_the_bound_is_read(home: Home) -> None:
    line = "A1," + "x" * 500 + ",1,2025-01-01\n"
    for bound, expected in ((len(line), None), (len(line) - 1, "LINE_TOO_LONG")):
        outcome = home.take_in(
            home.delivery(batch=str(bound)).add_bytes("archive", (HEADER + line).encode(), 1),
            Limits(line_bytes=bound),
        )
        refusal = outcome.files[0].refusal
        assert (refusal.code if refusal else None) == expected


@pytest.mark.parametrize("content", [b"\0", b"a,b\n\0,1\n", b"\n\n\n", b'"', b"\xef\xbb\xbf"], ids=repr)
def test_files_without_a_header_are_unreadable(home: Home, content: bytes) -> None:
    assert code(home, content, 0) in ("FILE_UNREADABLE", "COLUMN_MISSING")


def bomb(parts: dict[str, bytes]) -> bytes:
    """A zip of parts that compress to nothing."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return buffer.getvalue()


def test_a_workbook_that_unpacks_beyond_the_bound_is_refused(home: Home) -> None:
    limits = Limits(xlsx_unpacked_bytes=1_000_000)
    content = bomb({"xl/worksheets/sheet1.xml": b" " * 2_000_000})
    assert len(content) < 10_000
    assert code(home, content, 1, limits, "xlsx") == "TOO_LARGE"


@pytest.mark.parametrize("is_checksum_forged", [False, True])
def test_a_workbook_that_lies_about_its_size_is_refused(home: Home, is_checksum_forged: bool) -> None:
    content = bomb({"xl/worksheets/sheet1.xml": b" " * 2_000_000})
    content = content.replace((2_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    if is_checksum_forged:
        real, forged = zlib.crc32(b" " * 2_000_000), zlib.crc32(b" " * 10)
        content = content.replace(real.to_bytes(4, "little"), forged.to_bytes(4, "little"))
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            assert book.read("xl/worksheets/sheet1.xml") == b" " * 10
    assert code(home, content, 1, Limits(xlsx_unpacked_bytes=1_000_000), "xlsx") == "TOO_LARGE"


@pytest.mark.parametrize("cell", ["A1048576", "XFD1", "AAA2"])
def test_a_lonely_cell_far_away_does_not_make_a_giant_sheet(home: Home, cell: str) -> None:
    from_book = zipfile.ZipFile(io.BytesIO(xlsx_bytes(["a"], [[1]], True)))
    parts = {info.filename: from_book.read(info) for info in from_book.infolist()}
    row = cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    far = f'<row r="{row}"><c r="{cell}"><v>1</v></c></row></sheetData>'.encode()
    name = "xl/worksheets/sheet1.xml"
    parts[name] = parts[name].replace(b"</sheetData>", far)
    assert code(home, bomb(parts), 1, format="xlsx") == "TOO_LARGE"


def test_a_workbook_may_have_so_many_rows_and_no_more(home: Home) -> None:
    limits = Limits(xlsx_rows=5)
    header = ["district_archive_id", "name", "create_org_code", "created_date"]
    for count, expected in ((5, None), (6, "TOO_LARGE")):
        rows = [[f"A{number}", "程春", "1", "2025-01-01"] for number in range(count)]
        builder = home.delivery(batch=str(count)).add_bytes(
            "archive", xlsx_bytes(header, rows, True), count, format="xlsx"
        )
        refusal = home.take_in(builder, limits).files[0].refusal
        assert (refusal.code if refusal else None) == expected


def test_only_the_first_sheet_counts(home: Home) -> None:
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    sheet, other = book.add_worksheet("一"), book.add_worksheet("二")
    for column, title in enumerate(["区县档案标识", "姓名", "建档单位代码", "建档日期"]):
        sheet.write_string(0, column, title)
    for line in range(50):
        other.write_number(line, 0, line)
    book.close()
    outcome = home.take_in(
        home.delivery().add_bytes("archive", buffer.getvalue(), 0, format="xlsx"), Limits(xlsx_rows=5)
    )
    refusal = outcome.files[0].refusal
    assert refusal is None or refusal.code == "COLUMN_MISSING"


@pytest.mark.parametrize("cut", [10, 100, -10, -100])
@pytest.mark.parametrize("format", ["parquet", "xlsx"])
def test_cut_off_files_are_unreadable(home: Home, format: str, cut: int) -> None:
    whole = home.delivery().add("archive", [archive(number) for number in range(50)], format=format)
    whole.write()
    content = (whole.folder / f"archive.{format}").read_bytes()[:cut]
    other = home.delivery(batch="cut").add_bytes("archive", content, 50, format=format)
    other.write()
    outcomes = {outcome.batch: outcome for outcome in home.ingest().deliveries}
    assert outcomes["cut"].files[0].refusal.code == "FILE_UNREADABLE"


def test_damaged_bytes_never_break_the_run(home: Home) -> None:
    builder = home.delivery().add("archive", [archive(number) for number in range(20)], format="parquet")
    builder.write()
    content = (builder.folder / "archive.parquet").read_bytes()
    damaged = home.delivery(batch="damaged")
    for position in range(4, len(content) - 4, max(1, len(content) // 40)):
        changed = bytearray(content)
        changed[position] ^= 0xFF
        damaged.add_bytes("archive", bytes(changed), 20, format="parquet", path=f"{position}.parquet")
    damaged.write()
    home.ingest()
    register = home.register()
    sums = register.select(pl.col("accepted_rows") + pl.col("quarantined_rows") + pl.col("refused_rows"))
    assert sums.to_series().to_list() == register["manifest_rows"].to_list()


def test_odd_file_names_are_taken_as_they_are(home: Home) -> None:
    builder = home.delivery()
    for name in ("档 案 表(1).csv", "sub folder/a'b.csv", "-rf.csv", "a|b.csv", "$(x).csv", ".hidden.csv"):
        builder.add("archive", [archive()], path=name)
    folder = builder.write()
    (folder / "line\nbreak.csv").write_bytes(b"x")
    (folder / os.fsdecode(b"gb\xff.csv")).write_bytes(b"x")
    (outcome,) = home.ingest().deliveries
    assert outcome.accepted_rows == 6
    unnamed = [file.path for file in outcome.files if file.refusal]
    assert unnamed == ["gb\\xff.csv", "line\\nbreak.csv"]
    assert home.rows("archive")["delivery_file"].n_unique() == 6


@pytest.mark.parametrize("level", ["day", "batch"])
def test_a_folder_whose_name_is_no_text_is_refused_and_the_others_go_on(home: Home, level: str) -> None:
    name = os.fsdecode("批次".encode("gbk") + b"\xff")
    odd = home.settings.inbox / "500116" / ("2026-01-07" if level == "batch" else name) / name
    odd.mkdir(parents=True)
    (odd / "manifest.json").write_text("{}", encoding="utf-8")
    home.delivery().add("archive", [archive()]).write()
    refused, accepted = sorted(home.ingest().deliveries, key=lambda one: one.status, reverse=True)
    assert (refused.status, accepted.status) == ("refused", "accepted")
    assert "\\xff" in refused.batch
    assert home.register().height == 2
    # nothing new: both are known
    assert home.ingest().deliveries == ()


def test_a_pipe_in_the_folder_is_not_opened(home: Home) -> None:
    builder = home.delivery().add("archive", [archive()])
    folder = builder.write()
    (folder / "archive.csv").unlink()
    os.mkfifo(folder / "archive.csv")
    (outcome,) = home.ingest().deliveries
    assert outcome.files[0].refusal.code == "FILE_NOT_REGULAR"


def test_a_manifest_beyond_the_bound_refuses_the_delivery(home: Home) -> None:
    builder = home.delivery(manifest={"remark": "x" * 5000}).add("archive", [archive()])
    assert home.take_in(builder, Limits(manifest_bytes=1000)).refusal.code == "MANIFEST_MALFORMED"


def test_no_identifying_value_leaves_through_receipts_register_or_errors(
    home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = {"name": "欧阳密", "id_no": "51212119500131001", "phone": "10012345678"}
    odd = archive(2, **secret, birth_date="欧阳密的生日")
    rows = [archive(1, **secret), odd, archive(3, **secret, abo_code="欧阳密")]
    builder = home.delivery().add("archive", rows)
    builder.add_bytes(
        "archive", (HEADER + "A1,欧阳密,1,\xff").encode("latin-1", "ignore"), 1, path="broken.csv"
    )
    builder.add_bytes(
        "archive", "欧阳密,51212119500131001,10012345678\n欧阳密,1,2\n".encode(), 1, path="naked.csv"
    )
    outcome = home.take_in(builder)
    texts = [
        json.dumps(home.receipt(outcome), ensure_ascii=False),
        repr(outcome),
        repr(home.register().rows()),
    ]
    texts += [path.read_text("utf-8") for path in home.settings.feedback.rglob("*.txt")]
    texts += list(capfd.readouterr())
    for text in texts:
        for value in ("欧阳密", "51212119500131001", "10012345678"):
            assert value not in text


def test_memory_of_a_large_file_is_bounded_by_the_chunk(home: Home, tmp_path: Path) -> None:
    import subprocess
    import sys

    script = """
import resource, sys
from pathlib import Path
from pipelines.ingest.limits import Limits
from pipelines.ingest.pending import ingest_pending
from pipelines.settings import Settings
limits = Limits(chunk_bytes=1_000_000, block_rows=10_000, doubled_in_memory_rows=10_000)
(outcome,) = ingest_pending(Settings.load(Path(sys.argv[1]), memory_limit="200MB"), limits=limits).deliveries
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
print(outcome.accepted_rows, outcome.quarantined_rows, peak)
"""
    peaks = []
    for count in (20_000, 200_000):
        fresh = Home(tmp_path / str(count))
        line = "A{},程春江,5001160001,2025-01-01\n"
        content = HEADER + "".join(line.format(number if number else 1) for number in range(count))
        fresh.delivery().add_bytes("archive", content.encode(), count).write()
        done = subprocess.run(
            [sys.executable, "-c", script, str(fresh.settings.home)],
            capture_output=True,
            text=True,
            check=True,
        )
        accepted, quarantined, peak = (int(part) for part in done.stdout.split())
        assert (accepted, quarantined) == (count - 2, 2)
        peaks.append(peak)
    assert peaks[1] < peaks[0] * 1.5

"""The same rows in any format, encoding, header language, padding and block size are the same records."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.ingest.limits import DEFAULT_LIMITS, Limits
from pipelines.ingest.manifest import FileEntry
from pipelines.ingest.raw import RawFile
from pipelines.ingest.readers import open_file
from pipelines.ingest.tokenise import count_plain, find_records
from tests.deliveries import csv_bytes
from tests.ingest.conftest import Home
from tests.ingest.rows import archive, followup
from tests.torture import examples

FULL = archive(
    1,
    phone="10000000001",
    present_address='重庆市"幸福",路1号\n二楼',
    modified_at=datetime(2025, 3, 1, 9, 8, 7),
    is_open=True,
    past_history_codes="2|3",
    ethnic_code="01",
    abo_code="1",
    archive_no="50011600110100001",
)
SPARSE = archive(2, id_no=None, sex_code=None, birth_date=None, name="程𠮷")
ROWS = [FULL, SPARSE]


@pytest.mark.parametrize(
    "form",
    [
        {"format": "csv", "header": "zh"},
        {"format": "csv", "header": "mixed"},
        {"format": "csv", "byte_order_mark": True},
        {"format": "csv", "encoding": "gb18030", "header": "zh"},
        {"format": "csv", "line_end": "\n"},
        {"format": "parquet", "natural": True},
        {"format": "parquet", "natural": False, "header": "zh"},
        {"format": "xlsx", "natural": True, "header": "zh"},
        {"format": "xlsx", "natural": False},
    ],
    ids=str,
)
def test_every_form_gives_the_same_rows_and_hashes(home: Home, form: dict[str, Any]) -> None:
    builder = home.delivery().add("archive", ROWS, path="a").add("archive", ROWS, path="b", **form)
    outcome = home.take_in(builder)
    assert outcome.accepted_rows == 4
    frame = home.rows("archive").drop("delivery_file")
    assert frame[:2].equals(frame[2:])


def test_padding_and_other_spellings_do_not_change_the_hash(home: Home) -> None:
    plain = followup(
        1, service_date="2025-12-01", entered_at="2025-12-01 08:00", weight_kg="60.50", is_free="1"
    )
    other = {**plain, "service_date": "20251201", "entered_at": "2025-12-02", "weight_kg": " 60.5"}
    other |= {"is_free": "是", "org_code": "5001160001 "}
    home.take_in(home.delivery().add("htn_followup", [plain]).add("htn_followup", [other]))
    assert home.rows("htn_followup")["record_hash"].n_unique() == 1


@pytest.mark.parametrize("column", ["sbp", "service_date", "mode_code", "doctor_id", "name", "referral_flag"])
def test_every_business_column_counts_in_the_hash(home: Home, column: str) -> None:
    values = {"sbp": 131, "service_date": "2025-12-02", "mode_code": "2", "referral_flag": "0"}
    changed = followup(1, **{column: values.get(column, "x")})
    home.take_in(home.delivery().add("htn_followup", [followup(1)]).add("htn_followup", [changed]))
    assert home.rows("htn_followup")["record_hash"].n_unique() == 2


def test_a_value_in_the_next_column_is_another_content(home: Home) -> None:
    rows = [archive(1, present_address="x"), archive(1, registered_address="x")]
    builder = home.delivery()
    for row in rows:
        builder.add("archive", [row])
    home.take_in(builder)
    assert home.rows("archive")["record_hash"].n_unique() == 2


def test_numbers_of_a_workbook_are_codes_and_identifiers_too(home: Home) -> None:
    row = archive(7, district_archive_id=12345678, ethnic_code=1, sex_code=1, create_org_code=5001160001)
    home.take_in(home.delivery().add("archive", [row], format="xlsx", natural=True))
    stored = home.rows("archive").row(0, named=True)
    assert (stored["district_archive_id"], stored["ethnic_code"]) == ("12345678", "01")
    assert (stored["sex_code"], stored["create_org_code"]) == ("1", "5001160001")


@pytest.mark.parametrize("format", ["xlsx", "parquet"])
def test_identity_numbers_that_were_rounded_are_no_key_and_make_nobody_one_person(
    home: Home, format: str
) -> None:
    # as a number both are 512121195001015000, and written out 512121195001014976: valid, and never sent
    sent = [512121195001015012, 512121195001015039]
    numbers = sent if format == "xlsx" else [float(one) for one in sent]
    rows = [archive(order, id_no=number) for order, number in enumerate(numbers)]
    home.take_in(home.delivery().add("archive", rows, format=format, natural=True))
    stored = home.rows("archive")
    assert stored["id_no"].str.contains(r"(?i)^5\.1212119500101[0-9]*e\+?17$").all()
    assert stored["identity_issue_codes"].str.contains("ID_LENGTH").all()
    assert stored["identity_key"].str.starts_with("ID:").any() is False


def test_a_long_number_that_was_sent_as_text_stays_as_it_is(home: Home) -> None:
    rows = [archive(1, id_no="512121195001310011", present_address="9007199254740993")]
    home.take_in(home.delivery().add("archive", rows, format="xlsx", natural=True))
    stored = home.rows("archive").row(0, named=True)
    assert (stored["id_no"], stored["identity_issue_codes"]) == ("512121195001310011", None)
    assert stored["present_address"] == "9007199254740993"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pl.Series([datetime(2025, 12, 1)]), date(2025, 12, 1)),
        (pl.Series([datetime(2025, 12, 1, 1)]), None),
        (pl.Series([datetime(2025, 11, 30, 16)]).dt.replace_time_zone("UTC"), date(2025, 12, 1)),
        (pl.Series([20251201]), date(2025, 12, 1)),
        (pl.Series(["2025-12-01"], dtype=pl.Categorical), date(2025, 12, 1)),
    ],
    ids=["midnight", "not midnight", "with a zone", "number", "categorical"],
)
def test_natural_types_of_parquet_in_a_date_column(
    home: Home, values: pl.Series, expected: date | None
) -> None:
    frame = pl.DataFrame({"record_id": ["R1"], "org_code": ["1"], "district_archive_id": ["A1"]})
    buffer = io.BytesIO()
    frame.with_columns(values.alias("service_date")).write_parquet(buffer)
    home.take_in(home.delivery().add_bytes("htn_followup", buffer.getvalue(), 1, format="parquet"))
    assert home.rows("htn_followup", "service_date")["service_date"].to_list() == (
        [expected] if expected else []
    )


def test_single_precision_numbers_are_the_numbers_written(home: Home) -> None:
    frame = pl.DataFrame({"record_id": ["R1"], "org_code": ["1"], "district_archive_id": ["A1"],
                          "service_date": ["2025-12-01"]})  # fmt: skip
    buffer = io.BytesIO()
    weights = pl.Series("weight_kg", [60.1], dtype=pl.Float32)
    frame.with_columns(weights).write_parquet(buffer)
    home.take_in(home.delivery().add_bytes("htn_followup", buffer.getvalue(), 1, format="parquet"))
    assert home.rows("htn_followup", "weight_kg").item() == 60.1


def test_long_numbers_of_parquet_keep_their_digits(home: Home) -> None:
    from decimal import Decimal

    frame = pl.DataFrame({"record_id": ["R1"], "org_code": ["1"], "service_date": ["2025-12-01"]})
    for number, series in enumerate(
        (
            pl.Series("id_no", [512121195001310011], dtype=pl.Int64),
            pl.Series("id_no", [512121195001310011], dtype=pl.UInt64),
            pl.Series("id_no", [Decimal("512121195001310011.00")], dtype=pl.Decimal(20, 2)),
        )
    ):
        buffer = io.BytesIO()
        frame.with_columns(series).write_parquet(buffer)
        builder = home.delivery(batch=str(number))
        home.take_in(builder.add_bytes("htn_followup", buffer.getvalue(), 1, format="parquet"))
    assert home.rows("htn_followup")["identity_key"].to_list() == ["ID:512121195001310011"] * 3


def test_a_list_column_of_parquet_refuses_the_file(home: Home) -> None:
    buffer = io.BytesIO()
    pl.DataFrame(
        {
            "record_id": ["R1"],
            "org_code": ["1"],
            "district_archive_id": ["A1"],
            "service_date": [["2025-12-01"]],
        }
    ).write_parquet(buffer)
    outcome = home.take_in(home.delivery().add_bytes("htn_followup", buffer.getvalue(), 1, format="parquet"))
    assert (outcome.files[0].refusal.code, outcome.files[0].refusal.detail) == (
        "FILE_UNREADABLE",
        "service_date",
    )


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_bytes_outside_the_encoding_refuse_the_file(home: Home, encoding: str) -> None:
    header = b"district_archive_id,name,create_org_code,created_date\n"
    content = header + b"A1,\xff\xff,1,2025-01-01\n"
    outcome = home.take_in(home.delivery().add_bytes("archive", content, 1, entry={"encoding": encoding}))
    assert outcome.files[0].refusal.code == "ENCODING_WRONG"


def test_encoding_is_for_csv_only(home: Home) -> None:
    builder = home.delivery().add("archive", ROWS, format="parquet", entry={"encoding": "nonsense"})
    assert home.take_in(builder).accepted_rows == 2


cells = st.lists(
    st.sampled_from(["a", "1", "程", " ", ",", '"', "\n", "\r\n", "\u3000", "𠮷", "|", "0"]), max_size=4
).map("".join)
tables = st.lists(st.tuples(cells, cells, cells), max_size=12)


def read_all(path: Path, limits: Limits, encoding: str = "utf-8") -> list[tuple[Any, ...]]:
    """All rows of a CSV file: data row number and values, malformed rows as their text."""
    entry = FileEntry(path="x", dataset="x", format="csv", encoding=encoding, rows=0, sm3="0" * 64)
    opened: RawFile = open_file(path, entry, limits)
    found: list[tuple[Any, ...]] = []
    for block in opened.blocks:
        frame = block.frame.select(pl.all().fill_null(""))
        found += [(number, *row) for number, row in zip(block.rows.to_list(), frame.rows(), strict=True)]
        found += [(bad.row, bad.text) for bad in block.malformed]
    return sorted(found)


@given(
    table=tables,
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([0, 1]),
    chunk=st.integers(1, 60),
)
@settings(
    max_examples=examples(300), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_rfc_4180_is_read_as_written_whatever_the_chunk(
    tmp_path: Path, table: list[tuple[str, str, str]], line_end: str, quoting: int, chunk: int
) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator=line_end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(["a", "b", "c"])
    writer.writerows(table)
    path = tmp_path / "x.csv"
    for encoding in ("utf-8", "gb18030"):
        path.write_bytes(buffer.getvalue().encode(encoding))
        limits = Limits(chunk_bytes=chunk, block_rows=3)
        assert read_all(path, limits, encoding) == [
            (number, *row) for number, row in enumerate(table, start=1)
        ]


wild = st.lists(st.sampled_from(["a", ",", '"', "\n", "\r\n", "\r", "程"]), max_size=60).map(
    lambda parts: ("h,i,j\n" + "".join(parts)).encode()
)


@given(content=wild, chunk=st.integers(1, 40), rows=st.integers(1, 5))
@settings(
    max_examples=examples(500), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_wild_bytes_are_read_the_same_whatever_the_chunk(
    tmp_path: Path, content: bytes, chunk: int, rows: int
) -> None:
    from pipelines.ingest.raw import FileRefused

    path = tmp_path / "x.csv"
    path.write_bytes(content)

    def result(limits: Limits) -> Any:
        try:
            return read_all(path, limits)
        except FileRefused as refused:
            return refused.code

    assert result(Limits(chunk_bytes=chunk, block_rows=rows)) == result(DEFAULT_LIMITS)


@given(
    table=st.lists(st.lists(st.sampled_from(["", "a", "bb"]), min_size=2, max_size=4), min_size=1, max_size=6)
)
@settings(max_examples=examples(200), deadline=None)
def test_the_quick_count_agrees_with_the_search(table: list[list[str]]) -> None:
    data = "".join(",".join(row) + "\n" for row in table).encode()
    plain = count_plain(data, True, 3, 1000)
    records = find_records(data, True)
    if plain is not None and (records.fields <= 3).all():
        assert plain == (len(data), len(records))
        assert (records.fields == 3).all()


@pytest.mark.parametrize("chunk", [64, 300, 5000])
@pytest.mark.parametrize("rows", [1, 3, 1000])
def test_block_size_changes_nothing_in_lake_and_quarantine(
    new_home: Callable[[], Home], chunk: int, rows: int
) -> None:
    table = [
        archive(
            number % 17, name=None if number % 7 == 0 else "程春", abo_code="Q" if number % 5 == 0 else "1"
        )
        for number in range(40)
    ]
    content = csv_bytes(list(archive(abo_code="1")), [list(row.values()) for row in table], "\n")
    content += b"X1,too,few\n" + b'X2,"01"x' + b"," * 7 + b"\n"
    results = []
    for limits in (
        DEFAULT_LIMITS,
        Limits(chunk_bytes=chunk, block_rows=rows),
        replace(DEFAULT_LIMITS, chunk_bytes=chunk, block_rows=rows, doubled_in_memory_rows=5),
    ):
        home = new_home()
        home.take_in(home.delivery().add_bytes("archive", content, 42), limits)
        results.append((home.rows("archive"), home.quarantine(), home.register()))
    for other in results[1:]:
        for first, second in zip(results[0], other, strict=True):
            assert first.equals(second)


anything = st.sampled_from(
    [None, "", " ", "x", "1", "-1", "2025-01-01", "20250231", "999", "是", "|", '"', "\n", "1e400"]
)
COLUMNS = [
    "record_id", "district_archive_id", "id_no", "id_type_code", "birth_certificate_no", "mother_id_no",
    "name", "birth_date", "org_code", "service_date", "entered_at", "is_free", "sbp",
    "symptom_codes", "mode_code",
]  # fmt: skip
keys = st.sampled_from([None, "R1", "R2", "R3", "R 4"])
dirty = st.fixed_dictionaries({name: keys if name == "record_id" else anything for name in COLUMNS})


@given(rows=st.lists(dirty, max_size=8), format=st.sampled_from(["csv", "parquet", "xlsx"]))
@settings(
    max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_rows_are_conserved_whatever_they_hold(
    new_home: Callable[[], Home], rows: list[dict[str, Any]], format: str
) -> None:
    home = new_home()
    # a workbook has no row without a value
    kept = [row for row in rows if format != "xlsx" or any(value is not None for value in row.values())]
    outcome = home.take_in(
        home.delivery().add("htn_followup", kept, columns=COLUMNS, format=format, natural=False)
    )
    (file,) = outcome.files
    assert file.refusal is None
    assert file.accepted_rows + file.quarantined_rows == len(kept)
    assert home.rows("htn_followup").height == file.accepted_rows
    assert home.quarantine().height == file.quarantined_rows
    numbers = (
        home.rows("htn_followup")["delivery_row"].to_list() + home.quarantine()["delivery_row"].to_list()
    )
    assert sorted(numbers) == list(range(1, len(kept) + 1))

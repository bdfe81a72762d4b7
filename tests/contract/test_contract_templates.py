"""Templates: legal files once filled in; a delivery made from them alone is accepted, each slip is told.

Not here: the printed dictionary (test_contract_dictionary.py) and forms of values beyond the templates
(tests/ingest).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner

from pipelines.cli import main
from pipelines.contract.model import (
    CITY_UNIT,
    PERSON_MINIMUM,
    Column,
    Dataset,
    dataset,
    datasets,
    exclusive_codes,
    reference_units,
    value_set,
)
from pipelines.contract.templates import csv_template, write_templates, xlsx_template
from pipelines.ingest.outcome import DeliveryOutcome
from pipelines.ingest.pending import ingest_pending
from pipelines.settings import Settings
from tests.contract.filled import Row, Workbook, filled_csv
from tests.deliveries import DeliveryBuilder

UNIT = "500116"
SENT_AT = "2026-01-07T21:03:00+08:00"
EVERY = [pytest.param(item, id=item.name) for item in datasets().values()]


@pytest.fixture(scope="module")
def books() -> dict[str, Workbook]:
    """The workbook of every dataset."""
    return {name: Workbook(xlsx_template(item)) for name, item in datasets().items()}


@pytest.fixture(scope="module")
def examples(books: dict[str, Workbook]) -> dict[str, dict[str, str]]:
    """Dataset → the row of examples that its template shows, English name → text."""
    return {
        name: {line["英文名"]: line["示例"] for line in book.table("栏目")} for name, book in books.items()
    }


@dataclass(frozen=True)
class Planted:
    """One row: what is typed, and what must be said of it. Codes carry the column they concern."""

    row: dict[str, str]
    quarantined: frozenset[str] = frozenset()
    warned: frozenset[str] = frozenset()
    issues: frozenset[str] = frozenset()


def distinct(item: Dataset, row: dict[str, str], number: int) -> dict[str, str]:
    """The row under a key of its own."""
    varied = next(
        name
        for name in item.key
        if (column := item.column(name)).type == "string" and not column.value_set and not column.pattern
    )
    return row | {varied: f"{row[varied]}{number:04d}"} if row[varied] else row


def good_rows(item: Dataset, example: dict[str, str]) -> list[Planted]:
    """Examples; the least that is asked; the bounds of every range; every code of every value set."""
    needed = {column.name for column in item.columns if column.required} | set(item.key)
    least = {name: text if name in needed else "" for name, text in example.items()}
    if item.has_person:
        least["id_no"] = example["id_no"]
    rows = [example, least]
    for bound in ("hard_min", "hard_max"):
        limits = {
            column.name: f"{getattr(column, bound):g}"
            for column in item.columns
            if getattr(column, bound) is not None
        }
        rows.append(example | limits)
    coded = [column for column in item.columns if column.value_set]
    codes = {column.name: list(value_set(column.value_set or "")) for column in coded}
    for index in range(max((len(found) for found in codes.values()), default=0)):
        rows.append(example | {name: found[index % len(found)] for name, found in codes.items()})
    several = {column.name: "|".join(codes[column.name][-2:]) for column in coded if column.is_multiple}
    rows.append(example | several)
    return [Planted(distinct(item, row, number)) for number, row in enumerate(rows)]


def slips(column: Column) -> Iterator[tuple[str, str, str]]:
    """What can be wrong in one cell: text, what follows (`quarantined` or `warned`), code."""
    if column.type == "date":
        yield from [
            (text, "quarantined", "DATE_UNREADABLE") for text in ("2025-02-30", "去年六月", "2025-06")
        ]
    elif column.type == "timestamp":
        yield from [(text, "quarantined", "MOMENT_UNREADABLE") for text in ("2025-06-15 25:00", "上午九点")]
    elif column.type == "boolean":
        yield "也许", "quarantined", "BOOLEAN_UNREADABLE"
    elif column.type in ("integer", "decimal"):
        yield "约10", "quarantined", "NUMBER_UNREADABLE"
        if column.type == "integer":
            yield "2.5", "quarantined", "NUMBER_UNREADABLE"
        if column.hard_min is not None:
            yield (
                f"{column.hard_min - 0.5 if column.type == 'decimal' else column.hard_min - 1:g}",
                "quarantined",
                "HARD_RANGE",
            )
        if column.hard_max is not None:
            yield f"{column.hard_max + 1:g}", "quarantined", "HARD_RANGE"
        if column.soft_max is not None and column.soft_max != column.hard_max:
            beyond = column.soft_max + 1 if column.type == "integer" else column.soft_max + 0.25
            yield f"{beyond:g}", "warned", "SOFT_RANGE"
    elif column.value_set:
        code, label = next(iter(value_set(column.value_set).items()))
        follows = (
            ("quarantined", "STRUCTURAL_CODE_UNKNOWN") if column.is_structural else ("warned", "CODE_UNKNOWN")
        )
        alone = exclusive_codes(column.value_set)
        other = next(one for one in value_set(column.value_set) if one not in alone)
        for text in ("?", f"{code} {label}", *([f"{other}|?"] if column.is_multiple else [f"{code}|{code}"])):
            yield text, *follows
        if column.is_multiple and alone:
            yield f"{min(alone)}|{other}", "warned", "CODE_EXCLUSIVE"
    elif column.max_length is not None:
        yield "长" * (column.max_length + 1), "warned", "TEXT_TOO_LONG"
    elif column.pattern is not None and column.name != "birth_certificate_no":
        yield "甲", "warned", "PATTERN"


def slipped_rows(item: Dataset, example: dict[str, str]) -> list[Planted]:
    """One row per slip, between good ones; then a key that stands twice."""
    rows: list[Planted] = []

    def add(change: dict[str, str], **said: str) -> None:
        row = distinct(item, example, len(rows)) | change
        rows.append(Planted(row, **{kind: frozenset({code}) for kind, code in said.items()}))

    add({})
    for column in item.columns:
        if column.name in item.key:
            add({column.name: ""}, quarantined=f"KEY_MISSING:{column.name}")
        elif column.required:
            add({column.name: ""}, quarantined=f"REQUIRED_MISSING:{column.name}")
        for text, kind, code in slips(column):
            add({column.name: text}, **{kind: f"{code}:{column.name}"})
    if item.has_person:
        wrong_check = example["id_no"][:-1] + ("1" if example["id_no"][-1] == "0" else "0")
        add({"id_no": wrong_check}, issues="ID_CHECK_DIGIT")
        add({"birth_certificate_no": "A12"}, issues="BC_PATTERN")
        add({"mother_id_no": example["mother_id_no"][:-1]}, issues="MOTHER_ID_INVALID")
        nobody = {name for group in PERSON_MINIMUM for name in group}
        if not any(item.column(name).required for name in nobody):
            add(dict.fromkeys(nobody, ""), quarantined="PERSON_MISSING")
    twice = distinct(item, example, 9999)
    rows += [Planted(twice, quarantined=frozenset({"KEY_DOUBLED"}))] * 2
    add({})
    return rows


@dataclass
class TakenIn:
    """Deliveries of every dataset in both formats from the city and from a unit, and what became of them."""

    settings: Settings
    planted: dict[str, list[Planted]]
    outcomes: list[DeliveryOutcome]

    def rows(self, folder: Path, dataset_name: str) -> pl.DataFrame:
        """Rows of a dataset in lake or quarantine."""
        return pl.read_parquet(
            folder / dataset_name / "**/*.parquet", hive_partitioning=False, missing_columns="insert"
        )


def taken_in(home: Path, books: dict[str, Workbook], planted: dict[str, list[Planted]]) -> TakenIn:
    """Fill every template with the planted rows, send them, take them in."""
    settings = Settings.load(home)
    for unit in (CITY_UNIT, UNIT):
        builder = DeliveryBuilder(settings.inbox, unit=unit, sent_at=SENT_AT, source_system="MANUAL")
        for name, item in datasets().items():
            if (item.senders == "city") != (unit == CITY_UNIT):
                continue
            rows: list[Row] = [
                {item.column(column).title: text for column, text in one.row.items()} for one in planted[name]
            ]
            builder.add_bytes(name, filled_csv(csv_template(item), rows), len(rows), path=f"{name}.csv")
            builder.add_bytes(name, books[name].filled(rows), len(rows), path=f"{name}.xlsx", format="xlsx")
        builder.write()
    return TakenIn(settings, planted, list(ingest_pending(settings).deliveries))


@pytest.fixture(scope="module")
def good(
    tmp_path_factory: pytest.TempPathFactory, books: dict[str, Workbook], examples: dict[str, dict[str, str]]
) -> TakenIn:
    """Deliveries without a slip."""
    planted = {name: good_rows(item, examples[name]) for name, item in datasets().items()}
    return taken_in(tmp_path_factory.mktemp("good"), books, planted)


@pytest.fixture(scope="module")
def slipped(
    tmp_path_factory: pytest.TempPathFactory, books: dict[str, Workbook], examples: dict[str, dict[str, str]]
) -> TakenIn:
    """Deliveries with one slip per row."""
    planted = {name: slipped_rows(item, examples[name]) for name, item in datasets().items()}
    return taken_in(tmp_path_factory.mktemp("slipped"), books, planted)


def test_every_dataset_filled_from_its_template_is_accepted_whole(good: TakenIn) -> None:
    assert [outcome.refusal for outcome in good.outcomes] == [None, None]
    files = [file for outcome in good.outcomes for file in outcome.files]
    assert len(files) == 2 * len(datasets())
    for file in files:
        assert (file.refusal, file.quarantined_rows, file.unknown_columns) == (None, 0, ()), (
            file.path,
            file.reasons,
        )
        assert file.accepted_rows == len(good.planted[file.dataset or ""])


@pytest.mark.parametrize("item", EVERY)
def test_the_examples_are_stored_as_they_were_typed_and_without_a_remark(
    good: TakenIn, item: Dataset
) -> None:
    stored = good.rows(good.settings.lake, item.name).filter(pl.col("delivery_row") == 1)
    assert stored["delivery_file"].sort().to_list() == [f"{item.name}.csv", f"{item.name}.xlsx"]
    said = ["warning_codes", "unknown_codes", *(["identity_issue_codes"] if item.has_person else [])]
    assert stored.select(said).to_dicts() == [dict.fromkeys(said)] * 2
    for column in item.columns:
        if column.name != "previous_id_no":
            expected = as_typed(column, good.planted[item.name][0].row[column.name])
            assert stored[column.stored_name].to_list() == [expected] * 2, column.name


def as_typed(column: Column, text: str) -> Any:
    """The value that a text stands for."""
    if column.type == "boolean":
        return text == "是"
    readers = {
        "date": date.fromisoformat,
        "timestamp": datetime.fromisoformat,
        "integer": int,
        "decimal": float,
    }
    return readers.get(column.type, str)(text)


@pytest.mark.parametrize("item", EVERY)
def test_every_code_of_every_value_set_is_known_in_both_formats(good: TakenIn, item: Dataset) -> None:
    stored = good.rows(good.settings.lake, item.name).drop_nulls("delivery_row")
    assert stored["unknown_codes"].null_count() == stored.height
    for column in item.columns:
        if column.value_set:
            expected = {one.row[column.name] for one in good.planted[item.name]} - {""}
            assert expected >= set(value_set(column.value_set))
            for path in stored["delivery_file"].unique():
                found = stored.filter(pl.col("delivery_file") == path)[column.name].drop_nulls()
                assert set(found) == expected, (column.name, path)


@pytest.mark.parametrize("item", EVERY)
@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_every_slip_is_told_in_its_row_for_its_reason_and_nothing_else(
    slipped: TakenIn, item: Dataset, format: str
) -> None:
    is_file = pl.col("delivery_file") == f"{item.name}.{format}"
    refused = slipped.rows(slipped.settings.quarantine, item.name).filter(is_file)
    accepted = slipped.rows(slipped.settings.lake, item.name).filter(is_file)
    said: dict[int, dict[str, set[str]]] = {row: {} for row in range(1, len(slipped.planted[item.name]) + 1)}
    columns = {"warned": "warning_codes", "issues": "identity_issue_codes"}
    for kind, frame, column in [
        ("quarantined", refused, "reason_codes"),
        *((kind, accepted, column) for kind, column in columns.items() if column in accepted.columns),
    ]:
        for row, codes in frame.select("delivery_row", column).drop_nulls().iter_rows():
            said[row][kind] = set(codes.split("|"))
    expected = {
        row: {
            kind: set(codes) for kind in ("quarantined", "warned", "issues") if (codes := getattr(one, kind))
        }
        for row, one in enumerate(slipped.planted[item.name], start=1)
    }
    assert {row: found for row, found in said.items() if found != expected[row]} == {}
    assert sorted([*refused["delivery_row"], *accepted["delivery_row"]]) == list(said)


def test_a_raw_code_that_is_unknown_is_kept_beside_the_row(slipped: TakenIn) -> None:
    stored = slipped.rows(slipped.settings.lake, "archive").filter(pl.col("unknown_codes").is_not_null())
    kept = [json.loads(text) for text in stored["unknown_codes"]]
    assert {"sex_code": "0 未知的性别"} in kept
    assert {"past_history_codes": "2|?"} in kept


def test_the_slips_cover_every_kind_of_column_and_every_reason_of_a_row(slipped: TakenIn) -> None:
    told = {
        code.partition(":")[0]
        for rows in slipped.planted.values()
        for one in rows
        for code in one.quarantined | one.warned
    }
    assert told == {
        "KEY_MISSING", "KEY_DOUBLED", "REQUIRED_MISSING", "PERSON_MISSING", "DATE_UNREADABLE", "MOMENT_UNREADABLE",
        "NUMBER_UNREADABLE", "BOOLEAN_UNREADABLE", "HARD_RANGE", "SOFT_RANGE", "STRUCTURAL_CODE_UNKNOWN",
        "CODE_UNKNOWN", "CODE_EXCLUSIVE", "TEXT_TOO_LONG", "PATTERN",
    }  # fmt: skip
    assert all(len(rows) > 3 for rows in slipped.planted.values())


@pytest.mark.parametrize("item", EVERY)
def test_a_workbook_is_a_delivery_file_with_the_chinese_header_on_its_first_sheet(
    books: dict[str, Workbook], item: Dataset
) -> None:
    book = books[item.name]
    assert book.sheet_names == [item.title, "说明", "栏目", "代码"]
    assert book.header == [column.title for column in item.columns]
    assert len(book.table(0)) == 0
    assert csv_template(item).startswith(b"\xef\xbb\xbf")
    assert csv_template(item).decode("utf-8-sig") == ",".join(book.header) + "\r\n"


@pytest.mark.parametrize("item", EVERY)
def test_text_stays_text_and_dates_are_dates(books: dict[str, Workbook], item: Dataset) -> None:
    wanted = {"date": "yyyy-mm-dd", "timestamp": "yyyy-mm-dd hh:mm:ss", "integer": "", "decimal": ""}
    assert books[item.name].formats == [wanted.get(column.type, "@") for column in item.columns]


@pytest.mark.parametrize("item", EVERY)
def test_lists_offer_exactly_the_codes_that_ingest_accepts(books: dict[str, Workbook], item: Dataset) -> None:
    book, rules = books[item.name], books[item.name].rules
    codes = [line["代码"] for line in book.table("代码")]
    for column in item.columns:
        if not column.value_set:
            continue
        rule = rules[column.title]
        area = re.fullmatch(r"'代码'!\$C\$(\d+):\$C\$(\d+)", rule["formula1"])
        assert rule["type"] == "list" and area, column.name
        assert codes[int(area[1]) - 2 : int(area[2]) - 1] == list(value_set(column.value_set))
        code, label = next(iter(value_set(column.value_set).items()))
        assert f"{code} {label}" in rule["prompt"]
        # a list refuses combinations, so a multi-select must only offer
        assert (rule.get("showErrorMessage") == "1") != column.is_multiple


@pytest.mark.parametrize("item", EVERY)
def test_cells_are_checked_as_hard_as_ingest_does(books: dict[str, Workbook], item: Dataset) -> None:
    rules = books[item.name].rules
    for column in item.columns:
        rule = rules.get(column.title, {})
        if column.type in ("integer", "decimal"):
            assert rule["type"] == {"integer": "whole"}.get(column.type, "decimal")
            if column.hard_min is not None:
                assert float(rule["formula1"]) == column.hard_min
            if column.hard_max is not None:
                assert float(rule["formula2"]) == column.hard_max
        elif column.type in ("date", "timestamp"):
            assert rule["type"] == "date"
        elif column.type == "boolean":
            assert rule["formula1"] == '"是,否,1,0"'
        elif column.max_length is not None and not column.value_set:
            assert (rule["type"], rule["errorStyle"]) == ("textLength", "warning")
        for name, most in (("prompt", 255), ("promptTitle", 32), ("error", 255), ("errorTitle", 32)):
            assert len(rule.get(name, "")) <= most


@pytest.mark.parametrize("item", EVERY)
def test_every_header_is_explained(books: dict[str, Workbook], item: Dataset) -> None:
    comments = books[item.name].comments
    assert len(comments) == len(item.columns)
    for column, comment in zip(item.columns, comments, strict=True):
        assert comment.startswith(f"{column.title}（{column.name}）")
        assert column.description in comment
        assert (column.element or "") in comment
        assert (column.conditional or "") in comment
        assert ("主键 ·" in comment) == (column.name in item.key)
        assert ("必填 ·" in comment) == (column.required and column.name not in item.key)


def test_the_guide_tells_how_to_pack_and_shows_a_manifest_that_parses(books: dict[str, Workbook]) -> None:
    lines = [line["转迁（transfer）报送模板"] for line in books["transfer"].table("说明")]
    for title in (
        "怎样填写",
        "日期与时间",
        "代码与多选",
        "什么情况整行隔离",
        "怎样命名与打包",
        "manifest.json 示例",
    ):
        assert title in lines
    shown = json.loads("\n".join(lines[lines.index("manifest.json 示例") + 1 :]))
    from pipelines.ingest.manifest import parse_manifest

    manifest, refusal = parse_manifest(json.dumps(shown).encode())
    assert refusal is None and manifest is not None
    assert manifest.unit in reference_units()
    assert {entry.dataset for entry in manifest.files} <= set(datasets())


def test_a_manifest_template_that_was_not_filled_in_is_refused(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path / "home")
    folder = settings.inbox / UNIT / "2026-01-07" / "20260107-01"
    write_templates(folder, ["archive"], ("csv",))
    (outcome,) = ingest_pending(settings).deliveries
    assert outcome.refusal is not None
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    assert [entry["path"] for entry in manifest["files"]] == ["archive.csv"]


def test_the_command_writes_all_templates_the_same_every_time(
    tmp_path: Path, books: dict[str, Workbook]
) -> None:
    done = CliRunner().invoke(main, ["template", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    manifest = json.loads(written.pop("manifest.json"))
    assert [entry["path"] for entry in manifest["files"]] == [f"{name}.xlsx" for name in datasets()]
    assert written == {f"{name}.xlsx": book.content for name, book in books.items()} | {
        f"{name}.csv": csv_template(item) for name, item in datasets().items()
    }


def test_the_command_writes_what_is_asked_for_and_knows_its_datasets(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        main, ["template", "archive", "org", "--format", "xlsx", "--out", str(tmp_path / "a")]
    )
    assert done.exit_code == 0
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"archive.xlsx", "org.xlsx", "manifest.json"}
    wrong = CliRunner().invoke(main, ["template", "archiv", "--out", str(tmp_path / "b")])
    assert wrong.exit_code == 2 and "没有数据集 archiv" in wrong.output
    assert not (tmp_path / "b").exists()


def test_no_example_belongs_to_anybody(examples: dict[str, dict[str, str]]) -> None:
    for name, row in examples.items():
        for column, text in row.items():
            if "phone" in column:
                assert text.startswith("100"), (name, column)
            if column in ("id_no", "mother_id_no", "previous_id_no"):
                assert re.match(r"51212[1-8]|512321", text), (name, column)
    assert dataset("archive").column("id_no").role == "DI"

"""Contract §1: (unit, batch) is unique; repetition, any order and any interruption give the same lake."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.ingest import delivery, lake, receipt
from pipelines.ingest.limits import Limits
from pipelines.ingest.pending import ingest_delivery
from tests.deliveries import DeliveryBuilder
from tests.ingest.conftest import Home
from tests.ingest.rows import archive, followup


def content(home: Home) -> tuple[Any, ...]:
    """Everything that the ingest has written, as values: files of lake, quarantine, register and receipts."""
    files = {}
    for root in (home.settings.lake, home.settings.quarantine, home.settings.feedback):
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            name = str(path.relative_to(home.settings.home))
            if path.suffix == ".parquet":
                files[name] = pl.read_parquet(path, hive_partitioning=False).rows()
            else:
                files[name] = path.read_text("utf-8")
    return tuple(files.items())


def first(home: Home) -> DeliveryBuilder:
    """The earlier of two rivals."""
    return home.delivery(sent_at="2026-01-07T21:00:00", batch="B1").add("archive", [archive(1), archive(2)])


def second(home: Home) -> DeliveryBuilder:
    """The later of two rivals."""
    return home.delivery(sent_at="2026-01-08T21:00:00", batch="B1").add("archive", [archive(1, name="程夏")])


def test_a_second_call_finds_nothing_to_do(home: Home) -> None:
    first(home).write()
    home.ingest()
    before = content(home)
    summary = home.ingest()
    assert (summary.deliveries, summary.known) == ((), 1)
    assert content(home) == before


def test_the_same_pair_with_the_same_bytes_is_a_repetition(home: Home) -> None:
    first(home).write()
    home.ingest()
    before = content(home)
    first(home).write()
    assert home.ingest().known == 1
    assert content(home) == before


def test_the_same_bytes_in_another_days_folder_change_nothing(home: Home) -> None:
    first(home).write()
    home.ingest()
    rows, register = home.rows("archive").rows(), home.register()
    builder = first(home)
    builder.folder_day = "2026-01-09"
    builder.write()
    (outcome,) = home.ingest().deliveries
    assert (outcome.refusal.code, outcome.refused_rows) == ("DAY_MISMATCH", 2)
    assert home.rows("archive").rows() == rows
    assert home.register().filter(pl.col("delivery_status") == "accepted").equals(register)
    receipts = {path.name for path in home.settings.feedback.glob("500116/receipts/*.json")}
    assert receipts == {"2026-01-07-B1.json", "2026-01-09-B1.json"}
    assert home.ingest().known == 2


@pytest.mark.parametrize("is_stepwise", [True, False])
@pytest.mark.parametrize("order", list(itertools.permutations((0, 1, 2))))
def test_the_earliest_sent_owns_the_batch_whatever_arrived_first(
    new_home: Callable[[], Home], order: Sequence[int], is_stepwise: bool
) -> None:
    def write(home: Home, number: int) -> None:
        day = f"2026-01-{7 + number:02d}"
        home.delivery(sent_at=f"{day}T21:00:00", batch="B1").add(
            "archive", [archive(number, name=None), archive(9)]
        ).write()

    results = []
    for numbers in ((0, 1, 2), order):
        home = new_home()
        for number in numbers:
            write(home, number)
            if is_stepwise:
                home.ingest()
        home.ingest()
        results.append(content(home))
        register = home.register().filter(pl.col("file_path").is_not_null())
        assert register["delivery_status"].to_list() == ["accepted", "refused", "refused"]
        assert register["delivery_reason_code"].to_list() == [None, "BATCH_REUSED", "BATCH_REUSED"]
        assert register["refused_rows"].to_list() == [0, 2, 2]
        assert home.rows("archive")["received_at"].dt.day().to_list() == [7]
        assert home.quarantine()["received_at"].dt.day().to_list() == [7]
    assert results[0] == results[1]


def test_at_the_same_moment_the_smaller_digest_owns_the_batch(
    new_home: Callable[[], Home], tmp_path: Path
) -> None:
    results = []
    for names in (("程春", "程夏"), ("程夏", "程春")):
        home = new_home()
        for name in names:
            # the same folder, overwritten: the inbox holds one of them, the register knows both
            builder = home.delivery(batch="B1").add("archive", [archive(1, name=name)])
            builder.write()
            home.ingest()
        results.append(home.register().drop("file_path").sort("delivery_id").rows())
        accepted = home.register().filter(pl.col("delivery_status") == "accepted")
        assert accepted["delivery_sm3"].to_list() == [home.register()["delivery_sm3"].min()]
    assert results[0] == results[1]


@pytest.mark.parametrize("before", [None, b"district_archive_id,name\r\nA1"], ids=["missing", "cut off"])
def test_a_file_that_comes_late_stays_refused_until_a_new_batch(home: Home, before: bytes | None) -> None:
    builder = first(home).add("htn_followup", [followup()])
    folder = builder.write()
    whole = (folder / "archive.csv").read_bytes()
    (folder / "archive.csv").unlink()
    if before is not None:
        (folder / "archive.csv").write_bytes(before)
    (outcome,) = home.ingest().deliveries
    code = "FILE_MISSING" if before is None else "DIGEST_MISMATCH"
    assert [file.refusal.code if file.refusal else None for file in outcome.files] == [code, None]
    text = next(home.settings.feedback.rglob("*.txt")).read_text("utf-8")
    (reason,) = [line for line in text.splitlines() if f"[{code}]" in line]
    assert "请" in reason and "新批次" in reason
    if before is None:
        assert "此后补放也不再读取" in reason
    taken = content(home)

    (folder / "archive.csv").write_bytes(whole)
    summary = home.ingest()
    assert (summary.deliveries, summary.known) == ((), 1)
    assert content(home) == taken

    home.delivery(sent_at="2026-01-08T21:00:00", batch="B2").add("archive", [archive(1), archive(2)]).write()
    (outcome,) = home.ingest().deliveries
    assert (outcome.status, outcome.accepted_rows) == ("accepted", 2)
    assert home.rows("archive")["delivery_batch"].unique().to_list() == ["B2"]


def test_a_known_folder_is_read_again_only_when_asked_for(home: Home) -> None:
    builder = first(home)
    (builder.write() / "archive.csv").unlink()
    home.ingest()
    builder.write()
    assert home.ingest().deliveries == ()
    (outcome,) = home.ingest(force=True).deliveries
    assert outcome.accepted_rows == 2
    assert home.register()["file_status"].to_list() == ["accepted"]


def test_another_unit_may_use_the_same_batch(home: Home) -> None:
    first(home).write()
    home.delivery(unit="500103", batch="B1").add("archive", [archive(1)]).write()
    assert [outcome.status for outcome in home.ingest().deliveries] == ["accepted", "accepted"]


def test_a_manifest_in_a_strange_folder_takes_no_batch_away(home: Home) -> None:
    home.delivery(sent_at="2026-01-06T21:00:00", batch="B1", folder_unit="500103").add(
        "archive", [archive()]
    ).write()
    first(home).write()
    statuses = {outcome.unit: outcome.status for outcome in home.ingest().deliveries}
    assert statuses == {"500103": "refused", "500116": "accepted"}


def test_unit_and_day_narrow_the_search(home: Home) -> None:
    first(home).write()
    home.delivery(unit="500103", sent_at="2026-01-08T21:00:00").add("archive", [archive(1)]).write()
    assert home.ingest(unit="500103", day="2026-01-07").deliveries == ()
    assert [outcome.unit for outcome in home.ingest(unit="500103").deliveries] == ["500103"]
    assert [outcome.unit for outcome in home.ingest(day="2026-01-07").deliveries] == ["500116"]


def test_one_delivery_by_its_folder_and_again_by_force(home: Home) -> None:
    folder = first(home).write()
    outcome = ingest_delivery(home.settings, folder)
    assert outcome is not None and outcome.accepted_rows == 2
    before = content(home)
    assert ingest_delivery(home.settings, folder) is None
    assert ingest_delivery(home.settings, folder, force=True) == outcome
    assert content(home) == before


class Killed(Exception):
    """Stands for the process being killed."""


@pytest.mark.parametrize("step", ["place", "remove_parts", "write_atomically"])
def test_killed_while_taken_in_again_by_force(home: Home, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    folder = first(home).write()
    home.ingest()
    before = content(home)

    def dying(*arguments: Any) -> None:
        raise Killed

    monkeypatch.setattr(lake, step, dying)
    with pytest.raises(Killed):
        ingest_delivery(home.settings, folder, force=True)
    monkeypatch.undo()
    home.ingest()
    assert content(home) == before


STEPS = [
    (lake, "write_part"),
    (lake, "place"),
    (receipt, "write"),
    (lake, "write_atomically"),
    (lake, "remove_parts"),
]


@pytest.mark.parametrize(("module", "name"), STEPS, ids=[name for _, name in STEPS])
@pytest.mark.parametrize("survived", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("is_after", [False, True])
def test_killed_at_any_step_and_run_again_is_as_if_never_killed(
    new_home: Callable[[], Home],
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    survived: int,
    is_after: bool,
) -> None:
    def fill(home: Home) -> Home:
        rows = [archive(number % 5, name=None if number == 7 else "程春") for number in range(12)]
        lake.ensure_anchors(home.settings)
        home.delivery(sent_at="2026-01-07T21:00:00", batch="B1").add("archive", rows).add(
            "htn_followup", [followup(1), followup(2)]
        ).write()
        home.delivery(sent_at="2026-01-08T21:00:00", batch="B2").add("archive", rows[:3]).write()
        home.delivery(sent_at="2026-01-09T21:00:00", batch="B1").add("archive", rows[3:5]).write()
        return home

    limits = Limits(chunk_bytes=200, block_rows=4)
    clean = fill(new_home())
    clean.ingest(limits)
    killed = fill(new_home())
    original, count = getattr(module, name), itertools.count()

    def dying(*arguments: Any, **options: Any) -> Any:
        if next(count) == survived:
            if is_after:
                original(*arguments, **options)
            raise Killed
        return original(*arguments, **options)

    monkeypatch.setattr(module, name, dying)
    try:
        killed.ingest(limits)
    except Killed:
        # what readers see is whole: no row without its register file
        frame = killed.rows("archive")
        register = killed.register().filter(pl.col("file_status") == "accepted")
        expected = register.filter(pl.col("dataset") == "archive")["accepted_rows"].sum()
        assert frame.height == expected
    monkeypatch.undo()
    killed.ingest(limits)
    assert content(killed) == content(clean)


def test_killed_while_a_batch_changes_its_owner(
    new_home: Callable[[], Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = new_home()
    first(clean).write()
    second(clean).write()
    clean.ingest()
    original = lake.write_atomically
    for survived in range(4):
        home = new_home()
        second(home).write()
        home.ingest()
        first(home).write()
        count = itertools.count()

        def dying(frame: pl.DataFrame, path: Path, count: Any = count, survived: int = survived) -> None:
            if next(count) == survived:
                raise Killed
            original(frame, path)

        monkeypatch.setattr(lake, "write_atomically", dying)
        with contextlib.suppress(Killed):
            home.ingest()
        monkeypatch.undo()
        home.ingest()
        assert content(home) == content(clean)


def test_leftovers_of_a_killed_run_with_other_blocks_are_removed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.delivery().add("archive", [archive(number) for number in range(10)]).write()

    def dying(*arguments: Any) -> None:
        raise Killed

    monkeypatch.setattr(delivery, "commit", dying)
    with pytest.raises(Killed):
        home.ingest(Limits(block_rows=2))
    monkeypatch.undo()
    assert home.rows("archive").height == 0
    home.ingest()
    assert home.rows("archive").height == 10
    assert len(list(home.settings.lake.glob("archive/unit=*/**/*.parquet"))) == 1


def test_the_inbox_is_never_changed(home: Home) -> None:
    first(home).write()
    second(home).write()

    def digest() -> dict[str, str]:
        paths = [path for path in home.settings.inbox.rglob("*") if path.is_file()]
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}

    before = digest()
    home.ingest()
    assert digest() == before


def test_anchors_give_every_source_its_columns_before_the_first_row(home: Home) -> None:
    import duckdb

    from pipelines.contract import model

    lake.ensure_anchors(home.settings)
    lake.ensure_anchors(home.settings)
    for name, dataset in model.datasets().items():
        pattern = home.settings.lake / name / "**" / "*.parquet"
        found = duckdb.sql(
            f"describe select * from read_parquet('{pattern}', union_by_name = true)"
        ).fetchall()
        types = {row[0]: row[1] for row in found}
        for column in dataset.columns:
            assert types[column.name] == column.sql_type
        for column, (sql_type, _) in model.PROVENANCE_COLUMNS.items():
            assert types[column] == sql_type

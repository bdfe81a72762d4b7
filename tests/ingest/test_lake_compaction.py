"""Design §3 "The lake does not crumble": past months become one file each, and no row changes, ever."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import audit, duck
from pipelines.contract import model
from pipelines.ingest import compact as compaction
from pipelines.ingest import lake, month
from pipelines.ingest.compact import CompactionSummary, compact, settle
from pipelines.ingest.pending import ingest_delivery
from pipelines.publish.content_hash import table_content
from pipelines.workspace import RunOptions, Workspace
from tests.deliveries import DeliveryBuilder
from tests.ingest.conftest import Home
from tests.ingest.killed import copies_killed
from tests.ingest.rows import archive, followup
from tests.torture import every, examples

OTHER = "500103"


def delivery(home: Home, day: str, batch: str = "", unit: str = "500116", **fields: Any) -> DeliveryBuilder:
    """A delivery of a day with two archives, one of which is quarantined, and a visit."""
    builder = home.delivery(unit=unit, sent_at=f"{day}T21:00:00", batch=batch, **fields)
    number = int(day.replace("-", ""))
    rows = [archive(number), archive(number + 1, name=None, id_no=None, birth_date=None)]
    return builder.add("archive", rows).add("htn_followup", [followup(number)])


def three_months(home: Home) -> Home:
    """Two units from January to March; in January one delivery is refused whole."""
    for day in ("2026-01-05", "2026-01-06", "2026-02-03", "2026-02-04", "2026-03-02"):
        delivery(home, day).write()
        delivery(home, day, unit=OTHER).write()
    delivery(home, "2026-01-07", folder_day="2026-01-08").write()
    home.ingest()
    return home


def stored(home: Home) -> dict[str, Any]:
    """Every file of lake, quarantine and feedback with its content as values."""
    found: dict[str, Any] = {}
    for root in (home.settings.lake, home.settings.quarantine, home.settings.feedback):
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            name = str(path.relative_to(home.settings.home))
            is_table = path.suffix == ".parquet"
            found[name] = (
                pl.read_parquet(path, hive_partitioning=False).rows() if is_table else path.read_text()
            )
    return found


def sources(home: Home) -> dict[str, Any]:
    """Content hash of everything that the warehouse reads: each dataset, the quarantine, the register."""
    connection = duck.memory(home.settings)
    patterns = {name: home.settings.lake / name for name in [*model.datasets(), lake.REGISTER]}
    patterns["quarantine"] = home.settings.quarantine
    found = {}
    for name, folder in patterns.items():
        connection.execute(
            f"create or replace temp view source as select * from "
            f"read_parquet('{folder}/**/*.parquet', union_by_name = true, hive_partitioning = false)"
        )
        found[name] = table_content(connection, "temp", "main", "source")
    connection.close()
    return found


def tables(home: Home, dataset: str, unit: str = "500116") -> list[str]:
    """Files of a dataset of a unit, below the unit."""
    root = home.settings.lake / dataset / f"unit={unit}"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*.parquet"))


def test_past_months_become_one_file_each_and_no_row_changes(home: Home) -> None:
    three_months(home)
    before, inbox = sources(home), sorted(home.settings.inbox.rglob("*"))
    summary = compact(home.settings)
    assert sources(home) == before
    assert sorted(home.settings.inbox.rglob("*")) == inbox
    day = [name for name in tables(home, "archive") if "2026-03" in name]
    assert tables(home, "archive") == ["day=2026-01/rows.parquet", "day=2026-02/rows.parquet", *day]
    assert len(day) == 1 and day[0].startswith("day=2026-03-02/")
    assert [name.split("/")[0] for name in tables(home, lake.REGISTER)] == [
        "day=2026-01", "day=2026-02", "day=2026-03-02",
    ]  # fmt: skip
    quarantine = home.settings.quarantine / "archive" / f"unit={OTHER}"
    assert sorted(path.name for path in quarantine.iterdir()) == [
        "day=2026-01",
        "day=2026-02",
        "day=2026-03-02",
    ]
    # two units, two months: archives, visits, quarantine, register
    assert (summary.group_count, summary.file_count_after) == (16, 16)
    assert summary.file_count_before > 16


def test_rows_lie_in_the_order_of_delivery_file_and_row(home: Home) -> None:
    rows = [archive(number) for number in range(5)]
    home.delivery(sent_at="2026-01-06T21:00:00").add("archive", rows[:2], path="b.csv").add(
        "archive", rows[2:4], path="a.csv"
    ).write()
    home.delivery(sent_at="2026-01-05T21:00:00").add("archive", rows[4:]).write()
    delivery(home, "2026-02-01").write()
    home.ingest()
    compact(home.settings)
    path = month.month_files(home.settings.lake, "500116", home.register()["delivery_day"].min())[0]
    frame = pl.read_parquet(path, hive_partitioning=False)
    assert frame.select("delivery_file", "delivery_row").rows() == [
        ("archive.csv", 1), ("a.csv", 1), ("a.csv", 2), ("b.csv", 1), ("b.csv", 2),
    ]  # fmt: skip


def test_a_month_that_is_one_file_stays_as_it_is(home: Home) -> None:
    delivery(home, "2026-01-05").write()
    delivery(home, "2026-03-02").write()
    home.ingest()
    before = tables(home, "archive")
    assert compact(home.settings) == CompactionSummary()
    assert tables(home, "archive") == before
    delivery(home, "2026-01-06").write()
    home.ingest()
    compact(home.settings)
    assert tables(home, "archive")[0] == "day=2026-01/rows.parquet"


def test_a_second_call_finds_nothing_to_do(home: Home) -> None:
    three_months(home)
    compact(home.settings)
    before = stored(home)
    assert compact(home.settings) == CompactionSummary()
    assert home.ingest().deliveries == ()
    assert stored(home) == before


def test_what_was_put_together_stands_in_the_ledger(home: Home) -> None:
    three_months(home)
    summary = compact(home.settings)
    ledger = audit.compactions(home.settings)
    assert ledger.verify() == 1
    (entry,) = ledger.entries()
    assert entry["row_count"] == summary.row_count
    noted = {place: (rows, digest) for place, rows, digest in entry["groups"]}
    place = "lake/archive/unit=500116/day=2026-01"
    connection = duck.memory(home.settings)
    connection.execute(
        "create temp view found as select * from "
        f"read_parquet('{home.settings.home / place}/*.parquet', hive_partitioning = false)"
    )
    content = table_content(connection, "temp", "main", "found")
    assert noted[place] == (content.row_count, content.digest) and content.row_count == 2
    for secret in ("程春江", "512121195001310011"):
        assert secret not in json.dumps(entry, ensure_ascii=False)


def test_an_empty_lake_has_no_current_month(home: Home) -> None:
    delivery(home, "2026-01-07", folder_day="2026-01-08").write()
    home.ingest()
    assert compact(home.settings) == CompactionSummary()


def test_memory_and_disk_give_the_same_rows_in_the_same_order(
    new_home: Callable[[], Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    results = []
    for limit in (2**30, 0):
        home = three_months(new_home())
        monkeypatch.setattr(month, "_IN_MEMORY_BYTES", limit)
        compact(home.settings)
        results.append((stored(home), audit.compactions(home.settings).entries()[0]["groups"]))
    assert results[0] == results[1]


def test_switches_in_small_steps_give_the_same_lake(
    new_home: Callable[[], Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, stepwise = three_months(new_home()), three_months(new_home())
    compact(whole.settings)
    monkeypatch.setattr(compaction, "SWITCH_GROUPS", 3)
    done: list[int] = []
    compact(stepwise.settings, progress=lambda number, total: done.append(number))
    assert done == [3, 6, 9, 12, 15, 16]
    assert stored(stepwise) == stored(whole)
    assert audit.compactions(stepwise.settings).verify() == 6


@pytest.mark.parametrize("limit", [2**30, 0], ids=["memory", "disk"])
def test_a_row_that_is_lost_on_the_way_stops_the_switch(
    home: Home, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    three_months(home)
    before = stored(home)
    monkeypatch.setattr(month, "_IN_MEMORY_BYTES", limit)
    if limit:
        write = pl.DataFrame.write_parquet
        monkeypatch.setattr(
            pl.DataFrame,
            "write_parquet",
            lambda frame, path, **options: write(frame.head(-1), path, **options),
        )
    else:
        original = month._content
        monkeypatch.setattr(
            month,
            "_content",
            lambda connection, rows: original(connection, rows + (" limit 1" if ".aside" in rows else "")),
        )
    with pytest.raises(month.ContentChangedError, match="unit="):
        compact(home.settings)
    monkeypatch.undo()
    settle(home.settings)
    assert stored(home) == before


def test_rows_of_an_older_contract_keep_their_content_and_gain_empty_columns(home: Home) -> None:
    three_months(home)
    (older,) = (home.settings.lake / "htn_followup" / "unit=500116" / "day=2026-01-05").iterdir()
    newest = model.dataset("htn_followup").columns[-1].name
    pl.read_parquet(older, hive_partitioning=False).drop(newest).write_parquet(older)
    before = sources(home)
    compact(home.settings)
    assert sources(home) == before
    frame = pl.read_parquet(older.parents[1] / "day=2026-01" / "rows.parquet", hive_partitioning=False)
    assert (
        frame.columns
        == pl.read_parquet_schema(home.settings.lake / "htn_followup" / "schema.parquet").names()
    )


def test_parts_of_an_unfinished_delivery_are_left_to_the_ingest(home: Home) -> None:
    three_months(home)
    (part,) = (home.settings.lake / "archive" / "unit=500116" / "day=2026-01-05").iterdir()
    orphan = part.with_name("0123456789abcdef-1.parquet")
    rows = pl.read_parquet(part, hive_partitioning=False)
    rows.with_columns(delivery_id=pl.lit("0123456789abcdef")).write_parquet(orphan)
    compact(home.settings)
    assert orphan.is_file() and not part.exists()
    assert home.rows("archive").height == 10


def twice(new_home: Callable[[], Home], late: Callable[[Home], object]) -> tuple[Home, Home]:
    """A home where something comes after a compaction, and one where all came before the only one."""
    after, before = new_home(), new_home()
    three_months(after)
    compact(after.settings)
    for home in (after, before):
        late(home)
    after.ingest()
    three_months(before)
    for home in (after, before):
        compact(home.settings)
    return after, before


def test_a_late_delivery_joins_its_month(new_home: Callable[[], Home]) -> None:
    def late(home: Home) -> None:
        delivery(home, "2026-01-05", batch="late").write()
        delivery(home, "2025-12-31", unit=OTHER).write()

    after, before = twice(new_home, late)
    assert stored(after) == stored(before)
    assert after.rows("archive").height == 12


def test_an_earlier_claim_to_a_batch_takes_the_later_ones_rows_out_of_the_month(
    new_home: Callable[[], Home],
) -> None:
    def late(home: Home) -> None:
        delivery(home, "2026-01-02", batch="20260105-01").write()

    after, before = twice(new_home, late)
    assert stored(after) == stored(before)
    reused = after.register().filter(pl.col("delivery_reason_code") == "BATCH_REUSED")
    assert reused["delivery_day"].dt.day().to_list() == [5, 5, 5]
    assert 5 not in after.rows("archive").filter(delivery_unit="500116")["received_at"].dt.day().to_list()


def test_the_last_rows_of_a_month_leave_no_file(new_home: Callable[[], Home]) -> None:
    def late(home: Home) -> None:
        delivery(home, "2026-01-20", batch="20260203-01").write()
        delivery(home, "2026-01-21", batch="20260204-01").write()

    after, before = twice(new_home, late)
    assert stored(after) == stored(before)
    assert not (after.settings.lake / "archive/unit=500116/day=2026-02/rows.parquet").exists()


def test_a_delivery_taken_in_again_gives_the_same_month(home: Home) -> None:
    three_months(home)
    compact(home.settings)
    before = stored(home)
    folder = home.settings.inbox / "500116" / "2026-01-06" / "20260106-01"
    assert ingest_delivery(home.settings, folder) is None
    outcome = ingest_delivery(home.settings, folder, force=True)
    assert outcome is not None and outcome.accepted_rows == 2
    assert home.rows("archive").height == 10
    compact(home.settings)
    assert stored(home) == before


def test_a_folder_seen_before_its_manifest_is_forgotten_in_a_compacted_month_too(home: Home) -> None:
    three_months(home)
    builder = delivery(home, "2026-01-09")
    builder.folder.mkdir(parents=True)
    home.ingest()
    compact(home.settings)
    assert "MANIFEST_MISSING" in home.register()["delivery_reason_code"].to_list()
    builder.write()
    home.ingest()
    assert "MANIFEST_MISSING" not in home.register()["delivery_reason_code"].to_list()


def test_a_compacted_delivery_can_be_withdrawn(home: Home) -> None:
    from pipelines.warehouse import control

    three_months(home)
    compact(home.settings)
    home.delivery(sent_at="2026-03-03T21:00:00", withdraws=["20260105-01"]).add(
        "archive", [archive(1)]
    ).write()
    home.ingest()
    ground = Workspace(home.settings, RunOptions())
    control.write(ground)
    with duck.read_only(ground.warehouse_build, home.settings) as connection:
        found = connection.execute(
            "select distinct delivery_unit, delivery_batch from control.delivery_file where is_withdrawn"
        ).fetchall()
    assert found == [("500116", "20260105-01")]


def test_killed_at_any_moment_nothing_is_lost_and_nothing_stands_twice(home: Home, tmp_path: Path) -> None:
    for day in ("2026-01-05", "2026-01-06", "2026-02-03"):
        delivery(home, day).write()
    home.ingest()
    rows = sources(home)
    copies = copies_killed("compact", home.settings.home, tmp_path / "copies", every=every(2))
    clean = stored(Home(copies[-1]))
    assert len(copies) > 10
    for number, copy in enumerate(copies):
        killed = Home(copy)
        settle(killed.settings)
        assert sources(killed) == rows, number
        compact(killed.settings)
        assert stored(killed) == clean, number
        assert not month.work_folder(killed.settings).exists()
        assert audit.compactions(killed.settings).verify() == 1, number


def test_killed_while_a_compacted_delivery_is_taken_in_again(home: Home, tmp_path: Path) -> None:
    for day in ("2026-01-05", "2026-01-06", "2026-02-03"):
        delivery(home, day).write()
    home.ingest()
    compact(home.settings)
    clean = stored(home)
    again = "500116/2026-01-05/20260105-01"
    copies = copies_killed(again, home.settings.home, tmp_path / "copies", every=every(3))
    assert len(copies) > 10
    for number, copy in enumerate(copies):
        killed = Home(copy)
        killed.ingest()
        # what readers see is whole: no row without its register row
        for dataset in ("archive", "htn_followup"):
            accepted = killed.register().filter(pl.col("dataset") == dataset)["accepted_rows"].sum()
            assert killed.rows(dataset).height == accepted == 3, number
        compact(killed.settings)
        assert stored(killed) == clean, number


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["2026-01-05", "2026-01-20", "2026-02-03", "2026-03-02"]),
        st.sampled_from(["B1", "B2", "B3"]),
        st.sampled_from(["500116", OTHER]),
        st.booleans(),
    ),
    min_size=2,
    max_size=4,
)


@settings(
    max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_the_order_of_ingest_and_compaction_does_not_matter(
    steps: Sequence[tuple[str, str, str, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    together, stepwise = (Home(tmp_path_factory.mktemp("home")) for _ in range(2))
    for day, batch, unit, is_compacted in steps:
        for home in (together, stepwise):
            home.delivery(unit=unit, sent_at=f"{day}T21:00:00", batch=batch).add(
                "archive", [archive()]
            ).write()
        stepwise.ingest()
        if is_compacted:
            compact(stepwise.settings)
    together.ingest()
    for home in (together, stepwise):
        compact(home.settings)
    assert stored(stepwise) == stored(together)

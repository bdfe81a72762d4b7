"""Each blocking check finds its planted breach, and the command then keeps the last good marts with exit 3."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from pipelines import run as runner
from pipelines.publish import checks
from pipelines.settings import Settings
from pipelines.words import spoken
from pipelines.workspace import RunOptions, Workspace, writer_lock
from tests.conftest import CANARIES, SampleRun, ask


@pytest.fixture
def planted(own_copy: SampleRun) -> Settings:
    """A home in which a finished build waits for its checks beside the published files."""
    settings = own_copy.settings
    shutil.copyfile(settings.warehouse_file, settings.build / "warehouse.duckdb")
    shutil.copyfile(settings.marts_file, settings.build / "marts.duckdb")
    return settings


def change(path: Path, *statements: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as planted; use planted")
        for statement in statements:
            connection.execute(statement)


def problems(settings: Settings, name: str, accept_shrink: bool = False) -> tuple[str, ...]:
    warehouse, marts = settings.build / "warehouse.duckdb", settings.build / "marts.duckdb"
    if name == "conservation":
        found = checks.conservation(settings, warehouse)
    elif name == "identifier_scan":
        found = checks.identifier_scan(settings, warehouse, marts)
    else:
        found = checks.shrinkage(settings, marts, settings.marts_file, accept_shrink)
    assert found.name == name
    assert found.is_passed == (not found.problems)
    return found.problems


def test_the_untouched_build_passes_every_check(planted: Settings) -> None:
    found = checks.run_all(
        planted, planted.build / "warehouse.duckdb", planted.build / "marts.duckdb", accept_shrink=False
    )
    assert [(one.name, one.problems) for one in found if not one.is_passed] == []
    assert {one.name for one in found} == {"conservation", "identifier_scan", "shrinkage"}


def test_a_check_that_looked_at_nothing_does_not_pass() -> None:
    assert not checks.CheckResult("conservation", (), 0).is_passed


def test_lost_doubled_and_misplaced_rows_are_found(planted: Settings) -> None:
    change(
        planted.build / "warehouse.duckdb",
        "update control.delivery_file set manifest_rows = manifest_rows + 1 where dataset = 'transfer'",
        "delete from staging.stg_archive_version where delivery_row = 1",
        "insert into staging.stg_org_version select * from staging.stg_org_version limit 1",
        "update staging.stg_signing_version set version_status = 'lost' where delivery_row = 1",
        "update control.delivery_file set quarantined_rows = quarantined_rows + 1, manifest_rows = manifest_rows + 1 "
        "where dataset = 'health_exam' and delivery_day = (select min(delivery_day) from control.delivery_file "
        "where dataset = 'health_exam')",
    )
    found = "；".join(problems(planted, "conservation"))
    for said in (
        "个文件的行数不守恒",
        "数据集 archive 有",
        "数据集 org 有 1 个文件",
        "数据集 signing 有",
        "个文件的隔离行数与登记不符",
    ):
        assert said in found, found


SHAPED = {
    "ID_18": "身份证 512127195002280035 有误",
    "ID_15": "旧证 512127500228003 有误",
    "PHONE": "电话 13800138000",
    "PHONE_SYNTHETIC": "，电话10012345678",
    "ARCHIVE_NUMBER": "档案 50024377799900042 有误",
    "BIRTH_CERTIFICATE": "出生证 M501803399 有误",
}


def test_identifying_values_in_the_marts_are_found_by_shape_and_by_value(planted: Settings) -> None:
    shaped = ", ".join(f"'{text}' as shape_{name.lower()}" for name, text in SHAPED.items())
    change(
        planted.build / "marts.duckdb",
        f"create table marts.planted as select {shaped}, '{CANARIES['name']}' as somebody, "
        f"'{CANARIES['present_address']}' as somewhere, '{CANARIES['district_archive_id']}' as archive_code, "
        "10098761234 as call_count, 'ID:512127195002280035' as person_key, "
        "repeat('0123456789abcdef', 4) as archive_key, 'CQ500103H001 20260630 1234567890123' as harmless",
    )
    found = problems(planted, "identifier_scan")
    for name in SHAPED:
        assert any(f"planted.shape_{name.lower()} " in one and one.endswith(name) for one in found), name
    for place, said in (
        ("somebody", "archive.name"),
        ("somewhere", "archive.present_address"),
        ("archive_code", "archive.district_archive_id"),
        ("call_count", "整数"),
        ("person_key", "不是假名"),
    ):
        assert any(f"planted.{place} " in one and said in one for one in found), place
    assert not any("archive_key" in one or "harmless" in one for one in found)
    assert not any(value in one for one in found for value in CANARIES.values())


def rows_of(settings: Settings, table: str) -> int:
    return ask(settings.marts_file, "city", f"select count(*) from marts.{table}")[0][0]


def keep(settings: Settings, table: str, count: int) -> None:
    change(
        settings.build / "marts.duckdb",
        f"create table marts.kept as select * from marts.{table} limit {count}",
        f"drop table marts.{table}",
        f"alter table marts.kept rename to {table}",
    )


def test_a_table_may_lose_thirty_percent_but_not_more(planted: Settings) -> None:
    before = rows_of(planted, "fct_service_activity")
    keep(planted, "fct_service_activity", -(-before * 7 // 10))
    assert problems(planted, "shrinkage") == ()
    keep(planted, "fct_service_activity", -(-before * 7 // 10) - 1)
    assert any("fct_service_activity" in one for one in problems(planted, "shrinkage"))
    assert problems(planted, "shrinkage", accept_shrink=True) == ()


def test_an_emptied_or_vanished_table_is_found(planted: Settings) -> None:
    keep(planted, "fct_exam", 0)
    change(planted.build / "marts.duckdb", "drop view main.fct_followup", "drop table marts.fct_followup")
    found = problems(planted, "shrinkage")
    assert any("fct_exam" in one and "空表" in one for one in found)
    assert any("fct_followup" in one and "不再存在" in one for one in found)


def test_a_first_publication_needs_archives(planted: Settings) -> None:
    planted.marts_file.unlink()
    assert problems(planted, "shrinkage") == ()
    keep(planted, "fct_archive", 0)
    assert [spoken(one, "zh") for one in problems(planted, "shrinkage")] == ["fct_archive 为空"]


def publish_only(settings: Settings, options: RunOptions) -> runner.Outcome:
    """The publishing stage of the job over the build that lies there."""
    from dagster import InitResourceContext

    from pipelines.publish.assets import MARTS, UNITS
    from pipelines.resources import WorkspaceResource

    class Waiting(WorkspaceResource):
        @contextmanager
        def yield_for_execution(self, context: InitResourceContext) -> Iterator[WorkspaceResource]:
            yield self

    with writer_lock(settings):
        return runner.execute(
            Workspace(settings, options), resources={"workspace": Waiting()}, assets=[MARTS, UNITS]
        )


@pytest.mark.parametrize(
    ("file", "statement", "check"),
    [
        ("warehouse", "delete from staging.stg_archive_version where delivery_row = 1", "conservation"),
        ("marts", f"update marts.dim_rule set rule_text = '{CANARIES['name']}'", "identifier_scan"),
        ("marts", "delete from marts.fct_termination", "shrinkage"),
    ],
)
def test_a_failed_check_is_exit_3_and_the_last_good_marts_stand(
    planted: Settings, file: str, statement: str, check: str
) -> None:
    published = (planted.marts_file.read_bytes(), (planted.marts / "published.json").read_bytes())
    unit_files = {path.name: path.stat().st_mtime_ns for path in planted.units_dir.iterdir()}
    reader = duckdb.connect()
    reader.execute(f"attach '{planted.marts_file}' as held (read_only)")
    change(planted.build / f"{file}.duckdb", statement)
    outcome = publish_only(planted, RunOptions())
    assert outcome.code == 3
    assert check in outcome.reasons[0]
    assert "请" in spoken(outcome.reasons[0], "zh")
    assert spoken(outcome.reasons[0], "en").isascii()
    assert not any(value in reason for reason in outcome.reasons for value in CANARIES.values())
    assert reader.execute("select count(*) > 0 from held.marts.fct_archive").fetchone() == (True,)
    reader.close()
    assert published == (planted.marts_file.read_bytes(), (planted.marts / "published.json").read_bytes())
    assert unit_files == {path.name: path.stat().st_mtime_ns for path in planted.units_dir.iterdir()}


READER = """
import sys, duckdb
held = duckdb.connect()
held.execute(f"attach '{sys.argv[1]}' as held (read_only)")
for question in sys.stdin:
    print(held.execute(question).fetchone()[0], flush=True)
"""


def test_a_reader_of_the_old_marts_is_not_disturbed_by_a_publication(planted: Settings) -> None:
    """The reader is a process of its own, as an analyst's is; it keeps the file that it opened."""
    before = rows_of(planted, "fct_termination")
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(planted.marts_file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdin and reader.stdout

        def answer(question: str) -> int:
            reader.stdin.write(question + "\n")
            reader.stdin.flush()
            return int(reader.stdout.readline())

        assert answer("select count(*) from held.marts.fct_termination") == before
        change(planted.build / "marts.duckdb", "delete from marts.fct_termination")
        outcome = publish_only(planted, RunOptions(accept_shrink=True, parquet=True))
        assert (outcome.code, outcome.reasons) == (0, ())
        assert answer("select count(*) from held.marts.fct_termination") == before
        assert answer("select count(*) from held.marts.fct_archive") == rows_of(planted, "fct_archive")
    assert rows_of(planted, "fct_termination") == 0
    copies = {path.stem for path in (planted.marts / "parquet").iterdir()}
    assert copies == set(outcome.facts["tables"])
    assert not list(planted.marts.glob(".*"))

"""Each blocking check finds its planted breach, and the command then keeps the last good marts with exit 3."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from pipelines import run as runner
from pipelines.publish import checks
from pipelines.settings import Settings
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
    found = checks.run_all(
        settings, settings.build / "warehouse.duckdb", settings.build / "marts.duckdb", accept_shrink
    )
    assert {one.name for one in found if not one.is_passed} <= {name}
    (wanted,) = [one for one in found if one.name == name]
    assert wanted.is_passed == (not wanted.problems)
    return wanted.problems


def test_the_untouched_build_passes_every_check(planted: Settings) -> None:
    assert problems(planted, "conservation") == ()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("update control.delivery_file set manifest_rows = manifest_rows + 1 where dataset = 'org'", "不守恒"),
        ("delete from staging.stg_archive_version where delivery_row = 1", "stg_|数据集 archive"),
        ("insert into staging.stg_org_version select * from staging.stg_org_version limit 1", "数据集 org"),
        ("update staging.stg_signing_version set version_status = 'lost' where delivery_row = 1", "不属于现行"),
        ("update control.delivery_file set quarantined_rows = 0, accepted_rows = accepted_rows + quarantined_rows "
         "where quarantined_rows > 0", "隔离行数|数据集 archive"),
    ],
)  # fmt: skip
def test_a_lost_or_doubled_row_is_found(planted: Settings, statement: str, said: str) -> None:
    import re

    change(planted.build / "warehouse.duckdb", statement)
    found = problems(planted, "conservation")
    assert found
    assert re.search(said, "；".join(found))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (f"update marts.fct_finding set message = message || '{CANARIES['name']}' where false", None),
        (f"update marts.dim_indicator set numerator_text = '{CANARIES['name']}' where indicator_id = 'TRF-1'", "name"),
        ("update marts.fct_finding set message = message || '，电话10012345678'", "PHONE_SYNTHETIC"),
        ("update marts.fct_finding set message = '身份证 512127195002280035 有误'", "ID_18"),
        ("update marts.fct_finding set message = '旧证 512127500228003 有误'", "ID_15"),
        ("update marts.fct_finding set message = '档案 50024377799900042 有误'", "ARCHIVE_NUMBER"),
        ("update marts.fct_finding set message = '出生证 M501803399 有误'", "BIRTH_CERTIFICATE"),
        ("update marts.fct_finding set message = '电话 13800138000'", "PHONE"),
        ("update marts.fct_archive set person_key = 'ID:512127195002280035'", "不是假名"),
        ("alter table marts.mart_workload alter activity_count type bigint; "
         "update marts.mart_workload set activity_count = 10098761234", "整数"),
        (f"update marts.fct_archive set key_type_code = '{CANARIES['district_archive_id']}'", "district_archive_id"),
        (f"update marts.dim_rule set rule_text = '{CANARIES['present_address']}'", "present_address"),
    ],
)  # fmt: skip
def test_an_identifying_value_in_the_marts_is_found(
    planted: Settings, statement: str, said: str | None
) -> None:
    change(planted.build / "marts.duckdb", statement)
    found = problems(planted, "identifier_scan")
    if said is None:
        assert found == ()
    else:
        assert any(said in one for one in found), found
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
    assert problems(planted, "shrinkage") == ("fct_archive 为空",)


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
    assert not any(value in reason for reason in outcome.reasons for value in CANARIES.values())
    assert reader.execute("select count(*) > 0 from held.marts.fct_archive").fetchone() == (True,)
    reader.close()
    assert published == (planted.marts_file.read_bytes(), (planted.marts / "published.json").read_bytes())
    assert unit_files == {path.name: path.stat().st_mtime_ns for path in planted.units_dir.iterdir()}


def test_a_reader_of_the_old_marts_is_not_disturbed_by_a_publication(planted: Settings) -> None:
    before = rows_of(planted, "fct_termination")
    reader = duckdb.connect()
    reader.execute(f"attach '{planted.marts_file}' as held (read_only)")
    change(planted.build / "marts.duckdb", "delete from marts.fct_termination")
    outcome = publish_only(planted, RunOptions(accept_shrink=True, parquet=True))
    assert (outcome.code, outcome.reasons) == (0, ())
    assert reader.execute("select count(*) from held.marts.fct_termination").fetchone() == (before,)
    reader.close()
    assert rows_of(planted, "fct_termination") == 0
    copies = {path.stem for path in (planted.marts / "parquet").iterdir()}
    assert copies == set(outcome.facts["tables"])
    assert not list(planted.marts.glob(".*"))

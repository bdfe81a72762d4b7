"""Deliveries of an older and of a later minor version, and a lake that was written under an older contract.

Not here: which changes a minor version may hold (test_contract_versions.py).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.contract.model import contract_version
from pipelines.contract.versions import as_numbers
from pipelines.ingest import lake
from pipelines.ingest.outcome import DeliveryOutcome
from pipelines.ingest.pending import ingest_pending
from pipelines.settings import Settings
from pipelines.warehouse import dbt
from pipelines.workspace import RunOptions, Workspace
from tests.conftest import SampleRun
from tests.deliveries import DeliveryBuilder

SIGNING = {"contract_id": "C1", "district_archive_id": "A1", "start_date": "2025-06-01"}


def later(step: int) -> str:
    """A minor version `step` after ours."""
    major, minor, _ = as_numbers(contract_version())
    return f"{major}.{minor + step}.0"


def sent(home: Path, builder: DeliveryBuilder) -> tuple[DeliveryOutcome, dict[str, object]]:
    """What became of a delivery, and its receipt."""
    builder.write()
    (outcome,) = ingest_pending(Settings.load(home)).deliveries
    (path,) = (home / "feedback").glob("*/receipts/*.json")
    return outcome, json.loads(path.read_text("utf-8"))


@pytest.mark.parametrize("version", ["1.0.0", "1.0.9", contract_version()])
def test_a_delivery_of_an_older_minor_version_is_read_without_a_notice(tmp_path: Path, version: str) -> None:
    inbox = Settings.load(tmp_path).inbox
    outcome, receipt = sent(
        tmp_path, DeliveryBuilder(inbox, contract_version=version).add("signing", [SIGNING])
    )
    assert (outcome.status, outcome.accepted_rows, receipt["notices"]) == ("accepted", 1, [])
    stored = pl.read_parquet(tmp_path / "lake/signing/**/*.parquet", hive_partitioning=False).row(
        0, named=True
    )
    assert stored["team_id"] is None and stored["end_date"] is None


def test_a_delivery_of_a_later_minor_version_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    builder = DeliveryBuilder(Settings.load(tmp_path).inbox, contract_version=later(1))
    builder.add("signing", [SIGNING | {"later_column": "x"}]).add("later_dataset", [{"x": 1}])
    outcome, receipt = sent(tmp_path, builder)
    assert [(file.dataset, file.status) for file in outcome.files] == [
        ("signing", "accepted"),
        ("later_dataset", "refused"),
    ]
    assert outcome.files[0].unknown_columns == ("later_column",)
    assert outcome.files[1].refusal and outcome.files[1].refusal.code == "DATASET_UNKNOWN"
    assert [(notice["code"], notice["detail"]) for notice in receipt["notices"]] == [
        ("CONTRACT_VERSION_NEWER", later(1))
    ]
    (text,) = (tmp_path / "feedback").glob("*/receipts/*.txt")
    assert "契约次版本比本平台新" in text.read_text("utf-8")


@pytest.mark.parametrize("version", ["2.0.0", "0.9.0"])
def test_another_major_version_is_refused(tmp_path: Path, version: str) -> None:
    inbox = Settings.load(tmp_path).inbox
    outcome, _ = sent(tmp_path, DeliveryBuilder(inbox, contract_version=version).add("signing", [SIGNING]))
    assert outcome.refusal and outcome.refusal.code == "CONTRACT_VERSION_UNKNOWN"


def test_a_version_of_absurd_length_is_no_reason_to_stop(tmp_path: Path) -> None:
    builder = DeliveryBuilder(Settings.load(tmp_path).inbox, contract_version=f"1.{'9' * 6000}.0")
    outcome, receipt = sent(tmp_path, builder.add("signing", [SIGNING]))
    assert outcome.status == "accepted"
    assert [len(notice["detail"]) for notice in receipt["notices"]] == [32]


OLDER = {
    "archive": ["basic_info_verified_at", "declared_status_code"],
    "htn_followup": ["class_code", "sbp"],
}
"""Dataset → columns that the older contract of the test did not have yet."""


def test_a_lake_of_an_older_contract_is_staged_with_the_new_columns_empty(own_copy: SampleRun) -> None:
    settings, ground = own_copy.settings, Workspace(own_copy.settings, RunOptions())
    before = staged(own_copy.home / "warehouse.duckdb")
    assert all(count for rows, _, *filled in before.values() for count in (rows, *filled))
    for name, columns in OLDER.items():
        for path in (settings.lake / name).rglob("*.parquet"):
            pl.read_parquet(path, hive_partitioning=False).drop(columns).write_parquet(path)
    # a dataset that the older contract did not have at all
    shutil.rmtree(settings.lake / "vaccination")
    lake.ensure_anchors(settings)
    environment = {
        **os.environ,
        **dbt.build_environment(ground),
        "YUDANG_WAREHOUSE": str(own_copy.home / "warehouse.duckdb"),
        "YUDANG_MARTS_BUILD": str(own_copy.home / "marts" / "marts.duckdb"),
    }
    models = [f"stg_{name}_version" for name in (*OLDER, "vaccination")]
    done = subprocess.run(
        [*dbt.command(settings), *dbt.GLOBAL_FLAGS, "run", "--select", *models, "--threads", "2"],
        cwd=settings.dbt_project_dir,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    after = staged(own_copy.home / "warehouse.duckdb")
    for name in OLDER:
        rows, statuses, *_ = before[name]
        assert after[name] == (rows, statuses, 0, 0), name


def staged(warehouse: Path) -> dict[str, tuple[int, str, int, int]]:
    """Dataset → rows, how many of each version status, and how many hold each of the later columns."""
    found = {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for name, (first, second) in OLDER.items():
            counted = connection.execute(
                f"select count(*), (select string_agg(status, ' ' order by status) from ("
                f"select version_status || count(*) as status from staging.stg_{name}_version group by version_status)), "
                f"count({first}), count({second}) from staging.stg_{name}_version"
            ).fetchone()
            assert counted
            found[name] = counted
    return found

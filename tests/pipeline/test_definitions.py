"""The asset graph, what importing and loading it costs, and that Dagster accepts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.pipeline.graph import SNAPSHOT, described

STAGES = (
    "delivery", "lake", "control", "reference", "staging", "identity", "archive", "service", "rules",
    "indicators", "marts", "publish",
)  # fmt: skip


@pytest.fixture(scope="module")
def graph_text() -> str:
    return described()


def test_the_asset_graph_is_the_one_on_record(graph_text: str) -> None:
    assert graph_text == SNAPSHOT.read_text(encoding="utf-8"), (
        "the asset graph changed; if that is meant, run `python -m tests.pipeline.graph` and read the diff"
    )


def test_every_stage_is_a_group(graph_text: str) -> None:
    missing = [stage for stage in STAGES if f"[{stage}]" not in graph_text]
    assert missing == []


def test_lineage_reaches_from_the_delivery_to_the_published_marts() -> None:
    from dagster import AssetKey

    from pipelines.definitions import build_definitions

    graph = build_definitions().resolve_asset_graph()
    reached, waiting = set(), [AssetKey("delivery")]
    while waiting:
        key = waiting.pop()
        if key not in reached:
            reached.add(key)
            waiting += graph.get(key).child_keys
    assert AssetKey(["publish", "marts"]) in reached
    assert {key.path[0] for key in reached} >= {"lake", "staging", "identity", "archive", "rules", "marts"}
    lonely = [
        key.to_user_string()
        for key in graph.get_all_asset_keys() - reached
        if key.path[0] not in ("reference",) and not graph.get(key).parent_keys
    ]
    assert lonely == []


def test_every_asset_is_materialised_by_the_main_job_except_the_partitioned_delivery() -> None:
    from pipelines.definitions import MAIN_JOB, build_definitions

    definitions = build_definitions()
    job = definitions.resolve_job_def(MAIN_JOB)
    assert definitions.resolve_asset_graph().get_all_asset_keys() - set(
        job.asset_layer.selected_asset_keys
    ) == {
        next(
            key for key in definitions.resolve_asset_graph().get_all_asset_keys() if key.path == ["delivery"]
        )
    }
    assert job.partitions_def is None


def test_importing_costs_little_and_loads_neither_dbt_nor_great_expectations() -> None:
    script = (
        "import time, sys, dagster\n"
        "start = time.process_time()\n"
        "import pipelines.definitions\n"
        "spent = time.process_time() - start\n"
        "bad = [m for m in ('great_expectations', 'dbt.cli', 'dbt', 'duckdb', 'polars') if m in sys.modules]\n"
        "print(spent, bad)\n"
        "assert spent < 1.0 and not bad, (spent, bad)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, check=True)


def test_loading_the_definitions_does_not_load_great_expectations() -> None:
    script = (
        "import sys\n"
        "from pipelines.definitions import build_definitions\n"
        "build_definitions()\n"
        "bad = [m for m in ('great_expectations', 'dbt.cli') if m in sys.modules]\n"
        "assert not bad, bad\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, check=True)


def test_unknown_overrides_are_refused() -> None:
    from pipelines.definitions import build_definitions

    with pytest.raises(TypeError, match="colour"):
        build_definitions(colour="red")


def test_dagster_accepts_the_code_location(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate"],
        cwd=REPOSITORY,
        env={**os.environ, "DAGSTER_HOME": str(tmp_path), "YUDANG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr[-3000:]


def test_the_instance_settings_can_be_read(tmp_path: Path) -> None:
    from dagster import DagsterInstance

    from pipelines.run import dagster_home
    from pipelines.settings import Settings

    home = dagster_home(Settings.load(home=tmp_path, environment={}))
    with DagsterInstance.from_config(str(home)) as instance:
        assert instance.telemetry_enabled is False
        assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
        assert instance.run_monitoring_enabled

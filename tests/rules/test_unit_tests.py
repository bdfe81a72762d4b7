"""The dbt unit tests of all models, on both sides of every boundary, in one call of dbt.

The tables themselves stand beside the models, in `dbt_project/models`.
"""

from __future__ import annotations

import json
import os
import subprocess

from pipelines.warehouse import dbt
from pipelines.workspace import RunOptions, Workspace
from tests.conftest import SampleRun


def test_every_unit_test_of_the_models_passes(own_copy: SampleRun) -> None:
    """Unit tests ask the engine for the types of the tables they replace, so a finished run stands below."""
    ground = Workspace(own_copy.settings, RunOptions())
    environment = {
        **os.environ,
        **dbt.build_environment(ground),
        "YUDANG_WAREHOUSE": str(own_copy.home / "warehouse.duckdb"),
        "YUDANG_MARTS_BUILD": str(own_copy.home / "marts" / "marts.duckdb"),
    }
    arguments = [*dbt.GLOBAL_FLAGS, "--log-format", "json", "test", "--select", "test_type:unit"]
    done = subprocess.run(
        [*dbt.command(ground.settings), *arguments, "--threads", "2"],
        cwd=ground.settings.dbt_project_dir,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    verdicts = {
        event["data"]["node_info"]["unique_id"]: event["data"]["status"]
        for event in events
        if event["info"]["name"] == "LogTestResult"
        and event["data"]["node_info"]["unique_id"].startswith("unit_test.")
    }
    wrong = sorted(name for name, status in verdicts.items() if status != "pass")
    assert wrong == [], [event["info"]["msg"] for event in events if event["info"]["level"] == "error"][:10]
    assert len(verdicts) > 90, done.stdout[-2000:]
    assert done.returncode == 0

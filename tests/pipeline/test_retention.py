"""What Dagster keeps of its own history: the latest runs, and every delivery's day for good."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from pipelines.retention import forget_old_runs


@dg.op
def nothing() -> None:
    """Leaves events and no more."""


@dg.job(executor_def=dg.in_process_executor)
def small() -> None:
    """A run to be forgotten."""
    nothing()


def test_old_runs_go_with_their_events_and_deliveries_stay(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    partition = dg.MultiPartitionKey({"unit": "500116", "day": "2026-01-07"})
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("delivery", partition=partition))
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        made = [small.execute_in_process(instance=instance, run_config=quiet).run_id for _ in range(4)]
        assert forget_old_runs(instance, tmp_path, kept=2) == 2
        assert [run.run_id for run in instance.get_runs()] == [made[3], made[2]]
        files = {path.stem for path in (tmp_path / "history" / "runs").glob("*.db")}
        assert not files & set(made[:2]) and files >= set(made[2:])
        assert instance.get_materialized_partitions(dg.AssetKey("delivery")) == {partition}
        assert forget_old_runs(instance, tmp_path, kept=2) == 0

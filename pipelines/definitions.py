"""The only wiring: stages, jobs, schedule and sensor as Dagster sees them.

Not here: what a stage does. Nothing happens at import; Dagster calls `defs` when it wants the definitions.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from pipelines.settings import TIME_ZONE, Settings

MAIN_JOB = "main"
DELIVERY_JOB = "reread_delivery"


def build_definitions(**overrides: Any) -> dg.Definitions:
    """Put the pipeline together.

    Args:
        **overrides: `settings` (Settings), `resources` (name → resource, over the stock ones).

    Raises:
        TypeError: an unknown override.
        pipelines.warehouse.dbt.DbtError: the dbt project cannot be parsed.
    """
    settings: Settings = overrides.pop("settings", None) or Settings.load()
    resources: Mapping[str, Any] = overrides.pop("resources", None) or {}
    if overrides:
        raise TypeError(f"unknown override {next(iter(overrides))!r}; known are settings and resources")

    from pipelines.ingest import assets as ingest_assets
    from pipelines.publish import assets as publish_assets
    from pipelines.quality import assets as quality_assets
    from pipelines.resources import WorkspaceResource
    from pipelines.warehouse import assets as warehouse_assets
    from pipelines.warehouse.dbt import ensure_manifest

    manifest = ensure_manifest(settings)
    lake = ingest_assets.build_assets()
    warehouse = warehouse_assets.build_assets(manifest)
    built = [key for definition in warehouse for key in definition.keys]
    expectations = quality_assets.build_assets(built)
    published = publish_assets.build_assets(manifest, [key for key in built if key.path[0] == "marts"])

    whole = dg.AssetSelection.all() - dg.AssetSelection.assets(ingest_assets.DELIVERY)
    main = dg.define_asset_job(
        MAIN_JOB,
        selection=whole | dg.AssetSelection.all_asset_checks(),
        description="一次完整运行：入湖、建仓、检查、发布。",
        executor_def=dg.in_process_executor,
        tags={"yudang/job": MAIN_JOB},
    )
    delivery = dg.define_asset_job(
        DELIVERY_JOB,
        selection=dg.AssetSelection.assets(ingest_assets.DELIVERY),
        description="重新读取一个报送单位一天的报送；随后由收件箱感知触发完整运行。",
        executor_def=dg.in_process_executor,
    )
    return dg.Definitions(
        assets=[*lake, *warehouse, *published],
        asset_checks=[one for one in expectations if isinstance(one, dg.AssetChecksDefinition)],
        jobs=[main, delivery],
        schedules=[
            dg.ScheduleDefinition(
                name="daily",
                job=main,
                cron_schedule="30 1 * * *",
                execution_timezone=TIME_ZONE,
                description="每日 01:30 完整运行一次。",
            )
        ],
        sensors=[_inbox_sensor(main, settings)],
        resources={"workspace": WorkspaceResource(), **resources},
    )


def _inbox_sensor(job: Any, settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name="inbox",
        job=job,
        minimum_interval_seconds=60,
        description="收件箱或报送登记有变化时触发完整运行。",
    )
    def inbox(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        from pipelines.publish.fingerprint import inbox_digest, register_digest
        from pipelines.publish.marts import recorded

        present = {"inbox": inbox_digest(settings), "register": register_digest(settings)}
        seen = " ".join(present.values())
        published = (recorded(settings) or {}).get("fingerprint", {})
        if all(published.get(name) == digest for name, digest in present.items()):
            return dg.SensorResult(skip_reason="收件箱没有变化。", cursor=seen)
        if seen == context.cursor:
            return dg.SensorResult(skip_reason="这些报送已经处理过，结果未能发布；原因见上次运行。")
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=seen)], cursor=seen)

    return inbox


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster` loads."""
    return build_definitions()

"""Dagster assets of the warehouse: the control tables and every dbt node, with dbt's tests as asset checks.

Not here: the models (dbt_project/) and how dbt is called (dbt.py).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from pipelines import duck
from pipelines.ingest.assets import COMPACTION, REGISTER
from pipelines.publish.fingerprint import register_digest, remember
from pipelines.resources import WorkspaceResource
from pipelines.warehouse import control
from pipelines.warehouse.dbt import Build
from pipelines.warehouse.failure import describe, value_free
from pipelines.workspace import BlockingCheckError, Workspace, start_build

CONTROL_TABLES = {
    "run_context": "本次运行的评价日期、认知截止时刻与规则集版本，一行。",
    "parameter_override": "本次运行的参数覆盖。",
    "delivery_file": "报送登记，并标明是否可见、是否撤回、是否有效。",
}

LAYERS = ("reference", "staging", "identity", "archive", "service", "rules", "indicators", "marts")


def control_key(table: str) -> dg.AssetKey:
    """Key of a control table; dbt's source of the same name maps to it."""
    return dg.AssetKey(["control", table])


def layer_of(properties: Mapping[str, Any]) -> str:
    """Layer of a dbt node: the model's folder, `reference` for seeds, the source's name for sources."""
    if properties["resource_type"] == "source":
        return str(properties["source_name"])
    if properties["resource_type"] == "seed":
        return "reference"
    return str(properties["fqn"][1])


class LayerTranslator(DagsterDbtTranslator):
    """dbt node → asset: key [layer, name], group = layer."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        """Replace key and group of the stock translation and leave everything else."""
        properties = self.get_resource_props(manifest, unique_id)
        spec = super().get_asset_spec(manifest, unique_id, project)
        layer = layer_of(properties)
        return spec.replace_attributes(
            key=dg.AssetKey([layer, properties["name"]]),
            group_name=layer,
            kinds={"dbt", "duckdb"},
            description=properties.get("description") or "",
        )


def build_assets(manifest: Path) -> Sequence[dg.AssetsDefinition]:
    """Control tables, then every dbt node of the parsed project."""

    @dg.multi_asset(
        specs=[
            dg.AssetSpec(
                key=control_key(table),
                deps=[REGISTER, COMPACTION],
                group_name="control",
                description=description,
                kinds={"duckdb"},
            )
            for table, description in CONTROL_TABLES.items()
        ],
        name="control",
        pool="warehouse_writer",
    )
    def control_tables(workspace: WorkspaceResource) -> Iterator[dg.MaterializeResult]:
        ground = workspace.get()
        start_build(ground)
        remember(ground.settings, register=register_digest(ground.settings))
        with value_free(BlockingCheckError):
            found = control.write(ground)
        ground.say(
            f"评价日期 {found.as_of_date}，认知截止 {found.known_at:%Y-%m-%d %H:%M:%S}",
            f"as of {found.as_of_date}, known at {found.known_at:%Y-%m-%d %H:%M:%S}",
        )
        metadata = {
            "as_of_date": found.as_of_date.isoformat(),
            "known_at": found.known_at.isoformat(" "),
            "ruleset_version": found.ruleset_version,
        }
        for table in CONTROL_TABLES:
            yield dg.MaterializeResult(asset_key=control_key(table), metadata=metadata)

    translator = LayerTranslator()
    parsed = json.loads(manifest.read_text(encoding="utf-8"))

    @dbt_assets(
        manifest=parsed,
        dagster_dbt_translator=translator,
        name="dbt_build",
        pool="warehouse_writer",
    )
    def dbt_build(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> Iterator[Any]:
        ground = workspace.get()
        build = Build(ground)
        # the counts need the finished file, and an output takes its metadata when it is yielded
        events = list(_with_progress(ground, parsed, build))
        counts = row_counts(ground) if build.returncode == 0 else {}
        wanted = set(context.op_execution_context.selected_output_names)
        for event in events:
            message = DbtCoreCliEventMessage(raw_event=dict(event), event_history_metadata={})
            for found in message.to_default_asset_events(
                manifest=parsed, dagster_dbt_translator=translator, context=context
            ):
                if isinstance(found, dg.Output):
                    # a part chosen in the UI is built with everything else, but only the part is reported
                    if found.output_name not in wanted:
                        continue
                    properties = parsed["nodes"][event["data"]["node_info"]["unique_id"]]
                    count = counts.get((properties["schema"], properties["name"]))
                    if count is not None:
                        found = found.with_metadata({**found.metadata, "dagster/row_count": count})
                yield found
        build.require_success()

    return [control_tables, dbt_build]


def _with_progress(ground: Workspace, parsed: Mapping[str, Any], build: Build) -> Iterator[Mapping[str, Any]]:
    total: dict[str, int] = {}
    for properties in parsed["nodes"].values():
        if properties["resource_type"] in ("model", "seed"):
            layer = layer_of(properties)
            total[layer] = total.get(layer, 0) + 1
    done: dict[str, int] = {}
    for event in build.events():
        properties = parsed["nodes"].get(event["data"]["node_info"]["unique_id"])
        if properties and properties["resource_type"] in ("model", "seed"):
            layer = layer_of(properties)
            done[layer] = done.get(layer, 0) + 1
            if done[layer] == total[layer]:
                ground.say(
                    f"数仓 {layer}：{total[layer]} 张表完成", f"warehouse {layer}: {total[layer]} tables"
                )
        yield event


def row_counts(ground: Workspace) -> dict[tuple[str, str], int]:
    """(schema, table) → rows, from the catalogue of the finished files; no table is read."""
    counts: dict[tuple[str, str], int] = {}
    for path in (ground.warehouse_build, ground.marts_build):
        try:
            connection = duck.read_only(path, ground.settings)
        except Exception as error:  # the counts are a courtesy: the build itself has already ended well
            ground.warn(f"行数不可得：{describe(error)}", f"row counts not available: {describe(error)}")
            continue
        try:
            for schema, table, count in connection.execute(
                "select schema_name, table_name, estimated_size from duckdb_tables() where not temporary"
            ).fetchall():
                counts[(schema, table)] = int(count)
        finally:
            connection.close()
    return counts

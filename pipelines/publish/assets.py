"""Dagster assets of the publication: blocking checks, the swap, files of units, receipts, report pages.

Not here: each of these things; they lie beside this file, in pipelines.ingest and in pipelines.quality.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines import audit, duck
from pipelines.publish import checks, figures, fingerprint, marts, units
from pipelines.publish.receipts import complete_receipts
from pipelines.quality import results
from pipelines.quality.assets import results_file, warning_count
from pipelines.resources import WorkspaceResource
from pipelines.warehouse.failure import value_free
from pipelines.words import both, spoken
from pipelines.workspace import BlockingCheckError, Workspace

MARTS = dg.AssetKey(["publish", "marts"])
UNITS = dg.AssetKey(["publish", "units"])
RECEIPTS = dg.AssetKey(["publish", "receipts"])
REPORTS = dg.AssetKey(["publish", "reports"])

CHECKS = {
    "conservation": "行数守恒：清单行数与接收行数都有着落。",
    "identifier_scan": "身份标识扫描：集市表中没有任何可识别个人的值。",
    "shrinkage": "规模检查：与上次发布相比没有空表，也没有减少 30% 以上。",
}


def build_assets(manifest: Path, mart_keys: Sequence[dg.AssetKey]) -> Sequence[dg.AssetsDefinition]:
    """Everything after the build."""

    @dg.multi_asset(
        specs=[
            dg.AssetSpec(
                key=MARTS,
                deps=list(mart_keys),
                group_name="publish",
                description="已发布的全市数据集市，整体替换。",
                kinds={"duckdb"},
            ),
            dg.AssetSpec(
                key=UNITS,
                deps=list(mart_keys),
                group_name="publish",
                description="各报送单位的数据集市，只含本单位居民。",
                kinds={"duckdb"},
            ),
        ],
        check_specs=[
            dg.AssetCheckSpec(name=name, asset=MARTS, description=text, blocking=True)
            for name, text in CHECKS.items()
        ],
        name="publish",
        pool="warehouse_writer",
    )
    def publish(
        context: dg.AssetExecutionContext, workspace: WorkspaceResource
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        ground = workspace.get()
        with value_free(BlockingCheckError):
            outcome = checks.run_all(
                ground.settings, ground.warehouse_build, ground.marts_build, ground.options.accept_shrink
            )
        for one in outcome:
            yield dg.AssetCheckResult(
                asset_key=MARTS,
                check_name=one.name,
                passed=one.is_passed,
                severity=dg.AssetCheckSeverity.ERROR,
                metadata={"summary": one.summary, "examined_count": one.examined},
            )
        failed = [one for one in outcome if not one.is_passed]
        if failed:
            raise BlockingCheckError(
                both(
                    "；".join(f"{one.name}：{spoken(one.summary, 'zh')}" for one in failed),
                    "; ".join(f"{one.name}: {spoken(one.summary, 'en')}" for one in failed),
                )
            )
        with value_free(BlockingCheckError, audit.LedgerBrokenError):
            facts = publish_build(ground, manifest, context.run_id)
        yield dg.MaterializeResult(asset_key=MARTS, metadata=_metadata(facts))
        yield dg.MaterializeResult(
            asset_key=UNITS,
            metadata={"file_count": len(facts["unit_person_counts"])},
        )

    @dg.asset(
        key=RECEIPTS,
        deps=[MARTS],
        group_name="publish",
        description="报送回执补全：接收行数等于现行、被取代、重复、撤回之和。",
        kinds={"json"},
    )
    def receipts(workspace: WorkspaceResource) -> dg.MaterializeResult:
        ground = workspace.get()
        with value_free(BlockingCheckError):
            count = complete_receipts(ground.settings)
        ground.say(f"回执：{count} 份去向已更新", f"receipts: the second equation of {count} is up to date")
        return dg.MaterializeResult(metadata={"receipt_count": count})

    @dg.asset(
        key=REPORTS,
        deps=[MARTS],
        group_name="publish",
        description="质量报告、数据字典与首页，可直接从磁盘打开。",
        kinds={"html"},
    )
    def reports(workspace: WorkspaceResource) -> dg.MaterializeResult:
        from pipelines.publish.dictionary import write_dictionary
        from pipelines.quality import pages

        ground = workspace.get()
        with value_free(BlockingCheckError):
            found = results.from_json(results_file(ground).read_text(encoding="utf-8"))
            pages.write(ground.settings, found, ground.settings.marts_file)
            write_dictionary(ground.settings)
        ground.say(f"报告：{ground.settings.reports}", f"reports: {ground.settings.reports}")
        return dg.MaterializeResult(metadata={"suite_count": len(found)})

    return [publish, receipts, reports]


def publish_build(ground: Workspace, manifest: Path, run_id: str) -> dict[str, Any]:
    """Swap everything in, say what stands published, and enter it into the ledger."""
    settings = ground.settings
    warehouse, build = ground.warehouse_build, ground.marts_build
    content = marts.finish(settings, build)
    persons = units.build(settings, warehouse, build, manifest, ground.units_build)
    found = figures.collect(settings, warehouse, build)
    expectations = results.from_json(results_file(ground).read_text(encoding="utf-8"))
    facts = {
        **found,
        "run_id": run_id,
        "inbox": str(settings.inbox),
        "warning_count": warning_count(expectations)
        + found["refused_delivery_count"]
        + found["refused_file_count"],
        "tables": {
            table: {"row_count": one.row_count, "digest": one.digest} for table, one in content.items()
        },
        "unit_person_counts": persons,
        "fingerprint": fingerprint.of_build(settings, ground.options),
    }
    if ground.options.parquet:
        marts.write_parquet(settings, build)
    warehouse.chmod(0o600)
    duck.swap_in(warehouse, settings.warehouse_file)
    settings.marts.mkdir(parents=True, exist_ok=True)
    duck.swap_in(build, settings.marts_file)
    units.swap_in(settings, ground.units_build)
    marts.record(settings, facts)
    audit.publications(settings).append(
        {
            "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "run_id": run_id,
            "as_of_date": facts["as_of_date"],
            "known_at": facts["known_at"],
            "ruleset_version": facts["ruleset_version"],
            "tables": facts["tables"],
        }
    )
    ground.say(
        f"数据集市已发布：{len(content)} 张表，{len(persons)} 个单位文件",
        f"marts published: {len(content)} tables, {len(persons)} unit files",
    )
    return facts


def _metadata(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "as_of_date": facts["as_of_date"],
        "known_at": facts["known_at"],
        "ruleset_version": facts["ruleset_version"],
        "table_count": len(facts["tables"]),
        "dagster/row_count": sum(one["row_count"] for one in facts["tables"].values()),
        "status_counts": json.loads(json.dumps(facts["status_counts"])),
    }

"""Dagster assets of the deliveries and the lake: what came by unit and day, what was accepted, what was not.

Not here: reading, judging and storing of deliveries (pipelines.ingest.*).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

import dagster as dg

from pipelines.audit import LedgerBrokenError
from pipelines.contract import model
from pipelines.ingest import lake
from pipelines.ingest.compact import compact
from pipelines.ingest.month import ContentChangedError
from pipelines.ingest.pending import IngestSummary, ingest_pending
from pipelines.publish.fingerprint import inbox_digest, remember
from pipelines.resources import WorkspaceResource
from pipelines.retention import forget_old_runs
from pipelines.warehouse.failure import value_free
from pipelines.workspace import BlockingCheckError, Workspace

DELIVERY = dg.AssetKey("delivery")
REGISTER = dg.AssetKey(["lake", "delivery_file"])
QUARANTINE = dg.AssetKey(["quarantine", "row"])
COMPACTION = dg.AssetKey(["lake", "compaction"])
DAYS = "delivery_day"
MOST_EVENTS = 1000
"""Unit days told to Dagster by one run: three weeks of all units."""


def partitions() -> dg.MultiPartitionsDefinition:
    """One partition per reporting unit and day; days appear as deliveries come."""
    return dg.MultiPartitionsDefinition(
        {
            "unit": dg.StaticPartitionsDefinition(sorted(model.reference_units())),
            "day": dg.DynamicPartitionsDefinition(name=DAYS),
        }
    )


def lake_key(dataset: str) -> dg.AssetKey:
    """Key of the lake's table of a dataset; dbt's source of the same name maps to it."""
    return dg.AssetKey(["lake", dataset])


def materializations(summary: IngestSummary) -> list[dg.AssetMaterialization]:
    """One event per unit and day that a run took in, with counts only."""
    counts: dict[tuple[str, date], Counter[str]] = defaultdict(Counter)
    for delivery in summary.deliveries:
        if delivery.day is None or delivery.unit not in model.reference_units():
            continue
        counts[(delivery.unit, delivery.day)].update(
            {
                "delivery_count": 1,
                "refused_delivery_count": int(delivery.status == "refused"),
                "accepted_row_count": delivery.accepted_rows,
                "quarantined_row_count": delivery.quarantined_rows,
                "refused_row_count": delivery.refused_rows,
            }
        )
    return [
        dg.AssetMaterialization(
            asset_key=DELIVERY,
            partition=dg.MultiPartitionKey({"unit": unit, "day": day.isoformat()}),
            metadata={**counted, "dagster/row_count": counted["accepted_row_count"]},
        )
        for (unit, day), counted in sorted(counts.items())
    ]


def _announce(context: dg.AssetExecutionContext, ground: Workspace, summary: IngestSummary) -> None:
    """Tell Dagster which unit delivered on which day.

    The events belong to no run, so that they outlive it. An event costs 10 ms and 5 KB: of a backlog only the
    latest days are told one by one; `mart_delivery` has them all.
    """
    events = materializations(summary)
    days = sorted({str(event.partition).split("|")[0] for event in events})
    if days:
        context.instance.add_dynamic_partitions(DAYS, days)
    if len(events) > MOST_EVENTS:
        ground.say(
            f"积压 {len(events)} 个单位日，Dagster 只登记最近 {MOST_EVENTS} 个，全部见 mart_delivery",
            f"Dagster is told the latest {MOST_EVENTS} of {len(events)} unit days; mart_delivery has all",
        )
    latest = sorted(events, key=lambda event: str(event.partition).split("|"))[-MOST_EVENTS:]
    for event in latest:
        context.instance.report_runless_asset_event(event)


def _take_in(workspace: Workspace, unit: str | None, day: date | None, force: bool) -> IngestSummary:
    with value_free(BlockingCheckError):
        return ingest_pending(
            workspace.settings,
            unit=unit,
            day=day,
            force=force,
            is_thorough=workspace.options.rebuild,
            progress=lambda done, total: _report(workspace, done, total),
        )


def _report(workspace: Workspace, done: int, total: int) -> None:
    step = max(1, total // 10)
    if done == total or done % step == 0:
        workspace.say(f"入湖 {done}/{total} 个报送", f"ingested {done} of {total} deliveries")


def _report_months(workspace: Workspace, done: int, total: int) -> None:
    workspace.say(f"归并往月数据 {done}/{total} 组", f"compacted {done} of {total} months of datasets")


def build_assets() -> Sequence[dg.AssetsDefinition]:
    """The partitioned delivery asset, the lake that a whole run brings up to date, and its compaction."""

    @dg.asset(
        key=DELIVERY,
        partitions_def=partitions(),
        group_name="delivery",
        description="一个报送单位一天的报送；重跑即重新读取该单位该日的全部报送。",
        kinds={"polars"},
        pool="warehouse_writer",
    )
    def delivery(context: dg.AssetExecutionContext, workspace: WorkspaceResource) -> dg.MaterializeResult:
        keys = context.multi_partition_key.keys_by_dimension
        summary = _take_in(
            workspace.get(), unit=keys["unit"], day=date.fromisoformat(keys["day"]), force=True
        )
        counted: Counter[str] = Counter(delivery_count=len(summary.deliveries))
        for one in summary.deliveries:
            counted["accepted_row_count"] += one.accepted_rows
            counted["quarantined_row_count"] += one.quarantined_rows
            counted["refused_row_count"] += one.refused_rows
        return dg.MaterializeResult(metadata=dict(counted))

    specs = [
        dg.AssetSpec(
            key=lake_key(dataset.name),
            deps=[DELIVERY],
            group_name="lake",
            description=f"{dataset.title}：已接收的行。",
            kinds={"parquet"},
        )
        for dataset in model.datasets().values()
    ]
    specs.append(
        dg.AssetSpec(
            key=REGISTER,
            deps=[DELIVERY],
            group_name="lake",
            description="报送登记：每个报送的每个文件一行，是报送已入湖的凭据。",
            kinds={"parquet"},
        )
    )
    specs.append(
        dg.AssetSpec(
            key=QUARANTINE,
            deps=[DELIVERY],
            group_name="lake",
            description="隔离区：未被接收的行及其原因。",
            kinds={"parquet"},
        )
    )

    @dg.multi_asset(specs=specs, name="ingest", pool="warehouse_writer")
    def ingest(
        context: dg.AssetExecutionContext, workspace: WorkspaceResource
    ) -> Iterator[dg.MaterializeResult]:
        ground = workspace.get()
        options = ground.options
        forget_old_runs(context.instance, ground.settings.dagster_home)
        lake.ensure_anchors(ground.settings)
        is_whole = options.unit is None and options.day is None
        # taken before the inbox is read: what arrives meanwhile belongs to the next run
        seen = inbox_digest(ground.settings) if is_whole else ""
        summary = _take_in(ground, options.unit, options.day, force=options.rebuild and not is_whole)
        remember(ground.settings, inbox=seen)
        if summary.strays:
            count = len(summary.strays)
            ground.warn(
                f"收件箱中有 {count} 个路径不是报送，未动", f"{count} paths in the inbox are no deliveries"
            )
        _announce(context, ground, summary)
        counts = Counter(summary.accepted_by_dataset)
        for spec in specs:
            if spec.key == REGISTER:
                metadata = {"delivery_count": len(summary.deliveries)}
            elif spec.key == QUARANTINE:
                metadata = {"new_row_count": sum(one.quarantined_rows for one in summary.deliveries)}
            else:
                metadata = {"new_row_count": counts[spec.key.path[-1]]}
            yield dg.MaterializeResult(asset_key=spec.key, metadata=metadata)

    @dg.asset(
        key=COMPACTION,
        deps=[spec.key for spec in specs],
        group_name="lake",
        description="往月归并：每个数据集、单位、月份一个文件，行与散列不变，记入账本。",
        kinds={"parquet", "duckdb"},
        pool="warehouse_writer",
    )
    def compaction(workspace: WorkspaceResource) -> dg.MaterializeResult:
        ground = workspace.get()
        with value_free(ContentChangedError, LedgerBrokenError):
            summary = compact(
                ground.settings, progress=lambda done, total: _report_months(ground, done, total)
            )
        return dg.MaterializeResult(metadata=vars(summary))

    return [delivery, ingest, compaction]

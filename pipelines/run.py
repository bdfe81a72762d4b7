"""One run from the command line: nothing to do, or the Dagster job `main` in this process.

Not here: the stages, and how an outcome is shown (cli.py).
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import audit, keys
from pipelines.publish import fingerprint, marts
from pipelines.settings import Settings
from pipelines.warehouse.control import check_parameters
from pipelines.warehouse.dbt import DbtError
from pipelines.words import both
from pipelines.workspace import RunOptions, Workspace, clear_leftovers, writer_lock

if TYPE_CHECKING:
    from dagster import AssetKey, DagsterInstance, ExecuteInProcessResult

EXIT_PUBLISHED, EXIT_USAGE, EXIT_REFUSED = 0, 2, 3


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        code: exit code of the command.
        facts: what stands published now, counts only; empty when nothing does.
        is_unchanged: nothing had changed and nothing was done.
        reasons: why nothing was published, in both languages (pipelines.words); value-free.
    """

    code: int
    facts: dict[str, Any] = field(default_factory=dict)
    is_unchanged: bool = False
    reasons: tuple[str, ...] = ()


def run(settings: Settings, options: RunOptions) -> Outcome:
    """Do everything: ingest what is pending, build, check, publish.

    Raises:
        SettingsError: an override of a parameter that cannot be used.
        WriterBusyError: another process writes in this home.
        KeyMaterialError: SM3 or the site key cannot be used.
    """
    keys.self_test()
    check_parameters(settings, options.parameters)
    with writer_lock(settings):
        published = marts.recorded(settings)
        if not options.rebuild and published and _is_unchanged(settings, options, published):
            return Outcome(EXIT_PUBLISHED, published, is_unchanged=True)
        clear_leftovers(settings)
        if keys.make_site_key(settings):
            Workspace(settings, options).say("已生成本站点的假名密钥", "made the site key of the pseudonyms")
        keys.check_site_key(settings.site_key_file)
        return execute(Workspace(settings, options))


def _is_unchanged(settings: Settings, options: RunOptions, published: dict[str, Any]) -> bool:
    if options.parquet and not (settings.marts / "parquet").is_dir():
        return False
    return published.get("fingerprint") == asdict(fingerprint.present(settings, options))


def dagster_home(settings: Settings) -> Path:
    """Prepare home/dagster: the instance's settings are copied once, then they are the operator's."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    target = settings.dagster_home / "dagster.yaml"
    if not target.exists():
        shutil.copyfile(settings.checkout / "dagster.yaml", target)
    return settings.dagster_home


def execute(
    ground: Workspace,
    resources: Mapping[str, Any] | None = None,
    assets: Sequence[AssetKey] | None = None,
) -> Outcome:
    """Execute the job in this process and enter it into the ledger; call only under the writer's lock.

    Args:
        ground: settings and options.
        resources: Dagster resources over the stock ones.
        assets: only these assets of the job; default all.
    """
    settings = ground.settings
    home = dagster_home(settings)
    os.environ["DAGSTER_HOME"] = str(home)
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "yes")

    from dagster import DagsterInstance

    from pipelines.definitions import MAIN_JOB, build_definitions
    from pipelines.resources import WorkspaceResource

    # what Dagster says of its steps stands in its event log; on the terminal it would bury the progress
    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    started = datetime.now(UTC)
    with DagsterInstance.from_config(str(home)) as instance:
        _close_abandoned_runs(instance)
        try:
            job = build_definitions(settings=settings, resources=resources).resolve_job_def(MAIN_JOB)
        except DbtError as error:
            return Outcome(EXIT_REFUSED, marts.recorded(settings) or {}, reasons=(str(error),))
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={
                "resources": {"workspace": {"config": WorkspaceResource.configured_for(ground)}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            tags={"yudang/started_by": "command line"},
            asset_selection=assets,
        )
    reasons = () if result.success else _reasons(result)
    audit.runs(settings).append(
        {
            "started_at": started.isoformat(timespec="seconds"),
            "ended_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "run_id": result.run_id,
            "is_published": result.success,
            "options": {
                "unit": ground.options.unit,
                "day": ground.options.day.isoformat() if ground.options.day else None,
                "asked": fingerprint.options_key(ground.options),
                "accept_shrink": ground.options.accept_shrink,
            },
            "reasons": list(reasons),
        }
    )
    if result.success:
        return Outcome(EXIT_PUBLISHED, marts.recorded(settings) or {})
    return Outcome(EXIT_REFUSED, marts.recorded(settings) or {}, reasons=reasons)


def _reasons(result: ExecuteInProcessResult) -> tuple[str, ...]:
    """First lines of what the failed steps said; their messages are free of values."""
    found = []
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            if error is not None:
                found.append(error.message.strip().partition(": ")[2] or error.message.strip())
    return tuple(found) or (
        both(
            "运行没有说明原因就结束了，请在 Dagster（yudang serve）中查看该次运行。",
            "the run ended without saying why; look at it in Dagster (yudang serve)",
        ),
    )


def _close_abandoned_runs(instance: DagsterInstance) -> None:
    """Mark runs whose process was killed as failed: under the writer's lock nobody else can be running."""
    from dagster import DagsterRunStatus, RunsFilter

    for run_record in instance.get_runs(
        RunsFilter(
            statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.STARTING],
            tags={"yudang/started_by": "command line"},
        )
    ):
        instance.report_run_failed(run_record, "the process ended before the run did")

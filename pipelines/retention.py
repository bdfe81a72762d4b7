"""How much of its own history Dagster keeps: the latest runs whole, of every delivery that it came.

Not here: the ticks of schedules and sensors, which dagster.yaml bounds; the ledgers under home/audit, which
are kept for ever.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import DagsterInstance

KEPT_RUNS = 100
"""A run of the whole pipeline leaves about 10 MB of events: so many are 1 GB."""


def forget_old_runs(instance: DagsterInstance, dagster_home: Path, kept: int = KEPT_RUNS) -> int:
    """Delete the runs that ended before the latest `kept`, with their events; return how many.

    Dagster itself keeps runs for ever. Events that belong to no run stay, among them those of deliveries.
    """
    forgotten = 0
    while True:
        runs = instance.get_run_records(limit=kept + 100)[kept:]
        ended = [one.dagster_run.run_id for one in runs if one.dagster_run.is_finished]
        for run_id in ended:
            instance.delete_run(run_id)
            # with SQLite each run has a file of its own, which deleting empties but leaves
            (dagster_home / "history" / "runs" / f"{run_id}.db").unlink(missing_ok=True)
        forgotten += len(ended)
        if not ended:
            return forgotten

"""`make bench`: ingest and check against a plain copy by the engines, in medians over interleaved repetitions.

Not here: the pieces of work (`stages.py`) and their input (`inputs.py`). Processor time is what is compared:
it tells of the work even on a machine that others use; the clock stands beside it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmark.inputs import FORMS, write_input
from tests.benchmark.stages import STAGES

DATASETS = ("archive", "htn_followup")
_BASE = "duckdb copy"
_UNREAD = ("gb18030", ("duckdb copy", "polars copy"))


def measure(stage: str, path: Path) -> dict[str, float]:
    """Cost of a stage in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmark.stages", stage, str(path)]
    finished = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(finished.stdout)


def compare(
    folder: Path, dataset: str, rows: int, repeat: int, base: dict[str, float] | None, form: str
) -> dict[str, float] | None:
    """Print the costs of one file; return the base's medians, which stand in where no engine reads a form."""
    path = write_input(folder, dataset, rows, form)
    stages = [stage for stage in STAGES if not (form == _UNREAD[0] and stage in _UNREAD[1])]
    found: dict[str, list[dict[str, float]]] = {stage: [] for stage in stages}
    for _ in range(repeat):
        for stage in stages:
            found[stage].append(measure(stage, path))
    medians = {
        stage: {key: statistics.median(cost[key] for cost in costs) for key in costs[0]}
        for stage, costs in found.items()
    }
    base = medians.get(_BASE, base)
    megabytes = path.stat().st_size / 1e6
    print(f"\n{dataset} {form}: {rows:,} rows, {megabytes:,.0f} MB, median of {repeat}")
    print(
        f"  {'':12} {'processor s':>12} {'ratio':>6} {'clock s':>8} {'ratio':>6} {'peak MiB':>9} {'rows/s':>10}"
    )
    for stage, cost in medians.items():
        ratios = [cost[key] / base[key] if base else float("nan") for key in ("processor", "clock")]
        print(
            f"  {stage:12} {cost['processor']:12.2f} {ratios[0]:6.2f} {cost['clock']:8.2f} {ratios[1]:6.2f}"
            f" {cost['memory']:9.0f} {rows / cost['clock']:10,.0f}"
        )
    path.unlink()
    return base


def main() -> None:
    """Options: rows, repetitions, datasets, forms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--dataset", choices=DATASETS, action="append")
    parser.add_argument("--form", choices=FORMS, action="append")
    options = parser.parse_args()
    print(
        f"ratios: against {_BASE}; of gb18030, which it does not read, against its copy of the same rows in UTF-8"
    )
    with tempfile.TemporaryDirectory(prefix="yudang-bench-") as folder:
        for dataset in options.dataset or DATASETS:
            base = None
            for form in options.form or FORMS:
                base = compare(Path(folder), dataset, options.rows, options.repeat, base, form)


if __name__ == "__main__":
    main()

"""How fast a synthetic city comes and how much memory it takes: seconds, rows per second, peak memory.

`python -m tests.benchmark.city [residents ...]`; default 100,000 and 1,000,000, Parquet, two years.

Not here: ingest and check (`ratios.py`).
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path
from typing import Any

SIZES = (100_000, 1_000_000)
UNITS = 5
_PERIOD_SECONDS = 0.2


class _Peak(threading.Thread):
    """Largest sum of resident memory of this process and its children, in MiB, seen five times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.mebibytes = 0.0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.wait(_PERIOD_SECONDS):
            pids = [os.getpid(), *(child.pid for child in multiprocessing.active_children())]
            self.mebibytes = max(self.mebibytes, sum(_resident(pid) for pid in pids if pid))


def _resident(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("VmRSS")), 0.0)


def measure(residents: int, units: int, folder: Path) -> dict[str, Any]:
    """Cost of one city: seconds by the clock and of the processors, rows, rows per second, MiB, bytes."""
    from pipelines.synth.city import generate

    peak = _Peak()
    peak.start()
    clock = time.perf_counter()
    summary = generate(
        folder,
        residents=residents,
        units=units,
        first=date(2025, 1, 1),
        last=date(2026, 12, 31),
        seed=55,
        defects=0.01,
        file_format="parquet",
    )
    seconds = time.perf_counter() - clock
    peak.over.set()
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "residents": residents,
        "units": units,
        "rows": summary.rows,
        "files": summary.files,
        "seconds": round(seconds, 1),
        "processor_seconds": round(sum(one.ru_utime + one.ru_stime for one in used), 1),
        "rows_per_second": round(summary.rows / seconds),
        "peak_mebibytes": round(peak.mebibytes),
        "gigabytes": round(sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e9, 2),
    }


def main() -> None:
    """Measure every size in a process of its own and print a line of JSON for each."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["--one"]:
        with tempfile.TemporaryDirectory(dir=os.environ.get("YUDANG_BENCH_DIR")) as folder:
            print(json.dumps(measure(int(arguments[1]), int(arguments[2]), Path(folder) / "city")))
        return
    units = int(os.environ.get("YUDANG_BENCH_UNITS", UNITS))
    for size in [int(text) for text in arguments] or SIZES:
        command = [sys.executable, "-m", "tests.benchmark.city", "--one", str(size), str(units)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()

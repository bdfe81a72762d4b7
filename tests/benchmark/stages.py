"""One measured piece of work per process: a plain copy by an engine, ingest, check; prints its cost as JSON.

Not here: repetition and comparison (`ratios.py`).
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

THREADS = 2


@contextlib.contextmanager
def _cost() -> Iterator[dict[str, float]]:
    """Seconds of processor and clock of the block, and the process's peak of resident memory in MiB."""
    found: dict[str, float] = {}
    clock, processor = time.perf_counter(), time.process_time()
    yield found
    found["processor"] = time.process_time() - processor
    found["clock"] = time.perf_counter() - clock
    found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _copy_duckdb(path: Path, folder: Path) -> dict[str, float]:
    import duckdb

    read = "read_parquet" if path.suffix == ".parquet" else "read_csv"
    options = "" if path.suffix == ".parquet" else ", all_varchar = true, header = true"
    with duckdb.connect(config={"threads": THREADS}) as connection, _cost() as cost:
        connection.execute(
            f"copy (from {read}('{path}'{options})) to '{folder / 'copy.parquet'}' (format parquet)"
        )
    return cost


def _copy_polars(path: Path, folder: Path) -> dict[str, float]:
    import polars as pl

    with _cost() as cost:
        source = pl.scan_parquet(path) if path.suffix == ".parquet" else pl.scan_csv(path, infer_schema=False)
        source.sink_parquet(folder / "copy.parquet")
    return cost


def _ingest(path: Path, folder: Path) -> dict[str, float]:
    from pipelines.ingest.pending import ingest_pending
    from pipelines.settings import Settings

    settings = Settings.load(folder / "home", threads=THREADS)
    target = settings.inbox / "500116" / "2026-01-07" / "1"
    target.mkdir(parents=True)
    (target / path.name).hardlink_to(path)
    shutil.copyfile(path.with_suffix(".manifest.json"), target / "manifest.json")
    with _cost() as cost:
        (outcome,) = ingest_pending(settings).deliveries
    if outcome.accepted_rows == 0:
        raise SystemExit(f"nothing was accepted: {outcome.files}")
    return cost


def _check(path: Path, folder: Path) -> dict[str, float]:
    from pipelines.cli import main

    with _cost() as cost, contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main(["check", str(path), "--json", str(folder / "check.json")])
    if not json.loads((folder / "check.json").read_text("utf-8"))["rows"]["accepted"]:
        raise SystemExit("nothing was accepted")
    return cost


STAGES: dict[str, Callable[[Path, Path], dict[str, float]]] = {
    "duckdb copy": _copy_duckdb,
    "polars copy": _copy_polars,
    "ingest": _ingest,
    "check": _check,
}


def main() -> None:
    """Arguments: stage, file."""
    stage, path = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        print(json.dumps(STAGES[stage](path, Path(folder))))


if __name__ == "__main__":
    main()

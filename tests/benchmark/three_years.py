"""Three years of daily deliveries from all units, each as small as deliveries get: how long what takes.

`make bench`, or `python -m tests.benchmark.three_years --home DIR [--units 41] [--days 1095]`. No expectations
live here. The inbox is written whole. The first day is taken in by the pipeline and timed; the lake, register
and receipts of the other days are copies of the first day's files under their own ids, because taking in
45,000 deliveries one by one takes most of an hour.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.contract import model
from pipelines.ingest import lake, receipt
from pipelines.ingest.compact import compact
from pipelines.ingest.pending import ingest_pending
from pipelines.settings import Settings
from tests.conftest import REPOSITORY
from tests.deliveries import DeliveryBuilder, sm3
from tests.ingest.rows import IDS

LAST_DAY = date(2026, 6, 30)
DATASETS = ("archive", "htn_followup", "dm_followup", "encounter")


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long a block took."""
    started = time.perf_counter()
    yield
    print(f"{what:<66} {time.perf_counter() - started:8.2f} s", flush=True)


def units(count: int) -> list[str]:
    """The first reporting units that are no city platform."""
    return [unit for unit in sorted(model.reference_units()) if unit != model.CITY_UNIT][:count]


def delivery(inbox: Path, unit: str, day: date, number: int) -> DeliveryBuilder:
    """One delivery of five files: an archive, three visits, two, two, and a header alone."""
    org, key = f"CQ{unit}T01", f"{day:%Y%m%d}"
    builder = DeliveryBuilder(inbox, unit=unit, sent_at=f"{day}T21:{number % 60:02d}:00+08:00")
    person = {"district_archive_id": f"A{key}", "id_type_code": "01", "id_no": IDS[number % len(IDS)]}
    service = {"district_archive_id": f"A{key}", "org_code": org, "service_date": day}
    archive = {
        **person, "name": "程春江", "sex_code": "1", "birth_date": date(1950, 1, 31), "created_date": day,
        "create_org_code": org, "manage_org_code": org,
    }  # fmt: skip
    visit = {**service, "mode_code": "1"}
    builder.add("archive", [archive])
    builder.add(
        "htn_followup", [{**visit, "record_id": f"H{key}-{one}", "sbp": 130, "dbp": 80} for one in "123"]
    )
    builder.add("dm_followup", [{**visit, "record_id": f"D{key}-{one}"} for one in "12"])
    builder.add("encounter", [{**service, "record_id": f"E{key}-{one}"} for one in "12"])
    return builder.add("contact_attempt", [])


def write_inbox(inbox: Path, chosen: list[str], days: list[date]) -> None:
    """Write every delivery as it would be sent."""
    for day in days:
        for number, unit in enumerate(chosen):
            delivery(inbox, unit, day, number).write()


def fill(settings: Settings, chosen: list[str], first: date, days: list[date]) -> None:
    """Put copies of the first day's files into lake, register and feedback for the other days."""
    for unit in chosen:
        register = lake.read_register(settings, unit)
        template = str(register["delivery_id"][0])
        parts = {
            path: pl.read_parquet(path, hive_partitioning=False)
            for path in sorted(settings.lake.glob(f"*/unit={unit}/day={first}/{template}-*.parquet"))
        }
        told = receipt.receipt_path(settings, unit, str(first), str(register["delivery_batch"][0]))
        document = json.loads(told.read_text("utf-8"))
        for day in days:
            batch = f"{day:%Y%m%d}-01"
            digest = sm3((settings.inbox / unit / str(day) / batch / "manifest.json").read_bytes())
            sent = register["received_at"][0] + (day - first)
            own = {"delivery_id": digest[:16], "received_at": sent, "delivery_batch": batch}
            for path, frame in parts.items():
                target = path.parents[1] / f"day={day}" / f"{digest[:16]}{path.name[16:]}"
                lake.write_part(frame.with_columns(**_literals(own), **_shifted(frame, first, day)), target)
            row = {**own, "delivery_day": day, "delivery_sm3": digest}
            lake.enter(settings, unit, day, digest[:16], register.with_columns(**_literals(row)))
            place = receipt.receipt_path(settings, unit, str(day), batch)
            copied = document | {"delivery_id": digest[:16], "day": str(day), "batch": batch}
            place.write_text(json.dumps(copied, ensure_ascii=False, indent=1), encoding="utf-8")
            place.with_suffix(".txt").write_text(receipt.as_text(copied), encoding="utf-8")


def _literals(values: dict[str, Any]) -> dict[str, pl.Expr]:
    kinds = {datetime: pl.Datetime("us"), date: pl.Date()}
    return {name: pl.lit(value, dtype=kinds.get(type(value))) for name, value in values.items()}


def _shifted(frame: pl.DataFrame, first: date, day: date) -> dict[str, pl.Expr]:
    """Keys and dates of another day."""
    old, new = f"{first:%Y%m%d}", f"{day:%Y%m%d}"
    keys = [name for name in ("district_archive_id", "record_id", "record_key") if name in frame.columns]
    shifted = {name: pl.col(name).str.replace(old, new, literal=True) for name in keys}
    dates = [name for name in ("service_date", "created_date") if name in frame.columns]
    return shifted | {name: pl.col(name) + (day - first) for name in dates}


def run(settings: Settings, *arguments: str) -> str:
    """`yudang run` in a process of its own; what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "run", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "YUDANG_HOME": str(settings.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return done.stderr + done.stdout


def read_sources(settings: Settings) -> int:
    """Read the delivered datasets as the warehouse does; number of rows."""
    from pipelines import duck

    connection = duck.memory(settings)
    for dataset in DATASETS:
        pattern = settings.lake / dataset / "**" / "*.parquet"
        connection.execute(
            f"create table {dataset} as select * from "
            f"read_parquet('{pattern}', union_by_name = true, hive_partitioning = false)"
        )
    rows = sum(connection.execute(f"select count(*) from {one}").fetchall()[0][0] for one in DATASETS)
    connection.close()
    return int(rows)


def main() -> None:
    """Build the three years and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, default=REPOSITORY / "var" / "three_years")
    parser.add_argument("--units", type=int, default=41)
    parser.add_argument("--days", type=int, default=3 * 365)
    asked = parser.parse_args()
    settings, chosen = Settings.load(asked.home), units(asked.units)
    days = [LAST_DAY - timedelta(days=number) for number in reversed(range(asked.days))]
    first, others = days[0], days[1:]
    if settings.inbox.exists():
        sys.exit(f"{settings.home} is not empty")

    write_inbox(settings.inbox, chosen, [first])
    with timed(f"take in {len(chosen)} deliveries of five files"):
        ingest_pending(settings)
    with timed(f"(write {len(chosen) * len(others)} deliveries into the inbox)"):
        write_inbox(settings.inbox, chosen, others)
    with timed("(copy the first day into the lake for every other day)"):
        fill(settings, chosen, first, others)
    with timed("find nothing new, reading every manifest"):
        assert ingest_pending(settings).deliveries == ()
    with timed("find nothing new, knowing the manifests"):
        assert ingest_pending(settings).deliveries == ()
    with timed(f"read {len(DATASETS)} datasets by days"):
        rows = read_sources(settings)
    with timed("read the register by days"):
        lake.read_register(settings)
    with timed("compact"):
        print(compact(settings))
    with timed("find nothing to compact"):
        compact(settings)
    with timed("read the register by months"):
        lake.read_register(settings)
    with timed(f"read {len(DATASETS)} datasets by months"):
        assert read_sources(settings) == rows
    with timed("find nothing new after compaction"):
        assert ingest_pending(settings).deliveries == ()
    with timed("yudang run, first build"):
        print(run(settings, "--accept-shrink"))
    with timed("yudang run, nothing new"):
        print(run(settings))
    delivery(settings.inbox, chosen[0], LAST_DAY + timedelta(days=1), 0).write()
    with timed("yudang run, one new delivery"):
        print(run(settings, "--accept-shrink"))
    with timed("yudang run, nothing new"):
        run(settings)


if __name__ == "__main__":
    main()

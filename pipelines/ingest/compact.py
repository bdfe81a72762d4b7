"""Compaction: the days of past months of the lake become one file per dataset, unit and month.

Not here: how a month file is written (`month.py`) and how rows of one delivery leave it again (`lake.py`).

Same rows, same hashes. The switch survives a kill at any moment: new files are written aside and compared
with the rows they stand for; a plan of the switch is flushed to disk; from then on `settle` can only go
forward, and everything that reads or changes the lake settles first. "Past" means before the month of the
latest delivery that counted when it came: data, not a clock.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from pipelines import audit, duck
from pipelines.ingest import lake, month
from pipelines.ingest.month import work_folder
from pipelines.ingest.outcome import ACCEPTED
from pipelines.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Progress = Callable[[int, int], None]
"""Called after each switch with how many groups are done and how many there are."""

SWITCH_GROUPS = 500
SWITCH_BYTES = 1024**3
"""A switch is made when so many groups or bytes stand ready: what lies twice on disk meanwhile is bounded."""

_REUSED = "BATCH_REUSED"
_PLAN = "switch.json"
_DAY_FOLDER = re.compile(r"^day=([0-9]{4}-[0-9]{2})-[0-9]{2}$")


@dataclass(frozen=True)
class Group:
    """Day files of one dataset, unit and month (`YYYY-MM`) that become, or join, one month file."""

    root: Path
    dataset: str
    unit: str
    month: str
    days: tuple[Path, ...]

    @property
    def month_file(self) -> Path:
        """Where the month's rows lie afterwards."""
        return self.root / self.dataset / f"unit={self.unit}" / f"day={self.month}" / month.MONTH_FILE

    @property
    def sources(self) -> list[Path]:
        """Files whose rows go into the month file: the days and what was compacted before."""
        return [*([self.month_file] if self.month_file.is_file() else []), *self.days]


@dataclass(frozen=True)
class CompactionSummary:
    """What one call did, in counts: groups, files and bytes before and after, rows."""

    group_count: int = 0
    file_count_before: int = 0
    file_count_after: int = 0
    byte_count_before: int = 0
    byte_count_after: int = 0
    row_count: int = 0

    def plus(self, entry: Mapping[str, Any]) -> CompactionSummary:
        """Add the counts of a ledger entry."""
        return CompactionSummary(**{name: value + entry[name] for name, value in vars(self).items()})


@dataclass(frozen=True)
class _Built:
    """A month file that is written aside and was found equal to its sources."""

    group: Group
    aside: Path
    row_count: int
    digest: str
    byte_count_before: int


def compact(settings: Settings, progress: Progress | None = None) -> CompactionSummary:
    """Put the days of past months together; call only under the writer's lock.

    Idempotent: a second call finds nothing to do. Parts of a delivery that the register does not know are
    left for the ingest to clear away.

    Raises:
        ContentChangedError: a month file does not hold the rows of its days; the days stand untouched.
    """
    settle(settings)
    groups = list(due_groups(settings, lake.read_register(settings)))
    summary = CompactionSummary()
    if not groups:
        return summary
    built: list[_Built] = []
    connection = duck.memory(settings)
    try:
        for number, group in enumerate(groups, start=1):
            built.append(_build(connection, group, work_folder(settings) / f"{number}.aside"))
            is_last = number == len(groups)
            if is_last or len(built) == SWITCH_GROUPS or _bytes(one.aside for one in built) >= SWITCH_BYTES:
                summary = summary.plus(_switch(settings, built))
                built = []
                if progress is not None:
                    progress(number, len(groups))
    finally:
        connection.close()
    return summary


def due_groups(settings: Settings, register: pl.DataFrame) -> Iterator[Group]:
    """Find what is still stored by days although its month is past."""
    # with those whose batch went to another: the latest day never goes back when an earlier claim arrives
    reason = pl.col("delivery_reason_code")
    sent = register.filter(reason.is_null() | (reason == _REUSED))
    latest = sent["delivery_day"].max()
    if not isinstance(latest, date):
        return
    current = f"{latest:%Y-%m}"
    known = frozenset(sent.filter(pl.col("delivery_status") == ACCEPTED)["delivery_id"].unique())
    for root in (settings.lake, settings.quarantine):
        for dataset in _folders(root):
            is_register = root == settings.lake and dataset.name == lake.REGISTER
            for unit in _folders(dataset):
                months: dict[str, list[Path]] = {}
                for day in _folders(unit):
                    found = _DAY_FOLDER.match(day.name)
                    if found and found[1] < current:
                        files = sorted(
                            path for path in day.glob("*.parquet") if not path.name.startswith(".")
                        )
                        months.setdefault(found[1], []).extend(
                            path for path in files if is_register or path.stem.split("-")[0] in known
                        )
                for name, paths in sorted(months.items()):
                    group = Group(root, dataset.name, unit.name.removeprefix("unit="), name, tuple(paths))
                    # a unit that delivers once a month leaves one file as it is: moving it would save nothing
                    if len(group.sources) > 1:
                        yield group


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    with os.scandir(root) as entries:
        return sorted(Path(entry.path) for entry in entries if entry.is_dir() and entry.name[0] != ".")


def _build(connection: DuckDBPyConnection, group: Group, aside: Path) -> _Built:
    """Write a month file aside; it was read back and holds what it stands for."""
    sources = group.sources
    # the empty file of the dataset gives rows of an older contract the columns of today's
    anchors = [path for path in [lake.anchor_path(group.root, group.dataset)] if path.is_file()]
    content = month.write_sorted(connection, [*anchors, *sources], aside)
    lake.flush(aside)
    return _Built(group, aside, content.row_count, content.digest, _bytes(sources))


def _bytes(paths: Sequence[Path] | Iterator[Path]) -> int:
    return sum(path.stat().st_size for path in paths)


def _switch(settings: Settings, built: Sequence[_Built]) -> Mapping[str, Any]:
    """Fix what will happen, then let it happen; returns the ledger entry."""
    home = settings.home
    entry = {
        "switch": uuid.uuid4().hex,
        "recorded_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "group_count": len(built),
        "file_count_before": sum(len(one.group.sources) for one in built),
        "file_count_after": len(built),
        "byte_count_before": sum(one.byte_count_before for one in built),
        "byte_count_after": _bytes(one.aside for one in built),
        "row_count": sum(one.row_count for one in built),
        "groups": [
            [str(one.group.month_file.parent.relative_to(home)), one.row_count, one.digest] for one in built
        ],
    }
    plan = {
        "entry": entry,
        "moves": [[one.aside.name, str(one.group.month_file.relative_to(home))] for one in built],
        "replaced": [str(path.relative_to(home)) for one in built for path in one.group.days],
    }
    path = work_folder(settings) / _PLAN
    temporary = path.with_suffix(".writing")
    temporary.write_text(json.dumps(plan, ensure_ascii=False), encoding="utf-8")
    lake.flush(temporary)
    temporary.replace(path)
    lake.flush(path.parent)
    settle(settings)
    return entry


def settle(settings: Settings) -> None:
    """Bring an interrupted compaction to its end: forward once its plan stands, back before.

    Call under the writer's lock before the lake is read or changed. Every step may be repeated.
    """
    work = work_folder(settings)
    if not work.is_dir():
        return
    path = work / _PLAN
    if path.is_file():
        plan = json.loads(path.read_text(encoding="utf-8"))
        ledger = audit.compactions(settings)
        if [entry["switch"] for entry in ledger.entries()[-1:]] != [plan["entry"]["switch"]]:
            ledger.append(plan["entry"])
        for aside, final in plan["moves"]:
            if (work / aside).is_file():
                lake.place(work / aside, settings.home / final)
        # no day goes before the month stands on disk
        for folder in sorted({(settings.home / final).parent for _, final in plan["moves"]}):
            lake.flush(folder)
        for replaced in plan["replaced"]:
            (settings.home / replaced).unlink(missing_ok=True)
        for folder in sorted({(settings.home / replaced).parent for replaced in plan["replaced"]}):
            # a day with parts of an unfinished delivery stays
            with suppress(OSError):
                folder.rmdir()
        path.unlink()
    shutil.rmtree(work)

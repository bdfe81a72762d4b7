"""One run's ground: its options, the lock of the single writer, the files under construction, its progress.

Not here: any stage of the pipeline, and anything about Dagster.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from pipelines import duck
from pipelines.settings import Settings
from pipelines.words import both

PROGRESS = logging.getLogger("yudang")

# what survives the clean-up at the start of a run: dbt's parse of the project and what is known of manifests
_KEPT_IN_BUILD = frozenset({"writer.lock", "dbt", "inbox.parquet"})

_held: dict[Path, tuple[int, int]] = {}


class WriterBusyError(RuntimeError):
    """Another process builds in the same home."""


class BlockingCheckError(RuntimeError):
    """A blocking check failed; the last good marts stand. The message names the check, never a value."""


@dataclass(frozen=True)
class RunOptions:
    """What one run is asked for.

    Attributes:
        unit: only deliveries of this reporting unit are ingested.
        day: only deliveries of this day are ingested.
        as_of: evaluation date; default the latest delivery day in the lake.
        known_at: only deliveries sent until then exist, local time; default the latest.
        parameters: overrides of seeds/parameters.csv for this run, name → value as text.
        rebuild: build even though nothing changed.
        accept_shrink: publish although a table is empty or much smaller than the last one.
        parquet: also write every published table as Parquet.
    """

    unit: str | None = None
    day: date | None = None
    as_of: date | None = None
    known_at: datetime | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    rebuild: bool = False
    accept_shrink: bool = False
    parquet: bool = False


@dataclass(frozen=True)
class Workspace:
    """Settings, options and the files under construction of one run."""

    settings: Settings
    options: RunOptions

    @property
    def warehouse_build(self) -> Path:
        """The warehouse under construction; the file name gives dbt its database name."""
        return self.settings.build / "warehouse.duckdb"

    @property
    def marts_build(self) -> Path:
        """The marts under construction."""
        return self.settings.build / "marts.duckdb"

    @property
    def units_build(self) -> Path:
        """Unit files under construction."""
        return self.settings.build / "units"

    @property
    def dbt_target(self) -> Path:
        """dbt's artefacts of this home."""
        return self.settings.build / "dbt"

    def say(self, chinese: str, english: str) -> None:
        """Report progress in the language of the settings; never a value of the data."""
        PROGRESS.info(english if self.settings.language == "en" else chinese)

    def warn(self, chinese: str, english: str) -> None:
        """Report something the operator should look at; never a value of the data."""
        PROGRESS.warning(english if self.settings.language == "en" else chinese)


def _close_to_others(settings: Settings) -> None:
    """Keep the restricted zone to its owner: names and numbers lie there in the clear (SEC-11)."""
    for folder in (settings.build, settings.lake, settings.quarantine, settings.spill):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)


@contextmanager
def writer_lock(settings: Settings) -> Iterator[None]:
    """Hold the home for writing; the kernel lets go when the process dies, however it dies.

    Re-entrant within a process, because the command holds it around a run that takes it again.

    Raises:
        WriterBusyError: another process holds it.
    """
    settings.build.mkdir(parents=True, exist_ok=True)
    path = settings.build / "writer.lock"
    descriptor, depth = _held.get(path, (-1, 0))
    if depth == 0:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip()
            os.close(descriptor)
            raise WriterBusyError(
                both(
                    f"另一个运行正在写入本数据目录（进程 {holder or '不详'}），请等它结束后再运行。",
                    f"another run is writing in this home (process {holder or 'unknown'}); wait for its end",
                )
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        _close_to_others(settings)
    _held[path] = (descriptor, depth + 1)
    try:
        yield
    finally:
        descriptor, depth = _held.pop(path)
        if depth > 1:
            _held[path] = (descriptor, depth - 1)
        else:
            os.close(descriptor)


def clear_leftovers(settings: Settings) -> None:
    """Remove what a killed run left half-built; call only under the lock."""
    for folder in (settings.home, settings.marts, settings.units_dir):
        if folder.is_dir():
            for leftover in folder.glob(".*.building*"):
                leftover.unlink(missing_ok=True)
    if settings.build.is_dir():
        for entry in settings.build.iterdir():
            if entry.name in _KEPT_IN_BUILD:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
    if settings.spill.is_dir():
        shutil.rmtree(settings.spill, ignore_errors=True)
    settings.spill.mkdir(mode=0o700, parents=True, exist_ok=True)


def start_build(workspace: Workspace) -> None:
    """Throw away the databases of an earlier attempt within this run."""
    duck.discard(workspace.warehouse_build)
    duck.discard(workspace.marts_build)

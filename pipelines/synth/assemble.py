"""Deliveries of a unit from the rows of the slices: files of a sane size, in the order of the slices.

Not here: single files (files.py) and the order of work (city.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.contract.model import dataset, datasets
from pipelines.synth.clock import Dates
from pipelines.synth.deliver import STANDING_FEEDS, Folder, empty_frame, envelope, special_folders
from pipelines.synth.files import ROWS_PER_FILE, write_file, write_manifest
from pipelines.synth.places import CITY
from pipelines.synth.spill import Source


@dataclass(frozen=True)
class Inbox:
    """Where deliveries are written and what all of them share.

    Attributes:
        path: the inbox.
        units: codes of the districts.
        days: delivery days.
        file_format: csv, parquet or xlsx.
    """

    path: Path
    units: tuple[str, ...]
    days: Dates
    file_format: str

    def code(self, unit: int) -> str:
        """Code of a reporting unit."""
        return CITY if unit < 0 else self.units[unit]

    def batch(self, folder: Folder) -> str:
        """Batch name of a delivery."""
        return f"{str(self.days[folder.day]).replace('-', '')}-{folder.batch}"

    def place(self, folder: Folder) -> Path:
        """Folder of a delivery on disk."""
        return self.path / self.code(folder.unit) / str(self.days[folder.day]) / self.batch(folder)


@dataclass(frozen=True)
class Written:
    """A file that stands: its delivery and its entry in the manifest."""

    folder: Folder
    entry: dict[str, Any]


def write_unit(inbox: Inbox, unit: int, sources: Sequence[Source], turn: int = 0) -> list[Written]:
    """Write all files of a unit that these sources fill, in their order.

    Args:
        inbox: where to.
        unit: position of the unit, -1 = the city.
        sources: slices (and the city itself).
        turn: how often the unit was written before; its files get other names then.
    """
    written = []
    limit = ROWS_PER_FILE[inbox.file_format]
    for name in sorted(datasets()):
        holders = [(source, set(source.folders(name, unit))) for source in sources]
        for folder in sorted(set().union(*(folders for _, folders in holders))):
            place = inbox.place(folder)
            place.mkdir(parents=True, exist_ok=True)
            frames = (source.read(name, folder) for source, folders in holders if folder in folders)
            for part, frame in enumerate(_in_parts(frames, limit)):
                suffix = f"-{turn + 1}-{part + 1}" if turn or part else ""
                path = place / f"{name}{suffix}.{inbox.file_format}"
                entry = write_file(
                    path, dataset(name), frame, inbox.file_format, unit, inbox.days[folder.day]
                )
                written.append(Written(folder, entry))
    return written


def _in_parts(frames: Iterable[pl.DataFrame], limit: int) -> Iterator[pl.DataFrame]:
    """The rows in portions of at most `limit`; only one portion is held at a time."""
    waiting: list[pl.DataFrame] = []
    height = 0
    for frame in frames:
        waiting.append(frame)
        height += frame.height
        while height > limit:
            rows = pl.concat(waiting)
            yield rows.head(limit)
            waiting, height = [rows.slice(limit)], height - limit
    if height:
        yield pl.concat(waiting)


def finish(inbox: Inbox, written: list[Written]) -> list[Written]:
    """Add headers of standing feeds that had nothing to say, then write all manifests.

    Returns:
        All files.
    """
    by_folder: dict[Folder, list[dict[str, Any]]] = {}
    for one in written:
        by_folder.setdefault(one.folder, []).append(one.entry)
    ordinary = [Folder(unit, day, "01") for unit in range(len(inbox.units)) for day in range(len(inbox.days))]
    anew = special_folders(len(inbox.units), len(inbox.days)).get("taken_back")
    for folder in [*ordinary, *([anew] if anew else [])]:
        entries = by_folder.setdefault(folder, [])
        known = {entry["dataset"] for entry in entries}
        entries += [_write_header(inbox, folder, name) for name in STANDING_FEEDS if name not in known]
    for folder, entries in by_folder.items():
        stated = envelope(folder, len(inbox.units), len(inbox.days))
        write_manifest(
            inbox.place(folder),
            unit=inbox.code(folder.unit),
            batch=inbox.batch(folder),
            day=str(inbox.days[folder.day]),
            minute=stated.minute,
            mode=stated.mode,
            withdraws=[inbox.batch(taken) for taken in stated.withdraws],
            files=sorted(entries, key=lambda entry: (entry["dataset"], entry["path"])),
        )
    return [Written(folder, entry) for folder, entries in by_folder.items() for entry in entries]


def _write_header(inbox: Inbox, folder: Folder, name: str) -> dict[str, Any]:
    place = inbox.place(folder)
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{name}.{inbox.file_format}"
    day = inbox.days[folder.day]
    return write_file(path, dataset(name), empty_frame(name), inbox.file_format, folder.unit, day)

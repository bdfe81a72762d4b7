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
from pipelines.synth.files import ROWS_PER_FILE, manifest, manifest_text, write_file
from pipelines.synth.places import CITY, REFORM_DATE
from pipelines.synth.refusals import REFUSED_DATASET, BrokenRow, refused_folders
from pipelines.synth.spill import Source


@dataclass(frozen=True)
class Inbox:
    """Where deliveries are written and what all of them share.

    Attributes:
        path: the inbox.
        units: codes of the districts, or of the parts of a district that the reform divided.
        later_units: codes of the districts to which they belong from the reform on.
        days: delivery days.
        file_format: csv, parquet or xlsx.
        defects: share of the residents who carry a planted violation.
    """

    path: Path
    units: tuple[str, ...]
    later_units: tuple[str, ...]
    days: Dates
    file_format: str
    defects: float

    def code(self, folder: Folder) -> str:
        """Code of the reporting unit of a delivery on its day."""
        if folder.unit < 0:
            return CITY
        is_later = self.days[folder.day] >= REFORM_DATE
        return self.later_units[folder.unit] if is_later else self.units[folder.unit][:6]

    def batch(self, folder: Folder) -> str:
        """Batch name of a delivery; what becomes one unit later sends each part by itself."""
        name = f"{str(self.days[folder.day]).replace('-', '')}-{folder.batch}"
        is_part = folder.unit >= 0 and self.units[folder.unit] != self.later_units[folder.unit]
        return f"{name}-{self.units[folder.unit]}" if is_part else name

    def place(self, folder: Folder) -> Path:
        """Folder of a delivery on disk."""
        return self.path / self.code(folder) / str(self.days[folder.day]) / self.batch(folder)


@dataclass(frozen=True)
class Written:
    """A file that stands: its delivery, its entry in the manifest, the broken rows at its end."""

    folder: Folder
    entry: dict[str, Any]
    broken: tuple[BrokenRow, ...] = ()


def write_unit(
    inbox: Inbox, unit: int, sources: Sequence[Source], broken: Iterable[BrokenRow] = (), turn: int = 0
) -> list[Written]:
    """Write all files of a unit that these sources fill, in their order.

    Args:
        inbox: where to.
        unit: position of the unit, -1 = the city.
        sources: slices (and the city itself).
        broken: rows that break the contract, of any unit.
        turn: how often the unit was written before; its files get other names then.
    """
    written = []
    by_place: dict[tuple[str, Folder], list[BrokenRow]] = {}
    for one in broken:
        by_place.setdefault((one.dataset, one.folder), []).append(one)
    limit = ROWS_PER_FILE[inbox.file_format]
    for name in sorted(datasets()):
        holders = [(source, set(source.folders(name, unit))) for source in sources]
        for folder in sorted(set().union(*(folders for _, folders in holders))):
            place = inbox.place(folder)
            place.mkdir(parents=True, exist_ok=True)
            frames = (source.read(name, folder) for source, folders in holders if folder in folders)
            bad = by_place.get((name, folder), [])
            for part, frame in enumerate(_in_parts(frames, limit - len(bad))):
                suffix = f"-{turn + 1}-{part + 1}" if turn or part else ""
                path = place / f"{name}{suffix}.{inbox.file_format}"
                day = inbox.days[folder.day]
                entry = write_file(path, dataset(name), frame, inbox.file_format, unit, day, bad)
                written.append(Written(folder, entry, tuple(bad)))
                bad = []
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


def quarantined(inbox: Inbox, written: Iterable[Written]) -> pl.DataFrame:
    """The broken rows of these files: reason_code, column, dataset, unit, batch, file, row (from 1)."""
    lines = [
        (
            bad.breach.reason_code,
            "|".join(bad.breach.columns),
            bad.dataset,
            inbox.code(one.folder),
            inbox.batch(one.folder),
            one.entry["path"],
            one.entry["rows"] - len(one.broken) + number,
        )
        for one in written
        for number, bad in enumerate(one.broken, start=1)
    ]
    names = ["reason_code", "column", "dataset", "unit", "batch", "file"]
    return pl.DataFrame(
        lines, schema={**dict.fromkeys(names, pl.String), "row": pl.Int64}, orient="row"
    ).sort("unit", "batch", "file", "row")


def refused(inbox: Inbox, written: Iterable[Written]) -> pl.DataFrame:
    """The spoiled files: level (file, delivery), reason_code, dataset, unit, batch, file, rows as stated."""
    spoiled = refused_folders(len(inbox.units), len(inbox.days), inbox.defects)
    lines = [
        (
            *spoiled[one.folder],
            one.entry["dataset"],
            inbox.code(one.folder),
            inbox.batch(one.folder),
            one.entry["path"],
            one.entry["rows"],
        )
        for one in written
        if one.folder in spoiled
    ]
    names = ["level", "reason_code", "dataset", "unit", "batch", "file"]
    return pl.DataFrame(
        lines, schema={**dict.fromkeys(names, pl.String), "rows": pl.Int64}, orient="row"
    ).sort("unit", "batch", "file")


def finish(inbox: Inbox, written: list[Written]) -> list[Written]:
    """Add headers of standing feeds that had nothing to say, then write all manifests.

    Returns:
        All files.
    """
    spoiled = refused_folders(len(inbox.units), len(inbox.days), inbox.defects)
    by_folder: dict[Folder, list[Written]] = {}
    for one in written:
        by_folder.setdefault(one.folder, []).append(one)
    ordinary = [Folder(unit, day, "01") for unit in range(len(inbox.units)) for day in range(len(inbox.days))]
    anew = special_folders(len(inbox.units), len(inbox.days)).get("taken_back")
    for folder in [*ordinary, *([anew] if anew else [])]:
        files = by_folder.setdefault(folder, [])
        known = {one.entry["dataset"] for one in files}
        files += [_write_header(inbox, folder, name) for name in STANDING_FEEDS if name not in known]
    for folder in spoiled:
        files = by_folder.setdefault(folder, [])
        if not files:
            files.append(_write_header(inbox, folder, REFUSED_DATASET))
    for folder, files in by_folder.items():
        stated = envelope(folder, len(inbox.units), len(inbox.days))
        reason = spoiled[folder].reason_code if folder in spoiled else ""
        entries = [one.entry for one in files]
        for entry in entries:
            if reason == "DIGEST_MISMATCH":
                entry["sm3"] = entry["sm3"][::-1]
            elif reason == "ROWS_MISMATCH":
                entry["rows"] += 1
        spoilt = {"contract_version": "9.0.0"} if reason == "CONTRACT_VERSION_UNKNOWN" else {}
        content = manifest(
            inbox.code(folder),
            inbox.batch(folder),
            str(inbox.days[folder.day]),
            stated.minute,
            sorted(entries, key=lambda entry: (entry["dataset"], entry["path"])),
            mode=stated.mode,
            withdraws=[inbox.batch(taken) for taken in stated.withdraws],
            **spoilt,
        )
        (inbox.place(folder) / "manifest.json").write_text(manifest_text(content), encoding="utf-8")
    return [one for files in by_folder.values() for one in files]


def _write_header(inbox: Inbox, folder: Folder, name: str) -> Written:
    place = inbox.place(folder)
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{name}.{inbox.file_format}"
    day = inbox.days[folder.day]
    entry = write_file(path, dataset(name), empty_frame(name), inbox.file_format, folder.unit, day)
    return Written(folder, entry)

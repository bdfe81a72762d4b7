"""The inbox as its names and times tell it: delivery folders, strays, manifests that were read before.

Does not open a manifest (`manifest.py`) and does not take anything in (`pending.py`).

What each run looks at: every folder, and size and times of every manifest. Data files are judged against
the digests in their manifest when a delivery is taken in, and never again: a file that changes afterwards
changes nothing. A manifest is read again when its size, times or inode differ; a run that is asked to rebuild
reads them all.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from pipelines.settings import Settings

MANIFEST_NAME = "manifest.json"
_UNIT = re.compile(r"^[0-9]{6}$")
_IGNORED = {".DS_Store", "Thumbs.db", ".gitkeep"}
_SEEN = "inbox.parquet"


class Stamp(NamedTuple):
    """What the file system tells of a manifest: bytes, moment of its content, of its entry, its inode."""

    size: int
    modified_ns: int
    changed_ns: int
    inode: int


@dataclass(frozen=True)
class Found:
    """A delivery folder; `stamp` is None when there is no regular file `manifest.json` in it."""

    folder: Path
    stamp: Stamp | None

    @property
    def place(self) -> str:
        """Unit, day and batch as the folders say."""
        return "/".join(self.folder.parts[-3:])


def listing(
    inbox: Path, unit: str | None = None, day: date | str | None = None
) -> tuple[list[Found], list[str]]:
    """Find folders `<unit>/<day>/<batch>`, sorted, and name whatever else lies in the inbox.

    Links are not followed. A folder at the right depth is a delivery whatever its day is called, so that
    nothing sent disappears without a receipt.
    """
    found: list[Found] = []
    strays: list[str] = []
    wanted_day = day.isoformat() if isinstance(day, date) else day
    for unit_entry in _entries(inbox):
        if not _UNIT.match(unit_entry.name) or not _is_folder(unit_entry):
            strays.append(_shown(unit_entry, inbox))
            continue
        if unit is not None and unit_entry.name != unit:
            continue
        for day_entry in _entries(Path(unit_entry.path)):
            if wanted_day is not None and day_entry.name != wanted_day:
                continue
            if not _is_folder(day_entry):
                strays.append(_shown(day_entry, inbox))
                continue
            for entry in _entries(Path(day_entry.path)):
                if _is_folder(entry):
                    found.append(Found(Path(entry.path), _stamp(entry.path)))
                else:
                    strays.append(_shown(entry, inbox))
    return found, strays


def _stamp(folder: str) -> Stamp | None:
    try:
        told = os.lstat(f"{folder}/{MANIFEST_NAME}")
    except OSError:
        return None
    if not stat.S_ISREG(told.st_mode):
        return None
    return Stamp(told.st_size, told.st_mtime_ns, told.st_ctime_ns, told.st_ino)


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda item: item.name):
            if entry.name not in _IGNORED:
                yield entry


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _shown(entry: os.DirEntry[str], inbox: Path) -> str:
    return readable(str(Path(entry.path).relative_to(inbox)))


def readable(name: str) -> str:
    """A name of the file system as text that every file can hold: bytes that are no UTF-8 are escaped."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def digest(inbox: Path) -> str:
    """Digest of what lies in the inbox: places, sizes and times of the manifests, strays by name.

    Only what survives a move or copy of the inbox: the moment of a directory entry and the inode do not.
    """
    found, strays = listing(inbox)
    result = hashlib.sha256()
    for one in found:
        told = f"{one.stamp.size} {one.stamp.modified_ns}" if one.stamp else "-"
        result.update(f"{one.place}\0{told}\n".encode(errors="surrogateescape"))
    for stray in strays:
        result.update(f"\0{stray}\n".encode())
    return result.hexdigest()


class Seen:
    """Which delivery a manifest was found to hold: kept between runs, may be thrown away at any time.

    Polars is imported where it is used: the listing alone decides most runs.
    """

    def __init__(self, settings: Settings) -> None:
        self._path = settings.build / _SEEN
        self._known: dict[str, tuple[Stamp, str]] = {}
        import polars as pl

        try:
            frame = pl.read_parquet(self._path, hive_partitioning=False)
            for place, size, modified, changed, inode, delivery_id in frame.iter_rows():
                self._known[place] = (Stamp(size, modified, changed, inode), delivery_id)
        except (OSError, ValueError, pl.exceptions.PolarsError):
            self._known = {}

    def delivery_id(self, found: Found) -> str | None:
        """Id of the delivery whose manifest was read before under the same stamp."""
        known = self._known.get(found.place)
        return known[1] if known and found.stamp is not None and known[0] == found.stamp else None

    def keep(self, read: Iterable[tuple[Found, str]]) -> None:
        """Remember ids of manifests that were read; a name that is no text is read again each time."""
        added: Mapping[str, tuple[Stamp, str]] = {
            one.place: (one.stamp, delivery_id)
            for one, delivery_id in read
            if one.stamp is not None and _is_text(one.place)
        }
        if not added:
            return
        self._known.update(added)
        import polars as pl

        rows = [(place, *stamp, delivery_id) for place, (stamp, delivery_id) in sorted(self._known.items())]
        names = ["place", *Stamp._fields, "delivery_id"]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".writing")
        pl.DataFrame(rows, schema=names, orient="row").write_parquet(temporary)
        temporary.replace(self._path)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True

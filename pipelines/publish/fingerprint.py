"""What a publication was made from, in one digest: if it is the same again, there is nothing to do.

Not here: content hashes of what was published (content_hash.py).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.ingest import inbox
from pipelines.settings import Settings
from pipelines.warehouse.control import options_key
from pipelines.workspace import RunOptions

_PROGRAM_SUFFIXES = frozenset({".py", ".yaml", ".yml", ".csv", ".json", ".sql", ".j2", ".css", ".html"})
_PROGRAM_FOLDERS = ("pipelines", "dbt_project", "expectations")
_SKIPPED_FOLDERS = frozenset({"target", "logs", "__pycache__", "dbt_packages"})
_STATE = "fingerprint.json"


@dataclass(frozen=True)
class Fingerprint:
    """Digests of everything that the published files are a function of.

    Attributes:
        inbox: places, sizes and times of the manifests that lay in the inbox when it was read; empty when
            only a part of it was read, so that the next run looks again.
        register: names, sizes and times of the delivery register that the build read.
        program: contents of code, models, seeds, contract and expectations.
        options: evaluation date, cut-off and overrides that were asked for.
        key: digest of the site key; another key gives other pseudonyms.
    """

    inbox: str
    register: str
    program: str
    options: str
    key: str


def _files(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        else:
            yield entry


def _listing(folder: Path) -> str:
    digest = hashlib.sha256()
    for entry in _files(folder):
        found = entry.stat(follow_symlinks=False)
        # below the folder only: a home that was moved or copied is still the same
        name = os.path.relpath(entry.path, folder)
        digest.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def inbox_digest(settings: Settings) -> str:
    """Listing of the inbox; the bytes of an unchanged manifest are not read again."""
    return inbox.digest(settings.inbox)


def register_digest(settings: Settings) -> str:
    """Listing of the delivery register; its files are rewritten whenever their meaning changes."""
    return _listing(settings.lake / "delivery_file")


def _program_files(settings: Settings) -> Iterable[Path]:
    for name in _PROGRAM_FOLDERS:
        for folder, inner, files in os.walk(settings.checkout / name):
            inner[:] = sorted(set(inner) - _SKIPPED_FOLDERS)
            for file in sorted(files):
                if Path(file).suffix in _PROGRAM_SUFFIXES:
                    yield Path(folder) / file


def program_digest(settings: Settings) -> str:
    """Contents of everything that computes; a fresh checkout of the same program has the same digest."""
    digest = hashlib.sha256()
    for path in _program_files(settings):
        digest.update(str(path.relative_to(settings.checkout)).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def key_digest(settings: Settings) -> str:
    """Digest of the site key, or empty before the first run."""
    if not settings.site_key_file.is_file():
        return ""
    return hashlib.sha256(b"fingerprint" + settings.site_key_file.read_bytes()).hexdigest()[:16]


def present(settings: Settings, options: RunOptions) -> Fingerprint:
    """The fingerprint of what lies there now."""
    return Fingerprint(
        inbox=inbox_digest(settings),
        register=register_digest(settings),
        program=program_digest(settings),
        options=options_key(options),
        key=key_digest(settings),
    )


def remember(settings: Settings, **parts: str) -> None:
    """Keep parts at the moment when a stage read what they stand for; later arrivals are for the next run."""
    path = settings.build / _STATE
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    settings.build.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**known, **parts}), encoding="utf-8")


def of_build(settings: Settings, options: RunOptions) -> dict[str, str]:
    """The fingerprint of a build: what its stages remembered, and for the rest what lies there now."""
    path = settings.build / _STATE
    remembered = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {**asdict(present(settings, options)), **remembered}

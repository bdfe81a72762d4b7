"""The append-only ledgers under home/audit: hash-chained lines of what was run and what was published.

Not here: what the entries mean. Nothing identifying may be put into an entry.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.settings import Settings

GENESIS = "0" * 64


class LedgerBrokenError(RuntimeError):
    """The chain of a ledger does not hold; the message says at which line."""


@dataclass(frozen=True)
class Ledger:
    """One ledger: a JSON object per line, each carrying the SM3 digest of itself and of the line before."""

    path: Path

    def append(self, entry: Mapping[str, Any]) -> str:
        """Add one entry, flushed to disk, and return its digest.

        A last line that a kill cut short is cut off: nobody was told that it stands.

        Raises:
            LedgerBrokenError: the last whole line does not carry its own digest.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            previous, end = self._last(handle.read())
            body = {"previous": previous, **entry}
            line = json.dumps({**body, "digest": _digest(body)}, ensure_ascii=False, sort_keys=True)
            handle.seek(end)
            handle.truncate()
            handle.write(line.encode() + b"\n")
            handle.flush()
            os.fsync(handle.fileno())
        return _digest(body)

    def entries(self) -> list[dict[str, Any]]:
        """All whole entries, oldest first."""
        if not self.path.is_file():
            return []
        lines = self.path.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines]

    def verify(self) -> int:
        """Check the chain and return the number of entries.

        Raises:
            LedgerBrokenError: a line was changed, removed or put in.
        """
        previous = GENESIS
        count = 0
        try:
            entries = self.entries()
        except json.JSONDecodeError as error:
            raise LedgerBrokenError(f"{self.path.name}: a line is not readable") from error
        for count, entry in enumerate(entries, start=1):
            body = {name: value for name, value in entry.items() if name != "digest"}
            if entry.get("previous") != previous or entry.get("digest") != _digest(body):
                raise LedgerBrokenError(f"{self.path.name}: the chain breaks at line {count}")
            previous = entry["digest"]
        return count

    def _last(self, content: bytes) -> tuple[str, int]:
        end = content.rfind(b"\n") + 1
        if end == 0:
            return GENESIS, 0
        start = content.rfind(b"\n", 0, end - 1) + 1
        try:
            entry = json.loads(content[start : end - 1])
            body = {name: value for name, value in entry.items() if name != "digest"}
            intact = entry["digest"] == _digest(body)
        except (json.JSONDecodeError, KeyError, AttributeError):
            intact = False
        if not intact:
            raise LedgerBrokenError(f"{self.path.name}: the last line was changed; nothing is added to it")
        return entry["digest"], end


def _digest(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, ensure_ascii=False, sort_keys=True)
    return hashlib.new("sm3", text.encode()).hexdigest()


def runs(settings: Settings) -> Ledger:
    """The ledger of runs: one entry per run that built or refused."""
    return Ledger(settings.audit / "runs.jsonl")


def publications(settings: Settings) -> Ledger:
    """The ledger of publications: one entry per swap of the marts, with content hashes."""
    return Ledger(settings.audit / "publications.jsonl")


def compactions(settings: Settings) -> Ledger:
    """The ledger of the lake's compactions: rows and content hash of every month file that replaced days."""
    return Ledger(settings.audit / "compactions.jsonl")

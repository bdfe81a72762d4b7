"""Runs something on copies of a home in processes that are killed, each a little later than the one before.

No expectations live here. `python -m tests.ingest.killed <what> <home> <copies> <every>`; what is `compact`,
or a delivery folder below the inbox that is taken in again.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.conftest import REPOSITORY

CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "shutil.rmtree")


def copies_killed(what: str, home: Path, copies: Path, every: int = 1) -> list[Path]:
    """Homes as a kill left them before each (or every nth) change to the file system, the last finished."""
    subprocess.run(
        [sys.executable, "-m", "tests.ingest.killed", what, str(home), str(copies), str(every)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        check=True,
        timeout=300,
    )
    return sorted(copies.iterdir())


def _die_before(change: int) -> None:
    """Kill this process when it is about to change the file system for the given time."""
    left = change

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        writes = (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if event in CHANGES or writes:
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    sys.addaudithook(watch)


def main(what: str, home: Path, copies: Path, every: int) -> None:
    """Fork once per change until a process lives to its end."""
    # imported and read once for all: a fork inherits it
    import pandas  # noqa: F401 - DuckDB looks for it

    from pipelines.contract import model
    from pipelines.ingest.compact import compact
    from pipelines.ingest.pending import ingest_delivery
    from pipelines.settings import Settings

    assert model.datasets() and model.reference_units()
    for change in range(0, 1000, every):
        own = copies / f"{change:03d}"
        shutil.copytree(home, own)
        child = os.fork()
        if child == 0:
            settings = Settings.load(own)
            _die_before(change)
            if what == "compact":
                compact(settings)
            else:
                ingest_delivery(settings, settings.inbox / what, force=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(os.waitstatus_to_exitcode(status))
    sys.exit("the work did not come to its end")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))

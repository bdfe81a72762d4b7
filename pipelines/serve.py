"""`yudang serve`: Dagster's pages and daemon, and the reports beside them, on loopback only.

Not here: access control; a reverse proxy in front is the operator's choice.
"""

from __future__ import annotations

import functools
import http.server
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from pipelines.run import dagster_home
from pipelines.settings import Settings

LOOPBACK = "127.0.0.1"


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of single requests."""


def dagster_command(port: int) -> list[str]:
    """Arguments that start the pages and the daemon of Dagster."""
    return [
        sys.executable,
        "-m",
        "dagster",
        "dev",
        "--module-name",
        "pipelines.definitions",
        "--host",
        LOOPBACK,
        "--port",
        str(port),
    ]


def serve(settings: Settings, port: int, words: Callable[[str, str], str]) -> int:
    """Run until interrupted; returns the exit code of Dagster."""
    settings.reports.mkdir(parents=True, exist_ok=True)
    home = dagster_home(settings)
    handler = functools.partial(_QuietHandler, directory=str(settings.reports))
    server = http.server.ThreadingHTTPServer((LOOPBACK, port + 1), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(
        words(
            f"Dagster  http://{LOOPBACK}:{port}\n报告     http://{LOOPBACK}:{port + 1}\n按 Ctrl-C 结束\n",
            f"Dagster  http://{LOOPBACK}:{port}\nreports  http://{LOOPBACK}:{port + 1}\nCtrl-C ends it\n",
        )
    )
    sys.stdout.flush()
    # Started in the background by a shell, this process ignores SIGINT, and Dagster would inherit that for
    # SIGTERM too: its services could then only be killed.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
        dagster_command(port),
        cwd=settings.checkout,
        env={
            **os.environ,
            "DAGSTER_HOME": str(home),
            "DAGSTER_DISABLE_TELEMETRY": "yes",
            "YUDANG_HOME": str(settings.home),
        },
    )

    def forward(number: int, frame: FrameType | None) -> None:
        process.send_signal(signal.SIGINT)

    signal.signal(signal.SIGTERM, forward)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait()
        return 0
    finally:
        server.shutdown()

"""One `dbt build` of the warehouse: its arguments and environment, the parsed project, the events it sends.

Not here: models, and how dbt's nodes become Dagster assets (assets.py).
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.settings import Settings
from pipelines.warehouse.failure import with_way_out, without_values
from pipelines.words import both
from pipelines.workspace import Workspace

_SOURCE_SUFFIXES = frozenset({".sql", ".yml", ".yaml", ".csv"})
_RESULT_EVENTS = frozenset({"LogSeedResult", "LogModelResult", "LogTestResult", "LogSnapshotResult"})
_BAD_STATUSES = frozenset({"error", "fail", "runtime error"})

GLOBAL_FLAGS = (
    "--no-send-anonymous-usage-stats",
    "--no-version-check",
    "--no-use-colors",
    "--log-level-file",
    "none",
)


class DbtError(RuntimeError):
    """dbt could not do its work; the message holds node names and value-free texts only."""


def executable() -> Path:
    """The dbt beside the running interpreter: a virtual environment need not be activated.

    Raises:
        DbtError: it is not installed there.
    """
    # not resolved: the interpreter of a virtual environment is a link out of it
    found = Path(sys.executable).parent / "dbt"
    if not found.is_file():
        raise DbtError(
            both(
                "本 Python 旁没有安装 dbt，请运行 make setup。",
                "dbt is not installed beside this Python; run `make setup`",
            )
        )
    return found


def command(settings: Settings) -> list[str]:
    """The start of a dbt command over the parsed project, in a process of its own.

    Raises:
        DbtError: the project cannot be parsed.
    """
    parsed = ensure_manifest(settings).with_name("partial_parse.msgpack")
    return [sys.executable, "-m", "pipelines.warehouse.dbt_process", str(parsed)]


def build_arguments(settings: Settings) -> list[str]:
    """Arguments of the one build of a run, after the command.

    Unit tests are left out: they judge the models, not the data, and `make test` runs them.
    """
    return [
        *GLOBAL_FLAGS,
        "--log-format",
        "json",
        "--no-write-json",
        "build",
        "--exclude-resource-type",
        "unit_test",
        "--target",
        settings.target,
        "--threads",
        str(settings.threads),
    ]


def parse_arguments(settings: Settings) -> list[str]:
    """Arguments of a parse of the project, after the executable."""
    return [*GLOBAL_FLAGS, "--quiet", "parse", "--target", settings.target]


def project_environment(settings: Settings, target_path: Path) -> dict[str, str]:
    """What dbt needs to find the project and the plugin, whatever the home."""
    return {
        "DBT_PROJECT_DIR": str(settings.dbt_project_dir),
        "DBT_PROFILES_DIR": str(settings.dbt_project_dir),
        "DBT_TARGET_PATH": str(target_path),
        "DBT_LOG_PATH": str(target_path),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": os.pathsep.join(
            part for part in (str(settings.checkout), os.environ.get("PYTHONPATH", "")) if part
        ),
    }


def build_environment(workspace: Workspace) -> dict[str, str]:
    """Environment of the build: every variable that profile, sources and plugin read."""
    settings = workspace.settings
    return {
        **project_environment(settings, workspace.dbt_target),
        "YUDANG_TARGET": settings.target,
        "YUDANG_WAREHOUSE": str(workspace.warehouse_build),
        "YUDANG_MARTS_BUILD": str(workspace.marts_build),
        "YUDANG_LAKE": str(settings.lake),
        "YUDANG_QUARANTINE": str(settings.quarantine),
        "YUDANG_MEMORY_LIMIT": settings.memory_limit,
        "YUDANG_THREADS": str(settings.threads),
        "YUDANG_SPILL": str(settings.spill),
        "YUDANG_EXTENSIONS": str(settings.extensions),
        "YUDANG_SITE_KEY_FILE": str(settings.site_key_file),
    }


def project_files(project_dir: Path) -> list[Path]:
    """Files that make the project, sorted; nothing that dbt wrote."""
    found = (
        path
        for folder in ("models", "macros", "seeds", "tests")
        for path in (project_dir / folder).rglob("*")
        if path.suffix in _SOURCE_SUFFIXES
    )
    return [*sorted(found), project_dir / "dbt_project.yml", project_dir / "profiles.yml"]


def project_digest(project_dir: Path) -> str:
    """Digest of the project's files by content: a fresh checkout has new times but the same project."""
    digest = hashlib.sha256()
    for path in project_files(project_dir):
        digest.update(str(path.relative_to(project_dir)).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def ensure_manifest(settings: Settings) -> Path:
    """Return the parsed project, parsing it only when it is missing or the project has changed.

    The parse reads no variable of a home, so that one manifest serves all homes of the checkout.

    Raises:
        DbtError: the project cannot be parsed.
    """
    target = settings.dbt_project_dir / "target"
    manifest, stamp = target / "manifest.json", target / "manifest.digest"
    target.mkdir(parents=True, exist_ok=True)
    with (target / "parse.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        current = project_digest(settings.dbt_project_dir)
        made = manifest.is_file() and manifest.with_name("partial_parse.msgpack").is_file()
        if made and stamp.is_file() and stamp.read_text(encoding="ascii") == current:
            return manifest
        stamp.unlink(missing_ok=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("YUDANG_")}
        finished = subprocess.run(  # noqa: S603 - our own dbt with our own arguments
            [str(executable()), *parse_arguments(settings)],
            env={**inherited, **project_environment(settings, target)},
            cwd=settings.dbt_project_dir,
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode != 0 or not manifest.is_file():
            said = finished.stdout[-3000:].strip()
            raise DbtError(
                both(
                    f"dbt 项目无法解析，请按技术信息改正模型或配置后重新运行（技术信息：{said}）。",
                    f"the dbt project cannot be parsed; mend it and run again ({said})",
                )
            )
        stamp.write_text(current, encoding="ascii")
    return manifest


@dataclass
class Build:
    """A running build: iterate `events`, then ask how it went.

    Attributes:
        failures: node name → value-free text, for nodes that broke.
        finished: statuses by node, in order of completion.
    """

    workspace: Workspace
    failures: dict[str, str] = field(default_factory=dict)
    finished: dict[str, str] = field(default_factory=dict)
    returncode: int | None = None
    last_words: str = ""

    def events(self) -> Iterator[Mapping[str, Any]]:
        """Start dbt and yield the raw result event of every node as it finishes.

        The texts of dbt's messages go nowhere: DuckDB's errors quote values.
        """
        settings = self.workspace.settings
        process = subprocess.Popen(  # noqa: S603 - our own dbt with our own arguments
            [*command(settings), *build_arguments(settings)],
            env={**os.environ, **build_environment(self.workspace)},
            cwd=settings.dbt_project_dir,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        try:
            for line in process.stdout or ():
                event = self._read(line)
                if event is not None:
                    yield event
        finally:
            if process.poll() is None and sys.exc_info()[0] is not None:
                process.terminate()
            self.returncode = process.wait()

    def _read(self, line: str) -> Mapping[str, Any] | None:
        try:
            event = json.loads(line)
            name, data = event["info"]["name"], event["data"]
        except (json.JSONDecodeError, KeyError, TypeError):
            self.last_words = without_values(line) or self.last_words
            return None
        node = data.get("node_info") or {}
        unique_id = node.get("unique_id") or ""
        if name in _RESULT_EVENTS and unique_id:
            status = str(node.get("node_status") or "").lower()
            self.finished[unique_id] = status
            if status in _BAD_STATUSES:
                self.failures.setdefault(unique_id, status)
            return event
        if event["info"].get("level") == "error":
            text = without_values(str(data.get("msg") or event["info"].get("msg") or ""))
            if unique_id:
                self.failures[unique_id] = text
            else:
                self.last_words = text or self.last_words
        return None

    def require_success(self) -> None:
        """Raise if anything broke.

        Raises:
            DbtError: names the first broken nodes and how many there are.
        """
        if self.returncode == 0 and not self.failures:
            return
        if not self.failures:
            raise DbtError(with_way_out(f"dbt ended with code {self.returncode}: {self.last_words}"))
        shown = "; ".join(
            f"{unique_id.split('.', 2)[-1]}: {text}" for unique_id, text in list(self.failures.items())[:5]
        )
        count = len(self.failures)
        raise DbtError(
            both(
                f"数仓有 {count} 个模型或检查未通过，请在 Dagster（yudang serve）查看，改正后重新运行"
                f"（技术信息：{shown}）。",
                f"{count} node(s) of the build failed; look at them in Dagster (yudang serve), mend data or "
                f"models and run again ({shown})",
            )
        )

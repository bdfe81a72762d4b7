"""Same in, same out: other order, split, repeated, killed on the way, and still the same content hashes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, SampleRun, yudang
from tests.deliveries import sm3

pytestmark = pytest.mark.whole_run


def split(folder: Path) -> None:
    """Turn one delivery into two of the same moment, by files."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    second = folder.with_name(folder.name + "-b")
    second.mkdir()
    half = len(manifest["files"]) // 2
    for entry in manifest["files"][half:]:
        (folder / entry["path"]).rename(second / entry["path"])
    parts = (
        (folder, {**manifest, "files": manifest["files"][:half]}),
        (second, {**manifest, "files": manifest["files"][half:], "batch": manifest["batch"] + "-b"}),
    )
    for target, content in parts:
        (target / "manifest.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def splittable(inbox: Path) -> list[Path]:
    """Deliveries that nobody withdraws and that withdraw nobody: their batch may get a second name."""
    named: set[str] = set()
    folders = sorted(path.parent for path in inbox.glob("*/*/*/manifest.json"))
    manifests = {
        folder: json.loads((folder / "manifest.json").read_text(encoding="utf-8")) for folder in folders
    }
    for manifest in manifests.values():
        named |= {f"{manifest['unit']} {batch}" for batch in manifest["withdraws"]}
    return [
        folder
        for folder, manifest in manifests.items()
        if not manifest["withdraws"]
        and manifest["mode"] == "delta"
        and f"{manifest['unit']} {manifest['batch']}" not in named
        and len(manifest["files"]) > 1
        and len({entry["dataset"] for entry in manifest["files"]}) == len(manifest["files"])
    ]


def kill_when(home: Path, inbox: Path, line: str) -> None:
    """Start a run and kill it without warning as soon as it says something."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "run", "--inbox", str(inbox)],
        cwd=REPOSITORY,
        env={**os.environ, "YUDANG_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for said in process.stderr:
        if line in said:
            os.killpg(process.pid, signal.SIGKILL)
            break
    process.wait()
    assert process.returncode == -signal.SIGKILL, f"the run ended before it said {line!r}"


def test_order_splitting_repetition_and_kills_do_not_change_the_marts(
    sample_run: SampleRun, tmp_path: Path
) -> None:
    inbox, home = tmp_path / "inbox", tmp_path / "home"
    shutil.copytree(sample_run.city / "inbox", inbox)
    chosen = splittable(inbox)
    assert len(chosen) > 5
    for folder in chosen[::3]:
        split(folder)
    # equal pseudonyms need the same key
    (home / "keys").mkdir(parents=True)
    shutil.copy2(sample_run.home / "keys" / "site.key", home / "keys" / "site.key")

    # the units' deliveries arrive backwards, one at a time
    from pipelines.ingest.pending import ingest_delivery
    from pipelines.settings import Settings

    settings = Settings.load(home=home, inbox=inbox)
    folders = sorted((path.parent for path in inbox.glob("*/*/*/manifest.json")), reverse=True)
    for folder in folders[: len(folders) // 3]:
        assert ingest_delivery(settings, folder) is not None
    # the same bytes again are a repetition
    again = folders[0]
    before = sm3((again / "manifest.json").read_bytes())
    shutil.copytree(again, tmp_path / "again")
    shutil.rmtree(again)
    shutil.copytree(tmp_path / "again", again)
    assert sm3((again / "manifest.json").read_bytes()) == before
    assert ingest_delivery(settings, again) is None

    kill_when(home, inbox, "数仓 staging")
    assert not (home / "marts" / "marts.duckdb").exists()
    finished = yudang("run", "--inbox", str(inbox), home=home)
    assert finished.returncode == 0, finished.stdout + finished.stderr

    published = json.loads((home / "marts" / "published.json").read_text(encoding="utf-8"))
    differing = [
        table
        for table, content in sample_run.published["tables"].items()
        if published["tables"][table] != content
    ]
    assert differing == []
    assert set(published["tables"]) == set(sample_run.published["tables"])

    from dagster import DagsterInstance, DagsterRunStatus

    with DagsterInstance.from_config(str(home / "dagster")) as instance:
        ended = [run.status for run in instance.get_runs()]
    assert ended == [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE]
    assert "没有变化" in yudang("run", "--inbox", str(inbox), home=home).stdout

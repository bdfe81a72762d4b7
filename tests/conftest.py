"""The sample run: one small synthetic city and a handful of canaries, taken through the command line once.

No expectations live here; all test areas may read the sample, nobody may write into it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.settings import Settings
from tests.deliveries import DeliveryBuilder

REPOSITORY = Path(__file__).resolve().parents[1]

SAMPLE_RESIDENTS = 1500
SAMPLE_UNITS = 3
SAMPLE_SEED = 20260630
AS_OF = date(2026, 6, 30)

CANARY_UNIT = "500243"
CANARY_ARCHIVE_ID = "ZSL-CANARY-0001"
CANARIES = {
    "name": "甴曱麤龘",
    "id_no": "512127195002280035",
    "phone": "10098761234",
    "contact_name": "齉齾爩",
    "contact_phone": "10055554321",
    "present_address": "鱻驫街厵弄七百四十二号",
    "registered_address": "飝飍路灥灥寨三号",
    "archive_no": "50024377799900042",
    "district_archive_id": CANARY_ARCHIVE_ID,
}
"""Values that occur nowhere else; none may leave the restricted zone. No ID was ever issued in 512127."""

BROKEN_CANARY = "贔屭麣籲"
"""Stands where a date belongs, so that the row is quarantined with its text."""


def canary_rows() -> list[dict[str, Any]]:
    """One good archive and one whose birth date is a text that nobody may ever see again."""
    good = {
        **CANARIES,
        "id_type_code": "01",
        "sex_code": "1",
        "birth_date": date(1950, 2, 28),
        "ethnic_code": "01",
        "create_org_code": "CQ500243T01",
        "manage_org_code": "CQ500243T01",
        "created_date": date(2025, 3, 1),
        "declared_status_code": "MANAGED",
    }
    bad = {**good, "district_archive_id": CANARY_ARCHIVE_ID + "X", "birth_date": BROKEN_CANARY}
    return [good, bad]


@dataclass(frozen=True)
class SampleRun:
    """A finished run of the sample city.

    Attributes:
        home: its home; read only.
        city: folder with `inbox` and `truth`.
        stdout, stderr: what the command said.
    """

    home: Path
    city: Path
    stdout: str
    stderr: str

    @property
    def settings(self) -> Settings:
        """Settings of this home."""
        return Settings.load(home=self.home, inbox=self.city / "inbox")

    @property
    def published(self) -> dict[str, Any]:
        """The record of what stands published."""
        return json.loads((self.home / "marts" / "published.json").read_text(encoding="utf-8"))

    def marts(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the published marts; schema `marts`."""
        return ask(self.home / "marts" / "marts.duckdb", "city", sql)

    def warehouse(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the restricted warehouse."""
        return ask(self.home / "warehouse.duckdb", "warehouse", sql)


def ask(path: Path, name: str, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query against one file, attached read-only under `name`."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as {name} (read_only); use {name}")
        return connection.sql(sql).fetchall()


def yudang(
    *arguments: str, home: Path, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "YUDANG_HOME": str(home), **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def make_city(folder: Path) -> None:
    """The sample city with the canaries' delivery in its inbox."""
    from pipelines.synth.city import generate

    generate(
        folder,
        residents=SAMPLE_RESIDENTS,
        units=SAMPLE_UNITS,
        first=date(2025, 1, 1),
        last=AS_OF,
        seed=SAMPLE_SEED,
        defects=0.03,
    )
    DeliveryBuilder(
        folder / "inbox", unit=CANARY_UNIT, sent_at="2026-06-02T20:00:00+08:00", batch="canary"
    ).add("archive", canary_rows()).write()


LONG_FILES = (
    "pipeline/test_sample.py",
    "acceptance/test_casebook.py",
    "pipeline/test_same_out.py",
    "pipeline/test_refusal.py",
    "thirdparty/test_thirdparty.py",
    "rules/test_unit_tests.py",
    "acceptance/test_site_key.py",
    "quality/test_structure_suites.py",
    "ingest/test_lake_compaction.py",
)
"""Files with whole runs or a minute of work. They come first, so that no worker is left alone with one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; the order within a file and among the others stays."""
    place = {REPOSITORY / "tests" / name: index for index, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of a test session share; YUDANG_TEST_SHARED keeps one between sessions."""
    if kept := os.environ.get("YUDANG_TEST_SHARED"):
        Path(kept).mkdir(parents=True, exist_ok=True)
        return Path(kept)
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def sample_run(shared_folder: Path) -> SampleRun:
    """The sample city, run once for the whole session whatever the number of workers."""
    root = shared_folder / "sample"
    root.mkdir(exist_ok=True)
    done = root / "done.json"
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.is_file():
            shutil.rmtree(root / "city", ignore_errors=True)
            shutil.rmtree(root / "home", ignore_errors=True)
            make_city(root / "city")
            finished = yudang("run", "--inbox", str(root / "city" / "inbox"), home=root / "home")
            said = [finished.returncode, finished.stdout, finished.stderr]
            done.write_text(json.dumps(said), encoding="utf-8")
    code, stdout, stderr = json.loads(done.read_text(encoding="utf-8"))
    assert code == 0, stdout[-4000:] + stderr[-4000:]
    return SampleRun(root / "home", root / "city", stdout, stderr)


@pytest.fixture
def own_copy(sample_run: SampleRun, tmp_path: Path) -> Iterator[SampleRun]:
    """A copy of the sample's home that a test may change; the inbox stays the shared one."""
    home = tmp_path / "home"
    shutil.copytree(sample_run.home, home, ignore=shutil.ignore_patterns("spill", "ingest"))
    yield SampleRun(home, sample_run.city, sample_run.stdout, sample_run.stderr)
    shutil.rmtree(home, ignore_errors=True)


def texts(values: Sequence[str]) -> list[bytes]:
    """How values could stand in a file: as UTF-8 and as JSON escapes."""
    plain = [value.encode() for value in values]
    escaped = [json.dumps(value).strip('"').encode() for value in values if not value.isascii()]
    return plain + escaped

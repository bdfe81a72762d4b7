"""The same request gives the same bytes, whatever the threads; other requests are refused or differ."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from pipelines.synth.city import generate
from tests.synth.conftest import City

_REQUEST = {"residents": 700, "units": 3, "seed": 5, "defects": 0.1}


def digest(root: Path) -> str:
    """One digest over the names and bytes of all files below a folder."""
    total = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file():
            total.update(str(path.relative_to(root)).encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("reference")
    generate(root, **_REQUEST)  # type: ignore[arg-type]
    return digest(root)


@pytest.mark.parametrize("threads", ["1", "4"])
def test_thread_count_changes_no_byte(reference: str, tmp_path: Path, threads: str) -> None:
    script = (
        "import sys, pathlib; from pipelines.synth.city import generate;"
        "generate(pathlib.Path(sys.argv[1]), residents=700, units=3, seed=5, defects=0.1)"
    )
    environment = {**os.environ, "POLARS_MAX_THREADS": threads}
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "city")], check=True, env=environment)
    assert digest(tmp_path / "city") == reference


def test_another_seed_is_another_city(reference: str, tmp_path: Path) -> None:
    generate(tmp_path, **{**_REQUEST, "seed": 6})  # type: ignore[arg-type]
    assert digest(tmp_path) != reference


@pytest.mark.parametrize("file_format", ["parquet", "xlsx"])
def test_formats_say_the_same(tmp_path: Path, file_format: str) -> None:
    cities = {}
    for name in ("csv", file_format):
        summary = generate(tmp_path / name, residents=300, units=2, seed=3, defects=0.1, file_format=name)
        cities[name] = City(tmp_path / name, summary)
    again = generate(tmp_path / "again", residents=300, units=2, seed=3, defects=0.1, file_format=file_format)
    assert again == cities[file_format].summary
    assert digest(tmp_path / "again" / "inbox") == digest(tmp_path / file_format / "inbox")
    for dataset in ("archive", "transfer", "termination", "population"):
        left = cities["csv"].current(dataset)
        right = cities[file_format].current(dataset)
        assert left.height == right.height
        keys = [name for name in left.columns if name.endswith(("_id", "_code"))]
        for key in keys:
            assert left[key].to_list() == right[key].to_list(), (dataset, key)


@pytest.mark.parametrize(
    ("first", "last", "units"),
    [
        (date(2025, 1, 1), date(2025, 3, 10), 1),
        (date(2025, 3, 15), date(2025, 9, 10), 2),
        (date(2026, 1, 1), date(2026, 12, 31), 3),
        (date(2024, 12, 1), date(2025, 12, 31), 4),
    ],
)
def test_other_periods_work(tmp_path: Path, first: date, last: date, units: int) -> None:
    summary = generate(tmp_path, residents=900, units=units, first=first, last=last, seed=2, defects=0.1)
    assert summary.as_of == last
    assert summary.violations > 0
    assert len(list((tmp_path / "inbox").iterdir())) == units + 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"residents": 0},
        {"units": 0},
        {"units": 99},
        {"defects": 0.9},
        {"file_format": "json"},
        {"first": date(2026, 1, 1), "last": date(2025, 1, 1)},
    ],
)
def test_impossible_requests_are_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must|share"):
        generate(tmp_path, **{**_REQUEST, **wrong})  # type: ignore[arg-type]


def test_a_city_is_never_built_over_another(tmp_path: Path) -> None:
    (tmp_path / "inbox").mkdir()
    with pytest.raises(ValueError, match="already"):
        generate(tmp_path, **_REQUEST)  # type: ignore[arg-type]

"""Input written by nobody here: our figures equal the authors' own, or twenty independent lines.

How the histories become deliveries stands in adapters.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from carebundle.benchmark import run_measure

from tests.deliveries import write_delivery
from tests.thirdparty.adapters import carebundle_histories, carebundle_rows, synthea_rows, synthea_tables

pytestmark = pytest.mark.whole_run

REPOSITORY = Path(__file__).resolve().parents[2]
CAREBUNDLE, SYNTHEA = ("500103", "5001030001"), ("500104", "5001040001")


@pytest.fixture(scope="session")
def histories() -> list[dict]:
    return carebundle_histories()


@pytest.fixture(scope="session")
def marts(tmp_path_factory: pytest.TempPathFactory, histories: list[dict]) -> duckdb.DuckDBPyConnection:
    """Marts at 2025-12-31, with 140/90 for all ages as the package's measure has it."""
    home = tmp_path_factory.mktemp("thirdparty")
    sent = "2026-11-20T20:00:00+08:00"
    write_delivery(
        home / "inbox", unit=CAREBUNDLE[0], sent_at=sent, files=carebundle_rows(histories, *CAREBUNDLE)
    )
    write_delivery(
        home / "inbox", unit=SYNTHEA[0], sent_at=sent, files=synthea_rows(*SYNTHEA), encoding="gb18030"
    )
    command = [sys.executable, "-m", "pipelines.cli", "run", "--as-of", "2025-12-31"]
    done = subprocess.run(
        [*command, "--set", "bp_elderly_sbp_limit=140"],
        cwd=REPOSITORY,
        env={**os.environ, "YUDANG_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    connection = duckdb.connect()
    connection.execute(f"attach '{home / 'marts' / 'marts.duckdb'}' as city (read_only); use city")
    return connection


def control(marts: duckdb.DuckDBPyConnection, unit: str) -> tuple[int, int]:
    """Numerator and denominator of N-HTN-3 in 2025."""
    return marts.execute(
        "select numerator_count, denominator_count from marts.mart_indicator where indicator_id = 'N-HTN-3' "
        "and variant = '' and period = '2025' and level = 'district' and code = ?",
        [unit],
    ).fetchone()


def test_blood_pressure_control_equals_the_packages_own_measure(marts, histories) -> None:
    expected = run_measure("controlling_high_blood_pressure", histories)
    assert expected.denominator == len(histories)
    assert control(marts, CAREBUNDLE[0]) == (expected.numerator, expected.denominator)


def test_persons_and_deaths_equal_the_source(marts) -> None:
    patients, _, _ = synthea_tables()
    dead = sum(1 for patient in patients if patient["death_date"] and patient["death_date"] <= "2025-12-31")
    counted = marts.execute(
        "select status_code, count(*) from marts.fct_archive where district_code = ? group by all",
        [SYNTHEA[0]],
    ).fetchall()
    assert dict(counted) == {"MANAGED": len(patients) - dead, "DEAD": dead}


def test_control_of_the_last_reading_equals_an_independent_count(marts) -> None:
    patients, observations, conditions = synthea_tables()
    died = {patient["id"]: patient["death_date"] or "9999" for patient in patients}
    diagnosed = {c["id"] for c in conditions if c["snomed"] == "59621000" and c["onset"] <= "2025-12-31"}
    last: dict[str, tuple[str, dict[str, float]]] = {}
    for row in observations:
        if row["date"][:4] == "2025" and row["item"] in ("sbp", "dbp"):
            day, values = last.get(row["id"], ("", {}))
            if row["date"] > day:
                day, values = row["date"], {}
            if row["date"] == day:
                last[row["id"]] = (day, {**values, row["item"]: float(row["value"])})
    denominator = {person for person in diagnosed if died[person] > "2025-01-01"}
    numerator = {
        person
        for person in denominator & last.keys()
        if last[person][1].get("sbp", 999) < 140 and last[person][1].get("dbp", 999) < 90
    }
    assert control(marts, SYNTHEA[0]) == (len(numerator), len(denominator))

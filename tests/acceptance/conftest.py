"""Runs the told city once, through the command line, and answers questions about what came out.

The stories live in city.py, stories.py and test_casebook.py.
"""

from __future__ import annotations

import csv
import fcntl
import hmac
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.acceptance.city import City
from tests.acceptance.reform import tell_reform
from tests.acceptance.stories import tell_disease, tell_identity
from tests.acceptance.ties import tell_ties
from tests.conftest import yudang
from tests.deliveries import write_delivery

REPOSITORY = Path(__file__).resolve().parents[2]
TABLE_OF = {dataset: f"rule_{dataset}" for dataset in ("archive", "transfer", "termination", "reactivation")}


@dataclass
class Told:
    """The home of the run and the questions a reader asks of it."""

    home: Path
    city: City
    subjects: dict[int, tuple[str, str, str]]

    def _ask(self, file: str, sql: str) -> list[tuple[Any, ...]]:
        # in a file called marts, `marts.` could be the file or the schema; the warehouse's views need its own name
        name = "warehouse" if file.startswith("warehouse") else "told"
        with duckdb.connect() as connection:
            connection.execute(f"attach '{self.home / file}' as {name} (read_only); use {name}")
            return connection.sql(sql).fetchall()

    def marts(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the published marts."""
        return self._ask("marts/marts.duckdb", sql)

    def warehouse(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the restricted warehouse."""
        return self._ask("warehouse.duckdb", sql)

    def key(self, *parts: str) -> str:
        """The pseudonym of a record: HMAC-SM3 under the site key."""
        secret = bytes.fromhex((self.home / "keys" / "site.key").read_text().strip())
        return hmac.digest(secret, ":".join(parts).encode(), "sm3").hex()

    def verdict(self, rule: str, dataset: str, scope: str, record: str) -> tuple[str, str | None]:
        """Outcome and reason of one rule for one record."""
        table = TABLE_OF.get(dataset, "rule_service")
        if rule == "A1-3-1b":
            table = "rule_record"
        registry = csv.DictReader((REPOSITORY / "dbt_project/seeds/rules.csv").open(encoding="utf-8"))
        rows = [line for line in registry if (line["rule_id"], line["table_name"]) == (rule, table)]
        assert len(rows) == 1, f"{rule} stands {len(rows)} times for {table}"
        column = rows[0]["column_name"]
        found = self.warehouse(
            f"select {column}, {column}_reason from rules.{table} "
            f"where subject_key = '{self.key(dataset, scope, record)}'"
        )
        assert len(found) == 1, f"{rule}: {len(found)} rows of rules.{table} for {dataset} {record}"
        return found[0]

    def outcome(self, rule: str, dataset: str, unit: str, case: str) -> tuple[str, str | None]:
        """The verdict on the archive of a case."""
        return self.verdict(rule, dataset, unit, self.city.persons[case].archive_id(unit))

    def indicator(self, indicator: str, period: str, level: str, code: str, variant: str = "") -> tuple:
        """Numerator, denominator and not-evaluable count of one cell."""
        found = self.marts(
            "select numerator_count, denominator_count, not_evaluable_count from marts.mart_indicator "
            f"where indicator_id = '{indicator}' and period = '{period}' and level = '{level}' "
            f"and code = '{code}' and variant = '{variant}'"
        )
        assert len(found) == 1, f"{indicator} {period} {level} {code}: {len(found)} rows"
        return found[0]

    def person_key(self, case: str, unit: str = "500229") -> str:
        """The person to whom the archive of a case belongs."""
        archive = self.city.persons[case].archive_id(unit)
        found = self.warehouse(
            "select person_key from identity.archive_person "
            f"where delivery_unit = '{unit}' and district_archive_id = '{archive}'"
        )
        assert len(found) == 1
        return found[0][0]

    def reviews(self, case: str) -> set[str]:
        """Reasons under which the person of a case waits for review."""
        key = self.person_key(case)
        return {
            row[0]
            for row in self.warehouse(
                "select r.reason_code from identity.identity_review as r "
                "inner join identity.person_alias as a on a.identity_key in (r.left_key, r.right_key) "
                f"where a.person_key = '{key}'"
            )
        }


@pytest.fixture(scope="session")
def told(shared_folder: Path) -> Told:
    """All stories in one city and one run, whatever the number of workers."""
    from tests.acceptance.test_casebook import CASES

    city = City()
    city.reference()
    subjects = {
        number: one.tell(city, city.person(f"{number}:{one.name}")) for number, one in enumerate(CASES)
    }
    tell_disease(city)
    tell_identity(city)
    tell_reform(city)
    tell_ties(city)
    root = shared_folder / "told"
    root.mkdir(exist_ok=True)
    home, done = root / "home", root / "done.json"
    with (root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.is_file():
            for (unit, day), files in city.sent.items():
                write_delivery(home / "inbox", unit=unit, sent_at=f"{day}T21:00:00+08:00", files=files)
            run = yudang("run", home=home)
            done.write_text(json.dumps([run.returncode, run.stdout, run.stderr]), encoding="utf-8")
    code, stdout, stderr = json.loads(done.read_text(encoding="utf-8"))
    assert code == 0, stdout[-4000:] + stderr[-4000:]
    return Told(home, city, subjects)

"""The run against the truth of the sample city: persons, duplicates, status, every violation, every indicator.

YUDANG_TEST_CITY and YUDANG_TEST_HOME (both or none) name another city and the home of its finished run, to
judge a larger one by the same tests.
"""

from __future__ import annotations

import csv
import hmac
import os
from collections import defaultdict
from functools import cached_property
from pathlib import Path

import pytest

from tests.conftest import CANARY_ARCHIVE_ID, CANARY_UNIT, SampleRun


class Truth:
    """The truth files beside the city, and the pseudonyms under which the run knows their subjects."""

    def __init__(self, sample: SampleRun, has_canary: bool = True) -> None:
        self.sample = sample
        self.has_canary = has_canary
        self.secret = bytes.fromhex((sample.home / "keys" / "site.key").read_text(encoding="ascii").strip())

    def file(self, name: str) -> list[dict[str, str]]:
        path = self.sample.city / "truth" / f"{name}.csv"
        with path.open(encoding="utf-8", newline="") as handle:
            return list(csv.DictReader(handle))

    def key(self, dataset: str, scope: str, record: str) -> str:
        return hmac.digest(self.secret, f"{dataset}:{scope}:{record}".encode(), "sm3").hex()

    @cached_property
    def persons(self) -> dict[str, set[str]]:
        """Number of a person → keys under which the run knows their archives."""
        known = {
            (unit, archive): key
            for unit, archive, key in self.sample.warehouse(
                "select delivery_unit, district_archive_id, person_key from identity.archive_person"
            )
        }
        found: dict[str, set[str]] = {}
        for person in self.file("persons"):
            if person["district_archive_ids"]:
                pairs = zip(
                    person["units"].split("|"), person["district_archive_ids"].split("|"), strict=True
                )
                found[person["person_no"]] = {known[pair] for pair in pairs}
        return found

    @cached_property
    def canary(self) -> str | None:
        """The person of the canary archive, whom the truth does not know."""
        if not self.has_canary:
            return None
        ((key,),) = self.sample.warehouse(
            "select person_key from identity.archive_person "
            f"where delivery_unit = '{CANARY_UNIT}' and district_archive_id = '{CANARY_ARCHIVE_ID}'"
        )
        return key

    def subjects(self, line: dict[str, str]) -> set[str]:
        """Keys of the subject that a violation may be found on: the record, or the person it tells of."""
        return {
            self.key(line["dataset"], line["unit"], line["record_key"]),
            self.key(line["dataset"], "*", line["record_key"]),
            # an institution's month has no unit in its key
            self.key(line["dataset"], *line["record_key"].split(":", 1)) if ":" in line["record_key"] else "",
            *self.persons.get(line["person_no"], ()),
        }


@pytest.fixture(scope="module")
def truth(request: pytest.FixtureRequest) -> Truth:
    if city := os.environ.get("YUDANG_TEST_CITY"):
        home = Path(os.environ["YUDANG_TEST_HOME"])
        return Truth(SampleRun(home, Path(city), "", ""), has_canary=False)
    return Truth(request.getfixturevalue("sample_run"))


def test_every_resident_is_one_person_and_no_two_residents_are(truth: Truth) -> None:
    # an upgrade that nobody links waits for review and may not be merged
    unlinked = {line["person_no"] for line in truth.file("duplicates") if line["is_linked"] == "false"}
    torn = {number for number, keys in truth.persons.items() if len(keys) > 1}
    assert torn == unlinked
    owners = defaultdict(set)
    for number, keys in truth.persons.items():
        for key in keys:
            owners[key].add(number)
    assert [numbers for numbers in owners.values() if len(numbers) > 1] == []
    ((count,),) = truth.sample.warehouse("select count(distinct person_key) from archive.person_state")
    assert count == len(owners) + truth.has_canary


def test_a_misspelt_name_waits_for_review_and_makes_no_second_person(truth: Truth) -> None:
    planted = {f"AR:{line['unit']}:{line['district_archive_id']}" for line in truth.file("reviews")}
    found = truth.sample.warehouse(
        "select right_key from identity.identity_review where reason_code = 'NAME_CONFLICT'"
    )
    assert planted
    assert {key for (key,) in found} == planted


def test_linked_duplicates_are_found_and_no_others(truth: Truth) -> None:
    expected = {
        key
        for line in truth.file("duplicates")
        if line["is_linked"] == "true"
        for key in truth.persons[line["person_no"]]
    }
    found = {
        key
        for (key,) in truth.sample.warehouse(
            "select distinct person_key from rules.finding where rule_id = 'A1-2-2'"
        )
    }
    assert expected
    assert found == expected


def test_recorded_and_expected_status_are_met(truth: Truth) -> None:
    found = {
        key: (recorded, expected)
        for key, recorded, expected in truth.sample.warehouse(
            "select person_key, status_code, expected_status_code from archive.person_state"
        )
    }
    wrong = {}
    for line in truth.file("status"):
        wanted = (line["recorded_status_code"], line["expected_status_code"])
        got = {found.get(key) for key in truth.persons.get(line["person_no"], ())}
        if got and got != {wanted}:
            wrong[line["person_no"]] = (wanted, got)
    assert wrong == {}


def test_every_planted_violation_is_found(truth: Truth) -> None:
    found = set(truth.sample.warehouse("select rule_id, finding_code, subject_key from rules.finding"))
    missed = [
        line
        for line in truth.file("violations")
        if line["is_finding"] == "true"
        and not any((line["rule_id"], line["finding_code"], key) in found for key in truth.subjects(line))
    ]
    assert missed == []


def test_boundary_cases_that_are_no_violations_are_not_found(truth: Truth) -> None:
    found = set(truth.sample.warehouse("select rule_id, subject_key from rules.finding"))
    violations = {
        (line["rule_id"], line["person_no"])
        for line in truth.file("violations")
        if line["is_finding"] == "true"
    }
    wronged = [
        line
        for line in truth.file("violations")
        if line["is_finding"] == "false"
        and (line["rule_id"], line["person_no"]) not in violations
        and any((line["rule_id"], key) in found for key in truth.subjects(line))
    ]
    assert wronged == []


def test_nothing_is_found_that_was_not_planted(truth: Truth) -> None:
    planted = defaultdict(set)
    for line in truth.file("violations"):
        if line["is_finding"] == "true":
            planted[(line["rule_id"], line["finding_code"])] |= truth.subjects(line)
    surplus = [
        (rule, code, event)
        for rule, code, subject, person, event in truth.sample.warehouse(
            "select rule_id, finding_code, subject_key, person_key, event_date from rules.finding"
        )
        if subject not in planted[(rule, code)] and (truth.canary is None or person != truth.canary)
    ]
    assert surplus == []


def test_every_expected_indicator_is_met_exactly(truth: Truth) -> None:
    found = {
        (indicator, variant, period, level, code): (numerator, denominator)
        for indicator, variant, period, level, code, numerator, denominator in truth.sample.marts(
            "select indicator_id, variant, period, level, code, numerator_count, denominator_count "
            "from marts.mart_indicator"
        )
    }
    wrong = {}
    for line in truth.file("indicators"):
        cell = (line["indicator_id"], line["variant"], line["period"], line["level"], line["code"])
        wanted = (
            int(line["numerator_count"]),
            int(line["denominator_count"]) if line["denominator_count"] else None,
        )
        got = found[cell]
        if line["level"] == "city" and truth.has_canary:
            # the canary's district belongs to the city, not to the truth
            numerator, denominator = found[(*cell[:3], "district", CANARY_UNIT)]
            got = (got[0] - numerator, None if got[1] is None else got[1] - (denominator or 0))
        if got != wanted:
            wrong[cell] = (wanted, got)
    assert wrong == {}


def test_every_broken_row_is_quarantined_for_its_reason_and_no_other_row(truth: Truth) -> None:
    parts = truth.sample.home / "quarantine" / "*" / "unit=*" / "**" / "*.parquet"
    found = {
        (unit, batch, file, row): reasons.split("|")
        for unit, batch, file, row, reasons in truth.sample.warehouse(
            "select delivery_unit, delivery_batch, delivery_file, delivery_row, reason_codes "
            f"from read_parquet('{parts}', hive_partitioning = false)"
        )
        if not (truth.has_canary and unit == CANARY_UNIT)
    }
    lines = truth.file("quarantine")
    planted = {(line["unit"], line["batch"], line["file"], int(line["row"])): line for line in lines}
    assert planted
    assert found.keys() == planted.keys()
    for place, line in planted.items():
        named = {f"{line['reason_code']}:{column}" for column in line["column"].split("|")}
        assert {line["reason_code"], *named} & set(found[place]), (line, found[place])


def test_every_spoiled_file_is_refused_for_its_reason_and_no_other(truth: Truth) -> None:
    parts = truth.sample.home / "lake" / "delivery_file" / "**" / "*.parquet"
    found = {
        (unit, batch, file): delivery_reason or file_reason
        for unit, batch, file, delivery_reason, file_reason in truth.sample.warehouse(
            "select delivery_unit, delivery_batch, file_path, delivery_reason_code, file_reason_code "
            f"from read_parquet('{parts}', hive_partitioning = false) where file_status = 'refused'"
        )
    }
    lines = truth.file("refusals")
    assert found == {(line["unit"], line["batch"], line["file"]): line["reason_code"] for line in lines}

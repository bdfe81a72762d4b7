"""A delivery of a unit before its foundation or after its abolition counts and is marked in the receipt."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.ingest.conftest import Home
from tests.ingest.rows import archive


@pytest.mark.parametrize(
    ("unit", "day", "said"),
    [
        ("500105", "2025-12-31", {}),
        ("500105", "2026-01-01", {"UNIT_ABOLISHED": "2026-01-01"}),
        ("500105", "2026-02-03", {"UNIT_ABOLISHED": "2026-01-01"}),
        ("500112", "2026-01-01", {"UNIT_ABOLISHED": "2026-01-01"}),
        ("500132", "2026-01-01", {"UNIT_ABOLISHED": "2026-01-01"}),
        ("500109", "2026-01-01", {}),
        ("500157", "2025-12-31", {"UNIT_NOT_YET": "2026-01-01"}),
        ("500157", "2026-01-01", {}),
        ("500133", "2026-01-01", {}),
    ],
)
def test_late_data_of_an_abolished_unit_are_taken_in_with_a_notice(
    home: Home, unit: str, day: str, said: dict[str, str]
) -> None:
    home.delivery(unit=unit, batch="B1", sent_at=f"{day}T21:00:00").add("archive", [archive(1)]).write()
    (outcome,) = home.ingest().deliveries
    assert outcome.status == "accepted"
    (path,) = home.settings.feedback.glob(f"{unit}/receipts/*-B1.json")
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    assert {notice["code"]: notice["detail"] for notice in document["notices"]} == said
    text = path.with_suffix(".txt").read_text("utf-8")
    assert [code in text and "请由" in text for code in said] == [True] * len(said)


def test_an_unknown_unit_is_refused_as_ever(home: Home) -> None:
    home.delivery(unit="500299", batch="B1", sent_at="2026-01-07T21:00:00").add(
        "archive", [archive(1)]
    ).write()
    (outcome,) = home.ingest().deliveries
    assert outcome.refusal is not None and outcome.refusal.code == "UNIT_UNKNOWN"

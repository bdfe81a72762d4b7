"""Contract §1 `withdraws`: a withdrawal that has no effect is named in the receipt and refuses nothing."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest

from pipelines.ingest import lake
from pipelines.publish.receipts import renew_notices
from tests.ingest.conftest import Home
from tests.ingest.rows import archive


def notices(home: Home, batch: str) -> dict[str, str]:
    """Code → batches named, as the JSON receipt of a batch of 500116 says them."""
    (path,) = home.settings.feedback.glob(f"500116/receipts/*-{batch}.json")
    return {one["code"]: one["detail"] for one in json.loads(path.read_text("utf-8"))["notices"]}


def send(home: Home, batch: str, day: int, *withdraws: str, **fields: Any) -> None:
    """Write a delivery of one archive."""
    home.delivery(batch=batch, sent_at=f"2026-01-{day:02d}T21:00:00", withdraws=withdraws, **fields).add(
        "archive", [archive(1)]
    ).write()


@pytest.mark.parametrize(
    ("named", "code"),
    [("B2", "WITHDRAWS_ITSELF"), ("B9", "WITHDRAWS_UNKNOWN"), ("OTHERS", "WITHDRAWS_UNKNOWN"), ("B1", None)],
    ids=["own batch", "never sent", "another unit's", "sent before"],
)
def test_a_withdrawal_without_effect_is_named_and_the_delivery_accepted(
    home: Home, named: str, code: str | None
) -> None:
    send(home, "B1", 7)
    send(home, "OTHERS", 7, unit="500103")
    send(home, "B2", 8, named)
    outcomes = home.ingest().deliveries
    assert [outcome.status for outcome in outcomes] == ["accepted"] * 3
    assert notices(home, "B2") == ({code: named} if code else {})
    (text,) = home.settings.feedback.glob("500116/receipts/*-B2.txt")
    said = [line for line in text.read_text("utf-8").splitlines() if line.startswith("提示：")]
    assert [f"（{named}） [{code}]" in line and "请" in line for line in said] == ([True] if code else [])


def test_a_batch_that_arrives_later_settles_the_notice_after_the_build(home: Home) -> None:
    def renew() -> None:
        with duckdb.connect() as connection:
            connection.execute("attach ':memory:' as warehouse; create schema warehouse.control")
            register = lake.read_register(home.settings)
            connection.register("register", register.to_arrow())
            connection.execute("create table warehouse.control.delivery_file as select * from register")
            renew_notices(home.settings, connection)

    send(home, "B2", 8, "B1", "B3")
    home.ingest()
    assert notices(home, "B2") == {"WITHDRAWS_UNKNOWN": "B1、B3"}
    send(home, "B1", 7)
    send(home, "B3", 9)
    home.ingest()
    renew()
    assert notices(home, "B2") == {"WITHDRAWS_LATER": "B3"}
    (path,) = home.settings.feedback.glob("500116/receipts/*-B2.json")
    before = path.stat().st_mtime_ns
    renew()
    assert path.stat().st_mtime_ns == before


def test_before_sending_only_the_own_batch_can_be_judged(home: Home, tmp_path: Any) -> None:
    from pipelines.ingest.check import check_delivery

    send(home, "B2", 8, "B2", "B1")
    (folder,) = home.settings.inbox.glob("500116/*/B2")
    (scratch := tmp_path / "scratch").mkdir()
    found = check_delivery(home.settings, folder, scratch).outcome.notices
    assert [notice.code for notice in found] == ["WITHDRAWS_ITSELF"]

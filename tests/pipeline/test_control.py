"""What counts as delivered, the moments of a cut-off, overrides of parameters."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.settings import Settings, SettingsError
from pipelines.warehouse.control import (
    Delivery,
    check_parameters,
    parse_moment,
    ruleset_version,
    withdrawn_deliveries,
)
from pipelines.words import spoken

START = datetime(2026, 1, 1, 20)


def delivery(number: int, *withdraws: int, unit: str = "500103", is_accepted: bool = True) -> Delivery:
    return Delivery(
        delivery_id=f"d{number}",
        unit=unit,
        batch=f"b{number}",
        received_at=START + timedelta(days=number),
        is_accepted=is_accepted,
        withdraws=frozenset(f"b{one}" for one in withdraws),
    )


def test_a_later_delivery_withdraws_an_earlier_batch() -> None:
    assert withdrawn_deliveries([delivery(1), delivery(2, 1)]) == {"d1"}


def test_an_earlier_delivery_cannot_withdraw_a_later_batch() -> None:
    assert withdrawn_deliveries([delivery(1, 2), delivery(2)]) == frozenset()


def test_a_withdrawn_withdrawal_has_no_effect() -> None:
    assert withdrawn_deliveries([delivery(1), delivery(2, 1), delivery(3, 2)]) == {"d2"}


def test_a_chain_of_withdrawals_is_resolved_from_the_latest_backwards() -> None:
    chain = [delivery(1), delivery(2, 1), delivery(3, 2), delivery(4, 3)]
    assert withdrawn_deliveries(chain) == {"d3", "d1"}


def test_a_refused_delivery_neither_withdraws_nor_is_withdrawn() -> None:
    assert withdrawn_deliveries([delivery(1), delivery(2, 1, is_accepted=False)]) == frozenset()


def test_another_units_batch_of_the_same_name_stands() -> None:
    assert withdrawn_deliveries([delivery(1, unit="500106"), delivery(2, 1)]) == frozenset()


@given(
    st.lists(st.lists(st.integers(0, 5), max_size=3), min_size=1, max_size=6).flatmap(
        lambda named: st.tuples(st.just(named), st.permutations(range(len(named))))
    )
)
def test_the_order_of_the_register_does_not_matter(case: tuple[list[list[int]], list[int]]) -> None:
    named, order = case
    deliveries = [delivery(number, *withdraws) for number, withdraws in enumerate(named)]
    found = withdrawn_deliveries([deliveries[position] for position in order])
    assert found == withdrawn_deliveries(deliveries)
    # the definition itself: withdrawn exactly when a later one that counts names the batch
    for one in deliveries:
        counts_against = any(
            other.received_at > one.received_at
            and one.batch in other.withdraws
            and other.delivery_id not in found
            for other in deliveries
        )
        assert (one.delivery_id in found) == counts_against


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-30", datetime(2026, 6, 30, 23, 59, 59, 999999)),
        ("2026-06-30T08:00:00", datetime(2026, 6, 30, 8)),
        ("2026-06-30 08:00", datetime(2026, 6, 30, 8)),
        ("2026-06-30T20:00:00+00:00", datetime(2026, 7, 1, 4)),
        ("2026-06-30T20:00:00Z", datetime(2026, 7, 1, 4)),
    ],
)
def test_a_cut_off_is_local_time(text: str, expected: datetime) -> None:
    assert parse_moment(text) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "30.06.2026"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_moment(text)


def test_known_parameters_of_the_right_type_pass() -> None:
    check_parameters(Settings.load(), {"service_entry_days": "7", "rules_effective_from": "2025-01-01"})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("service_entry_day", "7", "unknown parameter"),
        ("service_profile", "SPEC2030", "no service profile"),
        ("service_entry_days", "seven", "type integer"),
        ("rules_effective_from", "2025-02-30", "type date"),
    ],
)
def test_overrides_that_cannot_be_used_are_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        check_parameters(Settings.load(), {name: value})


def test_an_override_that_cannot_be_used_is_told_in_both_languages() -> None:
    with pytest.raises(SettingsError) as raised:
        check_parameters(Settings.load(), {"service_entry_day": "7"})
    assert "是否要写 service_entry_days" in spoken(str(raised.value), "zh")
    assert spoken(str(raised.value), "en").isascii()


def test_the_version_of_the_rules_knows_the_overrides_but_not_their_order() -> None:
    settings = Settings.load()
    pairs = [("service_entry_days", "7"), ("transfer_confirm_days", "8")]
    versions = {ruleset_version(settings, dict(order)) for order in itertools.permutations(pairs)}
    assert len(versions) == 1
    assert versions == {ruleset_version(settings, {}) + "[service_entry_days=7,transfer_confirm_days=8]"}

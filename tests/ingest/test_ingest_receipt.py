"""The receipt: both equations, in JSON and in Chinese; every reason with its way out."""

from __future__ import annotations

from datetime import date

import pytest

from pipelines.ingest import receipt
from pipelines.ingest.reasons import REASONS
from tests.ingest.conftest import Home
from tests.ingest.rows import archive, followup


def test_the_first_equation_per_file_and_in_sum(home: Home) -> None:
    builder = (
        home.delivery()
        .add("archive", [archive(1), archive(2), archive(3, name=None)])
        .add("htn_followup", [followup()], entry={"rows": 4})
    )
    outcome = home.take_in(builder)
    document = home.receipt(outcome)
    assert document["rows"] == {"manifest": 7, "accepted": 2, "quarantined": 1, "refused": 4}
    assert [file["rows"] for file in document["files"]] == [
        {"manifest": 3, "accepted": 2, "quarantined": 1, "refused": 0},
        {"manifest": 4, "accepted": 0, "quarantined": 0, "refused": 4},
    ]
    text = next(home.settings.feedback.rglob("*.txt")).read_text("utf-8")
    assert "合计：清单 7 行 = 入湖 2 + 隔离 1 + 拒收 4" in text
    assert "必填项“姓名”为空，请填写后重报本行。 [REQUIRED_MISSING] 首见于第 3 行" in text
    assert "（4 ≠ 1） [ROWS_MISMATCH]" in text


def counted(home: Home, **counts: int) -> receipt.VersionCount:
    """Counts of the archive rows of the one delivery."""
    row = home.register().row(0, named=True)
    figures = {"current": 0, "superseded": 0, "repeated": 0, "withdrawn": 0} | counts
    return receipt.VersionCount(
        unit="500116", day=date(2026, 1, 7), batch=row["delivery_batch"], delivery_id=row["delivery_id"],
        dataset="archive", **figures,
    )  # fmt: skip


def test_the_second_equation_is_open_until_the_build_and_filled_after_it(home: Home) -> None:
    outcome = home.take_in(home.delivery().add("archive", [archive(1), archive(2)]))
    entry = home.receipt(outcome)["datasets"][0]
    assert (entry["accepted"], entry["current"]) == (2, None)
    assert receipt.complete(home.settings, [counted(home, current=1, superseded=1)]) == []
    entry = home.receipt(outcome)["datasets"][0]
    assert [entry[name] for name in ("accepted", "current", "superseded", "repeated", "withdrawn")] == [
        2,
        1,
        1,
        0,
        0,
    ]
    text = next(home.settings.feedback.rglob("*.txt")).read_text("utf-8")
    assert "入湖 2 = 现行 1 + 被取代 1 + 重复 0 + 被撤回 0" in text


def test_a_broken_second_equation_is_returned(home: Home) -> None:
    home.take_in(home.delivery().add("archive", [archive(1), archive(2)]))
    count = counted(home, current=1)
    assert receipt.complete(home.settings, [count]) == [count]


def test_a_receipt_is_only_rewritten_when_figures_change(home: Home) -> None:
    outcome = home.take_in(home.delivery().add("archive", [archive(1)]))
    receipt.complete(home.settings, [counted(home, current=1)])
    path = receipt.receipt_path(home.settings, outcome.unit, outcome.day_text, outcome.batch)
    before = path.stat().st_mtime_ns
    receipt.complete(home.settings, [counted(home, current=1)])
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("code", sorted(REASONS))
def test_every_reason_is_one_sentence_with_a_way_out_in_both_languages(code: str) -> None:
    reason = REASONS[code]
    assert reason.chinese.endswith("。") and reason.chinese.count("。") == 1
    assert "请" in reason.chinese
    assert reason.english.endswith(".")
    assert ("{title}" in reason.chinese) == ("{column}" in reason.english)
    assert reason.level in ("delivery", "file", "row", "value", "identity")

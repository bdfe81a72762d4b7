"""What is said of a stage that broke: Chinese with the way out, English beside it, never a value of the data."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.warehouse.failure import StageError, value_free
from pipelines.words import both, spoken
from pipelines.workspace import BlockingCheckError


def raised(error: Exception) -> str:
    with pytest.raises(StageError) as found, value_free(BlockingCheckError):
        raise error
    return str(found.value)


@pytest.mark.parametrize(
    ("error", "chinese", "english"),
    [
        (duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate"), "YUDANG_MEMORY_LIMIT", "memory"),
        (OSError(28, "No space left on device"), "腾出空间", "free space"),
        (PermissionError(13, "Permission denied"), "权限", "permission"),
        (RuntimeError("something else"), "yudang serve", "yudang serve"),
    ],
)  # fmt: skip
def test_every_cause_has_a_way_out_in_both_languages(error: Exception, chinese: str, english: str) -> None:
    message = raised(error)
    assert chinese in spoken(message, "zh") and "请" in spoken(message, "zh")
    assert english in spoken(message, "en") and spoken(message, "en").isascii()


def test_values_stay_out_of_both_languages() -> None:
    message = raised(duckdb.ConversionException("Could not convert string '甴曱麤龘' 512127195002280035"))
    assert "甴" not in message and "512127195002280035" not in message


def test_messages_of_blocking_checks_pass_as_they_are() -> None:
    with pytest.raises(BlockingCheckError, match="rows"), value_free(BlockingCheckError):
        raise BlockingCheckError("rows")


def test_a_text_in_one_language_is_shown_as_it_is() -> None:
    assert spoken("plain\nsecond line", "zh") == "plain\nsecond line"
    assert (spoken(both("中", "en"), "zh"), spoken(both("中", "en"), "en")) == ("中", "en")

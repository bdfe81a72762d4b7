"""What may be said of an error: its kind and place, never a value of the data.

Not here: deciding what an error means for the run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.words import both

# these kinds of DuckDB errors speak of names in SQL only; all others may quote a value of a row
_NAMES_ONLY = re.compile(r"(Binder|Catalog|Parser|Syntax|Permission|Out of Memory) Error", re.IGNORECASE)
_QUOTED = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|`[^`\n]*`|“[^”\n]*”|‘[^’\n]*’")
_NUMBER = re.compile(r"[0-9A-Za-z]*\d{5,}[0-9A-Za-z]*")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_LONGEST = 600


def without_values(text: str) -> str:
    """Take out of an error text whatever could be a value: quoted parts, long numbers, anything Chinese.

    Quoted names stay where the kind of error speaks of names in SQL only, since nobody could mend a model
    without them. At most 600 characters are kept.
    """
    cleaned = text
    if not _NAMES_ONLY.search(cleaned):
        cleaned = _QUOTED.sub("«…»", cleaned)
    cleaned = _NUMBER.sub("«…»", cleaned)
    cleaned = _BEYOND_ASCII.sub(lambda found: found.group() if found.group() in "«…»" else "…", cleaned)
    return cleaned.strip()[:_LONGEST]


_WAYS_OUT: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"Out of Memory|MemoryError|failed to (pin|allocate)", re.IGNORECASE),
        "内存不足，请调高 YUDANG_MEMORY_LIMIT 或减少并行任务后重新运行",
        "out of memory; raise YUDANG_MEMORY_LIMIT or stop other work, then run again",
    ),
    (
        re.compile(r"No space left|Errno 28|out of disk", re.IGNORECASE),
        "磁盘空间不足，请腾出空间后重新运行",
        "the disk is full; free space and run again",
    ),
    (
        re.compile(r"PermissionError|Permission denied|Errno 13", re.IGNORECASE),
        "没有读写数据目录的权限，请改正权限后重新运行",
        "no permission for the home folder; mend it and run again",
    ),
)
_ANY_WAY_OUT = (
    "本环节意外中断，请在 Dagster（yudang serve）查看该步骤，排除原因后重新运行",
    "a stage broke; look at the step in Dagster (yudang serve), mend the cause and run again",
)


class StageError(RuntimeError):
    """A stage broke; the message, in both languages, is free of values and may stand in logs."""


@contextmanager
def value_free(*spoken: type[Exception]) -> Iterator[None]:
    """Let errors of the given kinds pass, whose messages are ours, and strip the values from every other.

    Dagster stores the message of whatever a stage raises, and messages of DuckDB and Polars quote rows.

    Raises:
        StageError: in the place of any other exception.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, (*spoken, StageError)):
            raise
        # not chained: Dagster would store the original's message along with this one
        raise StageError(with_way_out(describe(error))) from None


def with_way_out(technical: str) -> str:
    """A value-free technical text behind a sentence with the way out, in both languages."""
    chinese, english = _ANY_WAY_OUT
    for pattern, *known in _WAYS_OUT:
        if pattern.search(technical):
            chinese, english = known
            break
    return both(f"{chinese}（技术信息：{technical}）。", f"{english} ({technical})")


def describe(error: BaseException) -> str:
    """Return kind and value-free text of an exception."""
    return f"{type(error).__name__}: {without_values(str(error))}"

"""What may be said of an error: its kind and place, never a value of the data.

Not here: deciding what an error means for the run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

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


class StageError(RuntimeError):
    """A stage broke; the message is free of values and may stand in Dagster's storage and on screens."""


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
        raise StageError(describe(error)) from None


def describe(error: BaseException) -> str:
    """Return kind and value-free text of an exception."""
    return f"{type(error).__name__}: {without_values(str(error))}"

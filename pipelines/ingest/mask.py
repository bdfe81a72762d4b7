"""What of a delivered value may be shown to people: its shape, or itself where its column's role allows it.

Does not choose whose values are looked at (`examples.py`).

The role of the column decides (contract, `role`):

- DI and free text of any role (a name may stand in any text): the shape only.
- QI and SENS: the shape only, of dates and numbers too: a birth date or a reading belongs to a person.
- NONE: the value itself if it is plain, the shape otherwise.
- An unknown code of a column that is not DI: the code itself if it is short, or if it is a label of the value
  set written in place of its code. It stands for nothing that is known of a person.

The shape writes a digit as 9, letters as A or a, and other writing as 张 with * for each further character.
Plain values are what a number, day, moment or code may look like, with too few digits for a number of a
person or a telephone: slips of columns put those anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from pipelines.contract import model
from pipelines.contract.model import Column

SHOWN_CHARACTERS = 30

_PLAIN = (
    r"^[-+]?[0-9]{1,8}(?:[.,][0-9]{1,4})?[A-Za-z%/]{0,6}$",
    r"^[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}(?:[T ][0-9]{1,2}(?::[0-9]{1,2}){0,2})?$",
    r"^[0-9A-Za-z]{1,4}$",
)
_SHORT_CODE = r"^[0-9A-Za-z]{1,4}$"

_SHAPES = (
    (r"\p{Nd}", "9"),
    (r"\p{Lu}", "A"),
    (r"\p{Ll}", "a"),
    (r"[^9Aa\x21-\x7e，。、：；“”（）《》\s]", "*"),
    (r"\s", "␣"),
)


def shapes(values: pl.Series) -> pl.Series:
    """The shapes of texts, at most `SHOWN_CHARACTERS` long; null for null."""
    shape = pl.col("value")
    for form, sign in _SHAPES:
        shape = shape.str.replace_all(form, sign)
    # the first sign of a run of writing: 张, as in 张*
    shape = shape.str.replace_all(r"(^|[^*])\*", "${1}张")
    is_long = shape.str.len_chars() > SHOWN_CHARACTERS
    cut = pl.concat_str(shape.str.slice(0, SHOWN_CHARACTERS), pl.lit("…"))
    return (
        pl.DataFrame({"value": values})
        .select(pl.when(is_long).then(cut).otherwise(shape).alias("shape"))
        .to_series()
    )


def is_free_text(column: Column) -> bool:
    """Whether anything may stand in the column: text that is no code."""
    return column.type == "string" and not column.value_set


def shown(values: pl.Series, column: Column) -> pl.DataFrame:
    """What may be shown of values: columns `value`, `is_masked`, one row per value in the same order."""
    texts = values.str.strip_chars()
    plain = pl.lit(False)
    text = pl.col("text")
    if column.role != "DI" and column.value_set:
        plain = text.str.contains(_SHORT_CODE) | text.is_in(list(labels(column)))
    if column.role == "NONE" and not is_free_text(column):
        plain = plain | pl.any_horizontal(text.str.contains(form) for form in _PLAIN)
    return pl.DataFrame({"text": texts, "shape": shapes(texts)}).select(
        pl.when(plain).then("text").otherwise("shape").alias("value"),
        (~plain).fill_null(True).alias("is_masked"),
    )


def labels(column: Column) -> Mapping[str, str]:
    """Labels of a coded column's value set → code."""
    return (
        {label: code for code, label in model.value_set(column.value_set).items()} if column.value_set else {}
    )

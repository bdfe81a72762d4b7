"""Turns raw columns into typed contract columns and flags what could not be read or stands out.

Not here: identity numbers (`identity.py`), keys, hashes and the decision over a row (`rows.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import polars as pl

from pipelines.contract import model
from pipelines.contract.model import Column, Dataset
from pipelines.ingest.raw import FileRefused
from pipelines.settings import TIME_ZONE

MOMENT = pl.Datetime("us")

_BOOLEANS = {
    "1": True, "0": False, "true": True, "false": False, "True": True, "False": False,
    "TRUE": True, "FALSE": False, "是": True, "否": False,
}  # fmt: skip

# The engine's own date parser is laxer than the contract (signs, inner blanks), so the form is checked
# first. Years before 1000 are slips of the pen, and year 0 exists in no calendar of the engines behind.
_YEAR = "[1-9][0-9]{3}"
_DATE_ISO = f"^{_YEAR}-[0-9]{{2}}-[0-9]{{2}}$"
_DATE_PLAIN = f"^{_YEAR}[0-9]{{4}}$"
_DATE_SLASH = f"^{_YEAR}/[0-9]{{1,2}}/[0-9]{{1,2}}$"
_DATE_MIDNIGHT = f"^{_YEAR}-[0-9]{{2}}-[0-9]{{2}} 00:00:00$"
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_MOMENT_PLAIN = f"^{_YEAR}-[0-9]{{2}}-[0-9]{{2}} {_CLOCK}:[0-5][0-9]$"
_MOMENT_ISO = (
    f"^({_YEAR}-[0-9]{{2}}-[0-9]{{2}})(?:[T ]({_CLOCK})(:[0-5][0-9](?:[.,][0-9]{{1,9}})?)?"
    "(Z|[+-](?:0[0-9]|1[0-8])(?::?[0-5][0-9])?)?)?$"
)
_MOMENT_BASIC = (
    f"^({_YEAR}[0-9]{{4}})(?:T((?:[01][0-9]|2[0-3])[0-5][0-9])([0-5][0-9])?"
    "(Z|[+-](?:0[0-9]|1[0-8])(?:[0-5][0-9])?)?)?$"
)


@dataclass(frozen=True)
class Typed:
    """Typed values of a block.

    `values` has every contract column in its lake type. `texts` has the columns that were delivered,
    cleaned: text stripped, empty text and NaN null. `flags` maps `CODE:column` to a boolean Series and
    holds only flags that are true somewhere. `unknown` maps a code column to the raw text of its unknown
    codes.
    """

    values: pl.DataFrame
    texts: pl.DataFrame
    flags: Mapping[str, pl.Series]
    unknown: Mapping[str, pl.Series]


def _cleaned(series: pl.Series) -> pl.Expr:
    column, dtype = pl.col(series.name), series.dtype
    if dtype == pl.Null:
        return column.cast(pl.String)
    if isinstance(dtype, pl.Categorical | pl.Enum):
        column, dtype = column.cast(pl.String), pl.String()
    if dtype == pl.String:
        return column.str.strip_chars().replace("", None)
    if dtype == pl.Float32:
        # through text: 36.6 must stay 36.6 and not become the nearest single-precision number
        return column.fill_nan(None).cast(pl.String).cast(pl.Float64)
    if dtype == pl.Float64:
        return column.fill_nan(None)
    if isinstance(dtype, pl.Decimal):
        # through text: an identity number has more digits than a floating point number keeps
        return column.cast(pl.String).str.replace(r"\.0+$", "")
    if isinstance(dtype, pl.Datetime):
        if dtype.time_zone is not None:
            column = column.dt.convert_time_zone(TIME_ZONE).dt.replace_time_zone(None)
        return column.cast(MOMENT)
    if dtype in (pl.UInt64, pl.Int128, pl.UInt128):
        return column.cast(pl.String)
    if dtype.is_integer():
        return column.cast(pl.Int64)
    if dtype in (pl.Date, pl.Boolean):
        return column
    raise FileRefused("FILE_UNREADABLE", series.name)


def as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    """A cleaned column as text: whole numbers without a point, ISO dates and moments, booleans as 1/0."""
    column = pl.col(name)
    if dtype == pl.String:
        return column
    if dtype == pl.Float64:
        # beyond 2**53 the last digits are lost: written out they would look like a number that nobody sent
        whole = (column == column.round(0)) & (column.abs() < 2**53)
        return (
            pl.when(whole)
            .then(column.cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise(column.cast(pl.String))
        )
    if dtype == pl.Boolean:
        return column.cast(pl.Int8).cast(pl.String)
    if isinstance(dtype, pl.Datetime):
        return column.dt.strftime("%Y-%m-%d %H:%M:%S")
    return column.cast(pl.String)


def parse(raw: pl.DataFrame, dataset: Dataset, source_system: str | None, is_workbook: bool) -> Typed:
    """Read raw columns, named as in the contract, as the contract's types.

    `is_workbook`: dates come as `YYYY-MM-DD 00:00:00`, the text of a date cell. Raises `FileRefused` for a
    column of a type that no value of the contract can have (lists, bytes …).
    """
    present = [column for column in dataset.columns if column.name in raw.columns]
    # most codes, dates and numbers come without blanks: they are stripped only where reading fails
    given = raw.schema
    loose = {column.name for column in present if given[column.name] == pl.String and _is_coded(column)}
    texts = raw.select(pl.col(series.name) if series.name in loose else _cleaned(series) for series in raw)
    cleaned = texts.schema
    converted = [
        as_text(column.name, cleaned[column.name])
        for column in present
        if _reads_text(column, cleaned[column.name])
    ]
    if converted:
        texts = texts.with_columns(converted)
        cleaned = texts.schema
    single = [column for column in present if not _is_multiple(column)]
    values = texts.select(_value(column, cleaned[column.name], source_system) for column in single)
    empty, unfilled = _null_counts(values), _null_counts(texts)
    unread = [column for column in single if empty[column.name] > unfilled[column.name]]
    if unread:
        texts = texts.with_columns(_cleaned(texts[column.name]) for column in unread)
        values = values.with_columns(
            texts.select(_value(column, cleaned[column.name], source_system) for column in unread)
        )
        values = values.with_columns(_second_reading(texts, values, unread, is_workbook))
    unknown: dict[str, pl.Series] = {}
    for column in present:
        if _is_multiple(column):
            known, other = _multiple(texts[column.name], codes_of(column, source_system))
            values = values.with_columns(known.alias(column.name))
            if other is not None:
                unknown[column.name] = other
    flags = _flags(texts, values, present, unknown)
    absent = [
        pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in model.polars_schema(dataset).items()
        if name not in values.columns
    ]
    complete = values.with_columns(absent).select(dataset.column_names)
    for column in single:
        if column.value_set and f"CODE_UNKNOWN:{column.name}" in flags:
            mask = flags[f"CODE_UNKNOWN:{column.name}"]
            unknown[column.name] = texts.select(pl.when(mask).then(pl.col(column.name)))[column.name]
    return Typed(complete, texts, flags, unknown)


def _null_counts(frame: pl.DataFrame) -> Mapping[str, int]:
    return dict(zip(frame.columns, frame.null_count().row(0), strict=True)) if frame.width else {}


def _is_multiple(column: Column) -> bool:
    return bool(column.value_set) and column.is_multiple


def _is_coded(column: Column) -> bool:
    """Whether reading a column tells text with blanks around it from text without."""
    return column.type != "string" or bool(column.value_set)


def _reads_text(column: Column, dtype: pl.DataType) -> bool:
    """Whether the column is read from text, because its own type is not the type wanted."""
    if dtype == pl.String:
        return False
    wanted: dict[str, tuple[type[pl.DataType], ...]] = {
        "date": (pl.Date, pl.Datetime),
        "timestamp": (pl.Date, pl.Datetime),
        "integer": (pl.Int64, pl.Float64),
        "decimal": (pl.Int64, pl.Float64),
        "boolean": (pl.Boolean,),
    }
    return not isinstance(dtype, wanted.get(column.type, ()))


def codes_of(column: Column, source_system: str | None) -> Mapping[str, str]:
    """Return raw code → canonical code of a coded column for a source system."""
    name = column.value_set or ""
    crosswalk = model.crosswalk(source_system, name)
    return model.code_spellings(name) if crosswalk is None else crosswalk


@cache
def _value(column: Column, dtype: pl.DataType, source_system: str | None) -> pl.Expr:
    """The usual forms of a column's type; what they leave null is read again by `_second_reading`.

    Kept: building the expressions of a small file costs more than evaluating them.
    """
    return _usual_form(column, dtype, source_system).alias(column.name)


def _usual_form(column: Column, dtype: pl.DataType, source_system: str | None) -> pl.Expr:
    value = pl.col(column.name)
    if column.type == "date":
        if dtype == pl.Date:
            return pl.when(value.dt.year().is_between(1000, 9999)).then(value)
        if isinstance(dtype, pl.Datetime):
            return pl.when((value == value.dt.truncate("1d")) & value.dt.year().is_between(1000, 9999)).then(
                value.cast(pl.Date)
            )
        return _dates(value, _DATE_ISO, "%Y-%m-%d")
    if column.type == "timestamp":
        if dtype == pl.Date or isinstance(dtype, pl.Datetime):
            return pl.when(value.dt.year().is_between(1000, 9999)).then(value.cast(MOMENT))
        readable = pl.when(value.str.contains(_MOMENT_PLAIN)).then(value)
        return readable.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False, cache=False)
    if column.type == "decimal":
        number = value.cast(pl.Float64, strict=False)
        return pl.when(number.is_finite()).then(number)
    if column.type == "integer":
        number = value.cast(pl.Float64, strict=False)
        whole = (number == number.round(0)) & (number.abs() <= 2**53)
        return pl.coalesce(
            _exact_integer(value, dtype), pl.when(whole).then(number).cast(pl.Int64, strict=False)
        )
    if column.type == "boolean":
        if dtype == pl.Boolean:
            return value
        return value.replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean)
    if column.value_set:
        return value.replace_strict(
            dict(codes_of(column, source_system)), default=None, return_dtype=pl.String
        )
    return value


def _exact_integer(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    return (
        value.cast(pl.Int64, strict=False)
        if dtype == pl.String or dtype.is_integer()
        else pl.lit(None, pl.Int64)
    )


def _dates(value: pl.Expr, form: str, layout: str) -> pl.Expr:
    # looking a day up among those read before costs more than reading it
    return pl.when(value.str.contains(form)).then(value).str.to_date(layout, strict=False, cache=False)


def _second_reading(
    texts: pl.DataFrame, values: pl.DataFrame, present: list[Column], is_workbook: bool
) -> list[pl.Series]:
    """Read dates and moments of less usual forms, only in columns where some value is still unread."""
    wanted = [
        column
        for column in present
        if column.type in ("date", "timestamp")
        and texts.schema[column.name] == pl.String
        and values[column.name].null_count() > texts[column.name].null_count()
    ]
    if not wanted:
        return []
    joined = texts.select(pl.col(column.name).alias(f"text {column.name}") for column in wanted).with_columns(
        values.select(column.name for column in wanted)
    )
    expressions = []
    for column in wanted:
        text = pl.when(pl.col(column.name).is_null()).then(pl.col(f"text {column.name}"))
        if column.type == "date":
            forms = [_dates(text, _DATE_PLAIN, "%Y%m%d"), _dates(text, _DATE_SLASH, "%Y/%m/%d")]
            if is_workbook:
                forms.append(_dates(text, _DATE_MIDNIGHT, "%Y-%m-%d 00:00:00"))
        else:
            forms = [
                _moments(text, _MOMENT_ISO, "%Y-%m-%d %H:%M:%S%.f", "00:00", ":00"),
                _moments(text, _MOMENT_BASIC, "%Y%m%d %H%M%S", "0000", "00"),
            ]
        expressions.append(pl.coalesce(pl.col(column.name), *forms).alias(column.name))
    return joined.select(expressions).get_columns()


def _moments(text: pl.Expr, form: str, layout: str, midnight: str, no_seconds: str) -> pl.Expr:
    """Moments of one ISO form; with an offset they are converted to local time, without one they are it."""
    day, clock = text.str.extract(form, 1), text.str.extract(form, 2)
    seconds, offset = text.str.extract(form, 3), text.str.extract(form, 4)
    written = pl.concat_str(
        day,
        pl.lit(" "),
        clock.fill_null(midnight),
        seconds.fill_null(no_seconds).str.replace(",", ".", literal=True),
    )
    local = written.str.to_datetime(layout, time_unit="us", strict=False)
    digits = offset.str.replace_all(r"[^0-9]", "").str.pad_end(4, "0")
    minutes = digits.str.slice(0, 2).cast(pl.Int64, strict=False) * 60 + digits.str.slice(2, 2).cast(
        pl.Int64, strict=False
    )
    signed = pl.when(offset.str.starts_with("-")).then(-minutes).otherwise(minutes)
    converted = (
        (local - pl.duration(minutes=signed))
        .dt.replace_time_zone("UTC")
        .dt.convert_time_zone(TIME_ZONE)
        .dt.replace_time_zone(None)
    )
    return pl.when(offset.is_null()).then(local).otherwise(converted).cast(MOMENT)


def _multiple(text: pl.Series, codes: Mapping[str, str]) -> tuple[pl.Series, pl.Series | None]:
    """Known codes of a multi-select, canonical, once each, in order; and the raw text where one is unknown.

    The order makes `2|1` and `1|2` the same content.
    """
    distinct = text.drop_nulls().unique()
    rank = {code: index for index, code in enumerate(dict.fromkeys(codes.values()))}
    known: dict[str, str | None] = {}
    unknown: dict[str, str] = {}
    for cell in distinct.to_list():
        # a blank cell holds no code
        parts = [part.strip() for part in cell.split("|") if part.strip()]
        found = {codes[part] for part in parts if part in codes}
        known[cell] = "|".join(sorted(found, key=rank.__getitem__)) or None
        if any(part not in codes for part in parts):
            unknown[cell] = cell.strip()
    if not known:
        return text, None
    values = text.replace_strict(known, default=None, return_dtype=pl.String)
    if not unknown:
        return values, None
    return values, text.replace_strict(unknown, default=None, return_dtype=pl.String)


_UNREADABLE = {
    "date": "DATE_UNREADABLE",
    "timestamp": "MOMENT_UNREADABLE",
    "integer": "NUMBER_UNREADABLE",
    "decimal": "NUMBER_UNREADABLE",
    "boolean": "BOOLEAN_UNREADABLE",
}


def _flags(
    texts: pl.DataFrame, values: pl.DataFrame, present: list[Column], unknown: Mapping[str, pl.Series]
) -> dict[str, pl.Series]:
    """Evaluate every per-value check; return the flags that are true somewhere."""
    empty, unfilled = _null_counts(values), _null_counts(texts)
    unread = {
        column.name: f"{_unread_code(column)}:{column.name}"
        for column in present
        if not (column.value_set and column.is_multiple) and empty[column.name] > unfilled[column.name]
    }
    flags = {code: texts[name].is_not_null() & values[name].is_null() for name, code in unread.items()}
    for name, raw in unknown.items():
        flags[f"CODE_UNKNOWN:{name}"] = raw.is_not_null()
    flags |= _not_exclusive(values, present, unknown)
    expressions = [check for column in present for check in _value_checks(column)]
    if expressions:
        checked = values.select(expressions)
        true_somewhere = checked.select(pl.all().any()).row(0) if checked.height else ()
        flags |= {
            series.name: series.fill_null(False)
            for series, is_true in zip(checked.get_columns(), true_somewhere, strict=False)
            if is_true
        }
    return flags


def _not_exclusive(
    values: pl.DataFrame, present: list[Column], unknown: Mapping[str, pl.Series]
) -> dict[str, pl.Series]:
    """Multi-selects where a code that stands alone, such as “1 无”, came with any other, known or not."""
    flags = {}
    for column in present:
        alone = model.exclusive_codes(column.value_set) if column.value_set and column.is_multiple else ()
        if not alone:
            continue
        chosen = values[column.name]
        several = chosen.str.contains("|", literal=True)
        if column.name in unknown:
            several = several | unknown[column.name].is_not_null()
        if several.any():
            codes = "|".join(re.escape(code) for code in sorted(alone))
            mask = (several & chosen.str.contains(rf"(?:^|\|)(?:{codes})(?:\||$)")).fill_null(False)
            if mask.any():
                flags[f"CODE_EXCLUSIVE:{column.name}"] = mask
    return flags


def _unread_code(column: Column) -> str:
    if column.value_set:
        return "STRUCTURAL_CODE_UNKNOWN" if column.is_structural else "CODE_UNKNOWN"
    return _UNREADABLE.get(column.type, "REQUIRED_MISSING")


@cache
def _value_checks(column: Column) -> list[pl.Expr]:
    """Range, length and form checks of one column; block P's numbers have their own (`identity.py`)."""
    value = pl.col(column.name)
    checks = []
    if column.type in ("integer", "decimal"):
        hard = _outside(value, column.hard_min, column.hard_max)
        soft = _outside(value, column.soft_min, column.soft_max)
        if hard is not None:
            checks.append(hard.alias(f"HARD_RANGE:{column.name}"))
        if soft is not None:
            checks.append(soft.alias(f"SOFT_RANGE:{column.name}"))
    if column.type == "string" and not column.value_set:
        if column.max_length is not None:
            checks.append((value.str.len_chars() > column.max_length).alias(f"TEXT_TOO_LONG:{column.name}"))
        if column.pattern is not None and column.name != "birth_certificate_no":
            checks.append((~value.str.contains(column.pattern)).alias(f"PATTERN:{column.name}"))
    return checks


def _outside(value: pl.Expr, low: float | None, high: float | None) -> pl.Expr | None:
    if low is None and high is None:
        return None
    if low is None:
        return value > high
    return value < low if high is None else (value < low) | (value > high)

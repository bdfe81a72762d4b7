"""Judges one block of raw rows: accepted rows as the lake holds them, refused rows as quarantine does.

Does not see other blocks (doubled keys across blocks: `doubled.py`) and does not write anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import numpy as np
import polars as pl
import pyarrow as pa

from pipelines.contract import model
from pipelines.contract.model import Column, Dataset
from pipelines.ingest import identity, values
from pipelines.ingest.raw import MalformedRow, RawBlock
from pipelines.ingest.reasons import REASONS, split_code
from pipelines.ingest.senders import foreign_rows

_SQL_TO_POLARS: Mapping[str, pl.DataType] = {
    "VARCHAR": pl.String(),
    "BIGINT": pl.Int64(),
    "TIMESTAMP": pl.Datetime("us"),
}

QUARANTINE_SCHEMA = pl.Schema(
    {
        "dataset": pl.String(),
        "delivery_id": pl.String(),
        "delivery_unit": pl.String(),
        "delivery_batch": pl.String(),
        "delivery_file": pl.String(),
        "delivery_row": pl.Int64(),
        "received_at": pl.Datetime("us"),
        "record_scope": pl.String(),
        "record_key": pl.String(),
        "reason_codes": pl.String(),
        "reason_text": pl.String(),
        "raw_row": pl.String(),
    }
)
"""Columns of the quarantine, the same for all datasets."""

_FIELD_MARK = "\x1f"


@dataclass(frozen=True)
class Provenance:
    """Where the rows of one file come from; constant over the file."""

    delivery_id: str
    unit: str
    batch: str
    file: str
    source_system: str | None
    received_at: datetime
    is_workbook: bool


@dataclass(frozen=True)
class Weighed:
    """What is said of the rows of a block, before anything of them is made ready for storing.

    `raw` holds the delivered contract columns as they came, `typed` what was read from them, `content` the
    typed columns with the identity columns where block P is. `rows` and `keys` are the data row numbers and
    record keys, `refusing` maps `CODE:column` to the rows that it quarantines, `is_refused` is their union.
    """

    raw: pl.DataFrame
    typed: values.Typed
    content: pl.DataFrame
    rows: pl.Series
    keys: pl.Series
    refusing: Mapping[str, pl.Series]
    is_refused: pl.Series
    malformed: tuple[MalformedRow, ...]

    @property
    def warnings(self) -> Mapping[str, pl.Series]:
        """`CODE:column` → the rows that it accepts with a remark."""
        return {code: flag for code, flag in self.typed.flags.items() if code not in self.refusing}


@dataclass(frozen=True)
class Judged:
    """A judged block: lake rows and quarantine rows, disjoint, together all rows of the block."""

    accepted: pl.DataFrame
    quarantined: pl.DataFrame


@cache
def lake_schema(dataset: Dataset) -> pl.Schema:
    """Columns of a dataset in the lake: contract, provenance, and identity where block P is."""
    added = dict(model.PROVENANCE_COLUMNS)
    if dataset.has_person:
        added |= model.DERIVED_IDENTITY_COLUMNS
    types = {name: _SQL_TO_POLARS[sql_type] for name, (sql_type, _) in added.items()}
    own = zip(dataset.columns, model.polars_schema(dataset).dtypes(), strict=True)
    return pl.Schema({column.stored_name: dtype for column, dtype in own} | types)


def weigh(block: RawBlock, positions: Mapping[str, int], dataset: Dataset, provenance: Provenance) -> Weighed:
    """Say of every row of a block what speaks against it.

    `positions` maps contract columns to header positions. Raises `FileRefused` when a column has a type that
    nothing can be read from.
    """
    raw = block.frame.select(pl.col(str(position)).alias(name) for name, position in positions.items())
    typed = values.parse(raw, dataset, provenance.source_system, provenance.is_workbook)
    content = typed.values
    if dataset.has_person:
        content = content.with_columns(identity.derive(content, provenance.received_at.date()))
    refusing = _refusing_flags(typed, dataset) | foreign_rows(content, dataset, provenance.unit)
    return Weighed(
        raw,
        typed,
        content,
        block.rows.alias("delivery_row"),
        _record_key(content, dataset),
        refusing,
        _any(refusing.values(), raw.height),
        block.malformed,
    )


def stored(weighed: Weighed, dataset: Dataset, provenance: Provenance) -> Judged:
    """The rows of a weighed block as lake and quarantine hold them."""
    framed = weighed.content.with_columns(weighed.rows, weighed.keys)
    names = {column.name: column.stored_name for column in dataset.columns}
    accepted = framed.rename(names).with_columns(
        _record_hash(weighed.content, dataset, weighed.typed.unknown).alias("record_hash"),
        *_remarks(weighed),
        *_provenance_columns(provenance, dataset),
    )
    if weighed.refusing:
        accepted = accepted.filter(~weighed.is_refused)
    return Judged(
        accepted.select(lake_schema(dataset).names()), quarantined(weighed, framed, dataset, provenance)
    )


def said(weighed: Weighed, dataset: Dataset, provenance: Provenance) -> Judged:
    """The same with no more of the accepted rows than what is said of them: nothing will be stored."""
    framed = pl.DataFrame([weighed.rows, weighed.keys])
    issues = weighed.content["identity_issue_codes"] if dataset.has_person else pl.lit(None, dtype=pl.String)
    accepted = framed.with_columns(
        *_remarks(weighed),
        issues.alias("identity_issue_codes"),
        *_provenance_columns(provenance, dataset),
    )
    if weighed.refusing:
        accepted = accepted.filter(~weighed.is_refused)
    return Judged(accepted, quarantined(weighed, framed, dataset, provenance))


def _remarks(weighed: Weighed) -> tuple[pl.Series, pl.Series]:
    height = weighed.raw.height
    warnings = weighed.warnings
    return (
        _unknown_codes(weighed.typed.unknown, height).alias("unknown_codes"),
        _joined(list(warnings), warnings, height).alias("warning_codes"),
    )


def _any(flags: Iterable[pl.Series], height: int) -> pl.Series:
    result = pl.Series([False]).new_from_index(0, height)
    for flag in flags:
        result = result | flag
    return result


def _refusing_flags(typed: values.Typed, dataset: Dataset) -> dict[str, pl.Series]:
    """Flags that quarantine a row, in the order: key, person, required, then column by column."""
    refusing: dict[str, pl.Series] = {}
    texts = typed.texts
    required = [
        column.name for column in dataset.columns if column.required and column.name not in dataset.key
    ]
    for code, names in (("KEY_MISSING", list(dataset.key)), ("REQUIRED_MISSING", required)):
        for name in names:
            if texts[name].null_count():
                refusing[f"{code}:{name}"] = texts[name].is_null()
    if dataset.has_person:
        groups = [
            pl.all_horizontal(pl.col(name).is_not_null() for name in group)
            for group in model.PERSON_MINIMUM
            if all(name in texts.columns for name in group)
        ]
        missing = texts.select((~pl.any_horizontal(groups)).alias("missing"))["missing"]
        if missing.any():
            refusing["PERSON_MISSING"] = missing
    for code, flag in typed.flags.items():
        name, _ = split_code(code)
        if REASONS[name].level == "row":
            refusing[code] = flag
    return refusing


def _record_key(content: pl.DataFrame, dataset: Dataset) -> pl.Series:
    """Key columns as text joined by `|`; null when one of them is."""
    parts = []
    for name in dataset.key:
        part = pl.col(name).cast(pl.String)
        if len(dataset.key) > 1 and dataset.by_name[name].type == "string":
            part = part.str.replace_all("|", "\\|", literal=True)
        parts.append(part)
    return content.select(pl.concat_str(parts, separator="|").alias("record_key"))["record_key"]


def _record_hash(content: pl.DataFrame, dataset: Dataset, unknown: Mapping[str, pl.Series]) -> pl.Series:
    """BLAKE2b (16 bytes) over the business columns as canonical text; null is distinct from every value.

    An unknown code counts with its raw text. Trailing nulls leave no trace, so that columns which a later
    contract appends do not change the hash of rows without them.
    """
    frame = content.with_columns(
        pl.coalesce(pl.col(name), pl.lit("?") + raw).alias(name) if not dataset.by_name[name].is_multiple
        else pl.when(raw.is_not_null()).then(pl.lit("?") + raw).otherwise(pl.col(name)).alias(name)
        for name, raw in unknown.items()
    )  # fmt: skip
    joined = frame.select(_joined_content(frame, dataset).cast(pl.Binary).alias("text"))["text"]
    # a copy of an empty digest costs less than a new one
    empty = hashlib.blake2b(digest_size=_HASH_BYTES).copy
    digests = []
    for text in joined.to_list():
        digest = empty()
        digest.update(text)
        digests.append(digest.digest())
    return _as_hexadecimal(digests)


_HASH_BYTES = 16


def _as_hexadecimal(digests: list[bytes]) -> pl.Series:
    """Digests of `_HASH_BYTES` bytes as text, converted at once."""
    text = b"".join(digests).hex().encode("ascii")
    ends = np.arange(0, len(text) + 1, 2 * _HASH_BYTES, dtype=np.int64)
    array = pa.LargeStringArray.from_buffers(len(digests), pa.py_buffer(ends), pa.py_buffer(text))
    return pl.Series("record_hash", array, dtype=pl.String)


def _joined_content(frame: pl.DataFrame, dataset: Dataset) -> pl.Expr:
    """The hashed columns as canonical text joined by the field mark, without the marks at the end.

    A run of columns without any value is joined as one text of their marks.
    """
    pieces: list[pl.Expr] = []
    empty = 0
    for column in dataset.columns:
        if not column.in_hash:
            continue
        if frame[column.name].null_count() == frame.height:
            empty += 1
            continue
        if empty:
            pieces.append(pl.lit(_FIELD_MARK * (empty - 1)))
            empty = 0
        pieces.append(_canonical(column, frame[column.name]))
    if not pieces:
        return pl.repeat("", pl.len())
    return pl.concat_str(pieces, separator=_FIELD_MARK).str.strip_chars_end(_FIELD_MARK)


def _canonical(column: Column, series: pl.Series) -> pl.Expr:
    """A column as the text that is hashed; null is empty text, which no value is."""
    value = pl.col(column.name)
    if column.type == "boolean":
        value = value.cast(pl.Int8)
    elif column.type == "decimal":
        value = value + 0.0  # minus zero is zero
    elif column.type in ("date", "timestamp"):
        value = value.to_physical()
    if column.type != "string":
        value = value.cast(pl.String)
    return value.fill_null("") if series.null_count() else value


def _unknown_codes(unknown: Mapping[str, pl.Series], height: int) -> pl.Series:
    """JSON text {"column": "raw"} of a row's unknown codes, null where there is none."""
    if not unknown:
        return pl.Series("unknown_codes", [None], dtype=pl.String).new_from_index(0, height)
    distinct = {name: raw.drop_nulls().unique().to_list() for name, raw in unknown.items()}
    pieces = []
    for name, raw in unknown.items():
        quoted = {
            text: f"{json.dumps(name)}:{json.dumps(text, ensure_ascii=False)}" for text in distinct[name]
        }
        pieces.append(raw.replace_strict(quoted, default=None, return_dtype=pl.String).alias(name))
    body = pl.concat_str(pl.all(), separator=",", ignore_nulls=True)
    return (
        pl.DataFrame(pieces)
        .select(
            pl.when(body != "").then(pl.concat_str(pl.lit("{"), body, pl.lit("}"))).alias("unknown_codes")
        )
        .to_series()
    )


def _joined(codes: list[str], flags: Mapping[str, pl.Series], height: int) -> pl.Series:
    """`|`-joined codes of the flags that hold for a row, null where none does."""
    if not codes:
        return pl.Series([None], dtype=pl.String).new_from_index(0, height)
    frame = pl.DataFrame([flags[code].alias(str(index)) for index, code in enumerate(codes)])
    pieces = [pl.when(pl.col(str(index))).then(pl.lit(code)) for index, code in enumerate(codes)]
    return frame.select(
        pl.concat_str(pieces, separator="|", ignore_nulls=True).replace("", None).alias("codes")
    )["codes"]


def _provenance_columns(provenance: Provenance, dataset: Dataset) -> list[pl.Expr]:
    constants: dict[str, tuple[object, pl.DataType]] = {
        "delivery_id": (provenance.delivery_id, pl.String()),
        "delivery_unit": (provenance.unit, pl.String()),
        "delivery_batch": (provenance.batch, pl.String()),
        "delivery_file": (provenance.file, pl.String()),
        "source_system": (provenance.source_system, pl.String()),
        "received_at": (provenance.received_at, pl.Datetime("us")),
        "record_scope": (record_scope(dataset, provenance.unit), pl.String()),
    }
    return [pl.lit(value, dtype=dtype).alias(name) for name, (value, dtype) in constants.items()]


def record_scope(dataset: Dataset, unit: str) -> str:
    """Scope in which a record key is unique: the unit, or `*` for the whole city."""
    return unit if dataset.scope == "unit" else "*"


def quarantined(
    weighed: Weighed, framed: pl.DataFrame, dataset: Dataset, provenance: Provenance
) -> pl.DataFrame:
    """Quarantine rows of a block, with the raw values as they came; `framed` has the row numbers and keys."""
    malformed = _malformed(weighed.malformed, dataset, provenance)
    mask = weighed.is_refused
    if not weighed.refusing or not mask.any():
        return malformed
    kept = {code: flag.filter(mask) for code, flag in weighed.refusing.items()}
    height = int(mask.sum())
    sentences = {code: sentence(code, dataset) for code in kept}
    frame = framed.filter(mask).select("delivery_row", "record_key")
    texts = pl.DataFrame([flag.alias(code) for code, flag in kept.items()]).select(
        pl.concat_str(
            [pl.when(pl.col(code)).then(pl.lit(text)) for code, text in sentences.items()], ignore_nulls=True
        ).alias("reason_text")
    )["reason_text"]
    refused_raw = weighed.raw.filter(mask).select(
        (pl.col(name) if dtype == pl.String else values.as_text(name, dtype)).alias(name)
        for name, dtype in weighed.raw.schema.items()
    )
    rows = frame.with_columns(
        *_provenance_columns(provenance, dataset),
        pl.lit(dataset.name).alias("dataset"),
        _joined(list(kept), kept, height).alias("reason_codes"),
        texts.alias("reason_text"),
        refused_raw.select(pl.struct(pl.all()).struct.json_encode().alias("raw_row"))["raw_row"],
    ).select(QUARANTINE_SCHEMA.names())
    return pl.concat([rows, malformed])


def sentence(code: str, dataset: Dataset) -> str:
    """The Chinese sentence of `CODE:column`, with the column's title."""
    name, column = split_code(code)
    title = dataset.by_name[column].title if column in dataset.by_name else column
    return REASONS[name].sentence("zh", title, column)


def _malformed(rows: Sequence[MalformedRow], dataset: Dataset, provenance: Provenance) -> pl.DataFrame:
    if not rows:
        return QUARANTINE_SCHEMA.to_frame()
    return (
        pl.DataFrame(
            {
                "delivery_row": [row.row for row in rows],
                "raw_row": [json.dumps({"_line": row.text}, ensure_ascii=False) for row in rows],
            },
            schema_overrides={"delivery_row": pl.Int64, "raw_row": pl.String},
        )
        .with_columns(
            *_provenance_columns(provenance, dataset),
            pl.lit(dataset.name).alias("dataset"),
            pl.lit(None, dtype=pl.String).alias("record_key"),
            pl.lit("ROW_MALFORMED").alias("reason_codes"),
            pl.lit(sentence("ROW_MALFORMED", dataset)).alias("reason_text"),
        )
        .select(QUARANTINE_SCHEMA.names())
    )


def quarantine_accepted(
    rows: pl.DataFrame, dataset: Dataset, code: str, columns: Sequence[str]
) -> pl.DataFrame:
    """Turn lake rows into quarantine rows under one reason.

    The raw row is `columns` as normalised text, null where the rows hold no more than what is said of them.
    """
    schema = model.polars_schema(dataset)
    held = {name: dataset.column(name).stored_name for name in columns}
    texts = [
        values.as_text(stored_name, schema[name]).alias(name)
        for name, stored_name in held.items()
        if stored_name in rows.columns
    ]
    raw = pl.struct(texts).struct.json_encode() if texts else pl.lit(None, dtype=pl.String)
    return rows.with_columns(
        pl.lit(dataset.name).alias("dataset"),
        pl.lit(code).alias("reason_codes"),
        pl.lit(sentence(code, dataset)).alias("reason_text"),
        raw.alias("raw_row"),
    ).select(QUARANTINE_SCHEMA.names())

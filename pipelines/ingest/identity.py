"""Identity numbers: normalise, judge by grade, derive identity keys of a row (GB 11643-1999, annex 1 二(四)).

Does not look at other rows: merges, shared numbers and conflicts are the identity layer's.
"""

from __future__ import annotations

import csv
from datetime import date
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from pipelines.contract import model

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"

COLUMNS = ("identity_key", "key_class", "birth_key", "mother_key", "identity_issue_codes")
"""Columns that `derive` adds; it also replaces the number columns by their normalised text."""

NUMBER_COLUMNS = ("id_no", "birth_certificate_no", "mother_id_no", "previous_id_no")

_CITIZEN_TYPES = ("01", "12", "13", "15")
# a household register and a driving licence print the holder's identity number, but have numbers of their
# own too
_PERHAPS_CITIZEN_TYPES = ("02", "05")
_BIRTH_CERTIFICATE_TYPE = "11"
_NO_KEY_TYPE = "16"

_FORM_18 = "^[0-9]{17}[0-9X]$"
_FORM_15 = "^[0-9]{15}$"
_FORM_BIRTH_CERTIFICATE = "^[A-Z][0-9]{9}$"
_DOCUMENT_FORMS = {
    "06": "^[HM][0-9]{8,10}$",
    "07": "^[0-9]{8}$|^[0-9]{10}$",
    "14": "^[A-Z]{3}[0-9]{12}$|^9[0-9]{17}$",
}
_PLACEHOLDERS = (
    "123456789012345678", "12345678901234567X", "012345678901234567", "987654321098765432",
    "876543210987654321", "123456789012345", "012345678901234", "987654321098765", "123456123456123456",
)  # fmt: skip
_FIRST_BIRTH = date(1900, 1, 1)
_RESIDENCE_PERMIT_PREFIXES = ("810000", "820000", "830000")


@cache
def known_prefixes() -> frozenset[str]:
    """Six-digit prefixes of identity numbers: counties of any GB/T 2260 edition, residence permits."""
    path = model.DIVISIONS_SEED.with_name("county_prefixes.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return frozenset(row["prefix"] for row in csv.DictReader(file)) | frozenset(
            _RESIDENCE_PERMIT_PREFIXES
        )


@cache
def _prefixes() -> pl.Series:
    return pl.Series(sorted(known_prefixes()), dtype=pl.String)


def check_character(body: str) -> str:
    """Return the check character of the first 17 digits of an identity number (ISO 7064, MOD 11-2)."""
    return CHECK_CHARACTERS[
        sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True)) % 11
    ]


def normalise(number: pl.Series) -> pl.Series:
    """Half-width, upper-case text without blanks and invisible characters; other characters stay."""
    odd = ~number.str.contains("^[0-9A-Z]*$")
    return _on_rows(number, odd, _normalised)


def _normalised(number: pl.Series) -> pl.Series:
    return (
        number.str.normalize("NFKC").str.replace_all(r"[\s\p{Cf}]+", "").str.to_uppercase().replace("", None)
    )


def normalise_name(name: pl.Series) -> pl.Series:
    """A name as it stands in a mother key: half-width, upper-case, without blanks and middle dots."""
    return name.str.normalize("NFKC").str.replace_all(r"[\s\p{Cf}·•‧・∙.]+", "").str.to_uppercase()


def _on_rows(series: pl.Series, mask: pl.Series, change: object) -> pl.Series:
    """Apply `change` to the rows of a mask only: most values need no work."""
    index = mask.fill_null(False).arg_true()
    if not len(index):
        return series
    changed = change(series.gather(index))  # type: ignore[operator]
    return series.clone().scatter(index, changed)


def citizen_numbers(number: pl.Series, received: date) -> pl.DataFrame:
    """Judge normalised numbers as identity numbers.

    Returns columns `number` (18 characters where the number is valid, 15 digits upgraded), `birth` (its
    birth date), `is_male`, `is_upgraded`, and a boolean column per issue ID_LENGTH … ID_CHECK_DIGIT,
    ID_PREFIX_UNKNOWN. `received`: local day of the delivery; no birth lies after it.
    """
    frame = pl.DataFrame({"given": number}).with_columns(
        pl.col("given").str.contains(_FORM_18).fill_null(False).alias("is_18"),
        pl.col("given").str.contains(_FORM_15).fill_null(False).alias("is_15"),
    )
    body = (
        pl.when("is_18").then(pl.col("given").str.slice(0, 17))
        .when("is_15").then(
            pl.concat_str(pl.col("given").str.slice(0, 6), pl.lit("19"), pl.col("given").str.slice(6, 9))
        )
    )  # fmt: skip
    frame = frame.with_columns(body.alias("body"))
    frame = frame.with_columns(
        check_characters(frame["body"]).alias("check"),
        pl.col("body").str.slice(6, 8).str.to_date("%Y%m%d", strict=False, cache=False).alias("birth"),
        (pl.col("body").str.slice(16, 1).cast(pl.Int8, strict=False) % 2 == 1).alias("is_male"),
    )
    readable = pl.col("is_18") | pl.col("is_15")
    given = pl.col("given")
    repeated = given.str.strip_chars(given.str.slice(0, 1)) == ""
    length = given.str.len_chars()
    placeholder = given.is_in(_PLACEHOLDERS) | (repeated & length.is_in([15, 18]))
    frame = frame.with_columns(placeholder.fill_null(False).alias("ID_PLACEHOLDER"))
    judged = readable & ~pl.col("ID_PLACEHOLDER")
    impossible = pl.col("birth").is_null() | (pl.col("birth") < _FIRST_BIRTH)
    frame = frame.with_columns(
        (~length.is_in([15, 18]) & ~pl.col("ID_PLACEHOLDER")).fill_null(False).alias("ID_LENGTH"),
        (length.is_in([15, 18]) & ~readable & ~pl.col("ID_PLACEHOLDER")).fill_null(False).alias("ID_PATTERN"),
        (judged & impossible).alias("ID_BIRTH_IMPOSSIBLE"),
        (judged & (pl.col("birth") > received)).fill_null(False).alias("ID_BIRTH_FUTURE"),
        (judged & pl.col("is_18") & (given.str.slice(17, 1) != pl.col("check"))).fill_null(False)
        .alias("ID_CHECK_DIGIT"),
    )  # fmt: skip
    valid = judged & ~pl.any_horizontal("ID_BIRTH_IMPOSSIBLE", "ID_BIRTH_FUTURE", "ID_CHECK_DIGIT")
    frame = frame.with_columns(pl.when(valid).then(pl.concat_str("body", "check")).alias("number"))
    is_valid = pl.col("number").is_not_null()
    prefix_known = pl.col("body").str.slice(0, 6).is_in(_prefixes().implode())
    return frame.select(
        "number",
        pl.when(is_valid).then("birth").alias("birth"),
        pl.when(is_valid).then("is_male").alias("is_male"),
        (is_valid & pl.col("is_15")).alias("is_upgraded"),
        "ID_LENGTH",
        "ID_PATTERN",
        "ID_PLACEHOLDER",
        "ID_BIRTH_IMPOSSIBLE",
        "ID_BIRTH_FUTURE",
        "ID_CHECK_DIGIT",
        (is_valid & ~prefix_known).fill_null(False).alias("ID_PREFIX_UNKNOWN"),
    )


def check_characters(body: pl.Series) -> pl.Series:
    """Check characters of 17-digit bodies, null for null."""
    rest: npt.NDArray[np.int64] = body.cast(pl.Int64).fill_null(0).to_numpy()
    total = np.zeros(len(body), dtype=np.int64)
    for weight in reversed(WEIGHTS):
        shorter = rest // 10
        total += (rest - shorter * 10) * weight
        rest = shorter
    found = pl.Series(list(CHECK_CHARACTERS)).gather(total % 11)
    return pl.DataFrame({"body": body, "check": found}).select(
        pl.when(pl.col("body").is_not_null()).then("check")
    )["check"]


def derive(values: pl.DataFrame, received: date) -> pl.DataFrame:
    """Return the normalised number columns that are present and the identity columns `COLUMNS`.

    `values` holds the typed columns of block P, and `sex_code` where the dataset has it. Length, form,
    check character, impossible or future birth and placeholders leave the number without a key; a mismatch
    with birth date or sex keeps the key. Issues stand in the order of the registry.
    """
    height = values.height
    names = [name for name in NUMBER_COLUMNS if name in values.columns]
    numbers = {name: normalise(values[name]) for name in names}
    issues: dict[str, pl.Series] = {}
    changed = [(numbers[name] != values[name]).fill_null(False) for name in names]
    issues["ID_NORMALISED"] = (
        pl.DataFrame({str(i): s for i, s in enumerate(changed)})
        .select(pl.any_horizontal(pl.all()))
        .to_series()
    )

    own = _own_number(numbers["id_no"], values["id_type_code"], received, issues)
    birth_key = _birth_key(numbers["birth_certificate_no"], issues)
    mother, mother_key = _mother(values, numbers["mother_id_no"], received, issues)
    frame = pl.DataFrame(
        {
            "number": own["number"],
            "document": own["document"],
            "birth": own["birth"],
            "is_male": own["is_male"],
            "birth_key": birth_key,
            "mother_key": mother_key,
            "mother": mother,
            "birth_date": values["birth_date"],
            "sex": values["sex_code"] if "sex_code" in values.columns else pl.Series([None], dtype=pl.String)
            .new_from_index(0, height),
        }
    )  # fmt: skip
    as_own = (pl.col("number") == pl.col("mother")).fill_null(False)
    checks = frame.select(
        as_own.alias("MOTHER_ID_AS_OWN"),
        ((pl.col("birth") != pl.col("birth_date")) & ~as_own).fill_null(False).alias("ID_BIRTH_MISMATCH"),
        ((pl.col("is_male") & (pl.col("sex") == "2")) | (~pl.col("is_male") & (pl.col("sex") == "1")))
        .fill_null(False)
        .alias("ID_SEX_MISMATCH"),
    )
    for series in checks.get_columns():
        issues[series.name] = series
    own_key = pl.when(~as_own).then(pl.concat_str(pl.lit("ID:"), pl.col("number")))
    keys = frame.select(
        pl.coalesce(own_key, "birth_key", "document", "mother_key").alias("identity_key"),
        pl.when(own_key.is_not_null() | pl.col("birth_key").is_not_null())
        .then(pl.lit("A"))
        .when(pl.col("document").is_not_null() | pl.col("mother_key").is_not_null())
        .then(pl.lit("B"))
        .otherwise(pl.lit("C"))
        .alias("key_class"),
        "birth_key",
        "mother_key",
        issue_codes(issues, height).alias("identity_issue_codes"),
    )
    upgraded = own["number"].is_not_null() & own["is_upgraded"]
    if upgraded.any():
        numbers["id_no"] = pl.DataFrame({"a": numbers["id_no"], "b": own["number"], "m": upgraded}).select(
            pl.when("m").then("b").otherwise("a")
        )["b"]
    return keys.with_columns([numbers[name].alias(name) for name in names])


def _own_number(
    number: pl.Series, kind: pl.Series, received: date, issues: dict[str, pl.Series]
) -> pl.DataFrame:
    """Judge `id_no` under its document type, add its issues, return what the keys are made of."""
    if number.null_count() == len(number):
        return _nothing_own(len(number))
    frame = pl.DataFrame({"number": number, "kind": kind})
    shaped = pl.col("number").str.contains(_FORM_18) | pl.col("number").str.contains(_FORM_15)
    citizen = (
        pl.col("kind").is_null()
        | pl.col("kind").is_in(_CITIZEN_TYPES)
        | (pl.col("kind").is_in(_PERHAPS_CITIZEN_TYPES) & shaped)
    )
    given = pl.col("number").is_not_null()
    frame = frame.select(
        "number",
        "kind",
        (given & citizen).alias("is_citizen"),
        (given & (pl.col("kind") == _BIRTH_CERTIFICATE_TYPE)).fill_null(False).alias("ID_UNEXPECTED"),
        (given & (pl.col("kind") == _NO_KEY_TYPE)).fill_null(False).alias("ID_TYPE_NO_KEY"),
    )
    issues["ID_UNEXPECTED"], issues["ID_TYPE_NO_KEY"] = frame["ID_UNEXPECTED"], frame["ID_TYPE_NO_KEY"]
    citizens = frame.select(pl.when("is_citizen").then("number"))["number"]
    judged = citizen_numbers(citizens, received)
    for name in judged.columns:
        if name.startswith("ID_"):
            issues[name] = judged[name]
    issues["ID_UPGRADED_15"] = judged["is_upgraded"]

    result = judged.select("number", "birth", "is_male", "is_upgraded")
    if frame.select(
        (given != pl.any_horizontal("is_citizen", "ID_UNEXPECTED", "ID_TYPE_NO_KEY")).any()
    ).item():
        return result.with_columns(_documents(frame, issues))
    return result.with_columns(pl.lit(None, dtype=pl.String).alias("document"))


def _nothing_own(height: int) -> pl.DataFrame:
    types = {"number": pl.String, "birth": pl.Date, "is_male": pl.Boolean, "is_upgraded": pl.Boolean}
    return pl.DataFrame(schema={**types, "document": pl.String}).clear(height)


def _documents(frame: pl.DataFrame, issues: dict[str, pl.Series]) -> pl.Series:
    """Keys of documents that carry no citizen's number, as `<type>:<number>`; add their issues."""
    given = pl.col("number").is_not_null()
    other = given & ~pl.col("is_citizen") & ~pl.col("ID_UNEXPECTED") & ~pl.col("ID_TYPE_NO_KEY")
    repeated = pl.col("number").str.strip_chars(pl.col("number").str.slice(0, 1)) == ""
    has_digit_or_letter = pl.col("number").str.contains("[0-9A-Z]")
    placeholder = other & (repeated | pl.col("number").is_in(_PLACEHOLDERS) | ~has_digit_or_letter)
    odd = pl.lit(False)
    for code, form in _DOCUMENT_FORMS.items():
        odd = odd | ((pl.col("kind") == code) & ~pl.col("number").str.contains(form))
    documents = frame.select(
        placeholder.fill_null(False).alias("DOCUMENT_PLACEHOLDER"),
        (other & odd & ~placeholder).fill_null(False).alias("DOCUMENT_PATTERN"),
        pl.when(other & ~placeholder).then(pl.concat_str("kind", pl.lit(":"), "number")).alias("document"),
    )
    issues["DOCUMENT_PLACEHOLDER"] = documents["DOCUMENT_PLACEHOLDER"]
    issues["DOCUMENT_PATTERN"] = documents["DOCUMENT_PATTERN"]
    return documents["document"]


def _birth_key(number: pl.Series, issues: dict[str, pl.Series]) -> pl.Series:
    if number.null_count() == len(number):
        return number
    frame = pl.DataFrame({"number": number})
    formed = pl.col("number").str.contains(_FORM_BIRTH_CERTIFICATE)
    digits = pl.col("number").str.slice(1)
    placeholder = formed & ((digits.str.strip_chars(digits.str.slice(0, 1)) == "") | (digits == "123456789"))
    judged = frame.select(
        (~formed).fill_null(False).alias("BC_PATTERN"),
        placeholder.fill_null(False).alias("BC_PLACEHOLDER"),
        pl.when(formed & ~placeholder).then(pl.concat_str(pl.lit("BC:"), "number")).alias("key"),
    )
    issues["BC_PATTERN"], issues["BC_PLACEHOLDER"] = judged["BC_PATTERN"], judged["BC_PLACEHOLDER"]
    return judged["key"]


def _mother(
    values: pl.DataFrame, number: pl.Series, received: date, issues: dict[str, pl.Series]
) -> tuple[pl.Series, pl.Series]:
    """Judge the mother's number; return it where valid, and the key MO:<number>|<birth date>|<name>."""
    height = values.height
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, height)
    if number.null_count() == height:
        return nothing, nothing
    judged = citizen_numbers(number, received)
    named = number.is_not_null()
    frame = judged.select("number", "birth", "is_male").with_columns(
        named.alias("is_given"),
        values["birth_date"].alias("birth_date"),
        _on_rows(values["name"], named, normalise_name).alias("name"),
    )
    earliest, latest = pl.col("birth").dt.offset_by("12y"), pl.col("birth").dt.offset_by("60y")
    result = frame.select(
        "number",
        (pl.col("is_given") & pl.col("number").is_null()).alias("MOTHER_ID_INVALID"),
        pl.col("is_male").fill_null(False).alias("MOTHER_NOT_FEMALE"),
        (~pl.col("birth_date").is_between(earliest, latest)).fill_null(False).alias("MOTHER_AGE_UNUSUAL"),
        pl.when(pl.col("name") != "")
        .then(
            pl.concat_str(
                pl.lit("MO:"),
                "number",
                pl.lit("|"),
                pl.col("birth_date").cast(pl.String),
                pl.lit("|"),
                "name",
            )
        )
        .alias("key"),
    )
    for code in ("MOTHER_ID_INVALID", "MOTHER_NOT_FEMALE", "MOTHER_AGE_UNUSUAL"):
        issues[code] = result[code]
    return result["number"], result["key"]


def issue_codes(issues: dict[str, pl.Series], height: int) -> pl.Series:
    """Join the codes that hold for a row with `|`, in the order of the registry; null where none does."""
    from pipelines.ingest.reasons import IDENTITY_CODES

    true_somewhere = [code for code in IDENTITY_CODES if code in issues and issues[code].any()]
    if not true_somewhere:
        return pl.Series("issues", [None], dtype=pl.String).new_from_index(0, height)
    frame = pl.DataFrame({code: issues[code] for code in true_somewhere})
    return frame.select(
        pl.concat_str(
            [pl.when(code).then(pl.lit(code)) for code in true_somewhere], separator="|", ignore_nulls=True
        )
        .replace("", None)
        .alias("issues")
    )["issues"]

"""Large tables of invented persons in the contract's columns, drawn on the fly: archives and pressure visits.

Not here: what is measured with them. Numbers carry a county code abolished in 1983; nobody exists.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl
from numpy.random import Generator

from pipelines.contract import model
from pipelines.ingest.identity import check_characters
from pipelines.synth.names import draw_given_names, draw_surnames

PIECE_ROWS = 100_000

_LAST_DAY = date(2025, 12, 31)
_STREETS = np.array(
    ["西城街道玉苍路", "双福街道福城大道", "广兴镇彭桥村", "德感街道前进路", "白沙镇东华街", "石门镇永安村"]
)


def pieces(dataset: str, rows: int, seed: int = 55) -> list[Callable[[], pl.DataFrame]]:
    """Makers of the pieces of a table of `rows` rows, each at most `PIECE_ROWS`, with natural types."""
    make = {"archive": _archives, "htn_followup": _followups}[dataset]
    starts = range(0, rows, PIECE_ROWS)

    def maker(start: int) -> Callable[[], pl.DataFrame]:
        size = min(PIECE_ROWS, rows - start)
        return lambda: make(np.random.default_rng([seed, start]), start, size)

    return [maker(start) for start in starts]


def _days(generator: Generator, first: date, size: int) -> pl.Series:
    low, high = (np.datetime64(day, "D").astype(int) for day in (first, _LAST_DAY))
    return pl.Series(generator.integers(low, high, size)).cast(pl.Int32).cast(pl.Date)


def _moments(days: pl.Series, generator: Generator) -> pl.Series:
    seconds = pl.Series(generator.integers(8 * 3600, 18 * 3600, len(days)))
    return days.cast(pl.Datetime("us")) + (seconds * 1_000_000).cast(pl.Duration("us"))


def _some(generator: Generator, series: pl.Series, share: float) -> pl.Series:
    """The series with a value in this share of its rows."""
    return pl.select(pl.when(pl.Series(generator.random(len(series)) < share)).then(series)).to_series()


def _codes(generator: Generator, value_set: str, size: int) -> pl.Series:
    codes = list(model.value_set(value_set))
    return pl.Series(np.array(codes)[generator.integers(0, len(codes), size)])


def _person(generator: Generator, start: int, size: int) -> pl.DataFrame:
    births = _days(generator, date(1935, 1, 1), size)
    sex = generator.integers(1, 3, size)
    order = generator.integers(0, 500, size) * 2 + (sex == 1)
    # 2 in 1,000 numbers with a wrong check character, as districts have them
    wrong = generator.random(size) < 0.002
    body = "512126" + births.dt.strftime("%Y%m%d") + pl.Series(order).cast(pl.String).str.zfill(3)
    right = check_characters(body)
    last = pl.select(pl.when(pl.Series(wrong)).then(pl.lit("A")).otherwise(right)).to_series()
    names = pl.Series(draw_surnames(generator, size)) + draw_given_names(
        generator, births.to_numpy().astype("datetime64[D]"), sex
    )
    number = pl.Series(np.arange(start, start + size))
    return pl.DataFrame(
        {
            "district_archive_id": "JJ" + number.cast(pl.String).str.zfill(10),
            "id_type_code": pl.Series(["01"]).new_from_index(0, size),
            "id_no": _some(generator, body + last, 0.985),
            "name": names,
            "sex_code": pl.Series(sex).cast(pl.String),
            "birth_date": births,
        }
    )


def _archives(generator: Generator, start: int, size: int) -> pl.DataFrame:
    person = _person(generator, start, size)
    created = _days(generator, date(2010, 1, 1), size)
    organisation = "CQ500116T" + pl.Series(generator.integers(1, 30, size)).cast(pl.String).str.zfill(2)
    phone = "100" + pl.Series(generator.integers(0, 10**8, size)).cast(pl.String).str.zfill(8)
    address = (
        "重庆市江津区"
        + pl.Series(_STREETS[generator.integers(0, len(_STREETS), size)])
        + pl.Series(generator.integers(1, 900, size)).cast(pl.String)
        + "号"
    )
    village = "500116" + pl.Series(generator.integers(1, 30, size)).cast(pl.String).str.zfill(3) + "201"
    conditions = pl.Series(np.array(["1", "1", "1", "2", "3", "2|3", "9", "77"]))
    chosen = generator.integers(0, 1000, size)
    history = conditions.gather(pl.Series(np.where(chosen < 2, 7, chosen % 7)))
    return person.with_columns(
        (village.str.slice(0, 12) + pl.Series(np.arange(size)).cast(pl.String).str.zfill(5)).alias(
            "archive_no"
        ),
        _codes(generator, "ethnic", size).alias("ethnic_code"),
        _some(generator, phone, 0.9).alias("phone"),
        _some(generator, pl.Series(draw_surnames(generator, size)) + "家人", 0.6).alias("contact_name"),
        _some(generator, phone.reverse(), 0.6).alias("contact_phone"),
        address.alias("present_address"),
        address.reverse().alias("registered_address"),
        village.str.slice(0, 9).alias("town_code"),
        pl.lit("MCA").alias("town_code_system"),
        village.alias("village_code"),
        organisation.alias("create_org_code"),
        ("D" + organisation).alias("creator_id"),
        ("D" + organisation).alias("doctor_id"),
        organisation.alias("manage_org_code"),
        created.alias("manage_from_date"),
        created.alias("created_date"),
        _moments(created, generator).alias("modified_at"),
        _codes(generator, "create_mode", size).alias("create_mode_code"),
        _codes(generator, "created_via", size).alias("created_via_code"),
        _codes(generator, "residence_type", size).alias("residence_type_code"),
        history.alias("past_history_codes"),
        _codes(generator, "abo", size).alias("abo_code"),
        _codes(generator, "rh", size).alias("rh_code"),
        _codes(generator, "education", size).alias("education_code"),
        _codes(generator, "marital", size).alias("marital_code"),
        _codes(generator, "consent_status", size).alias("consent_status_code"),
        _some(generator, created, 0.7).alias("consent_date"),
        pl.Series(generator.random(size) < 0.6).alias("is_open"),
        pl.lit("MANAGED").alias("declared_status_code"),
        _moments(created, generator).alias("entered_at"),
        _moments(created, generator).alias("uploaded_at"),
    )


def _followups(generator: Generator, start: int, size: int) -> pl.DataFrame:
    day = _days(generator, date(2024, 1, 1), size)
    organisation = "CQ500116T" + pl.Series(generator.integers(1, 30, size)).cast(pl.String).str.zfill(2)
    pressure = generator.normal(138, 16, size).round()
    # 1 in 1,000 readings was typed with a digit too many
    pressure = np.where(generator.random(size) < 0.001, pressure * 10, pressure)
    symptoms = pl.Series(np.array(["1", "1", "1", "2", "2|5", "3|4", "9"]))
    person = _person(generator, start, size)
    return person.select(
        ("V" + pl.Series(np.arange(start, start + size)).cast(pl.String).str.zfill(10)).alias("record_id"),
        "district_archive_id",
        "id_type_code",
        "id_no",
        "name",
        "birth_date",
        organisation.alias("org_code"),
        ("D" + organisation).alias("doctor_id"),
        day.alias("service_date"),
        _codes(generator, "service_mode", size).alias("mode_code"),
        _codes(generator, "capture", size).alias("capture_code"),
        _moments(day, generator).alias("entered_at"),
        ("D" + organisation).alias("entered_by_id"),
        pl.lit("1").alias("entered_by_org_type_code"),
        _moments(day, generator).alias("uploaded_at"),
        pl.lit(True).alias("is_free"),
        symptoms.gather(pl.Series(generator.integers(0, len(symptoms), size))).alias("symptom_codes"),
        pl.Series(pressure.astype(np.int64)).alias("sbp"),
        pl.Series(generator.normal(83, 9, size).round().astype(np.int64)).alias("dbp"),
        pl.Series(generator.normal(63, 8, size).clip(35, 120).round(1)).alias("weight_kg"),
        _some(generator, pl.Series(generator.integers(55, 100, size)), 0.8).alias("heart_rate_bpm"),
        _some(generator, pl.Series(generator.integers(0, 20, size)), 0.6).alias("smoking_per_day"),
        _codes(generator, "salt", size).alias("salt_code"),
        _codes(generator, "compliance", size).alias("compliance_code"),
        _codes(generator, "adverse_reaction", size).alias("adverse_reaction_code"),
        _codes(generator, "followup_class", size).alias("class_code"),
        pl.Series(generator.random(size) < 0.05).alias("referral_flag"),
        _some(generator, day.dt.offset_by("3mo"), 0.9).alias("next_visit_date"),
    )

"""Institutions that end many archives in one month: counted over all slices, stated once for the city.

Not here: who is ended on purpose (lost.py) and the single terminations, each of which may keep to the rules.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.synth.archives import org_codes
from pipelines.synth.cases import members
from pipelines.synth.truth import status_on
from pipelines.synth.world import World

#: Share of the archives managed on the first of a month beyond which its terminations are listed.
SHARE = 0.05
#: The month in which the rules took effect is the first that is judged (art. 31).
FIRST_MONTH = np.datetime64("2024-11", "M")

#: Residents with two archives, each managed by its own institution.
_HELD_TWICE = ("dup_cross_district", "dup_same_district", "dup_same_day", "taken_without_transfer")
_COUNTS = ("termination_count", "managed_count")


def institution_months(world: World) -> pl.DataFrame:
    """Terminations and managed residents of every institution by month, as far as this slice knows.

    Returns:
        One row per institution and month with either: org_code, unit (code on the last day), month,
        termination_count, managed_count (residents on the first day of the month).
    """
    last_month = world.plan.last.astype("datetime64[M]")
    months = np.arange(FIRST_MONTH, last_month + 1)
    everywhere = np.arange(world.places.orgs.height)
    codes = org_codes(world, everywhere)
    units = np.array(world.places.codes_on(world.plan.last))[world.places.org_unit[everywhere]]
    ended = _ended(world)
    parts = [
        pl.DataFrame(
            {
                "org_code": codes,
                "unit": units,
                "month": [str(month)] * len(everywhere),
                "managed_count": _managed(world, month.astype("datetime64[D]")),
            }
        )
        for month in months
    ]
    return (
        pl.concat(parts)
        .join(ended, on=["org_code", "month"], how="left", maintain_order="left")
        .with_columns(pl.col(name).fill_null(0).cast(pl.Int64) for name in _COUNTS)
        .filter(pl.any_horizontal(pl.col(name) > 0 for name in _COUNTS))
        .select("org_code", "unit", "month", *_COUNTS)
    )


def _ended(world: World) -> pl.DataFrame:
    """Delivered terminations by institution and month of the declaration, else of the entry."""
    rows = pl.concat(world.rows["termination"], how="diagonal_relaxed").filter(
        pl.col("_at") <= pl.lit(world.plan.last)
    )
    declared, entered = pl.col("declared_date").cast(pl.Date), pl.col("entered_at").cast(pl.Date)
    rows = rows.with_columns(at=pl.coalesce(declared, entered))
    return (
        rows.unique("termination_id", keep="last", maintain_order=True)
        .with_columns(month=pl.col("at").dt.strftime("%Y-%m"))
        .group_by("org_code", "month", maintain_order=True)
        .agg(pl.len().alias("termination_count"))
    )


def _managed(world: World, date: np.datetime64) -> NDArray[np.int64]:
    """Residents whose archive each institution manages on a day; a further archive counts where it lies."""
    people = world.people
    org = people.org.copy()
    # Their origin let them go before anybody took them up.
    org[members(world, "left_without_transfer")] = -1
    twice = members(world, *_HELD_TWICE)
    if world.managers:
        changes = (
            pl.concat(world.managers)
            .filter((pl.col("manage_from") <= pl.lit(date)) & ~pl.col("person").is_in(twice.tolist()))
            .sort("person", "manage_from", maintain_order=True)
            .unique("person", keep="last", maintain_order=True)
        )
        org[changes["person"].to_numpy()] = changes["org"].to_numpy()
    person = status_on(world, date).filter(pl.col("status_code") == "MANAGED")["person"].to_numpy()
    held = pl.DataFrame({"person": person, "org": org[person]}, schema={"person": pl.Int64, "org": pl.Int64})
    if world.copies:
        is_own = (pl.col("from_copy") < 0) | pl.col("person").is_in(twice.tolist())
        further = pl.concat(world.copies).filter(is_own & (pl.col("entered") <= pl.lit(date)))
        held = pl.concat([held, further.select(pl.col("person", "org").cast(pl.Int64))]).unique()
    return np.bincount(held.filter(pl.col("org") >= 0)["org"].to_numpy(), minlength=world.places.orgs.height)


def mass_lines(months: pl.DataFrame) -> pl.DataFrame:
    """Truth lines of the months beyond the share, as in violations.csv.

    Args:
        months: `institution_months` of the whole city; an institution's residents stand in many slices.
    """
    masses = months.filter(
        (pl.col("managed_count") > 0) & (pl.col("termination_count") > SHARE * pl.col("managed_count"))
    )
    return masses.select(
        rule_id=pl.lit("A1-6-2-3b"),
        finding_code=pl.lit("MASS_TERMINATION"),
        dataset=pl.lit("termination_month"),
        unit="unit",
        record_key=pl.col("org_code") + ":" + pl.col("month"),
        is_violation=pl.lit(True),
        is_finding=pl.lit(True),
        kind=pl.lit("mass_lost"),
        person_no=pl.lit(-1, pl.Int64),
    ).sort("record_key")

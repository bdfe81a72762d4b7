"""Institutions that work for the figures: digits rounded off, values copied, days beyond possibility.

Not here: mass terminations at the year's end (lost.py), which break a rule. What is played here breaks none:
truth/suspects.csv names who did what, for whoever looks for such patterns.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.synth.archives import org_codes
from pipelines.synth.clock import FAR, Dates, Whole, day, plus, year_of
from pipelines.synth.world import World

#: Kind → which of the slice's managing institutions does it.
_PLACES = {"digit_preference": 1, "copied_vitals": 2, "impossible_visits": 3}
_COPIED = ("sbp", "dbp", "weight_kg", "heart_rate_bpm", "class_code")
_SUSPECTS = {"kind": pl.String, "org_code": pl.String, "doctor_id": pl.String, "day": pl.Date}


def _institution(world: World, kind: str) -> int:
    """Number of the institution of a kind, -1 where nothing is planted; equal in all slices of a district."""
    hosts = world.places.town_org
    return int(hosts[_PLACES[kind] % len(hosts)]) if world.plan.defects else -1


def _note(world: World, kind: str, org: int, doctor: str | None = None, at: Any = None) -> None:
    line = pl.DataFrame(
        [(kind, org_codes(world, np.array([org]))[0], doctor, at.item() if at is not None else None)],
        schema=_SUSPECTS,
        orient="row",
    )
    world.facts["suspects"] = pl.concat([suspects(world), line])


def suspects(world: World) -> pl.DataFrame:
    """Suspected patterns: kind, org_code, doctor_id and day (empty where the pattern has none)."""
    return world.facts.get("suspects", pl.DataFrame(schema=_SUSPECTS))


def crowd_examinations(world: World, person: Whole, org: Whole, at: Dates) -> tuple[Dates, NDArray[np.bool_]]:
    """Examinations of a year moved to one day at one institution, all by one doctor.

    Returns:
        Days of the examinations, and which of them were moved.
    """
    host = _institution(world, "impossible_visits")
    year = int(year_of(world.plan.last))
    crowded = day(f"{year}-05-20")
    if crowded > plus(world.plan.last, -20):
        crowded = day(f"{year - 1}-05-20")
    people = world.people
    moved = (org == host) & (year_of(at) == year_of(crowded)) & (people.case[person] == 0)
    moved &= (people.stay_from[person] < crowded) & (people.stay_to[person] == FAR)
    if host < 0 or crowded <= world.plan.first or not moved.any():
        return at, np.zeros(len(at), dtype=bool)
    _note(world, "impossible_visits", host, crowd_doctor(world), crowded)
    return np.where(moved, crowded, at), moved


def crowd_doctor(world: World) -> str:
    """The doctor of the crowded day."""
    host = _institution(world, "impossible_visits")
    return str(org_codes(world, np.array([max(host, 0)]))[0]) + "D1"


def add_gaming(world: World) -> None:
    """Change delivered blood pressures of two institutions; no reading crosses a threshold."""
    if not world.plan.defects:
        return
    _round_off(world)
    _copy(world)


def _round_off(world: World) -> None:
    """Pressures end in 0: rounding down never crosses a limit, since every limit ends in 0."""
    host = _institution(world, "digit_preference")
    code = org_codes(world, np.array([host]))[0]
    world.rows["htn_followup"] = [
        frame.with_columns(
            pl.when(pl.col("org_code") == code).then((pl.col(name) / 10).floor() * 10).otherwise(pl.col(name))
            for name in ("sbp", "dbp")
        )
        for frame in world.rows["htn_followup"]
    ]
    _note(world, "digit_preference", host)


def _copy(world: World) -> None:
    """A patient's earlier readings of a year repeat the last one: what counts for the year stays as it is."""
    host = _institution(world, "copied_vitals")
    code = org_codes(world, np.array([host]))[0]
    frames = []
    for frame in world.rows["htn_followup"]:
        here = (pl.col("org_code") == code) & pl.col("district_archive_id").is_not_null()
        # Archive ids count anew in every unit.
        whose = ["_unit", "district_archive_id", pl.col("service_date").cast(pl.Date).dt.year()]
        is_sent = pl.col("_at") <= pl.lit(world.plan.last)
        last = [
            pl.when(here)
            .then(pl.col(name).sort_by(is_sent, "service_date", "record_id").last().over(whose))
            .otherwise(pl.col(name))
            .alias(name)
            for name in _COPIED
        ]
        frames.append(frame.with_columns(last))
    world.rows["htn_followup"] = frames
    _note(world, "copied_vitals", host)

"""Who lives where on a day: population counts, live births, the city's population database.

Not here: archives; a resident need not have one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from pipelines.synth.clock import Dates, Whole, day, full_years, moment_text, plus, year_of
from pipelines.synth.places import CITY, REFORM_DATE
from pipelines.synth.territory import CITY_UNIT, deliver_city
from pipelines.synth.world import World, masked

AGE_BANDS = ((0, 0), (1, 4), *((first, first + 4) for first in range(5, 85, 5)), (85, 999))


def evaluation_days(world: World) -> list[np.datetime64]:
    """The evaluation days of the city: the end of the year before the last day, and the last day.

    The year before is evaluated only where the deliveries cover it whole.
    """
    last = world.plan.last
    year = int(year_of(last)) - 1
    return [*([day(f"{year}-12-31")] if world.plan.first <= day(f"{year}-01-01") else []), last]


def homes_on(world: World, date: np.datetime64) -> tuple[Whole, Whole]:
    """Unit and village of every resident on a day; unit -1 = not born, dead or gone."""
    people = world.people
    unit, village = people.unit.copy(), people.village.copy()
    if world.moves:
        copies = pl.concat(world.copies).select("copy", "village")
        moves = (
            pl.concat(world.moves)
            .filter(pl.col("move_from") <= pl.lit(date))
            .join(copies, on="copy", how="left", maintain_order="left")
            .sort("person", "move_from")
            .unique("person", keep="last", maintain_order=True)
        )
        unit[moves["person"].to_numpy()] = moves["unit"].to_numpy()
        village[moves["person"].to_numpy()] = moves["village"].to_numpy()
    gone = (people.birth > date) | (people.death <= date) | (people.left <= date)
    return np.where(gone & ~(people.returned <= date), -1, unit), village


def add_population(world: World) -> None:
    """Resident counts by year, area, age band and sex, and live births by year and area.

    Every area has every age band of both sexes, with 0 where nobody lives.
    """
    people, places = world.people, world.places
    starts = np.array([first for first, _ in AGE_BANDS])
    ends = np.array([last for _, last in AGE_BANDS])
    for date in evaluation_days(world):
        year = int(year_of(date))
        unit, village = homes_on(world, date)
        here = np.flatnonzero(unit >= 0)
        # Completed years on 31 December of the year, as the elderly are counted.
        age = full_years(people.birth[here], day(f"{year}-12-31"))
        band = np.searchsorted(starts, age, side="right") - 1
        town = places.villages["town"].to_numpy()[village[here]]
        areas: list[tuple[list[str], Whole]] = [
            ([CITY], np.zeros(len(here), dtype=np.int64)),
            _merged(places.codes_on(date), unit[here]),
            _merged(town_codes(world, date).to_list(), town),
        ]
        for codes, number in areas:
            shape = (len(codes), len(starts), 2)
            flat = np.ravel_multi_index((number, band, people.sex[here] - 1), shape)
            counts = np.bincount(flat, minlength=int(np.prod(shape)))
            area, bands, sex = np.unravel_index(np.arange(len(counts)), shape)
            deliver_city(
                world,
                "population",
                date,
                {
                    "year": np.full(len(counts), year),
                    "area_code": np.array(codes)[area],
                    "age_from": starts[bands],
                    "age_to": ends[bands],
                    "sex_code": np.array(["1", "2"])[sex],
                    "source_code": ["1"] * len(counts),
                    "resident_count": counts,
                },
            )
        _live_births(world, year, date)


def town_codes(world: World, date: np.datetime64) -> pl.Series:
    """Codes of the townships on a day."""
    return world.places.towns["new_town_code" if date >= REFORM_DATE else "town_code"]


def village_codes(world: World, date: np.datetime64) -> pl.Series:
    """Codes of the villages on a day: the township's and three digits."""
    villages = world.places.villages
    town = town_codes(world, date).gather(villages["town"])
    return town + villages["village_code"].str.slice(9)


def _merged(codes: Sequence[str], number: Whole) -> tuple[list[str], Whole]:
    """Areas of different codes, and numbers among them: parts of a district may have one code."""
    known, position = np.unique(np.asarray(codes), return_inverse=True)
    return known.tolist(), position[number].astype(np.int64)


def _live_births(world: World, year: int, date: np.datetime64) -> None:
    people = world.people
    born = people.is_newborn & (year_of(people.birth) == year) & (people.birth <= date)
    districts, part = np.unique(world.places.codes_on(date), return_inverse=True)
    counts = np.bincount(part[people.unit[born]], minlength=len(districts))
    deliver_city(
        world,
        "live_births",
        date,
        {
            "year": np.full(len(counts) + 1, year),
            "area_code": [CITY, *districts.tolist()],
            "live_birth_count": [int(counts.sum()), *counts.tolist()],
        },
    )


def add_index(world: World) -> None:
    """The population database: one row per resident, sent again when document, home or life changes.

    A row states one document at a time: who had which before is the archives' business.
    """
    people, plan = world.people, world.plan
    everyone = np.arange(len(people))
    born = np.where(people.is_newborn, plus(people.birth, 4), plan.first)
    changes: list[tuple[Whole, Dates]] = [(everyone, born)]
    for frame, name in (
        (world.facts["upgrades"], "upgraded"),
        *((moves, "move_from") for moves in world.moves),
    ):
        at = frame[name].to_numpy().astype("datetime64[D]")
        known = ~np.isnat(at)
        changes.append((frame["person"].to_numpy()[known], at[known]))
    for at in (people.death, people.left, people.returned):
        known = np.flatnonzero(~np.isnat(at) & (at > plan.first))
        changes.append((known, plus(at[known], 3)))
    for date in world.days:
        before = world.days[world.days < date]
        since = before[-1] if len(before) else plus(plan.first, -1)
        touched = np.unique(np.concatenate([who[(at > since) & (at <= date)] for who, at in changes]))
        if len(touched):
            _index_rows(world, touched.astype(np.int64), date)


def _index_rows(world: World, person: Whole, date: np.datetime64) -> None:
    people, places, size = world.people, world.places, len(person)
    unit, village = homes_on(world, date)
    here = unit[person] >= 0
    upgrades = world.facts["upgrades"].filter(
        (pl.col("first_document") == "ID") | (pl.col("upgraded") <= pl.lit(date))
    )
    numbered = ~people.is_newborn[person] | np.isin(person, upgrades["person"].to_numpy())
    home_unit = np.where(here, unit[person], people.unit[person])
    towns = places.villages["town"].to_numpy()[village[person]]
    death = np.where(people.death[person] <= date, people.death[person], np.datetime64("NaT", "D"))
    world.deliver(
        "population_index",
        np.full(size, CITY_UNIT),
        np.full(size, date),
        {
            "index_id": "PI" + pl.Series(world.person_numbers(person)).cast(pl.String).str.zfill(9),
            "id_type_code": np.where(numbered, "01", "11"),
            "id_no": masked(numbered, people.id_no.gather(person)),
            "birth_certificate_no": masked(~numbered, people.birth_certificate_no.gather(person)),
            "name": people.name.gather(person),
            "birth_date": people.birth[person],
            "sex_code": pl.Series(people.sex[person]).cast(pl.String),
            "residence_district_code": np.array(places.codes_on(date))[home_unit],
            "residence_town_code": town_codes(world, date).gather(towns),
            "residence_village_code": village_codes(world, date).gather(village[person]),
            "residence_start_date": np.maximum(people.birth[person], plus(world.plan.first, -900)),
            "is_resident": here,
            "death_date": death,
            "updated_at": moment_text(np.full(size, date), 1080),
        },
    )

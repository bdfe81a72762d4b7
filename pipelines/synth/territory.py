"""What the city and the units say about places and numbers of people: divisions, institutions, population.

Not here: rows about one resident, except the city's population database (index_rows).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipelines.synth.clock import add_months, day, full_years, year_of
from pipelines.synth.places import CITY, all_districts, all_towns
from pipelines.synth.world import World

_CITY_UNIT = -1
AGE_BANDS = ((0, 0), (1, 4), *((first, first + 4) for first in range(5, 85, 5)), (85, 999))


def add_territory(world: World) -> None:
    """Divisions, institutions, catchments and the plan of deliveries, all with the first delivery."""
    _divisions(world)
    _institutions(world)
    _delivery_plan(world)


def _deliver_city(world: World, dataset: str, at: Any, columns: dict[str, Any]) -> None:
    size = len(next(iter(columns.values())))
    world.deliver(dataset, np.full(size, _CITY_UNIT), np.full(size, at), columns)


def _divisions(world: World) -> None:
    places = world.places
    districts = all_districts()
    towns = all_towns().filter(pl.col("district_code").is_in(list(places.units)))
    codes = [CITY, *districts["district_code"], *towns["town_code"], *places.villages["village_code"]]
    names = ["重庆市", *districts["district_name"], *towns["town_name"], *places.villages["village_name"]]
    levels = ["1"] + ["2"] * districts.height + ["3"] * towns.height + ["4"] * places.villages.height
    village_town = places.towns["town_code"].gather(places.villages["town"])
    parents = [None, *([CITY] * districts.height), *towns["district_code"], *village_town]
    size = len(codes)
    _deliver_city(
        world,
        "division",
        world.plan.first,
        {
            "division_code": codes,
            "code_system": ["MCA"] * size,
            "valid_from": np.full(size, day("2020-01-01")),
            "name": names,
            "level_code": levels,
            "parent_code": parents,
            "kind_code": ["gb"] * size,
        },
    )


def _institutions(world: World) -> None:
    places = world.places
    orgs = places.orgs
    unit = places.org_unit
    size = orgs.height
    town = orgs["town"].to_numpy()
    has_town = pl.DataFrame({"has": town >= 0, "code": places.towns["town_code"].gather(np.maximum(town, 0))})
    world.deliver(
        "org",
        unit,
        np.full(size, world.plan.first),
        {
            "org_code": orgs["org_code"],
            "valid_from": np.full(size, day("2005-01-01")),
            "org_name": orgs["org_name"],
            "org_type_code": orgs["org_type_code"],
            "is_designated": [False] * size,
            "hospital_level_code": orgs["hospital_level_code"],
            "district_code": np.array(places.units)[unit],
            "town_code": has_town.select(pl.when("has").then("code")).to_series(),
            "town_code_system": has_town.select(pl.when("has").then(pl.lit("MCA"))).to_series(),
            "parent_org_code": orgs["parent_org_code"],
        },
    )
    villages = places.villages
    world.deliver(
        "catchment",
        villages["unit"].to_numpy(),
        np.full(villages.height, world.plan.first),
        {
            "village_code": villages["village_code"],
            "valid_from": np.full(villages.height, day("2015-01-01")),
            "org_code": orgs["org_code"].gather(places.town_org[villages["town"].to_numpy()]),
        },
    )


def _delivery_plan(world: World) -> None:
    monthly = (
        ["archive", "encounter", "health_exam", "htn_followup", "dm_followup", "contact_attempt", "termination", "transfer"]
    )
    pairs = [(unit, name) for unit in world.places.units for name in monthly]
    size = len(pairs)
    _deliver_city(
        world,
        "delivery_plan",
        world.plan.first,
        {
            "unit": [unit for unit, _ in pairs],
            "dataset": [name for _, name in pairs],
            "valid_from": np.full(size, world.plan.first),
            "frequency_code": ["M"] * size,
            "due_hour": [24] * size,
            "due_day": [31] * size,
        },
    )


def evaluation_days(world: World) -> list[np.datetime64]:
    """The evaluation days of the city: the ends of the years that ended in the period, and its last day."""
    last = world.plan.last
    years = range(int(year_of(world.plan.first)), int(year_of(last)))
    return [day(f"{year}-12-31") for year in years] + [last]


def add_population(world: World, residence: dict[str, np.ndarray[Any, Any]]) -> None:
    """Resident counts by year, area, age band and sex, and live births by year and area.

    Args:
        world: the city.
        residence: evaluation day → unit number of each resident then, -1 = none (unborn, dead, gone).
    """
    people, places = world.people, world.places
    town_of_village = places.villages["town"].to_numpy()
    band_starts = np.array([first for first, _ in AGE_BANDS])
    for date in evaluation_days(world):
        year = int(year_of(date))
        unit = residence[str(date)]
        here = np.flatnonzero(unit >= 0)
        # 统计年龄: completed years on 31 December of the year.
        age = full_years(people.birth[here], day(f"{year}-12-31"))
        band = np.searchsorted(band_starts, age, side="right") - 1
        home = town_of_village[people.village[here]]
        moved = unit[here] != people.unit[here]
        town_codes = places.towns["town_code"].gather(home).to_list()
        district = np.array(places.units)[unit[here]]
        frame = pl.DataFrame(
            {
                "district": district,
                "town": pl.Series(town_codes).replace_strict(
                    dict(zip(town_codes, town_codes, strict=False)), return_dtype=pl.String
                )
                if not moved.any()
                else _towns_of(world, home, unit[here], moved),
                "band": band,
                "sex_code": people.sex[here],
            }
        )
        for level in ("city", "district", "town"):
            area = pl.lit(CITY) if level == "city" else pl.col(level)
            counts = (
                frame.group_by(area.alias("area_code"), "band", "sex_code")
                .len("resident_count")
                .sort("area_code", "band", "sex_code")
            )
            bands = counts["band"].to_numpy()
            at = add_months(date, 0)
            _deliver_city(
                world,
                "population",
                at,
                {
                    "year": np.full(counts.height, year),
                    "area_code": counts["area_code"],
                    "age_from": band_starts[bands],
                    "age_to": np.array([last for _, last in AGE_BANDS])[bands],
                    "sex_code": counts["sex_code"].cast(pl.String),
                    "source_code": ["1"] * counts.height,
                    "resident_count": counts["resident_count"],
                },
            )
        _live_births(world, year, date)


def _towns_of(world: World, home: Any, unit: Any, moved: Any) -> pl.Series:
    """Township of each resident; one who moved is counted in the first township of the new district."""
    first_town = np.searchsorted(world.places.towns["unit"].to_numpy(), np.arange(len(world.places.units)))
    return world.places.towns["town_code"].gather(np.where(moved, first_town[unit], home))


def _live_births(world: World, year: int, date: Any) -> None:
    people = world.people
    born = people.is_newborn & (year_of(people.birth) == year) & (people.birth <= date)
    counts = np.bincount(people.unit[born], minlength=len(world.places.units))
    _deliver_city(
        world,
        "live_births",
        date,
        {
            "year": np.full(len(counts) + 1, year),
            "area_code": [CITY, *world.places.units],
            "live_birth_count": [int(counts.sum()), *counts.tolist()],
        },
    )

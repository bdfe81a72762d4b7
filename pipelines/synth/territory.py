"""What the city and the units say about places: divisions, institutions, catchments, plan of deliveries.

Not here: numbers of people and the city's population database (residents.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipelines.synth.clock import day
from pipelines.synth.places import CITY, all_districts, all_towns
from pipelines.synth.world import World, masked

CITY_UNIT = -1


def add_territory(world: World) -> None:
    """Divisions, institutions, catchments and the plan of deliveries, all with the first delivery."""
    _divisions(world)
    _institutions(world)
    _delivery_plan(world)


def deliver_city(world: World, dataset: str, at: Any, columns: dict[str, Any]) -> None:
    size = len(next(iter(columns.values())))
    world.deliver(dataset, np.full(size, CITY_UNIT), np.full(size, at), columns)


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
    deliver_city(
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
            "town_code": masked(town >= 0, places.towns["town_code"].gather(np.maximum(town, 0))),
            "town_code_system": masked(town >= 0, ["MCA"] * size),
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
    monthly = [
        "archive",
        "encounter",
        "health_exam",
        "htn_followup",
        "dm_followup",
        "contact_attempt",
        "termination",
        "transfer",
    ]
    pairs = [(unit, name) for unit in world.places.units for name in monthly]
    size = len(pairs)
    deliver_city(
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

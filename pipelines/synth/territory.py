"""What the city and the units say about places: divisions, institutions, catchments, plan of deliveries.

Not here: numbers of people and the city's population database (residents.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipelines.synth.clock import NEVER, day, plus
from pipelines.synth.places import (
    CITY,
    LAST_UNITS,
    REFORM_DATE,
    all_districts,
    reform_parts,
    reform_towns,
    towns_of,
)
from pipelines.synth.world import World, masked

CITY_UNIT = -1
_LONG_AGO = day("2020-01-01")


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
    is_reformed = bool(places.is_reformed.any())
    moving = set(reform_parts()["part"])
    districts = all_districts().select("district_code", "district_name")
    stay = [unit for unit in places.units if unit not in moving]
    towns = pl.concat([towns_of(unit, is_reformed).with_columns(unit=pl.lit(unit[:6])) for unit in stay])
    kept = ~places.is_reformed[places.villages["unit"].to_numpy()]
    villages = places.villages.filter(pl.Series(kept))
    parent_town = places.towns["town_code"].gather(villages["town"])
    system = places.towns["code_system"].gather(villages["town"])
    _division_rows(world, "1", [CITY], ["重庆市"], [None])
    functional = districts["district_code"].is_in(list(LAST_UNITS))
    for kind, some in (("gb", districts.filter(~functional)), ("functional", districts.filter(functional))):
        size = some.height
        systems = ["HEALTH" if kind == "functional" else "MCA"] * size
        _division_rows(world, "2", some["district_code"], some["district_name"], [CITY] * size, systems, kind)
    _division_rows(world, "3", towns["town_code"], towns["town_name"], towns["unit"], towns["code_system"])
    _division_rows(world, "4", villages["village_code"], villages["village_name"], parent_town, system)
    if is_reformed:
        _reformed_divisions(world)


def _division_rows(
    world: World,
    level: str,
    codes: Any,
    names: Any,
    parents: Any,
    systems: Any = None,
    kind: str = "gb",
    since: np.datetime64 = _LONG_AGO,
    until: np.datetime64 = NEVER,
    at: np.datetime64 | None = None,
    successors: Any = None,
) -> None:
    """Divisions of one level, told on the first day or on `at`."""
    size = len(codes)
    if not size:
        return
    deliver_city(
        world,
        "division",
        world.plan.first if at is None else at,
        {
            "division_code": pl.Series(list(codes), dtype=pl.String),
            "code_system": ["MCA"] * size if systems is None else systems,
            "valid_from": np.full(size, since),
            "name": pl.Series(list(names), dtype=pl.String),
            "level_code": [level] * size,
            "parent_code": pl.Series(list(parents), dtype=pl.String),
            "kind_code": [kind] * size,
            "valid_to": np.full(size, until),
            "successor_codes": pl.Series(
                [None] * size if successors is None else list(successors), dtype=pl.String
            ),
        },
    )


def _reformed_divisions(world: World) -> None:
    """Abolished districts, their townships and villages: as they were, their end, and what follows them."""
    places = world.places
    here = reform_parts().filter(pl.col("part").is_in(list(places.units)))
    towns = reform_towns().filter(pl.col("part").is_in(list(places.units)))
    old = towns.join(here, on="part", how="left", maintain_order="left")
    gone = here.filter(pl.col("district_code") != "500109").unique("district_code", maintain_order=True)
    kinds = [("functional" if code == "500132" else "gb") for code in gone["district_code"]]
    successors = {"500112": "500157|500109"}
    follow = [successors.get(code, "500157") for code in gone["district_code"]]
    chosen = places.is_reformed[places.villages["unit"].to_numpy()]
    villages = places.villages.filter(pl.Series(chosen))
    town = villages["town"]
    village_system = places.towns["code_system"].gather(town)
    new_town = places.towns["new_town_code"].gather(town)
    last_day = plus(REFORM_DATE, -1)
    for until, at in ((NEVER, None), (REFORM_DATE, last_day)):
        is_over = at is not None
        for kind in ("gb", "functional"):
            some = [number for number, one in enumerate(kinds) if one == kind]
            _division_rows(
                world,
                "2",
                gone["district_code"].gather(some),
                gone["district_name"].gather(some),
                [CITY] * len(some),
                systems=["MCA" if kind == "gb" else "HEALTH"] * len(some),
                kind=kind,
                until=until,
                at=at,
                successors=[follow[number] for number in some] if is_over else None,
            )
        _division_rows(
            world,
            "3",
            old["town_code"],
            old["town_name"],
            old["district_code"],
            old["code_system"],
            until=until,
            at=at,
            successors=old["new_town_code"] if is_over else None,
        )
        _division_rows(
            world,
            "4",
            villages["village_code"],
            villages["village_name"],
            places.towns["town_code"].gather(town),
            village_system,
            until=until,
            at=at,
        )
    begun = REFORM_DATE
    _division_rows(world, "2", ["500157"], ["两江新区"], [CITY], since=begun, at=begun)
    new = old.unique("new_town_code", maintain_order=True)
    _division_rows(
        world,
        "3",
        new["new_town_code"],
        new["new_town_name"],
        new["new_district_code"],
        since=begun,
        at=begun,
    )
    codes = new_town + villages["village_code"].str.slice(9)
    _division_rows(world, "4", codes, villages["village_name"], new_town, since=begun, at=begun)


def _institutions(world: World) -> None:
    """Institutions and catchments; those of abolished units end and begin again under the next."""
    places = world.places
    first = world.plan.first
    reformed = places.is_reformed[places.org_unit]
    everyone = np.ones(places.orgs.height, dtype=bool)
    before, after = places.codes_on(day("2025-12-31")), places.later_units
    _org_rows(world, everyone, before, "town_code", day("2005-01-01"), NEVER, first)
    if reformed.any():
        last_day = plus(REFORM_DATE, -1)
        _org_rows(world, reformed, before, "town_code", day("2005-01-01"), REFORM_DATE, last_day)
        _org_rows(world, reformed, after, "new_town_code", REFORM_DATE, NEVER, REFORM_DATE)


def _org_rows(
    world: World,
    chosen: Any,
    districts: tuple[str, ...],
    town_column: str,
    since: np.datetime64,
    until: np.datetime64,
    at: np.datetime64,
) -> None:
    places = world.places
    orgs = places.orgs.filter(pl.Series(chosen))
    unit = orgs["unit"].to_numpy()
    size = orgs.height
    town = orgs["town"].to_numpy()
    has_town = town >= 0
    systems = places.towns["code_system"].gather(np.maximum(town, 0))
    if town_column == "new_town_code":
        systems = pl.Series(["MCA"] * size)
    world.deliver(
        "org",
        unit,
        np.full(size, at),
        {
            "org_code": orgs["org_code"],
            "valid_from": np.full(size, since),
            "org_name": orgs["org_name"],
            "org_type_code": orgs["org_type_code"],
            "is_designated": [False] * size,
            "hospital_level_code": orgs["hospital_level_code"],
            "district_code": np.array(districts)[unit],
            "town_code": masked(has_town, places.towns[town_column].gather(np.maximum(town, 0))),
            "town_code_system": masked(has_town, systems),
            "parent_org_code": orgs["parent_org_code"],
            "valid_to": np.full(size, until),
        },
    )
    villages = places.villages.filter(
        pl.Series(np.asarray(chosen)[places.town_org[places.villages["town"].to_numpy()]])
    )
    codes = places.towns[town_column].gather(villages["town"]) + villages["village_code"].str.slice(9)
    world.deliver(
        "catchment",
        villages["unit"].to_numpy(),
        np.full(villages.height, at),
        {
            "village_code": codes,
            "valid_from": np.full(villages.height, max(since, day("2015-01-01"))),
            "org_code": places.orgs["org_code"].gather(places.town_org[villages["town"].to_numpy()]),
            "valid_to": np.full(villages.height, until),
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
    first = world.plan.first
    before, after = (
        set(world.places.codes_on(at)) for at in (min(first, plus(REFORM_DATE, -1)), REFORM_DATE)
    )
    plans = [(unit, first, NEVER if unit in after else REFORM_DATE) for unit in sorted(before)]
    plans += [(unit, max(first, REFORM_DATE), NEVER) for unit in sorted(after - before)]
    rows = [(*plan, name) for plan in plans for name in monthly]
    size = len(rows)
    deliver_city(
        world,
        "delivery_plan",
        first,
        {
            "unit": [unit for unit, _, _, _ in rows],
            "dataset": [name for _, _, _, name in rows],
            "valid_from": np.array([since for _, since, _, _ in rows]),
            "valid_to": np.array([until for _, _, until, _ in rows]),
            "frequency_code": ["M"] * size,
            "due_hour": [24] * size,
            "due_day": [31] * size,
        },
    )

"""How a city is cut into slices: small worlds of their own over the same places, with number spaces apart.

Not here: what happens in a slice (city.py) and how the slices' rows come together in files (spill.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.synth.clock import Whole
from pipelines.synth.places import Places

#: Most residents of a slice: bounds the memory of a worker, whatever the size of the city.
SLICE_RESIDENTS = 100_000
#: Fewest districts of a slice where the city has more: stories with three districts must fit.
SLICE_UNITS = 4


@dataclass(frozen=True)
class Slice:
    """A share of the city: its residents never meet those of another slice.

    Attributes:
        number: position in the city, from 0.
        count: slices of the city.
        units: positions of its districts among the city's; several slices may share the same districts.
        within, siblings: position among the slices of the same districts, and their number.
        residents: persons at the start.
        city_units: districts of the city.
    """

    number: int
    count: int
    units: tuple[int, ...]
    within: int
    siblings: int
    residents: int
    city_units: int

    def share(self, space: int) -> tuple[int, int]:
        """The slice's own part of a number space of the city: first number and how many."""
        width = space // self.count
        return self.number * width, width

    def share_of_units(self, space: int) -> tuple[int, int]:
        """The slice's own part of a number space that its districts keep: first number and how many."""
        width = space // self.siblings
        return self.within * width, width

    def position(self, unit: int) -> int | None:
        """Where a district of the city stands in the slice; None if nobody of the slice lives there."""
        return self.units.index(unit) if unit in self.units else None


def nobody(units: int) -> Slice:
    """A slice without residents over all districts: what the city itself has to say."""
    return Slice(0, 1, tuple(range(units)), 0, 1, 0, units)


def cut(residents: int, weights: Sequence[float]) -> list[Slice]:
    """Slices of a city: the same for the same request, whatever the machine.

    Large cities with many districts are cut into groups of districts first, so that a slice does not
    scatter a few rows into every file of the city.

    Args:
        residents: persons at the start.
        weights: share of the residents per district.
    """
    wanted = -(-residents // SLICE_RESIDENTS)
    groups = max(1, min(len(weights) // SLICE_UNITS, wanted))
    members = np.array_split(np.arange(len(weights)), groups)
    shares = np.array([sum(weights[unit] for unit in group) for group in members])
    bounds = np.r_[0, np.round(np.cumsum(shares / shares.sum()) * residents)].astype(int)
    sizes = np.diff(bounds)
    counts = np.maximum(-(-sizes // SLICE_RESIDENTS), 1)
    slices: list[Slice] = []
    for group, size, count in zip(members, sizes, counts, strict=True):
        parts = np.diff(np.round(np.linspace(0, size, count + 1)).astype(int))
        for within, part in enumerate(parts):
            slices.append(
                Slice(
                    number=len(slices),
                    count=int(counts.sum()),
                    units=tuple(group.tolist()),
                    within=within,
                    siblings=int(count),
                    residents=int(part),
                    city_units=len(weights),
                )
            )
    return slices


def restrict(places: Places, units: Sequence[int]) -> Places:
    """The places of some districts, numbered anew in the same order.

    Args:
        places: those of the city.
        units: positions of the districts, ascending.
    """
    if len(units) == len(places.units):
        return places
    chosen = list(units)
    weights = np.array(places.weights)[chosen]
    towns, town_number = _kept(places.towns, chosen)
    villages, _ = _kept(places.villages, chosen)
    orgs, org_number = _kept(places.orgs, chosen)
    town = orgs["town"].to_numpy()
    orgs = orgs.with_columns(town=pl.Series(np.where(town >= 0, town_number[np.maximum(town, 0)], -1)))
    manager = places.town_org[np.flatnonzero(town_number >= 0)]
    return Places(
        units=tuple(places.units[unit] for unit in chosen),
        later_units=tuple(places.later_units[unit] for unit in chosen),
        unit_names=tuple(places.unit_names[unit] for unit in chosen),
        urban=tuple(places.urban[unit] for unit in chosen),
        code_since=places.code_since[chosen],
        weights=tuple((weights / weights.sum()).tolist()),
        towns=towns,
        villages=villages.with_columns(town=pl.Series(town_number[villages["town"].to_numpy()])),
        orgs=orgs,
        town_org=org_number[manager],
    )


def _kept(table: pl.DataFrame, units: list[int]) -> tuple[pl.DataFrame, Whole]:
    """Rows of the chosen districts with their new numbers, and old position → new position (-1 = gone)."""
    old = table["unit"].to_numpy()
    new_unit = np.full(int(old.max()) + 1, -1)
    new_unit[units] = np.arange(len(units))
    unit = new_unit[old]
    rows = np.flatnonzero(unit >= 0)
    position = np.full(table.height, -1)
    position[rows] = np.arange(len(rows))
    return table.gather(rows).with_columns(unit=pl.Series(unit[rows])), position

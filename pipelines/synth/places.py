"""Where the city's people live and who serves them: units, townships, villages, institutions.

Not here: the residents themselves (people.py). Township names and codes are real, villages are invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.synth.clock import Whole, day

CITY = "500000"
_DATA = Path(__file__).parent / "data"
#: The first five make the default sample: centre, west, university town, south-west, and a mountain county.
UNIT_ORDER = ("500103", "500116", "500106", "500118", "500236")
#: After all others: functional areas that stay, then the units that the reform abolished.
LAST_UNITS = ("500131", "500133", "500105", "500112", "500132")
#: 渝府发〔2025〕15号: from this day these deliver under the code of their successor.
REFORM_DATE = day("2026-01-01")
VILLAGES_PER_TOWN = 4
#: A township with more residents has more villages, so that archive numbers do not run out.
_RESIDENTS_PER_VILLAGE = 4000
#: Before the name of a village when a township uses it again.
_FURTHER = ("", "东", "南", "西", "北", "上", "下")
_RESIDENTS_PER_TOWN = 1000
_URBAN = ("500103", "500104", "500105", "500106", "500107", "500108", "500112", "500132")
_TOWN_COLUMNS = ("town_code", "code_system", "town_name", "new_town_code", "new_town_name")
_TOWN_SCHEMA = ["town_code", "town_name", "unit", "code_system", "new_town_code", "new_town_name"]
_VILLAGE_NAMES = [
    "金桥",
    "双龙",
    "石坝",
    "新华",
    "红岩",
    "凤凰",
    "青山",
    "白云",
    "长乐",
    "永丰",
    "大坪",
    "清溪",
    "梅花",
    "柏树",
    "团结",
    "和平",
]


@dataclass(frozen=True)
class Places:
    """Reference data of the sampled part of the city; numbers are row positions.

    Attributes:
        units: delivering districts, `unit` number → code. A district that the reform divided stands as
            several units; a letter after the code tells them apart.
        later_units: their codes from the reform on.
        unit_names: their names.
        urban: per unit, whether its people follow the urban census profile.
        code_since: per unit, the first year in which its present code was in use.
        weights: per unit, its share of the residents.
        towns: town_code, town_name, unit, code_system; new_town_code, new_town_name from the reform on.
        villages: village_code, village_name, town, unit.
        orgs: org_code, org_name, org_type_code, hospital_level_code, unit, town (-1 = district-wide), parent.
        town_org: per town, the institution that manages archives there.
    """

    units: tuple[str, ...]
    later_units: tuple[str, ...]
    unit_names: tuple[str, ...]
    urban: tuple[bool, ...]
    code_since: Whole
    weights: tuple[float, ...]
    towns: pl.DataFrame
    villages: pl.DataFrame
    orgs: pl.DataFrame
    town_org: Whole

    def codes_on(self, date: np.datetime64) -> tuple[str, ...]:
        """Codes of the delivering districts on a day; parts of one district have the same."""
        return self.later_units if date >= REFORM_DATE else tuple(unit[:6] for unit in self.units)

    @property
    def is_reformed(self) -> NDArray[np.bool_]:
        """Per unit, whether it delivers under another code from the reform on."""
        return np.array([unit[:6] for unit in self.units]) != np.array(self.later_units)

    @property
    def org_unit(self) -> Whole:
        """Unit number of every institution."""
        return self.orgs["unit"].to_numpy()

    @property
    def hospital_of_unit(self) -> Whole:
        """Institution number of each unit's general hospital."""
        hospitals = self.orgs.with_row_index("number").filter(pl.col("org_type_code") == "5")
        return hospitals.sort("unit")["number"].to_numpy().astype(np.int64)


def all_districts() -> pl.DataFrame:
    """The units with one code over 2025 and 2026: code, name, census population, code in use since."""
    return pl.read_csv(_DATA / "districts.csv", schema_overrides={"district_code": pl.String})


def all_towns() -> pl.DataFrame:
    """Every township of the city in civil-affairs coding: town_code, town_name, district_code."""
    return pl.read_csv(_DATA / "towns.csv", infer_schema=False)


def reform_parts() -> pl.DataFrame:
    """Districts, and parts of districts, that went to another in 2026: part, old and new district, weight."""
    return pl.read_csv(
        _DATA / "reform_parts.csv",
        schema_overrides={"part": pl.String, "district_code": pl.String, "new_district_code": pl.String},
    )


def reform_towns() -> pl.DataFrame:
    """Townships of these parts: codes and names before and after."""
    return pl.read_csv(_DATA / "reform_towns.csv", infer_schema=False)


def choose_units(count: int) -> tuple[str, ...]:
    """The first `count` delivering districts: the default five, then by population, the abolished ones last.

    With all 41 the reform of 2026 is complete: 39 units deliver from then on. A divided district stands as
    several units.

    Raises:
        ValueError: fewer than one or more than exist.
    """
    table = all_districts().sort(["population_2020", "district_code"], descending=[True, False])
    ordinary = [code for code in table["district_code"] if code not in (*UNIT_ORDER, *LAST_UNITS)]
    order = [*UNIT_ORDER, *ordinary, *LAST_UNITS]
    if not 1 <= count <= len(order):
        raise ValueError(f"units must be between 1 and {len(order)}, not {count}")
    chosen = order[:count]
    further = [
        part
        for part, district in reform_parts().select("part", "district_code").iter_rows()
        if part != district and (district in chosen if district in LAST_UNITS else count == len(order))
    ]
    return (*chosen, *further)


def _districts_and_parts() -> dict[str, dict[str, Any]]:
    """Unit → name, weight, first year of its code, code from the reform on."""
    known = {
        row["district_code"]: row | {"later": row["district_code"]} for row in all_districts().to_dicts()
    }
    parts = {row["part"]: row | {"later": row["new_district_code"]} for row in reform_parts().to_dicts()}
    return known | parts


def towns_of(unit: str, is_reformed: bool) -> pl.DataFrame:
    """Townships of a unit: town_code, town_name, code_system, new_town_code, new_town_name."""
    moving = reform_towns()
    own = moving.filter(pl.col("part") == unit).drop("part")
    if own.height:
        return own.sort("town_code")
    rest = all_towns().filter(pl.col("district_code") == unit).sort("town_code")
    if unit in ("500131", "500133"):
        rest = pl.read_csv(_DATA / "functional_towns.csv", infer_schema=False)
        rest = rest.filter(pl.col("district_code") == unit)
    # The list of 2026 knows the townships where they went, and some where they had been.
    gone = [*moving["new_town_code"], *moving["town_code"]]
    names = moving.filter(pl.col("part") == "500109S")["new_town_name"].to_list()
    if is_reformed:
        rest = rest.filter(~pl.col("town_code").is_in(gone))
        if unit == "500109":
            rest = rest.filter(~pl.col("town_name").is_in(names))
    return rest.select(
        "town_code",
        code_system=pl.lit("HEALTH" if unit in LAST_UNITS else "MCA"),
        town_name="town_name",
        new_town_code="town_code",
        new_town_name="town_name",
    )


def build_places(residents: int, unit_count: int) -> Places:
    """Townships, villages and institutions in proportion to the number of residents.

    Args:
        residents: persons at the start of the period.
        unit_count: delivering districts.
    """
    units = choose_units(unit_count)
    districts = _districts_and_parts()
    population = np.array([districts[unit]["population_2020"] for unit in units], dtype=float)
    # The square root keeps the smallest county large enough to show every case.
    weights = np.sqrt(population) / np.sqrt(population).sum()
    towns: list[tuple[Any, ...]] = []
    villages: list[tuple[str, str, int, int]] = []
    orgs: list[tuple[str, str, str, int | None, int, int, str | None]] = []
    town_org: list[int] = []
    for number, unit in enumerate(units):
        known = towns_of(unit, "500109S" in units)
        wanted = max(2, round(residents * weights[number] / _RESIDENTS_PER_TOWN))
        picked = known.gather(
            np.unique(np.linspace(0, known.height - 1, min(wanted, known.height)).astype(int))
        )
        name = districts[unit]["district_name"]
        crowd = residents * weights[number] / picked.height
        village_count = min(max(VILLAGES_PER_TOWN, round(crowd / _RESIDENTS_PER_VILLAGE)), 99)
        for code, system, town_name, new_code, new_name in picked.select(_TOWN_COLUMNS).iter_rows():
            town = len(towns)
            towns.append((code, town_name, number, system, new_code, new_name))
            rural = town_name.endswith(("镇", "乡"))
            for index in range(village_count):
                again = _FURTHER[index // len(_VILLAGE_NAMES)]
                village = again + _VILLAGE_NAMES[(town * 5 + index * 3) % len(_VILLAGE_NAMES)]
                # Groups of the archive number: 001-099 neighbourhood, 101-199 village committee.
                suffix, kind = (101 + index, "村") if rural else (1 + index, "社区")
                villages.append((f"{code}{suffix:03d}", village + kind, town, number))
            town_org.append(len(orgs))
            orgs.append(
                (
                    f"CQ{unit}P{town:03d}",
                    f"{name}{town_name}" + ("卫生院" if rural else "社区卫生服务中心"),
                    "3" if rural else "1",
                    None,
                    number,
                    town,
                    None,
                )
            )
            orgs.append(
                (
                    f"CQ{unit}S{town:03d}",
                    f"{town_name}" + ("村卫生室" if rural else "社区卫生服务站"),
                    "4" if rural else "2",
                    None,
                    number,
                    town,
                    f"CQ{unit}P{town:03d}",
                )
            )
        orgs.append((f"CQ{unit}H001", f"{name}人民医院", "5", 3 - number % 2, number, -1, None))
        orgs.append((f"CQ{unit}M001", f"{name}妇幼保健院", "6", 2, number, -1, None))
    return Places(
        units=units,
        later_units=tuple(districts[unit]["later"] for unit in units),
        unit_names=tuple(districts[unit]["district_name"] for unit in units),
        urban=tuple(unit in _URBAN for unit in units),
        code_since=np.array([districts[unit]["code_since_year"] for unit in units], dtype=np.int64),
        weights=tuple(weights.tolist()),
        towns=pl.DataFrame(towns, schema=_TOWN_SCHEMA, orient="row"),
        villages=pl.DataFrame(
            villages, schema=["village_code", "village_name", "town", "unit"], orient="row"
        ),
        orgs=pl.DataFrame(
            orgs,
            schema={
                "org_code": pl.String,
                "org_name": pl.String,
                "org_type_code": pl.String,
                "hospital_level_code": pl.String,
                "unit": pl.Int64,
                "town": pl.Int64,
                "parent_org_code": pl.String,
            },
            orient="row",
            strict=False,
        ),
        town_org=np.array(town_org, dtype=np.int64),
    )

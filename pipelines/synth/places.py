"""Where the city's people live and who serves them: units, townships, villages, institutions.

Not here: the residents themselves (people.py). Township names and codes are real, villages are invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.synth.clock import Whole

CITY = "500000"
_DATA = Path(__file__).parent / "data"
#: The first five make the default sample: centre, west, university town, south-west, and a mountain county.
UNIT_ORDER = ("500103", "500116", "500106", "500118", "500236")
VILLAGES_PER_TOWN = 4
_RESIDENTS_PER_TOWN = 1000
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
        units: delivering districts, `unit` number → code.
        unit_names: their names.
        urban: per unit, whether its people follow the urban census profile.
        code_since: per unit, the first year in which its present code was in use.
        weights: per unit, its share of the residents.
        towns: town_code, town_name, unit.
        villages: village_code, village_name, town, unit.
        orgs: org_code, org_name, org_type_code, hospital_level_code, unit, town (-1 = district-wide), parent.
        town_org: per town, the institution that manages archives there.
    """

    units: tuple[str, ...]
    unit_names: tuple[str, ...]
    urban: tuple[bool, ...]
    code_since: Whole
    weights: tuple[float, ...]
    towns: pl.DataFrame
    villages: pl.DataFrame
    orgs: pl.DataFrame
    town_org: Whole

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
    """The districts with one code over 2025 and 2026: code, name, census population, code in use since."""
    return pl.read_csv(_DATA / "districts.csv", schema_overrides={"district_code": pl.String})


def all_towns() -> pl.DataFrame:
    """Every township of the city in civil-affairs coding: town_code, town_name, district_code."""
    return pl.read_csv(_DATA / "towns.csv", infer_schema=False)


def choose_units(count: int) -> tuple[str, ...]:
    """The first `count` delivering districts: the default five, then by population.

    Raises:
        ValueError: fewer than one or more than exist.
    """
    table = all_districts().sort(["population_2020", "district_code"], descending=[True, False])
    order = [*UNIT_ORDER, *(code for code in table["district_code"] if code not in UNIT_ORDER)]
    if not 1 <= count <= len(order):
        raise ValueError(f"units must be between 1 and {len(order)}, not {count}")
    return tuple(order[:count])


def build_places(residents: int, unit_count: int) -> Places:
    """Townships, villages and institutions in proportion to the number of residents.

    Args:
        residents: persons at the start of the period.
        unit_count: delivering districts.
    """
    units = choose_units(unit_count)
    districts = all_districts().rows_by_key("district_code", named=True, unique=True)
    population = np.array([districts[unit]["population_2020"] for unit in units], dtype=float)
    # The square root keeps the smallest county large enough to show every case.
    weights = np.sqrt(population) / np.sqrt(population).sum()
    towns: list[tuple[str, str, int]] = []
    villages: list[tuple[str, str, int, int]] = []
    orgs: list[tuple[str, str, str, int | None, int, int, str | None]] = []
    town_org: list[int] = []
    for number, unit in enumerate(units):
        known = all_towns().filter(pl.col("district_code") == unit).sort("town_code")
        wanted = max(2, round(residents * weights[number] / _RESIDENTS_PER_TOWN))
        picked = known.gather(
            np.unique(np.linspace(0, known.height - 1, min(wanted, known.height)).astype(int))
        )
        name = districts[unit]["district_name"]
        for code, town_name in picked.select("town_code", "town_name").iter_rows():
            town = len(towns)
            towns.append((code, town_name, number))
            rural = town_name.endswith(("镇", "乡"))
            for index in range(VILLAGES_PER_TOWN):
                village = _VILLAGE_NAMES[(town * 5 + index * 3) % len(_VILLAGE_NAMES)]
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
        unit_names=tuple(districts[unit]["district_name"] for unit in units),
        urban=tuple(unit in {"500103", "500106", "500107", "500108", "500104"} for unit in units),
        code_since=np.array([districts[unit]["code_since_year"] for unit in units], dtype=np.int64),
        weights=tuple(weights.tolist()),
        towns=pl.DataFrame(towns, schema=["town_code", "town_name", "unit"], orient="row"),
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

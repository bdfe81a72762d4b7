"""The residents: age and sex by the census, households, names, documents, who has an archive since when.

Not here: what happens to them (newborns.py, moves.py, endings.py, care.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from pipelines.synth.clock import (
    FAR,
    NEVER,
    Dates,
    Whole,
    add_months,
    day,
    days_between,
    full_years,
    plus,
    year_of,
)
from pipelines.synth.identity import birth_certificates, identity_bodies, phones, with_check
from pipelines.synth.names import draw_given_names, draw_surnames
from pipelines.synth.places import Places

_CENSUS = Path(__file__).parent / "data" / "census2020_age.csv"
_URBAN_PROFILE = "500112"
BIRTHS_PER_YEAR = 0.009
SHARE_WITH_ARCHIVE = 0.94
TWIN_PAIRS_RECENT = 4
_ETHNIC = (("01", 0.93), ("15", 0.045), ("06", 0.015), ("03", 0.003), ("08", 0.003), ("11", 0.004))


@dataclass
class People:
    """Residents as columns, one position per person; persons born in the period come last.

    The true person: unit, village, house, household, sex (1, 2), birth, mother and twin (positions or -1),
    id_body, name, surname, ethnic, phone, contact_name, contact_phone. The archive: has_archive, org,
    created, base_document. `case` is the number of the story (0 = ordinary life); `stay_from` and `stay_to`
    bound the days on which ordinary services may happen at `org`; death, left and returned say when somebody
    is gone.
    """

    unit: Whole
    village: Whole
    house: Whole
    household: Whole
    sex: Whole
    birth: Dates
    is_newborn: NDArray[np.bool_]
    has_archive: NDArray[np.bool_]
    org: Whole
    created: Dates
    mother: Whole
    twin: Whole
    id_body: Whole
    name: pl.Series
    surname: NDArray[np.str_]
    id_no: pl.Series
    birth_certificate_no: pl.Series
    ethnic: NDArray[np.str_]
    phone: pl.Series
    contact_name: pl.Series
    contact_phone: pl.Series
    case: Whole = field(init=False)
    stay_from: Dates = field(init=False)
    stay_to: Dates = field(init=False)
    death: Dates = field(init=False)
    left: Dates = field(init=False)
    returned: Dates = field(init=False)
    is_signed: NDArray[np.bool_] = field(init=False)
    base_document: NDArray[np.str_] = field(init=False)

    def __post_init__(self) -> None:
        size = len(self.unit)
        self.case = np.zeros(size, dtype=np.int64)
        self.stay_from = self.created.copy()
        self.stay_to = np.full(size, FAR)
        self.death = np.full(size, NEVER)
        # Days of leaving the city and of coming back.
        self.left = np.full(size, NEVER)
        self.returned = np.full(size, NEVER)
        self.is_signed = np.zeros(size, dtype=bool)
        # Document of the first version of the archive: ID, BC or MO.
        self.base_document = np.full(size, "ID", dtype="<U2")

    def __len__(self) -> int:
        return len(self.unit)

    def age_on(self, date: np.datetime64) -> Whole:
        """Completed years on a date (negative for the unborn)."""
        return full_years(self.birth, date)


def _age_table(urban: bool) -> tuple[Whole, Whole, Whole, NDArray[np.float64]]:
    """Age bands of the census profile: first age, number of ages, sex, share."""
    table = pl.read_csv(_CENSUS, schema_overrides={"district_code": pl.String})
    bands = table.filter((pl.col("district_code") == _URBAN_PROFILE) == urban)
    parts = bands.with_columns(
        first=pl.col("age_group").str.extract(r"^(\d+)").cast(pl.Int64),
        last=pl.col("age_group").str.extract(r"-(\d+)$").cast(pl.Int64),
    ).with_columns(
        last=pl.when(pl.col("age_group").str.ends_with("+"))
        .then(pl.col("first") + 14)
        .when(pl.col("last").is_null())
        .then(pl.col("first"))
        .otherwise(pl.col("last"))
    )
    if urban:
        parts = parts.with_columns(sex=pl.when(pl.col("sex") == "male").then(1).otherwise(2))
    else:
        halves = [parts.with_columns(sex=pl.lit(sex), population=pl.col("population") / 2) for sex in (1, 2)]
        parts = pl.concat(halves)
    parts = (
        parts.group_by("first", "last", "sex").agg(pl.col("population").sum()).sort("first", "last", "sex")
    )
    shares = parts["population"].to_numpy().astype(float)
    first = parts["first"].to_numpy().astype(np.int64)
    width = parts["last"].to_numpy().astype(np.int64) - first + 1
    return first, width, parts["sex"].to_numpy().astype(np.int64), shares / shares.sum()


def _ages_and_sexes(generator: Generator, places: Places, unit: Whole) -> tuple[Whole, Whole]:
    ages = np.zeros(len(unit), dtype=np.int64)
    sexes = np.zeros(len(unit), dtype=np.int64)
    urban = np.array(places.urban)[unit]
    for profile in (True, False):
        chosen = np.flatnonzero(urban == profile)
        first, width, sex, shares = _age_table(profile)
        band = generator.choice(len(first), size=len(chosen), p=shares)
        # The open last band thins out: the smaller of two draws.
        draws = generator.random((2, len(chosen)))
        position = np.where(width[band] > 10, draws.min(axis=0), draws[0])
        ages[chosen] = first[band] + (position * width[band]).astype(np.int64)
        sexes[chosen] = sex[band]
    return ages, sexes


def _households(generator: Generator, village: Whole) -> tuple[Whole, Whole]:
    """Household numbers and house numbers: neighbours in a random order share a house."""
    order = np.lexsort((generator.random(len(village)), village))
    sizes = 1 + generator.binomial(5, 0.34, size=len(village))
    ends = np.cumsum(sizes)
    block = np.searchsorted(ends, np.arange(len(village)), side="right")
    sorted_village = village[order]
    new = np.r_[True, (block[1:] != block[:-1]) | (sorted_village[1:] != sorted_village[:-1])]
    numbers = np.cumsum(new) - 1
    first_of_village = np.r_[True, sorted_village[1:] != sorted_village[:-1]]
    base = np.maximum.accumulate(np.where(first_of_village, numbers, 0))
    household = np.empty(len(village), dtype=np.int64)
    house = np.empty(len(village), dtype=np.int64)
    household[order] = numbers
    house[order] = numbers - base + 1
    return household, house


def build_people(
    places: Places, residents: int, first: np.datetime64, last: np.datetime64, generator: Generator
) -> People:
    """Residents at `first` and the children born to them up to `last`.

    Args:
        places: where they live.
        residents: persons at the start.
        first, last: bounds of the period.
        generator: random numbers.
    """
    unit = np.sort(generator.choice(len(places.units), size=residents, p=np.array(places.weights)))
    village = _draw_villages(generator, places, unit)
    ages, sex = _ages_and_sexes(generator, places, unit)
    birth = plus(
        add_months(np.full(residents, first), -12 * ages), -generator.integers(1, 365, size=residents)
    )
    household, house = _households(generator, village)
    mothers, newborn_birth = _draw_births(generator, unit, sex, birth, first, last, residents)
    newborns = len(mothers)
    unit = np.r_[unit, unit[mothers]]
    village, house, household = (np.r_[array, array[mothers]] for array in (village, house, household))
    sex = np.r_[sex, np.where(generator.random(newborns) < 0.52, 1, 2)]
    birth = np.r_[birth, newborn_birth]
    size = residents + newborns
    is_newborn = np.arange(size) >= residents
    mother = np.r_[np.full(residents, -1), mothers]
    twin = _twins(mother)
    second = np.flatnonzero(twin >= 0)[len(np.flatnonzero(twin >= 0)) // 2 :]
    surname = draw_surnames(generator, size)
    surname[second] = surname[twin[second]]
    name = _names_apart(pl.Series(surname), draw_given_names(generator, birth, sex), twin, second)
    id_body = identity_bodies(birth, sex, generator.permutation(size))
    has_archive = np.r_[generator.random(residents) < SHARE_WITH_ARCHIVE, np.ones(newborns, dtype=bool)]
    has_archive[mothers] = True
    created = _draw_creation(generator, places, unit, birth, is_newborn, first, last)
    created[second] = created[twin[second]]
    has_archive &= created <= last
    created = np.where(has_archive, created, NEVER)
    codes, shares = zip(*_ETHNIC, strict=True)
    town = places.villages["town"].to_numpy()[village]
    serials = np.arange(size)
    return People(
        unit=unit,
        village=village,
        house=house,
        household=household,
        sex=sex,
        birth=birth,
        is_newborn=is_newborn,
        has_archive=has_archive,
        org=places.town_org[town],
        created=created,
        mother=mother,
        twin=twin,
        id_body=id_body,
        name=name,
        surname=surname,
        id_no=with_check(id_body),
        birth_certificate_no=birth_certificates(birth, serials + 1),
        ethnic=np.array(codes)[generator.choice(len(codes), size=size, p=np.array(shares))],
        phone=phones(2 * serials + 1),
        contact_name=_contact_names(generator, household, name, birth),
        contact_phone=phones(2 * serials + 2),
    )


def _draw_villages(generator: Generator, places: Places, unit: Whole) -> Whole:
    village_unit = places.villages["unit"].to_numpy()
    starts = np.searchsorted(village_unit, np.arange(len(places.units)))
    counts = np.bincount(village_unit, minlength=len(places.units))
    return np.asarray(starts[unit] + (generator.random(len(unit)) * counts[unit]).astype(np.int64))


def _draw_births(
    generator: Generator,
    unit: Whole,
    sex: Whole,
    birth: Dates,
    first: np.datetime64,
    last: np.datetime64,
    residents: int,
) -> tuple[Whole, Dates]:
    """Mothers (each at most once) and birth dates of the children of the period."""
    span = int(days_between(first, last))
    age = full_years(birth, first)
    able = np.flatnonzero((sex == 2) & (age >= 20) & (age <= 40))
    wanted = min(round(residents * BIRTHS_PER_YEAR * span / 365), len(able))
    mothers = generator.permutation(able)[:wanted]
    births = plus(np.full(wanted, first), generator.integers(1, span, size=wanted))
    # Some births in the last weeks, whose documents are still open on the last day, and twins among them.
    recent = max(4, wanted // 12)
    births[:recent] = plus(
        np.full(len(births[:recent]), last), -generator.integers(32, 80, size=len(births[:recent]))
    )
    births = np.maximum(births, plus(first, 1))
    twins = np.r_[
        np.arange(min(TWIN_PAIRS_RECENT, recent // 2)), np.flatnonzero(generator.random(wanted) < 0.012)
    ]
    twins = np.unique(twins[twins < wanted])
    return np.r_[mothers, mothers[twins]], np.r_[births, births[twins]]


def _twins(mother: Whole) -> Whole:
    """Position of the sibling born to the same mother, -1 = none."""
    twin = np.full(len(mother), -1)
    born = np.flatnonzero(mother >= 0)
    order = born[np.argsort(mother[born], kind="stable")]
    pair = np.flatnonzero(mother[order][1:] == mother[order][:-1])
    twin[order[pair]], twin[order[pair + 1]] = order[pair + 1], order[pair]
    return twin


def _names_apart(surname: pl.Series, given: pl.Series, twin: Whole, second: Whole) -> pl.Series:
    """Full names; the second of twins gets a second given-name character that tells the two apart."""
    names = (surname + given).to_list()
    for position in second:
        first = names[twin[position]]
        if names[position] == first:
            names[position] = first[:-1] + ("安" if first[-1] != "安" else "宁")
    return pl.Series(names, dtype=pl.String)


def _draw_creation(
    generator: Generator,
    places: Places,
    unit: Whole,
    birth: Dates,
    is_newborn: NDArray[np.bool_],
    first: np.datetime64,
    last: np.datetime64,
) -> Dates:
    """Creation days of the archives: mostly the campaign years since 2009, a few in the period itself."""
    size = len(unit)
    opened = np.array([day(f"{max(2009, year)}-03-01") for year in places.code_since])[unit]
    earliest = np.maximum(opened, plus(birth, 20))
    room = np.maximum(days_between(earliest, first) - 2, 0)
    # Two draws, the smaller: most archives are old.
    early = plus(earliest, (generator.random((2, size)).min(axis=0) * room).astype(np.int64))
    # The quiet month at the end leaves room for what happens to an archive after its creation.
    span = max(int(days_between(first, last)) - 31, 1)
    recent = plus(np.full(size, first), generator.integers(1, span + 1, size=size))
    stock = np.where((generator.random(size) < 0.02) | (early >= first), np.maximum(recent, earliest), early)
    return np.where(is_newborn, plus(birth, generator.integers(5, 31, size=size)), stock)


def _contact_names(generator: Generator, household: Whole, name: pl.Series, birth: Dates) -> pl.Series:
    """The next older member of the household, else a relative who lives elsewhere."""
    order = np.lexsort((birth, household))
    same = np.r_[household[order][1:] == household[order][:-1], False]
    partner = np.full(len(household), -1)
    partner[order[1:]] = np.where(same[:-1], order[:-1], -1)
    relatives = pl.Series(draw_surnames(generator, len(household))) + draw_given_names(
        generator, birth, generator.integers(1, 3, size=len(household))
    )
    inside = name.gather(np.maximum(partner, 0))
    return pl.select(pl.when(pl.lit(pl.Series(partner >= 0))).then(inside).otherwise(relatives)).to_series()


def year_turns(births: Dates, years: int, date: np.datetime64) -> NDArray[np.bool_]:
    """Whether a person reaches an age of `years` within the calendar year of a date."""
    return np.asarray(year_of(births) + years <= int(year_of(date)))

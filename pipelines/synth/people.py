"""The residents: who lives where with whom, names, documents, births, who has an archive since when.

Not here: ages (ages.py), households (households.py), what happens to them (newborns.py, moves.py, care.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from pipelines.synth.ages import age_table, draw_ages
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
from pipelines.synth.households import Households, build_households
from pipelines.synth.identity import (
    NUMBERS_OF_A_DAY,
    PHONES,
    birth_certificates,
    identity_bodies,
    phones,
    spread_births,
    with_check,
)
from pipelines.synth.names import draw_given_names, draw_surnames
from pipelines.synth.places import Places
from pipelines.synth.slices import Slice

BIRTHS_PER_YEAR = 0.009
SHARE_WITH_ARCHIVE = 0.94
TWIN_PAIRS_RECENT = 4
_ETHNIC = (("01", 0.93), ("15", 0.045), ("06", 0.015), ("03", 0.003), ("08", 0.003), ("11", 0.004))


@dataclass
class People:
    """Residents as columns, one position per person; persons born in the period come last.

    The true person: unit, village, house, household, sex (1, 2), birth; mother (of children of the period),
    twin, spouse and guardian (positions or -1; a child's guardian is its mother or grandmother); id_body,
    name, surname, ethnic, phone, contact_name, contact_phone. The archive: has_archive, org, created,
    base_document. `case` is the number of the story (0 = ordinary life); `stay_from` and `stay_to` bound the
    days on which ordinary services may happen at `org`; death, left and returned say when somebody is gone.
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
    spouse: Whole
    guardian: Whole
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


def _ages_and_sexes(generator: Generator, places: Places, unit: Whole) -> tuple[Whole, Whole]:
    ages = np.zeros(len(unit), dtype=np.int64)
    sexes = np.zeros(len(unit), dtype=np.int64)
    for number in np.unique(unit):
        chosen = np.flatnonzero(unit == number)
        table = age_table(places.units[number][:6], places.urban[number])
        ages[chosen], sexes[chosen] = draw_ages(generator, table, len(chosen))
    return ages, sexes


def build_people(
    places: Places, share: Slice, first: np.datetime64, last: np.datetime64, generator: Generator
) -> People:
    """Residents of a slice at `first` and the children born to them up to `last`.

    Args:
        places: where they live.
        share: how many persons at the start, and their part of the city's numbers.
        first, last: bounds of the period.
        generator: random numbers.
    """
    residents = share.residents
    unit = np.sort(generator.choice(len(places.units), size=residents, p=np.array(places.weights)))
    village = _draw_villages(generator, places, unit)
    ages, sex = _ages_and_sexes(generator, places, unit)
    birth = plus(
        add_months(np.full(residents, first), -12 * ages), -generator.integers(1, 365, size=residents)
    )
    homes = build_households(generator, village, sex, birth, first)
    mothers, newborn_birth = _draw_births(generator, homes, sex, birth, first, last, residents)
    newborns = len(mothers)
    unit = np.r_[unit, unit[mothers]]
    village, house, household = (
        np.r_[array, array[mothers]] for array in (village, homes.house, homes.household)
    )
    spouse = np.r_[homes.spouse, np.full(newborns, -1)]
    guardian = np.r_[homes.guardian, mothers]
    sex = np.r_[sex, np.where(generator.random(newborns) < 0.52, 1, 2)]
    birth = np.r_[birth, newborn_birth]
    size = residents + newborns
    is_newborn = np.arange(size) >= residents
    mother = np.r_[np.full(residents, -1), mothers]
    twin = _twins(mother)
    second = np.flatnonzero(twin >= 0)[len(np.flatnonzero(twin >= 0)) // 2 :]
    numbers_start, numbers = share.share(NUMBERS_OF_A_DAY)
    birth = spread_births(birth, sex, twin, is_newborn, numbers)
    surname = _family_names(draw_surnames(generator, size), spouse, guardian)
    name = _names_apart(pl.Series(surname), draw_given_names(generator, birth, sex), twin, second)
    id_body = identity_bodies(birth, sex, generator.permutation(size), numbers_start, numbers)
    has_archive = np.r_[generator.random(residents) < SHARE_WITH_ARCHIVE, np.ones(newborns, dtype=bool)]
    has_archive[mothers] = True
    created = _draw_creation(generator, places, unit, birth, is_newborn, first, last)
    created[second] = created[twin[second]]
    has_archive &= created <= last
    created = np.where(has_archive, created, NEVER)
    codes, shares = zip(*_ETHNIC, strict=True)
    town = places.villages["town"].to_numpy()[village]
    serials = share.share(PHONES)[0] + 2 * np.arange(size)
    phone = phones(serials + 1)
    contact_name, contact_phone = _contacts(
        generator, household, spouse, guardian, name, phone, phones(serials + 2), birth
    )
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
        birth_certificate_no=birth_certificates(birth, *share.share(10**7)),
        ethnic=np.array(codes)[generator.choice(len(codes), size=size, p=np.array(shares))],
        phone=phone,
        contact_name=contact_name,
        contact_phone=contact_phone,
        spouse=spouse,
        guardian=guardian,
    )


def _draw_villages(generator: Generator, places: Places, unit: Whole) -> Whole:
    village_unit = places.villages["unit"].to_numpy()
    starts = np.searchsorted(village_unit, np.arange(len(places.units)))
    counts = np.bincount(village_unit, minlength=len(places.units))
    return np.asarray(starts[unit] + (generator.random(len(unit)) * counts[unit]).astype(np.int64))


def _draw_births(
    generator: Generator,
    homes: Households,
    sex: Whole,
    birth: Dates,
    first: np.datetime64,
    last: np.datetime64,
    residents: int,
) -> tuple[Whole, Dates]:
    """Mothers (each at most once, married ones first) and birth dates of the children of the period."""
    span = int(days_between(first, last))
    age = full_years(birth, first)
    able = (sex == 2) & (age >= 20) & (age <= 40)
    # A child in its first year or two: the next one would follow too soon.
    able[homes.guardian[(homes.guardian >= 0) & (age < 2)]] = False
    wanted = min(round(residents * BIRTHS_PER_YEAR * span / 365), int(able.sum()))
    candidates = generator.permutation(np.flatnonzero(able))
    # The chance of a birth falls with the distance from the late twenties.
    rank = (homes.spouse[candidates] < 0) * 40 + np.abs(age[candidates] - 28) * generator.random(
        len(candidates)
    )
    mothers = candidates[np.argsort(rank, kind="stable")][:wanted]
    mothers = generator.permutation(mothers)
    births = plus(np.full(wanted, first), generator.integers(1, span, size=wanted))
    # Some births in the last weeks, whose documents are still open on the last day, and twins among them.
    recent = max(4, min(12, wanted // 3), wanted // 12)
    births[:recent] = plus(
        np.full(len(births[:recent]), last), -generator.integers(32, 80, size=len(births[:recent]))
    )
    births = np.maximum(births, plus(first, 1))
    twins = np.r_[
        np.arange(min(TWIN_PAIRS_RECENT, recent // 3)),
        # Two whose documents have come, so that reviewers have pairs to decide.
        np.arange(recent, recent + 2),
        np.flatnonzero(generator.random(wanted) < 0.012),
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


def _family_names(drawn: NDArray[np.str_], spouse: Whole, guardian: Whole) -> NDArray[np.str_]:
    """Children bear the name of the husband of the mother or grandmother they live with, else hers."""
    child = np.flatnonzero(guardian >= 0)
    adult = guardian[child]
    drawn[child] = drawn[np.where(spouse[adult] >= 0, spouse[adult], adult)]
    return drawn


def _names_apart(surname: pl.Series, given: pl.Series, twin: Whole, second: Whole) -> pl.Series:
    """Full names; the second of twins gets a last character that tells the two apart."""
    names = surname + given
    first = names.gather(twin[second])
    other = pl.select(
        pl.when(pl.lit(first.str.slice(-1)) == "安").then(pl.lit("宁")).otherwise(pl.lit("安"))
    ).to_series()
    second_names = names.gather(second)
    apart = pl.DataFrame({"own": second_names, "first": first, "other": other}).select(
        pl.when(pl.col("own") == pl.col("first"))
        .then(pl.col("first").str.head(-1) + pl.col("other"))
        .otherwise("own")
    )
    return names.scatter(second, apart.to_series())


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
    # Most children are registered with the visit after the discharge.
    registered = plus(birth, generator.integers(5, 31, size=(3, size)).min(axis=0))
    return np.where(is_newborn, registered, stock)


def _contacts(
    generator: Generator,
    household: Whole,
    spouse: Whole,
    guardian: Whole,
    name: pl.Series,
    phone: pl.Series,
    elsewhere: pl.Series,
    birth: Dates,
) -> tuple[pl.Series, pl.Series]:
    """Name and phone of the contact person: spouse, guardian, another of the household, else a relative."""
    order = np.lexsort((birth, household))
    same = np.r_[household[order][1:] == household[order][:-1], False]
    elder = np.full(len(household), -1)
    elder[order[1:]] = np.where(same[:-1], order[:-1], -1)
    partner = np.where(spouse >= 0, spouse, np.where(guardian >= 0, guardian, elder))
    relatives = pl.Series(draw_surnames(generator, len(household))) + draw_given_names(
        generator, birth, generator.integers(1, 3, size=len(household))
    )
    inside = pl.lit(pl.Series(partner >= 0))
    at = np.maximum(partner, 0)
    chosen = pl.select(
        name=pl.when(inside).then(name.gather(at)).otherwise(relatives),
        phone=pl.when(inside).then(phone.gather(at)).otherwise(elsewhere),
    )
    return chosen["name"], chosen["phone"]


def year_turns(births: Dates, years: int, date: np.datetime64) -> NDArray[np.bool_]:
    """Whether a person reaches an age of `years` within the calendar year of a date."""
    return np.asarray(year_of(births) + years <= int(year_of(date)))

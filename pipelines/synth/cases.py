"""Who lives which story: pools, draws, traits of ordinary residents, truth lines of stories.

Not here: the list of stories (catalogue.py).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.synth.archives import BASIC_GAP_SHARE, COVER_GAP_SHARE, archive_ids
from pipelines.synth.catalogue import CASES, FEWEST, GAMING, GROUPS, NUMBERS
from pipelines.synth.clock import (
    RULES_EFFECTIVE_FROM,
    Whole,
    add_months,
    days_between,
    plus,
)
from pipelines.synth.deliver import special_folders
from pipelines.synth.world import World

#: Share of an institution's archives that it ends in one month; the rule asks from 5 per cent on.
MASS_SHARE = 0.09


def members(world: World, *kinds: str) -> Whole:
    """Persons who live one of these stories."""
    return np.flatnonzero(np.isin(world.people.case, [NUMBERS[kind] for kind in kinds]))


def is_kind(world: World, person: Whole, *kinds: str) -> NDArray[np.bool_]:
    """Whether each person lives one of these stories."""
    return np.isin(world.people.case[person], [NUMBERS[kind] for kind in kinds])


def wanted_counts(world: World) -> dict[str, int]:
    """How many of each kind the plan asks for; 0 where the period or the city is too small for it."""
    plan = world.plan
    total = sum(case.share for case in CASES if case.is_defect)
    counts = {}
    for case in CASES:
        fits = plan.span >= case.needs_days and plan.units >= case.needs_units
        share = case.share
        if case.is_defect:
            share = plan.defects * case.share / total
            fits = fits and plan.defects > 0
        fewest = GROUPS.get(case.kind, FEWEST)
        counts[case.kind] = max(fewest, round(plan.residents * share)) if fits else 0
        if case in GAMING and fits:
            held = world.people.has_archive & (world.people.org == gaming_institution(world))
            counts[case.kind] = math.ceil(held.sum() * MASS_SHARE) + 1
    return counts


def gaming_institution(world: World) -> int:
    """The institution that ends archives in masses: the same one in all slices of a district."""
    return int(world.places.town_org[0])


def assign_cases(world: World) -> dict[str, int]:
    """Give every special life to one person; most keep the ordinary one.

    Returns:
        Kind → number of persons, which may fall short of the wish in a very small city.
    """
    generator = world.random("cases")
    pools = _pools(world)
    counts = {}
    for case in CASES:
        wanted = wanted_counts(world)[case.kind]
        free = np.flatnonzero(pools[case.pool] & (world.people.case == 0))
        chosen = generator.permutation(free)[: wanted - wanted % GROUPS.get(case.kind, 1)]
        chosen = chosen[: len(chosen) - len(chosen) % GROUPS.get(case.kind, 1)]
        world.people.case[chosen] = NUMBERS[case.kind]
        counts[case.kind] = len(chosen)
    return counts


def _pools(world: World) -> dict[str, NDArray[np.bool_]]:
    people, plan = world.people, world.plan
    age = people.age_on(plan.first)
    is_mother = np.zeros(len(people), dtype=bool)
    is_mother[people.mother[people.mother >= 0]] = True
    # An archive of at least two years: long enough for a year of silence before the period.
    settled = (
        people.has_archive
        & ~people.is_newborn
        & ~is_mother
        & (people.created < add_months(plan.first, -28))
        & (age >= 18)
    )
    last = plan.last
    newborn = people.is_newborn & people.has_archive
    recent = newborn & (add_months(people.birth, 3) > last) & (people.created <= plus(last, -3))
    single = people.twin < 0
    # Of each pair of twins only the first carries the story of both.
    first_twin = (people.twin >= 0) & (np.arange(len(people)) < people.twin)
    fresh = people.has_archive & ~people.is_newborn & ~is_mother & (people.created > plan.first) & (age >= 18)
    out_of_grace = add_months(people.birth, 3) < plus(last, -5)
    schoolchild = people.has_archive & ~people.is_newborn & (age >= 7) & (age <= 14)
    schoolchild &= people.created < plan.first
    pools = {
        "settled": settled & (age < 85),
        "old": settled & (age >= 55),
        "old_in_full_set": settled & (age >= 55) & _in_full_set(world),
        # Without a duty that depends on age: a wrong birth date stays without further consequences.
        "young": settled & (age <= 50),
        "newborn": newborn & single,
        "newborn_old": newborn & single & out_of_grace & _grace_in_year(world),
        "newborn_recent": recent & single,
        "twin_recent": recent & first_twin,
        "schoolchild": schoolchild,
        "x_number": settled & people.id_no.str.ends_with("X").to_numpy(),
        "fresh": fresh,
        "institution": settled & (age < 85) & (people.org == gaming_institution(world)),
    }
    # Districts that the reform abolishes tell of ordinary lives only.
    stays = ~world.places.is_reformed[people.unit]
    return {name: pool & stays for name, pool in pools.items()}


def _in_full_set(world: World) -> NDArray[np.bool_]:
    """Whether the home district sends the complete set of its archives, under the rules."""
    full = special_folders(world.share.city_units, len(world.days)).get("full")
    if full is None or world.days[full.day] < RULES_EFFECTIVE_FROM:
        return np.zeros(len(world.people), dtype=bool)
    position = world.share.position(full.unit)
    return np.asarray(world.people.unit == (-1 if position is None else position))


def _grace_in_year(world: World) -> NDArray[np.bool_]:
    """Whether the three months of a newborn leave room for a late upgrade in the same year."""
    due = add_months(world.people.birth, 3)
    return np.asarray(due.astype("datetime64[M]").astype("int64") % 12 < 10)


def draw_traits(world: World) -> None:
    """Gaps in cover and basic information, chronic diseases and signing of ordinary residents."""
    people = world.people
    generator = world.random("traits")
    size = len(people)
    age = people.age_on(world.plan.first)
    ordinary = people.has_archive & (people.case == 0) & ~people.is_newborn
    grown = ordinary & (age >= 8) & ~world.places.is_reformed[people.unit]
    draws = generator.random((2, size))
    gaps = generator.integers(0, 6, size), generator.integers(0, 2, size)
    if world.plan.defects:
        world.cover_gap = np.where(grown & (draws[0] < COVER_GAP_SHARE), gaps[0], -1)
        world.basic_gap = np.where(grown & (draws[1] < BASIC_GAP_SHARE), gaps[1], -1)
    old_archive = ordinary & (people.created < world.plan.first)
    # Patients who move are patients still: their follow-ups go on at the new institution.
    moving = np.zeros(size, dtype=bool)
    moving[members(world, "cross_transfer", "intra_transfer")] = True
    patients = old_archive | moving
    prevalence = np.interp(age, [36, 45, 55, 65, 75], [0.04, 0.12, 0.24, 0.36, 0.42])
    world.is_htn = patients & (age >= 36) & (generator.random(size) < prevalence)
    world.is_dm = patients & (age >= 36) & (generator.random(size) < prevalence / 3)
    chronic = world.is_htn | world.is_dm
    chance = np.where(chronic, 0.8, np.where(age >= 65, 0.6, 0.25))
    people.is_signed = old_archive & ~moving & (generator.random(size) < chance)


def story_window(world: World) -> tuple[np.datetime64, np.datetime64]:
    """Days on which stories of the period begin: after the rules took effect, with a rest for their end."""
    start = max(RULES_EFFECTIVE_FROM + np.timedelta64(16, "D"), world.plan.first + np.timedelta64(1, "D"))
    return start, plus(world.plan.last, -12)


def draw_days(
    world: World, topic: str, size: int, first: np.datetime64, last: np.datetime64
) -> NDArray[np.datetime64]:
    """Days between two bounds, both included."""
    span = max(int(days_between(first, last)), 0)
    return np.asarray(plus(np.full(size, first), world.random(topic).integers(0, span + 1, size=size)))


def note_stories(
    world: World,
    rule: str,
    code: str,
    dataset: str,
    unit: Whole,
    ids: pl.Series,
    person: Whole,
    chosen: Any,
    is_violation: bool = True,
) -> None:
    """Truth lines for the chosen subjects, each under the name of its story."""
    picked = np.flatnonzero(chosen)
    numbers = world.people.case[person[picked]]
    for number in np.unique(numbers):
        some = picked[numbers == number]
        kind = CASES[number - 1].kind
        world.note(rule, code, dataset, unit[some], ids.gather(some), kind, person[some], is_violation)


def note_archives(world: World, rule: str, code: str, person: Whole, is_violation: bool = True) -> None:
    """Truth lines on the first archives of persons."""
    note_copies(world, rule, code, person, person, is_violation)


def note_copies(
    world: World, rule: str, code: str, person: Whole, copy: Whole, is_violation: bool = True
) -> None:
    """Truth lines on archive copies; the twin of a planted twin stands under the twin's story."""
    if not len(person):
        return
    story = np.where(world.people.case[person] > 0, person, np.maximum(world.people.twin[person], 0))
    unit = np.where(copy < len(world.people), world.people.unit[person], world.unit_of_copy(copy))
    note_stories(
        world,
        rule,
        code,
        "archive",
        unit,
        archive_ids(world, copy),
        story,
        np.ones(len(person), dtype=bool),
        is_violation,
    )


def note_persons(world: World, rule: str, code: str, person: Whole) -> None:
    """Truth lines on persons, named by their first archive."""
    everybody = np.ones(len(person), dtype=bool)
    unit = world.people.unit[person]
    note_stories(world, rule, code, "person", unit, archive_ids(world, person), person, everybody)

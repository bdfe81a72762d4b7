"""The catalogue of stories: which special lives and which violations the city holds, and who lives them.

Not here: what a story consists of (newborns.py, moves.py, endings.py, flaws.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.synth.archives import BASIC_GAP_SHARE, COVER_GAP_SHARE, archive_ids
from pipelines.synth.clock import RULES_EFFECTIVE_FROM, Whole, add_months, days_between, plus
from pipelines.synth.world import World


@dataclass(frozen=True)
class Case:
    """One kind of story.

    Attributes:
        kind: its name, as in truth/counts.csv.
        share: of the residents for a lawful story; of the planted violations for a violation.
        is_defect: whether it breaks a rule.
        pool: who can live it (see `_pools`).
        needs_days: shortest period in which it fits.
        needs_units: delivering districts it takes.
    """

    kind: str
    share: float
    is_defect: bool = False
    pool: str = "settled"
    needs_days: int = 0
    needs_units: int = 1


ENDINGS = (
    Case("lost", 0.004),
    Case("lost_after_contact", 0.001),
    Case("lost_boundary", 0.0003),
    Case("dead", 0.007, pool="old"),
    Case("dead_boundary", 0.0005, pool="old"),
    Case("moved_out", 0.003),
    Case("reactivated_lost", 0.001, needs_days=300),
    Case("reactivated_moved", 0.0006, needs_days=300),
    Case("stock_lost", 0.006),
    Case("stock_dead", 0.012, pool="old"),
    Case("stock_moved_out", 0.004),
    Case("premature_lost", 1, True),
    Case("premature_lost_boundary", 0.5, True),
    Case("lost_contact_within_year", 1, True),
    Case("lost_without_attempts", 1, True),
    Case("lost_channel_missing", 1, True),
    Case("dead_running", 0.4, True, "old", 60),
    Case("death_late", 1.5, True, "old", 60),
    Case("death_late_boundary", 0.5, True, "old", 60),
    Case("death_overdue", 0.7, True, "old", 90),
    Case("death_after_info", 0.5, True, "old"),
    Case("death_without_cause", 1, True, "old"),
    Case("service_after_death", 1, True, "old"),
    Case("service_after_death_archived", 0.7, True, "old", 60),
    Case("moved_without_informant", 1, True),
    Case("moved_within_city", 0.7, True),
    Case("moved_without_destination", 0.5, True),
    Case("moved_returns_within_year", 0.7, True),
    Case("reactivated_dead", 0.5, True, "old", 300),
    Case("reactivated_without_service", 0.7, True, needs_days=300),
    Case("reactivated_unfiled", 0.7, True, needs_days=300),
    Case("reactivated_before_archive", 0.5, True, needs_days=300),
    Case("served_without_reactivation", 1, True, needs_days=300),
)
MOVES = (
    Case("cross_transfer", 0.005, needs_days=90, needs_units=2),
    Case("cross_transfer_boundary", 0.0004, needs_days=90, needs_units=2),
    Case("intra_transfer", 0.005, needs_days=60),
    Case("transfer_refused", 0.0012, needs_days=90, needs_units=2),
    Case("transfer_withdrawn", 0.0006, needs_days=90, needs_units=2),
    Case("transfer_pending", 0.0006, needs_days=90, needs_units=2),
    Case("archived_direct", 0.001, needs_days=300, needs_units=2),
    Case("protected_180", 0.0003, needs_days=240, needs_units=3),
    Case("protected_181", 0.0003, needs_days=240, needs_units=3),
    Case("decided_late", 1.2, True, needs_days=90, needs_units=2),
    Case("decided_late_boundary", 0.5, True, needs_days=90, needs_units=2),
    Case("decision_overdue", 1, True, needs_days=90, needs_units=2),
    Case("confirmed_unfiled", 0.8, True, needs_days=90, needs_units=2),
    Case("illegal_manager_change", 0.8, True, needs_days=90, needs_units=2),
    Case("protected_179", 0.5, True, needs_days=240, needs_units=3),
    Case("protection_violated", 0.8, True, needs_days=240, needs_units=3),
    Case("origin_edited", 0.8, True, needs_days=90, needs_units=2),
    Case("origin_still_active", 0.8, True, needs_days=90, needs_units=2),
    Case("dead_transferred", 0.5, True, "old", 300),
    Case("direct_same_district", 0.5, True, needs_days=300),
    Case("direct_unfiled", 0.5, True, needs_days=300, needs_units=2),
    Case("direct_not_archived", 0.5, True, needs_days=90, needs_units=2),
)
CHILDREN = (
    Case("id_upgrade_late", 0.7, True, "newborn_old", 150),
    Case("bc_past_grace", 0.8, True, "newborn_old", 120),
    Case("bc_over_six", 0.5, True, "schoolchild"),
    Case("twins_same_name", 0.3, True, "twin_recent", 90),
    Case("unlinked_upgrade", 0.5, True, "newborn_recent", 90),
    Case("mother_id_as_own", 0.5, True, "newborn"),
    Case("mother_id_invalid", 0.5, True, "newborn_recent", 90),
)
IDENTITIES = (
    Case("id_15_digits", 0.004, pool="settled"),
    Case("id_lower_case", 0.002, pool="x_number"),
    Case("id_full_width", 0.002),
    Case("residence_permit", 0.002),
    Case("passport", 0.0005),
    Case("dup_cross_district", 1.2, True, needs_days=60, needs_units=2),
    Case("dup_same_district", 1, True, needs_days=60),
    Case("dup_same_day", 0.3, True, "fresh", 60, 2),
    Case("id_check_digit", 1, True),
    Case("id_impossible_date", 0.5, True),
    Case("id_placeholder", 0.5, True),
    Case("id_short", 0.4, True),
    Case("id_sex_mismatch", 0.5, True),
    Case("id_birth_mismatch", 0.5, True),
    Case("id_dummy", 0.4, True),
)
CASES: tuple[Case, ...] = (*ENDINGS, *MOVES, *CHILDREN, *IDENTITIES)
NUMBERS = {case.kind: number for number, case in enumerate(CASES, start=1)}
#: Fewest cases of a kind, so that a small sample shows each of them.
FEWEST = 2
#: Stories that several persons share: only whole groups are planted.
GROUPS = {"id_dummy": 4}


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
    return counts


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
    return {
        "settled": settled & (age < 85),
        "old": settled & (age >= 55),
        "newborn": newborn & single,
        "newborn_old": newborn
        & single
        & (add_months(people.birth, 3) < plus(last, -5))
        & _grace_in_year(world),
        "newborn_recent": recent & single,
        "twin_recent": recent & first_twin,
        "schoolchild": people.has_archive
        & ~people.is_newborn
        & (age >= 7)
        & (age <= 14)
        & (people.created < plan.first),
        "x_number": settled & people.id_no.str.ends_with("X").to_numpy(),
        "fresh": fresh,
    }


def _grace_in_year(world: World) -> NDArray[np.bool_]:
    """Whether the three months of a newborn end early enough in a year for a late upgrade in the same year."""
    due = add_months(world.people.birth, 3)
    return np.asarray(due.astype("datetime64[M]").astype("int64") % 12 < 10)


def draw_traits(world: World) -> None:
    """Gaps in cover and basic information, chronic diseases and signing of ordinary residents."""
    people = world.people
    generator = world.random("traits")
    size = len(people)
    age = people.age_on(world.plan.first)
    ordinary = people.has_archive & (people.case == 0) & ~people.is_newborn
    grown = ordinary & (age >= 8)
    draws = generator.random((2, size))
    world.cover_gap = np.where(grown & (draws[0] < COVER_GAP_SHARE), generator.integers(0, 6, size), -1)
    world.basic_gap = np.where(grown & (draws[1] < BASIC_GAP_SHARE), generator.integers(0, 2, size), -1)
    old_archive = ordinary & (people.created < world.plan.first)
    prevalence = np.interp(age, [36, 45, 55, 65, 75], [0.04, 0.12, 0.24, 0.36, 0.42])
    world.is_htn = old_archive & (age >= 36) & (generator.random(size) < prevalence)
    world.is_dm = old_archive & (age >= 36) & (generator.random(size) < prevalence / 3)
    chronic = world.is_htn | world.is_dm
    chance = np.where(chronic, 0.8, np.where(age >= 65, 0.6, 0.25))
    people.is_signed = old_archive & (generator.random(size) < chance)


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

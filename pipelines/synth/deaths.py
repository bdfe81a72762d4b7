"""Deaths: the day, the news, the entry within a month of the news, documents, seal and archive.

Not here: transfers of the dead (moves.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipelines.synth.acts import (
    add_reactivations,
    add_terminations,
    add_visit,
    declare,
    declared_days,
    set_expected,
    set_status,
)
from pipelines.synth.cases import (
    is_kind,
    members,
    note_stories,
)
from pipelines.synth.clock import (
    FAR,
    NEVER,
    Dates,
    Whole,
    add_months,
    moment_text,
    plus,
)
from pipelines.synth.world import World, masked

_CAUSES = (
    ("I21.9", "急性心肌梗死"),
    ("I63.9", "脑梗死"),
    ("I61.9", "脑出血"),
    ("C34.9", "支气管或肺恶性肿瘤"),
    ("C22.0", "肝细胞癌"),
    ("J44.9", "慢性阻塞性肺疾病"),
    ("I25.9", "慢性缺血性心脏病"),
    ("E11.9", "2型糖尿病"),
    ("W19", "跌倒"),
)
_DEAD_KINDS = (
    "dead",
    "dead_boundary",
    "dead_running",
    "death_late",
    "death_late_boundary",
    "death_overdue",
    "death_after_info",
    "death_without_cause",
    "death_undated",
    "service_after_death",
    "service_after_death_archived",
    "reactivated_dead",
    "dead_transferred",
)


def add_deaths(world: World) -> None:
    """Deaths: the day, the news, the entry within a month of the news, documents, seal and archive."""
    person = members(world, *_DEAD_KINDS)
    people, generator = world.people, world.random("dead")
    size, unit = len(person), people.unit[person]
    last = world.plan.last
    late = is_kind(world, person, "death_late", "death_late_boundary")
    info = declared_days(world, "dead", person)
    # A late entry must fall into the year of the news.
    late_in_year = late & (info.astype("datetime64[M]").astype("int64") % 12 >= 8)
    info = np.where(late_in_year, add_months(info, -5), info)
    info = np.where(late & (info > plus(last, -75)), plus(info, -80), info)
    boundary = is_kind(world, person, "dead_boundary", "death_late_boundary")
    end_of_january = plus(
        add_months(np.full(size, world.plan.first.astype("datetime64[Y]").astype("datetime64[D]")), 1), -1
    )
    fits = (end_of_january > world.plan.first) & (end_of_january < plus(last, -40))
    info = np.where(boundary & fits & (np.arange(size) % 2 == 0), end_of_january, info)
    info = np.where(boundary & (info > plus(last, -35)), plus(info, -40), info)
    # The visit after the closing must still lie in the period.
    served = is_kind(world, person, "service_after_death_archived") & (info > plus(last, -45))
    info = np.where(served, np.maximum(plus(info, -45), plus(world.plan.first, 1)), info)
    running = is_kind(world, person, "dead_running")
    overdue = is_kind(world, person, "death_overdue")
    draws = generator.integers(0, 10_000, size=(6, size))
    info = np.where(running, plus(np.full(size, last), -(draws[0] % 20)), info)
    info = np.where(overdue, plus(np.full(size, last), -(45 + draws[0] % 40)), info)
    delay = 1 + draws[1] % 15
    delay = np.where(is_kind(world, person, "service_after_death"), 16 + draws[1] % 10, delay)
    death = plus(info, -delay)
    reversed_order = is_kind(world, person, "death_after_info")
    death = np.where(reversed_order, plus(info, 2), death)
    limit = add_months(info, 1)
    entered = plus(info, draws[2] % 25)
    entered = np.where(reversed_order, plus(info, 3 + draws[2] % 10), entered)
    entered = np.where(is_kind(world, person, "dead_boundary"), limit, entered)
    entered = np.where(is_kind(world, person, "death_late"), plus(limit, 2 + draws[2] % 40), entered)
    entered = np.where(is_kind(world, person, "death_late_boundary"), plus(limit, 1), entered)
    entered = np.minimum(entered, np.where(late | running | overdue, FAR, last))
    unknown = running | overdue
    entered = np.where(unknown, NEVER, entered)
    archived = np.minimum(plus(entered, draws[3] % 5), last)
    evidence = np.minimum(plus(info, draws[4] % 3), np.where(unknown, FAR, entered))
    without_cause = is_kind(world, person, "death_without_cause")
    undated = is_kind(world, person, "death_undated")
    causes = {
        name: masked(~(without_cause | unknown), values)
        for name, values in draw_causes(world, "dead", size).items()
    }
    people.death[person] = death
    people.stay_to[person] = np.minimum(death, info)
    sent = np.where(unknown, info, archived)
    ids = add_terminations(
        world,
        person,
        "DEAD",
        {
            "info_received_date": info,
            "evidence_code": ["1"] * size,
            "evidence_received_date": evidence,
            "death_date": np.where(undated, NEVER, death),
            **causes,
            "entered_at": moment_text(entered, 600),
            "sealed_at": moment_text(entered, 610),
            "archived_at": moment_text(archived, 660),
            "filed_at": moment_text(archived, 720),
        },
        sent,
    )
    set_status(world, person, "DEAD", entered)
    set_expected(world, person[unknown], "DEAD")
    declare(world, person, "DEAD", np.where(unknown, NEVER, archived))
    rule = "A1-6-1-2a"
    note_stories(world, rule, "DEATH_ENTRY_LATE", "termination", unit, ids, person, late)
    note_stories(world, rule, "DEATH_ENTRY_OVERDUE", "termination", unit, ids, person, overdue)
    note_stories(world, "A1-6-1-2e", "DEATH_AFTER_NEWS", "termination", unit, ids, person, reversed_order)
    note_stories(
        world,
        rule,
        "",
        "termination",
        unit,
        ids,
        person,
        is_kind(world, person, "dead_boundary"),
        is_violation=False,
    )
    note_stories(world, "A1-6-2-3", "DEAD_WITHOUT_CAUSE", "termination", unit, ids, person, without_cause)
    note_stories(world, "A1-6-2-3", "DEAD_WITHOUT_DATE", "termination", unit, ids, person, undated)
    _serve_the_dead(world, person, death, archived)
    _reactivate_dead(world, person, archived)
    world.facts["dead"] = pl.DataFrame(
        {
            "person": person,
            "info": info,
            "archived": archived,
            "is_on_time": ~(late | overdue),
            "is_evaluable": ~(running | reversed_order),
        }
    )


def draw_causes(world: World, topic: str, size: int) -> dict[str, Any]:
    pick = world.random("causes " + topic).integers(0, len(_CAUSES), size=size)
    return {
        "cause_icd10": np.array([code for code, _ in _CAUSES])[pick],
        "cause_text": np.array([text for _, text in _CAUSES])[pick],
    }


def _serve_the_dead(world: World, person: Whole, death: Dates, archived: Dates) -> None:
    """Visits dated after the death: before the archive was closed, or even after."""
    for kind, rules in (
        ("service_after_death", ("A1-6-1-2b", "ART-14b")),
        ("service_after_death_archived", ("A1-6-1-2b", "A1-4-3-3a", "ART-14b")),
    ):
        chosen = is_kind(world, person, kind)
        who, size = person[chosen], int(chosen.sum())
        offset = world.random(kind).integers(1, 12, size=size)
        at = plus(death[chosen] if kind == "service_after_death" else archived[chosen], offset)
        at = np.minimum(at, world.plan.last)
        records = add_visit(world, who, who, world.people.org[who], at, kind)
        codes = {"A1-6-1-2b": "SERVICE_AFTER_DEATH", "A1-4-3-3a": "SERVED_AFTER_DEATH_ARCHIVED"}
        for rule in rules:
            world.note(
                rule,
                codes.get(rule, "UPDATE_AFTER_STOP"),
                "encounter",
                world.people.unit[who],
                records,
                kind,
                who,
            )


def _reactivate_dead(world: World, everyone: Whole, all_archived: Dates) -> None:
    """A reactivation of an archive that was ended by death, which the regulation does not know."""
    people = world.people
    chosen = is_kind(world, everyone, "reactivated_dead")
    person, size = everyone[chosen], int(chosen.sum())
    at = plus(all_archived[chosen], 95)
    empty = pl.Series([None] * size, dtype=pl.String)
    ids = add_reactivations(world, person, person, people.org[person], at, empty, at, at)
    everybody = np.ones(size, dtype=bool)
    note_stories(
        world, "A1-6-2-2", "BACK_FROM_DEATH", "reactivation", people.unit[person], ids, person, everybody
    )

"""Transfers as rows and consequences: applications, copies at the target, targets, managers.

Not here: which transfers happen (moves.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.random import Generator

from pipelines.synth.acts import declare
from pipelines.synth.archives import add_copies, identity_block, org_codes
from pipelines.synth.clock import (
    Dates,
    Whole,
    moment_text,
)
from pipelines.synth.world import World

_REFUSALS = ("居民本人改变主意", "居民仍常住本地", "居民正在本机构接受治疗")


def other_org(world: World, topic: str, org: Whole, is_cross: bool, avoid: Whole | None = None) -> Whole:
    """Another managing institution: of another district, or of the same one where it has a second.

    Args:
        world: the city.
        topic: of the random numbers.
        org: present institutions.
        is_cross: whether the district must differ.
        avoid: institutions whose district must differ too.
    """
    places = world.places
    candidates = places.town_org[~places.is_reformed[places.org_unit[places.town_org]]]
    unit_of = places.org_unit
    generator = world.random("target " + topic)
    chosen = org.copy()
    for unit in np.unique(unit_of[org]):
        mask = unit_of[org] == unit
        if is_cross:
            pool = candidates[unit_of[candidates] != unit]
            chosen[mask] = generator.permutation(np.resize(pool, int(mask.sum()) + len(pool)))[
                : int(mask.sum())
            ]
        else:
            pool = candidates[unit_of[candidates] == unit]
            index = np.searchsorted(pool, org[mask])
            step = generator.integers(1, max(len(pool), 2), size=int(mask.sum()))
            chosen[mask] = pool[(index + step) % len(pool)]
    if avoid is not None:
        clash = unit_of[chosen] == unit_of[avoid]
        for place in np.flatnonzero(clash):
            pool = candidates[
                (unit_of[candidates] != unit_of[org[place]]) & (unit_of[candidates] != unit_of[avoid[place]])
            ]
            chosen[place] = pool[generator.integers(0, len(pool))]
    return chosen


def add_transfers(
    world: World,
    person: Whole,
    from_org: Whole,
    to_org: Whole,
    path: str,
    initiator: Any,
    applied: Dates,
    decided: Dates,
    decision: Any,
    filed: Dates,
    changed: Dates,
    generator: Generator,
    gives_reason: Any = True,
) -> pl.Series:
    """Transfer rows as the initiating side sends them: once when applied, again when it went on.

    A tenth is sent by the other side too, word for word: it stays one record.

    Returns:
        Transfer ids.
    """
    size = len(person)
    ids = world.new_ids("TR", size)
    refused = (np.asarray(decision) == "2") & np.broadcast_to(np.asarray(gives_reason), (size,))
    unit_of = world.places.org_unit
    initiator = np.asarray(initiator)
    sender = np.where(initiator == "1", unit_of[to_org], unit_of[from_org])
    other = np.where(initiator == "1", unit_of[from_org], unit_of[to_org])
    applied_at = moment_text(applied, generator.integers(540, 660, size=size))
    fixed = {
        "transfer_id": ids,
        **identity_block(world, person, None),
        "from_org_code": org_codes(world, from_org),
        "to_org_code": org_codes(world, to_org),
        "initiator_code": initiator,
        "path_code": [path] * size,
        "applied_at": applied_at,
        "confirm_mode_code": np.array(list("11234"))[generator.integers(0, 5, size=size)],
        "reason_code": np.array(list("1222567"))[generator.integers(0, 7, size=size)],
        "confirmed_by_code": ["1"] * size,
    }
    result = {
        "decided_at": moment_text(decided, 900),
        "decision_code": pl.Series([code or None for code in np.asarray(decision).tolist()], dtype=pl.String),
        "refuse_reason": pl.Series(
            [_REFUSALS[number % 3] if no else None for number, no in enumerate(refused)], dtype=pl.String
        ),
        "filed_at": moment_text(filed, 930),
        "manager_changed_at": moment_text(changed, 960),
    }
    world.deliver("transfer", sender, applied, fixed)
    later = np.fmax.reduce([applied, decided, filed, changed])
    world.deliver("transfer", sender, later, {**fixed, **result})
    both = (generator.random(size) < 0.1) & (other != sender)
    frame = pl.DataFrame({**fixed, **result, "_unit": other, "_at": later})
    world.rows["transfer"].append(frame.filter(pl.Series(both)))
    return ids


def move_archive(
    world: World, person: Whole, copy: Whole, org: Whole, success: Dates, ends_at_origin: Any = True
) -> Whole:
    """A completed cross-district transfer: the origin's copy ends, the target gets its own.

    Args:
        world: the city.
        person: positions.
        copy: the origin's copies.
        org: target institutions.
        success: days of completion.
        ends_at_origin: whether the origin states that the archive has left.

    Returns:
        Copies at the target.
    """
    left = np.broadcast_to(np.asarray(ends_at_origin), person.shape)
    declare(world, copy[left], "TRANSFERRED_OUT", success[left])
    target = add_copies(world, person, org, success, from_copy=copy)
    world.moves.append(
        pl.DataFrame(
            {"person": person, "unit": world.places.org_unit[org], "copy": target, "move_from": success}
        )
    )
    return target


def note_managers(world: World, person: Whole, org: Whole, start: Dates) -> None:
    """The managing institution from a day on, for the expected figures."""
    world.managers.append(pl.DataFrame({"person": person, "org": org, "manage_from": start}))


def record_applications(world: World, **columns: Any) -> None:
    """Facts of applications for the expected figures."""
    size = len(columns["person"])
    world.transfers.append(
        pl.DataFrame(
            {name: np.broadcast_to(np.asarray(value), (size,)) for name, value in columns.items()},
            strict=False,
        )
    )

"""Archives that another district's institution takes over without any application.

Not here: transfers that somebody has applied for (moves.py).
"""

from __future__ import annotations

import numpy as np

from pipelines.synth.acts import resume_stay
from pipelines.synth.applications import move_archive, note_managers, other_org
from pipelines.synth.cases import (
    draw_days,
    is_kind,
    members,
    note_copies,
    note_persons,
    story_window,
)
from pipelines.synth.clock import away_from_year_end, plus
from pipelines.synth.residents import evaluation_days
from pipelines.synth.world import World


def add_takeovers(world: World) -> None:
    """Another district's institution takes an archive over, and nobody has applied for it.

    Where the origin lets it go, nobody manages it by right; where it does not, two do.
    """
    person = members(world, "taken_without_transfer", "left_without_transfer")
    people, size = world.people, len(person)
    first, last = story_window(world)
    target = other_org(world, "taken", people.org[person], True)
    at = away_from_year_end(draw_days(world, "taken", size, first, last), first)
    is_left = is_kind(world, person, "left_without_transfer")
    # Until then nobody manages them: that is over before any day of evaluation.
    early = plus(evaluation_days(world)[0], -40)
    at = np.where(is_left, draw_days(world, "left", size, first, max(early, first)), at)
    copy = move_archive(world, person, person, target, at, is_left)
    people.stay_to[person] = at
    resume_stay(world, person, copy, target, at)
    note_managers(world, person, target, at)
    note_persons(world, "ART-1c", "MANAGER_GAP", person[is_left])
    note_copies(world, "A1-4-3-1c", "TAKEN_WITHOUT_TRANSFER", person[~is_left], copy[~is_left])
    note_persons(world, "ART-1a", "DUP_ACTIVE_ARCHIVE", person[~is_left])
    note_persons(world, "ART-1b", "DUAL_MANAGEMENT", person[~is_left])

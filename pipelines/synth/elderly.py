"""What goes with the yearly examination of the elderly: self-care scores, traditional constitution.

Not here: the examination itself (checkups.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.synth.clock import Dates, Whole, year_of
from pipelines.synth.forms import choose, deliver_form, placed, same
from pipelines.synth.world import World, masked

_SELF_CARE_SHARE = 0.9
_TCM_SHARE = 0.78
#: Class → scores of eating, washing, dressing, toilet, moving, whose sum gives the class.
_ABILITIES = {"1": (0, 0, 0, 0, 0), "2": (0, 1, 3, 1, 1), "3": (3, 3, 3, 5, 1), "4": (5, 7, 5, 10, 10)}
#: Constitution → its questions among the 33 of the form; the balanced one counts four of them in reverse.
_QUESTIONS = {
    "qi_deficiency": (2, 3, 4, 14),
    "yang_deficiency": (11, 12, 13, 29),
    "yin_deficiency": (10, 21, 26, 31),
    "phlegm_dampness": (9, 16, 28, 32),
    "damp_heat": (23, 25, 27, 30),
    "blood_stasis": (19, 22, 24, 33),
    "qi_stagnation": (5, 6, 7, 8),
    "inherited_special": (15, 17, 18, 20),
}
_REVERSED = (2, 4, 5, 13)
#: Least score of a biased constitution, and of a tendency towards it.
_YES, _TENDENCY = 11, 9
_BALANCED = 17


def add_elderly(world: World, stays: pl.DataFrame) -> None:
    """Self-care assessments and constitution forms on the day of an examination of somebody of 65 or over."""
    exams = world.exams.select("person", "at").unique(maintain_order=True)
    person = exams["person"].to_numpy().astype(np.int64)
    at = exams["at"].to_numpy().astype("datetime64[D]")
    old = year_of(at) - year_of(world.people.birth[person]) >= 65
    person, at = person[old], at[old]
    draws = world.random("elderly").random((2, len(person)))
    _self_care(world, stays, person, at, draws[0] < _SELF_CARE_SHARE)
    _constitution(world, stays, person, at, draws[1] < _TCM_SHARE)


def _self_care(
    world: World, stays: pl.DataFrame, person: Whole, at: Dates, chosen: NDArray[np.bool_]
) -> None:
    who = placed(world, stays, person[chosen], at[chosen])
    size = len(who[0])
    ability = choose(world.random("self care"), size, {"1": 0.9, "2": 0.06, "3": 0.03, "4": 0.01})
    names = ("feeding", "grooming", "dressing", "toileting", "mobility")
    table = np.array([_ABILITIES[code] for code in "1234"])
    scores = table[ability.astype(int) - 1]
    deliver_form(
        world,
        "self_care_assessment",
        "L",
        who,
        {
            **{f"{name}_score": scores[:, index] for index, name in enumerate(names)},
            "total_score": scores.sum(axis=1),
            "self_care_code": ability,
        },
    )


def _constitution(
    world: World, stays: pl.DataFrame, person: Whole, at: Dates, chosen: NDArray[np.bool_]
) -> None:
    who = placed(world, stays, person[chosen], at[chosen])
    size = len(who[0])
    generator = world.random("constitution")
    answers = generator.choice([1, 2, 3], size=(size, 33), p=[0.6, 0.3, 0.1])
    answers[:, 0] = generator.choice([3, 4, 5], size=size, p=[0.3, 0.4, 0.3])
    # A third lean to one constitution: its four answers are high.
    leaning = generator.integers(0, 3 * len(_QUESTIONS), size=size)
    for index, questions in enumerate(_QUESTIONS.values()):
        rows = np.flatnonzero(leaning == index)
        for question in questions:
            answers[rows, question - 1] = generator.integers(2, 6, size=len(rows))
    scores = {
        name: answers[:, [question - 1 for question in questions]].sum(axis=1)
        for name, questions in _QUESTIONS.items()
    }
    balanced = answers[:, 0] + sum(6 - answers[:, question - 1] for question in _REVERSED)
    kinds, tendencies = _judged(scores, balanced)
    deliver_form(
        world,
        "tcm_elderly",
        "L",
        who,
        {
            **{f"answer_{number:02d}": answers[:, number - 1] for number in range(1, 34)},
            **{f"{name}_score": values for name, values in scores.items()},
            "balanced_score": balanced,
            "constitution_codes": kinds,
            "constitution_tendency_codes": tendencies,
            **same(size, guidance_codes="1|2|3|4"),
        },
    )


def _judged(scores: dict[str, Any], balanced: Whole) -> tuple[pl.Series, pl.Series]:
    """Codes of the constitutions (1 to 8 biased, 9 balanced) and of tendencies, joined by `|`."""
    table = np.stack(list(scores.values()), axis=1)
    yes = table >= _YES
    leaning = (table >= _TENDENCY) & ~yes
    is_balanced = (balanced >= _BALANCED) & (table < 10).all(axis=1)
    is_balanced |= ~yes.any(axis=1) & ~leaning.any(axis=1)
    codes = pl.Series([""] * len(balanced), dtype=pl.String)
    tendencies = codes.clone()
    for index in range(table.shape[1]):
        codes = codes + pl.Series(np.where(yes[:, index], f"{index + 1}|", ""))
        tendencies = tendencies + pl.Series(np.where(leaning[:, index], f"{index + 1}|", ""))
    codes = codes + pl.Series(np.where(is_balanced & ~yes.any(axis=1), "9|", ""))
    joined = [series.str.strip_suffix("|") for series in (codes, tendencies)]
    return masked(joined[0] != "", joined[0]), masked(joined[1] != "", joined[1])

"""Names written wrongly: one character for another that sounds or looks alike, in visits and moved archives.

Not here: the pairs of characters (names.py). The number settles who is meant: nobody becomes a second person;
two archives of one number under two names wait for a reviewer (truth/reviews.csv).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.synth.archives import add_versions, archive_ids
from pipelines.synth.cases import members
from pipelines.synth.names import misspelt
from pipelines.synth.world import World

_MOVED_SHARE = 0.2
_VISITOR_SHARE = 0.006
_REVIEWS = {
    "reason_code": pl.String,
    "_unit": pl.Int64,
    "district_archive_id": pl.String,
    "person_no": pl.Int64,
}


def add_slips(world: World) -> None:
    """Misspell names in the new archives of some who moved, and in the visits of some ordinary residents."""
    _moved(world)
    _visitors(world)


def reviews(world: World) -> pl.DataFrame:
    """Reviews that the slips lead to: reason_code, unit number, district_archive_id, person number."""
    return world.facts.get("reviews", pl.DataFrame(schema=_REVIEWS))


def _moved(world: World) -> None:
    if not world.moves:
        return
    moves = pl.concat(world.moves).filter(
        pl.col("person").is_in(members(world, "cross_transfer").tolist())
        & (pl.col("move_from") <= pl.lit(world.plan.last))
    )
    wrong = misspelt(world.people.name.gather(moves["person"]))
    moves = moves.with_columns(wrong=wrong).filter(pl.col("wrong").is_not_null()).sort("person")
    drawn = world.random("moved slips").random(moves.height) < _MOVED_SHARE
    # One at least, so that a small sample shows it.
    drawn[:1] = True
    moves = moves.filter(pl.Series(drawn))
    person, copy = (moves[name].to_numpy().astype(np.int64) for name in ("person", "copy"))
    at = moves["move_from"].to_numpy().astype("datetime64[D]")
    add_versions(world, copy, at, {"name": moves["wrong"]})
    both = np.r_[person, copy]
    world.facts["reviews"] = pl.DataFrame(
        {
            "reason_code": ["NAME_CONFLICT"] * len(both),
            "_unit": np.r_[world.people.unit[person], moves["unit"].to_numpy()],
            "district_archive_id": archive_ids(world, both),
            "person_no": world.person_numbers(np.r_[person, person]),
        },
        schema=_REVIEWS,
    )


def _visitors(world: World) -> None:
    people = world.people
    drawn = world.random("visitor slips").random(len(people)) < _VISITOR_SHARE
    chosen = np.flatnonzero(drawn & (people.case == 0) & world.block_has_id)
    names = people.name.gather(chosen)
    table = pl.DataFrame({"id_no": people.id_no.gather(chosen), "wrong": misspelt(names)})
    world.rows["encounter"] = [
        frame.join(table, on="id_no", how="left", maintain_order="left")
        .with_columns(name=pl.coalesce("wrong", "name"))
        .drop("wrong")
        for frame in world.rows["encounter"]
    ]

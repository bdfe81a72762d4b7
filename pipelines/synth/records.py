"""What goes wrong or is put right in service records: late entries, edits, deletions, their approvals.

Not here: the records themselves (care.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipelines.synth.clock import RULES_EFFECTIVE_FROM, Dates, Whole, plus
from pipelines.synth.world import World

#: Share of the records that are edited with approval.
LAWFUL_EDIT_SHARE = 0.003
#: Kind → weight among the planted violations of records.
ENTRY_FLAWS = {
    "entry_late": 3.0,
    "entry_late_boundary": 1.0,
    "paper_entry_late": 1.0,
    "entry_before_service": 1.0,
}
EDIT_FLAWS = {
    "edit_without_amendment": 2.0,
    "edit_approved_late": 1.0,
    "edit_without_approver": 0.7,
    "edit_self_approved": 0.7,
}
DELETION_FLAWS = {"deletion_without_amendment": 1.0}
#: Every kind of this module and whether it breaks a rule.
RECORD_KINDS = {
    **dict.fromkeys((*ENTRY_FLAWS, *EDIT_FLAWS, *DELETION_FLAWS), True),
    **dict.fromkeys(("edit_approved", "deletion_approved", "entry_on_fifth_day"), False),
}
_EDITOR = "EDITOR7"
_DATASETS = ("health_exam", "htn_followup", "dm_followup")


def entered_records(world: World) -> pl.DataFrame:
    """Delivered examinations and follow-ups that may carry a planted flaw, with the position in their frame.

    Columns: record_id, dataset, person, org, at, entered, is_remote.
    """
    frames = [
        frame.select(
            "record_id",
            "dataset",
            "person",
            "org",
            "at",
            "entered",
            (pl.col("is_remote") if "is_remote" in frame.columns else pl.lit(False)).alias("is_remote"),
        )
        for frame in (world.exams, *world.followups.values())
    ]
    # Restricted residents appear in no list of findings: nothing is planted on them.
    ordinary = np.flatnonzero(world.people.case == 0)
    allowed = np.setdiff1d(ordinary, world.restricted)
    reformed = np.flatnonzero(world.places.is_reformed[world.people.unit])
    return pl.concat(frames).filter(
        pl.col("person").is_in(allowed.tolist())
        & (pl.col("at") > pl.lit(max(RULES_EFFECTIVE_FROM, world.plan.first)))
        & ~pl.col("is_remote")
        & ~pl.col("person").is_in(reformed.tolist())
    )


def add_record_flaws(world: World, counts: dict[str, int]) -> None:
    """Change delivered service rows into late, early, edited and deleted ones.

    Args:
        world: the city; rows of the service datasets are changed in place.
        counts: kind → planted number, extended here.
    """
    pool = entered_records(world)
    generator = world.random("record flaws")
    order = generator.permutation(pool.height)
    pool = pool[order.tolist()]
    total = sum({**ENTRY_FLAWS, **EDIT_FLAWS, **DELETION_FLAWS}.values())
    wish = world.plan.residents * world.plan.defects * 0.5
    used = 0
    for kind, weight in {**ENTRY_FLAWS, **EDIT_FLAWS}.items():
        number = max(2, round(wish * weight / total)) if world.plan.defects else 0
        candidates = pool[used:]
        if kind in ENTRY_FLAWS:
            candidates = candidates.filter(_has_room(candidates, world))
        else:
            candidates = candidates.filter(pl.col("entered") < pl.lit(plus(world.days[-2], -5)))
        chosen = candidates.head(number)
        pool = pool.join(chosen.select("record_id"), on="record_id", how="anti", maintain_order="left")
        counts[kind] = chosen.height
        if kind in ENTRY_FLAWS:
            _enter_wrongly(world, kind, chosen)
        else:
            _edit(world, kind, chosen)
    lawful = pool.filter(pl.col("entered") < pl.lit(plus(world.days[-2], -5)))
    number = max(2, round(pool.height * LAWFUL_EDIT_SHARE))
    chosen = lawful.head(number)
    _edit(world, "edit_approved", chosen)
    counts["edit_approved"] = chosen.height
    rest = lawful.join(chosen.select("record_id"), on="record_id", how="anti", maintain_order="left")
    _plan_deletions(world, rest, counts, wish / total)
    _note_boundary(world, pool, counts)


def _has_room(frame: pl.DataFrame, world: World) -> pl.Series:
    """Whether an entry may come weeks later and still lie in the same year and before the last delivery."""
    return frame.select(
        (pl.col("at") <= pl.lit(plus(world.plan.last, -40)))
        & (pl.col("at").dt.month() <= 10)
        & (pl.col("at") > pl.lit(plus(world.plan.first, 5)))
    ).to_series()


def _replace(world: World, dataset: str, changes: pl.DataFrame) -> None:
    """Overwrite columns of rows by record id (columns of `changes` other than record_id)."""
    names = [name for name in changes.columns if name != "record_id"]
    for number, frame in enumerate(world.rows[dataset]):
        joined = frame.join(changes, on="record_id", how="left", suffix="_new", maintain_order="left")
        world.rows[dataset][number] = joined.with_columns(
            pl.coalesce(f"{name}_new", name).alias(name) for name in names
        ).select(frame.columns)


def _enter_wrongly(world: World, kind: str, chosen: pl.DataFrame) -> None:
    """Move the entry of records: later than five days, or before the service."""
    generator = world.random(kind)
    at = chosen["at"].to_numpy().astype("datetime64[D]")
    size = len(at)
    delay = np.full(size, 6)
    if kind in ("entry_late", "paper_entry_late"):
        delay = generator.integers(7, 30, size=size)
    elif kind == "entry_before_service":
        delay = -generator.integers(1, 4, size=size)
    entered = plus(at, delay)
    for dataset in _DATASETS:
        mask = (chosen["dataset"] == dataset).to_numpy()
        if not mask.any():
            continue
        ids = chosen["record_id"].filter(pl.Series(mask))
        moment = pl.Series(entered[mask]).cast(pl.Datetime("us")) + pl.duration(hours=10)
        moments = pl.select(moment).to_series()
        _replace(
            world,
            dataset,
            pl.DataFrame(
                {
                    "record_id": ids,
                    "entered_at": moments,
                    "uploaded_at": pl.select(pl.lit(moments) + pl.duration(hours=1)).to_series(),
                    "_at": np.maximum(entered, at)[mask],
                    "capture_code": ["P" if kind == "paper_entry_late" else "E"] * int(mask.sum()),
                }
            ),
        )
        unit = world.places.org_unit[chosen["org"].to_numpy()[mask]]
        person = chosen["person"].to_numpy()[mask]
        if kind == "entry_before_service":
            world.note("A1-3-2b", "ENTRY_BEFORE_SERVICE", dataset, unit, ids, kind, person)
            continue
        world.note("A1-3-2", "ENTRY_LATE", dataset, unit, ids, kind, person)
        if kind == "paper_entry_late":
            world.note("A1-2-7", "PAPER_ENTRY_LATE", dataset, unit, ids, kind, person)
    world.entries.append(
        pl.DataFrame({"record_id": chosen["record_id"], "entered_again": entered, "delay": delay})
    )


def _edit(world: World, kind: str, chosen: pl.DataFrame) -> None:
    """A later version with another symptom, delivered in a later month, with or without its approval."""
    days = world.days
    for dataset in _DATASETS:
        part = chosen.filter(pl.col("dataset") == dataset)
        if part.is_empty():
            continue
        rows = pl.concat(world.rows[dataset], how="diagonal_relaxed")
        wanted = part.select("record_id", "entered")
        old = wanted.join(rows, on="record_id", how="left", maintain_order="left")
        entered = old["entered"].to_numpy().astype("datetime64[D]")
        delivered = days[np.searchsorted(days, entered)]
        edited = plus(delivered, 2 + np.arange(old.height) % 3)
        new = old.drop("entered").with_columns(
            symptom_codes=pl.lit("02" if dataset == "health_exam" else "3"), _at=pl.Series(edited)
        )
        world.rows[dataset].append(new)
        unit = new["_unit"].to_numpy()
        person = part["person"].to_numpy()
        if kind != "edit_without_amendment":
            _amend(world, kind, dataset, new["record_id"], unit, edited, False)
        if kind == "edit_self_approved":
            world.note("A1-3-1c", "APPROVER_IS_EDITOR", dataset, unit, new["record_id"], kind, person)
        elif kind != "edit_approved":
            world.note("A1-3-1b", "UNAPPROVED_EDIT", dataset, unit, new["record_id"], kind, person)


def _amend(
    world: World, kind: str, dataset: str, record: pl.Series, unit: Whole, at: Dates, is_deletion: bool
) -> None:
    """Approvals of changes; the approver is the institution's administrator, not the editor."""
    size = len(record)
    modified = pl.Series(at).cast(pl.Datetime("us"))
    frame = pl.DataFrame({"modified": modified}).with_columns(
        approved=pl.col("modified")
        + pl.duration(minutes=16 * 60 if kind == "edit_approved_late" else 9 * 60),
        modified=pl.col("modified") + pl.duration(hours=11),
    )
    approver = {"edit_without_approver": None, "edit_self_approved": _EDITOR}.get(kind, "ADMIN01")
    world.deliver(
        "amendment",
        unit,
        at,
        {
            "amendment_id": world.new_ids("AM", size),
            "dataset": [dataset] * size,
            "record_id": record,
            "is_deletion": [is_deletion] * size,
            "approver_id": pl.Series([approver] * size, dtype=pl.String),
            "approved_at": frame["approved"],
            "modified_at": frame["modified"],
            "modified_by_id": [_EDITOR] * size,
            "reason": ["录入错误"] * size,
        },
    )


def _plan_deletions(world: World, pool: pl.DataFrame, counts: dict[str, int], wish: float) -> None:
    """Records that a full delivery of the first unit leaves out, half of them approved."""
    counts["deletion_approved"] = counts["deletion_without_amendment"] = 0
    full_unit = world.share.position(0)
    if len(world.days) < 6 or full_unit is None:
        return
    day = world.days[-3]
    mine = pool.filter(
        (pl.col("dataset") == "dm_followup")
        & pl.Series(world.places.org_unit[pool["org"].to_numpy()] == full_unit)
        & (pl.col("entered") <= pl.lit(plus(day, -40)))
    )
    approved = mine.head(2)
    unit = np.full(approved.height, full_unit, dtype=np.int64)
    at = np.full(approved.height, day)
    _amend(world, "deletion_approved", "dm_followup", approved["record_id"], unit, at, True)
    number = max(2, round(wish)) if world.plan.defects else 0
    wrong = mine[2 : 2 + number]
    world.note(
        "A1-3-1b",
        "UNAPPROVED_DELETION",
        "dm_followup",
        np.full(wrong.height, full_unit, dtype=np.int64),
        wrong["record_id"],
        "deletion_without_amendment",
        wrong["person"].to_numpy(),
    )
    counts["deletion_approved"], counts["deletion_without_amendment"] = approved.height, wrong.height
    world.deleted = pl.concat([approved["record_id"], wrong["record_id"]])


def _note_boundary(world: World, pool: pl.DataFrame, counts: dict[str, int]) -> None:
    """Entries on the fifth day are on time."""
    fifth = pool.filter((pl.col("entered") - pl.col("at")).dt.total_days() == 5).head(20)
    counts["entry_on_fifth_day"] = fifth.height
    for dataset in _DATASETS:
        part = fifth.filter(pl.col("dataset") == dataset)
        if part.is_empty():
            continue
        unit = world.places.org_unit[part["org"].to_numpy()]
        world.note(
            "A1-3-2",
            "",
            dataset,
            unit,
            part["record_id"],
            "entry_on_fifth_day",
            part["person"].to_numpy(),
            is_violation=False,
        )


def kept(world: World, frame: pl.DataFrame) -> pl.DataFrame:
    """Facts of records that still stand on the last day (deleted ones are gone)."""
    gone: Any = world.deleted
    return frame if gone is None else frame.filter(~pl.col("record_id").is_in(gone.implode()))

"""Children: documents of birth, mothers' numbers, identity numbers that follow, twins.

Not here: the births themselves (people.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipelines.synth.applications import other_org
from pipelines.synth.archives import ERASED, add_copies, add_versions, org_codes
from pipelines.synth.cases import draw_days, is_kind, members, note_archives, story_window
from pipelines.synth.clock import NEVER, Dates, Whole, add_months, moment_text, plus
from pipelines.synth.identity import with_check
from pipelines.synth.world import World, masked

#: Stories in which the first document stays as it is.
_UNCHANGED = (
    "bc_past_grace",
    "bc_over_six",
    "twins_same_name",
    "mother_id_as_own",
    "mother_id_invalid",
    "unlinked_upgrade",
    "twin_placeholder",
    "bc_pattern",
    "mother_is_a_man",
    "mother_too_old",
)
BIRTH_DOCUMENT_SHARES = (("ID", 0.35), ("BC", 0.45), ("MO", 0.20))


def add_newborns(world: World) -> None:
    """First documents of all children of the period, and their upgrades."""
    people, plan = world.people, world.plan
    generator = world.random("newborns")
    child = np.flatnonzero(people.is_newborn & people.has_archive)
    codes, shares = zip(*BIRTH_DOCUMENT_SHARES, strict=True)
    document = np.array(codes)[generator.choice(3, size=len(child), p=np.array(shares))]
    document[people.twin[child] >= 0] = "MO"
    document[is_kind(world, child, "bc_past_grace", "unlinked_upgrade", "id_upgrade_late", "bc_pattern")] = (
        "BC"
    )
    by_mother = (
        "twins_same_name",
        "twin_placeholder",
        "mother_id_invalid",
        "mother_is_a_man",
        "mother_too_old",
    )
    document[is_kind(world, child, *by_mother)] = "MO"
    document[is_kind(world, child, "mother_id_as_own")] = "ID"
    # A number is rarely there within the first days: those entered on it are entered later.
    people.base_document[child] = document
    world.block_has_id[child] = False
    upgraded = _upgrade_days(world, child, document)
    late = is_kind(world, child, "id_upgrade_late")
    upgraded = np.where(late, _late_days(world, child), upgraded)
    step = (document == "MO") & (generator.random(len(child)) < 0.5)
    between = plus(people.created[child], 5)
    add_certificate = step & (between < upgraded) & (between <= plan.last)
    _give_certificate(world, child[add_certificate], between[add_certificate])
    world.facts["certificates"] = pl.DataFrame({"person": child, "at": between}).filter(
        pl.Series(add_certificate)
    )
    known = ~np.isnat(upgraded)
    had_certificate = (document == "BC") | add_certificate
    _give_number(world, child[known], upgraded[known], had_certificate[known])
    world.facts["upgrades"] = pl.DataFrame(
        {"person": child, "first_document": document, "upgraded": upgraded}
    )
    old = members(world, "bc_over_six")
    people.base_document[old] = "BC"
    world.block_has_id[old] = False
    world.names_mother[old] = False
    _late_numbers(world)
    _flaws(world)
    _decisions(world)


def _upgrade_days(world: World, child: Whole, document: Any) -> Dates:
    """Days on which identity numbers arrive, always within three months of birth; NaT = not yet or never."""
    people = world.people
    generator = world.random("upgrade days")
    room = np.maximum(85 - (people.created[child] - people.birth[child]).astype("int64") - 8, 1)
    at = plus(people.created[child], 8 + (generator.random(len(child)) * room).astype(np.int64))
    twin = people.twin[child]
    first = np.minimum(child, np.where(twin >= 0, twin, child))
    at = at[np.searchsorted(child, first)]
    unchanged = is_kind(world, child, *_UNCHANGED)
    unchanged |= (twin >= 0) & is_kind(world, np.maximum(twin, 0), *_UNCHANGED)
    stays = (document == "ID") | unchanged | (at > world.plan.last)
    return np.where(stays, NEVER, at)


def _late_days(world: World, child: Whole) -> Dates:
    """Days after the three months, in the year in which these ended."""
    due = add_months(world.people.birth[child], 3)
    end_of_year = plus((due.astype("datetime64[Y]") + 1).astype("datetime64[D]"), -1)
    at = plus(due, 1 + world.random("late upgrades").integers(0, 40, size=len(child)))
    return np.minimum(np.minimum(at, end_of_year), world.plan.last)


def _modification(world: World, child: Whole, at: Dates) -> dict[str, Any]:
    return {
        "modified_by_org_code": org_codes(world, world.people.org[child]),
        "modified_at": moment_text(at, 615),
    }


def _give_certificate(world: World, child: Whole, at: Dates) -> None:
    """From the mother's number to the birth certificate, under the same archive id."""
    add_versions(
        world,
        child,
        at,
        {
            "id_type_code": ["11"] * len(child),
            "birth_certificate_no": world.people.birth_certificate_no.gather(child),
            **_modification(world, child, at),
        },
    )


def _give_number(world: World, child: Whole, at: Dates, had_certificate: Any) -> None:
    """The identity number replaces what stood before, under the same archive id."""
    add_versions(
        world,
        child,
        at,
        {
            "id_type_code": ["01"] * len(child),
            "id_no": world.people.id_no.gather(child),
            "previous_id_no": masked(had_certificate, world.people.birth_certificate_no.gather(child)),
            **_modification(world, child, at),
        },
        seq=2,
    )


def _late_numbers(world: World) -> None:
    """Schoolchildren whose number follows a certificate of another birth date, or of two children."""
    people = world.people
    corrected = members(world, "upgrade_birth_mismatch")
    pair = members(world, "certificate_of_two").reshape(-1, 2)
    child = np.r_[corrected, pair.ravel()]
    people.base_document[child] = "BC"
    world.block_has_id[child] = False
    world.names_mother[child] = False
    # The window opens after the stock was delivered: the certificate has been seen before the number.
    at = draw_days(world, "late numbers", len(child), *story_window(world))
    _give_number(world, child, at, np.zeros(len(child), dtype=bool))
    _set_first(world, corrected, {"birth_date": plus(people.birth[corrected], -1)})
    # One row with both documents would say that they belong together.
    alone = {"birth_date": people.birth[corrected], "birth_certificate_no": [ERASED] * len(corrected)}
    add_versions(world, corrected, at[: len(corrected)], alone, seq=3)
    _set_first(world, pair[:, 1], {"birth_certificate_no": people.birth_certificate_no.gather(pair[:, 0])})
    note_archives(world, "A1-2-4e", "UPGRADE_BIRTH_MISMATCH", corrected)
    note_archives(world, "A1-2-4e", "MULTIPLE_IDS", pair.ravel())


def _flaws(world: World) -> None:
    people = world.people
    own = members(world, "mother_id_as_own")
    world.names_mother[own] = False
    _set_first(world, own, {"id_no": people.id_no.gather(people.mother[own])})
    invalid = members(world, "mother_id_invalid")
    bodies = people.id_body[people.mother[invalid]]
    good = with_check(bodies)
    wrong = good.str.slice(0, 17) + good.str.slice(17, 1).replace_strict(
        list("0123456789X"), list("1234567890" + "5"), return_dtype=pl.String
    )
    _set_first(world, invalid, {"mother_id_no": wrong})
    twins = members(world, "twins_same_name")
    sibling = people.twin[twins]
    both = np.r_[twins, sibling]
    world.block_has_id[both] = False
    _set_first(world, sibling, {"name": people.name.gather(twins)})
    _unlinked(world, members(world, "unlinked_upgrade"))
    _wrong_papers(world)
    for rule, code, kind in (
        ("A1-2-4b", "NEWBORN_ID_OVERDUE", "bc_past_grace"),
        ("A1-2-4b", "BC_OVER_AGE", "bc_over_six"),
        ("A1-2-4c", "MOTHER_ID_AS_OWN", "mother_id_as_own"),
        ("A1-2-4c", "MOTHER_ID_INVALID", "mother_id_invalid"),
    ):
        note_archives(world, rule, code, members(world, kind))
    note_archives(world, "A1-2-4a", "ID_BIRTH_MISMATCH", own)
    for kind_members in (twins, sibling):
        note_archives(world, "A1-2-4d", "MOTHER_SAME_NAME", kind_members)
        note_archives(world, "ARC-5", "NO_CLASS_A_KEY", kind_members)
    for kind_members in (own, invalid):
        note_archives(world, "ARC-5", "NO_CLASS_A_KEY", kind_members)
    for kind in ("bc_past_grace", "bc_over_six"):
        note_archives(world, "ARC-5", "BC_PAST_GRACE", members(world, kind))


def _wrong_papers(world: World) -> None:
    """Certificates of a wrong form, a man or a great-grandmother for the mother, a twin without a name."""
    people = world.people
    certificate = members(world, "bc_pattern")
    wrong = people.birth_certificate_no.gather(certificate).str.slice(1, 8)
    _set_first(world, certificate, {"birth_certificate_no": wrong})
    man = members(world, "mother_is_a_man")
    father = people.spouse[people.mother[man]]
    man, father = man[father >= 0], father[father >= 0]
    _set_first(world, man, {"mother_id_no": people.id_no.gather(father)})
    old = members(world, "mother_too_old")
    women = np.flatnonzero((people.sex == 2) & (people.birth < np.datetime64("1955-01-01")))
    elder = women[np.argsort(people.birth[women], kind="stable")][-len(old) :] if len(old) else women[:0]
    old = old[: len(elder)]
    _set_first(world, old, {"mother_id_no": people.id_no.gather(elder)})
    named = members(world, "twin_placeholder")
    sibling = people.twin[named]
    world.block_has_id[np.r_[named, sibling]] = False
    surname = pl.Series(people.surname[sibling])
    _set_first(world, sibling, {"name": surname + "二宝"})
    for rule, code, who in (
        ("A1-2-4b", "BC_PATTERN", certificate),
        ("A1-2-4c", "MOTHER_NOT_FEMALE", man),
        ("A1-2-4c", "MOTHER_AGE_IMPLAUSIBLE", old),
        ("A1-2-4d", "TWIN_OR_RENAMED", named),
        ("A1-2-4d", "TWIN_OR_RENAMED", sibling),
    ):
        note_archives(world, rule, code, who)
        note_archives(world, "ARC-5", "NO_CLASS_A_KEY", who)


def _decisions(world: World) -> None:
    """Reviewers state that twins are two persons; one slip, taken back at once, is among them."""
    people, last = world.people, world.plan.last
    upgrades = world.facts["upgrades"].filter(pl.col("upgraded") <= pl.lit(plus(last, -4)))
    known = upgrades["person"].to_numpy()
    first = known[(people.twin[known] > known) & np.isin(people.twin[known], known)]
    if not len(first):
        return
    at = upgrades["upgraded"].to_numpy().astype("datetime64[D]")[np.searchsorted(known, first)]
    # The first pair is decided three times: wrongly, taken back, rightly.
    pair = np.r_[first, first[:1], first[:1]]
    day_of = np.r_[plus(at, 2), plus(at[:1], 1), plus(at[:1], 1)]
    ids = world.new_ids("DC", len(pair))
    size = len(first)
    world.deliver(
        "identity_decision",
        people.unit[pair],
        day_of,
        {
            "decision_id": ids,
            "left_key": "ID:" + people.id_no.gather(pair),
            "right_key": "ID:" + people.id_no.gather(people.twin[pair]),
            "verdict_code": [*(["different"] * size), "same", "different"],
            "reviewer_id": ["REVIEWER1"] * (size + 2),
            "decided_at": moment_text(day_of, np.r_[np.full(size, 640), 600, 660]),
            "reason": [*(["双胞胎"] * size), "误判", "更正误判"],
            "revokes_decision_id": [*([None] * (size + 1)), ids[-2]],
        },
    )


def _set_first(world: World, copy: Whole, columns: dict[str, Any]) -> None:
    """Values of the first version of archives."""
    add_versions(world, copy, world.people.created[copy], columns, seq=1)


def _unlinked(world: World, child: Whole) -> None:
    """A child with a birth certificate gets a second archive under its number; nothing links the two."""
    people, plan = world.people, world.plan
    generator = world.random("unlinked")
    size = len(child)
    is_cross = plan.units > 1
    org = other_org(world, "unlinked", people.org[child], is_cross)
    at = np.minimum(plus(people.created[child], 2 + generator.integers(0, 20, size=size)), plan.last)
    copy = add_copies(world, child, org, at, created=at)
    add_versions(
        world,
        copy,
        at,
        {"id_type_code": ["01"] * size, "id_no": people.id_no.gather(child)},
        seq=1,
    )
    world.without_certificate.append(copy)
    note_archives(world, "A1-2-4e", "UPGRADE_UNLINKED", child)

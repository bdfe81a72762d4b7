"""Identity of adults: odd but lawful spellings, wrong numbers, and residents who got two archives.

Not here: children's documents (newborns.py) and flawed records (records.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipelines.synth.applications import note_managers, other_org
from pipelines.synth.archives import add_copies, add_versions, org_codes
from pipelines.synth.cases import draw_days, members, note_archives, note_copies, note_persons, story_window
from pipelines.synth.clock import Dates, Whole, add_months, away_from_year_end, moment_text
from pipelines.synth.identity import NEVER_ISSUED_COUNTIES, with_check
from pipelines.synth.world import World

#: Mark of a gap in the basic information that is the document itself.
NO_DOCUMENT = 9
_PLACEHOLDERS = ("111111111111111111", "123456789012345678")
_FULL_WIDTH = {character: chr(ord(character) + 0xFEE0) for character in "0123456789X"}


def add_identity_flaws(world: World) -> None:
    """Play every story of adults' numbers and of double archives."""
    _spellings(world)
    _wrong_numbers(world)
    _dummies(world)
    _changed_numbers(world)
    _disputed_numbers(world)
    _duplicates(world)


def _first(world: World, person: Whole, columns: dict[str, Any]) -> None:
    """Values of the first version of the first archives."""
    add_versions(world, person, world.people.created[person], columns)


def _spellings(world: World) -> None:
    """Spellings that mean the same number: 15 digits, lower case, full width; other documents."""
    people = world.people
    old = members(world, "id_15_digits")
    short = old[people.birth[old] < np.datetime64("2000-01-01")]
    text = people.id_no.gather(short)
    _first(world, short, {"id_no": text.str.slice(0, 6) + text.str.slice(8, 9)})
    lower = members(world, "id_lower_case")
    _first(world, lower, {"id_no": people.id_no.gather(lower).str.to_lowercase()})
    wide = members(world, "id_full_width")
    spaced = people.id_no.gather(wide).str.replace_many(list(_FULL_WIDTH), list(_FULL_WIDTH.values()))
    _first(world, wide, {"id_no": spaced + " "})
    permit = members(world, "residence_permit")
    _first(world, permit, {"id_type_code": ["15"] * len(permit)})
    passport = members(world, "passport")
    world.block_has_id[passport] = False
    serial = world.share.share(10**8)[0] + passport
    numbers = "X" + pl.Series(serial).cast(pl.String).str.zfill(8)
    _first(world, passport, {"id_type_code": ["03"] * len(passport), "id_no": numbers})


def _wrong_numbers(world: World) -> None:
    """Numbers that cannot be right, and numbers that contradict the row's sex or birth date."""
    people = world.people
    spoiled = members(world, "id_check_digit")
    text = people.id_no.gather(spoiled)
    turned = text.str.slice(17, 1).replace_strict(
        list("0123456789X"), list("12345678905"), return_dtype=pl.String
    )
    _spoil(world, spoiled, text.str.slice(0, 17) + turned, "ID_CHECK_DIGIT")
    impossible = members(world, "id_impossible_date")
    body = people.id_body[impossible]
    # Day 32 to 39 of the month, with the check character that belongs to it.
    no_day = body - (body // 1000 % 100) * 1000 + (32 + impossible % 8) * 1000
    _spoil(world, impossible, with_check(no_day), "ID_BIRTH_IMPOSSIBLE")
    placeholder = members(world, "id_placeholder")
    _spoil(world, placeholder, pl.Series(np.array(_PLACEHOLDERS)[placeholder % 2]), "ID_PLACEHOLDER")
    letters = members(world, "id_letters")
    text = people.id_no.gather(letters)
    _spoil(world, letters, text.str.slice(0, 9) + "O" + text.str.slice(10), "ID_PATTERN")
    unborn = members(world, "id_birth_future")
    later = people.id_body[unborn] + (2056 - people.id_body[unborn] // 10**7 % 10**4) * 10**7
    _spoil(world, unborn, with_check(later), "ID_BIRTH_FUTURE")
    _leave_out(world, members(world, "id_missing"))
    short = members(world, "id_short")
    _spoil(world, short, people.id_no.gather(short).str.slice(0, 17), "ID_LENGTH")
    sex = members(world, "id_sex_mismatch")
    _first(world, sex, {"sex_code": pl.Series(3 - people.sex[sex]).cast(pl.String)})
    note_archives(world, "A1-2-4a", "ID_SEX_MISMATCH", sex)
    birth = members(world, "id_birth_mismatch")
    _first(world, birth, {"birth_date": add_months(people.birth[birth], -12)})
    note_archives(world, "A1-2-4a", "ID_BIRTH_MISMATCH", birth)


def _leave_out(world: World, person: Whole) -> None:
    """Archives without any document, which basic information asks for too."""
    people = world.people
    # Known by the mother, but no mother is named: no document at all.
    people.base_document[person] = "MO"
    world.block_has_id[person] = False
    world.basic_gap[person] = NO_DOCUMENT
    note_archives(world, "A1-2-4a", "IDENTITY_MISSING", person)
    note_archives(world, "ARC-5", "NO_CLASS_A_KEY", person)


def _spoil(world: World, person: Whole, numbers: pl.Series, code: str) -> None:
    world.block_has_id[person] = False
    _first(world, person, {"id_no": numbers})
    note_archives(world, "A1-2-4a", code, person)
    note_archives(world, "ARC-5", "NO_CLASS_A_KEY", person)


def _dummies(world: World) -> None:
    """One number that no resident has, in four archives under four names."""
    people = world.people
    person = members(world, "id_dummy")
    if not len(person):
        return
    group = np.arange(len(person)) // 4
    leader = person[group * 4]
    world.block_has_id[person] = False
    _first(
        world,
        person,
        {
            "id_no": _nobodys_numbers(world, leader, group),
            "birth_date": people.birth[leader],
            "sex_code": pl.Series(people.sex[leader]).cast(pl.String),
        },
    )
    note_archives(world, "A1-2-4a", "ID_DUMMY", person)
    note_archives(world, "ARC-5", "NO_CLASS_A_KEY", person)


def _nobodys_numbers(world: World, person: Whole, turn: Whole) -> pl.Series:
    """Valid numbers of the birth dates and sexes of persons that no resident has."""
    people = world.people
    # Slices take turns, so that two of them hardly ever use the same number.
    turn = turn * world.share.count + world.share.number
    county = np.array(NEVER_ISSUED_COUNTIES)[turn % len(NEVER_ISSUED_COUNTIES)]
    # Serials from 900 on lie above every serial that is handed out to a resident.
    serial = 900 + 2 * (turn % 49) + np.where(people.sex[person] == 1, 1, 0)
    return with_check(county * 10**11 + people.id_body[person] // 1000 % 10**8 * 1000 + serial)


def _changed_numbers(world: World) -> None:
    """A valid number gives way to another one, and the archive does not name the former one."""
    people = world.people
    person = members(world, "id_changed")
    first, last = story_window(world)
    # Other rows name the archive alone: which number is the right one is still to be found out.
    world.block_has_id[person] = False
    _first(world, person, {"id_no": _nobodys_numbers(world, person, np.arange(len(person)))})
    at = draw_days(world, "id_changed", len(person), first, last)
    add_versions(world, person, at, {"id_no": people.id_no.gather(person), **_modified(world, person, at)})
    note_archives(world, "A1-2-4e", "ID_CHANGED", person)


def _disputed_numbers(world: World) -> None:
    """An archive names as its former number one that is another resident's: both have to be looked at."""
    people = world.people
    pair = members(world, "previous_id_disputed").reshape(-1, 2)
    # Of one name or birth date they could be one person who changed the other.
    name, birth = people.name.gather(pair[:, 0]) == people.name.gather(pair[:, 1]), people.birth[pair]
    pair = pair[~(name.to_numpy() | (birth[:, 0] == birth[:, 1]))]
    first, last = story_window(world)
    at = draw_days(world, "previous_id_disputed", len(pair), first, last)
    stated = {"previous_id_no": people.id_no.gather(pair[:, 1]), **_modified(world, pair[:, 0], at)}
    add_versions(world, pair[:, 0], at, stated)
    note_archives(world, "A1-2-4e", "STATED_PREVIOUS_DISPUTED", pair.ravel())


def _modified(world: World, person: Whole, at: Dates) -> dict[str, Any]:
    """Who changed an archive, and when."""
    return {
        "modified_by_org_code": org_codes(world, world.people.org[person]),
        "modified_at": moment_text(at, 690),
    }


def _duplicates(world: World) -> None:
    """A second archive beside an active one: in another district, in the same one, or on the same day."""
    people = world.people
    first, last = story_window(world)
    for kind, is_cross in (("dup_cross_district", True), ("dup_same_district", False)):
        person = members(world, kind)
        org = other_org(world, kind, people.org[person], is_cross)
        created = away_from_year_end(draw_days(world, kind, len(person), first, last), first)
        copy = add_copies(world, person, org, created, created=created)
        note_copies(world, "A1-2-2", "DUP_CREATE", person, copy)
        note_managers(world, person, org, created)
        _note_double(world, person)
    twice = members(world, "dup_same_day")
    org = other_org(world, "dup_same_day", people.org[twice], False)
    copy = add_copies(world, twice, org, people.created[twice], created=people.created[twice])
    note_copies(world, "A1-2-2", "DUP_SAME_DAY", twice, twice)
    note_copies(world, "A1-2-2", "DUP_SAME_DAY", twice, copy)
    _note_double(world, twice)


def _note_double(world: World, person: Whole) -> None:
    note_persons(world, "ART-1a", "DUP_ACTIVE_ARCHIVE", person)
    note_persons(world, "ART-1b", "DUAL_MANAGEMENT", person)

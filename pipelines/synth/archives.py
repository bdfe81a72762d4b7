"""The archive dataset: copies in the units, their versions over time, the identity block of other rows.

Not here: why a version arises (newborns.py, moves.py, endings.py, flaws.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipelines.synth.clock import Dates, Whole, moment_text, plus
from pipelines.synth.identity import rank_within
from pipelines.synth.world import World, masked

#: Columns that later versions of an archive may change; a null in a version keeps the value before it.
OVERRIDES: dict[str, Any] = {
    "declared_status_code": pl.String,
    "id_type_code": pl.String,
    "id_no": pl.String,
    "birth_certificate_no": pl.String,
    "mother_id_no": pl.String,
    "previous_id_no": pl.String,
    "name": pl.String,
    "sex_code": pl.String,
    "birth_date": pl.Date,
    "phone": pl.String,
    "registered_address": pl.String,
    "manage_org_code": pl.String,
    "manage_from_date": pl.Date,
    "doctor_id": pl.String,
    "modified_by_org_code": pl.String,
    "modified_at": pl.Datetime("us"),
    "basic_info_verified_at": pl.Datetime("us"),
}
#: What a version writes to take the value of a text column away.
ERASED = ""
#: Archive numbers of a village below this one belong to the first archives of its residents.
_FIRST_NEW_NUMBER = 70_000
_COVER_GAPS = ("registered_address", "village_name", "creator_id", "doctor_id", "phone", "placeholder")
_BASIC_GAPS = ("past_history_codes", "family_history_codes")
COVER_GAP_SHARE = 0.05
BASIC_GAP_SHARE = 0.03


def archive_ids(world: World, copies: Whole) -> pl.Series:
    """District archive ids of copies: every unit counts its stock from 1, as its own system does.

    In a city of several slices each counts in its own part of the numbers.
    """
    total = len(world.people) + world.next_copy
    if len(world.archive_ids) < total:
        world.archive_ids = pl.concat([world.archive_ids, _new_archive_ids(world, total)])
    return world.archive_ids.gather(np.asarray(copies, dtype=np.int64))


def _new_archive_ids(world: World, total: int) -> pl.Series:
    """Archive ids of the copies that have none yet, up to `total`."""
    people = world.people
    copy = np.arange(len(world.archive_ids), total)
    stock = int((~people.is_newborn).sum())
    starts = np.searchsorted(people.unit[:stock], np.arange(len(world.places.units)))
    own, further = copy[copy < stock], copy[copy >= stock]
    first = world.share.share(10**8)[0]
    # Parts of a divided district count apart and may not share a number.
    marks = np.array([code[6:] for code in world.places.units])[people.unit[own]]
    serials = ((own - starts[people.unit[own]] + 1, "A", marks), (further, "B", np.full(len(further), "")))
    return pl.concat(
        [
            letter + pl.Series("id", first + serial).cast(pl.String).str.zfill(8) + pl.Series(mark)
            for serial, letter, mark in serials
        ]
    )


def org_codes(world: World, orgs: Whole) -> pl.Series:
    """Institution codes of institution numbers."""
    return world.places.orgs["org_code"].gather(np.asarray(orgs, dtype=np.int64))


def doctors(orgs_code: pl.Series, numbers: Whole, per_org: int = 6) -> pl.Series:
    """Doctors' ids: a handful per institution."""
    return orgs_code + "D" + pl.Series(np.asarray(numbers) % per_org + 1).cast(pl.String)


def identity_block(world: World, person: Whole, copy: Whole | None) -> dict[str, Any]:
    """Block P of rows about persons: the sender's archive id, and the identity number where it is settled.

    Args:
        world: the city.
        person: positions.
        copy: archive copies in the sending unit, -1 or None where it has none.
    """
    people = world.people
    has_id = world.block_has_id[person]
    ids = people.id_no.gather(person)
    block: dict[str, Any] = {}
    if copy is None:
        block["district_archive_id"] = pl.Series([None] * len(person), dtype=pl.String)
    else:
        own = archive_ids(world, np.maximum(copy, 0))
        block["district_archive_id"] = masked(copy >= 0, own)
    block["id_type_code"] = masked(has_id, pl.Series(["01"] * len(person), dtype=pl.String))
    block["id_no"] = masked(has_id, ids)
    block["name"] = people.name.gather(person)
    block["birth_date"] = people.birth[person]
    return block


def add_copies(
    world: World,
    person: Whole,
    org: Whole,
    entered: Dates,
    from_copy: Whole | None = None,
    created: Dates | None = None,
) -> Whole:
    """Further archive copies of persons: moved in from `from_copy`, or created anew on `created`.

    Returns:
        Their copy numbers.
    """
    copies = world.new_copies(len(person))
    generator = world.random(f"copies{world.next_copy}")
    town = world.places.orgs["town"].to_numpy()[org]
    village_town = world.places.villages["town"].to_numpy()
    first_village = np.searchsorted(village_town, town)
    width = np.searchsorted(village_town, town, side="right") - first_village
    village = first_village + (generator.random(len(person)) * width).astype(np.int64)
    moved = from_copy is not None
    world.copies.append(
        pl.DataFrame(
            {
                "copy": copies,
                "person": person,
                "unit": world.places.org_unit[org],
                "org": org,
                "village": village,
                "house": generator.integers(1, 400, size=len(person)),
                "created": world.people.created[person] if moved else created,
                "entered": entered,
                "from_copy": from_copy if moved else np.full(len(person), -1),
                "create_org": world.people.org[person] if moved else org,
                "archive_no": _number_of(world, person, village, copies, moved),
            }
        )
    )
    return copies


def _number_of(world: World, person: Whole, village: Whole, copies: Whole, moved: bool) -> pl.Series:
    """Archive numbers: a moved archive keeps its number, a new one gets the next of the village."""
    people = world.people
    codes = world.places.villages["village_code"]
    if moved:
        first, width = world.share.share_of_units(_FIRST_NEW_NUMBER)
        serial = first + rank_within(people.village, np.arange(len(people)))[person] % width + 1
        return codes.gather(people.village[person]) + pl.Series(serial).cast(pl.String).str.zfill(5)
    first, width = world.share.share_of_units(99_999 - _FIRST_NEW_NUMBER)
    serial = _FIRST_NEW_NUMBER + first + (copies - len(people)) % width
    return codes.gather(village) + pl.Series(serial).cast(pl.String).str.zfill(5)


def first_copies(world: World) -> pl.DataFrame:
    """The first copy of every person with an archive."""
    people = world.people
    person = np.flatnonzero(people.has_archive)
    return pl.DataFrame(
        {
            "copy": person,
            "person": person,
            "unit": people.unit[person],
            "org": people.org[person],
            "village": people.village[person],
            "house": people.house[person],
            "created": people.created[person],
            "entered": people.created[person],
            "from_copy": np.full(len(person), -1),
            "create_org": people.org[person],
            "archive_no": _number_of(world, person, people.village[person], person, True),
        }
    )


def add_versions(world: World, copy: Whole, at: Dates, columns: dict[str, Any], seq: int = 1) -> None:
    """Later versions of archives: on `at` these columns take new values (null = unchanged)."""
    world.versions.append(pl.DataFrame({"copy": copy, "at": at, "seq": np.full(len(copy), seq), **columns}))


def change_phones(world: World) -> None:
    """Ordinary updates of basic information: some residents report a new number, which is no violation."""
    people = world.people
    generator = world.random("phone changes")
    plan = world.plan
    ordinary = (people.case == 0) & people.has_archive & ~people.is_newborn & (people.created < plan.first)
    ordinary &= world.cover_gap < 0
    person = np.flatnonzero(ordinary & (generator.random(len(people)) < 0.02 * plan.span / 365))
    at = plus(np.full(len(person), plan.first), generator.integers(1, plan.span, size=len(person)))
    moment = moment_text(at, generator.integers(9 * 60, 17 * 60, size=len(person)))
    add_versions(
        world,
        person,
        at,
        {
            "phone": world.new_phones(len(person)),
            "modified_by_org_code": org_codes(world, people.org[person]),
            "modified_at": moment,
            "basic_info_verified_at": moment,
        },
    )


def archive_rows(world: World) -> pl.DataFrame:
    """All versions of all copies as rows of the archive dataset with `_unit` and `_at`."""
    copies = pl.concat([first_copies(world), *world.copies], how="diagonal_relaxed")
    base = _base_rows(world, copies)
    schema = {"copy": pl.Int64, "at": pl.Date, "seq": pl.Int64, **OVERRIDES}
    births = copies.select("copy", at="entered", seq=pl.lit(0, dtype=pl.Int64))
    parts = [births, *world.versions]
    versions = pl.concat(
        [
            part.select(
                [
                    pl.col(name).cast(kind) if name in part.columns else pl.lit(None, dtype=kind).alias(name)
                    for name, kind in schema.items()
                ]
            )
            for part in parts
        ]
    ).sort("copy", "at", "seq", maintain_order=True)
    versions = versions.with_columns(pl.col(list(OVERRIDES)).forward_fill().over("copy"))
    delivery = np.searchsorted(world.days, versions["at"].to_numpy().astype("datetime64[D]"))
    versions = (
        versions.with_columns(_day=pl.Series(delivery))
        .unique(["copy", "_day"], keep="last", maintain_order=True)
        .rename({"at": "_at"})
    )
    joined = versions.join(base, on="copy", how="left", suffix="_base", maintain_order="left")
    whole = joined.with_columns(pl.coalesce(name, f"{name}_base").alias(name) for name in OVERRIDES)
    texts = [name for name, kind in OVERRIDES.items() if kind == pl.String]
    return whole.with_columns(pl.col(texts).replace(ERASED, None)).drop(
        [f"{name}_base" for name in OVERRIDES], "seq", "_day"
    )


def _base_rows(world: World, copies: pl.DataFrame) -> pl.DataFrame:
    """First-version values of every copy."""
    people, places = world.people, world.places
    copy = copies["copy"].to_numpy()
    person = copies["person"].to_numpy()
    org = copies["org"].to_numpy()
    village = copies["village"].to_numpy()
    created = copies["created"].to_numpy().astype("datetime64[D]")
    entered = copies["entered"].to_numpy().astype("datetime64[D]")
    moved = copies["from_copy"].to_numpy() >= 0
    size = len(copy)
    # One draw per person: a moved archive carries the same facts.
    generator = world.random("archive facts")
    draw = generator.integers(0, 2**31, size=(12, len(people)))[:, person]
    document = people.base_document[person]
    if world.without_certificate:
        document = np.where(np.isin(copy, np.concatenate(world.without_certificate)), "ID", document)
    town = places.villages["town"].to_numpy()[village]
    town_name = places.towns["town_name"].gather(town)
    district = pl.Series(np.array(places.unit_names)[copies["unit"].to_numpy()])
    village_name = places.villages["village_name"].gather(village)
    home = people.village[person]
    home_town = places.villages["town"].to_numpy()[home]
    house = copies["house"].cast(pl.String)
    registered = (
        "重庆市"
        + pl.Series(np.array(places.unit_names)[people.unit[person]])
        + places.towns["town_name"].gather(home_town)
        + places.villages["village_name"].gather(home)
        + pl.Series(people.house[person]).cast(pl.String)
        + "号"
    )
    org_code = org_codes(world, org)
    create_org_code = org_codes(world, copies["create_org"].to_numpy())
    doctor = doctors(org_code, draw[0])
    entered_at = moment_text(entered, 540 + draw[1] % 480)
    created_moment = moment_text(created, 540 + draw[1] % 480)
    adult = people.age_on(world.plan.last)[person] >= 18
    age = people.age_on(world.plan.first)[person]
    cover_gap, basic_gap = world.cover_gap[person], world.basic_gap[person]
    gap = {name: cover_gap == index for index, name in enumerate(_COVER_GAPS)}
    missing = {name: basic_gap == index for index, name in enumerate(_BASIC_GAPS)}
    mother = people.mother[person]
    has_mother = (mother >= 0) & world.names_mother[person]
    is_open = adult & (draw[2] % 100 < 45)
    return pl.DataFrame(
        {
            "copy": copy,
            "_unit": copies["unit"],
            "district_archive_id": archive_ids(world, copy),
            "archive_no": copies["archive_no"],
            "id_type_code": masked(document != "MO", pl.Series(np.where(document == "ID", "01", "11"))),
            "id_no": masked(document == "ID", people.id_no.gather(person)),
            "birth_certificate_no": masked(document == "BC", people.birth_certificate_no.gather(person)),
            "mother_id_no": masked(has_mother, people.id_no.gather(np.maximum(mother, 0))),
            "previous_id_no": pl.Series([None] * size, dtype=pl.String),
            "previous_district_archive_id": masked(
                moved, archive_ids(world, np.maximum(copies["from_copy"].to_numpy(), 0))
            ),
            "name": people.name.gather(person),
            "sex_code": pl.Series(people.sex[person]).cast(pl.String),
            "birth_date": people.birth[person],
            "ethnic_code": people.ethnic[person],
            "phone": masked(~gap["phone"], people.phone.gather(person)),
            "contact_name": people.contact_name.gather(person),
            "contact_phone": people.contact_phone.gather(person),
            "present_address": "重庆市" + district + town_name + village_name + house + "号",
            "registered_address": masked(
                ~gap["registered_address"],
                masked(~gap["placeholder"], registered).fill_null("不详"),
            ),
            "town_code": places.towns["town_code"].gather(town),
            "town_code_system": places.towns["code_system"].gather(town),
            "town_name": town_name,
            "village_code": places.villages["village_code"].gather(village),
            "village_name": masked(~gap["village_name"], village_name),
            "create_org_code": create_org_code,
            "creator_id": masked(~gap["creator_id"], doctors(create_org_code, draw[3])),
            "doctor_id": masked(~gap["doctor_id"], doctor),
            "manage_org_code": org_code,
            "manage_from_date": pl.Series(np.where(moved, entered, created)),
            "modified_by_org_code": org_code,
            "modified_at": entered_at,
            "created_date": created,
            "checked_at": moment_text(created, 500 + draw[1] % 30),
            "create_mode_code": np.array(list("112223345"))[draw[4] % 9],
            "created_via_code": ["1"] * size,
            "city_index_id": "CI" + pl.Series(world.person_numbers(person)).cast(pl.String).str.zfill(9),
            "indexed_at": created_moment,
            "residence_type_code": np.where(draw[5] % 100 < 78, "1", "2"),
            "residence_start_date": plus(created, -(200 + draw[5] % 2000)),
            "is_chosen_org": draw[6] % 10 == 0,
            "past_history_codes": masked(~missing["past_history_codes"], _history(world, person)),
            "family_history_codes": masked(
                ~missing["family_history_codes"], pl.Series(np.where(draw[7] % 5 == 0, "2", "1"))
            ),
            "allergy_codes": np.where(draw[7] % 37 == 0, "2", "1"),
            "exposure_codes": ["1"] * size,
            "disability_codes": np.where(draw[7] % 41 == 0, "4", "1"),
            "abo_code": np.array(list("1233245"))[draw[8] % 7],
            "rh_code": np.where(draw[8] % 3 == 0, "3", "2"),
            "education_code": np.where(
                age < 7, "90", np.array(["80", "70", "70", "60", "30", "20"])[draw[9] % 6]
            ),
            "marital_code": np.where(
                age < 22, "10", np.array(["20", "20", "20", "20", "30", "40", "10"])[draw[10] % 7]
            ),
            "payment_codes": np.where(draw[10] % 3 == 0, "1", "2"),
            "consent_status_code": ["1"] * size,
            "consent_date": created,
            "is_open": is_open,
            "open_date": np.where(is_open, plus(created, 10), np.datetime64("NaT", "D")),
            "open_subject_code": masked(is_open, pl.Series(["1"] * size)),
            "basic_info_verified_at": entered_at,
            "declared_status_code": ["MANAGED"] * size,
            "entered_at": entered_at,
            "uploaded_at": moment_text(entered, 1140 + draw[11] % 60),
        },
        strict=False,
    )


def _history(world: World, person: Whole) -> pl.Series:
    """Past illnesses on the form: 1 none, 2 hypertension, 3 diabetes."""
    htn, dm = world.is_htn[person], world.is_dm[person]
    return pl.Series(np.select([htn & dm, htn, dm], ["2|3", "2", "3"], default="1"))

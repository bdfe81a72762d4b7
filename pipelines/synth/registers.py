"""What others keep about residents: the city's index and death registry, reports, feedback, access, checks.

Not here: service forms and the population database (residents.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.synth.archives import archive_ids, doctors, identity_block, org_codes
from pipelines.synth.cases import members
from pipelines.synth.clock import FAR, Dates, Whole, day, days_between, moment_text, plus
from pipelines.synth.forms import choose, quarter_ends, same
from pipelines.synth.places import REFORM_DATE
from pipelines.synth.reform import archive_ids_on
from pipelines.synth.territory import CITY_UNIT
from pipelines.synth.world import World, masked

_REPORTS_PER_YEAR = 0.004
_FEEDBACK_PER_YEAR = 0.01
_ACCESS_PER_YEAR = 0.05
_CHECKED_PER_YEAR = 0.01
_DISEASES = {"J11": 0.7, "A38": 0.04, "B26": 0.04, "A03": 0.06, "B16": 0.1, "A37": 0.06}


def add_registers(world: World) -> None:
    """Everything of this module; needs the stories and services to be there."""
    _city_index(world)
    _death_registry(world)
    _infectious(world)
    _feedback(world)
    _access(world)
    _sample_checks(world)
    _unit_changes(world)
    _purged(world)


def _gathered(frames: list[pl.DataFrame], what: str, since: str) -> pl.DataFrame:
    """Columns person, `what` and `since` of frames that a small city may not have at all."""
    nothing = pl.DataFrame(schema={"person": pl.Int64, what: pl.Int64, since: pl.Date})
    return pl.concat([nothing, *(frame.select("person", what, since) for frame in frames)])


def _city_index(world: World) -> None:
    """One row per archive holder at the city, sent again when manager, status or number changes."""
    people, places = world.people, world.places
    second = members(world, "dup_cross_district", "dup_same_district", "dup_same_day")
    holders = np.flatnonzero(people.has_archive)
    opened = people.created[holders]
    managers = _gathered(world.managers, "org", "manage_from").filter(
        ~pl.col("person").is_in(second.tolist())
    )
    moves = _gathered(world.moves, "copy", "move_from")
    status = pl.concat(world.status).with_row_index("line")
    upgrades = world.facts["upgrades"].filter(pl.col("upgraded").is_not_null())
    changes = [
        (holders, opened),
        *(
            (frame["person"].to_numpy(), frame[name].to_numpy().astype("datetime64[D]"))
            for frame, name in (
                (managers, "manage_from"),
                (moves, "move_from"),
                (status, "status_from"),
                (upgrades, "upgraded"),
            )
        ),
    ]
    # The index goes over to the successors with the archives.
    followers = holders[places.is_reformed[people.unit[holders]]]
    changes.append((followers, np.full(len(followers), REFORM_DATE)))
    for number, date in enumerate(world.days):
        since = world.days[number - 1] if number else day("1900-01-01")
        touched = np.unique(np.concatenate([who[(at > since) & (at <= date)] for who, at in changes]))
        touched = touched[people.created[touched] <= date].astype(np.int64)
        if not len(touched):
            continue
        org = people.org.copy()
        known = managers.filter(pl.col("manage_from") <= pl.lit(date)).sort("person", "manage_from")
        known = known.unique("person", keep="last", maintain_order=True)
        org[known["person"].to_numpy()] = known["org"].to_numpy()
        copy = np.arange(len(people))
        gone = moves.filter(pl.col("move_from") <= pl.lit(date)).sort("person", "move_from")
        gone = gone.unique("person", keep="last", maintain_order=True)
        copy[gone["person"].to_numpy()] = gone["copy"].to_numpy()
        code = np.full(len(people), "MANAGED", dtype="<U9")
        told = status.filter(pl.col("status_from") <= pl.lit(date)).sort("person", "status_from", "line")
        told = told.unique("person", keep="last", maintain_order=True)
        code[told["person"].to_numpy()] = told["status_code"].to_numpy().astype("<U9")
        numbered = world.block_has_id.copy()
        upgraded = upgrades.filter(pl.col("upgraded") <= pl.lit(date))["person"].to_numpy()
        numbered[upgraded] = True
        unit = np.where(copy[touched] < len(people), people.unit[touched], world.unit_of_copy(copy[touched]))
        world.deliver(
            "city_index",
            np.full(len(touched), CITY_UNIT),
            np.full(len(touched), date),
            {
                "city_index_id": "CI" + pl.Series(world.person_numbers(touched)).cast(pl.String).str.zfill(9),
                "unit": np.array(places.codes_on(date))[unit],
                "district_archive_id": archive_ids_on(
                    world, unit, archive_ids(world, copy[touched]), np.full(len(touched), date)
                ),
                "id_no": masked(numbered[touched], people.id_no.gather(touched)),
                "manage_org_code": org_codes(world, org[touched]),
                "status_code": code[touched],
                "filed_at": moment_text(np.full(len(touched), date), 1100),
            },
        )


def _death_registry(world: World) -> None:
    """Deaths as the registry has them within days; those the district has yet to learn of come later."""
    people, last = world.people, world.plan.last
    person = np.flatnonzero(~np.isnat(people.death) & people.has_archive)
    waiting = members(world, "dead_running", "death_overdue")
    person = np.setdiff1d(person, waiting)
    size = len(person)
    generator = world.random("death registry")
    registered = plus(people.death[person], generator.integers(1, 20, size=size))
    told = registered <= last
    person, registered = person[told], registered[told]
    size = len(person)
    world.deliver(
        "death_registry",
        np.full(size, CITY_UNIT),
        registered,
        {
            "registry_id": world.new_ids("DR", size),
            **identity_block(world, person, None),
            "id_type_code": ["01"] * size,
            "id_no": people.id_no.gather(person),
            "sex_code": pl.Series(people.sex[person]).cast(pl.String),
            "death_date": people.death[person],
            "cause_icd10": choose(generator, size, {"I25.9": 0.4, "I63.9": 0.3, "C34.9": 0.2, "J44.9": 0.1}),
            "death_place_code": choose(generator, size, {"1": 0.25, "3": 0.7, "4": 0.05}),
            "org_code": org_codes(world, people.org[person]),
            "registered_at": moment_text(registered, 660),
        },
    )


def _ordinary(world: World, topic: str, per_year: float) -> tuple[Whole, Dates]:
    """Ordinary archive holders and days of the period on which something happens to them."""
    people, plan = world.people, world.plan
    generator = world.random(topic)
    pool = np.flatnonzero(people.has_archive & (people.case == 0) & (people.stay_to == FAR))
    wanted = max(4, round(len(pool) * per_year * plan.span / 365))
    person = np.sort(generator.choice(pool, size=min(wanted, len(pool)), replace=False))
    at = plus(np.full(len(person), plan.first), generator.integers(1, plan.span, size=len(person)))
    # A week after the archive at the earliest: before that nobody could have asked for it.
    fits = (at > plus(people.created[person], 7)) & (people.birth[person] < at)
    return person[fits], at[fits]


def _infectious(world: World) -> None:
    """Report cards, mostly within the legal day."""
    person, at = _ordinary(world, "infectious", _REPORTS_PER_YEAR)
    people, size = world.people, len(person)
    generator = world.random("report cards")
    late = generator.random(size) < 0.03
    hospital = world.places.hospital_of_unit[people.unit[person]]
    diagnosed = generator.integers(9 * 60, 17 * 60, size=size)
    code = org_codes(world, hospital)
    world.deliver(
        "infectious_report",
        people.unit[person],
        plus(at, np.where(late, 3, 1)),
        {
            "report_id": world.new_ids("IR", size),
            **identity_block(world, person, None),
            "district_archive_id": archive_ids(world, person),
            "org_code": code,
            "reporter_id": doctors(code, person),
            "disease_code": choose(generator, size, _DISEASES),
            "onset_date": plus(at, -generator.integers(0, 4, size=size)),
            "diagnosed_at": moment_text(at, diagnosed),
            "registered_at": moment_text(at, diagnosed + 20),
            "reported_at": moment_text(plus(at, np.where(late, 2, 0)), diagnosed + 45),
            "case_class_code": choose(generator, size, {"2": 0.4, "3": 0.6}),
        },
    )


def _feedback(world: World) -> None:
    """Words of residents: own corrections, service, and leads about people without an archive."""
    person, at = _ordinary(world, "feedback", _FEEDBACK_PER_YEAR)
    people, size = world.people, len(person)
    generator = world.random("feedback kinds")
    kind = choose(generator, size, {"1": 0.6, "2": 0.1, "3": 0.3})
    closed = plus(at, generator.integers(1, 20, size=size))
    is_closed = (closed <= world.plan.last) & (generator.random(size) < 0.93)
    for is_answered, day_of in ((False, at), (True, closed)):
        chosen = np.flatnonzero(is_closed) if is_answered else np.flatnonzero(~is_closed)
        who = person[chosen]
        world.deliver(
            "resident_feedback",
            people.unit[who],
            quarter_ends(world, day_of[chosen]),
            {
                "feedback_id": "FB" + pl.Series(world.person_numbers(who)).cast(pl.String).str.zfill(9),
                **identity_block(world, who, who),
                "kind_code": kind[chosen],
                "field_name": masked(kind[chosen] == "1", ["phone"] * len(chosen)),
                "org_code": org_codes(world, people.org[who]),
                "received_at": moment_text(at[chosen], 600),
                "closed_at": moment_text(closed[chosen], 900)
                if is_answered
                else pl.Series([None] * len(chosen), dtype=pl.Datetime("us")),
            },
        )


def _access(world: World) -> None:
    """Readings of archives, all with an authorisation or in an emergency."""
    person, at = _ordinary(world, "access", _ACCESS_PER_YEAR)
    people, size = world.people, len(person)
    generator = world.random("access purposes")
    purpose = choose(generator, size, {"1": 0.55, "2": 0.44, "3": 0.01})
    ids = world.new_ids("AC", size)
    world.deliver(
        "access_log",
        people.unit[person],
        quarter_ends(world, at),
        {
            "access_id": ids,
            **identity_block(world, person, person),
            "user_id": doctors(org_codes(world, people.org[person]), person),
            "org_code": org_codes(world, people.org[person]),
            "accessed_at": moment_text(at, generator.integers(500, 1050, size=size)),
            "purpose_code": purpose,
            "authorisation_id": masked(purpose != "3", "AU" + ids),
        },
    )


def _sample_checks(world: World) -> None:
    """Archives drawn for a check by people."""
    person, at = _ordinary(world, "sample checks", _CHECKED_PER_YEAR)
    people, size = world.people, len(person)
    generator = world.random("check verdicts")
    world.deliver(
        "sample_check",
        people.unit[person],
        quarter_ends(world, at),
        {
            "check_id": world.new_ids("SC", size),
            **identity_block(world, person, person),
            "org_code": org_codes(world, people.org[person]),
            "kind_code": choose(generator, size, {"1": 0.5, "2": 0.5}),
            "checked_date": at,
            **same(size, checker_id="CHECKER1"),
            "verdict_code": choose(generator, size, {"1": 0.95, "2": 0.05}),
        },
    )


def _unit_changes(world: World) -> None:
    """Residents who asked for another institution on the day before their archive followed."""
    people = world.people
    moved = _gathered(world.managers, "org", "manage_from").filter(
        pl.col("person").is_in(members(world, "cross_transfer", "intra_transfer").tolist())
    )
    person = moved["person"].to_numpy().astype(np.int64)
    at = moved["manage_from"].to_numpy().astype("datetime64[D]")
    told = (at <= world.plan.last) & (at > plus(world.plan.first, 3))
    person, at, org = person[told], at[told], moved["org"].to_numpy()[told]
    size = len(person)
    asked = plus(at, -1)
    copy = np.where(world.places.org_unit[org] == people.unit[person], person, -1)
    world.deliver(
        "service_unit_change",
        world.places.org_unit[org],
        quarter_ends(world, at),
        {
            "change_id": world.new_ids("CU", size),
            **identity_block(world, person, copy),
            "from_org_code": org_codes(world, people.org[person]),
            "to_org_code": org_codes(world, org),
            "requested_at": moment_text(asked, 700),
        },
    )


def _purged(world: World) -> None:
    """Archives of people long gone that were destroyed after their fifteen years, two in every unit."""
    units = np.repeat(np.arange(len(world.places.units)), 2)
    size = len(units)
    generator = world.random("purged")
    archived = plus(np.full(size, day("2009-04-01")), generator.integers(0, 150, size=size))
    room = int(days_between(world.plan.first, world.plan.last))
    purged = plus(np.full(size, world.plan.first), generator.integers(1, max(room, 2), size=size))
    world.deliver(
        "purge_record",
        units,
        quarter_ends(world, purged),
        {
            "purge_id": world.new_ids("PG", size),
            "district_archive_id": world.new_ids("Z", size),
            "archived_at": moment_text(archived, 600),
            "purged_at": moment_text(purged, 600),
            **same(size, approver_id="ADMIN01"),
        },
    )

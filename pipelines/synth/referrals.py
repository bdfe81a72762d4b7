"""Between institutions: referrals to the district hospital and back, consultations, links of remote services.

Not here: ordinary visits (care.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipelines.synth.archives import identity_block, org_codes
from pipelines.synth.clock import Whole, moment_text, plus
from pipelines.synth.forms import choose, deliver_form, placed, quarter_ends, same
from pipelines.synth.places import REFORM_DATE
from pipelines.synth.world import World

_REFERRED_SHARE = 0.012
_CONSULTED_SHARE = 0.002
_LINKED_SHARE = 0.85


def add_hospital_contacts(world: World, stays: pl.DataFrame) -> None:
    """Referrals and consultations that follow ordinary visits, and the links of remote follow-ups."""
    visits = pl.concat(world.served)
    person = visits["person"].to_numpy().astype(np.int64)
    at = visits["at"].to_numpy().astype("datetime64[D]")
    draws = world.random("referred").random((2, len(person)))
    _referrals(
        world, placed(world, stays, person[draws[0] < _REFERRED_SHARE], at[draws[0] < _REFERRED_SHARE])
    )
    some = draws[1] < _CONSULTED_SHARE
    _consultations(world, placed(world, stays, person[some], at[some]))
    _links(world)


def _referrals(world: World, who: tuple[Any, ...]) -> None:
    person, _, org, at = who
    size = len(person)
    generator = world.random("referrals")
    hospital = world.places.hospital_of_unit[world.places.org_unit[org]]
    went = generator.random(size) < 0.85
    deliver_form(
        world,
        "referral",
        "Z",
        who,
        {
            **same(size, direction_code="1", to_department="内科", impression_text="血压控制不满意"),
            "to_org_code": org_codes(world, hospital),
            **same(size, diagnosis_icd10="I10", reason_text="需进一步检查", history_text="既往体健"),
            "accepted_date": np.where(
                went, plus(at, generator.integers(0, 5, size)), np.datetime64("NaT", "D")
            ),
            "outcome_code": np.where(went, "1", "2"),
        },
        is_free=False,
    )
    back = went & (generator.random(size) < 0.6)
    returned = tuple(column[back] for column in (person, who[1], org, plus(at, 12)))
    returned = placed_again(world, returned)
    number = len(returned[0])
    deliver_form(
        world,
        "referral",
        "Z",
        returned,
        {
            **same(number, direction_code="2", impression_text="高血压", treatment_text="调整用药后血压平稳"),
            "to_org_code": org_codes(world, returned[2]),
            **same(number, diagnosis_icd10="I10", reason_text="病情稳定", next_step_text="社区继续随访"),
            **same(number, outcome_code="1"),
        },
        is_free=False,
    )


def placed_again(world: World, who: tuple[Any, ...]) -> tuple[Any, ...]:
    """Services of a later day for those who still live there and within the period."""
    people = world.people
    person, at = who[0], who[3]
    still = (at <= world.plan.last) & (people.case[person] == 0)
    return tuple(column[still] for column in who)


def _consultations(world: World, who: tuple[Any, ...]) -> None:
    size = len(who[0])
    hospital = world.places.hospital_of_unit[world.places.org_unit[who[2]]]
    deliver_form(
        world,
        "consultation",
        "Y",
        who,
        {
            **same(size, reason_text="用药方案会诊"),
            "opinion_text": choose(
                world.random("consultations"), size, {"调整降压药物": 0.6, "完善检查后复诊": 0.4}
            ),
            "invited_org_codes": org_codes(world, hospital),
            "invited_doctor_ids": org_codes(world, hospital) + "D1",
        },
        is_free=False,
    )


def _links(world: World) -> None:
    """The managing unit links what another district has done for its residents."""
    parts = [frame.filter("is_remote") for frame in world.followups.values()]
    remote = pl.concat([frame.select("record_id", "dataset", "person", "org", "entered") for frame in parts])
    generator = world.random("remote links")
    remote = remote.filter(pl.Series(generator.random(remote.height) < _LINKED_SHARE))
    person: Whole = remote["person"].to_numpy().astype(np.int64)
    ordinary = world.people.case[person] == 0
    remote, person = remote.filter(pl.Series(ordinary)), person[ordinary]
    size = len(person)
    linked = plus(remote["entered"].to_numpy().astype("datetime64[D]"), generator.integers(1, 21, size=size))
    places = world.places
    host = places.org_unit[remote["org"].to_numpy()]
    sent = remote["entered"].to_numpy().astype("datetime64[D]")
    before, after = (
        np.array(codes)[host] for codes in (places.codes_on(world.plan.first), places.later_units)
    )
    world.deliver(
        "remote_link",
        world.people.unit[person],
        quarter_ends(world, linked),
        {
            "link_id": world.new_ids("LK", size),
            **identity_block(world, person, person),
            "serving_unit": np.where(sent < REFORM_DATE, before, after),
            "serving_dataset": remote["dataset"],
            "serving_record_id": remote["record_id"],
            "linked_at": moment_text(linked, 620),
            "read_at": moment_text(linked, 640),
        },
    )

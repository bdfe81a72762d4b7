"""Tuberculosis: the first visit within three days of the notice, monthly follow-ups, the end of treatment.

Not here: the register's first row (care.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.synth.archives import doctors, identity_block, org_codes
from pipelines.synth.clock import NEVER, Dates, Whole, plus
from pipelines.synth.forms import choose, deliver_form, placed, same
from pipelines.synth.world import World

TREATMENT_MONTHS = 6
_DOSES_PER_MONTH = 30


def add_tuberculosis(world: World, stays: pl.DataFrame) -> None:
    """Forms of the registered patients, from the notice of the hospital to the end of treatment."""
    register = world.facts["register TB"]
    person = register["person"].to_numpy().astype(np.int64)
    registered = register["registered"].to_numpy().astype("datetime64[D]")
    generator = world.random("tb")
    size = len(person)
    supervisor = choose(generator, size, {"1": 0.3, "2": 0.6, "3": 0.1})
    first = plus(registered, generator.integers(-1, 2, size=size))
    who = placed(world, stays, person, first)
    row = np.searchsorted(person, who[0])
    number = len(who[0])
    deliver_form(
        world,
        "tb_first_visit",
        "T",
        who,
        {
            "patient_type_code": choose(generator, number, {"1": 0.92, "2": 0.08}),
            "sputum_code": choose(generator, number, {"1": 0.45, "2": 0.5, "3": 0.05}),
            **same(number, drug_resistance_code="2", symptom_codes="1|2", regimen_text="2HRZE/4HR"),
            **same(number, dosing_code="1", drug_form_codes="1"),
            "supervisor_code": supervisor[row],
            **same(number, separate_room_flag=True, ventilation_code="1", smoking_per_day=0.0),
            **same(
                number, drinking_per_day=0.0, medication_pickup_place="结核病定点医院", record_card_code="1"
            ),
            **same(number, dosing_storage_code="1", course_code="1", irregular_code="1", adverse_code="1"),
            **same(number, sputum_check_code="1", travel_code="1", habit_code="1", contact_check_code="1"),
            "medication_pickup_date": registered[row],
            "next_visit_date": plus(who[3], 10),
        },
        mode="2",
    )
    missed = generator.integers(0, 8, size=size)
    for month in range(1, TREATMENT_MONTHS + 1):
        at = plus(registered, month * 30 + world.random(f"tb {month}").integers(0, 4, size=size))
        who = placed(world, stays, person, at)
        row = np.searchsorted(person, who[0])
        number = len(who[0])
        is_last = month == TREATMENT_MONTHS
        due = TREATMENT_MONTHS * _DOSES_PER_MONTH
        ending = (
            {
                "stopped_date": who[3],
                **same(number, stop_reason_code="1", visits_due=TREATMENT_MONTHS + 1, doses_due=due),
                **same(number, visits_made=TREATMENT_MONTHS + 1),
                "doses_taken": due - missed[row],
                "medication_rate_pct": np.round((due - missed[row]) / due * 100, 1),
            }
            if is_last
            else {"next_visit_date": plus(who[3], 30)}
        )
        deliver_form(
            world,
            "tb_followup",
            "T",
            who,
            {
                "treatment_month": [month] * number,
                "supervisor_code": supervisor[row],
                "symptom_codes": np.where(np.full(number, month <= 2), "1", "0"),
                **same(number, smoking_per_day=0.0, drinking_per_day=0.0, dosing_code="1"),
                "regimen_text": ["HRZE" if month <= 2 else "HR"] * number,
                **same(number, drug_form_codes="1", adverse_reaction_code="1", complication_code="1"),
                "missed_doses": np.minimum(missed[row], 2),
                **same(number, referral_flag=False, opinion_text="继续按疗程服药"),
                **ending,
            },
            mode=np.where(np.full(number, month % 2 == 0), "2", "1"),
        )
        if is_last:
            _close(world, who[0], who[3])


def _close(world: World, person: Whole, stopped: Dates) -> None:
    """The register's row again, with the end of the treatment."""
    register = world.facts["register TB"]
    row = np.searchsorted(register["person"].to_numpy(), person)
    ended = register[row.tolist()]
    code = org_codes(world, world.people.org[person])
    registered = ended["registered"].to_numpy().astype("datetime64[D]")
    told = stopped <= world.plan.last
    frame = pl.DataFrame(
        {
            "register_id": ended["register_id"],
            **identity_block(world, person, person),
            "org_code": code,
            "doctor_id": doctors(code, person),
            "disease_code": ["TB"] * len(person),
            "confirmed_date": ended["confirmed"],
            "registered_date": registered,
            "notified_date": plus(registered, -2),
            "at_home_flag": [True] * len(person),
            "end_date": np.where(told, stopped, NEVER),
            "end_reason_code": ["4"] * len(person),
            "_unit": world.people.unit[person],
            "_at": stopped,
        }
    ).filter(pl.Series(told))
    world.rows["chronic_register"].append(frame)

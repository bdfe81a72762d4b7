"""Severe mental disorders: the supplement form and follow-ups at the interval of each patient's class.

Not here: the register and the restricted list (care.py).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.synth.clock import Dates, Whole, add_months, days_between, plus
from pipelines.synth.forms import choose, deliver_form, history_start, placed, same
from pipelines.synth.world import World

_DIAGNOSES = (
    ("F20.9", "精神分裂症"),
    ("F25.9", "分裂情感性障碍"),
    ("F22.0", "偏执性精神病"),
    ("F31.9", "双相情感障碍"),
    ("F06.8", "癫痫所致精神障碍"),
    ("F72.1", "精神发育迟滞伴发精神障碍"),
)
#: Class → share of the patients and days to the next visit (1 unstable, 2 fairly stable, 3 stable).
_CLASSES = {"1": (0.06, 13), "2": (0.2, 29), "3": (0.74, 88)}


def add_mental_health(world: World, stays: pl.DataFrame) -> None:
    """Forms of the registered patients with severe mental disorders, all of them on the restricted list."""
    register = world.facts["register SMI"]
    person = register["person"].to_numpy().astype(np.int64)
    registered = register["registered"].to_numpy().astype("datetime64[D]")
    # The form goes with the registration; of old patients it was written again with the new system.
    at = np.maximum(registered, plus(history_start(world), 10))
    who = placed(world, stays, person, at)
    size = len(who[0])
    people = world.people
    generator = world.random("smi supplement")
    pick = generator.choice(6, size=size, p=[0.72, 0.03, 0.02, 0.1, 0.05, 0.08])
    onset = plus(registered[np.searchsorted(person, who[0])], -generator.integers(400, 7000, size=size))
    onset = np.maximum(onset, add_months(people.birth[who[0]], 120))
    guardian = np.where(people.spouse[who[0]] >= 0, people.spouse[who[0]], people.guardian[who[0]])
    others = people.contact_name.gather(who[0]), people.contact_phone.gather(who[0])
    deliver_form(
        world,
        "smi_supplement",
        "M",
        who,
        {
            "guardian_name": others[0],
            "guardian_relation_code": np.where(guardian >= 0, "1", "7"),
            "guardian_phone": others[1],
            **same(size, household_type_code="2", employment_code="4", consent_flag=True),
            "consent_date": who[3],
            "first_onset_date": onset,
            "past_symptom_codes": choose(generator, size, {"1|3": 0.5, "4": 0.2, "5|10": 0.2, "11": 0.1}),
            **same(size, past_lock_code="1"),
            "past_outpatient_code": choose(generator, size, {"2": 0.3, "3": 0.7}),
            "first_antipsychotic_date": plus(onset, 60),
            "past_hospitalization_count": generator.integers(0, 6, size=size),
            "diagnosis_icd10": np.array([code for code, _ in _DIAGNOSES])[pick],
            "diagnosis_text": np.array([text for _, text in _DIAGNOSES])[pick],
            **same(size, diagnosis_org_name="区县精神卫生中心"),
            "confirmed_date": plus(onset, 45),
            **same(size, last_effect_code="2", past_danger_codes="7", economy_code="2"),
            **same(size, minor_trouble_count=0, trouble_count=0, disaster_count=0, self_harm_count=0),
        },
        mode="2",
    )
    _followups(world, stays, person, np.maximum(registered, history_start(world)))


def _followups(world: World, stays: pl.DataFrame, person: Whole, start: Dates) -> None:
    generator = world.random("smi followups")
    shares = {code: share for code, (share, _) in _CLASSES.items()}
    code_of = choose(generator, len(person), shares)
    gap = np.array([_CLASSES[code][1] for code in "123"])[code_of.astype(int) - 1]
    most = int(days_between(history_start(world), world.plan.last)) // min(gap.min(initial=88), 88) + 1
    # Visit number v of a patient falls v intervals after the start, a few days early at most.
    number = np.arange(1, most + 1)
    days = number[None, :] * gap[:, None] - generator.integers(0, 3, size=(len(person), most))
    at = plus(start[:, None], days).ravel()
    patient = np.repeat(np.arange(len(person)), most)
    chosen = (generator.random(len(at)) < 0.94) & (at <= world.plan.last)
    who = placed(world, stays, person[patient[chosen]], at[chosen])
    size = len(who[0])
    code = code_of[np.searchsorted(person, who[0])]
    unstable = code == "1"
    deliver_form(
        world,
        "smi_followup",
        "M",
        who,
        {
            "danger_code": np.where(unstable, "3", np.where(code == "2", "1", "0")),
            "symptom_codes": np.where(unstable, "1|4", np.where(code == "2", "3", "12")),
            "insight_code": np.where(code == "3", "1", "2"),
            **same(size, sleep_code="1", appetite_code="1", self_living_code="1", housework_code="2"),
            **same(size, work_code="2", learning_code="2", social_code="2"),
            "danger_behaviour_codes": np.where(unstable, "1", "7"),
            "minor_trouble_count": np.where(unstable, 1, 0),
            **same(size, trouble_count=0, disaster_count=0, other_harm_count=0, self_harm_count=0),
            **same(size, suicide_attempt_count=0, lock_code="1", hospitalization_code="0"),
            **same(size, laboratory_code="1", adverse_reaction_code="1"),
            "compliance_code": np.where(unstable, "2", "1"),
            "effect_code": np.where(code == "3", "2", "3"),
            "class_code": code,
            "referral_flag": unstable,
            **same(size, medication_text="按医嘱服药", rehabilitation_codes="1"),
            "next_visit_date": plus(who[3], gap[np.searchsorted(person, who[0])]),
        },
        mode=np.where(world.random("smi modes").random(size) < 0.6, "2", "1"),
    )

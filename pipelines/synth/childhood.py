"""Childhood: the visit to the newborn, checks by age, traditional guidance, vaccinations by schedule.

Not here: children's documents (newborns.py) and pregnancies (maternal.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pipelines.synth.archives import org_codes
from pipelines.synth.clock import Whole, add_months, days_between, plus
from pipelines.synth.forms import choose, deliver_form, history_start, placed, same
from pipelines.synth.readings import reading
from pipelines.synth.services import where_measured
from pipelines.synth.world import World, masked

#: Months of the checks and the days within which they happen after the month is full.
CHECK_MONTHS = (1, 3, 6, 8, 12, 18, 24, 30, 36, 48, 60, 72)
TCM_MONTHS = (6, 12, 18, 24, 30, 36)
_CHECK_SHARE = 0.88
_TCM_SHARE = 0.8
#: Vaccine, dose, month: the national schedule in outline; doses at birth are given in the hospital.
_SCHEDULE = (
    ("BCG", 1, 0),
    ("HepB", 1, 0),
    ("HepB", 2, 1),
    ("HepB", 3, 6),
    ("IPV", 1, 2),
    ("IPV", 2, 3),
    ("bOPV", 3, 4),
    ("bOPV", 4, 48),
    ("DTaP", 1, 2),
    ("DTaP", 2, 4),
    ("DTaP", 3, 6),
    ("DTaP", 4, 18),
    ("DTaP", 5, 72),
    ("MMR", 1, 8),
    ("MMR", 2, 18),
    ("JE-L", 1, 8),
    ("JE-L", 2, 24),
    ("MPSV-A", 1, 6),
    ("MPSV-A", 2, 9),
    ("MPSV-AC", 1, 36),
    ("MPSV-AC", 2, 72),
    ("HepA-L", 1, 18),
)
_ORAL = ("bOPV",)
_GUIDANCE = {6: "1|2|3", 12: "1|2|3", 18: "1|2|4", 24: "1|2|4", 30: "1|2|5", 36: "1|2|5"}


def add_childhood(world: World, stays: pl.DataFrame) -> None:
    """Everything that is done for the children under seven."""
    _newborn_visits(world)
    _checks(world, stays)
    _vaccinations(world, stays)


def _newborn_visits(world: World) -> None:
    """The visit at home on the day the archive is opened, where that lies within a week of discharge."""
    people, last = world.people, world.plan.last
    child = np.flatnonzero(people.is_newborn & people.has_archive)
    generator = world.random("newborn visits")
    discharged = plus(people.birth[child], 3 + generator.integers(0, 3, size=len(child)))
    visited = people.created[child]
    early = (days_between(discharged, visited) >= 0) & (days_between(discharged, visited) <= 7)
    chosen = early & (visited <= last)
    child, discharged, visited = child[chosen], discharged[chosen], visited[chosen]
    mother = people.mother[child]
    father = people.spouse[mother]
    size = len(child)
    weight = np.round(reading(generator, 3200, 380, size).clip(1800, 4600))
    deliver_form(
        world,
        "newborn_visit",
        "B",
        (child, child, people.org[child], visited),
        {
            "sex_code": pl.Series(people.sex[child]).cast(pl.String),
            "mother_name": people.name.gather(mother),
            "mother_phone": people.phone.gather(mother),
            "mother_birth_date": people.birth[mother],
            "father_name": masked(father >= 0, people.name.gather(np.maximum(father, 0))),
            "father_phone": masked(father >= 0, people.phone.gather(np.maximum(father, 0))),
            "father_birth_date": np.where(
                father >= 0, people.birth[np.maximum(father, 0)], np.datetime64("NaT", "D")
            ),
            "gestation_weeks": generator.integers(37, 42, size=size),
            "gestation_days": generator.integers(0, 7, size=size),
            **same(size, maternal_disease_codes="1", delivery_org_name="区县妇幼保健院"),
            "discharge_date": discharged,
            "delivery_mode_codes": choose(generator, size, {"1": 0.55, "4": 0.45}),
            **same(size, asphyxia_code="1", apgar_1min_score=9, apgar_5min_score=10, malformation_code="1"),
            "hearing_screening_code": choose(generator, size, {"1": 0.94, "2": 0.03, "3": 0.03}),
            **same(size, disease_screening_codes="2"),
            "birth_weight_g": weight,
            "birth_length_cm": np.round(reading(generator, 50, 1.5, size), 1),
            "weight_kg": np.round(weight / 1000 + 0.2, 2),
            "feeding_code": choose(generator, size, {"1": 0.55, "2": 0.35, "3": 0.1}),
            **same(size, milk_ml_per_feed=60.0, feeds_per_day=9, vomiting_code="1", stool_code="1"),
            **same(size, stools_per_day=4, respiration_rpm=42.0, complexion_code="1"),
            "temperature_c": np.round(reading(generator, 36.7, 0.2, size), 1),
            "pulse_bpm": generator.integers(118, 150, size=size).astype(float),
            "jaundice_codes": choose(generator, size, {"1": 0.75, "2": 0.2, "3": 0.05}),
            **same(size, fontanelle_code="1", eye_code="1", limb_code="1", ear_code="1", neck_mass_code="1"),
            **same(size, nose_code="1", skin_codes="1", mouth_code="1", anus_code="1", heart_lung_code="1"),
            **same(size, chest_code="1", abdomen_code="1", spine_code="1", genital_code="1"),
            "umbilical_code": choose(generator, size, {"1": 0.4, "2": 0.6}),
            **same(size, referral_flag=False, guidance_codes="1|2|3|4"),
            "next_visit_date": add_months(people.birth[child], 1),
        },
        mode="2",
    )
    world.facts["newborn visits"] = pl.DataFrame({"person": child, "at": visited})


def _small_children(world: World) -> Whole:
    people = world.people
    oldest = add_months(history_start(world), -80)
    return np.flatnonzero(people.has_archive & (people.birth > oldest))


def _room(months: int) -> int:
    """Days after the full month within which a service of that age happens."""
    if months <= 8:
        return 12
    return 26 if months <= 30 else 80


def _checks(world: World, stays: pl.DataFrame) -> None:
    """Health checks at 1 to 72 months, and the traditional guidance that goes with six of them."""
    people = world.people
    child = _small_children(world)
    for months in CHECK_MONTHS:
        generator = world.random(f"child check {months}")
        size = len(child)
        at = plus(add_months(people.birth[child], months), generator.integers(0, _room(months), size=size))
        goes = generator.random(size) < _CHECK_SHARE
        who = placed(world, stays, child[goes], at[goes])
        _check_rows(world, months, who)
        if months in TCM_MONTHS:
            guided = world.random(f"tcm child {months}").random(len(who[0])) < _TCM_SHARE
            some = (who[0][guided], who[1][guided], who[2][guided], who[3][guided])
            number = int(guided.sum())
            deliver_form(
                world,
                "tcm_child",
                "K",
                some,
                {
                    **same(number, age_months=months, guidance_codes=_GUIDANCE[months]),
                    "next_visit_date": plus(some[3], 180),
                },
            )


def _check_rows(world: World, months: int, who: tuple[Any, ...]) -> None:
    person, _, _, at = who
    size = len(person)
    generator = world.random(f"child values {months}")
    boy = world.people.sex[person] == 1
    # Median growth in outline; the spread is about one standard deviation.
    weight = np.interp(
        months, [0, 1, 3, 6, 12, 24, 36, 48, 60, 72], [3.3, 4.5, 6.4, 8, 9.8, 12.4, 14.6, 16.6, 18.8, 21]
    )
    length = np.interp(
        months, [0, 1, 3, 6, 12, 24, 36, 48, 60, 72], [50, 54.5, 61, 67.5, 76, 87.5, 96, 103.5, 110.5, 117]
    )
    head = np.interp(months, [0, 1, 3, 6, 12, 24, 36, 72], [34.3, 37, 40.3, 43, 46, 48, 49.2, 51])
    infant, toddler = months <= 12, 12 < months <= 30
    everyone = np.ones(size, dtype=bool)
    blood = everyone & (months in (6, 8, 18, 30, 36, 48, 60, 72))
    eyes = everyone & (months >= 48)
    deliver_form(
        world,
        "child_check",
        "K",
        who,
        {
            "age_months": [months] * size,
            "weight_kg": np.round((weight + boy * 0.3) * reading(generator, 1, 0.08, size), 1),
            "weight_grade_code": choose(generator, size, {"1": 0.08, "2": 0.88, "3": 0.04}),
            "length_cm": np.round((length + boy * 0.8) + reading(generator, 0, 2.2, size), 1),
            "length_grade_code": choose(generator, size, {"1": 0.08, "2": 0.88, "3": 0.04}),
            "growth_codes": choose(generator, size, {"1": 0.93, "2": 0.02, "4": 0.02, "5": 0.03}),
            "head_circumference_cm": where_measured(
                everyone & (months <= 36), np.round(head + reading(generator, 0, 0.9, size), 1)
            ),
            **same(size, complexion_code="1", skin_code="1", eye_code="1", ear_code="1", mouth_code="1"),
            **same(size, chest_code="1", heart_lung_code="1", abdomen_code="1", limb_code="1"),
            "fontanelle_code": masked(everyone & (months <= 24), ["2" if months < 15 else "1"] * size),
            "umbilical_code": masked(everyone & (months <= 3), ["2"] * size),
            "hearing_code": masked(everyone & (months in (6, 12, 24, 36)), ["1"] * size),
            "vision_code": masked(eyes, choose(generator, size, {"1": 0.92, "2": 0.08})),
            "vision_left": where_measured(eyes, generator.choice([0.6, 0.8, 1.0], size=size)),
            "vision_right": where_measured(eyes, generator.choice([0.6, 0.8, 1.0], size=size)),
            "teeth_count": [min(max(months - 6, 0), 20)] * size,
            "caries_count": np.where(months >= 36, generator.integers(0, 4, size=size), 0),
            "gait_code": masked(everyone & toddler, ["1"] * size),
            "rickets_symptom_codes": masked(everyone & infant, ["1"] * size),
            "rickets_sign_codes": masked(everyone & infant, ["1"] * size),
            "hemoglobin": where_measured(blood, np.round(reading(generator, 118, 8, size).clip(85, 150))),
            "outdoor_hours_per_day": [2.0] * size,
            "vitamin_d_iu_per_day": where_measured(everyone & (months <= 24), np.full(size, 400.0)),
            "development_code": choose(generator, size, {"1": 0.97, "2": 0.03}),
            "illness_codes": choose(generator, size, {"1": 0.8, "3": 0.1, "5": 0.1}),
            **same(size, referral_flag=False, guidance_codes="1|3|4|5"),
            "next_visit_date": plus(at, 90 if months < 12 else 180),
        },
    )


def _vaccinations(world: World, stays: pl.DataFrame) -> None:
    """Doses by schedule; those of the day of birth in the maternity hospital of the district."""
    people, places = world.people, world.places
    child = _small_children(world)
    hospital = places.orgs.with_row_index("number").filter(pl.col("org_type_code") == "6").sort("unit")
    hospital_of = hospital["number"].to_numpy().astype(np.int64)
    for vaccine, dose, months in _SCHEDULE:
        generator = world.random(f"dose {vaccine} {dose}")
        size = len(child)
        goes = generator.random(size) < 0.93
        if months == 0:
            here = child[
                goes
                & (people.birth[child] >= history_start(world))
                & (people.birth[child] <= world.plan.last)
            ]
            who = (here, here, hospital_of[people.unit[here]], people.birth[here])
        else:
            room = 20 if months < 24 else 70
            at = plus(add_months(people.birth[child], months), generator.integers(0, room, size=size))
            who = placed(world, stays, child[goes], at[goes])
        number = len(who[0])
        is_oral = vaccine in _ORAL
        deliver_form(
            world,
            "vaccination",
            "I",
            who,
            {
                **same(number, vaccine_code=vaccine, dose_no=dose, manufacturer_name="合成生物制品厂"),
                "batch_no": org_codes(world, who[2]).str.slice(2, 6)
                + pl.Series(generator.integers(100, 999, size=number)).cast(pl.String),
                "site_code": np.where(is_oral, "5", choose(generator, number, {"1": 0.6, "2": 0.4})),
                "route_code": ["4" if is_oral else "1" if vaccine == "BCG" else "3"] * number,
                **same(number, adverse_event_code="1"),
            },
        )

"""Coherent lives: pregnancies and childhood in order, forms at their ages, registers of others, gaming."""

from __future__ import annotations

import polars as pl
import pytest

from pipelines.synth.clock import RULES_EFFECTIVE_FROM
from tests.synth.conftest import City


def dated(frame: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Text columns as dates."""
    return frame.with_columns(pl.col(name).str.slice(0, 10).str.to_date() for name in names)


def of_person(city: City, dataset: str) -> pl.DataFrame:
    """Current rows with unit and archive id as one key of the person in the unit."""
    return city.current(dataset).with_columns(who=pl.col("unit_") + pl.col("district_archive_id"))


def test_a_pregnancy_goes_from_booklet_to_birth_to_visit(clean_city: City) -> None:
    booked = dated(of_person(clean_city, "maternal_register"), "lmp_date", "booked_date", "delivery_date")
    assert (booked["booked_date"] > booked["lmp_date"]).all()
    born = booked.filter(pl.col("delivery_date").is_not_null())
    weeks = (born["delivery_date"] - born["lmp_date"]).dt.total_days() / 7
    assert weeks.is_between(37, 42).all()
    visits = dated(
        of_person(clean_city, "postpartum_visit"), "service_date", "discharge_date", "delivery_date"
    )
    assert (visits["service_date"] > visits["discharge_date"]).all()
    checks = dated(of_person(clean_city, "antenatal_followup"), "service_date").join(
        booked.select("who", "lmp_date", born="delivery_date"), on="who", how="inner"
    )
    assert checks.height > 50
    assert (checks["service_date"] > checks["lmp_date"]).all()
    assert checks.filter(pl.col("service_date") >= pl.col("born")).is_empty()
    told = (checks["service_date"] - checks["lmp_date"]).dt.total_days() // 7
    assert (told == checks["gestation_weeks"].cast(pl.Int64)).all()


def test_children_are_checked_at_the_age_that_the_form_names(clean_city: City) -> None:
    archive = of_person(clean_city, "archive").select("who", born=pl.col("birth_date").str.to_date())
    checks = dated(of_person(clean_city, "child_check"), "service_date").join(archive, on="who", how="inner")
    months = checks["age_months"].cast(pl.Int64)
    age = (checks["service_date"] - checks["born"]).dt.total_days() / 30.44
    assert checks.height > 300
    assert ((age - months) > -0.6).all()
    assert ((age - months) < 3.5).all()
    assert set(months) <= {1, 3, 6, 8, 12, 18, 24, 30, 36, 48, 60, 72}
    visits = dated(of_person(clean_city, "newborn_visit"), "service_date", "discharge_date")
    assert (visits["service_date"] - visits["discharge_date"]).dt.total_days().is_between(0, 7).all()


def test_doses_follow_each_other(clean_city: City) -> None:
    doses = dated(of_person(clean_city, "vaccination"), "service_date").with_columns(
        number=pl.col("dose_no").cast(pl.Int64)
    )
    pairs = doses.join(doses, on=["who", "vaccine_code"], suffix="_next").filter(
        pl.col("number_next") == pl.col("number") + 1
    )
    assert pairs.height > 100
    assert (pairs["service_date_next"] > pairs["service_date"]).all()


def test_constitutions_and_self_care_add_up(clean_city: City) -> None:
    care = clean_city.current("self_care_assessment")
    parts = ["feeding_score", "grooming_score", "dressing_score", "toileting_score", "mobility_score"]
    assert (
        care.select(pl.sum_horizontal(pl.col(parts).cast(pl.Int64))).to_series()
        == care["total_score"].cast(pl.Int64)
    ).all()
    form = clean_city.current("tcm_elderly")
    answers = [f"answer_{number:02d}" for number in (2, 3, 4, 14)]
    qi = form.select(pl.sum_horizontal(pl.col(answers).cast(pl.Int64))).to_series()
    assert (qi == form["qi_deficiency_score"].cast(pl.Int64)).all()
    assert form["constitution_codes"].null_count() < form.height / 2


def test_the_disturbed_are_on_the_restricted_list(flawed_city: City) -> None:
    listed = set(of_person(flawed_city, "restricted_list")["who"])
    assert set(of_person(flawed_city, "smi_followup")["who"]) <= listed
    assert set(of_person(flawed_city, "smi_supplement")["who"]) <= listed


def test_treatments_of_tuberculosis_end_in_the_register(flawed_city: City) -> None:
    ended = of_person(flawed_city, "tb_followup").filter(pl.col("stopped_date").is_not_null())
    register = of_person(flawed_city, "chronic_register").filter(pl.col("disease_code") == "TB")
    assert set(register.filter(pl.col("end_date").is_not_null())["who"]) == set(ended["who"])


@pytest.mark.parametrize("dataset", ["child_check", "tcm_elderly", "antenatal_followup", "smi_followup"])
def test_further_forms_are_entered_within_five_days(flawed_city: City, dataset: str) -> None:
    rows = dated(flawed_city.current(dataset), "service_date", "entered_at")
    rows = rows.filter(pl.col("service_date") > pl.lit(RULES_EFFECTIVE_FROM))
    assert (rows["entered_at"] - rows["service_date"]).dt.total_days().is_between(0, 5).all()


def test_the_citys_index_mirrors_the_archives(clean_city: City) -> None:
    index = clean_city.current("city_index")
    archive = clean_city.current("archive").rename({"unit_": "unit"})
    joined = index.join(archive, on=["unit", "district_archive_id"], how="left", suffix="_archive")
    assert joined["manage_org_code_archive"].null_count() == 0
    assert (joined["manage_org_code"] == joined["manage_org_code_archive"]).all()
    assert (joined["status_code"] == joined["declared_status_code"]).mean() > 0.99


def test_masses_of_terminations_fall_on_one_institution_and_month(flawed_city: City) -> None:
    line = flawed_city.planted("A1-6-2-3b", "MASS_TERMINATION").row(0, named=True)
    org, month = line["record_key"].split(":")
    ended = flawed_city.current("termination").filter(
        (pl.col("org_code") == org) & pl.col("declared_date").str.starts_with(month)
    )
    held = flawed_city.current("archive").filter(pl.col("create_org_code") == org)
    assert ended.height > 0.05 * held.height


def test_suspects_do_what_they_are_suspected_of(flawed_city: City, clean_city: City) -> None:
    suspects = {row["kind"]: row for row in flawed_city.truth("suspects").to_dicts()}
    followups = flawed_city.current("htn_followup").filter(pl.col("sbp").is_not_null())
    rounded = followups.with_columns(ends_in_0=pl.col("sbp").cast(pl.Float64) % 10 == 0)
    shares = dict(rounded.group_by("org_code").agg(pl.col("ends_in_0").mean()).rows())
    assert shares[suspects["digit_preference"]["org_code"]] > 0.9
    assert sorted(shares.values())[-2] < 0.4
    crowd = suspects["impossible_visits"]
    exams = flawed_city.current("health_exam").filter(pl.col("service_date") == crowd["day"])
    assert exams.filter(pl.col("doctor_id") == crowd["doctor_id"]).height > 20
    assert clean_city.truth("suspects").is_empty()

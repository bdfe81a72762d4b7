"""Histories written by others, told as rows of the delivery contract.

No expected figure is computed here; the packages' own measures and test_thirdparty.py do that.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from carebundle import generate_history

from tests.acceptance.city import Row, identity_number

DATA = Path(__file__).parent / "data"
LAST_DAY = date(2025, 12, 31)


def carebundle_histories(count: int = 500) -> list[dict[str, Any]]:
    """FHIR bundles of ``count`` hypertension histories, ages 35–85, last visit on 2025-12-31.

    The package draws an age and then a day of birth up to a year around it: a history whose patient is 34 on the
    last day is drawn again, because the indicator begins at 35.
    """
    histories: list[dict[str, Any]] = []
    for seed in itertools.count():
        bundle = json.loads(
            generate_history(
                profile="hypertension",
                seed=seed,
                sex="MF"[seed % 2],
                age_range=(35, 85),
                reference_date=LAST_DAY,
            ).model_dump_json(by_alias=True, exclude_none=True)
        )
        born = date.fromisoformat(next(_resources(bundle, "Patient"))["birthDate"])
        if born <= LAST_DAY.replace(year=LAST_DAY.year - 35):
            histories.append(bundle)
        if len(histories) == count:
            return histories
    raise AssertionError("unreachable: seeds do not end")


def _resources(bundle: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    return (entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind)


def _pressures(bundle: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    for observation in _resources(bundle, "Observation"):
        parts = {
            coding["code"]: component["valueQuantity"]["value"]
            for component in observation.get("component", [])
            for coding in component["code"]["coding"]
        }
        if {"8480-6", "8462-4"} <= parts.keys():
            yield observation["effectiveDateTime"][:10], parts["8480-6"], parts["8462-4"]


def _archive(unit: str, org: str, number: int, who: Row, created: str) -> Row:
    return {
        **who,
        "create_org_code": org,
        "manage_org_code": org,
        "created_date": created,
        "archive_no": f"{unit}001001{number:05d}",
        "declared_status_code": "MANAGED",
    }


def _who(unit: str, number: int, name: str, birth: date, sex: str) -> Row:
    serial = (number % 499) * 2 + (1 if sex == "1" else 2)
    return {
        "district_archive_id": f"{unit}-{number:05d}",
        "id_type_code": "01",
        "id_no": identity_number(birth, serial, f"51212{1 + number // 499}"),
        "name": name,
        "birth_date": birth.isoformat(),
    }


def _followup(number: int, visit: int, who: Row, org: str, day: str, sbp: float, dbp: float) -> Row:
    return {
        "record_id": f"F{number:05d}{visit:04d}",
        **who,
        "org_code": org,
        "service_date": day,
        "mode_code": "1",
        "entered_at": f"{day} 12:00:00",
        "sbp": sbp,
        "dbp": dbp,
    }


def carebundle_rows(bundles: list[dict[str, Any]], unit: str, org: str) -> dict[str, list[Row]]:
    """The bundles as one unit's archive, register and face-to-face follow-ups."""
    files: dict[str, list[Row]] = {"archive": [], "chronic_register": [], "htn_followup": []}
    for number, bundle in enumerate(bundles, start=1):
        patient = next(_resources(bundle, "Patient"))
        name = patient["name"][0]
        who = _who(
            unit,
            number,
            f"{name['family']} {name['given'][0]}",
            date.fromisoformat(patient["birthDate"]),
            {"male": "1", "female": "2"}[patient["gender"]],
        )
        files["archive"].append(_archive(unit, org, number, who, "2020-01-01"))
        files["chronic_register"].append(
            {
                "register_id": f"K{number:05d}",
                **who,
                "org_code": org,
                "disease_code": "HTN",
                "confirmed_date": "2020-01-01",
                "registered_date": "2020-01-01",
            }
        )
        for visit, (day, sbp, dbp) in enumerate(_pressures(bundle)):
            files["htn_followup"].append(_followup(number, visit, who, org, day, sbp, dbp))
    return files


def synthea_tables() -> tuple[list[Row], list[Row], list[Row]]:
    """Patients, observations and conditions as they are in the files."""
    return tuple(
        list(csv.DictReader((DATA / f"synthea_py_150_{name}.csv").open(encoding="utf-8")))
        for name in ("patients", "observations", "conditions")
    )  # type: ignore[return-value]


def synthea_rows(unit: str, org: str) -> dict[str, list[Row]]:
    """The 150 lives as one unit's archive, deaths, hypertension register and follow-ups."""
    patients, observations, conditions = synthea_tables()
    names: dict[str, list[Row]] = {
        dataset: [] for dataset in ("archive", "termination", "chronic_register", "htn_followup")
    }
    people: dict[str, Row] = {}
    for number, patient in enumerate(patients, start=1):
        birth = date.fromisoformat(patient["birth_date"])
        sex = {"male": "1", "female": "2"}[patient["gender"]]
        who = people[patient["id"]] = _who(unit, number, f"辛{patient['id']}", birth, sex)
        names["archive"].append(_archive(unit, org, number, who, patient["birth_date"]))
        if patient["death_date"]:
            names["termination"].append(
                {
                    "termination_id": f"E{number:05d}",
                    **who,
                    "org_code": org,
                    "kind_code": "DEAD",
                    "death_date": patient["death_date"],
                    "info_received_date": patient["death_date"],
                    "entered_at": f"{patient['death_date']} 12:00:00",
                    "cause_text": "不详",
                }
            )
    for number, row in enumerate(conditions):
        if row["snomed"] == "59621000":
            names["chronic_register"].append(
                {
                    "register_id": f"K{number:05d}",
                    **people[row["id"]],
                    "org_code": org,
                    "disease_code": "HTN",
                    "confirmed_date": row["onset"],
                    "registered_date": row["onset"],
                }
            )
    readings: dict[tuple[str, str], dict[str, float]] = {}
    for row in observations:
        readings.setdefault((row["id"], row["date"]), {})[row["item"]] = float(row["value"])
    for number, ((patient_id, day), values) in enumerate(readings.items()):
        if {"sbp", "dbp"} <= values.keys():
            who = people[patient_id]
            names["htn_followup"].append(_followup(number, 0, who, org, day, values["sbp"], values["dbp"]))
    return names

"""The stories behind the counts: residents of 500230 (disease, elderly) and 500229 (identity).

Expected figures stand in test_numbers.py and test_identity.py.
"""

from __future__ import annotations

from datetime import date

from tests.acceptance.city import D2, City, D, E, identity_number

# HTN patients of institution D in 2025: name → (birth, follow-ups (day, mode, sbp, dbp), exam day)
QUARTERS = ("2025-02-10", "2025-05-10", "2025-08-10", "2025-11-10")
HYPERTENSION = {
    "controlled": ("1970-01-01", [(day, "1", 139, 89) for day in QUARTERS], "2025-06-01"),
    "systolic 140": ("1970-01-01", [(day, "1", 140, 89) for day in QUARTERS], "2025-06-01"),
    "diastolic 90": ("1970-01-01", [(day, "2", 139, 90) for day in QUARTERS], "2025-06-01"),
    "149/89 on the 65th birthday": ("1960-11-10", [(day, "1", 149, 89) for day in QUARTERS], None),
    "149/89 the day before 65": ("1960-11-11", [(day, "1", 149, 89) for day in QUARTERS], None),
    "one of four by telephone": (
        "1970-01-01",
        [(day, "3" if day == QUARTERS[3] else "1", 130, 80) for day in QUARTERS],
        "2025-06-01",
    ),
    "never followed up": ("1970-01-01", [], None),
    "last one without value": (
        "1970-01-01",
        [*[(day, "1", 130, 80) for day in QUARTERS[:3]], (QUARTERS[3], "1", None, None)],
        "2025-06-01",
    ),
    "under 35": ("2000-01-01", [(day, "1", 130, 80) for day in QUARTERS], "2025-06-01"),
}
DIABETES = {
    "fasting 6.9": [("2025-11-10", 6.9, None)],
    "fasting 7.0": [("2025-11-10", 7.0, None)],
    "only random": [("2025-11-10", None, 6.0)],
    "two on one day": [("2025-11-10", 6.5, None), ("2025-11-10", 7.5, None)],
}


def tell_disease(city: City) -> None:
    """Patients of 500230: institution D has hypertension, D2 diabetes and the elderly."""
    for name, (born, visits, exam) in HYPERTENSION.items():
        who = city.person(f"HTN {name}", born)
        city.archive(who, D)
        city.patient(who, "HTN", D)
        for day, mode, sbp, dbp in visits:
            city.service(who, "htn_followup", day, D, mode_code=mode, sbp=sbp, dbp=dbp)
        if exam:
            city.exam(who, exam, D)
    for name, readings in DIABETES.items():
        who = city.person(f"DM {name}", "1970-01-01")
        city.archive(who, D2)
        city.patient(who, "T2DM", D2)
        for number, (day, fasting, random) in enumerate(readings):
            city.service(who, "dm_followup", day, D2, fasting_glucose_mmol=fasting, random_glucose_mmol=random,
                         entered_at=f"{day} 1{number}:00:00")  # fmt: skip
    for name, born, exam in (
        ("65 on 31 December, examined", "1960-12-31", {"elderly": True}),
        ("65 on 1 January, examined", "1961-01-01", {"elderly": True}),
        ("exam without ECG", "1950-01-01", {"elderly": True, "ecg_code": None}),
        ("no exam", "1950-01-01", None),
    ):
        who = city.person(f"ELD {name}", born)
        city.archive(who, D2)
        if exam is not None:
            city.exam(who, "2025-04-01", D2, **exam)


def tell_identity(city: City) -> None:
    """Residents of 500229 whose documents are the story."""
    send = lambda row, day=None: city.send("500229", "archive", row, day)  # noqa: E731
    mother = city.person("ID mother", "1995-03-03")
    city.archive(mother, E)

    def child(case: str, born: str, **over: object) -> dict:
        who = city.person(case, born, "1")
        row = city.archive(who, E, created_date=born, manage_from_date=born, residence_start_date=born)
        return row | {"id_no": None, "id_type_code": None} | over

    def replace(row: dict) -> dict:
        rows = city.sent["500229", city.last_day]["archive"]
        rows[:] = [kept for kept in rows if kept["district_archive_id"] != row["district_archive_id"]]
        return row

    # A newborn on a birth certificate that gets its number under the same archive id: one person, two aliases.
    row = replace(child("ID upgraded", "2025-06-01"))
    send({**row, "birth_certificate_no": "P500000001", "id_type_code": "11"}, "2025-07-31")
    upgraded = identity_number(date(2025, 6, 1), 111)
    send({**row, "id_no": upgraded, "id_type_code": "01", "previous_id_no": "P500000001"})
    # The same newborn in the old 15-figure form elsewhere is the same person: lower-case, full-width and padded.
    adult = city.person("ID awkward writing", "1950-01-31", "1")
    padded = "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in adult.id_no[:6] + adult.id_no[8:17])
    city.archive(adult, E, id_no=f" {padded} ")
    city.service(adult, "encounter", "2026-05-05", E, encounter_type_code="1", district_archive_id="")
    # Twins of one mother: different names, one delivery → two persons.
    for twin in ("程小一", "程小二"):
        row = replace(child(f"ID twin {twin}", "2026-05-01"))
        send({**row, "mother_id_no": mother.id_no, "name": twin})
    # Same mother, same day, same name → review, not one person.
    for copy in (1, 2):
        row = replace(child(f"ID same name {copy}", "2026-04-01"))
        send({**row, "mother_id_no": mother.id_no, "name": "程同名"})
    # A child filed under its mother's number.
    row = replace(child("ID under mother's number", "2025-12-01"))
    send({**row, "id_no": mother.id_no, "id_type_code": "01"})
    # A wrong check character: accepted, class C, never merged.
    wrong = city.person("ID wrong check", "1970-07-07")
    bad = wrong.id_no[:17] + ("0" if wrong.id_no[17] != "0" else "1")
    city.archive(wrong, E, id_no=bad)
    # One number in four archives under two names is a dummy; nobody is merged by it.
    dummy = identity_number(date(1980, 1, 1), 888)
    for copy in range(4):
        who = city.person(f"ID dummy {copy}", "1980-01-01")
        city.archive(who, E, id_no=dummy, name=f"程冒{'甲乙'[copy % 2]}")

"""A small city told in plain rows: who lives there, what happened, and when it was sent.

No expectations live here (test_casebook.py has them), and nothing of the pipeline is imported.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

Row = dict[str, Any]
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

# Orgs of the casebook: code → (name, type, district). Two per district, so that moves inside one exist.
ORGS = {
    "5001160001": ("德感卫生院", "3", "500116"),
    "5001160002": ("几江社区卫生服务中心", "1", "500116"),
    "5001030001": ("七星岗社区卫生服务中心", "1", "500103"),
    "5001030002": ("解放碑社区卫生服务中心", "1", "500103"),
    "5002360001": ("永安卫生院", "3", "500236"),
    # Two districts apart for counting: chronic disease and elderly; identity.
    "5002300001": ("三合卫生院", "3", "500230"),
    "5002300002": ("名山社区卫生服务中心", "1", "500230"),
    "5002290001": ("葛城卫生院", "3", "500229"),
    # Two districts in which everything happens twice at once.
    "5002310001": ("桂溪卫生院", "3", "500231"),
    "5002310002": ("澄溪卫生院", "3", "500231"),
    "5002330001": ("忠州社区卫生服务中心", "1", "500233"),
}
A, A2, B, B2, C, D, D2, E, F, F2, G = ORGS

# Orgs of the reform of 2026 as the city's list has them, none of it brought up to date: code → (name, type,
# district, town, code system of the town). 500109108 is 静观 for civil affairs and 施家梁 for the statistics bureau.
REFORM_ORGS = {
    "5001050001": ("观音桥社区卫生服务中心", "1", "500105", "500105006", "NBS"),
    "5001120001": ("龙溪社区卫生服务中心", "1", "500112", "500112003", "MCA"),
    "5001120002": ("统景镇卫生院", "3", "500112", "500112121", "MCA"),
    "5001090001": ("水土街道社区卫生服务中心", "1", "500109", "500109008", "MCA"),
    "5001090002": ("静观镇卫生院", "3", "500109", "500109108", "MCA"),
    "5001320001": ("人和街道社区卫生服务中心", "1", "500132", "500132008", "HEALTH"),
}
GUANYINQIAO, LONGXI, TONGJING, SHUITU, JINGGUAN, RENHE = REFORM_ORGS
DALING = "5001570001"
"""A new code from 2026 on, first described by the new district."""

DISTRICT = {code: facts[2] for code, facts in [*ORGS.items(), *REFORM_ORGS.items()]} | {DALING: "500157"}


def identity_number(birth: date, serial: int, county: str = "512121") -> str:
    """A never-issued number with its right check character (GB 11643-1999)."""
    body = f"{county}{birth:%Y%m%d}{serial:03d}"
    remainder = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True)) % 11
    return body + "10X98765432"[remainder]


def days(start: str, count: int) -> str:
    """The day ``count`` days after ``start``."""
    return (date.fromisoformat(start) + timedelta(days=count)).isoformat()


@dataclass(frozen=True)
class Person:
    """One resident with the columns of block P."""

    number: int
    name: str
    birth: date
    sex: str
    id_no: str

    def who(self, unit: str) -> Row:
        """Block P as the unit writes it."""
        return {
            "district_archive_id": self.archive_id(unit),
            "id_type_code": "01",
            "id_no": self.id_no,
            "name": self.name,
            "birth_date": self.birth.isoformat(),
        }

    def archive_id(self, unit: str) -> str:
        """The unit's own archive id of this person."""
        return f"{unit}-{self.number:05d}"


@dataclass
class City:
    """Collects rows and hands them out as deliveries: (unit, day) → dataset → rows."""

    last_day: str = "2026-06-30"
    sent: dict[tuple[str, str], dict[str, list[Row]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    persons: dict[str, Person] = field(default_factory=dict)
    records: int = 0

    def person(self, case: str, born: str = "1970-05-05", sex: str = "2") -> Person:
        """A new resident, remembered under the name of the case."""
        number = len(self.persons) + 1
        birth = date.fromisoformat(born)
        serial = 100 + (number % 400) * 2 + (1 if sex == "1" else 0)
        given = "春夏秋冬梅兰竹菊江河湖海"
        name = "程" + given[number % 12] + given[(number // 12) % 12]
        who = Person(number, name, birth, sex, identity_number(birth, serial, f"51212{1 + number // 400}"))
        self.persons[case] = who
        return who

    def send(self, unit: str, dataset: str, row: Row, day: str | None = None) -> Row:
        """Add one row to the delivery of ``unit`` on ``day`` (default: the last day)."""
        self.sent[unit, day or self.last_day][dataset].append(row)
        return row

    def record_id(self) -> str:
        """A fresh record id."""
        self.records += 1
        return f"R{self.records:06d}"

    def archive(
        self, who: Person, org: str = A, day: str | None = None, unit: str | None = None, **over: Any
    ) -> Row:
        """A complete cover and basic information, created 2024-12-01 unless told otherwise."""
        unit = unit or DISTRICT[org]
        row: Row = {
            **who.who(unit),
            "archive_no": f"{unit}001101{who.number:05d}",
            "sex_code": who.sex,
            "ethnic_code": "01",
            "phone": f"1000000{who.number:04d}",
            "contact_name": "程联系",
            "contact_phone": f"1000001{who.number:04d}",
            "present_address": f"幸福路{who.number}号",
            "registered_address": f"幸福路{who.number}号",
            "town_code": f"{unit}001",
            "town_code_system": "HEALTH",
            "town_name": "一街道",
            "village_code": f"{unit}001001",
            "village_name": "一社区",
            "create_org_code": org,
            "creator_id": "D1",
            "doctor_id": "D1",
            "manage_org_code": org,
            "created_date": "2024-12-01",
            "manage_from_date": "2024-12-01",
            "create_mode_code": "1",
            "residence_type_code": "1",
            "residence_start_date": "2020-01-01",
            "past_history_codes": "1",
            "family_history_codes": "1",
            "allergy_codes": "1",
            "exposure_codes": "1",
            "disability_codes": "1",
            "abo_code": "1",
            "rh_code": "2",
            "education_code": "70",
            "occupation_code": "5",
            "marital_code": "20",
            "payment_codes": "2",
            "declared_status_code": "MANAGED",
        }
        row.update(over)
        return self.send(unit, "archive", row, day)

    def service(
        self,
        who: Person,
        dataset: str,
        on: str,
        org: str = A,
        day: str | None = None,
        unit: str | None = None,
        **over: Any,
    ) -> Row:
        """One service record, entered on the day itself unless told otherwise."""
        unit = unit or DISTRICT[org]
        row: Row = {
            "record_id": self.record_id(),
            **who.who(unit),
            "org_code": org,
            "doctor_id": "D1",
            "service_date": on,
            "mode_code": "1",
            "capture_code": "E",
            "entered_at": f"{on} 17:00:00",
        }
        row.update(over)
        return self.send(unit, dataset, row, day)

    def transfer(
        self,
        who: Person,
        applied: str,
        origin: str = A,
        target: str = B,
        *,
        decided: str | None = None,
        success: str | None = None,
        day: str | None = None,
        **over: Any,
    ) -> Row:
        """A transfer started by the target (so the origin decides), agreed when ``decided`` is given."""
        row: Row = {
            "transfer_id": f"T{self.record_id()}",
            **who.who(DISTRICT[target]),
            "from_org_code": origin,
            "to_org_code": target,
            "initiator_code": "1",
            "path_code": "1" if DISTRICT[origin] != DISTRICT[target] else "2",
            "applied_at": f"{applied} 09:00:00",
            "confirm_mode_code": "1",
            "reason_code": "2",
            "confirmed_by_code": "1",
        }
        if decided:
            row |= {"decided_at": f"{decided} 10:00:00", "decision_code": "1"}
        if success:
            row |= {"filed_at": f"{success} 11:00:00", "manager_changed_at": f"{success} 11:00:00"}
        row.update(over)
        return self.send(DISTRICT[target], "transfer", row, day)

    def moved(
        self, who: Person, applied: str, success: str, origin: str = A, target: str = B, **over: Any
    ) -> Row:
        """A completed cross-district transfer with both sides' archives in order."""
        unit = DISTRICT[target]
        row = self.transfer(who, applied, origin, target, decided=applied, success=success, **over)
        known = self.sent[unit, self.last_day]["archive"]
        if not any(r["district_archive_id"] == who.archive_id(unit) for r in known):
            self.archive(who, target, create_org_code=origin, manage_from_date=success)
        return row

    def termination(self, who: Person, kind: str, org: str = A, day: str | None = None, **over: Any) -> Row:
        """A termination record; its dates are the case's own."""
        row: Row = {
            "termination_id": f"E{self.record_id()}",
            **who.who(DISTRICT[org]),
            "org_code": org,
            "kind_code": kind,
        }
        row.update(over)
        return self.send(DISTRICT[org], "termination", row, day)

    def attempts(self, who: Person, on: str, org: str = A, outcome: str = "2", targets: str = "123") -> None:
        """One contact attempt per target (1 self, 2 contact person, 3 present address)."""
        for target in targets:
            self.send(DISTRICT[org], "contact_attempt", {
                "attempt_id": f"C{self.record_id()}", **who.who(DISTRICT[org]), "org_code": org,
                "purpose_code": "1", "channel_code": "2" if target == "3" else "1", "target_code": target,
                "attempted_at": f"{on} 10:00:00", "outcome_code": outcome,
            })  # fmt: skip

    def patient(
        self, who: Person, disease: str = "HTN", org: str = A, since: str = "2024-12-01", **over: Any
    ) -> Row:
        """An entry in the register of a chronic disease."""
        row: Row = {
            "register_id": f"K{self.record_id()}",
            **who.who(DISTRICT[org]),
            "org_code": org,
            "disease_code": disease,
            "confirmed_date": since,
            "registered_date": since,
        }
        row.update(over)
        return self.send(DISTRICT[org], "chronic_register", row)

    def exam(self, who: Person, on: str, org: str = A, *, elderly: bool = False, **over: Any) -> Row:
        """A complete health exam; ``elderly`` adds what contract.md asks of persons of 65 or over."""
        row: Row = {"height_cm": 160, "weight_kg": 60, "waist_cm": 80, "temperature_c": 36.5, "pulse_bpm": 72,
                    "respiration_rpm": 16, "sbp_left": 128, "dbp_left": 78, "evaluation_code": "1",
                    "guidance_codes": "2"}  # fmt: skip
        if elderly:
            row |= {"self_care_code": "1", "cognition_code": "1", "emotion_code": "1", "hemoglobin": 130, "wbc": 6,
                    "platelet": 200, "urine_protein_code": "1", "fasting_glucose_mmol": 5.4, "alt": 20, "ast": 20,
                    "total_bilirubin": 12, "creatinine": 70, "urea": 5, "total_cholesterol": 4.5,
                    "triglyceride": 1.2, "ldl": 2.5, "hdl": 1.3, "ecg_code": "1",
                    "abdominal_ultrasound_code": "1"}  # fmt: skip
        return self.service(who, "health_exam", on, org, **(row | over))

    def reform_reference(self) -> None:
        """The institutions of the reform: described once in 2015, and one new code."""
        for code, (name, kind, district, town, system) in REFORM_ORGS.items():
            self.send("500000", "org", {
                "org_code": code, "valid_from": "2015-01-01", "org_name": name, "org_type_code": kind,
                "is_designated": "1", "district_code": district, "town_code": town,
                "town_code_system": system})  # fmt: skip
        self.send("500157", "org", {
            "org_code": DALING, "valid_from": "2026-01-01", "org_name": "两江新区大岭社区卫生服务中心",
            "org_type_code": "1", "is_designated": "1", "district_code": "500157"})  # fmt: skip

    def reference(self) -> None:
        """What the city platform sends: orgs and population."""
        for code, (name, kind, district) in ORGS.items():
            self.send(
                "500000",
                "org",
                {
                    "org_code": code,
                    "valid_from": "2015-01-01",
                    "org_name": name,
                    "org_type_code": kind,
                    "is_designated": "1",
                    "district_code": district,
                },
            )
        for year in (2025, 2026):
            for district, total, old in (
                ("500116", 1000, 200),
                ("500103", 500, 100),
                ("500236", 400, 120),
                ("500230", 40, 8),
            ):
                for age_from, age_to, count in ((0, 64, total - old), (65, 999, old)):
                    self.send("500000", "population", {
                        "year": year, "area_code": district, "age_from": age_from, "age_to": age_to,
                        "sex_code": "0", "source_code": "1", "resident_count": count})  # fmt: skip

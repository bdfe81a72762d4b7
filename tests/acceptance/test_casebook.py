"""The regulation told in cases: rows in, verdicts out, through the whole job and its published marts.

How rows are written as files lives in tests/deliveries.py; the city's vocabulary in city.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.acceptance.city import A2, A, B, C, City, Person, Row, days

PASS, FAIL, NE, NA = "PASS", "FAIL", "NOT_EVALUABLE", "NOT_APPLICABLE"


@dataclass(frozen=True)
class Case:
    """One verdict: which record of which dataset, under which rule, and why."""

    name: str
    tell: Callable[[City, Person], tuple[str, str, str] | None]
    rule: str
    outcome: str
    reason: str | None = None


CASES: list[Case] = []


def case(rule: str, outcome: str, reason: str | None = None, *, name: str | None = None):
    """Register the decorated story under its rule and expected outcome."""

    def register(tell: Callable[[City, Person], tuple[str, str, str]]) -> Callable:
        CASES.append(Case(name or tell.__name__, tell, rule, outcome, reason))
        return tell

    return register


def subject(dataset: str, row: Row, unit: str = "*") -> tuple[str, str, str]:
    """Dataset, scope and key of the record a verdict is about."""
    key = {"transfer": "transfer_id", "termination": "termination_id", "reactivation": "reactivation_id",
           "archive": "district_archive_id"}.get(dataset, "record_id")  # fmt: skip
    return dataset, unit, row[key]


# --- A1-4-3-1a: the managing institution decides within 7 natural days -------------------------------------
def _decided(applied: str, after: int) -> Callable[[City, Person], tuple[str, str, str]]:
    def tell(city: City, who: Person) -> tuple[str, str, str]:
        city.archive(who, A)
        decided = days(applied, after)
        return subject(
            "transfer", city.moved(who, applied, days(decided, 1), decided_at=f"{decided} 23:59:00")
        )

    return tell


CASES += [
    Case("decided on the application day", _decided("2026-01-01", 0), "A1-4-3-1a", PASS),
    Case("decided on day 7", _decided("2026-01-01", 7), "A1-4-3-1a", PASS),
    Case("decided on day 8", _decided("2026-01-01", 8), "A1-4-3-1a", FAIL),
    Case("applied before the regulation", _decided("2024-11-14", 9), "A1-4-3-1a", NA, "PRE_RULE"),
]


@case("A1-4-3-1a", NA, "PENDING")
def undecided_for_seven_days(city, who):
    city.archive(who, A)
    return subject("transfer", city.transfer(who, days(city.last_day, -7)))


@case("A1-4-3-1a", FAIL, "OVERDUE")
def undecided_for_eight_days(city, who):
    city.archive(who, A)
    return subject("transfer", city.transfer(who, days(city.last_day, -8)))


@case("A1-4-3-1a", PASS)
def refused_within_seven_days_is_timely(city, who):
    city.archive(who, A)
    row = city.transfer(
        who, "2026-01-01", decided="2026-01-03", decision_code="2", refuse_reason="未达成协议"
    )
    return subject("transfer", row)


@case("A1-4-3-1a", NA)
def withdrawn_on_day_seven(city, who):
    city.archive(who, A)
    return subject("transfer", city.transfer(who, "2026-01-01", decided="2026-01-08", decision_code="3"))


def _archive_still_to_come(city, who):
    city.archive(who, A)
    return subject("transfer", city.transfer(who, "2026-03-02", decided="2026-03-03", success="2026-03-04"))


# twice on one day: a target that has not sent its own archive yet must not stop the city
CASES += [
    Case(f"the target's archive is still to come, {which}", _archive_still_to_come, "A1-4-3-1a", PASS)
    for which in ("once", "and again")
]


@case("A1-4-3-1a", FAIL)
def withdrawn_on_day_eight(city, who):
    city.archive(who, A)
    return subject("transfer", city.transfer(who, "2026-01-01", decided="2026-01-09", decision_code="3"))


@case("A1-4-3-1a", NA)
def within_one_district_the_district_decides_itself(city, who):
    city.archive(who, A)
    row = city.transfer(who, "2026-01-01", A, A2, decided="2026-02-20", success="2026-02-21")
    return subject("transfer", row)


@case("A1-4-3-1a", NA)
def archived_archives_need_no_confirmation(city, who):
    city.archive(who, A, declared_status_code="MOVED_OUT")
    city.termination(who, "MOVED_OUT", declared_date="2025-03-01", evidence_code="2", departed_date="2025-02-01",
                     destination_code="510100", return_expected_code="1", archived_at="2025-03-02 09:00",
                     filed_at="2025-03-02 09:00")  # fmt: skip
    return subject("transfer", city.moved(who, "2026-01-01", "2026-01-20", path_code="3"))


# --- A1-4-3-6: 180 days of protection after a cross-district success ---------------------------------------
def _again(gap: int, first: str = "2025-01-10", first_path: str = "1", second_path: str = "1"):
    def tell(city: City, who: Person) -> tuple[str, str, str]:
        city.archive(who, A)
        city.moved(who, days(first, -2), first, A, B, path_code=first_path)
        second = days(first, gap)
        return subject("transfer", city.moved(who, days(second, -1), second, B, C, path_code=second_path))

    return tell


CASES += [
    Case("moved again after 179 days", _again(179), "A1-4-3-6", FAIL),
    Case("moved again after 180 days", _again(180), "A1-4-3-6", PASS),
    Case("moved again after 181 days", _again(181), "A1-4-3-6", PASS),
    Case("a success before the regulation starts no period", _again(60, "2024-11-14"), "A1-4-3-6", PASS),
    Case("archived-direct starts a period", _again(100, first_path="3"), "A1-4-3-6", FAIL),
    Case("archived-direct is never blocked", _again(100, second_path="3"), "A1-4-3-6", NA),
]


# --- A1-4-3-8a: the origin no longer edits what it gave away -----------------------------------------------
def _origin_edit(after: int):
    def tell(city: City, who: Person) -> tuple[str, str, str]:
        success = "2026-02-10"
        city.archive(who, A, day="2026-01-31")
        row = city.moved(who, "2026-02-09", success)
        edited = days(success, after)
        city.archive(who, A, declared_status_code="TRANSFERRED_OUT", phone="10000099999",
                     modified_by_org_code=A, modified_at=f"{edited} 08:00:00")  # fmt: skip
        return subject("transfer", row)

    return tell


CASES += [
    Case("origin edits on the day of success", _origin_edit(0), "A1-4-3-8a", PASS),
    Case("origin edits the day after", _origin_edit(1), "A1-4-3-8a", FAIL),
]


@case("A1-4-3-8a", FAIL, "ORIGIN_STILL_ACTIVE")
def origin_keeps_counting_the_archive(city, who):
    city.archive(who, A)
    return subject("transfer", city.moved(who, "2026-02-09", "2026-02-10"))


# --- A1-6-1-1: lost = more than one year without service or successful contact, all channels tried ---------
def _lost(
    declared: str, *, tried: str | None = "2026-01-05", targets: str = "123", success: str | None = None
):
    def tell(city: City, who: Person) -> tuple[str, str, str]:
        city.archive(who, A, declared_status_code="LOST")
        city.service(who, "encounter", "2025-01-10", encounter_type_code="1")
        if tried:
            city.attempts(who, tried, targets=targets)
        if success:
            city.attempts(who, success, outcome="1", targets="1")
        row = city.termination(
            who,
            "LOST",
            declared_date=declared,
            archived_at=f"{declared} 12:00",
            filed_at=f"{declared} 12:00",
            entered_at=f"{declared} 12:00",
        )
        return subject("termination", row, "500116")

    return tell


CASES += [
    Case("lost on the day one year is reached", _lost("2026-01-10"), "A1-6-1-1", FAIL, "PREMATURE_LOST"),
    Case("lost one day later", _lost("2026-01-11"), "A1-6-1-1", PASS),
    Case("lost without an attempt", _lost("2026-03-01", tried=None), "A1-6-1-1", FAIL),
    Case("one old success does not bar it", _lost("2026-06-01", success="2025-02-01", tried="2026-05-01"), "A1-6-1-1", PASS),
    Case("a success within the year bars it", _lost("2026-03-01", success="2025-08-01"), "A1-6-1-1", FAIL),
    Case("a channel left untried", _lost("2026-03-01", targets="1"), "A1-6-1-1", FAIL),
    Case("premature lost is a careless termination", _lost("2026-01-10"), "A1-6-2-3", FAIL, "PREMATURE_LOST"),
]  # fmt: skip


@case("A1-6-1-1", NE)
def lost_where_no_contact_feed_exists(city, who):
    city.archive(who, C, declared_status_code="LOST")
    city.service(who, "encounter", "2025-01-10", C, encounter_type_code="1")
    row = city.termination(who, "LOST", C, declared_date="2026-03-01", entered_at="2026-03-01 12:00")
    return subject("termination", row, "500236")


# --- A1-6-1-2a: a death is entered within one month of the news --------------------------------------------
def _dead(received: str | None, entered: str | None, death: str = "2025-01-20", **over: str):
    def tell(city: City, who: Person) -> tuple[str, str, str]:
        city.archive(who, A)
        row = {"info_received_date": received, "entered_at": entered and f"{entered} 09:00:00",
               "death_date": death, "cause_text": "冠心病", "cause_icd10": "I25.1", "evidence_code": "1"}  # fmt: skip
        return subject("termination", city.termination(who, "DEAD", **(row | over)), "500116")

    return tell


CASES += [
    Case("news on 31 January, entered on 28 February", _dead("2025-01-31", "2025-02-28"), "A1-6-1-2a", PASS),
    Case("news on 31 January, entered on 1 March", _dead("2025-01-31", "2025-03-01"), "A1-6-1-2a", FAIL),
    Case("the day of the news is not recorded", _dead(None, "2025-03-01"), "A1-6-1-2a", NE),
    Case("death after the news is an error, not a verdict", _dead("2025-01-10", "2025-01-15"), "A1-6-1-2a", NE),
    Case("a death without date and cause", _dead("2025-01-31", "2025-02-01", death="", cause_text="", cause_icd10=""),
         "A1-6-2-3", FAIL),
]  # fmt: skip


@case("A1-6-1-2b", FAIL)
def served_after_death(city, who):
    city.archive(who, A)
    city.termination(who, "DEAD", info_received_date="2025-05-02", death_date="2025-05-01",
                     cause_text="脑卒中", cause_icd10="I64", entered_at="2025-05-03 09:00")  # fmt: skip
    return subject("htn_followup", city.service(who, "htn_followup", "2025-05-02", sbp=130, dbp=80), "500116")


@case("A1-6-1-2b", PASS)
def served_on_the_day_of_death(city, who):
    city.archive(who, A)
    city.termination(who, "DEAD", info_received_date="2025-05-02", death_date="2025-05-01",
                     cause_text="脑卒中", cause_icd10="I64", entered_at="2025-05-03 09:00")  # fmt: skip
    return subject("htn_followup", city.service(who, "htn_followup", "2025-05-01", sbp=130, dbp=80), "500116")


# --- A1-6-1-3: moved out needs self or contact person, a destination outside, a year or no return ----------
def _moved_out(outcome: str, **over: str) -> Case:
    def tell(city: City, who: Person) -> tuple[str, str, str]:
        city.archive(who, A, declared_status_code="MOVED_OUT")
        row = {"declared_date": "2025-06-01", "info_received_date": "2025-05-20", "evidence_code": "2",
               "departed_date": "2025-05-01", "destination_code": "510100", "return_expected_code": "1",
               "entered_at": "2025-06-01 09:00"}  # fmt: skip
        return subject("termination", city.termination(who, "MOVED_OUT", **(row | over)), "500116")

    return Case(
        "moved out " + (",".join(f"{k}={v}" for k, v in over.items()) or "by the book"),
        tell,
        "A1-6-1-3",
        outcome,
    )


CASES += [
    _moved_out(PASS),
    _moved_out(PASS, evidence_code="3"),
    _moved_out(FAIL, evidence_code="9"),
    _moved_out(FAIL, destination_code=""),
    _moved_out(FAIL, destination_code="500103"),
    _moved_out(FAIL, return_expected_code="2"),
    _moved_out(FAIL, return_expected_code="", departed_date="2024-06-02"),
    _moved_out(PASS, return_expected_code="", departed_date="2024-06-01"),
]


# --- A1-6-2-2: contact, service and filing bring an archive back -------------------------------------------
def _back(outcome: str, name: str, *, served: str | None = "2026-02-10", filed: str | None = "2026-02-11",
          kind: str = "MOVED_OUT") -> Case:  # fmt: skip
    def tell(city: City, who: Person) -> tuple[str, str, str]:
        city.archive(who, A)
        city.termination(who, kind, declared_date="2025-06-01", evidence_code="2", departed_date="2025-05-01",
                         destination_code="510100", return_expected_code="1", entered_at="2025-06-01 09:00",
                         info_received_date="2025-05-20", death_date="2025-05-10" if kind == "DEAD" else "",
                         cause_text="车祸" if kind == "DEAD" else "", archived_at="2025-06-02 09:00",
                         filed_at="2025-06-02 09:00")  # fmt: skip
        record = (
            city.service(who, "encounter", served, encounter_type_code="1")["record_id"] if served else ""
        )
        row = city.send("500116", "reactivation", {
            "reactivation_id": f"X{city.record_id()}", **who.who("500116"), "org_code": A,
            "contact_date": "2026-02-09", "service_record_id": record,
            "reactivated_at": "2026-02-10 12:00", "filed_at": filed and f"{filed} 12:00"})  # fmt: skip
        return subject("reactivation", row, "500116")

    return Case(name, tell, "A1-6-2-2", outcome)


CASES += [
    _back(PASS, "reached, served, filed"),
    _back(FAIL, "back without a service", served=None),
    _back(FAIL, "back without filing", filed=None),
    _back(FAIL, "nobody comes back from death", kind="DEAD"),
]


# --- A1-3-2: entered within five days of the end of the service --------------------------------------------
def _entered(after: int, dataset: str = "htn_followup", **over: str):
    def tell(city: City, who: Person) -> tuple[str, str, str]:
        city.archive(who, A)
        entered = f"{days('2026-03-10', after)} 08:00:00"
        return subject(
            dataset, city.service(who, dataset, "2026-03-10", entered_at=entered, **over), "500116"
        )

    return tell


CASES += [
    Case("entered on day 5", _entered(5), "A1-3-2", PASS),
    Case("entered on day 6", _entered(6), "A1-3-2", FAIL),
    Case("entered before the service", _entered(-1), "A1-3-2", NE, "ENTRY_BEFORE_SERVICE"),
    Case(
        "day 5 after the last day of a longer service",
        _entered(7, service_end_date="2026-03-12"),
        "A1-3-2",
        PASS,
    ),
    Case("clinic encounters are outside", _entered(9, "encounter", encounter_type_code="1"), "A1-3-2", NA),
]


# --- A1-3-1b: a saved service record changes only with an approval -----------------------------------------
def _edited(outcome: str, name: str, approved: str | None, modified: str = "2026-04-03 09:00") -> Case:
    def tell(city: City, who: Person) -> tuple[str, str, str]:
        city.archive(who, A)
        first = city.service(who, "htn_followup", "2026-03-10", day="2026-03-31", sbp=150, dbp=95)
        city.send("500116", "htn_followup", {**first, "sbp": 138})
        if approved:
            city.send("500116", "amendment", {
                "amendment_id": f"M{city.record_id()}", "dataset": "htn_followup", "record_id": first["record_id"],
                "is_deletion": "0", "approver_id": "BOSS", "approved_at": approved, "modified_at": modified,
                "modified_by_id": "D1", "reason": "录入错误"})  # fmt: skip
        return subject("htn_followup", first, "500116")

    return Case(name, tell, "A1-3-1b", outcome)


CASES += [
    _edited(FAIL, "edited without approval", None),
    _edited(PASS, "edited with approval", "2026-04-02 09:00"),
    _edited(FAIL, "approved after the edit", "2026-04-04 09:00"),
]


# --- A1-2-2: one resident, one archive ----------------------------------------------------------------------
@case("A1-2-2", FAIL, "DUP_CREATE")
def created_again_in_another_district(city, who):
    city.archive(who, A, created_date="2024-12-01")
    row = city.archive(who, B, created_date="2025-09-01", manage_from_date="2025-09-01")
    return subject("archive", row, "500103")


@case("A1-2-2", PASS)
def the_first_creator_is_not_to_blame(city, who):
    row = city.archive(who, A, created_date="2024-12-01")
    city.archive(who, B, created_date="2025-09-01", manage_from_date="2025-09-01")
    return subject("archive", row, "500116")


@case("A1-2-2", PASS)
def a_moved_archive_is_no_duplicate(city, who):
    city.archive(who, A, declared_status_code="TRANSFERRED_OUT")
    city.moved(who, "2026-02-09", "2026-02-10")
    return "archive", "500103", who.archive_id("500103")


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{c.rule}: {c.name}" for c in CASES])
def test_the_verdict_of(number: int, told) -> None:
    one = CASES[number]
    outcome, reason = told.verdict(one.rule, *told.subjects[number])
    assert outcome == one.outcome, f"{one.rule} {one.name}: {outcome} ({reason})"
    if one.reason:
        assert reason == one.reason

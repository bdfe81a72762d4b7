"""The truth is what was delivered: planted cases are where it says, and a clean city has none of them."""

from __future__ import annotations

import calendar
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from pipelines.contract import model
from pipelines.synth.catalogue import CASES
from tests.synth.conftest import City

_ENTRY_DATASETS = ("health_exam", "htn_followup", "dm_followup")


def day_of(text: str) -> date:
    """The date part of a delivered date or moment."""
    return datetime.fromisoformat(text).date()


def month_later(day: date) -> date:
    """Corresponding day of the next month, else its last day (Civil Code art. 202)."""
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def test_every_kind_is_planted_and_counted(flawed_city: City) -> None:
    counts = dict(flawed_city.truth("counts").select("kind", "planted_count").rows())
    for case in CASES:
        if case.kind == "id_lower_case":  # takes numbers that end in X
            continue
        assert int(counts[case.kind]) > 0, case.kind
    persons = flawed_city.truth("persons")
    lived = dict(persons["case"].value_counts().rows())
    for case in CASES:
        assert lived.get(case.kind, 0) == int(counts[case.kind]), case.kind


def test_lines_name_delivered_records(flawed_city: City) -> None:
    lines = flawed_city.truth("violations")
    # the month of an institution is no record
    for dataset in lines.filter(pl.col("dataset") != "termination_month")["dataset"].unique():
        table = "archive" if dataset == "person" else dataset
        part = lines.filter(pl.col("dataset") == dataset)
        key = model.dataset(table).key[0]
        current = flawed_city.current(table)
        if model.dataset(table).scope == "unit":
            known = set(current.select("unit_", key).rows())
            assert set(part.select("unit", "record_key").rows()) <= known, dataset
        else:
            assert set(part["record_key"]) <= set(current[key]), dataset


def test_restricted_residents_carry_no_violation(flawed_city: City) -> None:
    restricted = flawed_city.truth("persons").filter(pl.col("is_restricted") == "true")["person_no"]
    planted = flawed_city.truth("violations").filter(pl.col("is_violation") == "true")["person_no"]
    assert len(restricted) > 0
    assert not set(restricted) & set(planted)


def test_rule_counts_are_the_lines(flawed_city: City) -> None:
    lines = flawed_city.truth("violations").filter(pl.col("is_violation") == "true")
    counted = lines.group_by("rule_id", "finding_code").len()
    stated = flawed_city.truth("rule_counts")
    assert {(a, b): n for a, b, n in counted.rows()} == {(a, b): int(n) for a, b, n in stated.rows()}
    assert lines.height == flawed_city.summary.violations
    subjects = lines.select("rule_id", "dataset", "unit", "record_key")
    assert not subjects.is_duplicated().any()


def test_a_clean_city_has_no_violation(clean_city: City) -> None:
    lines = clean_city.truth("violations")
    assert lines.filter(pl.col("is_violation") == "true").is_empty()
    assert lines.height > 0  # the lawful side of the boundaries
    counts = clean_city.truth("counts").filter(pl.col("is_violation") == "true")
    assert (counts["planted_count"].cast(pl.Int64) == 0).all()


def test_clean_entries_are_on_time(clean_city: City) -> None:
    for dataset in _ENTRY_DATASETS:
        rows = clean_city.current(dataset)
        delays = [
            (day_of(entered) - day_of(served)).days
            for served, entered in rows.select("service_date", "entered_at").rows()
        ]
        assert min(delays) >= 0
        assert max(delays) == 5


def test_planted_entries_are_late_or_early(flawed_city: City) -> None:
    for code, rule in (("ENTRY_LATE", "A1-3-2"), ("ENTRY_BEFORE_SERVICE", "A1-3-2b")):
        found = []
        for dataset in _ENTRY_DATASETS:
            rows = flawed_city.planted_rows(rule, code, dataset)
            found += [
                (day_of(entered) - day_of(served)).days
                for served, entered in rows.select("service_date", "entered_at").rows()
            ]
        assert len(found) == flawed_city.planted(rule, code).height > 0
        assert all(days > 5 for days in found) if code == "ENTRY_LATE" else all(days < 0 for days in found)
        if code == "ENTRY_LATE":
            assert 6 in found
    for dataset in _ENTRY_DATASETS:
        rows = flawed_city.planted_rows("A1-2-7", "PAPER_ENTRY_LATE", dataset)
        assert set(rows["capture_code"]) <= {"P"}


def test_edits_without_valid_approval(flawed_city: City) -> None:
    amendments = {
        (row["unit_"], row["dataset"], row["record_id"]): row
        for row in flawed_city.current("amendment").to_dicts()
    }
    lines = flawed_city.planted("A1-3-1b", "UNAPPROVED_EDIT").to_dicts()
    assert lines
    for line in lines:
        versions = [
            frame.filter(pl.col("record_id") == line["record_key"])
            for manifest, frame in flawed_city.files[line["dataset"]]
            if manifest["unit"] == line["unit"]
        ]
        assert pl.concat(versions).unique(maintain_order=True).height == 2
        approval = amendments.get((line["unit"], line["dataset"], line["record_key"]))
        assert (
            approval is None
            or approval["approver_id"] is None
            or approval["approved_at"] > approval["modified_at"]
        )


def test_clean_edits_are_approved(clean_city: City) -> None:
    approvals = {
        (row["unit_"], row["dataset"], row["record_id"]) for row in clean_city.current("amendment").to_dicts()
    }
    for dataset in (*_ENTRY_DATASETS, "encounter"):
        rows = pl.concat(
            [
                frame.with_columns(unit_=pl.lit(manifest["unit"]))
                for manifest, frame in clean_city.files[dataset]
            ]
        ).unique()
        twice = rows.filter(pl.struct("unit_", "record_id").is_duplicated())
        changed = set(twice.select("unit_", pl.lit(dataset), "record_id").rows())
        assert changed <= approvals


def test_deletions_are_missing_from_the_full_delivery(flawed_city: City) -> None:
    lines = flawed_city.planted("A1-3-1b", "UNAPPROVED_DELETION")
    [(manifest, full)] = [
        (manifest, frame)
        for manifest, frame in flawed_city.files["dm_followup"]
        if manifest["mode"] == "full"
    ]
    assert lines.height > 0
    assert not set(lines["record_key"]) & set(full["record_id"])
    before = pl.concat(
        [
            frame
            for other, frame in flawed_city.files["dm_followup"]
            if other["unit"] == manifest["unit"] and other["sent_at"] < manifest["sent_at"]
        ]
    )
    approved = flawed_city.current("amendment").filter(pl.col("is_deletion") == "1")
    gone = set(before["record_id"]) - set(full["record_id"])
    assert gone == set(lines["record_key"]) | set(approved["record_id"])


def transfer_days(rows: pl.DataFrame) -> list[int]:
    """Days from application to decision."""
    return [
        (day_of(decided) - day_of(applied)).days
        for applied, decided in rows.select("applied_at", "decided_at").rows()
        if decided
    ]


def test_planted_transfers(flawed_city: City) -> None:
    late = transfer_days(flawed_city.planted_rows("A1-4-3-1a", "DECIDED_LATE", "transfer"))
    assert min(late) == 8
    overdue = flawed_city.planted_rows("A1-4-3-1a", "OVERDUE", "transfer")
    open_days = [(flawed_city.summary.as_of - day_of(text)).days for text in overdue["applied_at"]]
    assert overdue["decided_at"].null_count() == overdue.height > 0
    assert min(open_days) == 8
    unfiled = flawed_city.planted_rows("A1-4-3-1b", "FLOW_INCOMPLETE", "transfer")
    assert set(unfiled["decision_code"]) == {"1"}
    assert unfiled["filed_at"].null_count() == unfiled.height > 0
    illegal = flawed_city.planted_rows("A1-4-3-1c", "ILLEGAL_MANAGER_CHANGE", "transfer")
    assert set(illegal["decision_code"]) == {"2"}
    assert illegal["manager_changed_at"].null_count() == 0
    unreasoned = flawed_city.planted_rows("A1-4-2c", "REFUSED_WITHOUT_REASON", "transfer")
    assert unreasoned["refuse_reason"].null_count() == unreasoned.height > 0


def test_protection_is_179_180_181(flawed_city: City) -> None:
    orgs = dict(flawed_city.current("org").select("org_code", "district_code").rows())
    transfers = flawed_city.current("transfer").filter(
        pl.col("filed_at").is_not_null() & (pl.col("path_code") == "1")
    )
    done: dict[str, list[date]] = {}
    for number, source, target, filed in transfers.select(
        "id_no", "from_org_code", "to_org_code", "filed_at"
    ).rows():
        if orgs[source] != orgs[target]:
            done.setdefault(number, []).append(day_of(filed))
    gaps = sorted(
        (later - earlier).days
        for days in done.values()
        for earlier, later in zip(sorted(days), sorted(days)[1:], strict=False)
    )
    assert {179, 180, 181} <= set(gaps)
    violations = flawed_city.planted("A1-4-3-6", "PROTECTION_VIOLATION").height
    assert sum(gap < 180 for gap in gaps) == violations


def test_clean_transfers_keep_the_deadlines(clean_city: City) -> None:
    rows = clean_city.current("transfer")
    days = transfer_days(rows)
    assert max(days) == 7
    assert min(days) >= 0
    undecided = rows.filter(pl.col("decided_at").is_null() & (pl.col("path_code") == "1"))
    assert all((clean_city.summary.as_of - day_of(text)).days <= 7 for text in undecided["applied_at"])


def test_planted_deaths(flawed_city: City) -> None:
    late = flawed_city.planted_rows("A1-6-1-2a", "DEATH_ENTRY_LATE", "termination")
    limits = [
        (day_of(entered) - month_later(day_of(info))).days
        for info, entered in late.select("info_received_date", "entered_at").rows()
    ]
    assert min(limits) == 1
    served = {
        (row["unit"], row["record_key"]): row
        for row in flawed_city.planted_rows("A1-6-1-2b", "SERVICE_AFTER_DEATH", "encounter").to_dicts()
    }
    deaths = dict(flawed_city.truth("persons").select("person_no", "death_date").rows())
    assert served
    for row in served.values():
        assert day_of(row["service_date"]) > day_of(deaths[row["person_no"]])


@pytest.mark.parametrize("name", ["clean_city", "flawed_city"])
def test_nobody_else_is_served_after_death(name: str, request: pytest.FixtureRequest) -> None:
    city: City = request.getfixturevalue(name)
    terminations = city.current("termination").filter(pl.col("death_date").is_not_null())
    deaths = {row["id_no"]: day_of(row["death_date"]) for row in terminations.to_dicts()}
    planted = set(city.planted("A1-6-1-2b", "SERVICE_AFTER_DEATH").select("unit", "record_key").rows())
    for dataset in (*_ENTRY_DATASETS, "encounter"):
        for unit, record, number, served in (
            city.current(dataset).select("unit_", "record_id", "id_no", "service_date").rows()
        ):
            if number in deaths and (unit, record) not in planted:
                assert day_of(served) <= deaths[number]


@pytest.mark.parametrize("name", ["clean_city", "flawed_city"])
def test_losses_wait_a_year_unless_planted(name: str, request: pytest.FixtureRequest) -> None:
    """A loss declared without a year of silence is a planted one; one day more than the year is lawful."""
    city: City = request.getfixturevalue(name)
    last: dict[str, date] = {}
    touches = [(row["id_no"], row["service_date"]) for row in city.current("encounter").to_dicts()]
    contacts = city.current("contact_attempt").filter(pl.col("outcome_code") == "1")
    touches += [(row["id_no"], row["attempted_at"]) for row in contacts.to_dicts()]
    losses = city.current("termination").filter(
        (pl.col("kind_code") == "LOST") & (pl.col("declared_date") >= "2024-11-15")
    )
    declared = {row["id_no"]: day_of(row["declared_date"]) for row in losses.to_dicts()}
    for number, moment in touches:
        if number in declared and day_of(moment) <= declared[number]:
            last[number] = max(last.get(number, date.min), day_of(moment))
    planted = set(city.planted("A1-6-1-1", "PREMATURE_LOST")["record_key"])
    margins = []
    for row in losses.to_dicts():
        start = last[row["id_no"]]
        year_on = date(start.year + 1, start.month, min(start.day, 28) if start.month == 2 else start.day)
        is_early = declared[row["id_no"]] <= year_on
        assert is_early == (row["termination_id"] in planted)
        margins.append((declared[row["id_no"]] - year_on).days)
    assert 1 in margins
    if name == "flawed_city":
        assert 0 in margins


def test_planted_documents(flawed_city: City) -> None:
    as_of = flawed_city.summary.as_of
    short = flawed_city.planted_rows("A1-2-4a", "ID_LENGTH", "archive")
    assert {len(number) for number in short["id_no"]} == {17}
    impossible = flawed_city.planted_rows("A1-2-4a", "ID_BIRTH_IMPOSSIBLE", "archive")
    assert all(int(number[12:14]) > 31 for number in impossible["id_no"])
    turned = flawed_city.planted_rows("A1-2-4a", "ID_SEX_MISMATCH", "archive")
    assert all((int(row["id_no"][16]) % 2 == 1) != (row["sex_code"] == "1") for row in turned.to_dicts())
    dummy = flawed_city.planted_rows("A1-2-4a", "ID_DUMMY", "archive")
    assert all(len(group) >= 4 for _, group in dummy.group_by("id_no"))
    old = flawed_city.planted_rows("A1-2-4b", "NEWBORN_ID_OVERDUE", "archive")
    assert old["id_no"].null_count() == old.height > 0
    for birth in old["birth_date"]:
        assert day_of(birth) + timedelta(days=88) < as_of
    own = flawed_city.planted_rows("A1-2-4c", "MOTHER_ID_AS_OWN", "archive")
    adults = set(
        flawed_city.current("archive").filter(pl.col("birth_date") < "2010-01-01")["id_no"].drop_nulls()
    )
    assert set(own["id_no"]) <= adults
    twins = flawed_city.planted_rows("A1-2-4d", "MOTHER_SAME_NAME", "archive")
    assert all(len(group) == 2 for _, group in twins.group_by("mother_id_no", "birth_date", "name"))


def test_duplicates_are_later_archives_of_the_same_number(flawed_city: City) -> None:
    archive = flawed_city.current("archive")
    for row in flawed_city.planted_rows("A1-2-2", "DUP_CREATE", "archive").to_dicts():
        same = archive.filter(pl.col("id_no") == row["id_no"])
        assert same.height == 2
        assert min(same["created_date"]) < row["created_date"] == max(same["created_date"])


def test_duplicates_are_listed_with_both_archives(flawed_city: City, clean_city: City) -> None:
    table = flawed_city.truth("duplicates")
    counts = dict(flawed_city.truth("counts").select("kind", "planted_count").rows())
    for kind, lines in table["kind"].value_counts().rows():
        assert lines == int(counts[kind])
    linked = table.filter(pl.col("is_linked") == "true")
    assert set(table.filter(pl.col("is_linked") == "false")["kind"]) == {"unlinked_upgrade"}
    archive = flawed_city.current("archive")
    numbers = {(u, i): n for u, i, n in archive.select("unit_", "district_archive_id", "id_no").rows()}
    for row in linked.to_dicts():
        first = numbers[row["unit"], row["district_archive_id"]]
        assert first == numbers[row["other_unit"], row["other_district_archive_id"]]
    assert clean_city.truth("duplicates").is_empty()


def test_gaps_are_there_and_nowhere_else(flawed_city: City, clean_city: City) -> None:
    cover = [
        *(
            "archive_no",
            "name",
            "present_address",
            "registered_address",
            "phone",
            "town_name",
            "village_name",
        ),
        *("create_org_code", "creator_id", "doctor_id", "created_date"),
    ]
    for city in (flawed_city, clean_city):
        missing = pl.any_horizontal(pl.col(name).is_null() | (pl.col(name) == "不详") for name in cover)
        active = city.current("archive").filter(pl.col("declared_status_code") == "MANAGED")
        found = set(active.filter(missing).select("unit_", "district_archive_id").rows())
        planted = set(city.planted("A1-1-3", "COVER_INCOMPLETE").select("unit", "record_key").rows())
        assert found == planted


def test_clean_numbers_have_one_active_archive(clean_city: City) -> None:
    archive = clean_city.current("archive").filter(
        pl.col("declared_status_code").is_in(["MANAGED"]) & pl.col("id_no").is_not_null()
    )
    assert not archive["id_no"].is_duplicated().any()


def test_returned_copies_are_closed(flawed_city: City) -> None:
    """Each archive that moved away says so, except where the omission was planted."""
    archive = flawed_city.current("archive")
    moved = archive.filter(pl.col("previous_district_archive_id").is_not_null())
    planted = pl.concat(
        [
            flawed_city.planted_rows("A1-4-3-8a", "ORIGIN_STILL_ACTIVE", "transfer").select("id_no"),
            flawed_city.planted_rows("A1-4-3-1c", "TAKEN_WITHOUT_TRANSFER", "archive").select("id_no"),
        ]
    )
    active = archive.filter(
        pl.col("id_no").is_in(moved["id_no"].implode()) & (pl.col("declared_status_code") == "MANAGED")
    )
    twice = set(active.filter(pl.col("id_no").is_duplicated())["id_no"])
    assert twice == set(planted["id_no"])
    assert len(twice) > 0


def test_status_truth_follows_the_declared_status(clean_city: City) -> None:
    status = clean_city.truth("status")
    assert (status["recorded_status_code"] == status["expected_status_code"]).all()
    recorded = dict(status["recorded_status_code"].value_counts().rows())
    archive = clean_city.current("archive").filter(pl.col("declared_status_code") != "TRANSFERRED_OUT")
    declared = dict(archive["declared_status_code"].value_counts().rows())
    assert recorded == declared

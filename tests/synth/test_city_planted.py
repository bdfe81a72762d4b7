"""Planted stories whose facts are read back from the delivered rows: returns, deaths, documents, archives.

Not here: that every story is planted and every line names a delivered record (test_city_truth.py).
"""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from tests.synth.conftest import City
from tests.synth.test_city_truth import day_of


def test_planted_returns(flawed_city: City) -> None:
    ended = {
        (row["unit_"], row["district_archive_id"]): row
        for row in flawed_city.current("termination").to_dicts()
    }
    visits = {
        (unit, record): day_of(served)
        for unit, record, served in flawed_city.current("encounter")
        .select("unit_", "record_id", "service_date")
        .rows()
    }
    early = flawed_city.planted_rows("A1-6-2-2", "CONTACT_OUT_OF_ORDER", "reactivation").to_dicts()
    assert early
    for row in early:
        archived = day_of(ended[row["unit"], row["district_archive_id"]]["archived_at"])
        assert day_of(row["contact_date"]) < archived < visits[row["unit"], row["service_record_id"]]
    needless = flawed_city.planted_rows("A1-6-2-2", "NOT_TERMINATED", "reactivation")
    assert needless.height > 0
    assert not set(needless.select("unit", "district_archive_id").rows()) & ended.keys()


def test_planted_deaths_without_a_date(flawed_city: City) -> None:
    rows = flawed_city.planted_rows("A1-6-2-3", "DEAD_WITHOUT_DATE", "termination")
    assert rows["death_date"].null_count() == rows.height > 0
    assert rows.select("entered_at", "cause_text", "cause_icd10").null_count().sum_horizontal().item() == 0
    dated = flawed_city.current("termination").filter(
        (pl.col("kind_code") == "DEAD") & pl.col("entered_at").is_not_null() & pl.col("death_date").is_null()
    )
    assert set(dated["termination_id"]) == set(rows["record_key"])


def documents(city: City, code: str) -> dict[tuple[str, str], list[dict[str, str]]]:
    """All delivered rows of the archives with a planted finding of A1-2-4e, oldest first."""
    lines = city.planted("A1-2-4e", code).select("unit", "record_key").rows()
    found: dict[tuple[str, str], list[dict[str, str]]] = {line: [] for line in lines}
    for manifest, frame in sorted(city.files["archive"], key=lambda file: str(file[0]["sent_at"])):
        for row in frame.to_dicts():
            versions = found.get((manifest["unit"], row["district_archive_id"]))
            if versions is not None:
                versions.append(row)
    assert found
    return found


def test_planted_changes_of_the_number(flawed_city: City) -> None:
    holders = flawed_city.current("archive")["id_no"].drop_nulls().to_list()
    for versions in documents(flawed_city, "ID_CHANGED").values():
        former, present = versions[0], versions[-1]
        assert former["id_no"] != present["id_no"]
        assert former["id_no"][6:14] == present["id_no"][6:14]
        assert {row["previous_id_no"] for row in versions} == {None}
        assert former["id_no"] not in holders
    pairs = [versions[-1] for versions in documents(flawed_city, "STATED_PREVIOUS_DISPUTED").values()]
    owners = {row["id_no"]: row for row in pairs}
    stating = [row for row in pairs if row["previous_id_no"]]
    assert len(stating) * 2 == len(pairs)
    for row in stating:
        owner = owners[row["previous_id_no"]]
        assert owner["name"] != row["name"]
        assert owner["birth_date"] != row["birth_date"]


def test_planted_upgrades(flawed_city: City) -> None:
    for versions in documents(flawed_city, "UPGRADE_BIRTH_MISMATCH").values():
        first, last = versions[0], versions[-1]
        assert first["birth_certificate_no"]
        assert not first["id_no"]
        assert not last["birth_certificate_no"]
        assert not last["previous_id_no"]
        assert last["id_no"][6:14] == day_of(last["birth_date"]).strftime("%Y%m%d")
        assert day_of(first["birth_date"]) + timedelta(days=1) == day_of(last["birth_date"])
    sharing = list(documents(flawed_city, "MULTIPLE_IDS").values())
    numbers: dict[str, set[str]] = {}
    for versions in sharing:
        assert not versions[0]["id_no"]
        numbers.setdefault(versions[0]["birth_certificate_no"], set()).add(versions[-1]["id_no"])
    assert {len(group) for group in numbers.values()} == {2}
    assert len(sharing) == 2 * len(numbers)


def test_vanished_archives_are_missing_from_the_full_delivery(flawed_city: City, clean_city: City) -> None:
    for city in (flawed_city, clean_city):
        [(manifest, full)] = [
            (manifest, frame) for manifest, frame in city.files["archive"] if manifest["mode"] == "full"
        ]
        lines = city.planted("A1-6-2-4", "LOST_ARCHIVE")
        before = [
            frame["district_archive_id"]
            for other, frame in city.files["archive"]
            if other["unit"] == manifest["unit"] and other["sent_at"] < manifest["sent_at"]
        ]
        assert set(lines["unit"]) <= {manifest["unit"]}
        assert set(pl.concat(before)) - set(full["district_archive_id"]) == set(lines["record_key"])
        assert (lines.height > 0) == (city is flawed_city)
    rows = flawed_city.planted_rows("A1-6-2-4", "LOST_ARCHIVE", "archive")
    assert set(rows["declared_status_code"]) == {"DEAD"}

"""Versions of the contract: a minor one only adds, and what was sent or stored under an older one is still read.

Not here: what a delivery of an unknown major version gets (tests/ingest).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from pipelines.contract import versions
from pipelines.contract.model import FOLDER, contract_version, datasets
from pipelines.contract.versions import Change, as_numbers, changelog, changes, frozen, summary

MINOR_AND_OLDER = [
    found
    for found in frozen().values()
    if as_numbers(found["contract_version"])[0] == as_numbers(contract_version())[0]
]


def test_the_first_version_is_frozen() -> None:
    assert "1.0.0" in frozen()
    assert len(frozen()["1.0.0"]["datasets"]) == 21


@pytest.mark.parametrize("old", MINOR_AND_OLDER, ids=lambda found: found["contract_version"])
def test_nothing_of_an_earlier_minor_version_vanished_became_required_or_changed(old: dict[str, Any]) -> None:
    assert [change for change in changes(old, summary()) if change.is_breaking] == []


def test_a_frozen_version_does_not_change_any_more() -> None:
    if contract_version() in frozen():
        assert changes(frozen()[contract_version()], summary()) == []
    else:
        assert as_numbers(list(frozen())[-1]) < as_numbers(contract_version())


def test_the_file_of_a_dataset_carries_the_version_that_changed_it_last() -> None:
    for name, dataset in datasets().items():
        assert as_numbers(dataset.version) <= as_numbers(contract_version()), name
        for version, old in frozen().items():
            if old["datasets"].get(name) != summary()["datasets"][name]:
                assert as_numbers(dataset.version) > as_numbers(version), name


def test_every_version_stands_in_the_changelog_newest_first() -> None:
    listed = [release.version for release in changelog()]
    assert listed[0] == contract_version()
    assert listed == sorted(listed, key=as_numbers, reverse=True)
    assert set(listed) == {*frozen(), contract_version()}
    assert all(release.about for release in changelog())


def test_the_changelog_names_what_a_version_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    old = copy.deepcopy(dict(frozen()["1.0.0"]))
    del old["datasets"]["signing"]
    del old["datasets"]["archive"]["columns"]["uploaded_at"]
    old["value_sets"]["sex"].remove("9")
    monkeypatch.setattr(versions, "frozen", lambda: {"1.0.0": old})
    changelog.cache_clear()
    try:
        newest = changelog()[0]
    finally:
        changelog.cache_clear()
    added = {(change.kind, change.owner, change.item) for change in newest.additions}
    assert {
        ("dataset_added", "signing", ""),
        ("column_added", "archive", "uploaded_at"),
        ("code_added", "sex", "9"),
    } <= added


def drop_dataset(new: dict[str, Any]) -> None:
    del new["datasets"]["signing"]


def drop_column(new: dict[str, Any]) -> None:
    del new["datasets"]["signing"]["columns"]["team_id"]


def demand_column(new: dict[str, Any]) -> None:
    new["datasets"]["signing"]["columns"]["team_id"]["required"] = True


def refuse_unknown_codes(new: dict[str, Any]) -> None:
    new["datasets"]["archive"]["columns"]["sex_code"]["structural"] = True


def change_type(new: dict[str, Any]) -> None:
    new["datasets"]["signing"]["columns"]["start_date"]["type"] = "timestamp"


def rename_header(new: dict[str, Any]) -> None:
    new["datasets"]["signing"]["columns"]["start_date"]["title"] = "签约日"


def narrow_range(new: dict[str, Any]) -> None:
    new["datasets"]["htn_followup"]["columns"]["sbp"]["maximum"] = 250.0


def limit_range(new: dict[str, Any]) -> None:
    new["datasets"]["transfer"]["columns"]["applied_at"]["minimum"] = 1.0


def change_value_set(new: dict[str, Any]) -> None:
    new["datasets"]["archive"]["columns"]["sex_code"]["value_set"] = "verdict"


def drop_code(new: dict[str, Any]) -> None:
    new["value_sets"]["sex"].remove("9")


def drop_value_set(new: dict[str, Any]) -> None:
    del new["value_sets"]["abo"]


def change_key(new: dict[str, Any]) -> None:
    new["datasets"]["org"]["key"] = ["org_code"]


def forbid_units(new: dict[str, Any]) -> None:
    new["datasets"]["org"]["senders"] = "city"


def add_column_first(new: dict[str, Any]) -> None:
    columns = new["datasets"]["signing"]["columns"]
    new["datasets"]["signing"]["columns"] = {"note": {"title": "备注", "type": "string"}, **columns}


def add_required_column(new: dict[str, Any]) -> None:
    new["datasets"]["signing"]["columns"]["note"] = {"title": "备注", "type": "string", "required": True}


@pytest.mark.parametrize(
    ("breaks", "kind"),
    [
        (drop_dataset, "dataset_gone"),
        (drop_column, "column_gone"),
        (demand_column, "column_demanded"),
        (refuse_unknown_codes, "column_demanded"),
        (change_type, "column_changed"),
        (rename_header, "column_changed"),
        (narrow_range, "column_changed"),
        (limit_range, "column_changed"),
        (change_value_set, "column_changed"),
        (drop_code, "code_gone"),
        (drop_value_set, "code_gone"),
        (change_key, "dataset_changed"),
        (forbid_units, "dataset_changed"),
        (add_column_first, "column_moved"),
        (add_required_column, "column_demanded"),
    ],
)
def test_what_a_minor_version_must_not_do_is_noticed(
    breaks: Callable[[dict[str, Any]], None], kind: str
) -> None:
    old = frozen()["1.0.0"]
    new = copy.deepcopy(dict(old))
    breaks(new)
    assert kind in {change.kind for change in changes(old, new) if change.is_breaking}


def add_optional_column(new: dict[str, Any]) -> None:
    new["datasets"]["signing"]["columns"]["note"] = {"title": "备注", "type": "string"}


def add_dataset(new: dict[str, Any]) -> None:
    new["datasets"]["vaccination"] = new["datasets"]["signing"]


def add_code(new: dict[str, Any]) -> None:
    new["value_sets"]["abo"].append("6")


def widen_range(new: dict[str, Any]) -> None:
    new["datasets"]["htn_followup"]["columns"]["sbp"]["maximum"] = 320.0


def allow_units(new: dict[str, Any]) -> None:
    new["datasets"]["population"]["senders"] = "city_or_unit"


@pytest.mark.parametrize(
    ("adds", "expected"),
    [
        (add_optional_column, [Change("column_added", "signing", "note")]),
        (add_dataset, [Change("dataset_added", "vaccination")]),
        (add_code, [Change("code_added", "abo", "6")]),
        (widen_range, []),
        (allow_units, []),
    ],
)
def test_what_a_minor_version_may_do_breaks_nothing(
    adds: Callable[[dict[str, Any]], None], expected: list[Change]
) -> None:
    old = frozen()["1.0.0"]
    new = copy.deepcopy(dict(old))
    adds(new)
    assert changes(old, new) == expected
    assert not any(change.is_breaking for change in expected)


def test_the_summary_is_the_whole_contract() -> None:
    found = yaml.safe_load((FOLDER / "datasets" / "archive.yaml").read_text("utf-8"))
    names = [node["name"] for node in found["schema"][0]["properties"]]
    assert list(summary()["datasets"]["archive"]["columns"]) == names


def test_a_later_minor_version_is_newer_and_another_major_is_not() -> None:
    major, minor, patch = as_numbers(contract_version())
    assert versions.is_newer_minor(f"{major}.{minor + 1}.0")
    assert not versions.is_newer_minor(contract_version())
    assert not versions.is_newer_minor(f"{major}.{minor}.{patch + 7}")
    assert not versions.is_newer_minor("1.0.0")
    assert not versions.is_newer_minor(f"{major + 1}.{minor + 1}.0")

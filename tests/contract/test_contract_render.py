"""What is rendered from the contract: no drift either way, and the data dictionary.

Not here: what the staging models compute (dbt unit tests beside them).
"""

import csv
import re
import shutil
from pathlib import Path

import pytest
import yaml

from pipelines.contract.model import datasets, value_set_names
from pipelines.contract.render import (
    CHECKOUT,
    CODE_LABELS,
    STAGING,
    drift,
    main,
    render_dictionary,
    rendered,
    staged_columns,
    write,
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(CHECKOUT / STAGING, tmp_path / STAGING)
    (tmp_path / CODE_LABELS).parent.mkdir(parents=True)
    shutil.copy(CHECKOUT / CODE_LABELS, tmp_path / CODE_LABELS)
    return tmp_path


def test_nothing_committed_differs_from_the_contract() -> None:
    assert drift() == ""
    assert main(["--check"]) == 0


def test_a_changed_file_is_drift(copy: Path) -> None:
    model = copy / STAGING / "stg_signing_version.sql"
    model.write_text(model.read_text("utf-8").replace("    'team_id',\n", ""), "utf-8")
    difference = drift(copy)
    assert "+    'team_id'," in difference
    assert "stg_signing_version.sql" in difference


def test_a_missing_file_is_drift(copy: Path) -> None:
    (copy / STAGING / "stg_archive_version.sql").unlink()
    assert "stg_archive_version.sql" in drift(copy)


def test_a_model_without_a_contract_is_drift(copy: Path) -> None:
    (copy / STAGING / "stg_horoscope.sql").write_text("select 1", "utf-8")
    assert "stg_horoscope.sql" in drift(copy)


def test_models_of_other_hands_are_left_alone(copy: Path) -> None:
    other = copy / STAGING / "org_period_of_somebody.sql"
    other.write_text("select 1", "utf-8")
    assert drift(copy) == ""
    assert write(copy) == []
    assert other.exists()


def test_writing_mends_every_drift(copy: Path) -> None:
    (copy / STAGING / "stg_signing.sql").write_text("select 1", "utf-8")
    (copy / STAGING / "stg_horoscope.sql").write_text("select 1", "utf-8")
    (copy / STAGING / "_sources.yml").unlink()
    (copy / CODE_LABELS).write_text("value_set\n", "utf-8")
    assert len(write(copy)) == 4
    assert drift(copy) == ""
    assert write(copy) == []


def test_every_dataset_is_a_source_and_two_models_with_every_column() -> None:
    sources = yaml.safe_load(rendered()[STAGING / "_sources.yml"])["sources"]
    lake = {
        table["name"]: table for source in sources if source["name"] == "lake" for table in source["tables"]
    }
    models = {
        model["name"]: model for model in yaml.safe_load(rendered()[STAGING / "_staging.yml"])["models"]
    }
    assert set(lake) == set(datasets())
    for item in datasets().values():
        names = set(staged_columns(item))
        assert names <= {column["name"] for column in lake[item.name]["columns"]}
        for model in (f"stg_{item.name}", f"stg_{item.name}_version"):
            assert names | {"version_status", "vanished_at", "record_key"} <= {
                column["name"] for column in models[model]["columns"]
            }
            assert "粒度" in models[model]["description"]
        versions = rendered()[STAGING / f"stg_{item.name}_version.sql"]
        assert re.findall(r"^    '(\w+)',$", versions, re.MULTILINE) == list(staged_columns(item))
        assert f"current_records('{item.name}')" in rendered()[STAGING / f"stg_{item.name}.sql"]


def test_code_labels_hold_every_value_set() -> None:
    with (CHECKOUT / CODE_LABELS).open(encoding="utf-8", newline="") as file:
        assert {row["value_set"] for row in csv.DictReader(file)} == set(value_set_names())


def test_the_dictionary_is_complete_and_self_contained(tmp_path: Path) -> None:
    written = render_dictionary(tmp_path)
    page = (tmp_path / "index.html").read_text("utf-8")
    assert not re.search(r"https?://|//\w+\.|@import|url\(|<link|src=", page)
    for item in datasets().values():
        assert item.title in page
        for column in item.columns:
            assert f"<td>{column.title}</td><td><code>{column.name}</code></td>" in page
    anchors = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= anchors
    with (tmp_path / "columns.csv").open(encoding="utf-8-sig", newline="") as file:
        assert sum(1 for _ in csv.DictReader(file)) == sum(len(item.columns) for item in datasets().values())
    header = (tmp_path / "templates" / "archive.csv").read_text("utf-8-sig").strip().split(",")
    assert header == [column.title for column in datasets()["archive"].columns]
    assert all(path.is_file() for path in written)


def test_the_dictionary_is_the_same_every_time(tmp_path: Path) -> None:
    first = {
        path.relative_to(tmp_path / "a"): path.read_bytes() for path in render_dictionary(tmp_path / "a")
    }
    second = {
        path.relative_to(tmp_path / "b"): path.read_bytes() for path in render_dictionary(tmp_path / "b")
    }
    assert first == second

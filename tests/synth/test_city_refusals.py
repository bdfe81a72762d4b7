"""What must not be accepted stands in the files where the truth says, for the reason it says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl
import pytest

from pipelines.contract import model
from pipelines.synth.city import generate
from tests.synth.conftest import City, read_file


def broken_rows(city: City) -> pl.DataFrame:
    """Lines of truth/quarantine.csv with the row number as a number."""
    return city.truth("quarantine").with_columns(pl.col("row").cast(pl.Int64))


@pytest.mark.parametrize("file_format", ["csv", "parquet", "xlsx"])
def test_each_broken_row_stands_where_the_truth_says(tmp_path: Path, file_format: str) -> None:
    summary = generate(tmp_path, residents=300, units=2, seed=3, defects=0.1, file_format=file_format)
    city = City(tmp_path, summary)
    lines = broken_rows(city)
    reasons = {"KEY_MISSING", "KEY_DOUBLED", "REQUIRED_MISSING", "PERSON_MISSING", "HARD_RANGE"}
    if file_format != "parquet":
        reasons |= {"DATE_UNREADABLE", "MOMENT_UNREADABLE", "NUMBER_UNREADABLE", "BOOLEAN_UNREADABLE"}
    assert set(lines["reason_code"]) == reasons | {"STRUCTURAL_CODE_UNKNOWN"}
    places = {(m["unit"], m["batch"]): (folder, m) for folder, m in city.manifests()}
    for line in lines.to_dicts():
        folder, manifest = places[line["unit"], line["batch"]]
        [entry] = [entry for entry in manifest["files"] if entry["path"] == line["file"]]
        row = read_file(folder / line["file"], entry).row(line["row"] - 1, named=True)
        key = model.dataset(line["dataset"]).key[0]
        assert row[key] is None or str(row[key]).startswith("Q")
        if line["reason_code"] in ("REQUIRED_MISSING", "KEY_MISSING", "PERSON_MISSING"):
            assert all(row[name] is None for name in line["column"].split("|"))


def test_refused_files_contradict_their_manifest(flawed_city: City) -> None:
    lines = flawed_city.truth("refusals").to_dicts()
    assert {line["reason_code"] for line in lines} == {
        "DIGEST_MISMATCH",
        "ROWS_MISMATCH",
        "CONTRACT_VERSION_UNKNOWN",
    }
    places = {(m["unit"], m["batch"]): (folder, m) for folder, m in flawed_city.manifests()}
    for line in lines:
        folder, manifest = places[line["unit"], line["batch"]]
        [entry] = manifest["files"]
        content = (folder / entry["path"]).read_bytes()
        is_digest_right = hashlib.new("sm3", content).hexdigest() == entry["sm3"]
        assert is_digest_right == (line["reason_code"] != "DIGEST_MISMATCH")
        is_count_right = read_file(folder / entry["path"], entry).height == entry["rows"]
        assert is_count_right == (line["reason_code"] != "ROWS_MISMATCH")
        is_version_right = manifest["contract_version"] == model.contract_version()
        assert is_version_right == (line["reason_code"] != "CONTRACT_VERSION_UNKNOWN")


def test_a_clean_city_has_nothing_to_refuse(clean_city: City) -> None:
    assert broken_rows(clean_city).is_empty()
    assert clean_city.truth("refusals").is_empty()

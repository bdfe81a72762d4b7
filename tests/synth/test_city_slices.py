"""A city of several slices: the same whatever the number of processes, no number twice, figures that add up."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from pipelines.contract import model
from pipelines.synth import city as synth
from pipelines.synth import files, slices
from pipelines.synth.city import generate
from pipelines.synth.identity import NUMBERS_OF_A_DAY
from tests.synth.conftest import City
from tests.synth.test_city_bytes import digest

_REQUEST = {
    "residents": 1200,
    "units": 8,
    "first": date(2025, 9, 1),
    "last": date(2026, 3, 31),
    "seed": 5,
    "defects": 0.1,
    "file_format": "parquet",
}


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> City:
    """Slices of at most 400 residents in rounds of two."""
    root = tmp_path_factory.mktemp("large")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "SLICE_RESIDENTS", 400)
        patch.setattr(synth, "SLICES_PER_ROUND", 2)
        return City(root, generate(root, **_REQUEST))  # type: ignore[arg-type]


def test_the_number_of_processes_changes_no_byte(
    large: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SLICE_RESIDENTS", 400)
    monkeypatch.setattr(synth, "SLICES_PER_ROUND", 2)
    monkeypatch.setattr(synth, "WORKERS", 1)
    assert generate(tmp_path, **_REQUEST) == large.summary  # type: ignore[arg-type]
    assert digest(tmp_path) == digest(large.root)
    assert not (tmp_path / "scratch").exists()


def test_slices_depend_on_the_request_alone() -> None:
    weights = [0.1] * 10
    cut = slices.cut(1_050_000, weights)
    assert sum(one.residents for one in cut) == 1_050_000
    assert max(one.residents for one in cut) <= slices.SLICE_RESIDENTS
    assert {one.units for one in cut} == {(0, 1, 2, 3, 4), (5, 6, 7, 8, 9)}
    assert [one.number for one in cut] == list(range(len(cut)))
    [small] = slices.cut(slices.SLICE_RESIDENTS, weights)
    assert small.units == tuple(range(10))
    spaces = [one.share(NUMBERS_OF_A_DAY) for one in slices.cut(32_000_000, [1 / 41] * 41)]
    assert all(first + width <= following for (first, width), (following, _) in pairwise(spaces))
    # a hundred thousand residents are born on some 30,000 days
    assert min(width for _, width in spaces) >= 10


def test_no_two_residents_share_a_number(large: City) -> None:
    persons = large.truth("persons")
    for name in ("person_no", "id_no", "birth_certificate_no"):
        assert not persons[name].is_duplicated().any(), name
    archive = large.current("archive")
    assert not archive.select("unit_", "district_archive_id").is_duplicated().any()
    for dataset in ("encounter", "transfer", "population_index", "signing", "contact_attempt"):
        key = model.dataset(dataset).key[0]
        delivered = pl.concat([frame.select(key, "name", "birth_date") for _, frame in large.files[dataset]])
        persons_of_key = delivered.unique()
        assert persons_of_key[key].n_unique() == persons_of_key.height, dataset


def test_files_of_a_dataset_lie_side_by_side(large: City) -> None:
    parts = [
        entry["path"]
        for _, manifest in large.manifests()
        for entry in manifest["files"]
        if (manifest["unit"], entry["dataset"]) == ("500000", "population_index")
    ]
    assert any("-2-1" in path for path in parts)
    whole = [manifest for _, manifest in large.manifests() if manifest["unit"] == "500000"]
    for manifest in whole:
        names = [entry["dataset"] for entry in manifest["files"]]
        assert names.count("division") <= 1
        assert names.count("population") <= 1


def test_figures_of_the_slices_add_up(large: City) -> None:
    persons, status = large.truth("persons"), large.truth("status")
    figures = large.truth("indicators").with_columns(
        pl.col("numerator_count", "denominator_count").cast(pl.Int64), pl.col("variant").fill_null("")
    )
    keys = ["indicator_id", "variant", "period"]
    city = figures.filter(pl.col("level") == "city").sort(keys)
    assert not city.select(keys).is_duplicated().any()
    sums = figures.filter(pl.col("level") == "district").group_by(keys).agg(pl.col("numerator_count").sum())
    assert city["numerator_count"].to_list() == sums.sort(keys)["numerator_count"].to_list()
    managed = city.filter((pl.col("indicator_id") == "ARC-1") & (pl.col("period") == "2026"))
    unlinked = large.truth("duplicates").filter(pl.col("is_linked") == "false").height
    recorded = (status["recorded_status_code"] == "MANAGED").sum()
    assert managed["numerator_count"].item() == recorded + unlinked
    population = large.current("population").filter(pl.col("year") == 2026)
    of_city = population.filter(pl.col("area_code") == "500000")["resident_count"].sum()
    towns = population.filter(pl.col("area_code").str.len_chars() == 9)["resident_count"].sum()
    assert 0.85 * persons.height < of_city == towns <= persons.height
    lines = large.truth("violations").filter(pl.col("is_violation") == "true")
    assert lines.height == large.summary.violations


def test_large_files_are_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(files.ROWS_PER_FILE, "csv", 100)
    request = {"first": date(2025, 1, 1), "last": date(2025, 3, 31), "seed": 3, "defects": 0.1}
    split = City(tmp_path, generate(tmp_path, residents=600, units=2, **request))  # type: ignore[arg-type]
    heights = [frame.height for dataset in split.files.values() for _, frame in dataset]
    assert max(heights) == 100
    assert not split.current("archive").select("unit_", "district_archive_id").is_duplicated().any()

"""Every delivery keeps to the contract: manifests, headers, codes, required values, keys, identities."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from datetime import datetime

import polars as pl
import pytest

from pipelines.contract import model
from pipelines.synth.identity import NEVER_ISSUED_COUNTIES
from tests.synth.conftest import City, read_file

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_DATASETS = sorted(model.datasets())


def check_character(body: str) -> str:
    """Check character of 17 digits, computed apart from the generator."""
    return "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True)) % 11]


def test_manifests_tell_the_truth(flawed_city: City) -> None:
    spoiled = set(flawed_city.truth("refusals").select("unit", "batch").rows())
    seen: set[tuple[str, str]] = set()
    for folder, manifest in flawed_city.manifests():
        unit, batch = manifest["unit"], manifest["batch"]
        assert folder.parent.parent.name == unit
        assert folder.name == batch
        assert folder.parent.name == datetime.fromisoformat(manifest["sent_at"]).date().isoformat()
        assert (unit, batch) not in seen
        seen.add((unit, batch))
        if (unit, batch) in spoiled:
            continue
        assert manifest["contract_version"] == model.contract_version()
        named = {entry["path"] for entry in manifest["files"]} | {"manifest.json"}
        assert {path.name for path in folder.iterdir()} == named
        for entry in manifest["files"]:
            content = (folder / entry["path"]).read_bytes()
            assert hashlib.new("sm3", content).hexdigest() == entry["sm3"]
            assert read_file(folder / entry["path"], entry).height == entry["rows"]
    assert len(seen) == flawed_city.summary.deliveries


def test_headers_are_the_contracts(flawed_city: City) -> None:
    languages = set()
    for folder, manifest in flawed_city.manifests():
        for entry in manifest["files"]:
            contract = model.dataset(entry["dataset"])
            text = (
                (folder / entry["path"])
                .read_bytes()
                .decode("gb18030" if entry["encoding"] == "gb18030" else "utf-8-sig")
            )
            header = text.split("\n", 1)[0].split(",")
            english = [column.name for column in contract.columns]
            chinese = [column.title for column in contract.columns]
            assert header in (english, chinese)
            languages.add((header == english, entry["encoding"]))
    assert {(True, "utf-8"), (False, "utf-8"), (False, "gb18030")} <= languages


@pytest.mark.parametrize("dataset", _DATASETS)
def test_rows_keep_to_the_contract(flawed_city: City, dataset: str) -> None:
    contract = model.dataset(dataset)
    files = flawed_city.files.get(dataset, [])
    assert files, "every dataset of the first slice is delivered"
    for manifest, frame in files:
        assert frame.select(contract.key).is_duplicated().sum() == 0
        if contract.senders == "city":
            assert manifest["unit"] == "500000"
        for column in contract.columns:
            values = frame[column.name].drop_nulls()
            if column.required:
                assert len(values) == frame.height, (dataset, column.name)
            if column.value_set:
                codes = set(model.value_set(column.value_set))
                given = values.str.split("|").explode().unique().to_list() if len(values) else []
                assert set(given) <= codes, (dataset, column.name, set(given) - codes)
            # numbers are spoiled on purpose
            if column.pattern and column.name not in {"id_no", "birth_certificate_no"}:
                assert values.str.contains(column.pattern).all(), (dataset, column.name)
            if column.type == "boolean":
                assert set(values.unique().to_list()) <= {"0", "1"}


def test_values_lie_in_the_hard_ranges(flawed_city: City) -> None:
    for dataset, files in flawed_city.files.items():
        frame = pl.concat([frame for _, frame in files])
        for column in model.dataset(dataset).columns:
            if column.hard_min is None and column.hard_max is None:
                continue
            values = frame[column.name].drop_nulls().cast(pl.Float64)
            if column.hard_min is not None:
                assert (values >= column.hard_min).all(), (dataset, column.name)
            if column.hard_max is not None:
                assert (values <= column.hard_max).all(), (dataset, column.name)


def test_numbers_were_never_issued(flawed_city: City) -> None:
    """Numbers carry an abolished county and the right check character, or were spoiled on purpose."""
    counties = {str(county) for county in NEVER_ISSUED_COUNTIES}
    spoiled = {
        (line["unit"], line["record_key"])
        for line in flawed_city.truth("violations").filter(pl.col("rule_id") == "A1-2-4a").to_dicts()
    }
    checked = 0
    for dataset, files in flawed_city.files.items():
        for manifest, frame in files:
            for name in ("id_no", "mother_id_no"):
                if name not in frame.columns:
                    continue
                rows = frame.filter(pl.col(name).is_not_null()).to_dicts()
                for row in rows:
                    number = "".join(
                        chr(ord(character) - 0xFEE0) if ord(character) > 0xFF00 else character
                        for character in row[name].strip()
                    ).upper()
                    if row.get("id_type_code") == "03" and name == "id_no":
                        assert number.startswith("X0")
                        continue
                    if re.fullmatch(r"1{18}|123456789012345678", number):
                        continue
                    assert number[:6] in counties, (dataset, name)
                    if (manifest["unit"], row.get("district_archive_id")) in spoiled or len(number) == 15:
                        continue
                    if name == "mother_id_no":
                        continue
                    assert check_character(number[:17]) == number[17]
                    checked += 1
    assert checked > 5000


def test_phones_cannot_ring(flawed_city: City) -> None:
    archive = flawed_city.current("archive")
    for name in ("phone", "contact_phone"):
        values = archive[name].drop_nulls()
        assert values.str.contains(r"^100\d{8}$").all()


def test_one_number_is_one_person(flawed_city: City) -> None:
    """Apart from the planted dummies, borrowed and duplicate numbers no two first archives share a number."""
    persons = flawed_city.truth("persons")
    assert persons["id_no"].n_unique() == persons.height


def test_special_deliveries_are_there(flawed_city: City) -> None:
    modes = Counter(manifest["mode"] for _, manifest in flawed_city.manifests())
    withdrawals = [manifest for _, manifest in flawed_city.manifests() if manifest["withdraws"]]
    assert modes["full"] == 1
    assert len(withdrawals) == 1
    batches = {(m["unit"], m["batch"]) for _, m in flawed_city.manifests()}
    assert all((m["unit"], batch) in batches for m in withdrawals for batch in m["withdraws"])
    encounters = pl.concat(
        [frame.with_columns(unit=pl.lit(m["unit"])) for m, frame in flawed_city.files["encounter"]]
    )
    assert encounters.select("unit", "record_id").is_duplicated().any()


def test_the_first_delivery_carries_the_stock(flawed_city: City) -> None:
    stock = [
        frame.height for manifest, frame in flawed_city.files["archive"] if "20250101" in manifest["batch"]
    ]
    later = [
        frame.height
        for manifest, frame in flawed_city.files["archive"]
        if "20250101" not in manifest["batch"] and manifest["mode"] != "full"
    ]
    assert sum(stock) > 10 * max(later)
    assert {entry["dataset"] for _, m in flawed_city.manifests() for entry in m["files"]} == set(_DATASETS)

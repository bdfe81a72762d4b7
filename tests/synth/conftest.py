"""Small synthetic cities, built once per session, and ways to read back what they delivered.

No expectations live here.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.contract import model
from pipelines.synth.city import CitySummary, generate


@dataclass(frozen=True)
class City:
    """A generated city on disk."""

    root: Path
    summary: CitySummary

    def manifests(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Folder and manifest of every delivery."""
        for path in sorted(self.root.glob("inbox/*/*/*/manifest.json")):
            yield path.parent, json.loads(path.read_text(encoding="utf-8"))

    @cached_property
    def files(self) -> dict[str, list[tuple[dict[str, Any], pl.DataFrame]]]:
        """Dataset → manifest and text rows of each of its files, under English names.

        Without the files and rows that the truth says are refused or quarantined.
        """
        refused = set(self.truth("refusals").select("unit", "batch", "file").rows())
        quarantined: dict[tuple[str, str, str], set[int]] = {}
        for unit, batch, file, row in self.truth("quarantine").select("unit", "batch", "file", "row").rows():
            quarantined.setdefault((unit, batch, file), set()).add(int(row))
        found: dict[str, list[tuple[dict[str, Any], pl.DataFrame]]] = {}
        for folder, manifest in self.manifests():
            for entry in manifest["files"]:
                place = (manifest["unit"], manifest["batch"], entry["path"])
                if place in refused:
                    continue
                frame = read_file(folder / entry["path"], entry)
                bad = quarantined.get(place, set())
                good = [row not in bad for row in range(1, frame.height + 1)]
                found.setdefault(entry["dataset"], []).append(
                    (manifest, frame.filter(pl.Series(good, dtype=pl.Boolean)))
                )
        return found

    def current(self, dataset: str) -> pl.DataFrame:
        """The last delivered row of each record with its unit, whatever was withdrawn or vanished."""
        contract = model.dataset(dataset)
        parts = [
            frame.with_columns(unit_=pl.lit(manifest["unit"]), sent_=pl.lit(manifest["sent_at"]))
            for manifest, frame in self.files.get(dataset, [])
        ]
        rows = pl.concat(parts).sort("sent_", maintain_order=True)
        scope = ["unit_"] if contract.scope == "unit" else []
        return rows.unique([*scope, *contract.key], keep="last", maintain_order=True)

    def truth(self, name: str) -> pl.DataFrame:
        """A truth table as text."""
        return pl.read_csv(self.root / "truth" / f"{name}.csv", infer_schema=False)

    def planted(self, rule_id: str, finding_code: str) -> pl.DataFrame:
        """Truth lines of one finding."""
        return self.truth("violations").filter(
            (pl.col("rule_id") == rule_id)
            & (pl.col("finding_code") == finding_code)
            & (pl.col("is_violation") == "true")
        )

    def planted_rows(self, rule_id: str, finding_code: str, dataset: str) -> pl.DataFrame:
        """Current rows of a dataset on which a finding was planted."""
        key = model.dataset(dataset).key[0]
        lines = self.planted(rule_id, finding_code).filter(pl.col("dataset") == dataset)
        scope = ["unit"] if model.dataset(dataset).scope == "unit" else []
        return lines.join(
            self.current(dataset).rename({"unit_": "unit"}),
            left_on=[*scope, "record_key"],
            right_on=[*scope, key],
            how="inner",
        )


def read_file(path: Path, entry: dict[str, Any]) -> pl.DataFrame:
    """A delivered file as text columns under the contract's English names."""
    if entry["format"] == "parquet":
        frame = pl.read_parquet(path)
    elif entry["format"] == "xlsx":
        frame = pl.read_excel(path, engine="calamine", infer_schema_length=0)
    else:
        text = path.read_bytes().decode("gb18030" if entry["encoding"] == "gb18030" else "utf-8-sig")
        frame = pl.read_csv(io.StringIO(text), infer_schema=False)
    titles = {column.title: column.name for column in model.dataset(entry["dataset"]).columns}
    return frame.rename({name: titles.get(name, name) for name in frame.columns})


@pytest.fixture(scope="session")
def flawed_city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """Three districts, every kind of violation."""
    root = tmp_path_factory.mktemp("flawed")
    return City(root, generate(root, residents=4000, units=3, seed=7, defects=0.08))


@pytest.fixture(scope="session")
def clean_city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """The same districts without any violation."""
    root = tmp_path_factory.mktemp("clean")
    return City(root, generate(root, residents=4000, units=3, seed=7, defects=0.0))

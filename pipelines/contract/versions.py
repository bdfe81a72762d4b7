"""Versions of the contract: the frozen summary of every released one, and what changed since.

Not here: the number itself (`manifest.yaml`) and what ingest does with a delivery of another version.

A minor version adds: datasets, columns at the end of a dataset that may stay empty, codes. Everything else
that a sender or a stored record could notice is a major one, and a delivery of another major is refused
(contract §1). Columns go to the end, because record hashes are taken in their order.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click
import yaml

from pipelines.contract.model import (
    FOLDER,
    Column,
    Dataset,
    contract_version,
    datasets,
    value_set,
    value_set_names,
)

SUMMARIES = FOLDER / "released"
"""Folder of the frozen summaries, `<version>.json`."""

CHANGELOG = FOLDER / "CHANGELOG.yaml"
"""What each version is about, newest first; the lists of what it adds are computed."""

Summary = Mapping[str, Any]
"""`contract_version`, `datasets` (name → title, key, scope, senders, columns), `value_sets` (name → codes)"""


@dataclass(frozen=True)
class Change:
    """One difference between two versions of the contract.

    `owner` is a dataset or a value set, `item` a column or code of it, empty for the whole. `kind` is
    `dataset_added`, `column_added` or `code_added`, or one of those that break what a sender relies on:
    `dataset_gone`, `dataset_changed`, `column_gone`, `column_moved`, `column_changed`, `column_demanded`,
    `code_gone`; `detail` then says what of it.
    """

    kind: str
    owner: str
    item: str = ""
    detail: str = ""

    @property
    def is_breaking(self) -> bool:
        """Whether a minor version must not hold it."""
        return not self.kind.endswith("_added")


def as_numbers(version: str) -> tuple[int, int, int]:
    """Return `major.minor.patch` as numbers; raise `ValueError` when it is not of that form."""
    major, minor, patch = (int(part) for part in version.split("."))
    return major, minor, patch


def is_newer_minor(version: str) -> bool:
    """Whether a version is of our major and of a later minor: read as far as we know it."""
    ours, theirs = as_numbers(contract_version()), as_numbers(version)
    return theirs[0] == ours[0] and theirs[1] > ours[1]


def _column(column: Column) -> dict[str, Any]:
    found: dict[str, Any] = {
        "title": column.title,
        "type": column.type,
        "required": column.required,
        "value_set": column.value_set,
        "structural": column.is_structural,
        "multiple": column.is_multiple,
        "minimum": column.hard_min,
        "maximum": column.hard_max,
    }
    return {name: value for name, value in found.items() if value is not None and value is not False}


def _dataset(dataset: Dataset) -> dict[str, Any]:
    return {
        "title": dataset.title,
        "key": list(dataset.key),
        "scope": dataset.scope,
        "senders": dataset.senders,
        "columns": {column.name: _column(column) for column in dataset.columns},
    }


def summary() -> Summary:
    """Return the summary of the contract as it is."""
    return {
        "contract_version": contract_version(),
        "datasets": {name: _dataset(dataset) for name, dataset in datasets().items()},
        "value_sets": {name: list(value_set(name)) for name in value_set_names()},
    }


def as_text(found: Summary) -> str:
    """Return a summary as JSON with a line per column and per value set."""
    lines = ["{", f' "contract_version": "{found["contract_version"]}",', ' "datasets": {']
    blocks = []
    for name, dataset in found["datasets"].items():
        head = {key: value for key, value in dataset.items() if key != "columns"}
        columns = [f"   {_json(column)}: {_json(entry)}" for column, entry in dataset["columns"].items()]
        blocks.append(
            f'  {_json(name)}: {_json(head)[:-1]}, "columns": {{\n' + ",\n".join(columns) + "\n  }}"
        )
    lines += [",\n".join(blocks), " },", ' "value_sets": {']
    lines += [",\n".join(f"  {_json(name)}: {_json(codes)}" for name, codes in found["value_sets"].items())]
    return "\n".join([*lines, " }", "}"]) + "\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@cache
def frozen() -> Mapping[str, Summary]:
    """Return the released versions, version → summary, oldest first."""
    found = (json.loads(path.read_text("utf-8")) for path in SUMMARIES.glob("*.json"))
    ordered = sorted(found, key=lambda entry: as_numbers(entry["contract_version"]))
    return MappingProxyType({entry["contract_version"]: entry for entry in ordered})


def freeze() -> Path:
    """Write the summary of the contract as it is: from then on its version may not change any more.

    Raises `FileExistsError` when this version is frozen already.
    """
    path = SUMMARIES / f"{contract_version()}.json"
    SUMMARIES.mkdir(exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(as_text(summary()))
    return path


def changes(old: Summary, new: Summary) -> list[Change]:
    """Return every difference that a sender of `old` could notice in `new`, and what `new` adds."""
    return [*_dataset_changes(old["datasets"], new["datasets"]), *_code_changes(old, new)]


def _code_changes(old: Summary, new: Summary) -> Iterator[Change]:
    for name, codes in old["value_sets"].items():
        present = new["value_sets"].get(name, [])
        yield from (Change("code_gone", name, code) for code in codes if code not in present)
        yield from (Change("code_added", name, code) for code in present if code not in codes)


def _dataset_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name, before in old.items():
        after = new.get(name)
        if after is None:
            yield Change("dataset_gone", name)
            continue
        for attribute in ("key", "scope"):
            if before[attribute] != after[attribute]:
                yield Change("dataset_changed", name, detail=attribute)
        if after["senders"] not in (before["senders"], "city_or_unit"):
            yield Change("dataset_changed", name, detail="senders")
        yield from _column_changes(name, before["columns"], after["columns"])
    yield from (Change("dataset_added", name) for name in new if name not in old)


def _column_changes(owner: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name, before in old.items():
        after = new.get(name)
        if after is None:
            yield Change("column_gone", owner, name)
            continue
        for attribute in ("title", "type", "value_set", "multiple"):
            if before.get(attribute) != after.get(attribute):
                yield Change("column_changed", owner, name, attribute)
        for attribute in ("required", "structural"):
            if after.get(attribute) and not before.get(attribute):
                yield Change("column_demanded", owner, name, attribute)
        if _is_narrower(before, after):
            yield Change("column_changed", owner, name, "range")
    if [name for name in new if name in old] != [name for name in old if name in new]:
        yield Change("column_moved", owner)
    added = [name for name in new if name not in old]
    if added and list(new)[-len(added) :] != added:
        yield Change("column_moved", owner, detail="、".join(added))
    for name in added:
        yield Change("column_demanded" if new[name].get("required") else "column_added", owner, name)


def _is_narrower(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    infinity = float("inf")
    is_raised = new.get("minimum", -infinity) > old.get("minimum", -infinity)
    return is_raised or new.get("maximum", infinity) < old.get("maximum", infinity)


@dataclass(frozen=True)
class Release:
    """One version: its number, whether it is frozen, what it is about, and what it adds to the one before."""

    version: str
    is_frozen: bool
    about: Sequence[str]
    additions: Sequence[Change]


@cache
def changelog() -> tuple[Release, ...]:
    """Return every version, newest first.

    The texts stand in CHANGELOG.yaml; the additions are computed from the frozen summaries.
    """
    entries = yaml.safe_load(CHANGELOG.read_text("utf-8"))["versions"]
    summaries = {**frozen(), contract_version(): summary()}
    releases = []
    for entry in entries:
        version = str(entry["version"])
        earlier = [other for other in summaries if as_numbers(other) < as_numbers(version)]
        before = max(earlier, key=as_numbers, default=None)
        added = changes(summaries[before], summaries[version]) if before else []
        releases.append(Release(version, version in frozen(), tuple(entry["about"]), tuple(added)))
    return tuple(releases)


def main(arguments: list[str] | None = None) -> int:
    """Print what changed since the last frozen version, or with `--freeze` freeze this one.

    Returns 1 when something breaks the last frozen version, else 0.
    """
    parser = argparse.ArgumentParser(description="契约版本的变化 / what changed between contract versions")
    parser.add_argument("--freeze", action="store_true", help="冻结当前版本 / freeze the current version")
    if parser.parse_args(arguments).freeze:
        click.echo(str(freeze()))
        return 0
    last = list(frozen().values())[-1]
    found = changes(last, summary())
    for change in found:
        mark = "!" if change.is_breaking else "+"
        click.echo(" ".join(filter(None, (mark, change.kind, change.owner, change.item, change.detail))))
    return int(any(change.is_breaking for change in found))


if __name__ == "__main__":
    sys.exit(main())

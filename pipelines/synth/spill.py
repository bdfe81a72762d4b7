"""Rows of a slice on their way to the files: written once by the slice, read delivery by delivery.

Not here: files that anybody is sent (files.py).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import polars as pl

from pipelines.synth.deliver import Folder, Rows

_INDEX = "index.json"


class Source(Protocol):
    """Rows by dataset and delivery."""

    def folders(self, dataset: str, unit: int) -> list[Folder]:
        """Deliveries of a unit that take rows of a dataset."""
        ...

    def read(self, dataset: str, folder: Folder) -> pl.DataFrame:
        """The rows of a dataset that a delivery takes."""
        ...


class InMemory:
    """Rows that were never written."""

    def __init__(self, rows: dict[str, Rows]) -> None:
        self.rows = rows

    def folders(self, dataset: str, unit: int) -> list[Folder]:
        found = self.rows.get(dataset)
        return [folder for folder in found.parts if folder.unit == unit] if found else []

    def read(self, dataset: str, folder: Folder) -> pl.DataFrame:
        return self.rows[dataset].of(folder)


class OnDisk:
    """Rows that a slice has written to its folder: an Arrow file per dataset, a batch per delivery."""

    def __init__(self, path: Path) -> None:
        self.path = path
        index = json.loads((path / _INDEX).read_text(encoding="utf-8"))
        self.index: dict[str, dict[Folder, int]] = {
            name: {Folder(*folder): number for number, folder in enumerate(folders)}
            for name, folders in index.items()
        }
        self.readers: dict[str, Any] = {}

    def folders(self, dataset: str, unit: int) -> list[Folder]:
        return [folder for folder in self.index.get(dataset, ()) if folder.unit == unit]

    def read(self, dataset: str, folder: Folder) -> pl.DataFrame:
        import pyarrow as pa

        if dataset not in self.readers:
            self.readers[dataset] = pa.ipc.open_file(pa.OSFile(str(self.path / f"{dataset}.arrow")))
        batch = self.readers[dataset].get_batch(self.index[dataset][folder])
        return pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))


def write_rows(rows: dict[str, Rows], path: Path) -> None:
    """Write the rows of a slice to a folder that does not exist yet."""
    import pyarrow as pa

    path.mkdir(parents=True)
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    for name, found in rows.items():
        schema = found.frame.clear().to_arrow().schema
        with (
            pa.OSFile(str(path / f"{name}.arrow"), "wb") as file,
            pa.ipc.new_file(file, schema, options=options) as writer,
        ):
            for folder in found.parts:
                # One batch a delivery, so that its rows can be read alone.
                writer.write_batch(found.of(folder).rechunk().to_arrow().to_batches()[0])
    index = {name: list(found.parts) for name, found in rows.items()}
    (path / _INDEX).write_text(json.dumps(index), encoding="utf-8")

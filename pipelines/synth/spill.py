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
        self.dataset = ""
        self.file: Any = None
        self.reader: Any = None

    def folders(self, dataset: str, unit: int) -> list[Folder]:
        return [folder for folder in self.index.get(dataset, ()) if folder.unit == unit]

    def read(self, dataset: str, folder: Folder) -> pl.DataFrame:
        import pyarrow as pa

        if dataset != self.dataset:
            # One open file a slice, or many slices would use up what a process may open.
            if self.file is not None:
                self.file.close()
            self.dataset, self.file = dataset, pa.OSFile(str(self.path / f"{dataset}.arrow"))
            self.reader = pa.ipc.open_file(self.file)
        batch = self.reader.get_batch(self.index[dataset][folder])
        return pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))


def write_rows(rows: dict[str, Rows], path: Path) -> None:
    """Write the rows of a slice to a folder that does not exist yet."""
    import pyarrow as pa

    path.mkdir(parents=True)
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    for name, found in rows.items():
        table = found.frame.rechunk().to_arrow().combine_chunks()
        with (
            pa.OSFile(str(path / f"{name}.arrow"), "wb") as file,
            pa.ipc.new_file(file, table.schema, options=options) as writer,
        ):
            # One batch a delivery, so that its rows can be read alone.
            for first, count in found.parts.values():
                writer.write_batch(table.slice(first, count).to_batches()[0])
    index = {name: list(found.parts) for name, found in rows.items()}
    (path / _INDEX).write_text(json.dumps(index), encoding="utf-8")

"""Damaged deliveries beside those of a city, and what the intake has to say of each (truth/dirt.csv).

Not here: the single damages (damages.py) and the city itself (city.py).

A damaged delivery is one more delivery of a unit, sent in the hour before its ordinary one of that day; where
rows of it are accepted, a third delivery takes it back, so that the truth of the city stays what it is.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipelines.contract.model import Dataset, dataset
from pipelines.synth.damages import DAMAGES
from pipelines.synth.drafts import Draft, Ordinary, Sheet
from pipelines.synth.files import as_text, manifest, manifest_text, sm3
from pipelines.synth.places import CITY

_MOST_ROWS = 12
_STANDING = "contact_attempt"


def ordinary_files(inbox: Path) -> dict[str, list[Ordinary]]:
    """Files of ordinary deliveries of districts with at least three rows, by dataset."""
    found: dict[str, list[Ordinary]] = {}
    for path in sorted(inbox.glob("*/*/*-01/manifest.json")):
        sent = json.loads(path.read_text(encoding="utf-8"))
        if sent["unit"] == CITY:
            continue
        for entry in sent["files"]:
            if entry["rows"] >= 3:
                day = path.parent.parent.name
                one = Ordinary(sent["unit"], day, sent["batch"], path.parent / entry["path"], entry)
                found.setdefault(entry["dataset"], []).append(one)
    return found


def soil(root: Path, seed: int) -> int:
    """Add damaged deliveries to `root/inbox` and say in `root/truth/dirt.csv` what is to be found in them.

    Args:
        root: folder of a city, with inbox and truth.
        seed: which deliveries are damaged.

    Returns:
        Number of damaged deliveries.
    """
    files = ordinary_files(root / "inbox")
    generator = np.random.default_rng([seed, 77])
    lines: list[tuple[Any, ...]] = []
    count = 0
    for number, (kind, (name, damage)) in enumerate(DAMAGES.items(), start=1):
        if not files.get(name):
            continue
        # Not of the last day: what is taken back must be taken back by a later delivery of the same day.
        base = files[name][int(generator.integers(0, len(files[name])))]
        draft = damage(base, _copied(base), f"{base.day.replace('-', '')}-D{number:02d}")
        draft.minute = draft.minute or 20 * 60 + number % 55
        _write(root / "inbox", draft)
        if not draft.is_refused:
            _take_back(root / "inbox", draft)
        unit, day, batch = draft.folder or (draft.unit, draft.day, draft.batch)
        lines += [
            (unit, day, batch, one.file or None, one.row, one.code or None, one.column or None, kind)
            for one in draft.findings
        ]
        count += 1
    names = ["unit", "day", "batch", "file", "row", "reason_code", "column", "kind"]
    schema = dict.fromkeys(names, pl.String) | {"row": pl.Int64}
    pl.DataFrame(lines, schema=schema, orient="row").write_csv(root / "truth" / "dirt.csv")
    return count


def _copied(base: Ordinary) -> Sheet:
    """The first rows of an ordinary file."""
    frame = _read(base.path, base.entry, dataset(base.entry["dataset"]))
    texts = frame.head(_MOST_ROWS).select(pl.all().fill_null(""))
    return Sheet(base.entry["dataset"], frame.columns, [list(row) for row in texts.iter_rows()])


def _read(path: Path, entry: dict[str, Any], contract: Dataset) -> pl.DataFrame:
    """A delivered file as text under the contract's column names."""
    if entry["format"] == "parquet":
        frame = pl.read_parquet(path)
    elif entry["format"] == "xlsx":
        frame = pl.read_excel(path, engine="calamine", infer_schema_length=0)
    else:
        encoding = "gb18030" if entry["encoding"] == "gb18030" else "utf-8-sig"
        frame = pl.read_csv(io.StringIO(path.read_bytes().decode(encoding)), infer_schema=False)
    titles = {column.title: column.name for column in contract.columns}
    named = frame.rename({name: titles.get(name, name) for name in frame.columns})
    return as_text(named).cast(pl.String)


def _write(inbox: Path, draft: Draft) -> None:
    unit, day, batch = draft.folder or (draft.unit, draft.day, draft.batch)
    folder = inbox / unit / day / batch
    folder.mkdir(parents=True)
    entries = []
    for sheet in draft.sheets:
        content = sheet.bytes()
        if sheet.is_written:
            (folder / sheet.path).write_bytes(content)
        entries.append(
            {
                "path": sheet.path,
                "dataset": sheet.dataset,
                "format": "csv",
                "encoding": "utf-8",
                "rows": len(sheet.rows),
                "sm3": sm3(content),
            }
            | sheet.entry
        )
    for name, content in draft.unnamed.items():
        (folder / name).write_bytes(content)
    text = manifest_text(
        manifest(draft.unit, draft.batch, draft.day, draft.minute, entries, **draft.manifest)
    )
    text = text if draft.text is None else draft.text
    if text:
        (folder / "manifest.json").write_text(text, encoding="utf-8")


def _take_back(inbox: Path, draft: Draft) -> None:
    """A delivery of the same evening that withdraws the damaged one."""
    header = Sheet(_STANDING, list(dataset(_STANDING).column_names), [])
    batch = draft.batch.replace("-D", "-W")
    taking = Draft(draft.unit, draft.day, batch, [header], [], minute=22 * 60 + 30 + draft.minute % 29)
    taking.manifest = {"withdraws": [draft.batch]}
    _write(inbox, taking)

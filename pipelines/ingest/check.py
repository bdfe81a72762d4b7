"""Says what ingest would say of a delivery folder or of a single file, storing nothing.

Does not judge by itself: it calls the same code as ingest (`delivery.py`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pipelines.contract import model
from pipelines.contract.model import Dataset
from pipelines.ingest.delivery import examine
from pipelines.ingest.headers import known_share
from pipelines.ingest.limits import DEFAULT_LIMITS, Limits
from pipelines.ingest.manifest import Candidate, FileEntry, Manifest, read_candidate
from pipelines.ingest.outcome import DeliveryOutcome
from pipelines.ingest.raw import FileRefused
from pipelines.ingest.readers import FORMATS, file_sm3, open_file
from pipelines.ingest.senders import may_send
from pipelines.settings import TIME_ZONE, Settings

_LEAST_SHARE = 0.5


class NotCheckable(ValueError):
    """What was given cannot be checked; the message says why and what would do."""


def check_delivery(
    settings: Settings, folder: Path, scratch: Path, limits: Limits = DEFAULT_LIMITS
) -> DeliveryOutcome:
    """Judge a delivery folder.

    `scratch` is an empty folder for the work; its files `*.quarantined.parquet` then hold the rows that
    would be refused. A folder that does not lie in `<unit>/<day>/<batch>` yet is judged as if it did.
    """
    candidate = read_candidate(Path(folder).absolute(), limits, is_placed=False)
    return examine(settings, candidate, scratch, limits)


def check_file(
    settings: Settings,
    path: Path,
    scratch: Path,
    dataset: str | None = None,
    known_at: datetime | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> DeliveryOutcome:
    """Judge a single file as if a manifest named it rightly.

    The format follows from the suffix; a CSV file is read as UTF-8, else as GB 18030; the dataset is found
    by the header unless given. `known_at` (default: the file's own time) stands for the moment of sending:
    no birth lies after it.

    Raises `NotCheckable`: no such file, an unknown suffix or dataset, a header that fits no dataset.
    """
    path = Path(path).absolute()
    if not path.is_file():
        raise NotCheckable("没有这个文件，请核对路径。no such file; check the path.")
    format = path.suffix.lower().removeprefix(".")
    if format not in FORMATS:
        raise NotCheckable(
            f"只能检查 {'、'.join(FORMATS)} 文件，请先转换。only these formats can be checked."
        )
    if dataset is not None and dataset not in model.datasets():
        raise NotCheckable("契约中没有该数据集，请对照数据字典。the contract has no such dataset.")
    entry = FileEntry(path=path.name, dataset=dataset or "", format=format, rows=0, sm3=file_sm3(path))
    entry, titles = _readable(path, entry, limits)
    found = model.dataset(dataset) if dataset else _dataset_of(titles, path.stem)
    sent_at = known_at or datetime.fromtimestamp(path.stat().st_mtime, ZoneInfo(TIME_ZONE))
    manifest = Manifest(
        contract_version=model.contract_version(),
        unit=next(unit for unit in sorted(model.reference_units()) if may_send(unit, found)),
        batch="check",
        sent_at=sent_at.isoformat(timespec="seconds"),
        mode="delta",
        files=[entry.model_copy(update={"dataset": found.name})],
    )
    day = manifest.received_at.date()
    candidate = Candidate(
        path.parent, manifest.unit, day, day.isoformat(), "check", entry.sm3, manifest, None, False
    )
    outcome = examine(settings, candidate, scratch, limits)
    # the file's neighbours are no part of a delivery
    return replace(outcome, files=outcome.files[:1])


def _readable(path: Path, entry: FileEntry, limits: Limits) -> tuple[FileEntry, list[str]]:
    """The entry with the encoding that reads the file and its number of rows; and the header."""
    encodings = ("utf-8", "gb18030") if entry.format == "csv" else (None,)
    for encoding in encodings:
        attempt = entry.model_copy(update={"encoding": encoding})
        rows, titles = 0, []
        try:
            opened = open_file(path, attempt, limits)
            titles = opened.header
            for block in opened.blocks:
                rows += block.frame.height + len(block.malformed)
        except FileRefused as refused:
            if refused.code == "ENCODING_WRONG" and encoding != encodings[-1]:
                continue
        return attempt.model_copy(update={"rows": rows}), titles
    raise NotCheckable("文件无法读取，请重新导出。the file cannot be read; export it again.")


def _dataset_of(titles: list[str], stem: str) -> Dataset:
    """The dataset that knows most of the header; of several the one that the file's name names."""
    shares = {name: known_share(titles, dataset) for name, dataset in model.datasets().items()}
    best = max(shares.values())
    if not titles or best < _LEAST_SHARE:
        raise NotCheckable(
            "表头与任何数据集都不符，请指明数据集。the header fits no dataset; name the dataset."
        )
    found = [model.dataset(name) for name, share in shares.items() if share == best]
    named = [dataset for dataset in found if dataset.name in stem.lower() or dataset.title in stem]
    if len(found) > 1 and len(named) != 1:
        names = "、".join(dataset.name for dataset in found)
        raise NotCheckable(f"表头同时符合 {names}，请指明数据集。the header fits several datasets; name one.")
    return named[0] if named else found[0]

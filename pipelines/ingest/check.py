"""Says what ingest would say of a delivery folder or of a single file, storing nothing.

Does not judge by itself: it calls the same code as ingest (`delivery.py`). Not here: how it is said to people
(`check_text.py`) and what of a value may be shown (`mask.py`).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pipelines.contract import model
from pipelines.contract.model import Dataset
from pipelines.ingest.delivery import UNCOUNTED_ROWS, examine, examine_file
from pipelines.ingest.examples import Examples
from pipelines.ingest.headers import known_share
from pipelines.ingest.limits import DEFAULT_LIMITS, Limits
from pipelines.ingest.manifest import MANIFEST_NAME, Candidate, FileEntry, Manifest, read_candidate
from pipelines.ingest.outcome import DeliveryOutcome
from pipelines.ingest.raw import FileRefused
from pipelines.ingest.readers import FORMATS, open_file
from pipelines.ingest.rows import Weighed
from pipelines.ingest.senders import may_send
from pipelines.settings import TIME_ZONE, Settings
from pipelines.words import both

CLEAN, FINDINGS, UNREADABLE = "clean", "findings", "unreadable"

_LEAST_SHARE = 0.5
_HEAD_BYTES = 1024 * 1024
# of these nothing can be said but that they cannot be read
_UNREADABLE_CODES = (
    "MANIFEST_MISSING",
    "FILE_UNREADABLE",
    "FILE_EMPTY",
    "ENCODING_WRONG",
    "FILE_NOT_REGULAR",
)
_UNIT_FOLDER = re.compile(r"[0-9]{6}")
_DAY_FOLDER = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}")

Progress = Callable[[str, int], None]
"""Called after each block with the path of the file and the number of its rows so far."""


class NotCheckable(ValueError):
    """What was given cannot be checked; the message says in both languages why and what would do."""

    def __init__(self, chinese: str, english: str) -> None:
        super().__init__(both(chinese, english))


@dataclass(frozen=True)
class Checked:
    """What ingest would say, and the values behind it: file path → examples.

    `encoding` is how a single CSV file was read.
    """

    outcome: DeliveryOutcome
    examples: Mapping[str, Examples] = field(default_factory=dict)
    is_single: bool = False
    encoding: str | None = None

    @property
    def verdict(self) -> str:
        """`clean`: all would be accepted; `findings`: something refused; `unreadable`: nothing read."""
        outcome = self.outcome
        refusals = [outcome.refusal] if outcome.refusal else []
        if self.is_single:
            refusals += [file.refusal for file in outcome.files if file.refusal]
        if any(refusal.code in _UNREADABLE_CODES for refusal in refusals):
            return UNREADABLE
        return FINDINGS if outcome.has_findings else CLEAN


class _Watch:
    """Looks on while blocks are judged: collects examples and tells of progress."""

    def __init__(self, source_system: str | None, progress: Progress | None) -> None:
        self.examples: dict[str, Examples] = {}
        self._source_system = source_system
        self._progress = progress

    def __call__(self, entry: FileEntry, dataset: Dataset, weighed: Weighed, rows: int) -> None:
        if entry.path not in self.examples:
            self.examples[entry.path] = Examples(dataset, self._source_system)
        self.examples[entry.path].add(weighed)
        if self._progress is not None:
            self._progress(entry.path, rows)


def check_delivery(
    settings: Settings,
    folder: Path,
    scratch: Path,
    progress: Progress | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Checked:
    """Judge a delivery folder.

    `scratch` is an empty folder for the work; its files `*.quarantined.parquet` then hold the rows that
    would be refused. A folder that does not lie in `<unit>/<day>/<batch>` yet is judged as if it did.
    Whether the batch was used before is not known here.
    """
    folder = Path(folder).absolute()
    day, unit = folder.parent.name, folder.parent.parent.name
    is_placed = bool(_UNIT_FOLDER.fullmatch(unit) and _DAY_FOLDER.fullmatch(day))
    candidate = read_candidate(folder, limits, is_placed=is_placed)
    watch = _Watch(candidate.manifest.source_system if candidate.manifest else None, progress)
    return Checked(examine(settings, candidate, scratch, watch, limits), watch.examples)


def check_file(
    settings: Settings,
    path: Path,
    scratch: Path,
    dataset: str | None = None,
    known_at: datetime | None = None,
    source_system: str | None = None,
    progress: Progress | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Checked:
    """Judge a single file as if a manifest named it rightly; the outcome has its rows and SM3 digest.

    The format follows from the suffix; a CSV file is read as UTF-8, else as GB 18030; the dataset is found
    by the header unless given. `known_at` (default: the file's own time) stands for the moment of sending:
    no birth lies after it. `source_system`: whose codes the file has, as in a manifest.

    Raises `NotCheckable`: no such file, an unknown suffix or dataset, a header that fits no dataset.
    """
    path = Path(path).resolve()
    if not path.is_file():
        raise NotCheckable("没有这个文件或文件夹，请核对路径。", "no such file or folder; check the path.")
    format = path.suffix.lower().removeprefix(".")
    if format not in FORMATS:
        raise NotCheckable(
            f"只能检查 {'、'.join(FORMATS)} 文件，请先转换。",
            f"only {', '.join(FORMATS)} files can be checked; convert it first.",
        )
    if dataset is not None and dataset not in model.datasets():
        raise NotCheckable(
            "契约中没有该数据集，请对照数据字典。", "the contract has no such dataset; see the dictionary."
        )
    encodings = _encodings(path) if format == "csv" else (None,)
    for encoding in encodings:
        entry = FileEntry(
            path=path.name, dataset="", format=format, encoding=encoding, rows=UNCOUNTED_ROWS, sm3="0" * 64
        )
        found = model.dataset(dataset) if dataset else _dataset_of(_titles(path, entry, limits), path.stem)
        candidate = _candidate(
            path, entry.model_copy(update={"dataset": found.name}), known_at, source_system
        )
        watch = _Watch(source_system, progress)
        outcome = examine_file(settings, candidate, scratch, watch, limits)
        refusal = outcome.files[0].refusal
        if refusal is None or refusal.code != "ENCODING_WRONG":
            break
    return Checked(outcome, watch.examples, is_single=True, encoding=encoding)


def _candidate(
    path: Path, entry: FileEntry, known_at: datetime | None, source_system: str | None
) -> Candidate:
    """The delivery of this file alone, from a unit that may send it."""
    dataset = model.dataset(entry.dataset)
    sent_at = known_at or datetime.fromtimestamp(path.stat().st_mtime, ZoneInfo(TIME_ZONE))
    manifest = Manifest(
        contract_version=model.contract_version(),
        unit=next(unit for unit in sorted(model.reference_units()) if may_send(unit, dataset)),
        batch="check",
        sent_at=sent_at.isoformat(timespec="seconds"),
        source_system=source_system,
        mode="delta",
        files=[entry],
    )
    day = manifest.received_at.date()
    return Candidate(
        path.parent, manifest.unit, day, day.isoformat(), "check", entry.sm3, manifest, None, False
    )


def _encodings(path: Path) -> tuple[str, ...]:
    """Encodings to try: the beginning tells, unless it is ASCII and both are possible."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        raise NotCheckable(
            "文件无法打开，请核对读取权限。", "the file cannot be opened; check its permissions."
        ) from None
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(head)
    except UnicodeDecodeError:
        return ("gb18030",)
    return ("utf-8", "gb18030") if head.isascii() else ("utf-8",)


def _titles(path: Path, entry: FileEntry, limits: Limits) -> list[str]:
    try:
        return open_file(path, entry, limits).header
    except FileRefused:
        raise NotCheckable(
            "文件的表头无法读取，请重新导出；若表头无误，请指明数据集再查。",
            "the file's header cannot be read; export it again, or name the dataset to see more.",
        ) from None


def _dataset_of(titles: list[str], stem: str) -> Dataset:
    """The dataset that knows most of the header; of several the one in the file's name or all there."""
    shares = {name: known_share(titles, dataset) for name, dataset in model.datasets().items()}
    best = max(shares.values())
    if not titles or best < _LEAST_SHARE:
        raise NotCheckable(
            "表头与任何数据集都不符，请核对首行，或用 --dataset 指明数据集。",
            "the header fits no dataset; check the first line, or name the dataset with --dataset.",
        )
    found = [model.dataset(name) for name, share in shares.items() if share == best]
    named = [dataset for dataset in found if dataset.name in stem.lower() or dataset.title in stem]
    complete = [dataset for dataset in found if len(dataset.columns) == len(titles)]
    chosen = next((some for some in (found, named, complete) if len(some) == 1), None)
    if chosen is None:
        raise NotCheckable(
            f"表头同时符合 {'、'.join(dataset.name for dataset in found)}，请用 --dataset 指明其一。",
            f"the header fits {', '.join(dataset.name for dataset in found)}; name one with --dataset.",
        )
    return chosen[0]


def is_delivery(path: Path) -> bool:
    """Whether a path means a delivery: its folder, or the manifest in it."""
    return path.is_dir() or path.name == MANIFEST_NAME

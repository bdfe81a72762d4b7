"""The manifest of a delivery: strict parse, and the reasons for which a whole delivery is refused.

Does not open the files that the manifest names and knows no rivals (see `pending.py`).
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from pipelines.contract import model
from pipelines.ingest.inbox import MANIFEST_NAME, readable
from pipelines.ingest.limits import DEFAULT_LIMITS, Limits
from pipelines.settings import TIME_ZONE

_OFFSET_MOMENT = re.compile(
    r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,6})?)?(Z|[+-]\d{2}(:?\d{2})?)?$", re.ASCII
)
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$", re.ASCII)
_NAME_LENGTH = 64

BATCH_FORM = r"^[^\s/\\|.\x00-\x1f][^/\\|\x00-\x1f]{0,47}$"
"""A batch names a folder and a receipt and stands in `|`-joined lists."""

BatchName = Annotated[str, Field(pattern=BATCH_FORM)]


class FileEntry(BaseModel):
    """One file of the manifest; dataset, format and encoding are judged per file, not here."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")

    path: str = Field(min_length=1, max_length=1024)
    dataset: str = Field(max_length=_NAME_LENGTH)
    format: str = Field(max_length=_NAME_LENGTH)
    encoding: str | None = Field(default=None, max_length=_NAME_LENGTH)
    rows: int = Field(ge=0, le=10**12)
    sm3: str = Field(pattern=r"^[0-9A-Fa-f]{64}$")


class Manifest(BaseModel):
    """A manifest as the contract describes it; unknown keys are kept in `model_extra` and only named."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")

    contract_version: str = Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")
    unit: str = Field(pattern=r"^[0-9]{6}$")
    batch: BatchName
    sent_at: str
    source_system: str | None = Field(default=None, max_length=_NAME_LENGTH)
    mode: Literal["delta", "full"]
    withdraws: list[BatchName] = Field(default_factory=list)
    files: list[FileEntry]

    @field_validator("sent_at")
    @classmethod
    def _readable_moment(cls, value: str) -> str:
        local_moment(value)
        return value

    @property
    def received_at(self) -> datetime:
        """`sent_at` as naive local time (Asia/Shanghai)."""
        return local_moment(self.sent_at)

    @property
    def unknown_keys(self) -> tuple[str, ...]:
        """Names of keys the contract does not have, those of file entries as `files.<key>`; at most 20."""
        found = list(self.model_extra or {})
        for entry in self.files:
            found += [f"files.{key}" for key in entry.model_extra or {}]
        return tuple(name[:_NAME_LENGTH] for name in dict.fromkeys(found))[:20]


@dataclass(frozen=True)
class Refusal:
    """Why a delivery or a file is refused: a code of `reasons.py` and a detail without any value of a row."""

    code: str
    detail: str = ""


@dataclass(frozen=True)
class Candidate:
    """A delivery folder that was found, with its manifest or the reason why there is none to use.

    `delivery_sm3` is the SM3 digest of the manifest bytes; of a delivery whose folder and manifest disagree
    it is taken over the folder's place as well, so that a copy in a wrong folder never shares the id of the
    right one. `holds_batch`: the delivery takes part in the question which delivery owns (unit, batch).
    """

    folder: Path
    unit: str
    day: date | None
    day_text: str
    batch: str
    delivery_sm3: str
    manifest: Manifest | None
    refusal: Refusal | None
    holds_batch: bool

    @property
    def delivery_id(self) -> str:
        """First 16 hex digits of `delivery_sm3`."""
        return self.delivery_sm3[:16]

    @property
    def received_at(self) -> datetime | None:
        """Local `sent_at`; midnight of the folder's day when no manifest can be read."""
        if self.manifest is not None:
            return self.manifest.received_at
        return datetime(self.day.year, self.day.month, self.day.day) if self.day else None


def local_moment(text: str) -> datetime:
    """Read an ISO 8601 moment as naive local time (Asia/Shanghai); without an offset it is local already.

    Raises `ValueError` without the text in its message.
    """
    if not _OFFSET_MOMENT.match(text):
        raise ValueError("not an ISO 8601 moment")
    normal = text.replace(",", ".").replace("Z", "+00:00")
    try:
        moment = datetime.fromisoformat(normal)
        if moment.tzinfo is not None:
            moment = moment.astimezone(ZoneInfo(TIME_ZONE)).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise ValueError("not an ISO 8601 moment") from None
    return moment


def folder_day(text: str) -> date | None:
    """Read a folder name `YYYY-MM-DD`; None when it is no date of that form."""
    if not _DAY.match(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _no_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated key")
    return found


def parse_manifest(content: bytes) -> tuple[Manifest | None, Refusal | None]:
    """Parse manifest bytes; exactly one of the two results is set.

    The contract's major version is judged first, since another major may have another structure.
    """
    try:
        document = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_no_repeated_keys)
    except (ValueError, RecursionError):
        return None, Refusal("MANIFEST_MALFORMED", "JSON")
    if not isinstance(document, dict):
        return None, Refusal("MANIFEST_MALFORMED", "JSON")
    version = document.get("contract_version")
    known_major = model.contract_version().split(".")[0]
    if isinstance(version, str) and re.fullmatch(r"[0-9]{1,9}\.[0-9]+\.[0-9]+", version):
        major = version.split(".")[0]
        if major != known_major:
            return None, Refusal("CONTRACT_VERSION_UNKNOWN", version[:_NAME_LENGTH])
    try:
        return Manifest.model_validate(document), None
    except ValidationError as error:
        places = {".".join(str(part) for part in item["loc"])[:_NAME_LENGTH] for item in error.errors()}
        return None, Refusal("MANIFEST_MALFORMED", "、".join(sorted(places)[:10]))
    except RecursionError:
        return None, Refusal("MANIFEST_MALFORMED", "JSON")


def path_refusal(folder: Path, manifest: Manifest) -> Refusal | None:
    """Refuse a manifest that names a path outside its folder, also through a link, or one path twice."""
    seen: set[PurePosixPath] = set()
    root = folder.resolve()
    for entry in manifest.files:
        pure = PurePosixPath(entry.path)
        outside = pure.is_absolute() or ".." in pure.parts or "\\" in entry.path or "\0" in entry.path
        if outside or re.match(r"^[A-Za-z]:", entry.path):
            return Refusal("PATH_OUTSIDE")
        try:
            if not (folder / pure).resolve().is_relative_to(root):
                return Refusal("PATH_OUTSIDE")
        except (OSError, RuntimeError, ValueError):
            return Refusal("PATH_OUTSIDE")
        if pure in seen or pure == PurePosixPath(MANIFEST_NAME) or not pure.parts:
            return Refusal("MANIFEST_MALFORMED", "files.path")
        seen.add(pure)
    return None


def _read_bounded(path: Path, limit: int) -> bytes | None:
    """Bytes of a regular file up to `limit`; None when there is no such file or it is larger."""
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        content = file.read(limit + 1)
    return content if len(content) <= limit else None


def _sm3(content: bytes) -> str:
    return hashlib.new("sm3", content).hexdigest()


def _place(unit: str, day_text: str, batch: str) -> bytes:
    return f"{unit}/{day_text}/{batch}\n".encode()


def missing_sm3(unit: str, day_text: str, batch: str) -> str:
    """The digest that stands for a delivery folder without a manifest."""
    return _sm3(b"missing:" + _place(unit, day_text, batch))


def read_candidate(folder: Path, limits: Limits = DEFAULT_LIMITS, is_placed: bool = True) -> Candidate:
    """Read the delivery in `folder` = …/<unit>/<YYYY-MM-DD>/<batch> as far as its manifest and place.

    `is_placed` false: the folder need not lie where it will be sent to, so its place is taken from the
    manifest.
    """
    # a name that is no UTF-8 (unpacked from a GBK archive) can equal no batch, but it must have its receipt
    unit, day_text, batch = map(readable, (("",) * 3 + folder.parts)[-3:])
    day = folder_day(day_text)
    path = folder / MANIFEST_NAME

    def result(
        sm3: str, manifest: Manifest | None, refusal: Refusal | None, holds: bool = False
    ) -> Candidate:
        return Candidate(folder, unit, day, day_text, batch, sm3, manifest, refusal, holds)

    place = _place(unit, day_text, batch)
    try:
        content = _read_bounded(path, limits.manifest_bytes)
    except OSError:
        content = None
    if content is None:
        code = "MANIFEST_MALFORMED" if path.is_symlink() or path.exists() else "MANIFEST_MISSING"
        return result(missing_sm3(unit, day_text, batch), None, Refusal(code, "manifest.json"))
    manifest, refusal = parse_manifest(content)
    if manifest is None:
        return result(_sm3(place + content), None, refusal)
    if not is_placed:
        unit, batch, day = manifest.unit, manifest.batch, manifest.received_at.date()
        day_text = day.isoformat()
    if manifest.unit != unit or manifest.batch != batch:
        return result(_sm3(place + content), manifest, Refusal("FOLDER_MISMATCH"))
    if manifest.received_at.date() != day:
        return result(_sm3(place + content), manifest, Refusal("DAY_MISMATCH"))
    if manifest.unit not in model.reference_units():
        return result(_sm3(content), manifest, Refusal("UNIT_UNKNOWN"))
    return result(_sm3(content), manifest, path_refusal(folder, manifest), holds=True)

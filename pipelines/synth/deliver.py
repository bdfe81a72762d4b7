"""Deliveries on disk: rows split by unit and day, files in the three formats, manifests with SM3 digests.

Not here: what the rows say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pipelines.contract.model import Dataset, contract_version, dataset
from pipelines.synth.places import CITY
from pipelines.synth.world import World

SOURCE_SYSTEM = "SYNTH"
#: Units take turns: header language and encoding of CSV files.
_STYLES = (("zh", "utf-8"), ("en", "utf-8-sig"), ("zh", "gb18030"), ("en", "utf-8"), ("zh", "utf-8-sig"))
#: Feeds that every unit keeps up, with a header only when there was nothing to say.
STANDING_FEEDS = ("contact_attempt", "termination", "transfer", "reactivation", "amendment")


@dataclass
class Delivery:
    """One folder to write: its unit number (-1 = the city), day, batch suffix, mode and frames by dataset."""

    unit: int
    day: np.datetime64
    batch: str
    frames: dict[str, pl.DataFrame]
    mode: str = "delta"
    withdraws: list[str] = field(default_factory=list)
    minute: int = 0


def contract_frame(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    """Rows with exactly the contract's columns, in its order and types."""
    kinds: dict[str, Any] = {
        "string": pl.String,
        "integer": pl.Int64,
        "decimal": pl.Float64,
        "date": pl.Date,
        "timestamp": pl.Datetime("us"),
        "boolean": pl.Boolean,
    }
    columns = dataset(name).columns
    unknown = set(rows.columns) - {column.name for column in columns} - {"_unit", "_at", "copy", "_day"}
    if unknown:
        raise ValueError(f"columns that the contract does not know in {name}: {sorted(unknown)}")
    # Added as columns first: a selection of nothing but literals would make one row of no rows.
    absent = [
        pl.lit(None, dtype=kinds[column.type]).alias(column.name)
        for column in columns
        if column.name not in rows.columns
    ]
    return rows.with_columns(absent).select(_cast(column.name, kinds[column.type]) for column in columns)


def _cast(name: str, kind: Any) -> pl.Expr:
    column = pl.col(name).cast(kind)
    return column.fill_nan(None) if kind == pl.Float64 else column


def split_rows(world: World, rows: dict[str, pl.DataFrame]) -> list[Delivery]:
    """Ordinary deliveries: the latest state of each record by unit and delivery day.

    Rows dated after the last delivery are not sent. A record that changes twice between two deliveries is
    sent once, as it then stands.
    """
    units = range(-1, len(world.places.units))
    parts: dict[tuple[int, int], dict[str, pl.DataFrame]] = {
        (unit, number): {} for unit in units for number in range(len(world.days))
    }
    for name in sorted(rows):
        frame = rows[name]
        contract = dataset(name)
        number = np.searchsorted(world.days, frame["_at"].to_numpy().astype("datetime64[D]"))
        sent = frame.with_columns(_day=pl.Series(number, dtype=pl.Int64)).filter(
            pl.col("_day") < len(world.days)
        )
        sent = sent.sort("_unit", "_day", "_at", maintain_order=True).unique(
            ["_unit", "_day", *contract.key], keep="last", maintain_order=True
        )
        sent = sent.sort("_unit", "_day", *contract.key)
        for (unit, day), part in sent.partition_by(
            "_unit", "_day", as_dict=True, maintain_order=True, include_key=False
        ).items():
            parts[int(unit), int(day)][name] = contract_frame(part, name)
    for (unit, _), frames in parts.items():
        if unit >= 0:
            for name in STANDING_FEEDS:
                frames.setdefault(name, contract_frame(pl.DataFrame(schema={"_unit": pl.Int64}), name))
    return [
        Delivery(unit, world.days[number], "01", frames, minute=21 * 60 + 3 + (unit * 7) % 30)
        for (unit, number), frames in parts.items()
        if frames
    ]


def add_special_deliveries(world: World, ordinary: list[Delivery]) -> list[Delivery]:
    """Repeats, a withdrawal and a full delivery beside the ordinary ones.

    The second unit sends its visits of a month again word for word; the third takes a delivery back and
    sends it anew; the first sends the complete set of its diabetes follow-ups, without the deleted ones.
    """
    found = {(delivery.unit, str(delivery.day)): delivery for delivery in ordinary}
    days = world.days
    units = len(world.places.units)
    special: list[Delivery] = []
    if len(days) < 6:
        return ordinary
    repeated = found[min(1, units - 1), str(days[2])]
    if "encounter" in repeated.frames:
        frames = {"encounter": repeated.frames["encounter"]}
        special.append(Delivery(repeated.unit, days[3], "02", frames, minute=21 * 60 + 45))
    taken_back = found[min(2, units - 1), str(days[4])]
    first_batch = f"{str(days[4]).replace('-', '')}-01"
    special.append(
        Delivery(
            taken_back.unit, days[4], "02", taken_back.frames, withdraws=[first_batch], minute=21 * 60 + 50
        )
    )
    name = "dm_followup"
    history = [
        delivery.frames[name]
        for delivery in ordinary
        if delivery.unit == 0 and delivery.day <= days[-3] and name in delivery.frames
    ]
    if history:
        current = pl.concat(history).unique("record_id", keep="last", maintain_order=True)
        if world.deleted is not None:
            current = current.filter(~pl.col("record_id").is_in(world.deleted.implode()))
        frames = {name: current.sort("record_id")}
        special.append(Delivery(0, days[-3], "03", frames, mode="full", minute=22 * 60 + 10))
    return [*ordinary, *special]


def write_deliveries(world: World, deliveries: Iterable[Delivery], inbox: Path) -> pl.DataFrame:
    """Write every delivery below `inbox`.

    Returns:
        One row per file: unit, day, batch, dataset, rows.
    """
    written = []
    for delivery in deliveries:
        unit = CITY if delivery.unit < 0 else world.places.units[delivery.unit]
        day = str(delivery.day)
        batch = f"{day.replace('-', '')}-{delivery.batch}"
        folder = inbox / unit / day / batch
        folder.mkdir(parents=True, exist_ok=True)
        language, encoding = _STYLES[delivery.unit % len(_STYLES)]
        files = []
        for name in sorted(delivery.frames):
            frame = delivery.frames[name]
            entry = _write_file(
                folder, dataset(name), frame, world.plan.file_format, language, encoding, delivery.day
            )
            files.append(entry)
            written.append((unit, day, batch, name, frame.height))
        hour, minute = divmod(delivery.minute, 60)
        manifest = {
            "contract_version": contract_version(),
            "unit": unit,
            "batch": batch,
            "sent_at": f"{day}T{hour:02d}:{minute:02d}:00+08:00",
            "source_system": SOURCE_SYSTEM,
            "mode": delivery.mode,
            "withdraws": delivery.withdraws,
            "files": files,
        }
        text = json.dumps(manifest, ensure_ascii=False, indent=1)
        (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")
    return pl.DataFrame(written, schema=["unit", "day", "batch", "dataset", "rows"], orient="row")


def _write_file(
    folder: Path,
    contract: Dataset,
    frame: pl.DataFrame,
    file_format: str,
    language: str,
    encoding: str,
    day: np.datetime64,
) -> dict[str, Any]:
    titles = {column.name: column.title for column in contract.columns}
    named = frame.rename(titles) if language == "zh" else frame
    path = folder / f"{contract.name}.{file_format}"
    entry: dict[str, Any] = {"path": path.name, "dataset": contract.name, "format": file_format}
    if file_format == "csv":
        text = _as_text(named).write_csv()
        path.write_bytes(text.encode(encoding))
        entry["encoding"] = "gb18030" if encoding == "gb18030" else "utf-8"
    elif file_format == "parquet":
        named.write_parquet(path, compression="zstd", statistics=False)
    else:
        _write_xlsx(named, path, day)
    entry["rows"] = frame.height
    with path.open("rb") as stream:
        entry["sm3"] = hashlib.file_digest(stream, lambda: hashlib.new("sm3")).hexdigest()
    return entry


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Booleans as 1 and 0, moments with seconds, whole decimals without a tail."""
    return frame.with_columns(
        pl.selectors.boolean().cast(pl.Int8),
        pl.selectors.datetime().dt.strftime("%Y-%m-%d %H:%M:%S"),
    )


def _write_xlsx(frame: pl.DataFrame, path: Path, day: np.datetime64) -> None:
    """First sheet, values as text; created on the delivery's day, so that equal rows give equal bytes."""
    import xlsxwriter

    with xlsxwriter.Workbook(path, {"constant_memory": False}) as workbook:
        workbook.set_properties({"created": day.astype("datetime64[s]").item()})
        sheet = workbook.add_worksheet("Sheet1")
        sheet.write_row(0, 0, frame.columns)
        text = _as_text(frame).cast(pl.String)
        for number, values in enumerate(text.iter_rows(), start=1):
            for column, value in enumerate(values):
                if value is not None:
                    sheet.write_string(number, column, value)

"""What nobody may accept: rows that must be quarantined, files and deliveries that must be refused.

Not here: flawed facts in rows that are accepted (flaws.py, records.py) and the judgement (ingest).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from pipelines.contract.model import dataset
from pipelines.synth.deliver import Folder, Rows, special_folders
from pipelines.synth.files import as_text
from pipelines.synth.world import World

#: Broken rows per planted violation.
_SHARE = 0.15
_VISIT = "encounter"
_REGISTER = "chronic_register"
_PERSON = ("district_archive_id", "id_no", "birth_certificate_no", "mother_id_no")


class Breach(NamedTuple):
    """One way of breaking a row: the reason ingest gives (contract §1), the columns and what stands there."""

    reason_code: str
    dataset: str
    columns: tuple[str, ...]
    value: str | None
    #: Whether the value fits the column's type, so that Parquet can hold it.
    is_typed: bool = True
    #: Rows that share the breach.
    rows: int = 1


_BREACHES = (
    Breach("KEY_MISSING", _VISIT, ("record_id",), None),
    Breach("KEY_DOUBLED", _VISIT, (), None, rows=2),
    Breach("REQUIRED_MISSING", _VISIT, ("service_date",), None),
    Breach("REQUIRED_MISSING", _VISIT, ("org_code",), None),
    Breach("PERSON_MISSING", _VISIT, _PERSON, None),
    Breach("HARD_RANGE", _VISIT, ("sbp",), "1290"),
    Breach("STRUCTURAL_CODE_UNKNOWN", _REGISTER, ("disease_code",), "GOUT"),
    Breach("DATE_UNREADABLE", _VISIT, ("service_date",), "2025-02-30", is_typed=False),
    Breach("MOMENT_UNREADABLE", _VISIT, ("entered_at",), "昨天下午", is_typed=False),
    Breach("NUMBER_UNREADABLE", _VISIT, ("sbp",), "一百三", is_typed=False),
    Breach("BOOLEAN_UNREADABLE", _VISIT, ("is_free",), "不知道", is_typed=False),
)


@dataclass(frozen=True)
class BrokenRow:
    """A row to be quarantined, at the end of the file of its delivery.

    Attributes:
        dataset, folder: where it is sent.
        breach: what is wrong with it.
        row: the row before it was broken, one line of contract columns.
    """

    dataset: str
    folder: Folder
    breach: Breach
    row: pl.DataFrame

    def typed(self) -> pl.DataFrame:
        """The broken row in the columns' own types."""
        schema = self.row.schema
        return self.row.with_columns(
            pl.lit(self.breach.value).cast(schema[name]).alias(name) for name in self.breach.columns
        )

    def text(self) -> pl.DataFrame:
        """The broken row as text."""
        return (
            as_text(self.row)
            .cast(pl.String)
            .with_columns(
                pl.lit(self.breach.value, dtype=pl.String).alias(name) for name in self.breach.columns
            )
        )


def break_rows(world: World, delivered: dict[str, Rows]) -> list[BrokenRow]:
    """Rows beside the good ones that break the contract, under ids of their own; none without defects.

    Args:
        world: the slice.
        delivered: its good rows, which stay as they are.
    """
    if not world.plan.defects:
        return []
    breaches = [one for one in _BREACHES if one.is_typed or world.plan.file_format != "parquet"]
    each = max(1, round(world.plan.residents * world.plan.defects * _SHARE / len(breaches)))
    generator = world.random("broken rows")
    found = []
    for breach in breaches:
        rows = delivered[breach.dataset]
        places = _undisturbed(world, rows)
        if not places:
            continue
        for folder in (places[number] for number in generator.integers(0, len(places), size=each)):
            pattern = rows.of(folder)
            row = pattern[int(generator.integers(0, pattern.height))]
            key = world.new_ids("Q", 1).alias(dataset(breach.dataset).key[0])
            found += [BrokenRow(breach.dataset, folder, breach, row.with_columns(key))] * breach.rows
    return found


def _undisturbed(world: World, rows: Rows) -> list[Folder]:
    """Deliveries of the districts that nothing repeats or withdraws."""
    special = special_folders(world.share.city_units, len(world.days))
    taken = {(folder.unit, day) for folder in special.values() for day in (folder.day - 1, folder.day)}
    return [
        folder
        for folder in rows.parts
        if folder.unit >= 0 and folder.batch == "01" and (folder.unit, folder.day) not in taken
    ]


class Refusal(NamedTuple):
    """One way of spoiling a delivery: what is refused (file or delivery) and the reason ingest gives."""

    level: str
    reason_code: str


#: Deliveries of one file that are sent again and spoiled on the way.
REFUSED_DATASET = "contact_attempt"
_REFUSALS = (
    Refusal("file", "DIGEST_MISMATCH"),
    Refusal("file", "ROWS_MISMATCH"),
    Refusal("delivery", "CONTRACT_VERSION_UNKNOWN"),
)


def refused_folders(units: int, days: int, defects: float) -> dict[Folder, Refusal]:
    """Spoiled deliveries of the city, each a copy of what a unit has sent rightly; none without defects."""
    if not defects or days < 4:
        return {}
    return {
        Folder(min(number, units - 1), 2, f"{number + 4:02d}"): refusal
        for number, refusal in enumerate(_REFUSALS)
    }


def send_spoiled(world: World, delivered: dict[str, Rows]) -> None:
    """Let the spoiled deliveries take what the ordinary ones of the day have."""
    rows = delivered.get(REFUSED_DATASET)
    for folder in refused_folders(world.share.city_units, len(world.days), world.plan.defects):
        source = folder._replace(batch="01")
        if rows is not None and source in rows.parts:
            rows.parts[folder] = rows.parts[source]

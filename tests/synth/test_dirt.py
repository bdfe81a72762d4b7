"""What a dirty city says is damaged, the intake finds: every line, and no refusal or quarantine beside them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pipelines.ingest.pending import ingest_pending
from pipelines.ingest.reasons import REASONS
from pipelines.settings import Settings
from pipelines.synth.city import generate
from pipelines.synth.damages import DAMAGES
from pipelines.synth.dirt import soil

Line = tuple[str, str, str, str | None, int | None, str, str | None]


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> tuple[set[Line], set[Line], set[Line]]:
    """Planted lines, found refusals and quarantines, found warnings and identity issues."""
    root = tmp_path_factory.mktemp("dirty")
    generate(root, residents=900, units=2, first=date(2025, 1, 1), last=date(2025, 8, 31), seed=4, defects=0)
    assert soil(root, seed=4) == len(DAMAGES)
    settings = Settings.load(home=root / "home", inbox=root / "inbox")
    deliveries = ingest_pending(settings).deliveries
    refused = {
        (one.unit, one.day_text, one.batch, None, None, one.refusal.code, None)
        for one in deliveries
        if one.refusal
    } | {
        (one.unit, one.day_text, one.batch, file.path, None, file.refusal.code, None)
        for one in deliveries
        for file in one.files
        if file.refusal
    }
    days = {(one.unit, one.batch): one.day_text for one in deliveries if not one.refusal}
    refused |= lines(settings.quarantine, "reason_codes", days)
    noted = lines(settings.lake, "warning_codes", days) | lines(settings.lake, "identity_issue_codes", days)
    return planted(root), refused, noted


def planted(root: Path) -> set[Line]:
    """Lines of the truth that name something to be found."""
    table = pl.read_csv(root / "truth" / "dirt.csv", infer_schema=False)
    assert set(table["kind"]) == set(DAMAGES)
    known = table.filter(pl.col("reason_code").is_not_null()).with_columns(pl.col("row").cast(pl.Int64))
    return set(known.select("unit", "day", "batch", "file", "row", "reason_code", "column").rows())


def lines(folder: Path, column: str, days: dict[tuple[str, str], str]) -> set[Line]:
    """One line per row and code of the lake or the quarantine."""
    found = set()
    for path in sorted(folder.glob("*/unit=*/**/*.parquet")):
        frame = pl.read_parquet(path, hive_partitioning=False)
        if column not in frame.columns:
            continue
        names = ["delivery_unit", "delivery_batch", "delivery_file", "delivery_row", column]
        for unit, batch, file, row, codes in frame.select(names).drop_nulls(column).iter_rows():
            for text in codes.split("|"):
                code, _, name = text.partition(":")
                found.add((unit, days[unit, batch], batch, file, row, code, name or None))
    return found


def test_refusals_and_quarantines_are_exactly_the_planted_ones(dirty: tuple[set[Line], ...]) -> None:
    wanted, refused, _ = dirty
    assert refused == {line for line in wanted if REASONS[line[5]].level in ("delivery", "file", "row")}


def test_warnings_and_bad_numbers_are_named(dirty: tuple[set[Line], ...]) -> None:
    wanted, _, noted = dirty
    assert {line for line in wanted if REASONS[line[5]].level in ("value", "identity")} <= noted

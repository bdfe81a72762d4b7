"""A fresh home per test, and short ways to take a delivery in and to read what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.ingest import lake
from pipelines.ingest.limits import DEFAULT_LIMITS, Limits
from pipelines.ingest.outcome import DeliveryOutcome
from pipelines.ingest.pending import IngestSummary, ingest_pending
from pipelines.settings import Settings
from tests.deliveries import DeliveryBuilder


class Home:
    """One installation: settings, deliveries to be written, the lake to be read."""

    def __init__(self, path: Path) -> None:
        self.settings = Settings.load(path)

    def delivery(self, **fields: Any) -> DeliveryBuilder:
        """A delivery that will lie in this home's inbox."""
        return DeliveryBuilder(self.settings.inbox, **fields)

    def ingest(self, limits: Limits = DEFAULT_LIMITS, **options: Any) -> IngestSummary:
        """Take in what is pending."""
        return ingest_pending(self.settings, limits=limits, **options)

    def take_in(self, builder: DeliveryBuilder, limits: Limits = DEFAULT_LIMITS) -> DeliveryOutcome:
        """Write a delivery, take it in, return what became of it; both equations are checked on the way."""
        builder.write()
        (outcome,) = self.ingest(limits).deliveries
        for file in outcome.files:
            assert file.manifest_rows == file.accepted_rows + file.quarantined_rows + file.refused_rows
        return outcome

    def rows(self, dataset: str, *columns: str) -> pl.DataFrame:
        """Rows of the lake that belong to accepted deliveries, in the order of file and row."""
        register = lake.read_register(self.settings)
        accepted = register.filter(pl.col("delivery_status") == "accepted")["delivery_id"].unique().to_list()
        frame = pl.read_parquet(
            self.settings.lake / dataset / "**/*.parquet", hive_partitioning=False, missing_columns="raise"
        )
        frame = frame.filter(pl.col("delivery_id").is_in(accepted))
        frame = frame.sort("received_at", "delivery_batch", "delivery_file", "delivery_row")
        return frame.select(columns) if columns else frame

    def quarantine(self, *columns: str) -> pl.DataFrame:
        """Rows of the quarantine."""
        frame = pl.read_parquet(self.settings.quarantine / "**/*.parquet", hive_partitioning=False)
        frame = frame.sort("dataset", "received_at", "delivery_batch", "delivery_file", "delivery_row")
        return frame.select(columns) if columns else frame

    def receipt(self, outcome: DeliveryOutcome) -> dict[str, Any]:
        """The JSON receipt."""
        path = self.settings.feedback / outcome.unit / "receipts" / f"{outcome.day_text}-{outcome.batch}.json"
        return json.loads(path.read_text("utf-8"))

    def register(self) -> pl.DataFrame:
        """The register."""
        return lake.read_register(self.settings)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A fresh installation."""
    return Home(tmp_path / "home")


@pytest.fixture
def new_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Home]:
    """As many fresh installations as a test needs."""
    return lambda: Home(tmp_path_factory.mktemp("home"))

"""What is measured is what is meant: the same rows in every form, nearly all of them accepted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines.ingest.pending import ingest_pending
from pipelines.settings import Settings
from tests.benchmark.inputs import FORMS, write_input
from tests.benchmark.ratios import DATASETS
from tests.benchmark.stages import STAGES

ROWS = 3000


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_form_holds_the_same_rows(tmp_path: Path, dataset: str) -> None:
    found = set()
    for form in FORMS:
        path = write_input(tmp_path, dataset, ROWS, form)
        settings = Settings.load(tmp_path / form)
        target = settings.inbox / "500116" / "2026-01-07" / "1"
        target.mkdir(parents=True)
        shutil.copyfile(path, target / path.name)
        shutil.copyfile(path.with_suffix(".manifest.json"), target / "manifest.json")
        (outcome,) = ingest_pending(settings).deliveries
        (file,) = outcome.files
        found.add(
            (file.accepted_rows, file.quarantined_rows, file.reasons, file.warnings, file.identity_issues)
        )
    assert len(found) == 1
    (accepted, *_) = found.pop()
    assert 0.99 * ROWS < accepted <= ROWS


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_reports_its_cost(tmp_path: Path, stage: str) -> None:
    path = write_input(tmp_path, "htn_followup", ROWS, "utf-8")
    (folder := tmp_path / "work").mkdir()
    assert set(STAGES[stage](path, folder)) == {"processor", "clock", "memory"}

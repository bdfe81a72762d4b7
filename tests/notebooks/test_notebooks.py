"""Every notebook runs from top to bottom on the shared sample.

The sample run is the fixture of tests/conftest.py.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, sample_run, monkeypatch, capsys) -> None:
    monkeypatch.setenv("YUDANG_HOME", str(sample_run.home))
    names: dict[str, object] = {}
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for number, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            exec(compile(source, f"{path.name}#{number}", "exec"), names)
    assert capsys.readouterr().out.strip()

"""The site key names; it decides nothing: the same lake under another key gives the same figures."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import keys
from pipelines.settings import Settings
from pipelines.warehouse import control, dbt
from pipelines.workspace import RunOptions, Workspace, start_build
from tests.acceptance.conftest import REPOSITORY, Told

pytestmark = pytest.mark.whole_run

# not pseudonyms: clear keys of the identity layer and of the lake, which are what was sent
CLEAR_KEYS = {
    "identity_key",
    "from_key",
    "number_key",
    "record_key",
    "own_key",
    "left_key",
    "right_key",
    "mother_key",
}


def without_keys(path: Path) -> dict[str, Counter[Any]]:
    """Table → rows of the marts without their pseudonyms, as a multiset."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as city (read_only); use city")
        found = {}
        for (table,) in connection.sql(
            "select table_name from duckdb_tables() where schema_name = 'marts'"
        ).fetchall():
            kept = [
                row[0]
                for row in connection.execute(
                    "select column_name from duckdb_columns() where schema_name = 'marts' and table_name = ? "
                    "and not ends_with(column_name, '_key') and column_name <> 'ruleset_version'",
                    [table],
                ).fetchall()
            ]
            rows = connection.sql(f"select {', '.join(kept)} from marts.{table}").fetchall()
            found[table] = Counter(rows)
    return found


def test_another_site_key_changes_no_figure(told: Told, tmp_path: Path) -> None:
    home = tmp_path / "home"
    for folder in ("lake", "quarantine"):
        shutil.copytree(told.home / folder, home / folder)
    settings = Settings.load(home=home)
    settings.spill.mkdir()
    keys.make_site_key(settings)
    assert settings.site_key_file.read_bytes() != (told.home / "keys" / "site.key").read_bytes()
    ground = Workspace(settings, RunOptions())
    settings.build.mkdir()
    start_build(ground)
    control.write(ground)
    environment = {**os.environ, **dbt.build_environment(ground)}
    arguments = [*dbt.GLOBAL_FLAGS, "build", "--exclude-resource-type", "unit_test", "test", "--threads", "2"]
    done = subprocess.run(
        [*dbt.command(settings), *arguments],
        cwd=settings.dbt_project_dir,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]

    before, after = without_keys(told.home / "marts" / "marts.duckdb"), without_keys(ground.marts_build)
    assert set(before) == set(after)
    differing = {
        table: (
            list((before[table] - after[table]).items())[:3],
            list((after[table] - before[table]).items())[:3],
        )
        for table in before
        if before[table] != after[table]
    }
    assert differing == {}


def test_no_model_orders_by_a_pseudonym() -> None:
    """Ties are broken by what was sent; an order by a pseudonym would change with the site key."""
    named = re.compile(r"\b(?:\w+\.)?(\w+_key)\b")
    found = []
    models = sorted((REPOSITORY / "dbt_project" / "models").rglob("*.sql"))
    for path in models:
        text = path.read_text(encoding="utf-8")
        for start in (match.end() for match in re.finditer(r"\border by\b", text)):
            depth, end = 0, start
            while end < len(text) and depth >= 0:
                depth += {"(": 1, ")": -1}.get(text[end], 0)
                end += 1
            for name in named.findall(text[start:end]):
                if name not in CLEAR_KEYS:
                    found.append(f"{path.name}: order by … {name}")
        for name, other in re.findall(r"(\w+_key) [<>]=? \w+\.(\w+_key)", text):
            if name not in CLEAR_KEYS or other not in CLEAR_KEYS:
                found.append(f"{path.name}: {name} compared with {other}")
    assert found == []
    assert len(models) > 100

"""The one call of dbt: arguments, environment, what is read of its events. No dbt runs here."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pipelines.settings import Settings
from pipelines.warehouse import dbt
from pipelines.workspace import RunOptions, Workspace


@pytest.fixture
def ground(tmp_path: Path) -> Workspace:
    return Workspace(Settings.load(home=tmp_path, environment={}, threads=3), RunOptions())


def test_one_build_without_unit_tests_and_without_a_log_file(ground: Workspace) -> None:
    arguments = dbt.build_arguments(ground.settings)
    assert arguments.count("build") == 1
    assert arguments[arguments.index("--exclude-resource-type") + 1] == "unit_test"
    assert arguments[arguments.index("--log-level-file") + 1] == "none"
    assert arguments[arguments.index("--threads") + 1] == "3"
    assert "--no-send-anonymous-usage-stats" in arguments
    assert not {"--select", "--exclude", "--vars", "--full-refresh"} & set(arguments)


def test_every_path_of_the_build_lies_below_home(ground: Workspace) -> None:
    environment = dbt.build_environment(ground)
    below_home = {name: value for name, value in environment.items() if name.startswith("YUDANG_")}
    for name in ("YUDANG_TARGET", "YUDANG_MEMORY_LIMIT", "YUDANG_THREADS"):
        below_home.pop(name)
    outside = {
        name for name, value in below_home.items() if not Path(value).is_relative_to(ground.settings.home)
    }
    assert outside == set()
    assert Path(environment["DBT_TARGET_PATH"]).is_relative_to(ground.settings.home)


def test_the_profile_and_the_sources_read_no_variable_that_the_build_does_not_set(ground: Workspace) -> None:
    import re

    project = ground.settings.dbt_project_dir
    read = {
        name
        for path in [*dbt.project_files(project)]
        for name in re.findall(r"env_var\(\s*[\"'](\w+)", path.read_text(encoding="utf-8"))
    }
    assert read - set(dbt.build_environment(ground)) == set()


def test_dbt_is_the_one_beside_this_python() -> None:
    assert dbt.executable().parent == Path(sys.executable).parent


def event(name: str, status: str, unique_id: str = "model.yudang.x", text: str = "") -> str:
    return json.dumps(
        {
            "info": {"name": name, "level": "error" if status == "error" else "info", "msg": text},
            "data": {"node_info": {"unique_id": unique_id, "node_status": status}, "msg": text},
        }
    )


def test_failures_are_named_without_values(ground: Workspace) -> None:
    build = dbt.Build(ground)
    assert build._read(event("LogModelResult", "success")) is not None
    assert build._read(event("LogModelResult", "error", "model.yudang.broken")) is not None
    build._read(
        event(
            "RunResultError",
            "error",
            "model.yudang.broken",
            "Conversion Error: Could not convert string '甴曱麤龘' to DATE",
        )
    )
    assert build._read("not json at all") is None
    build.returncode = 1
    with pytest.raises(dbt.DbtError, match=r"1 node.*broken.*Conversion Error") as caught:
        build.require_success()
    assert "甴曱" not in str(caught.value)


def test_a_build_that_dies_without_a_word_is_a_failure(ground: Workspace) -> None:
    build = dbt.Build(ground)
    build.returncode = 2
    with pytest.raises(dbt.DbtError, match="code 2"):
        build.require_success()


def test_a_warning_is_no_failure(ground: Workspace) -> None:
    build = dbt.Build(ground)
    build._read(event("LogTestResult", "warn", "test.yudang.t"))
    build.returncode = 0
    build.require_success()


def test_the_project_is_parsed_again_only_when_a_file_changes(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    for name in ("dbt_project.yml", "profiles.yml", "models/a.sql"):
        (project / name).write_text("x", encoding="utf-8")
    first = dbt.project_digest(project)
    (project / "models" / "a.sql").touch()
    (project / "target").mkdir()
    (project / "target" / "b.sql").write_text("made by dbt", encoding="utf-8")
    assert dbt.project_digest(project) == first
    (project / "models" / "a.sql").write_text("y", encoding="utf-8")
    assert dbt.project_digest(project) != first

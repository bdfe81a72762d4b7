"""What the commands say to wrong options and in an empty home; nothing is built here."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from pipelines.cli import main

COMMANDS = ("synth", "run", "query", "status", "serve", "key")


def call(*arguments: str, home: Path):
    return CliRunner().invoke(main, list(arguments), env={"YUDANG_HOME": str(home)})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, tmp_path: Path) -> None:
    listed = call("--help", home=tmp_path)
    assert command in listed.output
    assert call(command, "--help", home=tmp_path).exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--unit", "999999"),
        ("run", "--day", "30.6.2026"),
        ("run", "--as-of", "2026-02-30"),
        ("run", "--known-at", "soon"),
        ("run", "--set", "service_entry_days"),
        ("run", "--set", "no_such_parameter=1"),
        ("run", "--set", "service_entry_days=many"),
        ("run", "--inbox", "/no/such/folder"),
        ("run", "--target", "spork"),
        ("run", "--lang", "de"),
        ("synth", "--residents", "0", "--out", "x"),
        ("query", "select 1"),
        ("nonsense",),
    ],
)
def test_what_cannot_be_used_is_a_usage_error(arguments: tuple[str, ...], tmp_path: Path) -> None:
    answer = call(*arguments, home=tmp_path)
    assert answer.exit_code == 2, answer.output
    assert "Traceback" not in answer.output


def test_a_home_without_a_run_is_told_what_to_do(tmp_path: Path) -> None:
    answer = call("status", home=tmp_path / "new")
    assert answer.exit_code == 0
    assert "yudang run" in answer.output


def test_a_key_is_made_once(tmp_path: Path) -> None:
    assert call("key", "check", home=tmp_path).exit_code == 2
    assert call("key", "new", home=tmp_path).exit_code == 0
    assert call("key", "check", home=tmp_path).exit_code == 0
    again = call("key", "new", home=tmp_path)
    assert again.exit_code == 2
    assert "假名" in again.output

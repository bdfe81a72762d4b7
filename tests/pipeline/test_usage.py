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


@pytest.mark.parametrize(
    ("arguments", "said", "way_out"),
    [
        (("run", "--unit", "999999"), "999999", "六位代码"),
        (("run", "--as-of", "2026-02-30"), "--as-of", "2026-06-30"),
        (("run", "--as-of", "1900-01-01"), "--as-of", "1990-01-01"),
        (("run", "--known-at", "soon"), "soon", "YYYY-MM-DD"),
        (("run", "--set", "transfer_confirm_days"), "transfer_confirm_days", "参数=值"),
        (("run", "--set", "transfer_confirm_day=1"), "transfer_confirm_day", "transfer_confirm_days"),
        (("run", "--set", "transfer_confirm_days=many"), "transfer_confirm_days", "整数"),
        (("run", "--inbox", "/no/such/folder"), "--inbox", "核对路径"),
        (("run", "--target", "spork"), "--target", "没有选项"),
        (("synth", "--residents", "0", "--out", "x"), "--residents", "不小于 1"),
        (("synth", "--out", "x"), "--residents", "补上"),
        (("query", "select 1", "select 2"), "select 2", "多余"),
        (("nonsense",), "nonsense", "没有命令"),
    ],
)
def test_a_usage_error_is_chinese_with_the_way_out_and_english_on_demand(
    arguments: tuple[str, ...], said: str, way_out: str, tmp_path: Path
) -> None:
    answer = call(*arguments, home=tmp_path)
    assert answer.exit_code == 2
    first, last = answer.output.splitlines()[-2:]
    assert first.startswith("用法错误：") and said in first and way_out in first, answer.output
    assert last.startswith("全部选项见 ") and last.endswith("--help")
    english = call("--lang", "en", *arguments, home=tmp_path)
    assert english.exit_code == 2
    assert said in english.output and english.output.isascii(), english.output


def test_the_language_may_stand_behind_the_option_that_is_wrong(tmp_path: Path) -> None:
    answer = call("run", "--as-of", "2026-02-30", "--lang", "en", home=tmp_path)
    assert answer.exit_code == 2 and answer.output.isascii()


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

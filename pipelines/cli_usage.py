"""What a wrong command line is told: one sentence with the way out, in the language asked for.

Not here: errors of a run (pipelines.run, pipelines.summary).
"""

from __future__ import annotations

import os

import click

from pipelines.settings import LANGUAGES
from pipelines.words import spoken


def language_of(context: click.Context | None) -> str:
    """The language given on the command line, as far as it was read, else that of the environment."""
    while context is not None:
        given = context.params.get("language")
        if given:
            return str(given)
        context = context.parent
    found = os.environ.get("YUDANG_LANG", "zh")
    return found if found in LANGUAGES else "zh"


def usage_text(error: click.UsageError) -> str:
    """Sentence and way out; Click's own English texts only where English is asked for."""
    language = language_of(error.ctx)
    command = error.ctx.command_path if error.ctx else "yudang"
    if language == "en":
        return f"error: {spoken(error.format_message(), 'en')}\nsee `{command} --help`"
    return f"用法错误：{_chinese(error)}\n全部选项见 {command} --help"


def _chinese(error: click.UsageError) -> str:
    if isinstance(error, click.NoSuchOption):
        meant = f"，是否要写 {'、'.join(error.possibilities)}" if error.possibilities else ""
        return f"没有选项 {error.option_name}{meant}。"
    if isinstance(error, click.MissingParameter):
        return f"缺少 {_name(error)}，请补上。"
    if isinstance(error, click.BadParameter):
        return f"{_name(error)} 的值不可用，{_way_out(error)}。"
    if isinstance(error, click.BadOptionUsage):
        return f"选项 {error.option_name} 缺少值或用法有误，请改正。"
    if error.message.startswith("No such command"):
        return f"没有命令{error.message.removeprefix('No such command').rstrip('.')}，请用下面的命令查看。"
    if error.message.startswith("Got unexpected extra argument"):
        return f"有多余的参数{error.message.partition('(')[2].rstrip(')').join(('（', '）'))}，请去掉。"
    return spoken(error.message, "zh")


def _name(error: click.BadParameter) -> str:
    names = error.param.opts if error.param else []
    return next((name for name in names if name.startswith("--")), error.param_hint or "参数")  # type: ignore[return-value]


def _way_out(error: click.BadParameter) -> str:
    kind = error.param.type if error.param else None
    if isinstance(kind, click.DateTime):
        return "请写真实存在的日期，形如 2026-06-30"
    if isinstance(kind, click.Choice):
        return f"可选：{'、'.join(str(choice) for choice in kind.choices)}"
    if isinstance(kind, click.Path):
        return "没有这个文件或目录，请核对路径"
    if isinstance(kind, (click.IntRange, click.FloatRange)):
        low = "" if kind.min is None else f"不小于 {kind.min}"
        high = "" if kind.max is None else f"不大于 {kind.max}"
        return f"须为{'、'.join(part for part in (low, high) if part)}的数"
    return f"须为{'整数' if kind is click.INT else '有效的值'}（{error.message.rstrip('.')}）"

"""The command `yudang check`: what ingest would say of a delivery or a file, before it is sent.

Not here: the judgement (pipelines.ingest) and the wording (pipelines.ingest.check_text).
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli import Words, _language, language_option
from pipelines.words import both, spoken

if TYPE_CHECKING:
    from pipelines.ingest.check import Checked, Progress

EXITS = {"clean": 0, "unreadable": 2, "findings": 3}
"""Verdict → exit code."""

_MEMORY_LIMIT = "256MB"
_COLOURS = {"good": "green", "bad": "red", "warn": "yellow"}


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "json_path", type=click.Path(dir_okay=False, allow_dash=True), default=None,
              metavar="FILE", help="另写机读结果，- 为标准输出 / machine form, - for stdout")  # fmt: skip
@click.option("--dataset", default=None, metavar="NAME",
              help="单个文件的数据集，默认由表头判断 / dataset of a single file")  # fmt: skip
@click.option("--source-system", default=None, metavar="NAME",
              help="单个文件的来源系统，其代码另有对照 / whose codes a single file has")  # fmt: skip
@language_option
@click.pass_context
def check(
    context: click.Context,
    path: Path,
    json_path: str | None,
    dataset: str | None,
    source_system: str | None,
    language: str | None,
) -> None:
    """报送前自查：收取时会怎样判定，不存储任何内容。 What ingest would say, storing nothing.

    PATH 为报送文件夹或单个文件。退出码：0 全部接收，3 有问题，2 无法读取。
    PATH is a delivery folder or one file. Exit codes: 0 clean, 3 findings, 2 unreadable.
    """
    words = Words(_language(context, language))
    if path.is_dir() and (dataset or source_system):
        raise click.UsageError(
            both(
                "文件夹的数据集和来源系统由清单说明，请去掉该选项。",
                "the manifest names datasets and source system of a folder; leave the option out",
            ),
            context,
        )
    from pipelines.ingest.check import NotCheckable
    from pipelines.ingest.check_document import as_document, not_checkable
    from pipelines.ingest.check_text import as_text

    try:
        with _scratch() as scratch, _counter(words) as progress:
            document = as_document(_checked(path, scratch, dataset, source_system, progress), path.name)
    except NotCheckable as error:
        document = not_checkable(error, path.name)
        click.echo(spoken(str(error), words.language), err=True)
        _write(document, json_path)
    else:
        if json_path != "-":
            mark = _marked if sys.stdout.isatty() else None
            click.echo(as_text(document, words, mark) if mark else as_text(document, words), nl=False)
        _write(document, json_path)
    raise SystemExit(EXITS[document["verdict"]])


def _checked(
    path: Path, scratch: Path, dataset: str | None, source_system: str | None, progress: Progress | None
) -> Checked:
    from pipelines.ingest.check import check_delivery, check_file, is_delivery
    from pipelines.settings import Settings

    # whatever DuckDB spills lies in the scratch folder, and what it holds in memory is little
    settings = Settings.load(scratch / "home", memory_limit=_MEMORY_LIMIT)
    work = scratch / "work"
    work.mkdir()
    if is_delivery(path):
        folder = path if path.is_dir() else path.parent
        return check_delivery(settings, folder, work, progress)
    return check_file(settings, path, work, dataset=dataset, source_system=source_system, progress=progress)


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder of this user alone that is gone at the end, also when the command is interrupted or ended."""
    folder = Path(tempfile.mkdtemp(prefix="yudang-check-"))
    previous = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _end(number: int, frame: Any) -> None:
    del frame
    raise SystemExit(128 + number)


@contextmanager
def _counter(words: Words) -> Iterator[Progress | None]:
    """Rows so far, on one line that is wiped at the end; only on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return

    def show(name: str, rows: int) -> None:
        click.echo(
            "\r\033[K" + words(f"已检查 {rows:,} 行  {name}", f"{rows:,} rows  {name}"), nl=False, err=True
        )

    try:
        yield show
    finally:
        click.echo("\r\033[K", nl=False, err=True)


def _marked(kind: str, text: str) -> str:
    return click.style(text, fg=_COLOURS.get(kind), bold=kind == "head" or None, dim=kind == "dim" or None)


def _write(document: dict[str, Any], target: str | None) -> None:
    if target is None:
        return
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    if target == "-":
        click.echo(text, nl=False)
    else:
        try:
            Path(target).write_text(text, encoding="utf-8")
        except OSError:
            raise click.UsageError(
                both(
                    f"无法写入 {target}，请换一个位置。", f"{target} cannot be written; choose another place"
                )
            ) from None

"""The command line `yudang`: options in, one call, words out.

Not here: what the commands do; heavy imports wait until a command needs them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import click

from pipelines import __version__
from pipelines.settings import LANGUAGES, Settings, SettingsError
from pipelines.words import both, spoken

EXIT_USAGE = 2


class Words:
    """Says things in the chosen language."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, chinese: str, english: str) -> str:
        return english if self.language == "en" else chinese


def _language(context: click.Context, given: str | None) -> str:
    found = given or (context.find_root().params.get("language")) or Settings.load().language
    return str(found)


def language_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--lang`, on every command as well as before it."""
    return click.option(
        "--lang",
        "language",
        type=click.Choice(LANGUAGES),
        default=None,
        # read first, so that what is said of other options is said in it
        is_eager=True,
        help="消息语言 / language of messages",
    )(command)


def _settings(context: click.Context, language: str | None, **overrides: Any) -> tuple[Settings, Words]:
    try:
        chosen = _language(context, language)
        return Settings.load(language=chosen, **overrides), Words(chosen)
    except SettingsError as error:
        raise click.UsageError(str(error), context) from None


def _show_progress() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", datefmt="%H:%M:%S"))
    logger = logging.getLogger("yudang")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def _stop(code: int, message: str) -> NoReturn:
    click.echo(message, err=True)
    raise SystemExit(code)


class LazyGroup(click.Group):
    """A group whose commands are imported only when they are called or listed."""

    modules: ClassVar[dict[str, str]] = {
        "check": "pipelines.cli_check:check",
        "dictionary": "pipelines.cli_contract:dictionary",
        "key": "pipelines.cli_key:key",
        "template": "pipelines.cli_contract:template",
    }

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Say what is wrong with a command line in the language asked for; exit codes are Click's."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            raise SystemExit(error.exit_code) from None
        except click.UsageError as error:
            from pipelines.cli_usage import usage_text

            _stop(error.exit_code, usage_text(error))
        except click.ClickException as error:
            error.show()
            raise SystemExit(error.exit_code) from None
        except click.Abort:
            _stop(1, "已中止 / aborted")
        raise SystemExit(code if isinstance(code, int) else 0)

    def list_commands(self, context: click.Context) -> list[str]:
        """Own commands and lazy ones, sorted."""
        return sorted({*super().list_commands(context), *self.modules})

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import a lazy group on demand."""
        target = self.modules.get(name)
        if target is None:
            return super().get_command(context, name)
        from importlib import import_module

        module, _, attribute = target.partition(":")
        return getattr(import_module(module), attribute)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="yudang")
@language_option
def main(language: str | None) -> None:
    """渝档：居民电子健康档案数据管道与分析仓库。 Pipeline and warehouse of residents' health archives."""
    del language


@main.command()
@click.option("--residents", type=click.IntRange(min=1), required=True, help="居民人数 / number of residents")
@click.option("--units", type=click.IntRange(1, 41), default=5, show_default=True, help="区县数 / districts")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), default="2025-01-01", show_default=True,
              help="首个报送日 / first day")  # fmt: skip
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), default="2026-06-30", show_default=True,
              help="最后报送日 / last day")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="随机种子 / random seed")
@click.option("--defects", type=click.FloatRange(0, 1), default=0.02, show_default=True,
              help="带有预置问题的居民比例 / share of residents with a planted defect")  # fmt: skip
@click.option("--format", "file_format", type=click.Choice(["csv", "parquet", "xlsx"]), default="csv",
              show_default=True, help="文件格式 / file format")  # fmt: skip
@click.option("--dirty", is_flag=True,
              help="另加有缺陷的报送，所缺见 truth/dirt.csv / add damaged deliveries")  # fmt: skip
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True,
              help="输出目录 / target folder")  # fmt: skip
@language_option
@click.pass_context
def synth(
    context: click.Context,
    residents: int,
    units: int,
    first: datetime,
    last: datetime,
    seed: int,
    defects: float,
    file_format: str,
    dirty: bool,
    out: Path,
    language: str | None,
) -> None:
    """生成合成城市的报送与真值。 Make a synthetic city as deliveries, with the truth beside."""
    settings, words = _settings(context, language)
    _show_progress()
    from pipelines.synth.city import generate
    from pipelines.workspace import PROGRESS

    del settings
    try:
        summary = generate(
            out,
            residents=residents,
            units=units,
            first=first.date(),
            last=last.date(),
            seed=seed,
            defects=defects,
            file_format=file_format,
            progress=PROGRESS.info,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if dirty:
        from pipelines.synth.dirt import soil

        damaged = soil(out, seed)
        click.echo(words(f"另有 {damaged} 个有缺陷的报送", f"{damaged} damaged deliveries beside them"))
    click.echo(
        words(
            f"已生成 {summary.residents} 名居民、{summary.deliveries} 个报送、{summary.rows} 行：{out}",
            f"{summary.residents} residents, {summary.deliveries} deliveries, {summary.rows} rows: {out}",
        )
    )


@main.command()
@click.option("--inbox", type=click.Path(file_okay=False, exists=True, path_type=Path), default=None,
              help="收件箱目录 / inbox folder")  # fmt: skip
@click.option("--unit", default=None, help="只接收该报送单位 / only this reporting unit")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), default=None, help="只接收该日 / only this day")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), default=None,
              help="评价日期，默认湖中最新一日 / evaluation date, default the latest day")  # fmt: skip
@click.option("--known-at", default=None,
              help="认知截止时刻，默认最新报送时间 / cut-off, default the latest sent_at")  # fmt: skip
@click.option("--set", "assignments", multiple=True, metavar="P=V",
              help="参数覆盖，可多次 / override of a parameter, repeatable")  # fmt: skip
@click.option(
    "--rebuild", is_flag=True, help="没有变化也重建；与 --unit/--day 同用时重读这些报送 / build again"
)
@click.option(
    "--accept-shrink", is_flag=True, help="允许集市表为空或明显缩小 / publish although tables shrank"
)
@click.option("--parquet", is_flag=True, help="同时输出 Parquet / also write Parquet copies")
@language_option
@click.pass_context
def run(
    context: click.Context,
    inbox: Path | None,
    unit: str | None,
    day: datetime | None,
    as_of: datetime | None,
    known_at: str | None,
    assignments: tuple[str, ...],
    rebuild: bool,
    accept_shrink: bool,
    parquet: bool,
    language: str | None,
) -> None:
    """完整运行：入湖、建仓、检查、发布。 Everything: ingest, build, check, publish."""
    settings, words = _settings(context, language, inbox=inbox)
    _show_progress()
    from pipelines import run as runner
    from pipelines.keys import KeyMaterialError
    from pipelines.summary import outcome_text
    from pipelines.workspace import RunOptions, WriterBusyError

    options = RunOptions(
        unit=_known_unit(unit),
        day=day.date() if day else None,
        as_of=_past(as_of.date()) if as_of else None,
        known_at=_moment(known_at) if known_at else None,
        parameters=_assignments(assignments),
        rebuild=rebuild,
        accept_shrink=accept_shrink,
        parquet=parquet,
    )
    try:
        outcome = runner.run(settings, options)
    except SettingsError as error:
        raise click.UsageError(str(error), context) from None
    except (WriterBusyError, KeyMaterialError) as error:
        _stop(EXIT_USAGE, spoken(str(error), words.language))
    else:
        click.echo(outcome_text(settings, outcome, words))
        raise SystemExit(outcome.code)


def _known_unit(unit: str | None) -> str | None:
    if unit is None:
        return None
    from pipelines.contract.model import reference_units

    if unit not in reference_units():
        raise click.UsageError(
            both(
                f"--unit {unit!r} 不是已知的报送单位，请写六位代码（见 dbt_project/seeds/divisions.csv）。",
                f"--unit {unit!r} is no known reporting unit; give its six-digit code "
                "(dbt_project/seeds/divisions.csv)",
            )
        )
    return unit


def _past(day: date) -> date:
    if day < date(1990, 1, 1):
        raise click.UsageError(
            both(
                "--as-of 过早，请写 1990-01-01 或以后的日期。",
                "--as-of is too early; give 1990-01-01 or a later day",
            )
        )
    return day


def _moment(text: str) -> datetime:
    from pipelines.warehouse.control import parse_moment

    try:
        return parse_moment(text)
    except ValueError:
        raise click.UsageError(
            both(
                f"--known-at {text!r} 不是时刻，请写 YYYY-MM-DD 或 YYYY-MM-DDTHH:MM:SS。",
                f"--known-at {text!r} is no moment; write YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS",
            )
        ) from None


def _assignments(given: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for assignment in given:
        name, sign, value = assignment.partition("=")
        if not sign or not name:
            raise click.UsageError(
                both(
                    f"--set {assignment!r} 不完整，请写作 参数=值，例如 --set transfer_confirm_days=10。",
                    f"--set {assignment!r} is not complete; write parameter=value, such as "
                    "--set transfer_confirm_days=10",
                )
            )
        found[name.strip()] = value.strip()
    return found


@main.command()
@click.argument("sql")
@click.option("--unit", default=None, help="查询某单位的数据集市 / the marts of one unit")
@click.option("--csv", "as_csv", is_flag=True, help="输出 CSV / as CSV")
@language_option
@click.pass_context
def query(context: click.Context, sql: str, unit: str | None, as_csv: bool, language: str | None) -> None:
    """对已发布的数据集市提一个只读问题。 Ask the published marts a read-only question."""
    settings, words = _settings(context, language)
    from pipelines.publish.question import QuestionError, as_text, ask

    try:
        answer = ask(settings, sql, unit=_known_unit(unit))
    except FileNotFoundError:
        _stop(
            EXIT_USAGE,
            words("还没有发布过数据集市；请先运行 yudang run", "nothing is published yet; run `yudang run`"),
        )
    except QuestionError as error:
        _stop(EXIT_USAGE, spoken(str(error), words.language))
    else:
        click.echo(as_text(answer, as_csv))


@main.command()
@click.option("--inbox", type=click.Path(file_okay=False, exists=True, path_type=Path), default=None,
              help="收件箱目录，默认上次所用 / inbox folder, default the last one")  # fmt: skip
@language_option
@click.pass_context
def status(context: click.Context, inbox: Path | None, language: str | None) -> None:
    """最近一次发布、待收报送、磁盘与密钥。 What came, the last good run, free disk, keys."""
    settings, words = _settings(context, language, inbox=inbox)
    from pipelines.publish.marts import recorded

    published = recorded(settings)
    if inbox is None and published and Path(published["inbox"]).is_dir():
        settings = replace(settings, inbox=Path(published["inbox"]))
    from pipelines.summary import status_text

    click.echo(status_text(settings, words))


@main.command()
@click.option("--port", type=click.IntRange(1024, 65000), default=3000, show_default=True,
              help="Dagster 端口，报告用下一个 / port of Dagster; reports take the next")  # fmt: skip
@language_option
@click.pass_context
def serve(context: click.Context, port: int, language: str | None) -> None:
    """在本机打开 Dagster 界面、守护进程与报告。 Dagster UI and daemon and the reports, on loopback."""
    settings, words = _settings(context, language)
    from pipelines.serve import serve as start

    raise SystemExit(start(settings, port, words))


if __name__ == "__main__":
    main()

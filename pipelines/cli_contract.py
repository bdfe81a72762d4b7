"""The commands `yudang template` and `yudang dictionary`: the contract as files that people use.

Not here: what stands in them (pipelines.contract).
"""

from __future__ import annotations

from pathlib import Path

import click

from pipelines.cli import _settings, language_option


@click.command()
@click.argument("datasets", nargs=-1, metavar="[数据集 DATASET]...")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True,
              help="输出目录 / target folder")  # fmt: skip
@click.option("--format", "file_format", type=click.Choice(["xlsx", "csv"]), default=None,
              help="只要一种格式，默认两种 / one format only, default both")  # fmt: skip
@language_option
@click.pass_context
def template(
    context: click.Context,
    datasets: tuple[str, ...],
    out: Path,
    file_format: str | None,
    language: str | None,
) -> None:
    """按契约生成填报模板与清单模板。 Templates to fill in, per dataset, with a manifest."""
    _, words = _settings(context, language)
    from pipelines.contract.model import ContractError
    from pipelines.contract.templates import FORMATS, write_templates

    try:
        written = write_templates(out, datasets, (file_format,) if file_format else FORMATS)
    except ContractError as error:
        raise click.UsageError(str(error)) from None
    click.echo(words(f"已写入 {len(written)} 个文件：{out}", f"wrote {len(written)} files: {out}"))


@click.command()
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help="输出的 HTML 文件 / target HTML file")  # fmt: skip
@language_option
@click.pass_context
def dictionary(context: click.Context, out: Path, language: str | None) -> None:
    """写出可打印的数据字典（单个 HTML 文件）。 The printable data dictionary as one HTML file."""
    _, words = _settings(context, language)
    from pipelines.contract.dictionary import dictionary_page

    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(dictionary_page(), "utf-8")
    click.echo(words(f"已写入数据字典：{out}", f"wrote the data dictionary: {out}"))

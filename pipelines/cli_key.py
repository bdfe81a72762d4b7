"""The commands `yudang key …`: make the site key, check it.

Not here: the key's use (pipelines.warehouse.pseudonym).
"""

from __future__ import annotations

import click

from pipelines import keys
from pipelines.cli import EXIT_USAGE, _settings, _stop, language_option
from pipelines.words import spoken


@click.group()
def key() -> None:
    """密钥：生成与检查。 Keys: make and check."""


@key.command()
@language_option
@click.pass_context
def new(context: click.Context, language: str | None) -> None:
    """生成假名密钥；已有的不会被替换。 Make the site key; an existing one is never replaced."""
    settings, words = _settings(context, language)
    if not keys.make_site_key(settings):
        _stop(
            EXIT_USAGE,
            words(
                "已有假名密钥；更换会改变全部假名，因此不替换。",
                "there is a site key already; replacing it would change every pseudonym.",
            ),
        )
    click.echo(
        words(f"已生成 {settings.site_key_file}（仅本用户可读）", f"made {settings.site_key_file} (0600)")
    )


@key.command()
@language_option
@click.pass_context
def check(context: click.Context, language: str | None) -> None:
    """检查 SM3 与假名密钥。 Check SM3 and the site key."""
    settings, words = _settings(context, language)
    try:
        keys.self_test()
        keys.check_site_key(settings.site_key_file)
    except keys.KeyMaterialError as error:
        _stop(EXIT_USAGE, spoken(str(error), words.language))
    click.echo(words("SM3 与假名密钥正常。", "SM3 and the site key are in order."))

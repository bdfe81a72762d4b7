"""The one settings object: where everything lives and how much memory and how many threads it may use.

Not here: thresholds of rules (seeds/parameters.csv) and the options of one run (warehouse/control.py).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pipelines.words import both

CHECKOUT = Path(__file__).resolve().parent.parent

TARGETS = ("duckdb",)
LANGUAGES = ("zh", "en")
TIME_ZONE = "Asia/Shanghai"

_MEMORY_PATTERN = re.compile(r"^\d+(\.\d+)?\s*(KB|MB|GB|TB|KiB|MiB|GiB|TiB)$")


class SettingsError(ValueError):
    """A setting that cannot be used; the message says which one and what would do."""


@dataclass(frozen=True)
class Settings:
    """Paths and limits of one installation.

    Attributes:
        home: YUDANG_HOME, everything that is written lives under it.
        inbox: deliveries as sent; `home/inbox` unless overridden.
        memory_limit: limit of one DuckDB instance, a number with a unit (`2GB`).
        threads: threads of one DuckDB instance.
        language: language of messages, `zh` or `en`.
        target: engine of the dbt build; only `duckdb` is known.
        checkout: the folder that holds `dbt_project/`, `expectations/` and `dagster.yaml`.
    """

    home: Path
    inbox: Path
    memory_limit: str = "2GB"
    threads: int = 2
    language: str = "zh"
    target: str = "duckdb"
    checkout: Path = CHECKOUT

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise SettingsError(
                both(
                    f"没有目标引擎 {self.target!r}，可选：{'、'.join(TARGETS)}。",
                    f"unknown target {self.target!r}; known targets: {', '.join(TARGETS)}",
                )
            )
        if self.language not in LANGUAGES:
            raise SettingsError(
                both(
                    f"没有语言 {self.language!r}，可选：{'、'.join(LANGUAGES)}。",
                    f"unknown language {self.language!r}; known languages: {', '.join(LANGUAGES)}",
                )
            )
        if not _MEMORY_PATTERN.match(self.memory_limit):
            raise SettingsError(
                both(
                    f"内存上限 {self.memory_limit!r} 无法识别，请写成 2GB 或 500MB 的形式。",
                    f"memory limit {self.memory_limit!r} is not a size such as 2GB or 500MB",
                )
            )
        if self.threads < 1:
            raise SettingsError(
                both(
                    f"线程数须为 1 或以上，不能是 {self.threads}。",
                    f"threads must be 1 or more, not {self.threads}",
                )
            )

    @classmethod
    def load(
        cls,
        home: Path | str | None = None,
        environment: Mapping[str, str] | None = None,
        **overrides: Any,
    ) -> Settings:
        """Read the environment; arguments win over it.

        Args:
            home: home folder; default YUDANG_HOME, else `var/` in the checkout.
            environment: mapping read instead of `os.environ`.
            **overrides: any field of the class; None means "not given".

        Raises:
            SettingsError: an unknown field, target or language, or a malformed limit.
        """
        env = os.environ if environment is None else environment
        known = {field.name for field in fields(cls)} - {"home"}
        unknown = sorted(set(overrides) - known)
        if unknown:
            raise SettingsError(f"unknown setting {unknown[0]!r}; known settings: {', '.join(sorted(known))}")
        given = {name: value for name, value in overrides.items() if value is not None}
        home_path = Path(home or env.get("YUDANG_HOME") or CHECKOUT / "var").expanduser().absolute()
        threads_text = str(given.get("threads", env.get("YUDANG_THREADS") or 2))
        if not threads_text.isdigit():
            raise SettingsError(
                both(
                    f"YUDANG_THREADS 须为整数，不能是 {threads_text!r}。",
                    f"YUDANG_THREADS must be a whole number, not {threads_text!r}",
                )
            )
        return cls(
            home=home_path,
            inbox=Path(given.get("inbox", home_path / "inbox")).expanduser().absolute(),
            memory_limit=given.get("memory_limit", env.get("YUDANG_MEMORY_LIMIT") or "2GB"),
            threads=int(threads_text),
            language=given.get("language", env.get("YUDANG_LANG") or "zh"),
            target=given.get("target", "duckdb"),
            checkout=Path(given.get("checkout", CHECKOUT)).absolute(),
        )

    @property
    def lake(self) -> Path:
        """Accepted rows as Parquet, and the delivery register."""
        return self.home / "lake"

    @property
    def quarantine(self) -> Path:
        """Refused rows with reason codes."""
        return self.home / "quarantine"

    @property
    def warehouse_file(self) -> Path:
        """The restricted DuckDB file with all dbt layers; only the pipeline opens it."""
        return self.home / "warehouse.duckdb"

    @property
    def feedback(self) -> Path:
        """Receipts and findings, one folder per unit."""
        return self.home / "feedback"

    @property
    def marts(self) -> Path:
        """Folder of the published marts."""
        return self.home / "marts"

    @property
    def marts_file(self) -> Path:
        """The city's marts, swapped whole."""
        return self.marts / "marts.duckdb"

    @property
    def units_dir(self) -> Path:
        """Marts of single units, own residents only."""
        return self.marts / "units"

    @property
    def reports(self) -> Path:
        """Pages for people; open from disk."""
        return self.home / "reports"

    @property
    def keys(self) -> Path:
        """Keys, 0600."""
        return self.home / "keys"

    @property
    def site_key_file(self) -> Path:
        """Key of the pseudonyms: 64 hex digits, made at the first run."""
        return self.keys / "site.key"

    @property
    def releases(self) -> Path:
        """De-identified releases."""
        return self.home / "releases"

    @property
    def audit(self) -> Path:
        """Append-only ledgers."""
        return self.home / "audit"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage."""
        return self.home / "dagster"

    @property
    def spill(self) -> Path:
        """DuckDB's spill files; under home because they hold names in clear."""
        return self.home / "spill"

    @property
    def extensions(self) -> Path:
        """DuckDB's extension folder; never the user's home."""
        return self.home / "extensions"

    @property
    def build(self) -> Path:
        """Files under construction and what a run may throw away."""
        return self.home / "build"

    @property
    def dbt_project_dir(self) -> Path:
        """The dbt project of this checkout."""
        return self.checkout / "dbt_project"

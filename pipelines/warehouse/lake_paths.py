"""Where dbt's sources find the lake and the quarantine: two variables of every connection that dbt opens.

Not here: the sources themselves (rendered from the contract) and the layout below the two folders.
"""

from __future__ import annotations

import os
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

VARIABLES = {
    "lake": ("YUDANG_LAKE", "../var/lake"),
    "quarantine": ("YUDANG_QUARANTINE", "../var/quarantine"),
}
"""Variable of DuckDB → variable of the environment, and the folder that serves a call by hand."""


class Plugin(BasePlugin):
    """dbt-duckdb plugin: the folders are no part of the parsed project, so one parse serves every home."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Take no configuration; the folders are named by the environment, never by the profile."""

    def configure_cursor(self, cursor: Any) -> None:
        """Set the variables; they belong to a connection, and dbt works with one per thread."""
        for name, (variable, default) in VARIABLES.items():
            literal = os.environ.get(variable, default).replace("'", "''")
            cursor.execute(f"set variable {name} = '{literal}'")

"""The data dictionary of the marts: one page from the comments that the published file itself carries.

Not here: the dictionary of what districts deliver (pipelines.contract.dictionary).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines import duck
from pipelines.publish.content_hash import table_names
from pipelines.settings import Settings

TEMPLATE = Path(__file__).parent / "marts_dictionary.html.j2"


@dataclass(frozen=True)
class Table:
    """A published table: its comment, and (column, type, comment) in order."""

    name: str
    comment: str
    columns: tuple[tuple[str, str, str], ...]


def tables(settings: Settings, marts: Path) -> list[Table]:
    """Tables of the marts with their Chinese comments, sorted by name."""
    connection = duck.memory(settings)
    try:
        literal = str(marts).replace("'", "''")
        connection.execute(f"attach '{literal}' as city (read_only)")
        comments = dict(
            connection.execute(
                "select table_name, coalesce(comment, '') from duckdb_tables() "
                "where database_name = 'city' and schema_name = 'marts'"
            ).fetchall()
        )
        return [
            Table(
                name,
                comments[name],
                tuple(
                    connection.execute(
                        "select column_name, lower(data_type), coalesce(comment, '') from duckdb_columns() "
                        "where database_name = 'city' and schema_name = 'marts' and table_name = ? "
                        "order by column_index",
                        [name],
                    ).fetchall()
                ),
            )
            for name in table_names(connection, "city", "marts")
        ]
    finally:
        connection.close()


def write_dictionary(settings: Settings) -> Path:
    """Write reports/dictionary/marts.html from the published marts; self-contained."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    text = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        tables=tables(settings, settings.marts_file)
    )
    target = settings.reports / "dictionary" / "marts.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.building")
    aside.write_text(text, encoding="utf-8")
    aside.replace(target)
    return target

"""One read-only question to the published marts, as the command `query` asks it.

Not here: answers that depend on a person; those are `explain`'s.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from dataclasses import dataclass
from typing import Any

from pipelines import duck
from pipelines.settings import Settings
from pipelines.words import both

SHOWN_ROWS = 1000


class QuestionError(ValueError):
    """The question could not be answered; the message is DuckDB's, about names in SQL or published values."""


@dataclass(frozen=True)
class Answer:
    """Column names, rows (at most `SHOWN_ROWS`) and whether there were more."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    is_cut: bool


def ask(settings: Settings, sql: str, unit: str | None = None) -> Answer:
    """Run one statement against the marts of the city or of one unit.

    The file is attached read-only under the name `city`, so that both `fct_archive` and `marts.fct_archive`
    work, and nothing else on the machine can be read or written.

    Raises:
        FileNotFoundError: nothing is published yet.
        QuestionError: the statement is wrong or asks for more than reading.
    """
    import duckdb

    path = settings.units_dir / f"{unit}.duckdb" if unit else settings.marts_file
    if not path.is_file():
        raise FileNotFoundError(path.name)
    connection = duck.memory(settings)
    try:
        literal = str(path).replace("'", "''")
        connection.execute(f"attach '{literal}' as city (read_only)")
        connection.execute("use city.marts")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        statements = connection.extract_statements(sql)
        if len(statements) != 1:
            raise QuestionError(
                both("每次只能提一个查询语句，请分开提问。", "one statement at a time, please")
            )
        cursor = connection.execute(statements[0])
        columns = tuple(column[0] for column in cursor.description or ())
        rows = cursor.fetchmany(SHOWN_ROWS + 1)
        return Answer(columns, tuple(rows[:SHOWN_ROWS]), len(rows) > SHOWN_ROWS)
    except duckdb.Error as error:
        text = str(error).strip()
        raise QuestionError(both(f"查询无法执行，请按说明改正语句：{text}", text)) from None
    finally:
        connection.close()


def as_text(answer: Answer, as_csv: bool) -> str:
    """The answer as an aligned table or as CSV; nulls are empty."""
    cells = [["" if value is None else str(value) for value in row] for row in answer.rows]
    if as_csv:
        target = io.StringIO()
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(answer.columns)
        writer.writerows(cells)
        return target.getvalue().rstrip("\n")
    table = [list(answer.columns), *cells]
    widths = [max(_width(row[index]) for row in table) for index in range(len(answer.columns))]
    lines = [
        "  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)) for row in table
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    if answer.is_cut:
        lines.append(f"… 只显示前 {SHOWN_ROWS} 行 / only the first {SHOWN_ROWS} rows")
    return "\n".join(line.rstrip() for line in lines)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))

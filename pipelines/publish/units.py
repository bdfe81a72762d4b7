"""Marts of single reporting units: the rows a unit may see, with the same tables, columns and comments.

Not here: which rows those are; every mart model says it in its meta as `unit_filter`.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines import duck
from pipelines.contract import model
from pipelines.publish.content_hash import columns, quoted, table_names
from pipelines.settings import Settings
from pipelines.workspace import BlockingCheckError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

EVERYTHING = "all"
_OF_UNIT = re.compile(r"(\w+) (?:= '\{unit\}'|in \('\{unit\}', '\d{6}'\))")


class UnitFilterError(BlockingCheckError):
    """A mart does not say which of its rows a unit may see."""


def filters(manifest: Path) -> dict[str, str]:
    """Mart table → its `unit_filter`: a condition with `{unit}` in it, or `all`.

    Raises:
        UnitFilterError: a mart has none; it would otherwise be shown to nobody or to everybody by chance.
    """
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"]
    found: dict[str, str] = {}
    for node in nodes.values():
        if node["resource_type"] != "model" or node["fqn"][1] != "marts":
            continue
        meta = node.get("config", {}).get("meta") or node.get("meta") or {}
        condition = str(meta.get("unit_filter") or "").strip()
        if condition != EVERYTHING and "{unit}" not in condition:
            raise UnitFilterError(f"mart {node['name']} has no unit_filter in its meta")
        found[node["name"]] = condition
    return found


@dataclass(frozen=True)
class Inherited:
    """What a unit took over from another one by a reform of divisions: that history is its own.

    Attributes:
        unit: the earlier unit.
        orgs: institutions whose rows are meant, None for those of every institution and of none.
        is_without: all rows but those of `orgs`.
    """

    unit: str
    orgs: frozenset[str] | None = None
    is_without: bool = False

    def rows(self, org_column: str | None) -> str:
        """The condition on rows of the earlier unit; nothing tells them apart where no institution stands."""
        if self.orgs is None:
            return "true"
        if org_column is None:
            return "true" if self.is_without else "false"
        listed = ", ".join(_literal(code) for code in sorted(self.orgs)) or "''"
        return f"coalesce({org_column}, '') {'not ' if self.is_without else ''}in ({listed})"


def inheritances(connection: DuckDBPyConnection) -> Mapping[str, tuple[Inherited, ...]]:
    """Unit → what it took over; a district that was split goes by institution, where `org_period` puts it."""
    moved: dict[tuple[str, str], set[str]] = defaultdict(set)
    for org, old, new in connection.execute(
        """
        select former.org_code, former.district_code, later.district_code
        from warehouse.staging.org_period as former
        inner join warehouse.staging.org_period as later
            on former.org_code = later.org_code and former.attributed_to = later.attributed_from
        where former.district_code <> later.district_code
        """
    ).fetchall():
        moved[str(old), str(new)].add(str(org))
    found: dict[str, list[Inherited]] = defaultdict(list)
    for old, new, coverage in connection.execute(
        "select old_code, new_district_code, coverage_code from warehouse.staging.division_change "
        "where level = 'district' order by all"
    ).fetchall():
        if coverage == "WHOLE":
            found[new].append(Inherited(old))
        elif coverage == "TOWNS":
            found[new].append(Inherited(old, frozenset(moved[old, new])))
        else:
            elsewhere = [orgs for (source, target), orgs in moved.items() if source == old and target != new]
            found[new].append(Inherited(old, frozenset().union(*elsewhere), is_without=True))
    return {unit: tuple(parts) for unit, parts in found.items()}


def condition_for(
    condition: str, unit: str, inherited: Sequence[Inherited] = (), org_column: str | None = "org_code"
) -> str:
    """The rows that a unit may see: its own, and of those of earlier units what it took over."""
    if condition == EVERYTHING:
        return "true"
    parts = [condition.replace("{unit}", unit)]
    for part in inherited:
        # rows of the city stand beside the unit's own already
        of_unit = _OF_UNIT.sub(rf"(\1 = '{part.unit}' and {part.rows(org_column)})", condition)
        if "{unit}" in of_unit:
            raise UnitFilterError(f"unit_filter {condition!r} compares the unit in an unknown way")
        parts.append(of_unit)
    return " or ".join(f"({part})" for part in parts)


def build(settings: Settings, warehouse: Path, marts: Path, manifest: Path, folder: Path) -> dict[str, int]:
    """Write one file per unit into `folder` and return unit → number of persons in it.

    A unit gets a file when it delivered or manages somebody. The city platform reads the city's marts.
    """
    conditions = filters(manifest)
    folder.mkdir(parents=True, exist_ok=True)
    connection = duck.memory(settings)
    try:
        # not under its own name: a database and a schema of one name cannot be told apart
        connection.execute(f"attach {_literal(str(marts))} as city (read_only)")
        connection.execute(f"attach {_literal(str(warehouse))} as warehouse (read_only)")
        taken_over = inheritances(connection)
        tables = table_names(connection, "city", "marts")
        missing = sorted(set(tables) - set(conditions))
        if missing:
            raise UnitFilterError(f"mart {missing[0]} is not a model of the parsed project")
        comments = _comments(connection)
        persons = {}
        for unit in _units(connection):
            path = folder / f"{unit}.duckdb"
            duck.discard(path)
            inherited = taken_over.get(unit, ())
            _note_residents(connection, unit, inherited)
            seen = {
                table: condition_for(conditions[table], unit, inherited, _org_column(connection, table))
                for table in tables
            }
            _write(connection, path, seen, comments)
            persons[unit] = _persons(connection, path)
        return persons
    finally:
        connection.close()


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _units(connection: DuckDBPyConnection) -> list[str]:
    found = connection.execute(
        """
        select delivery_unit from warehouse.control.delivery_file where delivery_status = 'accepted'
        union
        select district_code from city.marts.fct_manager_interval
        """
    ).fetchall()
    known = model.reference_units()
    return sorted(code for (code,) in found if code in known and code != model.CITY_UNIT)


def _org_column(connection: DuckDBPyConnection, table: str) -> str | None:
    """The column naming the institution of a row: the managing one of a fact, the cell of an aggregate."""
    if table == "dim_person_alias":
        return "org_code"  # its filter reads fct_manager_interval
    names = columns(connection, "city", "marts", table)
    return next((name for name in ("org_code", "code") if name in names), None)


def _note_residents(connection: DuckDBPyConnection, unit: str, inherited: Sequence[Inherited]) -> None:
    condition = condition_for("district_code = '{unit}'", unit, inherited)
    connection.execute(
        "create or replace temp table resident as "
        f"select distinct person_key from city.marts.fct_manager_interval where {condition}"
    )


def _selection(connection: DuckDBPyConnection, table: str) -> str:
    """The columns of a table, without the pseudonyms of persons whom the unit never managed.

    A unit answers for acts about other units' residents, such as a refused transfer: the act must be there to
    be counted, the person must not.
    """
    names = columns(connection, "city", "marts", table)
    if "person_key" not in names:
        return "*"
    is_resident = "person_key in (select person_key from temp.resident)"
    blanked = [f"case when {is_resident} then person_key end as person_key"]
    if "subject_key" in names:
        blanked.append(
            f"case when subject_key is distinct from person_key or {is_resident} then subject_key end "
            "as subject_key"
        )
    return f"* replace ({', '.join(blanked)})"


def _write(
    connection: DuckDBPyConnection, path: Path, conditions: Mapping[str, str], comments: Sequence[str]
) -> None:
    connection.execute(f"attach {_literal(str(path))} as unit_file")
    try:
        connection.execute("use city")
        # one transaction: each statement of its own would wait for the disk, 400 times per unit
        connection.execute("begin")
        try:
            connection.execute("create schema unit_file.marts")
            for table, condition in conditions.items():
                selection = _selection(connection, table)
                connection.execute(
                    f"create table unit_file.marts.{quoted(table)} as "
                    f"select {selection} from city.marts.{quoted(table)} where {condition}"
                )
            connection.execute(";\n".join(comments))
            connection.execute("commit")
        except BaseException:
            connection.execute("rollback")
            raise
        connection.execute("checkpoint unit_file")
    finally:
        connection.execute("use memory")
        connection.execute("detach unit_file")


def _comments(connection: DuckDBPyConnection) -> list[str]:
    """The statements that give a unit's tables and columns the comments of the city's."""
    tables = connection.execute(
        "select table_name, comment from duckdb_tables() where database_name = 'city' "
        "and schema_name = 'marts' and comment is not null"
    ).fetchall()
    described = connection.execute(
        "select table_name, column_name, comment from duckdb_columns() where database_name = 'city' "
        "and schema_name = 'marts' and comment is not null"
    ).fetchall()
    return [
        *(f"comment on table unit_file.marts.{quoted(table)} is {_literal(text)}" for table, text in tables),
        *(
            f"comment on column unit_file.marts.{quoted(table)}.{quoted(column)} is {_literal(text)}"
            for table, column, text in described
        ),
    ]


def _persons(connection: DuckDBPyConnection, path: Path) -> int:
    connection.execute(f"attach {_literal(str(path))} as unit_file (read_only)")
    try:
        found = connection.execute("select count(*) from unit_file.marts.fct_archive").fetchone()
        return int(found[0]) if found else 0
    finally:
        connection.execute("detach unit_file")


def swap_in(settings: Settings, folder: Path) -> None:
    """Put the finished files in place, each in one step, and remove files of units without any."""
    settings.units_dir.mkdir(parents=True, exist_ok=True)
    fresh = {path.name for path in folder.glob("*.duckdb")}
    for path in sorted(folder.glob("*.duckdb")):
        duck.swap_in(path, settings.units_dir / path.name)
    for path in settings.units_dir.glob("*.duckdb"):
        if path.name not in fresh:
            path.unlink()

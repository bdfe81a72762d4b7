"""The control tables of a build: what counts as delivered, the evaluation date, the cut-off, the overrides.

Not here: the register itself (written by pipelines.ingest) and the parameters' values (seeds/parameters.csv).
"""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipelines import __version__, duck
from pipelines.settings import TIME_ZONE, Settings, SettingsError
from pipelines.words import both
from pipelines.workspace import BlockingCheckError, RunOptions, Workspace

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_TYPES_CHINESE = {
    "integer": "整数",
    "decimal": "数字",
    "number": "数字",
    "date": "日期（YYYY-MM-DD）",
    "boolean": "是否值（true 或 false）",
}

RULE_SEEDS = ("rules.csv", "parameters.csv", "indicators.csv", "targets.csv")


@dataclass(frozen=True)
class Delivery:
    """One delivery of the register, as far as withdrawals need it."""

    delivery_id: str
    unit: str
    batch: str
    received_at: datetime
    is_accepted: bool
    withdraws: frozenset[str]


@dataclass(frozen=True)
class RunContext:
    """What the whole build is a function of, besides the lake and the reference data."""

    as_of_date: date
    known_at: datetime
    ruleset_version: str


def withdrawn_deliveries(deliveries: Iterable[Delivery]) -> frozenset[str]:
    """Return the ids of deliveries that count as never made.

    A delivery is withdrawn if a later delivery of its unit names its batch and itself still counts. Going
    backwards in time every verdict is final when it is used, so a withdrawn withdrawal has no effect.
    """
    by_unit: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        if delivery.is_accepted:
            by_unit[delivery.unit].append(delivery)
    withdrawn: set[str] = set()
    for of_unit in by_unit.values():
        revoked: set[str] = set()
        for delivery in sorted(of_unit, key=lambda one: (one.received_at, one.batch), reverse=True):
            if delivery.batch in revoked:
                withdrawn.add(delivery.delivery_id)
            else:
                revoked |= delivery.withdraws
    return frozenset(withdrawn)


def parse_moment(text: str) -> datetime:
    """Read a cut-off in local time: a day means its end, an offset is converted to Asia/Shanghai.

    Raises:
        ValueError: the text is neither `YYYY-MM-DD` nor an ISO 8601 moment.
    """
    if len(text) == len("YYYY-MM-DD"):
        return datetime.combine(date.fromisoformat(text), time.max)
    moment = datetime.fromisoformat(text)
    return moment.astimezone(ZoneInfo(TIME_ZONE)).replace(tzinfo=None) if moment.tzinfo else moment


def known_parameters(settings: Settings) -> Mapping[str, str]:
    """Parameter name → value type, from seeds/parameters.csv."""
    path = settings.dbt_project_dir / "seeds" / "parameters.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        return {row["parameter"]: row["value_type"] for row in csv.DictReader(handle)}


def service_profiles(settings: Settings) -> tuple[str, ...]:
    """Names of the service specifications whose values seeds/parameters.csv holds, sorted."""
    path = settings.dbt_project_dir / "seeds" / "parameters.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        return tuple(sorted({row["profile"] for row in csv.DictReader(handle)} - {""}))


def check_parameters(settings: Settings, parameters: Mapping[str, str]) -> None:
    """Refuse overrides of unknown parameters or service profiles, and values of the wrong type.

    Raises:
        SettingsError: the first override that cannot be used.
    """
    known = known_parameters(settings)
    for name, value in parameters.items():
        if name not in known:
            close = get_close_matches(name, known, n=3)
            raise SettingsError(
                both(
                    f"--set 没有参数 {name!r}，"
                    + (f"是否要写 {'、'.join(close)}；" if close else "")
                    + "全部参数见 dbt_project/seeds/parameters.csv。",
                    f"--set: unknown parameter {name!r}; "
                    + (f"did you mean {', '.join(close)}? " if close else "")
                    + "dbt_project/seeds/parameters.csv lists them",
                )
            )
        if not _is_of_type(value, known[name]):
            chinese = _TYPES_CHINESE.get(known[name], known[name])
            raise SettingsError(
                both(
                    f"--set 参数 {name} 的值须为{chinese}，不能是 {value!r}，请改正。",
                    f"--set: parameter {name!r} needs a value of type {known[name]}, not {value!r}",
                )
            )
        if name == "service_profile" and value not in service_profiles(settings):
            profiles = service_profiles(settings)
            raise SettingsError(
                both(
                    f"--set 没有服务规范 {value!r}，请从 {'、'.join(profiles)} 中选一个。",
                    f"--set: no service profile {value!r}; choose one of {', '.join(profiles)}",
                )
            )


def _is_of_type(value: str, value_type: str) -> bool:
    try:
        if value_type == "integer":
            int(value)
        elif value_type in ("decimal", "number"):
            float(value)
        elif value_type == "date":
            date.fromisoformat(value)
        elif value_type == "boolean":
            return value.lower() in ("true", "false", "1", "0")
    except ValueError:
        return False
    return True


def ruleset_version(settings: Settings, parameters: Mapping[str, str]) -> str:
    """Version of the program, digest of rules, parameters and indicators, and the overrides by name.

    It stands in every row of the indicators, so that a mart says what it was built with:
    `0.1.0+1a2b3c4d[transfer_confirm_days=10]`.
    """
    digest = hashlib.new("sm3")
    for name in RULE_SEEDS:
        digest.update((settings.dbt_project_dir / "seeds" / name).read_bytes())
    overrides = ",".join(f"{name}={value}" for name, value in sorted(parameters.items()))
    return f"{__version__}+{digest.hexdigest()[:8]}" + (f"[{overrides}]" if overrides else "")


def write(workspace: Workspace) -> RunContext:
    """Write schema `control` into the warehouse under construction.

    Returns:
        The evaluation date and the cut-off that apply.

    Raises:
        BlockingCheckError: no delivery was ever accepted, so there is nothing to evaluate.
    """
    from pipelines.ingest.compact import settle

    settle(workspace.settings)
    connection = duck.writer(workspace.warehouse_build, workspace.settings)
    try:
        return _write(connection, workspace)
    finally:
        connection.close()


def _write(connection: DuckDBPyConnection, workspace: Workspace) -> RunContext:
    settings, options = workspace.settings, workspace.options
    connection.execute("create schema if not exists control")
    register = settings.lake / "delivery_file"
    connection.execute(
        "create or replace temp table register as "
        "select * from read_parquet(?, union_by_name = true, hive_partitioning = false)",
        [str(register / "**" / "*.parquet")],
    )
    known_at = options.known_at or _latest_sent_at(connection)
    deliveries = _deliveries(connection, known_at)
    connection.execute("create or replace temp table withdrawn (delivery_id varchar)")
    gone = sorted(withdrawn_deliveries(deliveries))
    if gone:
        connection.executemany("insert into withdrawn values (?)", [[one] for one in gone])
    connection.execute(
        """
        create or replace table control.delivery_file as
        select
            register.*,
            register.received_at <= cast(? as timestamp) as is_visible,
            withdrawn.delivery_id is not null as is_withdrawn,
            register.delivery_status = 'accepted'
            and register.received_at <= cast(? as timestamp)
            and withdrawn.delivery_id is null as is_active
        from register
        left join withdrawn on register.delivery_id = withdrawn.delivery_id
        """,
        [known_at, known_at],
    )
    context = RunContext(
        as_of_date=options.as_of or _latest_day(connection),
        known_at=known_at,
        ruleset_version=ruleset_version(settings, options.parameters),
    )
    connection.execute(
        "create or replace table control.run_context "
        "(as_of_date date, known_at timestamp, ruleset_version varchar)"
    )
    connection.execute(
        "insert into control.run_context values (?, ?, ?)",
        [context.as_of_date, context.known_at, context.ruleset_version],
    )
    connection.execute(
        "create or replace table control.parameter_override (parameter varchar, value varchar)"
    )
    if options.parameters:
        connection.executemany(
            "insert into control.parameter_override values (?, ?)",
            [[name, value] for name, value in sorted(options.parameters.items())],
        )
    return context


def _latest_sent_at(connection: DuckDBPyConnection) -> datetime:
    found = connection.execute(
        "select max(received_at) from register where delivery_status = 'accepted'"
    ).fetchone()
    if not found or found[0] is None:
        raise BlockingCheckError(
            both(
                "还没有任何报送被接收，请按 feedback 目录中的回执改正后以新批次报送。",
                "no delivery was accepted yet; the receipts under feedback/ say why",
            )
        )
    return found[0]


def _latest_day(connection: DuckDBPyConnection) -> date:
    found = connection.execute(
        "select max(delivery_day) from control.delivery_file where is_active"
    ).fetchone()
    if not found or found[0] is None:
        raise BlockingCheckError(
            both(
                "认知截止时刻之前没有有效的报送，请用更晚的 --known-at。",
                "no delivery counts at this cut-off; choose a later --known-at",
            )
        )
    return found[0]


def _deliveries(connection: DuckDBPyConnection, known_at: datetime) -> list[Delivery]:
    rows = connection.execute(
        """
        select
            delivery_id, delivery_unit, delivery_batch, received_at,
            any_value(delivery_status) = 'accepted', coalesce(any_value(withdraws), '')
        from register
        where received_at <= cast(? as timestamp)
        group by delivery_id, delivery_unit, delivery_batch, received_at
        """,
        [known_at],
    ).fetchall()
    return [
        Delivery(
            delivery_id=delivery_id,
            unit=unit,
            batch=batch,
            received_at=received_at,
            is_accepted=is_accepted,
            withdraws=frozenset(part for part in withdraws.split("|") if part),
        )
        for delivery_id, unit, batch, received_at, is_accepted, withdraws in rows
    ]


def options_key(options: RunOptions) -> str:
    """The options that the outcome is a function of, as stable text."""
    overrides = ",".join(f"{name}={value}" for name, value in sorted(options.parameters.items()))
    return f"as_of={options.as_of} known_at={options.known_at} set={overrides} parquet={options.parquet}"

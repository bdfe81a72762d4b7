"""Limits on metrics: reading them, judging stored metrics by them, judging again after a limit has changed.

Not here: computing a metric (pipelines.quality.metrics); nothing here reads the warehouse or the marts.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pipelines.quality import gate, metrics
from pipelines.quality.results import ExpectationResult, Kind, Severity, Status, SuiteResult
from pipelines.quality.suites import Expectation, Suite
from pipelines.settings import CHECKOUT, Settings

if TYPE_CHECKING:
    import duckdb

THRESHOLDS = CHECKOUT / "expectations" / "thresholds.yml"
"""The file of limits."""

NOT_COMPUTED = "指标未能计算；请先检查数据集市的构建。"
NOT_YET_VALID = "限值在评价日尚未生效或已经失效，不作判定。"
EVERY = "*"

TABLES: Mapping[str, str] = {"mart_rule_summary": "规则", "mart_indicator": "指标", "mart_delivery": "报送"}
"""Table with limits → Chinese."""

_LIMIT = re.compile(
    r"^(?P<sign><=|>=) (?P<bound>-?\d+(\.\d+)?)$|^(?P<low>-?\d+(\.\d+)?) \.\. (?P<high>-?\d+(\.\d+)?)$"
)


class ThresholdError(ValueError):
    """A limit that cannot be used; the message names it and says what would do."""


@dataclass(frozen=True)
class Threshold:
    """One limit.

    Attributes:
        table, check: which metric, one of `metrics.CHECKS`.
        subject: rule or indicator (`id` or `id.variant`); `*` for every one.
        level: city, district or org: whose figures must keep the limit, each of them.
        minimum, maximum: bounds, both inclusive; None for open.
        share: part of the units that must keep it (1 = all); fewer breaches are a pass with failures.
        min_denominator: figures on fewer cases are not judged.
        year: `running` judges the evaluation day's year so far, `ended` the last year that was over on it.
        valid_from, valid_to: evaluation days for which it counts; `valid_to` exclusive, None for open.
    """

    name: str
    table: str
    check: str
    subject: str
    level: str
    limit: str
    title: str
    severity: Severity
    reason: str
    owner: str
    valid_from: date
    valid_to: date | None = None
    share: float = 1.0
    min_denominator: int = 1
    year: str = "running"

    @property
    def limit_text(self) -> str:
        """The limit as people read it, e.g. `≤ 5%`."""
        low, high = self.minimum, self.maximum
        if low is None or high is None:
            return f"≤ {_percent(high)}" if low is None else f"≥ {_percent(low)}"
        return f"{_percent(low)}–{_percent(high)}"

    @property
    def minimum(self) -> float | None:
        """Lower bound."""
        return self._bounds()[0]

    @property
    def maximum(self) -> float | None:
        """Upper bound."""
        return self._bounds()[1]

    def _bounds(self) -> tuple[float | None, float | None]:
        found = _LIMIT.match(self.limit)
        if found is None:
            raise ThresholdError(
                f"限值 {self.name} 的 limit 无法读取；请写成 `<= 0.05`、`>= 0.9` 或 `0 .. 1.2`。"
            )
        if found["sign"]:
            bound = float(found["bound"])
            return (None, bound) if found["sign"] == "<=" else (bound, None)
        return float(found["low"]), float(found["high"])

    def is_valid(self, as_of: date) -> bool:
        """True when the limit counts on that evaluation day."""
        return self.valid_from <= as_of and (self.valid_to is None or as_of < self.valid_to)

    def to_expectation(self) -> Expectation:
        """The limit as an expectation on `quality.metric`."""
        wanted: dict[str, Any] = {"table_name": self.table, "check_name": self.check, "level": self.level}
        if self.subject != EVERY:
            wanted["subject"] = self.subject
        conditions = [_condition(column, "==", value) for column, value in wanted.items()]
        conditions += [
            _condition(f"is_{self.year}", "==", True),
            _condition("denominator_count", ">=", self.min_denominator),
        ]
        if self.level != "city":
            conditions.append(_condition("code", "!=", "UNKNOWN"))
        bounds = {"min_value": self.minimum, "max_value": self.maximum}
        return Expectation(
            name=self.name,
            type="expect_column_values_to_be_between",
            kwargs={
                "column": "value",
                **{bound: value for bound, value in bounds.items() if value is not None},
                **({"mostly": self.share} if self.share < 1 else {}),
                "row_condition": {"type": "and", "conditions": conditions},
            },
            title=self.title,
            severity=self.severity,
            reason=self.reason,
            owner=self.owner,
            article=self.subject if self.subject != EVERY else "",
            limit=self.limit_text,
        )


def _percent(value: float | None) -> str:
    return f"{round((value or 0) * 100, 4):g}%"


def _condition(column: str, operator: str, parameter: Any) -> dict[str, Any]:
    return {"type": "comparison", "column": {"name": column}, "operator": operator, "parameter": parameter}


def load(path: Path = THRESHOLDS) -> list[Threshold]:
    """Read the limits.

    Raises:
        ThresholdError: an unknown check, level or severity, a doubled name, a limit that cannot be read.
    """
    found = []
    for row in yaml.safe_load(path.read_text(encoding="utf-8"))["limits"]:
        try:
            threshold = Threshold(**{**row, "severity": Severity(row["severity"])})
        except (KeyError, TypeError, ValueError) as error:
            raise ThresholdError(
                f"限值 {row.get('name')} 无法读取（{error}）；请对照文件开头的说明。"
            ) from error
        if (threshold.table, threshold.check) not in metrics.CHECKS:
            raise ThresholdError(f"限值 {threshold.name} 的指标 {threshold.table}.{threshold.check} 不存在。")
        if threshold.level not in ("city", "district", "org"):
            raise ThresholdError(f"限值 {threshold.name} 的 level 只能是 city、district、org。")
        if threshold.year not in ("running", "ended"):
            raise ThresholdError(f"限值 {threshold.name} 的 year 只能是 running、ended。")
        threshold._bounds()
        found.append(threshold)
    names = [threshold.name for threshold in found]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise ThresholdError(f"限值 {doubled[0]} 重名；请改名。")
    return found


def judge(connection: duckdb.DuckDBPyConnection, limits: Sequence[Threshold]) -> list[SuiteResult]:
    """Judge the metrics in `memory.quality.metric` by the limits, one result per table. Never blocking.

    A limit that is not valid on the evaluation day, or that finds no figure to judge, is NOT_APPLICABLE.
    """
    as_of, broken = _state(connection)
    suites, notes = [], {}
    for table, group in groupby(sorted(limits, key=lambda one: one.table), key=lambda one: one.table):
        members = list(group)
        suites.append(_suite(table, members))
        for one in members:
            if (one.table, one.check) in broken:
                notes[one.name] = (Status.ERROR, NOT_COMPUTED)
            elif as_of is not None and not one.is_valid(as_of):
                notes[one.name] = (Status.NOT_APPLICABLE, NOT_YET_VALID)
    return [_noted(result, notes) for result in gate.run_suites(connection, suites)]


def beyond(connection: duckdb.DuckDBPyConnection, limit: Threshold, count: int = 10) -> list[dict[str, Any]]:
    """The figures that break a limit, farthest first: subject, code, name, counts and value."""
    found = connection.execute(
        """
        select subject, code, coalesce(name, code) as name, numerator_count, denominator_count, value
        from memory.quality.metric
        where
            table_name = $table and check_name = $check and level = $level
            and (subject = $subject or $subject = '*')
            and if($year = 'running', is_running, is_ended)
            and denominator_count >= $min_denominator
            and (level = 'city' or code <> 'UNKNOWN')
            and (value < $minimum or value > $maximum)
        order by greatest($minimum - value, value - $maximum) desc, subject, code
        limit $count
        """,
        {
            "table": limit.table,
            "check": limit.check,
            "level": limit.level,
            "subject": limit.subject,
            "year": limit.year,
            "min_denominator": limit.min_denominator,
            "minimum": float("-inf") if limit.minimum is None else limit.minimum,
            "maximum": float("inf") if limit.maximum is None else limit.maximum,
            "count": count,
        },
    )
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _state(connection: duckdb.DuckDBPyConnection) -> tuple[date | None, set[tuple[str, str]]]:
    (as_of,) = connection.execute("select max(as_of_date) from memory.quality.metric").fetchall()[0]
    broken = connection.execute(
        "select distinct table_name, check_name from memory.quality.metric where level = ?",
        [metrics.NOT_COMPUTED],
    ).fetchall()
    return as_of, {(table, check) for table, check in broken}


def _suite(table: str, limits: Sequence[Threshold]) -> Suite:
    return Suite(
        name=f"thresholds.{table}",
        title=f"{TABLES[table]}：限值（{table}）",
        kind=Kind.THRESHOLD,
        schema="quality",
        relation="metric",
        expectations=tuple(one.to_expectation() for one in limits),
        is_empty_allowed=True,
    )


def _noted(result: SuiteResult, notes: Mapping[str, tuple[Status, str]]) -> SuiteResult:
    def noted(one: ExpectationResult) -> ExpectationResult:
        if one.name not in notes:
            return one
        status, note = notes[one.name]
        return replace(one, status=status, note=note, evaluated_count=None, unexpected_count=None)

    return replace(
        result,
        relation=f"marts.{result.suite.split('.')[1]}",
        row_count=None,
        expectations=tuple(noted(one) for one in result.expectations),
    )


def rejudge(settings: Settings, limits: Sequence[Threshold] | None = None) -> list[SuiteResult]:
    """Judge the stored metrics of the last run again; neither the warehouse nor the marts are opened.

    Raises:
        FileNotFoundError: there was no run yet.
    """
    connection = metrics.restore(settings, metrics.kept_file(settings))
    try:
        return judge(connection, load() if limits is None else limits)
    finally:
        connection.close()


def main(arguments: list[str] | None = None) -> int:
    """Judge the last run by the limits as they stand now, and write the pages anew."""
    from pipelines.quality import pages

    parser = argparse.ArgumentParser(
        description="按现行限值重新判定 / judge the last run by the present limits"
    )
    parser.add_argument("--home", type=Path, help="YUDANG_HOME")
    settings = Settings.load(parser.parse_args(arguments).home)
    try:
        judged = rejudge(settings)
    except FileNotFoundError:
        sys.stderr.write("还没有可重新判定的结果；请先运行 yudang run。\n")
        return 2
    pages.replace_results(settings, judged)
    for result in judged:
        sys.stdout.write(f"{result.suite}\t{result.status}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

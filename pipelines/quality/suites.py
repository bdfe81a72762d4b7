"""Suites as files: reading them, writing them in one form, turning them into Great Expectations objects.

Not here: what the contract demands (pipelines.quality.render) and running a suite (pipelines.quality.gate).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.quality.results import Kind, Severity
from pipelines.settings import CHECKOUT

if TYPE_CHECKING:
    import great_expectations

SUITES = CHECKOUT / "expectations" / "suites"
"""Folder of the suite files: `structure/` is rendered from the contract, `marts/` is kept by hand."""

FOLDERS: Mapping[str, Kind] = {"structure": Kind.STRUCTURE, "marts": Kind.MART}
"""Subfolder of `SUITES` → kind of its suites."""

DATABASES: Mapping[Kind, str] = {Kind.STRUCTURE: "warehouse", Kind.MART: "marts", Kind.THRESHOLD: "memory"}
"""Kind of suite → name under which the database of its relation is attached."""

SEVERITIES: Mapping[str, Severity] = {
    "critical": Severity.ERROR,
    "warning": Severity.WARN,
    "info": Severity.INFO,
}
"""Severity in the files (Great Expectations' words) → ours."""


class SuiteError(ValueError):
    """A suite file that cannot be used; the message names the file and what is missing."""


@dataclass(frozen=True)
class Expectation:
    """One expectation of a suite: Great Expectations' type and arguments, and what people read about it.

    `is_blocking`: a breach keeps the last good marts in place. Only what a model makes wrong may block, never
    what a district delivered (design §5).
    """

    name: str
    type: str
    kwargs: Mapping[str, Any]
    title: str
    severity: Severity = Severity.ERROR
    reason: str = ""
    owner: str = ""
    article: str = ""
    limit: str = ""
    is_blocking: bool = False

    @property
    def column(self) -> str | None:
        """Columns that are judged, joined by `, `; None for the whole relation."""
        names = [self.kwargs[part] for part in ("column", "column_A", "column_B") if part in self.kwargs]
        return ", ".join(names or self.kwargs.get("column_list", ())) or None


@dataclass(frozen=True)
class Suite:
    """Expectations about one relation.

    Attributes:
        name: `<folder>.<relation>`, unique.
        schema: schema of the relation inside its database.
        is_empty_allowed: no rows make the suite NOT_APPLICABLE instead of failing it.
    """

    name: str
    title: str
    kind: Kind
    schema: str
    relation: str
    expectations: tuple[Expectation, ...]
    is_empty_allowed: bool = False
    owner: str = ""

    def to_gx(self) -> great_expectations.ExpectationSuite:
        """The same suite as Great Expectations knows it."""
        import great_expectations as gx

        return gx.ExpectationSuite(
            name=self.name,
            expectations=[
                {
                    "type": one.type,
                    "kwargs": dict(one.kwargs),
                    "meta": {"name": one.name},
                    "severity": _word(one.severity),
                }
                for one in self.expectations
            ],
        )


def _word(severity: Severity) -> str:
    return next(word for word, ours in SEVERITIES.items() if ours is severity)


def read(path: Path) -> Suite:
    """Read one suite file.

    Raises:
        SuiteError: the file is not a suite; two expectations share a name; a row query could return values.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        meta = document["meta"]
        expectations = tuple(
            Expectation(
                name=one["meta"]["name"],
                type=one["type"],
                kwargs=one["kwargs"],
                title=one["meta"]["title"],
                severity=SEVERITIES[one["severity"]],
                reason=one["meta"].get("reason", ""),
                owner=meta.get("owner", ""),
                article=one["meta"].get("article", ""),
                limit=one["meta"].get("limit", ""),
                is_blocking=one["meta"].get("blocking", False),
            )
            for one in document["expectations"]
        )
        suite = Suite(
            name=document["name"],
            title=meta["title"],
            kind=FOLDERS[path.parent.name],
            schema=meta["schema"],
            relation=meta["relation"],
            expectations=expectations,
            is_empty_allowed=meta["empty"] == "not_applicable",
            owner=meta.get("owner", ""),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise SuiteError(f"检查套件 {path.name} 无法读取（{error!r}）；请对照同目录的其他套件。") from error
    _refuse_unsafe(suite, path)
    return suite


def _refuse_unsafe(suite: Suite, path: Path) -> None:
    names = [one.name for one in suite.expectations]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise SuiteError(f"检查套件 {path.name} 有重名的检查 {doubled[0]}；请改名。")
    for one in suite.expectations:
        query = one.kwargs.get("unexpected_rows_query")
        if query is not None and not query.startswith("select 1 as breach from "):
            raise SuiteError(
                f"检查 {one.name} 的查询必须以 `select 1 as breach from` 开头，以免结果带出数据。"
            )


def load(folder: Path = SUITES) -> list[Suite]:
    """Every suite below `folder`, structure first, each folder in the order of the names."""
    return [read(path) for name in FOLDERS for path in sorted((folder / name).glob("*.json"))]


def dump(suite: Suite) -> str:
    """The text of a suite file: one expectation a line, so that a diff can be read."""
    head = {
        "title": suite.title,
        "schema": suite.schema,
        "relation": suite.relation,
        "empty": "not_applicable" if suite.is_empty_allowed else "fail",
        "owner": suite.owner,
    }
    lines = [_line(one) for one in suite.expectations]
    return (
        f'{{\n"name": {_json(suite.name)},\n"meta": {_json(head)},\n"expectations": [\n'
        + ",\n".join(lines)
        + "\n]\n}\n"
    )


def _line(one: Expectation) -> str:
    meta: dict[str, Any] = {"name": one.name, "title": one.title}
    meta |= {part: text for part in ("limit", "reason", "article") if (text := getattr(one, part))}
    meta |= {"blocking": True} if one.is_blocking else {}
    return _json(
        {"type": one.type, "kwargs": dict(one.kwargs), "severity": _word(one.severity), "meta": meta}
    )


def _json(value: Mapping[str, Any] | Sequence[Any] | str) -> str:
    return json.dumps(value, ensure_ascii=False)

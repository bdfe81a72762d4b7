"""Draws the pages people open: the overview, and one page per suite; self-contained, Chinese first.

Not here: figures (pipelines.quality.overview), findings (pipelines.quality.gate), the look (templates/).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.quality import gate, metrics, overview, results, thresholds
from pipelines.quality.results import ExpectationResult, Kind, Severity, Status, SuiteResult
from pipelines.settings import Settings

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"

STATUS_TEXT: Mapping[Status, tuple[str, str]] = {
    Status.ERROR: ("!", "未能执行"),
    Status.FAIL: ("✕", "不通过"),
    Status.PASS_WITH_FAILURES: ("◐", "通过但有例外"),
    Status.PASS: ("✓", "通过"),
    Status.NOT_APPLICABLE: ("–", "不适用"),
}
"""Status → sign and Chinese; never told by colour alone."""

STATUS_MEANING: Mapping[Status, str] = {
    Status.ERROR: "检查没有跑成，多半是表或列不存在；不当作通过。",
    Status.FAIL: "有超出允许的例外。",
    Status.PASS_WITH_FAILURES: "有例外，但在允许之内；套件：只有提醒级的不通过。",
    Status.PASS: "判定过，没有例外。",
    Status.NOT_APPLICABLE: "没有可判定的数据；不当作通过。",
}

SEVERITY_TEXT: Mapping[str, str] = {"ERROR": "错误", "WARN": "提醒", "INFO": "提示"}

KIND_TEXT: Mapping[Kind, tuple[str, str]] = {
    Kind.MART: ("数据集市", "粒度、键、值域、范围、相加关系；标明“阻断项”的不通过时，集市不更新。"),
    Kind.STRUCTURE: ("入库结构", "由数据契约生成：列、类型、主键、必填、值域、硬范围；不阻断发布。"),
    Kind.THRESHOLD: ("限值", "按 expectations/thresholds.yml 判定区县与机构的数据质量；从不阻断发布。"),
}

KEPT, REFUSED = "expectations", "refused"
"""Folders below the reports: pages of the published run, pages of a run that was refused after it."""

RESULTS = "results.json"
"""Stored results in those folders; counts only."""


def write(settings: Settings, found: Sequence[SuiteResult], marts_file: Path) -> list[Path]:
    """Write every page of a published run, and keep its results and metrics for judging again.

    Args:
        settings: where the reports and the marts live.
        found: results of `gate.validate`.
        marts_file: the published marts, from which the overview is read.

    Returns:
        The files written. The same results and marts give the same bytes.

    Raises:
        FileNotFoundError: no marts.
        LookupError: marts without a single indicator.
    """
    metrics.keep(settings)
    shutil.rmtree(settings.reports / REFUSED, ignore_errors=True)
    return _write(settings, found, marts_file)


def write_refused(settings: Settings, found: Sequence[SuiteResult]) -> list[Path]:
    """Write the expectation pages of a run whose marts were refused, beside those of the last good one.

    They stand under `reports/refused/` until the next good run; the overview stays with the published marts.
    """
    return _write_suites(settings, found, settings.reports / REFUSED, metrics.built_file(settings))


def replace_results(settings: Settings, judged: Sequence[SuiteResult]) -> list[Path]:
    """Put newly judged suites in the place of the stored ones of the same name, and write the pages anew.

    Raises:
        FileNotFoundError: there was no run yet.
    """
    stored = results.from_json((settings.reports / KEPT / RESULTS).read_text(encoding="utf-8"))
    fresh = {result.suite: result for result in judged}
    merged = [fresh.pop(result.suite, result) for result in stored] + list(fresh.values())
    return _write(settings, merged, settings.marts_file)


def _write(settings: Settings, found: Sequence[SuiteResult], marts_file: Path) -> list[Path]:
    from pipelines.contract.dictionary import render_dictionary

    with gate.attached(settings, marts=marts_file) as connection:
        front = overview.read(connection)
    written = _write_suites(settings, found, settings.reports / KEPT, metrics.kept_file(settings))
    beyond = _beyond(settings, found, metrics.kept_file(settings))
    page = settings.reports / "index.html"
    text = _template("index.html.j2").render(
        front=front,
        suites=found,
        attention=attention(found),
        beyond=beyond,
        marts=_relative(settings, settings.marts_file),
        units=_relative(settings, settings.units_dir),
    )
    results.write_text(page, text)
    return [page, *written, *render_dictionary(settings.reports / "dictionary")]


def attention(found: Iterable[SuiteResult]) -> list[tuple[SuiteResult, ExpectationResult]]:
    """What somebody should look at, with its suite: blocking first, then by severity and name."""
    breaches = [(suite, one) for suite in found for one in suite.breaches]
    order = list(Severity)
    return sorted(
        breaches,
        key=lambda pair: (not pair[1].blocking, order.index(pair[1].severity), pair[0].suite, pair[1].name),
    )


def _write_suites(
    settings: Settings, found: Sequence[SuiteResult], folder: Path, measured: Path
) -> list[Path]:
    beyond = _beyond(settings, found, measured)
    home = Path(os.path.relpath(settings.reports / "index.html", folder)).as_posix()
    pages = {folder / "index.html": _template("expectations.html.j2").render(suites=found, home=home)}
    for suite in found:
        text = _template("suite.html.j2").render(suite=suite, beyond=beyond, home=home)
        pages[folder / f"{suite.suite}.html"] = text
    for stale in folder.glob("*.html"):
        if stale not in pages:
            stale.unlink()
    for path, text in pages.items():
        results.write_text(path, text)
    stored = folder / RESULTS
    results.write_text(stored, results.to_json(found))
    return [*pages, stored]


def _beyond(
    settings: Settings, found: Iterable[SuiteResult], measured: Path
) -> dict[str, list[dict[str, Any]]]:
    """Limit → the figures that break it, for the limits that are broken."""
    limited = [suite for suite in found if suite.kind is Kind.THRESHOLD]
    broken = {one.name for suite in limited for one in suite.expectations if one.unexpected_count}
    if not broken or not measured.is_file():
        return {}
    connection = metrics.restore(settings, measured)
    try:
        limits = [limit for limit in thresholds.load() if limit.name in broken]
        return {limit.name: thresholds.beyond(connection, limit) for limit in limits}
    finally:
        connection.close()


def _relative(settings: Settings, path: Path) -> str:
    """A path as seen from the reports' folder, so that the pages can be moved with their home."""
    return Path(os.path.relpath(path, settings.reports)).as_posix()


def percent(value: float | None) -> str:
    """A fraction as per cent; small ones with two digits, none as a dash."""
    if value is None:
        return "—"
    return f"{value * 100:.2f}%" if 0 < abs(value) < 0.01 else f"{value * 100:.1f}%"


def count(value: float | None) -> str:
    """A count with thousands separators, none as a dash."""
    return "—" if value is None else f"{int(value):,}"


def _inert(value: Any) -> Any:
    """Text of the data can look like an address; on the pages it must not be one."""
    return value.replace("://", "：／／").replace("//", "／／") if isinstance(value, str) else value


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    from pipelines.contract.model import datasets

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_inert,
    )
    environment.filters |= {"percent": percent, "count": count}
    environment.globals |= {
        "STATUS_TEXT": STATUS_TEXT,
        "STATUS_MEANING": STATUS_MEANING,
        "SEVERITY_TEXT": SEVERITY_TEXT,
        "KIND_TEXT": KIND_TEXT,
        "STATUSES": overview.STATUSES,
        "DATASETS": {name: dataset.title for name, dataset in datasets().items()},
    }
    return environment


def _template(name: str) -> jinja2.Template:
    return _environment().get_template(name)

"""Dagster asset checks from the expectation suites and limits, and the asset of the report pages.

Not here: running suites (gate.py) and rendering pages; Great Expectations is imported only when a check runs.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import dagster as dg

from pipelines.quality import results, suites, thresholds
from pipelines.quality.results import Severity, Status, SuiteResult
from pipelines.resources import WorkspaceResource
from pipelines.warehouse.failure import value_free
from pipelines.words import both
from pipelines.workspace import BlockingCheckError, Workspace

RESULTS = "expectations.json"
LIMITS = "limits"
EXPECTATIONS = "expectations"


def results_file(ground: Workspace) -> Any:
    """Where the results of a build wait for the pages."""
    return ground.settings.build / RESULTS


def check_of(result: SuiteResult) -> tuple[dg.AssetKey, str]:
    """Asset and name of the check that a suite's result belongs to."""
    return dg.AssetKey(result.relation.split(".")), LIMITS if result.kind == "threshold" else EXPECTATIONS


def check_specs(known: Iterable[dg.AssetKey]) -> list[dg.AssetCheckSpec]:
    """One check per suite and one per table with limits, on the table that is judged."""
    existing = set(known)
    found = {}
    for suite in suites.load():
        key = dg.AssetKey([suite.schema, suite.relation])
        found[(key, EXPECTATIONS)] = suite.title
    for table in sorted({limit.table for limit in thresholds.load()}):
        found[(dg.AssetKey(["marts", table]), LIMITS)] = "限值：数据质量到什么程度需要有人去看。"
    return [
        dg.AssetCheckSpec(name=name, asset=key, description=title, blocking=True)
        for (key, name), title in sorted(found.items(), key=lambda item: (item[0][0].path, item[0][1]))
        if key in existing
    ]


def metadata_of(result: SuiteResult) -> dict[str, Any]:
    """Counts and names of broken expectations; results hold no values of the data."""
    return {
        "status": str(result.status),
        "row_count": -1 if result.row_count is None else result.row_count,
        "expectation_count": len(result.expectations),
        "breach_count": len(result.breaches),
        "breaches": [one.name for one in result.breaches[:20]],
    }


def build_assets(known: Sequence[dg.AssetKey]) -> Sequence[dg.AssetsDefinition | dg.AssetChecksDefinition]:
    """The checks over the finished build."""
    specs = check_specs(known)
    expected = {(spec.asset_key, spec.name) for spec in specs}

    @dg.multi_asset_check(specs=specs, name="expectations")
    def expectations(workspace: WorkspaceResource) -> Iterator[dg.AssetCheckResult]:
        from pipelines.quality import gate

        ground = workspace.get()
        with value_free(BlockingCheckError):
            found = gate.validate(ground.settings, ground.warehouse_build, ground.marts_build)
        results.write_text(results_file(ground), results.to_json(found))
        breaches = sum(len(one.breaches) for one in found)
        ground.say(
            f"数据期望：{len(found)} 组检查，{breaches} 项未达到",
            f"expectations: {len(found)} suites, {breaches} breaches",
        )
        reported = set()
        for result in found:
            key, name = check_of(result)
            if (key, name) in expected and (key, name) not in reported:
                reported.add((key, name))
                yield dg.AssetCheckResult(
                    asset_key=key,
                    check_name=name,
                    passed=not result.breaches,
                    # the quality of a district's data never blocks; a broken mart does
                    severity=dg.AssetCheckSeverity.ERROR
                    if result.is_blocking
                    else dg.AssetCheckSeverity.WARN,
                    metadata=metadata_of(result),
                )
        for key, name in sorted(expected - reported, key=str):
            yield dg.AssetCheckResult(
                asset_key=key,
                check_name=name,
                passed=False,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"status": str(Status.NOT_APPLICABLE)},
            )
        blocking = [one.suite for one in found if one.is_blocking]
        if blocking:
            from pipelines.quality import pages

            with value_free(BlockingCheckError):
                pages.write_refused(ground.settings, found)
            names = ", ".join(blocking[:5])
            raise BlockingCheckError(
                both(
                    f"阻断性的数据期望未达到：{names}；请看质量报告中的未通过页，改正后重新运行。",
                    f"blocking expectations broke: {names}; see the refused page of the reports, run again",
                )
            )

    return [expectations]


def warning_count(found: Iterable[SuiteResult]) -> int:
    """Breaches that ask somebody to look but do not keep the marts back."""
    return sum(1 for result in found for one in result.breaches if one.severity is not Severity.INFO)

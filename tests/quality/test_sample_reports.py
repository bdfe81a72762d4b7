"""The reports of a real run: complete, closed in themselves, and about real tables."""

from __future__ import annotations

from pipelines.quality import results, suites
from pipelines.quality.results import Kind, Status
from tests.conftest import SampleRun
from tests.quality.test_pages import EXTERNAL, read


def stored(sample_run: SampleRun) -> list[results.SuiteResult]:
    return results.from_json((sample_run.home / "reports/expectations/results.json").read_text("utf-8"))


def test_every_suite_was_judged_and_none_is_an_error(sample_run: SampleRun) -> None:
    found = stored(sample_run)
    assert {suite.name for suite in suites.load()} <= {result.suite for result in found}
    assert not [
        (result.suite, one.name, one.note)
        for result in found
        for one in result.expectations
        if one.status is Status.ERROR
    ]


def test_staging_keeps_the_contract_and_the_marts_their_suites(sample_run: SampleRun) -> None:
    broken = {
        (result.suite, one.name)
        for result in stored(sample_run)
        if result.kind is not Kind.THRESHOLD
        for one in result.breaches
    }
    # nobody described the institution of the canaries' delivery: a matter of that unit, and told as such
    assert {name for _, name in broken} == {"reference.org_code"}


def test_something_was_judged_by_limits_and_planted_defects_show(sample_run: SampleRun) -> None:
    limits = [
        one for result in stored(sample_run) if result.kind is Kind.THRESHOLD for one in result.expectations
    ]
    assert sum(one.status is not Status.NOT_APPLICABLE for one in limits) >= 10
    assert any(one.status is Status.FAIL for one in limits)


def test_the_whole_folder_of_reports_hangs_together(sample_run: SampleRun) -> None:
    reports = sample_run.home / "reports"
    pages = sorted(reports.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        assert not EXTERNAL.search(page.read_bytes()), page.name
        links = read(page)
        for link in links.found:
            file, _, place = link.partition("#")
            target = (page.parent / file).resolve() if file else page
            assert target.is_file(), (page.name, link)
            if place and target.suffix == ".html":
                assert place in read(target).ids, (page.name, link)

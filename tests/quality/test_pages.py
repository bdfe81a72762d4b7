"""The pages: they name what broke, need nothing from outside, hold nobody's data, and are the same twice."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipelines import duck
from pipelines.quality import gate, pages, results, suites, thresholds
from pipelines.quality.results import Status
from pipelines.settings import Settings
from tests.quality import sample

EXTERNAL = re.compile(rb"(https?:|ftp:|//[a-z0-9.-]+\.[a-z]{2,}|@import|url\()", re.IGNORECASE)
IDENTIFYING = re.compile(
    r"(?<![0-9A-Za-z])([1-9]\d{5}(18|19|20)\d{9}[0-9Xx]|1\d{10}|[A-Z]\d{9})(?![0-9A-Za-z])"
)


@pytest.fixture(scope="module")
def written(tmp_path_factory, files) -> tuple[Settings, list[Path]]:
    """Reports of a city with some broken limits."""
    home = tmp_path_factory.mktemp("reports")
    settings = Settings.load(home=home, environment={})
    settings.marts.mkdir(parents=True)
    shutil.copy(files["marts"], settings.marts_file)
    writer = duck.writer(settings.marts_file, settings)
    writer.execute(
        "update marts.marts.mart_rule_summary set subject_count = 90 "
        "where rule_id = 'A1-3-2' and outcome_code = 'FAIL' and org_code = '5001160001'"
    )
    writer.execute(
        "update marts.marts.dim_org set org_name = '<script>见 http://example.org</script>' "
        "where org_code = '5002360001'"
    )
    writer.close()
    found = gate.validate(settings, files["warehouse"], settings.marts_file)
    return settings, pages.write(settings, found, settings.marts_file)


def text(settings: Settings, name: str) -> str:
    return (settings.reports / name).read_text("utf-8")


def test_what_broke_stands_on_the_front_page_and_on_its_own_with_count_limit_and_reason(written):
    settings, _ = written
    limit = next(one for one in thresholds.load() if one.name == "rule.A1-3-2")
    front = text(settings, "index.html")
    assert limit.title in front
    assert 'href="expectations/thresholds.mart_rule_summary.html#rule.A1-3-2"' in front
    page = text(settings, "expectations/thresholds.mart_rule_summary.html")
    row = page.split('<tr id="rule.A1-3-2">')[1].split("</tr>")[0]
    for part in ("不通过", "≤ 10%", limit.reason, "A1-3-2", "江津区", limit.owner):
        assert part in row
    assert "渝中区" not in row


def test_the_front_page_shows_the_city(written):
    settings, _ = written
    front = text(settings, "index.html")
    for part in ("2026-06-30", "渝中区", "唯一建档率", "99.0%", "4,700", "服务结束五日内录入", "德感卫生院"):
        assert part in front
    assert "../marts/marts.duckdb" in front
    assert str(settings.home) not in front


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.found += [value for name in ("href", "src") if (value := values.get(name))]
        self.ids |= {value for value in [values.get("id")] if value}


@cache
def read(path: Path) -> Links:
    """Links and places of a page that does not change any more."""
    links = Links()
    links.feed(path.read_text("utf-8"))
    return links


def test_every_link_leads_to_a_file_and_a_place_in_it(written):
    settings, paths = written
    # the dictionary of the marts is written beside these pages by the publishing stage
    later = settings.reports / "dictionary" / "marts.html"
    for path in paths:
        if path.suffix != ".html":
            continue
        for link in read(path).found:
            file, _, place = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            assert target.is_file() or target == later, (path.name, link)
            if place and target.suffix == ".html":
                assert place in read(target).ids, (path.name, link)


def test_nothing_points_outside_and_nobody_is_in_it(written):
    settings, paths = written
    assert len(paths) > 40
    for path in sorted(settings.reports.rglob("*")):
        if path.suffix in (".html", ".json"):
            assert not EXTERNAL.search(path.read_bytes()), path.name
            assert not IDENTIFYING.search(path.read_text("utf-8")), path.name
    assert "<script" not in text(settings, "index.html")


def test_pseudonyms_are_not_on_the_pages(written):
    settings, _ = written
    person = sample.pseudonym("person 0")
    assert not any(person in path.read_text("utf-8") for path in settings.reports.rglob("*.html"))


def test_the_same_results_give_the_same_bytes(written):
    settings, paths = written
    before = {path: path.read_bytes() for path in paths}
    found = results.from_json(text(settings, "expectations/results.json"))
    assert pages.write(settings, found, settings.marts_file) == paths
    assert {path: path.read_bytes() for path in paths} == before


def test_a_changed_limit_changes_the_pages_without_a_run(written, monkeypatch):
    settings, _ = written
    looser = [replace(limit, limit="<= 0.9") for limit in thresholds.load()]
    monkeypatch.setattr(thresholds, "load", lambda: [one for one in looser if one.name == "rule.A1-3-2"])
    assert thresholds.main(["--home", str(settings.home)]) == 0
    stored = results.from_json(text(settings, "expectations/results.json"))
    (suite,) = [one for one in stored if one.suite == "thresholds.mart_rule_summary"]
    assert suite.status is Status.PASS
    assert len([one for one in stored if one.suite.startswith("marts.")]) > 10
    assert "超过五日录入的服务不超过 10%" not in text(settings, "index.html")


def test_a_refused_run_is_shown_beside_the_last_good_one_until_the_next(written, planted):
    settings, _ = written
    good = text(settings, "index.html"), text(settings, "expectations/index.html")
    stored = results.from_json(text(settings, "expectations/results.json"))
    suite = next(one for one in suites.load() if one.name == "marts.fct_archive")
    table = "marts.marts.fct_archive"
    with planted(f"insert into {table} select * from {table} limit 1") as connection:
        (broken,) = gate.run_suites(connection, [suite])
    assert broken.is_blocking
    pages.write_refused(settings, [broken if one.suite == broken.suite else one for one in stored])
    assert "阻断" in text(settings, "refused/index.html")
    assert (
        "已阻断" in text(settings, "refused/marts.fct_archive.html").split('id="grain"')[1].split("</tr>")[0]
    )
    assert (text(settings, "index.html"), text(settings, "expectations/index.html")) == good
    pages.write(settings, stored, settings.marts_file)
    assert not (settings.reports / "refused").exists()


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "—"), (0, "0.0%"), (0.0042, "0.42%"), (0.056, "5.6%"), (1.2, "120.0%")]
)
def test_rates_are_written_as_per_cent(value, shown):
    assert pages.percent(value) == shown

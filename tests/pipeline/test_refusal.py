"""A build that breaks its promises is refused with exit 3: grain, contract and sums of the marts, broken models."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines import run as runner
from pipelines.settings import Settings
from pipelines.workspace import RunOptions
from tests.conftest import CANARIES, REPOSITORY, SampleRun, texts

pytestmark = pytest.mark.whole_run


@pytest.fixture
def broken_checkout(tmp_path: Path) -> Path:
    """The project with four marts that do what they must not."""
    checkout = tmp_path / "checkout"
    for name in ("pipelines", "dbt_project", "expectations"):
        ignored = shutil.ignore_patterns("target", "__pycache__", "logs")
        shutil.copytree(REPOSITORY / name, checkout / name, ignore=ignored)
    shutil.copy2(REPOSITORY / "dagster.yaml", checkout / "dagster.yaml")

    def rewrite(model: str, before: str, after: str) -> None:
        path = checkout / "dbt_project" / "models" / "marts" / f"{model}.sql"
        path.write_text(before + path.read_text(encoding="utf-8") + after, encoding="utf-8")

    rewrite("dim_org", "with once as (\n", "\n) select * from once union all select * from once")
    rewrite("fct_exam", "select *, 1 as surplus from (\n", "\n)")
    rewrite(
        "mart_indicator",
        "with summed as (\n",
        "\n) select * replace (cast(case when level = 'city' then numerator_count + 1 else numerator_count end "
        "as bigint) as numerator_count) from summed",
    )
    rewrite(
        "fct_archive",
        "with shown as (\n",
        "\n) select shown.* replace (cast(named.name as boolean) as is_htn) from shown "
        "inner join (select * from {{ ref('person') }} order by length(name) desc) as named "
        "on shown.person_key = named.person_key",
    )
    return checkout


def test_broken_marts_are_refused_by_name_and_nothing_identifying_is_said(
    own_copy: SampleRun,
    broken_checkout: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    settings = Settings.load(home=own_copy.home, inbox=own_copy.city / "inbox", checkout=broken_checkout)
    before = {
        path: path.read_bytes()
        for path in [settings.marts_file, settings.warehouse_file, settings.marts / "published.json"]
    }
    outcome = runner.run(settings, RunOptions())
    assert outcome.code == 3
    said = " ".join(outcome.reasons)
    for expected in ("grain_dim_org", "fct_exam", "levels_add_up_mart_indicator", "fct_archive"):
        assert expected in said, said
    assert {path: path.read_bytes() for path in before} == before
    assert outcome.facts["run_id"] == own_copy.published["run_id"]

    captured = capfd.readouterr()
    heard = captured.out + captured.err + caplog.text + said
    assert not any(value in heard for value in CANARIES.values())
    names = [
        name
        for (name,) in own_copy.warehouse("select distinct name from identity.person where name is not null")
    ]
    assert len(names) > 100
    places = [path for zone in ("dagster", "audit", "reports") for path in (own_copy.home / zone).rglob("*")]
    for path in places:
        if path.is_file():
            content = path.read_bytes()
            assert not any(one in content for one in texts(names) if len(one) > 6), path.name

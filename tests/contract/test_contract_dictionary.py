"""The printed data dictionary: all that somebody needs who has nothing else.

Not here: completeness of the columns and that no address leads outside (test_contract_render.py).
"""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipelines.cli import main
from pipelines.contract import guide
from pipelines.contract.dictionary import INLINE_CODES, dataset_groups, dictionary_page
from pipelines.contract.examples import example
from pipelines.contract.model import (
    PERSON_MINIMUM,
    Dataset,
    contract_version,
    datasets,
    manifest_contract,
    reference_units,
    value_set,
    value_set_catalogue,
)
from pipelines.contract.versions import changelog
from pipelines.ingest.reasons import REASONS

EVERY = [pytest.param(item, id=item.name) for item in datasets().values()]


@pytest.fixture(scope="module")
def page() -> str:
    """The page."""
    return dictionary_page()


@pytest.fixture(scope="module")
def sections(page: str) -> dict[str, str]:
    """Every part of the page with an id, up to the next one, tags taken out."""
    parts = re.split(r'<(?:section|div)[^>]*\bid="([^"]+)"[^>]*>', page)
    return {name: readable(text) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def readable(text: str) -> str:
    """What a reader sees of a piece of the page."""
    return html.unescape(re.sub(r"<[^>]+>", " ", text))


@pytest.mark.parametrize("item", EVERY)
def test_a_dataset_tells_its_key_its_sender_and_all_of_its_columns(
    sections: dict[str, str], item: Dataset
) -> None:
    shown = sections[f"dataset-{item.name}"]
    assert item.description in shown and item.grain in shown
    assert "、".join(item.column(name).title for name in item.key) in shown
    assert guide.SENDERS[item.senders] in shown
    for column in item.columns:
        assert column.description in shown, column.name
        assert guide.ranges(column) in shown, column.name
        assert f"例 {example(item, column)}" in shown or column.role == "DI", column.name
        assert (column.element or "") in shown, column.name
        assert guide.condition(column) in shown, column.name
    assert ("四者至少填其一，否则整行隔离" in shown) == item.has_person


@pytest.mark.parametrize("item", EVERY)
def test_codes_stand_beside_their_columns_with_labels_or_lead_to_the_appendix(
    sections: dict[str, str], item: Dataset
) -> None:
    shown = sections[f"dataset-{item.name}"]
    for column in item.columns:
        if column.value_set:
            codes = value_set(column.value_set)
            if len(codes) <= INLINE_CODES:
                assert "、".join(f"{code} {label}" for code, label in codes.items()) in shown
            assert value_set_catalogue()[column.value_set]["title"] in shown


def test_the_appendix_holds_every_code_with_standard_and_edition(sections: dict[str, str]) -> None:
    for name, entry in value_set_catalogue().items():
        shown = sections[f"value-set-{name}"]
        assert f"{entry['standard']} {entry['version']}" in shown
        for code, label in value_set(name).items():
            assert re.search(rf"(^|\s){re.escape(code)}\s", shown) and label in shown, (name, code)


def test_every_reason_stands_with_its_way_out(sections: dict[str, str]) -> None:
    shown = sections["reasons"]
    for code, reason in REASONS.items():
        assert f" {code} " in shown
        assert reason.sentence("zh", "某列") in shown, code
    effects = dict(
        re.findall(r"([A-Z][A-Z0-9_]{3,})\s+(整体拒收|文件拒收|整行隔离|接收并提示|接收并反馈)\s", shown)
    )
    assert effects == {code: effects[code] for code in REASONS}
    assert [effects[code] for code in ("UNIT_UNKNOWN", "DIGEST_MISMATCH", "KEY_DOUBLED", "CODE_UNKNOWN")] == [
        "整体拒收", "文件拒收", "整行隔离", "接收并提示",
    ]  # fmt: skip
    assert effects["CONTRACT_VERSION_NEWER"] == "接收并提示"
    assert effects["ID_CHECK_DIGIT"] == "接收并反馈"


def test_the_manifest_is_explained_key_by_key_and_shown(sections: dict[str, str]) -> None:
    shown = sections["manifest"]
    for node in manifest_contract()["schema"][0]["properties"]:
        assert f" {node['name']} " in shown and node["description"] in shown
    assert guide.manifest_text(guide.example_manifest()) in shown


def test_every_reporting_unit_is_listed(sections: dict[str, str]) -> None:
    assert set(re.findall(r"\b50\d{4}\b", sections["units"])) == reference_units()


def test_no_number_on_the_page_could_be_taken_for_a_person_s(page: str) -> None:
    for item in datasets().values():
        for column in item.columns:
            if column.role == "DI" and re.search(r"\d{8}", shown := example(item, column)):
                assert shown not in page, (item.name, column.name)


def test_the_changelog_ends_the_dictionary(page: str, sections: dict[str, str]) -> None:
    assert list(sections)[-1] == "versions"
    for release in changelog():
        assert release.version in sections["versions"]
        for change in release.additions:
            assert change.item in sections["versions"] and change.owner in sections["versions"]
    assert contract_version() in page


def test_the_overview_and_the_contents_name_every_dataset_once(page: str) -> None:
    listed = [item.name for _, members in dataset_groups() for item in members]
    assert sorted(listed) == sorted(datasets())
    contents = page[page.index("<nav") : page.index("</nav>")]
    assert re.findall(r'href="#dataset-(\w+)"', contents) == listed


def test_the_short_condition_is_that_of_the_columns_it_stands_for() -> None:
    for item in datasets().values():
        for column in item.columns:
            in_minimum = item.has_person and any(column.name in group for group in PERSON_MINIMUM)
            if column.conditional == guide.PERSON_CONDITION:
                assert in_minimum, (item.name, column.name)
            elif in_minimum:
                assert column.name in item.key or not column.conditional, (item.name, column.name)


def test_paper_gets_page_breaks_and_repeated_heads(page: str) -> None:
    paper = page[page.index("@page") : page.index("</style>")]
    for rule in (
        "size: A4",
        "counter(page)",
        "table-header-group",
        "break-before: page",
        "break-inside: avoid",
    ):
        assert rule in paper
    assert page.count("<table") == page.count("<thead>")


def test_the_command_writes_one_file(tmp_path: Path, page: str) -> None:
    done = CliRunner().invoke(main, ["dictionary", "--out", str(tmp_path / "deep" / "dictionary.html")])
    assert done.exit_code == 0, done.output
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["dictionary.html"]
    assert (tmp_path / "deep" / "dictionary.html").read_text("utf-8") == page

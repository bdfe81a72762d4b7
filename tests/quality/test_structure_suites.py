"""Structure suites follow the contract: good rows pass, each planted breach is named, drift is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import pytest

from pipelines.contract.model import Column, Dataset, datasets
from pipelines.quality import gate, render, suites
from pipelines.quality.results import Kind, Status, SuiteResult

STRUCTURE = [suite for suite in suites.load() if suite.kind is Kind.STRUCTURE]


def table(dataset: Dataset) -> str:
    return f"warehouse.staging.stg_{dataset.name}_version"


def plain(dataset: Dataset) -> Iterator[Column]:
    """Columns on which a breach says nothing about the key."""
    return (column for column in dataset.columns if column.name not in dataset.key)


def change(dataset: Dataset, column: Column, value: str, row: int) -> str:
    return f"update {table(dataset)} set {column.name} = {value} where rowid = {row}"


def fresh_view(name: str) -> str:
    """A view keeps the columns it was made with; after a change of columns it must be made again."""
    view = f"warehouse.staging.stg_{name}"
    return f"create or replace view {view} as select * from {view}_version"


def run(connection, *only: str) -> dict[str, SuiteResult]:
    wanted = [suite for suite in STRUCTURE if not only or suite.name.split(".")[1] in only]
    return {result.suite.split(".")[1]: result for result in gate.run_suites(connection, wanted)}


def test_one_breach_of_each_kind_is_named_and_nothing_else(planted):
    statements, expected = [], {}
    for number, dataset in enumerate(datasets().values()):
        names = expected.setdefault(dataset.name, set())
        if number % 2:  # every second dataset stays as it is
            continue
        names |= {"unique_key", "columns"}
        statements.append(f"insert into {table(dataset)} select * from {table(dataset)} where rowid = 0")
        statements.append(f"alter table {table(dataset)} add column nickname varchar")
        statements.append(fresh_view(dataset.name))
        for column in plain(dataset):
            if column.required and not any(name.startswith("not_null") for name in names):
                names.add(f"not_null.{column.name}")
                statements.append(change(dataset, column, "null", 1))
            elif column.value_set and not any(name.startswith("value_set") for name in names):
                names.add(f"value_set.{column.name}")
                statements.append(change(dataset, column, "'1|?'" if column.is_multiple else "'?'", 2))
            elif column.hard_max is not None and not any(name.startswith("range") for name in names):
                names.add(f"range.{column.name}")
                statements.append(change(dataset, column, str(column.hard_max + 1), 3))
    with planted(*statements) as connection:
        found = run(connection)
    kinds = {name.split(".")[0] for names in expected.values() for name in names}
    assert kinds == {"unique_key", "columns", "not_null", "value_set", "range"}
    for name, result in found.items():
        assert {one.name for one in result.breaches} == expected[name], name
        assert {one.unexpected_count for one in result.breaches} <= {1, 2, None}
        # two current versions of a record are the model's mistake; everything else is what a district sent
        assert result.is_blocking == ("unique_key" in expected[name])


def test_every_value_set_and_every_hard_range_can_fail_at_both_ends(planted):
    statements, expected = [], {}
    for dataset in datasets().values():
        counts = expected.setdefault(dataset.name, {})
        for column in plain(dataset):
            if column.value_set:
                statements.append(change(dataset, column, "'?'", 0))
                counts[f"value_set.{column.name}"] = 1
            for row, (limit, step) in enumerate(((column.hard_min, -1), (column.hard_max, 1))):
                if limit is not None:
                    statements.append(change(dataset, column, str(limit + step), row))
                    counts[f"range.{column.name}"] = counts.get(f"range.{column.name}", 0) + 1
    with planted(*statements) as connection:
        found = run(connection)
    for name, result in found.items():
        assert {one.name: one.unexpected_count for one in result.breaches} == expected[name], name


def test_a_changed_type_is_named_and_spoils_no_other_column(planted):
    name = "population_index"
    with planted(
        f"alter table warehouse.staging.stg_{name}_version alter is_resident type varchar",
        fresh_view(name),
    ) as connection:
        result = run(connection, name)[name]
    assert {one.name for one in result.breaches} == {"type.is_resident"}


def test_a_missing_column_is_named_and_its_checks_are_errors(planted):
    name = "htn_followup"
    with planted(
        f"alter table warehouse.staging.stg_{name}_version drop column sbp",
        fresh_view(name),
    ) as connection:
        result = run(connection, name)[name]
    found = {one.name: one for one in result.breaches}
    assert set(found) == {"columns", "type.sbp", "range.sbp"}
    assert found["columns"].status is Status.FAIL
    assert found["range.sbp"].status is Status.ERROR
    assert found["range.sbp"].note == gate.NO_COLUMN
    assert next(one for one in result.expectations if one.name == "range.dbp").status is Status.PASS


def test_no_rows_are_not_a_pass(planted):
    emptied = ("archive", "population", "child_check", "sample_check")
    with planted(*(f"delete from {table(datasets()[name])}" for name in emptied)) as connection:
        found = run(connection, *emptied)
    assert set(found) == set(emptied)
    for result in found.values():
        assert result.status is Status.NOT_APPLICABLE
        assert {one.status for one in result.expectations} == {Status.NOT_APPLICABLE}


def test_a_missing_relation_is_an_error(planted):
    with planted("drop view warehouse.staging.stg_archive") as connection:
        result = run(connection, "archive")["archive"]
    assert result.status is Status.ERROR
    assert {one.note for one in result.expectations} == {gate.NO_RELATION}


def test_there_is_one_suite_per_dataset_and_it_has_not_drifted():
    assert {suite.relation for suite in STRUCTURE} == {f"stg_{name}" for name in datasets()}
    assert render.drift() == ""


@pytest.mark.parametrize("change", ["edit", "stray", "missing", "form"])
def test_drift_is_found_and_mended(tmp_path, change):
    folder = tmp_path / "suites"
    shutil.copytree(suites.SUITES, folder)
    target = folder / "structure" / "transfer.json"
    if change == "edit":
        target.write_text(target.read_text("utf-8").replace('"VARCHAR"', '"BIGINT"', 1), "utf-8")
    elif change == "stray":
        shutil.copy(target, folder / "structure" / "nobody.json")
    elif change == "missing":
        target.unlink()
    else:
        target = folder / "marts" / "mart_indicator.json"
        target.write_text(json.dumps(json.loads(target.read_text("utf-8"))), "utf-8")
    assert render.drift(folder) != ""
    assert render.write(folder)
    assert render.drift(folder) == ""


def test_the_check_command_tells_of_drift(capsys, monkeypatch):
    monkeypatch.setattr(render, "drift", lambda: "a difference")
    assert render.main(["--check"]) == 1
    assert "pipelines.quality.render" in capsys.readouterr().err
    monkeypatch.setattr(render, "drift", lambda: "")
    assert render.main(["--check"]) == 0


def test_suites_are_real_expectation_suites():
    import great_expectations as gx

    for suite in suites.load():
        found = suite.to_gx()
        assert isinstance(found, gx.ExpectationSuite)
        assert len(found.expectations) == len(suite.expectations)
        document = json.loads(suites.dump(suite))
        assert len(gx.ExpectationSuite(document["name"], document["expectations"]).expectations) == len(
            suite.expectations
        )


def test_a_row_query_that_could_bring_values_out_is_refused(tmp_path):
    text = (suites.SUITES / "marts" / "mart_delivery.json").read_text("utf-8")
    path = tmp_path / "marts" / "mart_delivery.json"
    path.parent.mkdir()
    path.write_text(text.replace("select 1 as breach from", "select * from"), "utf-8")
    with pytest.raises(suites.SuiteError, match="select 1 as breach"):
        suites.read(path)

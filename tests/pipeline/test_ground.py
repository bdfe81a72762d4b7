"""Settings, connections, the writer's lock, clean-up, keys, ledgers, value-free errors."""

from __future__ import annotations

import json
import multiprocessing
import stat
from pathlib import Path

import duckdb
import pytest

from pipelines import audit, duck, keys
from pipelines.settings import Settings, SettingsError
from pipelines.warehouse.failure import StageError, value_free, without_values
from pipelines.workspace import BlockingCheckError, WriterBusyError, clear_leftovers, writer_lock
from tests.conftest import SampleRun


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load(home=tmp_path / "home", environment={})


def test_the_environment_is_read_and_arguments_win(tmp_path: Path) -> None:
    environment = {"YUDANG_HOME": str(tmp_path / "a"), "YUDANG_THREADS": "3", "YUDANG_MEMORY_LIMIT": "500MB"}
    found = Settings.load(environment=environment)
    assert (found.home, found.threads, found.memory_limit) == (tmp_path / "a", 3, "500MB")
    assert found.inbox == tmp_path / "a" / "inbox"
    found = Settings.load(home=tmp_path / "b", environment=environment, threads=1, inbox=tmp_path / "i")
    assert (found.home, found.threads, found.inbox) == (tmp_path / "b", 1, tmp_path / "i")


@pytest.mark.parametrize(
    "wrong",
    [{"target": "spork"}, {"language": "de"}, {"memory_limit": "much"}, {"threads": 0}, {"colour": "red"}],
)
def test_settings_that_cannot_be_used_are_refused(wrong: dict, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        Settings.load(home=tmp_path, environment={}, **wrong)


def test_connections_count_in_local_time_and_spill_below_home(settings: Settings) -> None:
    connection = duck.memory(settings)
    zone, spill = connection.execute(
        "select current_setting('TimeZone'), current_setting('temp_directory')"
    ).fetchone()
    assert (zone, spill) == ("Asia/Shanghai", str(settings.spill))
    connection.close()


def test_a_reader_keeps_the_old_file_through_a_swap(settings: Settings) -> None:
    final = settings.home / "x.duckdb"
    for value in (1, 2):
        with duck.build_aside(final, settings) as (connection, _):
            connection.execute(f"create table t as select {value} as a")
        if value == 1:
            reader = duck.read_only(final, settings)
    assert reader.execute("select a from t").fetchone() == (1,)
    reader.close()
    assert duck.read_only(final, settings).execute("select a from t").fetchone() == (2,)
    assert sorted(path.name for path in settings.home.iterdir()) == ["spill", "x.duckdb"]


def test_a_failed_build_leaves_the_old_file_and_nothing_else(settings: Settings) -> None:
    final = settings.home / "x.duckdb"
    with duck.build_aside(final, settings) as (connection, _):
        connection.execute("create table t as select 1 as a")
    with pytest.raises(duckdb.Error), duck.build_aside(final, settings) as (connection, _):
        connection.execute("select * from nowhere")
    assert duck.read_only(final, settings).execute("select a from t").fetchone() == (1,)
    assert sorted(path.name for path in settings.home.iterdir()) == ["spill", "x.duckdb"]


def _hold(settings: Settings, held: multiprocessing.Event, done: multiprocessing.Event) -> None:
    with writer_lock(settings):
        held.set()
        done.wait(30)


def test_one_writer_at_a_time_and_a_killed_one_lets_go(settings: Settings) -> None:
    context = multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(settings, held, done))
    other.start()
    assert held.wait(30)
    with pytest.raises(WriterBusyError, match=str(other.pid)), writer_lock(settings):
        pass
    other.kill()
    other.join()
    with writer_lock(settings), writer_lock(settings):
        pass


def test_leftovers_of_a_killed_run_go_and_published_files_stay(settings: Settings) -> None:
    kept = [settings.marts_file, settings.units_dir / "500103.duckdb", settings.build / "dbt" / "x.msgpack"]
    gone = [
        settings.build / "warehouse.duckdb",
        settings.build / "marts.duckdb.wal",
        settings.build / "ingest" / "d1" / "1.parquet",
        settings.marts / ".published.json.building",
        settings.spill / "duckdb_temp_block-1.block",
    ]
    for path in kept + gone:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with writer_lock(settings):
        clear_leftovers(settings)
    assert [path for path in kept if not path.exists()] == []
    assert [path for path in gone if path.exists()] == []


def test_the_site_key_is_made_once_and_only_the_owner_reads_it(settings: Settings) -> None:
    assert keys.make_site_key(settings)
    first = settings.site_key_file.read_text(encoding="ascii")
    assert len(bytes.fromhex(first.strip())) == 32
    assert stat.S_IMODE(settings.site_key_file.stat().st_mode) == 0o600
    assert not keys.make_site_key(settings)
    assert settings.site_key_file.read_text(encoding="ascii") == first
    keys.check_site_key(settings.site_key_file)


def test_what_names_persons_is_closed_to_others(sample_run: SampleRun) -> None:
    settings = sample_run.settings
    for folder in (settings.lake, settings.quarantine, settings.build, settings.spill, settings.keys):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder.name
    assert stat.S_IMODE(settings.warehouse_file.stat().st_mode) == 0o600
    assert settings.marts_file.stat().st_mode & stat.S_IROTH


@pytest.mark.parametrize(("content", "mode"), [("zz", 0o600), ("00" * 16, 0o600), ("00" * 32, 0o644)])
def test_a_key_that_cannot_be_used_is_refused(settings: Settings, content: str, mode: int) -> None:
    settings.keys.mkdir(parents=True)
    settings.site_key_file.write_text(content, encoding="ascii")
    settings.site_key_file.chmod(mode)
    with pytest.raises(keys.KeyMaterialError):
        keys.check_site_key(settings.site_key_file)


def test_sm3_is_tested_against_the_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    keys.self_test()
    monkeypatch.setattr(hashlib, "new", lambda name, data=b"": hashlib.sha256(data))
    with pytest.raises(keys.KeyMaterialError, match="GB/T 32905"):
        keys.self_test()


def test_a_ledger_holds_together(settings: Settings) -> None:
    ledger = audit.runs(settings)
    assert ledger.verify() == 0
    for number in range(3):
        ledger.append({"number": number, "text": "发布"})
    assert ledger.verify() == 3
    assert [entry["number"] for entry in ledger.entries()] == [0, 1, 2]


@pytest.mark.parametrize("breach", ["changed", "removed", "inserted"])
def test_a_changed_ledger_is_found_out(settings: Settings, breach: str) -> None:
    ledger = audit.runs(settings)
    for number in range(3):
        ledger.append({"number": number})
    lines = ledger.path.read_text(encoding="utf-8").splitlines(keepends=True)
    if breach == "changed":
        lines[1] = lines[1].replace('"number": 1', '"number": 7')
    elif breach == "removed":
        del lines[1]
    else:
        lines.insert(1, lines[0])
    ledger.path.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(audit.LedgerBrokenError, match="line 2"):
        ledger.verify()


def test_a_line_cut_short_by_a_kill_does_not_end_the_ledger(settings: Settings) -> None:
    ledger = audit.runs(settings)
    ledger.append({"number": 0})
    with ledger.path.open("a", encoding="utf-8") as handle:
        handle.write('{"number": 1, "dig')
    ledger.append({"number": 2})
    assert ledger.verify() == 2
    assert json.loads(ledger.path.read_text(encoding="utf-8").splitlines()[1])["number"] == 2


@pytest.mark.parametrize(
    "text",
    [
        "Conversion Error: Could not convert string '512127195002280035' to INT32",
        'Constraint Error: Duplicate key "name: 甴曱麤龘" violates primary key',
        "Invalid Input Error: could not parse 甴曱麤龘 as a date",
        "conversion from `str` to `i64` failed in column 'phone' for 1 out of 1 values: [\"10098761234\"]",
        "CSV Error on Line: 7 Original Line: 1,甴曱麤龘,10098761234",
    ],
)
def test_error_texts_lose_their_values(text: str) -> None:
    cleaned = without_values(text)
    for value in ("512127195002280035", "甴曱麤龘", "10098761234"):
        assert value not in cleaned


def test_error_texts_about_names_in_sql_keep_them() -> None:
    text = 'Binder Error: Referenced column "birth_day" not found in FROM clause!'
    assert "birth_day" in without_values(text)


def test_stages_speak_their_own_errors_and_strip_every_other() -> None:
    with pytest.raises(BlockingCheckError, match="conservation"), value_free(BlockingCheckError):
        raise BlockingCheckError("conservation")
    with pytest.raises(StageError) as caught, value_free(BlockingCheckError):
        raise ValueError("cannot read '甴曱麤龘'")
    assert "甴" not in str(caught.value)
    assert caught.value.__suppress_context__

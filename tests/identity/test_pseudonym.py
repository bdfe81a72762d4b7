"""The pseudonym function: the standard's vectors, the key file, and DuckDB's handling of what it returns.

Not here: where pseudonyms are used.
"""

from __future__ import annotations

import hmac
from pathlib import Path

import duckdb
import pytest

from pipelines.warehouse import pseudonym

REPOSITORY = Path(__file__).resolve().parents[2]
KEY = bytes(range(32))


def expected(text: str) -> str:
    """HMAC-SM3 by the standard library."""
    return hmac.new(KEY, text.encode(), "sm3").hexdigest()


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    """A database in memory with the function registered."""
    opened = duckdb.connect()
    pseudonym.register(opened, KEY)
    return opened


def test_self_test_accepts_this_library() -> None:
    pseudonym.self_test()


@pytest.mark.parametrize("text", ["", "abc", "档案:500116:甲", "x" * 200])
def test_prepared_contexts_give_the_standard_hmac(text: str) -> None:
    assert pseudonym.pseudonymiser(KEY)(text) == expected(text)


def test_a_key_longer_than_a_block_is_hashed_first() -> None:
    long_key = bytes(range(100))
    assert pseudonym.pseudonymiser(long_key)("abc") == hmac.new(long_key, b"abc", "sm3").hexdigest()


def test_null_stays_null_and_cursors_share_the_function(connection: duckdb.DuckDBPyConnection) -> None:
    assert connection.cursor().sql("select hmac_sm3(null), hmac_sm3('abc')").fetchone() == (
        None,
        expected("abc"),
    )


def macro_text(argument: str) -> str:
    """What the macro `pseudonym` writes for DuckDB, read from the project itself."""
    source = (REPOSITORY / "dbt_project/macros/engine.sql").read_text(encoding="utf-8")
    body = source.split("{% macro default__pseudonym(text) -%}")[1].split("{%- endmacro %}")[0]
    return body.replace("{{ text }}", argument).strip()


@pytest.mark.parametrize(
    "expression",
    [
        "coalesce(other, {pseudonym})",
        "coalesce(cast(null as varchar), other, {pseudonym}, 'z')",
        "case when number % 2 = 0 then {pseudonym} else coalesce(other, {pseudonym}) end",
        "least({pseudonym}, other)",
    ],
)
def test_pseudonyms_survive_conditional_expressions(
    connection: duckdb.DuckDBPyConnection, expression: str
) -> None:
    # the bare Arrow function does not: DuckDB 1.5 hands on strings that are freed already
    connection.execute(
        "create table subject as select number, 'k' || number as text, "
        "case when number % 3 = 0 then 'zz' || number end as other from range(60000) as one (number)"
    )
    found = connection.execute(
        f"select number, text, {expression.format(pseudonym=macro_text('text'))} from subject"
    ).fetchall()
    wrong = [
        number
        for number, text, key in found
        if key is None or not (key.startswith("zz") or key == expected(text))
    ]
    assert wrong == []


def test_the_site_key_is_read_from_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "site.key"
    file.write_text(KEY.hex() + "\n")
    monkeypatch.setenv(pseudonym.KEY_FILE_VARIABLE, str(file))
    assert pseudonym.read_site_key() == KEY


@pytest.mark.parametrize(("content", "complaint"), [("zz" * 32, "hexadecimal"), ("ab" * 16, "32 bytes")])
def test_a_broken_key_file_is_refused_without_showing_it(
    tmp_path: Path, content: str, complaint: str
) -> None:
    file = tmp_path / "site.key"
    file.write_text(content)
    with pytest.raises(pseudonym.PseudonymError, match=complaint) as caught:
        pseudonym.read_site_key(file)
    assert content[:8] not in str(caught.value)


def test_no_key_means_no_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(pseudonym.KEY_FILE_VARIABLE, raising=False)
    with pytest.raises(pseudonym.PseudonymError, match=pseudonym.KEY_FILE_VARIABLE):
        pseudonym.read_site_key()
    with pytest.raises(pseudonym.PseudonymError, match="does not exist"):
        pseudonym.read_site_key(tmp_path / "absent.key")

"""The pseudonym function of the warehouse: HMAC-SM3 under the site key, registered for dbt in DuckDB.

Not here: making and rotating the key (keys live in home/keys) and any choice of what is pseudonymised.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbt.adapters.duckdb.plugins import BasePlugin

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KEY_FILE_VARIABLE = "YUDANG_SITE_KEY_FILE"
FUNCTION_NAME = "hmac_sm3"
_BLOCK_BYTES = 64
# GB/T 32905-2016, appendix A.1
_TEST_MESSAGE = b"abc"
_TEST_DIGEST = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


class PseudonymError(RuntimeError):
    """The pseudonym function cannot be used; the message says what is missing."""


def self_test() -> None:
    """Check that this Python's SM3 is the standard's.

    Raises:
        PseudonymError: SM3 is absent from the cryptographic library or answers wrongly (GB/T 32905-2016 A.1).
    """
    try:
        digest = hashlib.new("sm3", _TEST_MESSAGE).hexdigest()
    except ValueError as error:
        raise PseudonymError(
            "hashlib has no SM3; use a Python whose OpenSSL is built with SM3 (OpenSSL 1.1.1 or later)"
        ) from error
    if digest != _TEST_DIGEST:
        raise PseudonymError("SM3 of the cryptographic library fails the test vector of GB/T 32905-2016")


def read_site_key(path: Path | str | None = None) -> bytes:
    """Read the site key: a file of 64 hexadecimal digits (32 bytes).

    Args:
        path: key file; default the environment variable YUDANG_SITE_KEY_FILE.

    Raises:
        PseudonymError: no file is named, it does not exist, or it holds no key of 32 bytes.
    """
    named = str(path or os.environ.get(KEY_FILE_VARIABLE) or "")
    if not named:
        raise PseudonymError(f"no site key: set {KEY_FILE_VARIABLE} or start the build with `yudang run`")
    file = Path(named)
    if not file.is_file():
        raise PseudonymError("the site key file does not exist; make one with `yudang key new`")
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except (ValueError, UnicodeDecodeError) as error:
        raise PseudonymError("the site key file does not hold hexadecimal digits") from error
    if len(key) != 32:
        raise PseudonymError("the site key must have 32 bytes (64 hexadecimal digits)")
    return key


def pseudonymiser(key: bytes) -> Callable[[str], str]:
    """Return the function text -> 64 hex digits, equal to hmac.new(key, text, "sm3").

    The two keyed contexts are prepared once and copied, which halves the cost of a call.
    """
    block = key.ljust(_BLOCK_BYTES, b"\0") if len(key) <= _BLOCK_BYTES else b""
    if not block:
        return lambda text: hmac.new(key, text.encode(), "sm3").hexdigest()
    inner = hashlib.new("sm3", bytes(byte ^ 0x36 for byte in block))
    outer = hashlib.new("sm3", bytes(byte ^ 0x5C for byte in block))

    def digest(text: str) -> str:
        first = inner.copy()
        first.update(text.encode())
        second = outer.copy()
        second.update(first.digest())
        return second.hexdigest()

    return digest


def register(connection: DuckDBPyConnection, key: bytes) -> None:
    """Register SQL function hmac_sm3(varchar) -> varchar, vectorised over Arrow; null stays null."""
    import pyarrow
    from duckdb.func import PythonUDFType
    from duckdb.sqltypes import VARCHAR

    digest = pseudonymiser(key)

    # DuckDB evaluates the annotations of what it registers, so they must not name a lazy import
    def vectorised(texts: Any) -> Any:
        return pyarrow.array(
            [None if text is None else digest(text) for text in texts.to_pylist()], type=pyarrow.string()
        )

    connection.create_function(
        FUNCTION_NAME,
        vectorised,
        [VARCHAR],
        VARCHAR,
        type=PythonUDFType.ARROW,
    )


class Plugin(BasePlugin):
    """dbt-duckdb plugin: runs once for the connection that dbt builds with."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Take no configuration; the key is named by the environment, never by the profile."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Test SM3, read the key, register the function."""
        self_test()
        register(conn, read_site_key())

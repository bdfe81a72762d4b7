"""Keys under home/keys: the site key of the pseudonyms, and the self-test of SM3 that every run starts with.

Not here: what is pseudonymised (pipelines.warehouse.pseudonym, dbt_project) and encryption of files.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from pipelines.settings import Settings
from pipelines.words import both

SITE_KEY_BYTES = 32

# GB/T 32905-2016, appendix A.1
_TEST_MESSAGE = b"abc"
_TEST_DIGEST = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


class KeyMaterialError(RuntimeError):
    """A key or the cryptographic library cannot be used; the message says what would help."""


def self_test() -> None:
    """Check that this Python's SM3 is the standard's.

    Raises:
        KeyMaterialError: SM3 is absent from the library or answers wrongly (GB/T 32905-2016 A.1).
    """
    try:
        digest = hashlib.new("sm3", _TEST_MESSAGE).hexdigest()
    except ValueError as error:
        raise KeyMaterialError(
            both(
                "密码库没有 SM3，请换用带 SM3 的 OpenSSL（1.1.1 或以上）的 Python。",
                "hashlib has no SM3; use a Python whose OpenSSL is built with SM3 (OpenSSL 1.1.1 or later)",
            )
        ) from error
    if digest != _TEST_DIGEST:
        raise KeyMaterialError(
            both(
                "密码库的 SM3 不符合 GB/T 32905-2016 的示例，请更换密码库后再运行。",
                "SM3 of the cryptographic library fails the test of GB/T 32905-2016; replace the library",
            )
        )


def make_site_key(settings: Settings) -> bool:
    """Make the site key if there is none; an existing one is never replaced.

    Returns:
        Whether a key was made.
    """
    settings.keys.mkdir(parents=True, exist_ok=True)
    settings.keys.chmod(0o700)
    path = settings.site_key_file
    if path.exists():
        return False
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as handle:
        handle.write(secrets.token_hex(SITE_KEY_BYTES) + "\n")
        handle.flush()
        os.fsync(handle.fileno())
    try:
        # a link fails where the name exists already: two first runs cannot end with two keys
        os.link(aside, path)
    except FileExistsError:
        return False
    finally:
        aside.unlink()
    return True


def check_site_key(path: Path) -> None:
    """Check that the site key can be used and that nobody else can read it.

    Raises:
        KeyMaterialError: it is missing, malformed or readable by others.
    """
    if not path.is_file():
        raise KeyMaterialError(
            both(
                "没有假名密钥，请用 yudang key new 生成。",
                "there is no site key; make one with `yudang key new`",
            )
        )
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (ValueError, UnicodeDecodeError):
        raise KeyMaterialError(
            both(
                "假名密钥文件不是十六进制数字，请从备份恢复原密钥。",
                "the site key file does not hold hexadecimal digits; restore the key from its backup",
            )
        ) from None
    if len(key) != SITE_KEY_BYTES:
        raise KeyMaterialError(
            both(
                f"假名密钥须为 {SITE_KEY_BYTES} 字节（64 个十六进制数字），请从备份恢复原密钥。",
                f"the site key must have {SITE_KEY_BYTES} bytes (64 hexadecimal digits); restore its backup",
            )
        )
    if path.stat().st_mode & 0o077:
        raise KeyMaterialError(
            both(
                f"假名密钥可被他人读取，请执行 chmod 600 {path}。",
                f"the site key can be read by others; run `chmod 600 {path}`",
            )
        )

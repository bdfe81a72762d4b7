"""Bounds of what a delivery may cost: sizes, rows, line length.

Not here: memory and threads of DuckDB (pipelines.settings) and thresholds of rules.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of reading; bytes unless the name says rows.

    Attributes:
        chunk_bytes: bytes read at once from a CSV file; memory grows with it, results do not depend on it.
            From 32 MiB on the C library takes fresh pages from the system for every piece.
        block_rows: rows judged and written at once; results do not depend on it.
        line_bytes: longest CSV record in UTF-8; a longer one refuses the file.
        manifest_bytes: largest manifest.
        xlsx_rows: most data rows of a workbook (contract §1).
        xlsx_unpacked_bytes: most bytes of all unpacked parts of a workbook.
        doubled_in_memory_rows: up to this many rows doubled keys are found without DuckDB.
    """

    chunk_bytes: int = 16 * 1024 * 1024
    block_rows: int = 100_000
    line_bytes: int = 1024 * 1024
    manifest_bytes: int = 16 * 1024 * 1024
    xlsx_rows: int = 100_000
    xlsx_unpacked_bytes: int = 512 * 1024 * 1024
    doubled_in_memory_rows: int = 1_000_000


DEFAULT_LIMITS = Limits()

"""The record hash is BLAKE2b over the canonical text of the business columns, however it is computed."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.contract import model
from pipelines.ingest import identity
from pipelines.ingest.raw import RawBlock
from pipelines.ingest.rows import Provenance, stored, weigh
from tests.torture import examples

MARK = "\x1f"
PROVENANCE = Provenance("0" * 16, "500116", "B1", "x.csv", None, datetime(2026, 1, 7, 21), False)

texts = st.one_of(st.none(), st.sampled_from(["", " ", "a", MARK, "a" + MARK, "程春", "\n", "|"]))
rows = st.lists(
    st.fixed_dictionaries(
        {
            "record_id": st.sampled_from(["R1", "R2"]),
            "district_archive_id": texts,
            "id_no": texts,
            "name": texts,
            "birth_date": st.sampled_from([None, "1950-01-31", "x"]),
            "org_code": texts,
            "service_date": st.sampled_from([None, "2025-12-01", "20251201"]),
            "mode_code": st.sampled_from([None, "1", "Q"]),
            "is_free": st.sampled_from([None, "1", "否"]),
            "symptom_codes": st.sampled_from([None, "2", "3|2", "2|77"]),
            "sbp": st.sampled_from([None, "130", "130.50", "-0"]),
            "loss_reason_code": st.none(),
        }
    ),
    min_size=1,
    max_size=6,
)


def canonical(value: Any) -> str:
    """A value as the text that is hashed."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, date):
        return str((value - date(1970, 1, 1)).days)
    if isinstance(value, float):
        return str(value + 0.0)
    return str(value)


@given(table=rows)
@settings(max_examples=examples(200), deadline=None)
def test_the_hash_is_that_of_the_joined_canonical_texts(table: list[dict[str, Any]]) -> None:
    dataset = model.dataset("htn_followup")
    names = list(table[0])
    frame = pl.DataFrame(
        {str(n): pl.Series([row[name] for row in table], dtype=pl.String) for n, name in enumerate(names)}
    )
    block = RawBlock(frame, pl.Series("row", np.arange(1, len(table) + 1)))
    weighed = weigh(block, {name: n for n, name in enumerate(names)}, dataset, PROVENANCE)
    accepted = stored(weighed, dataset, PROVENANCE).accepted
    for row in accepted.iter_rows(named=True):
        content = weighed.content.row(row["delivery_row"] - 1, named=True)
        pieces = []
        for column in dataset.columns:
            if column.in_hash:
                raw = weighed.typed.unknown.get(column.name)
                unknown = None if raw is None else raw[row["delivery_row"] - 1]
                pieces.append(canonical(content[column.name]) if unknown is None else "?" + unknown)
        joined = MARK.join(pieces).encode().rstrip(MARK.encode())
        assert row["record_hash"] == hashlib.blake2b(joined, digest_size=16).hexdigest()


@given(bodies=st.lists(st.one_of(st.none(), st.from_regex(r"\A[0-9]{17}\Z")), min_size=1, max_size=20))
@settings(max_examples=examples(100), deadline=None)
def test_check_characters_of_many_numbers_are_those_of_each(bodies: list[str | None]) -> None:
    expected = [None if body is None else identity.check_character(body) for body in bodies]
    assert identity.check_characters(pl.Series(bodies, dtype=pl.String)).to_list() == expected


@pytest.mark.parametrize("size", [1, 7, 64])
def test_gb_18030_is_read_the_same_in_runs_of_any_length(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.ingest import readers
    from pipelines.ingest.limits import Limits

    text = "区县,姓名\n𠮷野家,程㐀\n" * 50
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode("gb18030"))
    monkeypatch.setattr(readers, "_DECODED_BYTES", size)
    for chunk in (1, 5, 10_000):
        pieces = readers._utf8_pieces(path, "gb18030", Limits(chunk_bytes=chunk))
        assert b"".join(pieces).decode() == text

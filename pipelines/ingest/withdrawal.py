"""What is said of a withdrawal that has no effect: its own batch, one never sent, one sent later.

Not here: which deliveries count as withdrawn (pipelines.warehouse.control).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl

from pipelines.ingest import lake
from pipelines.ingest.outcome import Notice
from pipelines.settings import Settings


def notices(
    batch: str,
    received_at: datetime | None,
    withdraws: Sequence[str],
    sent: Mapping[str, datetime] | None,
) -> tuple[Notice, ...]:
    """Name the batches that a delivery withdraws in vain (contract §1 `withdraws`).

    `sent` maps every batch that the unit has ever sent to its moment; None where nobody can know it, as in a
    check before sending: then only the own batch is judged.
    """
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(withdraws):
        code = None
        if name == batch:
            code = "WITHDRAWS_ITSELF"
        elif sent is not None and name not in sent:
            code = "WITHDRAWS_UNKNOWN"
        elif sent is not None and received_at is not None and (sent[name], name) > (received_at, batch):
            code = "WITHDRAWS_LATER"
        if code:
            found.setdefault(code, []).append(name)
    return tuple(Notice(code, "、".join(names)) for code, names in sorted(found.items()))


def sent_batches(settings: Settings, unit: str) -> Mapping[str, datetime]:
    """Every batch of a unit in the register and when it was sent; of rivals the one that owns the batch."""
    register = lake.read_register(settings, unit).filter(pl.col("received_at").is_not_null())
    owners = register.sort(pl.col("delivery_status") == "accepted", "received_at", descending=[True, False])
    first = owners.unique("delivery_batch", keep="first", maintain_order=True)
    return dict(first.select("delivery_batch", "received_at").iter_rows())

"""What is said of a delivery from a unit that does not exist on the day: it counts, but somebody should know.

Not here: unknown units, which are refused (manifest.py), and what is expected of whom (mart_delivery).
"""

from __future__ import annotations

from datetime import datetime

from pipelines.contract import model
from pipelines.ingest.outcome import Notice


def notices(unit: str, received_at: datetime | None) -> tuple[Notice, ...]:
    """Name an abolished unit, or one still to be founded, with the day concerned (design §3, ART-5).

    Late data of an abolished unit are wanted: its records stay where and when they happened.
    """
    terms = model.unit_terms().get(unit)
    if terms is None or received_at is None:
        return ()
    first, end = terms
    day = received_at.date()
    if day < first:
        return (Notice("UNIT_NOT_YET", first.isoformat()),)
    if end is not None and day >= end:
        return (Notice("UNIT_ABOLISHED", end.isoformat()),)
    return ()

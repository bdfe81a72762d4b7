"""Messages in both languages: how an error carries them, and how a reader gets the one asked for.

Not here: any message.
"""

from __future__ import annotations

_MARK = "\n/ "


def both(chinese: str, english: str) -> str:
    """One text for places that serve readers of both languages: Chinese first, English below.

    An error does not know who will read it: it stands in Dagster's log and in the ledger, and a command shows
    it in the language asked for.
    """
    return f"{chinese}{_MARK}{english}"


def spoken(text: str, language: str) -> str:
    """The part of a text made by `both` in `zh` or `en`; any other text as it is."""
    chinese, mark, english = text.partition(_MARK)
    return english if mark and language == "en" else chinese

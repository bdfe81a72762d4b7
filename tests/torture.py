"""How long trials by chance and by kill last: a little in `make test`, twenty times as long in `make torture`.

No trial stands here.
"""

from __future__ import annotations

import os

IS_LONG = "YUDANG_TORTURE" in os.environ
"""Whether there is time for everything."""


def examples(few: int) -> int:
    """Number of examples of a property: `few`, or twenty times as many."""
    return few * 20 if IS_LONG else few


def every(step: int) -> int:
    """Every how many changes to the file system a process is killed: `step`, or at each of them."""
    return 1 if IS_LONG else step

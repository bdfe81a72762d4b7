"""Readings around a mean, as a scale or a tape shows them.

Not here: which readings a form has (the modules of the forms).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

#: In a city of millions a bell curve without ends reaches values that the contract's hard ranges refuse.
_WIDEST = 4.0


def reading(generator: Generator, mean: Any, spread: float, size: int) -> NDArray[np.float64]:
    """Values drawn around a mean, none farther than four spreads from it.

    Args:
        generator: of the topic.
        mean: scalar or one per value.
        spread: standard deviation.
        size: number of values.
    """
    drawn = np.clip(generator.standard_normal(size), -_WIDEST, _WIDEST)
    return np.asarray(mean + spread * drawn, dtype=np.float64)

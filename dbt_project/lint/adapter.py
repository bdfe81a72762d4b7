"""Stands in for dbt's `adapter` while SQL style is checked: any dispatched macro becomes a plain call.

Never imported by the pipeline; dbt brings its own adapter.
"""

from __future__ import annotations

from collections.abc import Callable


def dispatch(name: str, *_: object) -> Callable[..., str]:
    """Render `adapter.dispatch(name)(a, b)` as `name(a, b)`."""

    def call(*arguments: object, **_named: object) -> str:
        return f"{name}({', '.join(str(argument) for argument in arguments)})"

    return call

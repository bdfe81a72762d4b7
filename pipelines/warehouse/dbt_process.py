"""The process of a build: dbt's own commands over the project as it was parsed once for every home.

Not here: who starts it, with which arguments, and what is read of its events (dbt.py).
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Run one dbt command and return its exit code: 0 done, 1 something failed, 2 it could not run.

    dbt would parse the whole project again because the paths of a home stand in its profile: ten seconds that
    buy nothing, and a second parse that Dagster's lineage was not made of.

    Args:
        arguments: the parsed project (partial_parse.msgpack), then the arguments of dbt.
    """
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    parsed, *command = arguments
    manifest = Manifest.from_msgpack(Path(parsed).read_bytes(), decoder=extended_mashumuro_decoder)
    manifest.build_flat_graph()
    outcome = dbtRunner(manifest=manifest).invoke(command)
    if outcome.exception is not None:
        return 2
    return 0 if outcome.success else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

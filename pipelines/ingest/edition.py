"""What is said of a delivery made under a later minor version of the contract, which is read as far as known.

Not here: another major version, which is refused (manifest.py), and the versions themselves
(pipelines.contract.versions).
"""

from __future__ import annotations

from pipelines.contract import versions
from pipelines.ingest.outcome import Notice

_SHOWN = 32


def notices(contract_version: str | None) -> tuple[Notice, ...]:
    """Name a later minor version (contract §1): what it adds is ignored column by column, file by file."""
    # no number of ours has so many digits, and no language likes to read them
    if contract_version and len(contract_version) > _SHOWN:
        return (Notice("CONTRACT_VERSION_NEWER", contract_version[:_SHOWN]),)
    if contract_version is None or not versions.is_newer_minor(contract_version):
        return ()
    return (Notice("CONTRACT_VERSION_NEWER", contract_version),)

"""The second equation of the receipts: what became of every accepted row once the warehouse was built.

Not here: how a receipt looks (pipelines.ingest.receipt).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines import duck
from pipelines.contract import model
from pipelines.ingest import edition, receipt, tenure, withdrawal
from pipelines.publish.content_hash import quoted
from pipelines.settings import Settings
from pipelines.words import both
from pipelines.workspace import BlockingCheckError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def complete_receipts(settings: Settings) -> int:
    """Fill in the receipts of all deliveries that the published warehouse knows; return how many those are.

    Raises:
        BlockingCheckError: accepted rows of a delivery are unaccounted for.
    """
    parts = [
        f"select '{dataset}' as dataset, delivery_id, version_status "
        f"from warehouse.staging.{quoted(f'stg_{dataset}_version')}"
        for dataset in model.datasets()
    ]
    connection = duck.memory(settings)
    try:
        literal = str(settings.warehouse_file).replace("'", "''")
        connection.execute(f"attach '{literal}' as warehouse (read_only)")
        rows = connection.execute(
            f"""
            with delivery as (
                select delivery_id, delivery_unit, delivery_day, delivery_batch
                from warehouse.control.delivery_file
                where is_visible and delivery_status = 'accepted'
                group by all
            )
            select
                delivery.delivery_unit, delivery.delivery_day, delivery.delivery_batch, delivery.delivery_id,
                version.dataset,
                count(*) filter (where version.version_status = 'current'),
                count(*) filter (where version.version_status = 'superseded'),
                count(*) filter (where version.version_status = 'repeated'),
                count(*) filter (where version.version_status = 'withdrawn')
            from ({" union all ".join(parts)}) as version
            inner join delivery on version.delivery_id = delivery.delivery_id
            group by all
            """
        ).fetchall()
        renew_notices(settings, connection)
    finally:
        connection.close()
    broken = receipt.complete(settings, (receipt.VersionCount(*row) for row in rows))
    if broken:
        raise BlockingCheckError(
            both(
                f"{len(broken)} 份回执的入湖行数与去向之和不等，请用 --rebuild --unit --day 重读这些报送。",
                f"{len(broken)} receipts do not balance; read the deliveries again: --rebuild --unit --day",
            )
        )
    return len({row[3] for row in rows})


def renew_notices(settings: Settings, connection: DuckDBPyConnection) -> None:
    """Judge the withdrawals again, since batches may have come that were missing."""
    withdrawing = connection.execute(
        """
        select distinct
            delivery_unit, delivery_day, delivery_batch, delivery_id, received_at, contract_version, withdraws
        from warehouse.control.delivery_file
        where withdraws is not null and delivery_status = 'accepted'
        """
    ).fetchall()
    sent = {unit: withdrawal.sent_batches(settings, unit) for unit in {row[0] for row in withdrawing}}
    for unit, day, batch, delivery_id, received_at, contract_version, withdraws in withdrawing:
        place = receipt.ReceiptPlace(unit, day.isoformat(), batch, delivery_id)
        found = withdrawal.notices(batch, received_at, withdraws.split("|"), sent[unit])
        found = edition.notices(contract_version) + tenure.notices(unit, received_at) + found
        receipt.renew_notices(settings, place, found)

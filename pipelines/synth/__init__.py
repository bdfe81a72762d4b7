"""The synthetic city: invented residents whose institutions deliver under the contract, with the truth beside.

Not here: anything that reads, judges or repairs a delivery (ingest, dbt_project).
"""

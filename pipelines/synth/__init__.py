"""The synthetic city: invented residents, their institutions' deliveries under the contract, and the truth.

Not here: anything that reads, judges or repairs a delivery (ingest, dbt_project).
"""

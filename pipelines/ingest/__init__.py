"""Delivery to lake: manifest, readers, values, identity numbers, quarantine, register, receipts.

Not here: what the rows mean for the regulation (dbt project) and when ingest runs (pipelines.warehouse, cli).
"""

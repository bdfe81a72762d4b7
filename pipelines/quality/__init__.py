"""Checks of what the pipeline made: suites, limits, results, and the pages that show them.

Not here: rules of the regulation (dbt_project/models/rules) and refusing single rows (pipelines.ingest).
"""

"""From a finished build to what people open: checks that may refuse it, the swap, files per unit, dictionary.

Not here: what the marts contain (dbt_project/models/marts) and how good the data are (pipelines.quality).
"""

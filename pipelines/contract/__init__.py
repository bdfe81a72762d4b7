"""What may be delivered: a data contract per dataset, value sets, crosswalks, and what is rendered from them.

Does not read, check or store any delivery: that is `pipelines.ingest`.
"""

-- rendered from pipelines/contract by `python -m pipelines.contract.render`; edit the contract instead
{{ config(materialized='table') }}

{{ record_versions('amendment', columns=[
    'amendment_id',
    'dataset',
    'record_id',
    'is_deletion',
    'approver_id',
    'approved_at',
    'modified_at',
    'modified_by_id',
    'reason',
]) }}

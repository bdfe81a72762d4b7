-- rendered from pipelines/contract by `python -m pipelines.contract.render`; edit the contract instead
{{ config(materialized='table') }}

{{ record_versions('identity_decision', columns=[
    'decision_id',
    'left_key',
    'right_key',
    'verdict_code',
    'reviewer_id',
    'decided_at',
    'reason',
    'revokes_decision_id',
]) }}

-- rendered from pipelines/contract by `python -m pipelines.contract.render`; edit the contract instead
{{ config(materialized='view') }}

{{ current_records('catchment', columns=[
    'village_code',
    'valid_from',
    'org_code',
    'valid_to',
]) }}

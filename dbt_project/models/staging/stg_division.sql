-- rendered from pipelines/contract by `python -m pipelines.contract.render`; edit the contract instead
{{ config(materialized='view') }}

{{ current_records('division', columns=[
    'division_code',
    'code_system',
    'valid_from',
    'name',
    'level_code',
    'parent_code',
    'kind_code',
    'valid_to',
    'successor_codes',
]) }}

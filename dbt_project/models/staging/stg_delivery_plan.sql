-- rendered from pipelines/contract by `python -m pipelines.contract.render`; edit the contract instead
{{ config(materialized='view') }}

{{ current_records('delivery_plan', columns=[
    'unit',
    'dataset',
    'valid_from',
    'frequency_code',
    'due_hour',
    'due_day',
    'valid_to',
]) }}

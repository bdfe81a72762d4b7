-- rendered from pipelines/contract by `python -m pipelines.contract.render`; edit the contract instead
{{ config(materialized='table') }}

{{ record_versions('live_births', columns=[
    'year',
    'area_code',
    'live_birth_count',
]) }}

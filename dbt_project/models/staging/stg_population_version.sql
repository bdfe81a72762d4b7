-- rendered from pipelines/contract by `python -m pipelines.contract.render`; edit the contract instead
{{ config(materialized='table') }}

{{ record_versions('population', columns=[
    'year',
    'area_code',
    'age_from',
    'age_to',
    'sex_code',
    'source_code',
    'resident_count',
]) }}

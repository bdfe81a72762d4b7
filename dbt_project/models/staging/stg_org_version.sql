-- rendered from pipelines/contract by `python -m pipelines.contract.render`; edit the contract instead
{{ config(materialized='table') }}

{{ record_versions('org', columns=[
    'org_code',
    'valid_from',
    'org_name',
    'org_type_code',
    'is_designated',
    'hospital_level_code',
    'district_code',
    'town_code',
    'town_code_system',
    'parent_org_code',
    'valid_to',
]) }}

-- rendered from pipelines/contract by `python -m pipelines.contract.render`; edit the contract instead
{{ config(materialized='table') }}

{{ record_versions('city_index', columns=[
    'city_index_id',
    'unit',
    'district_archive_id',
    'id_no',
    'manage_org_code',
    'status_code',
    'filed_at',
]) }}

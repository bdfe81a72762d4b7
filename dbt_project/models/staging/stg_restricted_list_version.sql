-- rendered from pipelines/contract by `python -m pipelines.contract.render`; edit the contract instead
{{ config(materialized='table') }}

{{ record_versions('restricted_list', columns=[
    'entry_id',
    'district_archive_id',
    'id_type_code',
    'id_no',
    'birth_certificate_no',
    'mother_id_no',
    'name',
    'birth_date',
    'class_code',
    'org_code',
    'listed_date',
    'reviewed_date',
    'ended_date',
    'identity_key',
    'key_class',
    'birth_key',
    'mother_key',
    'identity_issue_codes',
]) }}

-- rendered from pipelines/contract by `python -m pipelines.contract.render`; edit the contract instead
{{ config(materialized='table') }}

{{ record_versions('chronic_register', columns=[
    'register_id',
    'district_archive_id',
    'id_type_code',
    'id_no',
    'birth_certificate_no',
    'mother_id_no',
    'name',
    'birth_date',
    'org_code',
    'doctor_id',
    'disease_code',
    'confirmed_date',
    'registered_date',
    'notified_date',
    'at_home_flag',
    'end_date',
    'end_reason_code',
    'identity_key',
    'key_class',
    'birth_key',
    'mother_key',
    'identity_issue_codes',
]) }}

-- rendered from pipelines/contract by `python -m pipelines.contract.render`; edit the contract instead
{{ config(materialized='view') }}

{{ current_records('resident_feedback', columns=[
    'feedback_id',
    'district_archive_id',
    'id_type_code',
    'id_no',
    'birth_certificate_no',
    'mother_id_no',
    'name',
    'birth_date',
    'kind_code',
    'field_name',
    'org_code',
    'stated_received_at',
    'closed_at',
    'identity_key',
    'key_class',
    'birth_key',
    'mother_key',
    'identity_issue_codes',
]) }}

-- rendered from pipelines/contract by `python -m pipelines.contract.render`; edit the contract instead
{{ config(materialized='table') }}

{{ record_versions('contact_attempt', columns=[
    'attempt_id',
    'district_archive_id',
    'id_type_code',
    'id_no',
    'birth_certificate_no',
    'mother_id_no',
    'name',
    'birth_date',
    'org_code',
    'purpose_code',
    'channel_code',
    'target_code',
    'attempted_at',
    'outcome_code',
    'entered_at',
    'identity_key',
    'key_class',
    'birth_key',
    'mother_key',
    'identity_issue_codes',
]) }}

-- rendered from pipelines/contract by `python -m pipelines.contract.render`; edit the contract instead
{{ config(materialized='table') }}

{{ record_versions('infectious_report', columns=[
    'report_id',
    'district_archive_id',
    'id_type_code',
    'id_no',
    'birth_certificate_no',
    'mother_id_no',
    'name',
    'birth_date',
    'org_code',
    'reporter_id',
    'disease_code',
    'onset_date',
    'diagnosed_at',
    'registered_at',
    'reported_at',
    'case_class_code',
    'case_course_code',
    'death_date',
    'revised_date',
    'identity_key',
    'key_class',
    'birth_key',
    'mother_key',
    'identity_issue_codes',
]) }}

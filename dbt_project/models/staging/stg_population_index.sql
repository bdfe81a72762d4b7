-- rendered from pipelines/contract by `python -m pipelines.contract.render`; edit the contract instead
{{ config(materialized='view') }}

{{ current_records('population_index', columns=[
    'index_id',
    'district_archive_id',
    'id_type_code',
    'id_no',
    'birth_certificate_no',
    'mother_id_no',
    'name',
    'birth_date',
    'sex_code',
    'residence_district_code',
    'residence_town_code',
    'residence_village_code',
    'residence_start_date',
    'is_resident',
    'death_date',
    'updated_at',
    'identity_key',
    'key_class',
    'birth_key',
    'mother_key',
    'identity_issue_codes',
]) }}

-- Who an archive said it was, version by version: the keys of its standing versions.
select
    archive_version.delivery_unit,
    archive_version.district_archive_id,
    'AR:' || archive_version.delivery_unit || ':' || archive_version.district_archive_id as own_key,
    archive_version.version_number,
    archive_version.version_status = 'current' as is_latest,
    archive_version.first_received_at,
    archive_version.identity_key,
    archive_version.birth_key,
    archive_version.mother_key,
    archive_version.identity_issue_codes,
    {{ key_birth_date('archive_version.identity_key') }} as key_birth_date,
    {{ compared_name('archive_version.name') }} as compared_name,
    archive_version.birth_date,
    archive_version.sex_code,
    {{ key_of_number('archive_version.previous_id_no') }} as previous_key,
    archive_version.previous_district_archive_id
from {{ ref('stg_archive_version') }} as archive_version
where archive_version.version_status in ('current', 'superseded')

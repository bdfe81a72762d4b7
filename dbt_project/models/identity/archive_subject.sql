-- Every archive that was ever delivered, with the subject key that stands for it outside the restricted zone.
with archive as (
    select
        archive_version.delivery_unit,
        archive_version.district_archive_id,
        min(archive_version.first_received_at) as first_received_at
    from {{ ref('stg_archive_version') }} as archive_version
    where archive_version.version_status <> 'withdrawn'
    group by archive_version.delivery_unit, archive_version.district_archive_id
)

select
    archive.delivery_unit,
    archive.district_archive_id,
    {{ archive_subject_key('archive.delivery_unit', 'archive.district_archive_id') }} as archive_key,
    'AR:' || archive.delivery_unit || ':' || archive.district_archive_id as own_key,
    archive.first_received_at
from archive

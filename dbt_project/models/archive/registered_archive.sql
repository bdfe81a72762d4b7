-- Every archive record in its last state, as far as intervals and cases need it, with its person and districts.
with archive as (
    select
        archive_version.delivery_unit,
        archive_version.district_archive_id,
        archive_version.create_org_code,
        archive_version.manage_org_code,
        archive_version.manage_from_date,
        archive_version.created_date,
        archive_version.phone,
        archive_version.contact_phone,
        archive_version.present_address,
        archive_version.declared_status_code,
        archive_version.previous_district_archive_id,
        archive_version.received_at,
        archive_version.vanished_at,
        coalesce(
            archive_version.created_date,
            archive_version.manage_from_date,
            cast(archive_version.first_received_at as date)
        ) as known_from_date
    from {{ ref('stg_archive_version') }} as archive_version
    where archive_version.version_status = 'current'
)

select
    archive_person.archive_key,
    archive_person.person_key,
    archive_person.anchor_key,
    archive.delivery_unit,
    archive.district_archive_id,
    archive.create_org_code,
    archive.manage_org_code,
    archive.manage_from_date,
    archive.created_date,
    archive.phone,
    archive.contact_phone,
    archive.present_address,
    archive.declared_status_code,
    archive.previous_district_archive_id,
    archive.received_at,
    archive.vanished_at,
    archive.known_from_date,
    create_org.district_code as create_org_district_code,
    manage_org.district_code as manage_org_district_code,
    -- the unit to which the reform gave the archive of an abolished or diminished one: by its managing institution
    {{ later_district('new_district_code') }} as fell_to_unit,
    {{ later_district('changed_on') }} as fell_on
from archive
inner join {{ ref('archive_person') }} as archive_person
    on
        archive.delivery_unit = archive_person.delivery_unit
        and archive.district_archive_id = archive_person.district_archive_id
{{ join_org('create_org', 'archive.create_org_code', 'archive.known_from_date') }}
{{ join_org('manage_org', 'archive.manage_org_code', as_of_date()) }}
{{ join_later_district('archive.manage_org_code', 'archive.delivery_unit') }}

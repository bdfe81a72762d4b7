-- The last state of every archive record, with its person and the districts behind its institutions.
with archive as (
    select
        archive_version.*,
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
    archive.*,
    create_org.district_code as create_org_district_code,
    manage_org.district_code as manage_org_district_code,
    subject.first_received_at as archive_first_received_at
from archive
inner join {{ ref('archive_person') }} as archive_person
    on
        archive.delivery_unit = archive_person.delivery_unit
        and archive.district_archive_id = archive_person.district_archive_id
inner join {{ ref('archive_subject') }} as subject on archive_person.archive_key = subject.archive_key
{{ join_org('create_org', 'archive.create_org_code', 'archive.known_from_date') }}
{{ join_org('manage_org', 'archive.manage_org_code', as_of_date()) }}

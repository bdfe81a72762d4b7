-- What archive versions state about the managing institution where that is more than one plain statement.
-- A later version takes back what earlier ones said about the same or a later day.
with stated as (
    select
        archive_person.archive_key as holding_key,
        archive_person.person_key,
        version.delivery_unit,
        version.version_number,
        version.manage_org_code,
        coalesce(
            version.manage_from_date,
            case when version.version_number = 1 then version.created_date end,
            cast(version.modified_at as date),
            cast(version.first_received_at as date)
        ) as stated_from_date
    from {{ ref('stg_archive_version') }} as version
    inner join {{ ref('archive_person') }} as archive_person
        on
            version.delivery_unit = archive_person.delivery_unit
            and version.district_archive_id = archive_person.district_archive_id
    where
        version.version_status in ('current', 'superseded')
        and version.manage_org_code is not null
),

standing as (
    select
        stated.*,
        min(stated.stated_from_date) over (
            partition by stated.holding_key
            order by stated.version_number
            rows between 1 following and unbounded following
        ) as restated_from_date
    from stated
)

select
    standing.holding_key,
    standing.person_key,
    standing.delivery_unit,
    standing.manage_org_code as org_code,
    standing.stated_from_date,
    max(standing.version_number) as version_number,
    -- another district's institution cannot take an archive over by a word in this unit's copy
    {{ any_true('org.district_code is not null and org.district_code <> standing.delivery_unit') }} as is_elsewhere
from standing
{{ join_org('org', 'standing.manage_org_code', 'standing.stated_from_date') }}
where
    standing.stated_from_date <= {{ as_of_date() }}
    and (
        standing.restated_from_date is null
        or standing.stated_from_date < standing.restated_from_date
    )
group by
    standing.holding_key,
    standing.person_key,
    standing.delivery_unit,
    standing.manage_org_code,
    standing.stated_from_date

-- What archive versions state about the managing institution where that is more than one plain statement.
-- A later version takes back what earlier ones said about the same or a later day.
-- An archive that continues another one speaks after it, and of nothing before the reform.
with versioned as (
    select
        coalesce(continued.archive_key, archive_person.archive_key) as holding_key,
        archive_person.person_key,
        version.delivery_unit,
        row_number() over (
            partition by coalesce(continued.archive_key, archive_person.archive_key)
            order by case when continued.changed_on is null then 1 else 0 end, version.version_number
        ) as version_number,
        version.manage_org_code,
        continuing.changed_on,
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
    left join {{ ref('archive_continuation') }} as continued
        on archive_person.archive_key = continued.former_archive_key
    left join {{ ref('archive_continuation') }} as continuing
        on archive_person.archive_key = continuing.archive_key
    where version.version_status in ('current', 'superseded')
),

stated as (
    select
        versioned.holding_key,
        versioned.person_key,
        versioned.delivery_unit,
        versioned.version_number,
        versioned.manage_org_code,
        versioned.changed_on,
        greatest(versioned.stated_from_date, coalesce(versioned.changed_on, versioned.stated_from_date))
            as stated_from_date
    from versioned
    where versioned.manage_org_code is not null
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
    {{ any_true(
        'org.district_code is not null and org.district_code <> standing.delivery_unit and moved_org.org_code is null'
    ) }} as is_elsewhere,
    -- said of the day of the reform by the unit that came of it
    {{ any_true('standing.stated_from_date = standing.changed_on') }} as is_by_reform
from standing
{{ join_org('org', 'standing.manage_org_code', 'standing.stated_from_date') }}
left join {{ ref('moved_org') }} as moved_org
    on
        standing.manage_org_code = moved_org.org_code
        and org.district_code in (moved_org.old_district_code, moved_org.new_district_code)
        and standing.delivery_unit in (moved_org.old_district_code, moved_org.new_district_code)
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

-- What an institution was, from when to when; and from when to when its events are attributed to that description.
with described as (
    select
        org.org_code,
        org.org_name,
        org.org_type_code,
        org.is_designated,
        org.hospital_level_code,
        org.district_code,
        org.town_code,
        org.town_code_system,
        org.parent_org_code,
        org.valid_from,
        org.valid_to as stated_valid_to,
        row_number() over (partition by org.org_code order by org.valid_from) as period_number,
        lead(org.valid_from) over (partition by org.org_code order by org.valid_from) as next_valid_from
    from {{ ref('stg_org') }} as org
)

select
    described.org_code,
    described.org_name,
    described.org_type_code,
    described.is_designated,
    described.hospital_level_code,
    described.district_code,
    described.town_code,
    described.town_code_system,
    described.parent_org_code,
    described.valid_from,
    least(
        coalesce(described.stated_valid_to, {{ end_of_time() }}),
        coalesce(described.next_valid_from, {{ end_of_time() }})
    ) as valid_to,
    -- events before the first description or after a closure still belong to somebody
    case when described.period_number = 1 then cast('1900-01-01' as date) else described.valid_from end
        as attributed_from,
    coalesce(described.next_valid_from, {{ end_of_time() }}) as attributed_to
from described
where
    described.stated_valid_to is null
    or described.stated_valid_to > described.valid_from

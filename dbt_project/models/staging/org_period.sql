-- What an institution was, from when to when; and from when to when its events are attributed to that description.
-- A description that spans the reform of divisions is cut there: by its township where its district was split.
with born as (
    -- districts that did not exist before the reform
    select
        division_change.new_district_code,
        min(division_change.changed_on) as born_on
    from {{ ref('division_change') }} as division_change
    left join {{ ref('division_change') }} as former
        on division_change.new_district_code = former.old_district_code
    where former.old_district_code is null
    group by division_change.new_district_code
),

described as (
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
        coalesce(org.valid_to, {{ end_of_time() }}) as stated_valid_to,
        row_number() over (partition by org.org_code order by org.valid_from) as period_number,
        lead(org.valid_from) over (partition by org.org_code order by org.valid_from) as next_valid_from
    from {{ ref('stg_org') }} as org
),

stated as (
    select
        described.*,
        least(described.stated_valid_to, coalesce(described.next_valid_from, {{ end_of_time() }})) as valid_to,
        -- events before the first description or after a closure still belong to somebody
        case
            when described.period_number = 1 then coalesce(born.born_on, cast('1900-01-01' as date))
            else described.valid_from
        end as attributed_from,
        coalesce(described.next_valid_from, {{ end_of_time() }}) as attributed_to
    from described
    left join born on described.district_code = born.new_district_code
    where described.stated_valid_to > described.valid_from
),

changed as (
    select
        stated.*,
        coalesce(town.new_district_code, district.new_district_code) as new_district_code,
        case when town.old_code is null then stated.town_code else town.new_code end as new_town_code,
        coalesce(town.changed_on, district.changed_on, {{ end_of_time() }}) as changed_on
    from stated
    left join {{ ref('division_change') }} as town
        on
            stated.town_code = town.old_code
            and stated.town_code_system = town.code_system
            and stated.district_code = town.old_district_code
            and town.level = 'town'
    left join {{ ref('division_change') }} as district
        on
            stated.district_code = district.old_code
            and district.is_main
)

select
    changed.org_code,
    changed.org_name,
    changed.org_type_code,
    changed.is_designated,
    changed.hospital_level_code,
    changed.district_code,
    changed.town_code,
    changed.town_code_system,
    changed.parent_org_code,
    changed.valid_from,
    least(changed.valid_to, changed.changed_on) as valid_to,
    changed.attributed_from,
    least(changed.attributed_to, changed.changed_on) as attributed_to,
    false as is_reform_derived
from changed
where changed.valid_from < changed.changed_on
union all
select
    changed.org_code,
    changed.org_name,
    changed.org_type_code,
    changed.is_designated,
    changed.hospital_level_code,
    changed.new_district_code as district_code,
    changed.new_town_code as town_code,
    case when changed.new_town_code is not null then changed.town_code_system end as town_code_system,
    changed.parent_org_code,
    greatest(changed.valid_from, changed.changed_on) as valid_from,
    -- an institution that closed with its district is attributed on, but no longer valid
    greatest(changed.valid_to, changed.changed_on) as valid_to,
    greatest(changed.attributed_from, changed.changed_on) as attributed_from,
    changed.attributed_to,
    true as is_reform_derived
from changed
where changed.attributed_to > changed.changed_on

-- To which area a district or an institution belongs on the old map, the new one and the harmonised one.
-- Old: every day before the reform as it was. New: every day from it on. Harmonised: all days on the new map.
with reform as (
    select min(changed_on) as changed_on
    from {{ ref('division_change') }}
),

split as (
    -- districts of which a part went elsewhere: without an institution and its township, only nearly right
    select distinct old_code as district_code
    from {{ ref('division_change') }}
    where level = 'district' and coverage_code <> 'WHOLE'
),

successor as (
    select
        old_code,
        new_district_code
    from {{ ref('division_change') }}
    where is_main
),

unit as (
    select
        division_code,
        valid_from,
        coalesce(valid_to, {{ end_of_time() }}) as valid_to
    from {{ ref('reference_division') }}
    where is_reporting_unit and level_code = '2'
),

area_name as (
    select
        division_code,
        max(division_name) as division_name
    from {{ ref('reference_division') }}
    where is_reporting_unit and level_code = '2'
    group by division_code
),

org_place as (
    select
        org_period.org_code,
        org_period.district_code,
        org_period.attributed_from,
        org_period.attributed_to,
        last_value(org_period.district_code) over (
            partition by org_period.org_code
            order by org_period.attributed_from
            rows between unbounded preceding and unbounded following
        ) as present_district_code,
        split.district_code is not null and org_period.town_code_system is null
        and coalesce(
            lead(org_period.is_reform_derived) over (
                partition by org_period.org_code
                order by org_period.attributed_from
            ), true
        ) as is_guess
    from {{ ref('org_period') }} as org_period
    left join split on org_period.district_code = split.district_code
),

placed as (
    select
        'old' as map_code,
        'district' as level,
        unit.division_code as code,
        unit.valid_from,
        least(unit.valid_to, reform.changed_on) as valid_to,
        unit.division_code as area_code,
        true as is_exact
    from unit
    cross join reform
    union all
    select
        'new' as map_code,
        'district' as level,
        unit.division_code as code,
        greatest(unit.valid_from, reform.changed_on) as valid_from,
        unit.valid_to,
        unit.division_code as area_code,
        true as is_exact
    from unit
    cross join reform
    union all
    select
        'harmonised' as map_code,
        'district' as level,
        unit.division_code as code,
        unit.valid_from,
        least(unit.valid_to, reform.changed_on) as valid_to,
        coalesce(successor.new_district_code, unit.division_code) as area_code,
        split.district_code is null as is_exact
    from unit
    cross join reform
    left join successor on unit.division_code = successor.old_code
    left join split on unit.division_code = split.district_code
    union all
    select
        'harmonised' as map_code,
        'district' as level,
        unit.division_code as code,
        greatest(unit.valid_from, reform.changed_on) as valid_from,
        unit.valid_to,
        unit.division_code as area_code,
        true as is_exact
    from unit
    cross join reform
    union all
    select
        'old' as map_code,
        'org' as level,
        org_place.org_code as code,
        org_place.attributed_from as valid_from,
        least(org_place.attributed_to, reform.changed_on) as valid_to,
        org_place.district_code as area_code,
        true as is_exact
    from org_place
    cross join reform
    union all
    select
        'new' as map_code,
        'org' as level,
        org_place.org_code as code,
        greatest(org_place.attributed_from, reform.changed_on) as valid_from,
        org_place.attributed_to as valid_to,
        org_place.district_code as area_code,
        true as is_exact
    from org_place
    cross join reform
    union all
    select
        'harmonised' as map_code,
        'org' as level,
        org_place.org_code as code,
        org_place.attributed_from as valid_from,
        org_place.attributed_to as valid_to,
        org_place.present_district_code as area_code,
        not org_place.is_guess or org_place.attributed_from >= reform.changed_on as is_exact
    from org_place
    cross join reform
)

select
    cast(placed.map_code as varchar) as map_code,
    cast(placed.level as varchar) as level,
    cast(placed.code as varchar) as code,
    cast(placed.valid_from as date) as valid_from_date,
    cast(placed.valid_to as date) as valid_to_date,
    cast(coalesce(placed.area_code, 'UNKNOWN') as varchar) as area_code,
    cast(area_name.division_name as varchar) as area_name,
    cast(placed.is_exact as boolean) as is_exact
from placed
left join area_name on placed.area_code = area_name.division_code
where placed.valid_from < placed.valid_to

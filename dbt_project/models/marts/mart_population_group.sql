-- Persons in management by group, sex and age band at as_of. SMI is a restricted topic: no sex, age or institution, and cells
-- of one to four persons suppressed, with a second one where a single suppressed cell could be had by subtraction.
with context as (
    select
        run_context.as_of_date,
        run_context.ruleset_version,
        parameter.small_cell_min,
        parameter.elderly_age,
        parameter.child_max_age
    from {{ source('control', 'run_context') }} as run_context
    inner join {{ ref('parameter_period') }} as parameter
        on
            run_context.as_of_date >= parameter.valid_from
            and run_context.as_of_date < parameter.valid_to
),

managed as (
    select
        state.person_key,
        coalesce(state.managing_org_code, 'UNKNOWN') as org_code,
        coalesce(state.managing_district_code, 'UNKNOWN') as district_code,
        coalesce(person.sex_code, '9') as sex_code,
        {{ full_years('person.birth_date', 'context.as_of_date') }} as age_years,
        {{ full_years('person.birth_date', year_end('context.as_of_date')) }} as age_at_year_end
    from {{ ref('person_state') }} as state
    cross join context
    left join {{ ref('person') }} as person
        on state.person_key = person.person_key
    where state.status_code = 'MANAGED'
),

member as (
    select
        register.person_key,
        register.disease_code
    from {{ ref('register_membership') }} as register
    inner join context
        on
            register.valid_from <= context.as_of_date
            and register.valid_to > context.as_of_date
    group by register.person_key, register.disease_code
),

grouped as (
    select
        'ALL' as group_code,
        org_code,
        district_code,
        sex_code,
        {{ age_band('age_years') }} as age_band_code
    from managed
    union all
    select
        'ELDERLY' as group_code,
        managed.org_code,
        managed.district_code,
        managed.sex_code,
        {{ age_band('managed.age_years') }} as age_band_code
    from managed
    cross join context
    where managed.age_at_year_end >= context.elderly_age
    union all
    select
        'CHILD_0_6' as group_code,
        managed.org_code,
        managed.district_code,
        managed.sex_code,
        {{ age_band('managed.age_years') }} as age_band_code
    from managed
    cross join context
    where managed.age_years <= context.child_max_age
    union all
    select
        member.disease_code as group_code,
        case when member.disease_code = 'SMI' then 'ALL' else managed.org_code end as org_code,
        managed.district_code,
        case when member.disease_code = 'SMI' then 'ALL' else managed.sex_code end as sex_code,
        case when member.disease_code = 'SMI' then 'ALL' else {{ age_band('managed.age_years') }} end as age_band_code
    from managed
    inner join member
        on managed.person_key = member.person_key
),

placed as (
    select
        group_code,
        'city' as level,
        '500000' as code,
        '500000' as district_code,
        sex_code,
        age_band_code
    from grouped
    union all
    select
        group_code,
        'district' as level,
        district_code as code,
        district_code,
        sex_code,
        age_band_code
    from grouped
    union all
    select
        group_code,
        'org' as level,
        org_code as code,
        district_code,
        sex_code,
        age_band_code
    from grouped
    where group_code <> 'SMI'
),

counted as (
    select
        group_code,
        level,
        code,
        max(district_code) as district_code,
        sex_code,
        age_band_code,
        count(*) as person_count
    from placed
    group by group_code, level, code, sex_code, age_band_code
),

screened as (
    select
        counted.*,
        counted.group_code = 'SMI' and counted.person_count < context.small_cell_min as is_small,
        sum(
            case when counted.group_code = 'SMI' and counted.person_count < context.small_cell_min then 1 else 0 end
        ) over (partition by counted.group_code, counted.level) as small_cell_count,
        row_number() over (
            partition by
                counted.group_code, counted.level,
                case when counted.person_count < context.small_cell_min then 1 else 0 end
            order by counted.person_count, counted.code
        ) as size_rank,
        context.as_of_date,
        context.ruleset_version
    from counted
    cross join context
),

decided as (
    select
        screened.*,
        is_small
        or (group_code = 'SMI' and level = 'district' and small_cell_count = 1 and not is_small and size_rank = 1)
            as is_suppressed
    from screened
)

select
    cast(as_of_date as date) as as_of_date,
    cast(level as varchar) as level,
    cast(code as varchar) as code,
    cast(district_code as varchar) as district_code,
    cast(group_code as varchar) as group_code,
    cast(sex_code as varchar) as sex_code,
    cast(age_band_code as varchar) as age_band_code,
    cast(case when not is_suppressed then person_count end as bigint) as person_count,
    cast(is_suppressed as boolean) as is_suppressed,
    cast(ruleset_version as varchar) as ruleset_version
from decided

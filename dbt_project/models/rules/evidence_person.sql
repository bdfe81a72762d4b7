{{ config(materialized='view') }}
with

run_context as (
    select
        run_context.as_of_date,
        parameter.rules_effective_from
    from {{ source('control', 'run_context') }} as run_context
    inner join {{ ref('parameter_period') }} as parameter
        on
            run_context.as_of_date >= parameter.valid_from
            and run_context.as_of_date < parameter.valid_to
),

managed_interval as (
    -- both kinds of interval, cut to the days that are judged; the evaluation day counts
    select
        interval_part.person_key,
        interval_part.interval_code,
        greatest(interval_part.valid_from, run_context.rules_effective_from) as from_date,
        least(interval_part.valid_to, {{ add_days('run_context.as_of_date', 1) }}) as to_date
    from (
        select
            manager_interval.person_key,
            'MANAGER' as interval_code,
            manager_interval.valid_from,
            manager_interval.valid_to
        from {{ ref('manager_interval') }} as manager_interval
        where manager_interval.org_code is not null
        union all
        select
            status_interval.person_key,
            'STATUS' as interval_code,
            status_interval.valid_from,
            status_interval.valid_to
        from {{ ref('status_interval') }} as status_interval
        where status_interval.status_code = 'MANAGED'
    ) as interval_part
    cross join run_context
    where
        interval_part.valid_from <= run_context.as_of_date
        and interval_part.valid_to > run_context.rules_effective_from
        and interval_part.valid_to > interval_part.valid_from
),

shape as (
    select
        managed_interval.person_key,
        sum(case when managed_interval.interval_code = 'MANAGER' then 1 else 0 end) as manager_count,
        sum(case when managed_interval.interval_code = 'STATUS' then 1 else 0 end) as status_count,
        min(case when managed_interval.interval_code = 'MANAGER' then managed_interval.from_date end) as manager_from,
        max(case when managed_interval.interval_code = 'MANAGER' then managed_interval.to_date end) as manager_to,
        min(case when managed_interval.interval_code = 'STATUS' then managed_interval.from_date end) as status_from,
        max(case when managed_interval.interval_code = 'STATUS' then managed_interval.to_date end) as status_to
    from managed_interval
    group by managed_interval.person_key
),

irregular as (
    -- nearly everybody has one manager for the whole time in management: no sweep over their days
    select shape.person_key
    from shape
    where
        shape.status_count > 0
        and not (
            shape.manager_count = 1
            and shape.manager_from <= shape.status_from
            and shape.manager_to >= shape.status_to
        )
        or shape.manager_count > 1
),

turn as (
    select
        managed_interval.person_key,
        managed_interval.from_date as turn_date,
        case when managed_interval.interval_code = 'MANAGER' then 1 else 0 end as manager_step,
        case when managed_interval.interval_code = 'STATUS' then 1 else 0 end as status_step
    from managed_interval
    inner join irregular on managed_interval.person_key = irregular.person_key
    union all
    select
        managed_interval.person_key,
        managed_interval.to_date as turn_date,
        case when managed_interval.interval_code = 'MANAGER' then -1 else 0 end as manager_step,
        case when managed_interval.interval_code = 'STATUS' then -1 else 0 end as status_step
    from managed_interval
    inner join irregular on managed_interval.person_key = irregular.person_key
),

turned as (
    select
        turn.person_key,
        turn.turn_date,
        sum(turn.manager_step) as manager_step,
        sum(turn.status_step) as status_step
    from turn
    group by turn.person_key, turn.turn_date
),

stretch as (
    select
        turned.person_key,
        turned.turn_date as from_date,
        lead(turned.turn_date) over (partition by turned.person_key order by turned.turn_date) as to_date,
        sum(turned.manager_step) over (
            partition by turned.person_key
            order by turned.turn_date
            rows between unbounded preceding and current row
        ) as manager_count,
        sum(turned.status_step) over (
            partition by turned.person_key
            order by turned.turn_date
            rows between unbounded preceding and current row
        ) as status_count
    from turned
),

swept as (
    select
        stretch.person_key,
        sum(case when stretch.manager_count >= 2 then {{ days_between('stretch.from_date', 'stretch.to_date') }} else 0 end)
            as dual_day_count,
        min(case when stretch.manager_count >= 2 then stretch.from_date end) as first_dual_date,
        sum(case
            when stretch.status_count >= 1 and stretch.manager_count = 0
                then {{ days_between('stretch.from_date', 'stretch.to_date') }}
            else 0
        end) as gap_day_count,
        min(case when stretch.status_count >= 1 and stretch.manager_count = 0 then stretch.from_date end)
            as first_gap_date
    from stretch
    where stretch.to_date is not null
    group by stretch.person_key
),

active_copy as (
    select
        copy_interval.person_key,
        count(distinct copy_interval.archive_key) as active_archive_count
    from {{ ref('copy_interval') }} as copy_interval
    cross join run_context
    where
        copy_interval.active_from <= run_context.as_of_date
        and copy_interval.active_to > run_context.as_of_date
    group by copy_interval.person_key
)

select
    person_state.person_key as subject_key,
    person_state.person_key,
    person.key_class,
    person_state.status_code,
    person_state.expected_status_code,
    person_state.is_disputed,
    coalesce(active_copy.active_archive_count, 0) as active_archive_count,
    coalesce(shape.status_count, 0) as managed_interval_count,
    coalesce(shape.manager_count, 0) as manager_interval_count,
    coalesce(swept.dual_day_count, 0) as dual_day_count,
    swept.first_dual_date,
    coalesce(swept.gap_day_count, 0) as gap_day_count,
    swept.first_gap_date,
    person_state.managing_org_code,
    person_state.managing_district_code,
    run_context.rules_effective_from,
    run_context.as_of_date
from {{ ref('person_state') }} as person_state
cross join run_context
left join {{ ref('person') }} as person on person_state.person_key = person.person_key
left join active_copy on person_state.person_key = active_copy.person_key
left join shape on person_state.person_key = shape.person_key
left join swept on person_state.person_key = swept.person_key

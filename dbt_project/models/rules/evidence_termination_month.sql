{{ config(materialized='view') }}
with

run_context as (
    select {{ as_of_date() }} as as_of_date
),

terminated as (
    select
        coalesce(termination_case.org_code, termination_case.managing_org_code) as org_code,
        coalesce(termination_case.district_code, termination_case.managing_district_code) as district_code,
        {{ first_day_of_month('coalesce(termination_case.declared_date, termination_case.entered_date)') }} as month_start
    from {{ ref('termination_case') }} as termination_case
    where
        termination_case.cancelled_date is null
        and coalesce(termination_case.declared_date, termination_case.entered_date) is not null
        and coalesce(termination_case.org_code, termination_case.managing_org_code) is not null
),

counted as (
    select
        terminated.org_code,
        max(terminated.district_code) as district_code,
        terminated.month_start,
        count(*) as termination_count
    from terminated
    group by terminated.org_code, terminated.month_start
),

managed as (
    select
        counted.org_code,
        counted.month_start,
        count(distinct manager_interval.person_key) as managed_count
    from counted
    inner join {{ ref('manager_interval') }} as manager_interval
        on
            counted.org_code = manager_interval.org_code
            and counted.month_start >= manager_interval.valid_from
            and counted.month_start < manager_interval.valid_to
    group by counted.org_code, counted.month_start
)

select
    {{ pseudonym("'termination_month:' || counted.org_code || ':' || " ~ month_text('counted.month_start')) }} as subject_key,
    counted.month_start,
    counted.termination_count,
    coalesce(managed.managed_count, 0) as managed_count,
    counted.org_code as managing_org_code,
    counted.district_code as managing_district_code,
    parameter.mass_termination_share,
    parameter.rules_effective_from,
    run_context.as_of_date
from counted
cross join run_context
left join managed
    on
        counted.org_code = managed.org_code
        and counted.month_start = managed.month_start
inner join {{ ref('parameter_period') }} as parameter
    on
        counted.month_start >= parameter.valid_from
        and counted.month_start < parameter.valid_to

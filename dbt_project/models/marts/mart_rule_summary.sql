-- How often each rule passed, failed or could not be judged, per attributed institution and month.
-- Cells about the restricted list (A2-7) with one to four subjects keep their row and lose their number.
with context as (
    select
        run_context.as_of_date,
        run_context.ruleset_version,
        parameter.small_cell_min
    from {{ source('control', 'run_context') }} as run_context
    inner join {{ ref('parameter_period') }} as parameter
        on
            run_context.as_of_date >= parameter.valid_from
            and run_context.as_of_date < parameter.valid_to
),

summed as (
    select
        counted.rule_id,
        counted.subject_type,
        coalesce(counted.org_code, 'UNKNOWN') as org_code,
        coalesce(counted.district_code, 'UNKNOWN') as district_code,
        coalesce(counted.period, {{ month_text('context.as_of_date') }}) as period,
        counted.outcome_code,
        sum(counted.subject_count) as subject_count
    from {{ ref('rule_outcome_count') }} as counted
    cross join context
    group by
        counted.rule_id, counted.subject_type, coalesce(counted.org_code, 'UNKNOWN'),
        coalesce(counted.district_code, 'UNKNOWN'),
        coalesce(counted.period, {{ month_text('context.as_of_date') }}), counted.outcome_code
),

screened as (
    select
        summed.*,
        summed.rule_id like 'A2-7%' and summed.subject_count < context.small_cell_min as is_suppressed,
        context.as_of_date,
        context.ruleset_version
    from summed
    cross join context
)

select
    cast(rule_id as varchar) as rule_id,
    cast(subject_type as varchar) as subject_type,
    cast(org_code as varchar) as org_code,
    cast(district_code as varchar) as district_code,
    cast(period as varchar) as period,
    cast(outcome_code as varchar) as outcome_code,
    cast(case when not is_suppressed then subject_count end as bigint) as subject_count,
    cast(is_suppressed as boolean) as is_suppressed,
    cast(as_of_date as date) as as_of_date,
    cast(ruleset_version as varchar) as ruleset_version
from screened

-- The periods that a run evaluates: the year of as_of up to that day, and the whole year before it.
with run as (
    select run_context.as_of_date
    from {{ source('control', 'run_context') }} as run_context
),

period_end as (
    select run.as_of_date as period_end
    from run
    union all
    select
        {{ add_days(first_day_of_year('run.as_of_date'), -1) }} as period_end
    from run
)

select
    cast(extract(year from period_end.period_end) as varchar) as period,
    {{ first_day_of_year('period_end.period_end') }} as period_start,
    period_end.period_end,
    period_end.period_end as as_of_date
from period_end

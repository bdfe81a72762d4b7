-- ARC-1 of the evaluation day counts, institution by institution, exactly the persons whose state is MANAGED.
{{ config(tags=['blocking'], meta={'dagster': {'ref': {'name': 'mart_indicator'}}}) }}
with state as (
    select
        coalesce(person_state.managing_org_code, 'UNKNOWN') as code,
        count(*) as person_count
    from {{ ref('person_state') }} as person_state
    where person_state.status_code = 'MANAGED'
    group by coalesce(person_state.managing_org_code, 'UNKNOWN')
),

figure as (
    select
        mart_indicator.code,
        mart_indicator.numerator_count
    from {{ ref('mart_indicator') }} as mart_indicator
    inner join {{ source('control', 'run_context') }} as run_context
        on mart_indicator.as_of_date = run_context.as_of_date
    where
        mart_indicator.indicator_id = 'ARC-1'
        and mart_indicator.level = 'org'
        and mart_indicator.period = {{ year_of('run_context.as_of_date') }}
)

select
    coalesce(state.code, figure.code) as code,
    state.person_count,
    figure.numerator_count
from state
full outer join figure on state.code = figure.code
where coalesce(state.person_count, 0) <> coalesce(figure.numerator_count, 0)

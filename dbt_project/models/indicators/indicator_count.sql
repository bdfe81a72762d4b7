-- Counts per indicator, variant, period and attributed institution; rates and levels are made from these sums.
with yearly as (
    select * from ({{ indicator_counts('indicator_person') }}) as person
    union all
    select * from ({{ indicator_counts('indicator_archive') }}) as archive
    union all
    select * from ({{ indicator_counts('indicator_patient') }}) as patient
),

monthly as (
    select * from ({{ indicator_counts('indicator_transfer') }}) as transfer
    union all
    select * from ({{ indicator_counts('indicator_termination') }}) as termination
    union all
    select * from ({{ indicator_counts('indicator_service') }}) as service
),

in_evaluation as (
    select
        monthly.*,
        evaluation.period as evaluation_year
    from monthly
    inner join {{ ref('evaluation_period') }} as evaluation
        on
            substring(monthly.period, 1, 4) = evaluation.period
            and monthly.period <= {{ month_text('evaluation.as_of_date') }}
),

counted as (
    select
        indicator_id,
        variant,
        period,
        'year' as period_kind_code,
        org_code,
        district_code,
        pass_count,
        fail_count,
        not_evaluable_count
    from yearly
    union all
    select
        indicator_id,
        variant,
        period,
        'month' as period_kind_code,
        org_code,
        district_code,
        pass_count,
        fail_count,
        not_evaluable_count
    from in_evaluation
    union all
    select
        indicator_id,
        variant,
        evaluation_year as period,
        'year' as period_kind_code,
        org_code,
        district_code,
        pass_count,
        fail_count,
        not_evaluable_count
    from in_evaluation
)

select
    indicator_id,
    variant,
    period,
    period_kind_code,
    coalesce(org_code, 'UNKNOWN') as org_code,
    coalesce(district_code, 'UNKNOWN') as district_code,
    sum(pass_count) as pass_count,
    sum(fail_count) as fail_count,
    sum(not_evaluable_count) as not_evaluable_count
from counted
where pass_count + fail_count + not_evaluable_count > 0
group by
    indicator_id, variant, period, period_kind_code, coalesce(org_code, 'UNKNOWN'), coalesce(district_code, 'UNKNOWN')

-- Pass rates per quality dimension of city, districts and institutions in the evaluation years. No composite: the text gives
-- no weights (A1-1-1). Rules on the restricted list stay out; mart_rule_summary shows them with small cells suppressed.
with verdict as (
    select
        coalesce(nullif(rule.dimension_code, ''), 'OTHER') as dimension_code,
        counted.rule_id,
        coalesce(counted.org_code, 'UNKNOWN') as org_code,
        coalesce(counted.district_code, 'UNKNOWN') as district_code,
        evaluation.period,
        evaluation.as_of_date,
        counted.outcome_code,
        counted.subject_count
    from {{ ref('rule_outcome_count') }} as counted
    inner join (
        select
            rule_id,
            min(dimension_code) as dimension_code
        from {{ ref('rules') }}
        group by rule_id
    ) as rule
        on counted.rule_id = rule.rule_id
    inner join {{ ref('evaluation_period') }} as evaluation
        on
            substring(coalesce(counted.period, {{ month_text(as_of_date()) }}), 1, 4) = evaluation.period
            and coalesce(counted.period, {{ month_text(as_of_date()) }}) <= {{ month_text('evaluation.as_of_date') }}
    where counted.rule_id not like 'A2-7%'
),

placed as (
    select
        'city' as level,
        '500000' as code,
        '500000' as place_district_code,
        verdict.*
    from verdict
    union all
    select
        'district' as level,
        district_code as code,
        district_code as place_district_code,
        verdict.*
    from verdict
    union all
    select
        'org' as level,
        org_code as code,
        district_code as place_district_code,
        verdict.*
    from verdict
),

summed as (
    select
        period,
        as_of_date,
        level,
        code,
        max(place_district_code) as district_code,
        dimension_code,
        count(distinct rule_id) as rule_count,
        sum(case when outcome_code = 'PASS' then subject_count else 0 end) as pass_count,
        sum(case when outcome_code = 'FAIL' then subject_count else 0 end) as fail_count,
        sum(case when outcome_code = 'NOT_EVALUABLE' then subject_count else 0 end) as not_evaluable_count,
        sum(case when outcome_code = 'NOT_APPLICABLE' then subject_count else 0 end) as not_applicable_count
    from placed
    group by period, as_of_date, level, code, dimension_code
)

select
    cast(summed.period as varchar) as period,
    cast(summed.as_of_date as date) as as_of_date,
    cast(summed.level as varchar) as level,
    cast(summed.code as varchar) as code,
    cast(summed.district_code as varchar) as district_code,
    cast(summed.dimension_code as varchar) as dimension_code,
    cast(summed.rule_count as bigint) as rule_count,
    cast(summed.pass_count as bigint) as pass_count,
    cast(summed.fail_count as bigint) as fail_count,
    cast(summed.not_evaluable_count as bigint) as not_evaluable_count,
    cast(summed.not_applicable_count as bigint) as not_applicable_count,
    cast({{ rate('summed.pass_count', '(summed.pass_count + summed.fail_count)') }} as decimal(9, 6)) as pass_rate,
    cast(run_context.ruleset_version as varchar) as ruleset_version
from summed
cross join {{ source('control', 'run_context') }} as run_context

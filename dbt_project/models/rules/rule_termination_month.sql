{% set rules = ['a1_6_2_3b'] %}
with

evidence as (
    select evidence_termination_month.* from {{ ref('evidence_termination_month') }} as evidence_termination_month
),

verdict as (
    select
        evidence.*,
        case
            -- the month in which the rules took effect is judged whole
            when evidence.month_start < {{ first_day_of_month('evidence.rules_effective_from') }}
                then 'NOT_APPLICABLE:PRE_RULE'
            when evidence.managed_count = 0 then 'NOT_EVALUABLE:NO_MANAGED_ARCHIVES'
            when evidence.termination_count > evidence.mass_termination_share * evidence.managed_count
                then 'FAIL:MASS_TERMINATION'
            else 'PASS'
        end as a1_6_2_3b
    from evidence
)

select
    verdict.subject_key,
    'termination_month' as subject_type,
    cast(null as varchar) as person_key,
    verdict.month_start as event_date,
    verdict.termination_count,
    verdict.managed_count,
    coalesce(verdict.termination_count = verdict.mass_termination_share * verdict.managed_count, false) as is_boundary,
    verdict.managing_org_code,
    verdict.managing_district_code,
    {{- outcome_columns(rules) }}
from verdict

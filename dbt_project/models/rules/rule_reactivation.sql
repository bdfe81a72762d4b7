{% set rules = ['a1_6_2_2'] %}
with

evidence as (
    select evidence_reactivation.* from {{ ref('evidence_reactivation') }} as evidence_reactivation
),

verdict as (
    select
        evidence.*,
        case
            when evidence.event_date < evidence.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when evidence.prior_status_code is null then 'NOT_EVALUABLE:PRIOR_STATUS_UNKNOWN'
            when evidence.prior_status_code = 'DEAD' then 'FAIL:BACK_FROM_DEATH'
            when evidence.prior_status_code not in ('LOST', 'MOVED_OUT') then 'FAIL:NOT_TERMINATED'
            when evidence.service_date is null then 'FAIL:WITHOUT_SERVICE'
            when evidence.archived_date is null then 'NOT_EVALUABLE:ARCHIVED_DATE_MISSING'
            when evidence.service_date < evidence.archived_date then 'FAIL:SERVICE_BEFORE_ARCHIVING'
            when
                evidence.contact_date < evidence.archived_date
                or evidence.contact_date > evidence.service_date
                then 'FAIL:CONTACT_OUT_OF_ORDER'
            when
                evidence.filed_date is null
                and {{ days_between('evidence.event_date', 'evidence.as_of_date') }} <= evidence.archive_filing_days
                then 'NOT_APPLICABLE:PENDING'
            when evidence.filed_date is null then 'FAIL:NOT_FILED'
            else 'PASS'
        end as a1_6_2_2
    from evidence
)

select
    verdict.subject_key,
    'reactivation' as subject_type,
    verdict.person_key,
    verdict.event_date,
    verdict.archived_date,
    verdict.contact_date,
    verdict.service_date,
    verdict.filed_date,
    coalesce(verdict.service_date = verdict.archived_date, false) as is_boundary,
    verdict.managing_org_code,
    verdict.managing_district_code,
    {{- outcome_columns(rules) }}
from verdict

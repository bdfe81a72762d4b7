{% set rules = ['art_1a', 'art_1b', 'art_1c', 'art_14a'] %}
with

evidence as (
    select evidence_person.* from {{ ref('evidence_person') }} as evidence_person
),

verdict as (
    select
        evidence.*,

        case
            when evidence.as_of_date < evidence.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when evidence.active_archive_count = 0 then 'NOT_APPLICABLE:NO_ACTIVE_ARCHIVE'
            when evidence.active_archive_count >= 2 then 'FAIL:DUP_ACTIVE_ARCHIVE'
            -- without a usable key nobody can say whether there is another archive
            when coalesce(evidence.key_class, 'C') = 'C' then 'NOT_EVALUABLE:NO_IDENTITY_KEY'
            else 'PASS'
        end as art_1a,

        case
            when evidence.as_of_date < evidence.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when evidence.dual_day_count > 0 then 'FAIL:DUAL_MANAGEMENT'
            when evidence.manager_interval_count = 0 then 'NOT_APPLICABLE:NOT_MANAGED'
            when coalesce(evidence.key_class, 'C') = 'C' then 'NOT_EVALUABLE:NO_IDENTITY_KEY'
            else 'PASS'
        end as art_1b,

        case
            when evidence.as_of_date < evidence.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when evidence.managed_interval_count = 0 then 'NOT_APPLICABLE:NOT_MANAGED'
            when evidence.gap_day_count > 0 then 'FAIL:MANAGER_GAP'
            else 'PASS'
        end as art_1c,

        case
            when evidence.as_of_date < evidence.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when evidence.status_code is null or evidence.expected_status_code is null
                then 'NOT_EVALUABLE:STATUS_UNKNOWN'
            when evidence.is_disputed or evidence.status_code <> evidence.expected_status_code
                then 'FAIL:STATUS_DISPUTED'
            else 'PASS'
        end as art_14a
    from evidence
)

select
    verdict.subject_key,
    'person' as subject_type,
    verdict.person_key,
    verdict.as_of_date as event_date,
    coalesce(verdict.first_dual_date, verdict.as_of_date) as first_dual_date,
    coalesce(verdict.first_gap_date, verdict.as_of_date) as first_gap_date,
    verdict.active_archive_count,
    verdict.dual_day_count,
    verdict.gap_day_count,
    false as is_boundary,
    verdict.managing_org_code,
    verdict.managing_district_code,
    {{- outcome_columns(rules) }}
from verdict

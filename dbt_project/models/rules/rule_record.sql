{% set rules = ['a1_3_1b', 'a1_3_1c'] %}
with

evidence as (
    select evidence_record.* from {{ ref('evidence_record') }} as evidence_record
),

verdict as (
    select
        evidence.*,
        case when evidence.change_code = 'DELETION' then 'FAIL:UNAPPROVED_DELETION' else 'FAIL:UNAPPROVED_EDIT' end
            as failure
    from evidence
),

judged as (
    select
        verdict.*,

        case
            when cast(verdict.changed_at as date) < verdict.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when not verdict.has_amendment then verdict.failure
            when verdict.approver_id is null then verdict.failure
            when verdict.approved_at is null or verdict.modified_at is null then verdict.failure
            when verdict.approved_at > verdict.modified_at then verdict.failure
            else 'PASS'
        end as a1_3_1b,

        case
            when cast(verdict.changed_at as date) < verdict.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when not verdict.has_amendment then 'NOT_APPLICABLE:NO_AMENDMENT'
            when verdict.approver_id is null or verdict.modified_by_id is null
                then 'NOT_EVALUABLE:APPROVER_OR_EDITOR_MISSING'
            when verdict.approver_id = verdict.modified_by_id then 'FAIL:APPROVER_IS_EDITOR'
            else 'PASS'
        end as a1_3_1c
    from verdict
)

select
    judged.subject_key,
    'record' as subject_type,
    judged.person_key,
    cast(judged.changed_at as date) as event_date,
    judged.change_code,
    judged.change_count,
    coalesce(judged.approved_at = judged.modified_at, false) as is_boundary,
    judged.serving_org_code,
    judged.serving_district_code,
    {{- outcome_columns(rules, 'judged') }}
from judged

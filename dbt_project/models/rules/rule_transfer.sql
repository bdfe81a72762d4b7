{% set rules = [
    'a1_4_2c', 'a1_4_3_1a', 'a1_4_3_1b', 'a1_4_3_1c', 'a1_4_3_3a', 'a1_4_3_3b', 'a1_4_3_6', 'a1_4_3_6b', 'a1_4_3_8a',
] %}
with

evidence as (
    select evidence_transfer.* from {{ ref('evidence_transfer') }} as evidence_transfer
),

framed as (
    -- which period protects: the city's between districts, the district's own inside it
    select
        evidence.*,
        case
            when not evidence.is_cross_district then evidence.previous_district_success_date
            when evidence.protect_basis = 'apply' then evidence.success_before_application_date
            else evidence.previous_success_date
        end as protection_start_date,
        case
            when evidence.is_cross_district and evidence.protect_basis = 'apply' then evidence.applied_date
            else evidence.success_date
        end as protection_judged_date,
        case when not evidence.is_cross_district then evidence.district_protect_days else evidence.transfer_protect_days end
            as protect_days
    from evidence
),

measured as (
    select
        evidence.*,
        {{ days_between('evidence.applied_date', 'evidence.decided_date') }} as decision_days,
        {{ days_between('evidence.applied_date', 'evidence.as_of_date') }} as open_days,
        {{ days_between('evidence.decided_date', 'evidence.success_date') }} as flow_days,
        {{ days_between('evidence.decided_date', 'evidence.as_of_date') }} as flow_open_days,
        {{ days_between('coalesce(evidence.manager_changed_date, evidence.applied_date)', 'evidence.as_of_date') }}
            as direct_open_days,
        {{ days_between('evidence.success_date', 'evidence.as_of_date') }} as success_open_days,
        {{ days_between('evidence.protection_start_date', 'evidence.protection_judged_date') }} as protection_days,
        -- days that still count as protected: the 180th only by the strict reading
        evidence.protect_days - case when evidence.strict_180 then 0 else 1 end as last_protected_day,
        {{ days_between('evidence.success_before_application_date', 'evidence.applied_date') }} as application_days,
        {{ days_between('evidence.success_before_decision_date', 'evidence.decided_date') }} as refusal_days,
        case
            when evidence.path_code = '4' then 'NOT_APPLICABLE:ADMIN_REFORM'
            when evidence.path_code = '5' then 'NOT_APPLICABLE:DUPLICATE_MERGE'
        end as no_move,
        case
            when evidence.is_cross_district is null then 'NOT_EVALUABLE:DISTRICT_UNKNOWN'
            when not evidence.is_cross_district then 'NOT_APPLICABLE:INTRA_DISTRICT'
        end as no_crossing
    from framed as evidence
),

verdict as (
    select
        measured.*,

        case
            when measured.applied_date < measured.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when measured.no_move is not null then measured.no_move
            when measured.decision_code is null and measured.decided_date is not null
                then 'NOT_EVALUABLE:DECISION_CODE_MISSING'
            when measured.decision_code is null or measured.decision_code <> '2' then 'NOT_APPLICABLE:NOT_REFUSED'
            when measured.has_refuse_reason then 'PASS'
            -- a refusal inside the protection period justifies itself
            when
                measured.is_cross_district
                and (
                    measured.application_days between 0 and measured.last_protected_day
                    or measured.refusal_days between 0 and measured.last_protected_day
                )
                then 'PASS'
            else 'FAIL:REFUSED_WITHOUT_REASON'
        end as a1_4_2c,

        case
            when measured.applied_date < measured.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when measured.no_move is not null then measured.no_move
            when measured.path_code = '3' then 'NOT_APPLICABLE:ARCHIVED_DIRECT'
            when measured.no_crossing is not null then measured.no_crossing
            when measured.decided_date is null and measured.decision_code is not null
                then 'NOT_EVALUABLE:DECISION_DATE_MISSING'
            when measured.decided_date is null and measured.open_days <= measured.transfer_confirm_days
                then 'NOT_APPLICABLE:PENDING'
            when measured.decided_date is null then 'FAIL:OVERDUE'
            when measured.decision_days < 0 then 'NOT_EVALUABLE:DECISION_BEFORE_APPLICATION'
            when measured.decision_code = '3' and measured.decision_days <= measured.transfer_confirm_days
                then 'NOT_APPLICABLE:WITHDRAWN_IN_TIME'
            when measured.decision_code = '3' then 'FAIL:WITHDRAWN_LATE'
            when measured.decision_days > measured.transfer_confirm_days then 'FAIL:DECIDED_LATE'
            when measured.decision_code is null then 'NOT_EVALUABLE:DECISION_CODE_MISSING'
            else 'PASS'
        end as a1_4_3_1a,

        case
            when measured.applied_date < measured.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when measured.no_move is not null then measured.no_move
            when measured.path_code = '3' then 'NOT_APPLICABLE:ARCHIVED_DIRECT'
            when measured.no_crossing is not null then measured.no_crossing
            when measured.decision_code is null or measured.decision_code <> '1' then 'NOT_APPLICABLE:NOT_AGREED'
            when measured.decided_date is null then 'NOT_EVALUABLE:DECISION_DATE_MISSING'
            when
                measured.decision_days < 0
                or measured.filed_date < measured.decided_date
                or measured.manager_changed_date < coalesce(measured.filed_date, measured.decided_date)
                then 'FAIL:TRANSFER_ORDER'
            when measured.success_date is null and measured.flow_open_days <= measured.transfer_filing_days
                then 'NOT_APPLICABLE:PENDING'
            when measured.success_date is null then 'FAIL:FLOW_INCOMPLETE'
            when measured.flow_days > measured.transfer_filing_days then 'FAIL:FLOW_LATE'
            else 'PASS'
        end as a1_4_3_1b,

        case
            when measured.applied_date < measured.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when measured.no_move is not null then measured.no_move
            when measured.path_code = '3' then 'NOT_APPLICABLE:ARCHIVED_DIRECT'
            when measured.no_crossing is not null then measured.no_crossing
            when measured.decision_code = '1' and measured.manager_changed_date < measured.decided_date
                then 'FAIL:ILLEGAL_MANAGER_CHANGE'
            when
                coalesce(measured.decision_code, '0') <> '1'
                and (measured.manager_changed_date is not null or measured.manager_changed_without_success)
                then 'FAIL:ILLEGAL_MANAGER_CHANGE'
            else 'PASS'
        end as a1_4_3_1c,

        case
            when measured.success_date is null then 'NOT_APPLICABLE:NOT_COMPLETED'
            when measured.success_date < measured.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when measured.no_move is not null then measured.no_move
            when measured.success_date > measured.death_archived_date then 'FAIL:TRANSFER_AFTER_DEATH'
            when measured.death_archived_date is null and measured.success_date > measured.death_recorded_date
                then 'NOT_EVALUABLE:ARCHIVED_DATE_MISSING'
            else 'PASS'
        end as a1_4_3_3a,

        case
            when measured.applied_date < measured.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when coalesce(measured.path_code, '') <> '3' then 'NOT_APPLICABLE:NOT_ARCHIVED_DIRECT'
            when measured.is_cross_district is null then 'NOT_EVALUABLE:DISTRICT_UNKNOWN'
            when not measured.is_cross_district then 'FAIL:DIRECT_SAME_DISTRICT'
            when measured.prior_status_code is null then 'NOT_EVALUABLE:PRIOR_STATUS_UNKNOWN'
            when measured.prior_status_code not in ('LOST', 'MOVED_OUT') then 'FAIL:DIRECT_NOT_ARCHIVED'
            when measured.filed_date is null and measured.direct_open_days <= measured.transfer_filing_days
                then 'NOT_APPLICABLE:PENDING'
            when measured.filed_date is null then 'FAIL:DIRECT_NOT_FILED'
            else 'PASS'
        end as a1_4_3_3b,

        case
            when measured.protection_judged_date is null then 'NOT_APPLICABLE:NOT_COMPLETED'
            when measured.protection_judged_date < measured.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when measured.no_move is not null then measured.no_move
            when measured.is_cross_district is null then 'NOT_EVALUABLE:DISTRICT_UNKNOWN'
            when measured.protect_days is null then 'NOT_APPLICABLE:INTRA_DISTRICT'
            when measured.path_code = '3' and measured.protection_days between 0 and measured.last_protected_day
                then 'NOT_APPLICABLE:ARCHIVED_DIRECT_IN_PROTECTION'
            when measured.path_code = '3' then 'NOT_APPLICABLE:ARCHIVED_DIRECT'
            when measured.protection_days between 0 and measured.last_protected_day then 'FAIL:PROTECTION_VIOLATION'
            else 'PASS'
        end as a1_4_3_6,

        case
            when measured.applied_date < measured.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when measured.no_move is not null then measured.no_move
            when measured.path_code = '3' then 'NOT_APPLICABLE:ARCHIVED_DIRECT'
            when measured.no_crossing is not null then measured.no_crossing
            when measured.application_days between 0 and measured.last_protected_day then 'FAIL:EARLY_APPLY'
            else 'PASS'
        end as a1_4_3_6b,

        case
            when measured.success_date is null then 'NOT_APPLICABLE:NOT_COMPLETED'
            when measured.success_date < measured.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when measured.no_move is not null then measured.no_move
            when measured.no_crossing is not null then measured.no_crossing
            when measured.origin_first_edit_date > measured.success_date then 'FAIL:ORIGIN_EDIT'
            when
                measured.is_origin_declared_active
                and not coalesce(measured.has_returned, false)
                and measured.success_open_days > measured.transfer_filing_days
                then 'FAIL:ORIGIN_STILL_ACTIVE'
            when measured.is_origin_declared_active and not coalesce(measured.has_returned, false)
                then 'NOT_APPLICABLE:PENDING'
            when measured.has_undated_origin_edit then 'NOT_EVALUABLE:EDIT_DATE_MISSING'
            when measured.is_origin_declared_active is null and not coalesce(measured.has_returned, false)
                then 'NOT_EVALUABLE:ORIGIN_STATUS_UNKNOWN'
            else 'PASS'
        end as a1_4_3_8a
    from measured
)

select
    verdict.subject_key,
    'transfer' as subject_type,
    verdict.person_key,
    verdict.applied_date as event_date,
    coalesce(verdict.success_date, verdict.applied_date) as completion_date,
    verdict.decided_date,
    {{ add_days('verdict.applied_date', 'verdict.transfer_confirm_days') }} as confirm_due_date,
    verdict.success_date,
    {{ add_days('verdict.protection_start_date', 'verdict.protect_days') }} as protected_until_date,
    verdict.origin_first_edit_date,
    coalesce(verdict.protection_days = verdict.protect_days, false) as is_boundary,
    verdict.deciding_org_code,
    verdict.deciding_district_code,
    verdict.initiating_org_code,
    verdict.initiating_district_code,
    verdict.origin_org_code,
    verdict.origin_district_code,
    verdict.target_org_code,
    verdict.target_district_code,
    case when verdict.success_date is null then verdict.origin_org_code else verdict.target_org_code end
        as managing_org_code,
    case when verdict.success_date is null then verdict.origin_district_code else verdict.target_district_code end
        as managing_district_code,
    {{- outcome_columns(rules) }}
from verdict

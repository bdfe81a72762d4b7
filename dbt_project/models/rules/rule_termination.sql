{% set rules = ['a1_6_1_1', 'a1_6_1_2a', 'a1_6_1_2e', 'a1_6_1_3', 'a1_6_2_3', 'a1_6_2_3c'] %}
with

evidence as (
    select evidence_termination.* from {{ ref('evidence_termination') }} as evidence_termination
),

measured as (
    select
        evidence.*,
        {{ add_months('evidence.contact_clock_start_date', 'evidence.lost_min') }} as lost_reached_date,
        {{ add_months('evidence.info_received_date', 'evidence.death_entry') }} as death_entry_due_date,
        {{ add_months('evidence.departed_date', 'evidence.moved_out_min') }} as absence_reached_date,
        evidence.failed_self_count + evidence.failed_contact_person_count + evidence.failed_address_count
            as failed_count,
        (
            (coalesce(evidence.has_phone, false) and evidence.failed_self_count = 0)
            or (coalesce(evidence.has_contact_phone, false) and evidence.failed_contact_person_count = 0)
            or (coalesce(evidence.has_address, false) and evidence.failed_address_count = 0)
        ) as is_channel_untried,
        {{ days_between('evidence.declared_date', 'evidence.next_reactivation_date') }} as reactivation_days,
        {{ days_between('evidence.declared_date', 'evidence.as_of_date') }} as declared_days,
        -- without word of no return the length of the absence decides
        coalesce(evidence.return_expected_code, '9') not in ('1', '2') as is_absence_decisive,
        case
            when evidence.cancelled_date is not null and not evidence.cancelled_termination_judged
                then 'NOT_APPLICABLE:CANCELLED'
        end as is_corrected,
        coalesce(
            position('|' || evidence.evidence_code || '|' in '|' || evidence.moved_out_informants || '|') > 0, false
        ) as is_informed
    from evidence
),

ground as (
    select
        measured.*,

        case
            when measured.kind_code <> 'LOST' then 'NOT_APPLICABLE:OTHER_KIND'
            when measured.is_corrected is not null then measured.is_corrected
            when measured.declared_date is null then 'NOT_EVALUABLE:DECLARED_DATE_MISSING'
            when measured.declared_date < measured.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when measured.lost_reached_date is null then 'NOT_EVALUABLE:LAST_SERVICE_UNKNOWN'
            when measured.declared_date <= measured.lost_reached_date then 'FAIL:PREMATURE_LOST'
            when measured.failed_count > 0 and not measured.is_channel_untried then 'PASS'
            when not coalesce(measured.has_contact_feed, false) then 'NOT_EVALUABLE:NO_CONTACT_FEED'
            when measured.failed_count = 0 then 'FAIL:LOST_WITHOUT_ATTEMPT'
            else 'FAIL:LOST_CHANNEL_UNTRIED'
        end as a1_6_1_1,

        case
            when measured.kind_code <> 'MOVED_OUT' then 'NOT_APPLICABLE:OTHER_KIND'
            when measured.is_corrected is not null then measured.is_corrected
            when measured.declared_date is null then 'NOT_EVALUABLE:DECLARED_DATE_MISSING'
            when measured.declared_date < measured.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when not measured.is_informed then 'FAIL:MOVED_OUT_WITHOUT_INFORMANT'
            when measured.info_received_date > measured.declared_date then 'FAIL:MOVED_OUT_BEFORE_NEWS'
            when measured.destination_code is null then 'FAIL:DESTINATION_MISSING'
            when measured.destination_code like '50%' then 'FAIL:DESTINATION_IN_CITY'
            when measured.departed_date > measured.declared_date then 'FAIL:NOT_DEPARTED'
            when measured.return_expected_code = '2' then 'FAIL:RETURN_WITHIN_YEAR'
            when measured.is_absence_decisive and measured.departed_date is null then 'FAIL:ABSENCE_UNKNOWN'
            when measured.is_absence_decisive and measured.declared_date < measured.absence_reached_date
                then 'FAIL:ABSENCE_TOO_SHORT'
            when measured.info_received_date is null then 'NOT_EVALUABLE:INFO_RECEIVED_DATE_MISSING'
            else 'PASS'
        end as a1_6_1_3
    from measured
),

verdict as (
    select
        ground.*,

        case
            when ground.kind_code <> 'DEAD' then 'NOT_APPLICABLE:OTHER_KIND'
            when ground.is_corrected is not null then ground.is_corrected
            when coalesce(ground.info_received_date, ground.entered_date) < ground.rules_effective_from
                then 'NOT_APPLICABLE:PRE_RULE'
            when ground.info_received_date is null then 'NOT_EVALUABLE:INFO_RECEIVED_DATE_MISSING'
            when ground.death_date > ground.info_received_date then 'NOT_EVALUABLE:DEATH_AFTER_NEWS'
            when ground.entered_date is null and ground.as_of_date <= ground.death_entry_due_date
                then 'NOT_APPLICABLE:PENDING'
            when ground.entered_date is null then 'FAIL:DEATH_ENTRY_OVERDUE'
            when ground.entered_date > ground.death_entry_due_date then 'FAIL:DEATH_ENTRY_LATE'
            else 'PASS'
        end as a1_6_1_2a,

        case
            when ground.kind_code <> 'DEAD' then 'NOT_APPLICABLE:OTHER_KIND'
            when ground.is_corrected is not null then ground.is_corrected
            when coalesce(ground.info_received_date, ground.entered_date) < ground.rules_effective_from
                then 'NOT_APPLICABLE:PRE_RULE'
            when ground.info_received_date is null then 'NOT_EVALUABLE:INFO_RECEIVED_DATE_MISSING'
            when ground.death_date is null then 'NOT_EVALUABLE:DEATH_DATE_MISSING'
            when ground.death_date > ground.info_received_date then 'FAIL:DEATH_AFTER_NEWS'
            else 'PASS'
        end as a1_6_1_2e,

        case
            when ground.is_corrected is not null then ground.is_corrected
            when ground.kind_code = 'LOST' and ground.declared_date is null then 'NOT_EVALUABLE:DECLARED_DATE_MISSING'
            when ground.kind_code = 'LOST' and ground.declared_date < ground.rules_effective_from
                then 'NOT_APPLICABLE:PRE_RULE'
            when ground.kind_code = 'LOST' and ground.lost_reached_date is null
                then 'NOT_EVALUABLE:LAST_SERVICE_UNKNOWN'
            when ground.kind_code = 'LOST' and ground.declared_date <= ground.lost_reached_date
                then 'FAIL:PREMATURE_LOST'
            when ground.kind_code = 'LOST' then 'PASS'
            when ground.kind_code = 'MOVED_OUT' and ground.a1_6_1_3 like 'FAIL:%'
                then 'FAIL:MOVED_OUT_WITHOUT_EVIDENCE'
            when ground.kind_code = 'MOVED_OUT' then ground.a1_6_1_3
            when ground.entered_date is null then 'NOT_APPLICABLE:NOT_RECORDED'
            when ground.entered_date < ground.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when ground.death_date is null then 'FAIL:DEAD_WITHOUT_DATE'
            when
                ({{ has_code('ground.death_cause_parts', 'text') }} and not ground.has_cause_text)
                or ({{ has_code('ground.death_cause_parts', 'icd10') }} and not ground.has_cause_icd10)
                then 'FAIL:DEAD_WITHOUT_CAUSE'
            else 'PASS'
        end as a1_6_2_3,

        case
            when ground.kind_code not in ('LOST', 'MOVED_OUT') then 'NOT_APPLICABLE:OTHER_KIND'
            when ground.is_corrected is not null then ground.is_corrected
            when ground.declared_date is null then 'NOT_EVALUABLE:DECLARED_DATE_MISSING'
            when ground.declared_date < ground.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when ground.reactivation_days between 0 and ground.quick_reactivation_days then 'FAIL:REACTIVATED_SOON'
            when ground.reactivation_days is null and ground.declared_days <= ground.quick_reactivation_days
                then 'NOT_APPLICABLE:PENDING'
            else 'PASS'
        end as a1_6_2_3c
    from ground
)

select
    verdict.subject_key,
    'termination' as subject_type,
    verdict.person_key,
    verdict.event_date,
    coalesce(verdict.entered_date, verdict.event_date) as recorded_date,
    verdict.kind_code,
    verdict.declared_date,
    verdict.info_received_date,
    verdict.entered_date,
    verdict.death_date,
    verdict.departed_date,
    verdict.lost_reached_date,
    verdict.death_entry_due_date,
    coalesce(
        case verdict.kind_code
            when 'LOST' then verdict.declared_date = verdict.lost_reached_date
            when 'DEAD' then verdict.entered_date = verdict.death_entry_due_date
            when 'MOVED_OUT' then verdict.is_absence_decisive and verdict.declared_date = verdict.absence_reached_date
        end,
        false
    ) as is_boundary,
    verdict.managing_org_code,
    verdict.managing_district_code,
    {{- outcome_columns(rules) }}
from verdict

{{ config(materialized='view') }}
-- Outcomes of the hypertension and diabetes indicators; PASS is the numerator, PASS + FAIL the denominator.
with judged as (
    select
        patient_period.*,
        case
            when managed_denominator = 'at_year_end' and not is_managed_at_end then 'NOT_APPLICABLE'
            when not was_managed_in_period then 'NOT_APPLICABLE'
            when age_at_year_end is null then 'NOT_EVALUABLE'
            when age_at_year_end < chronic_min_age then 'NOT_APPLICABLE'
            else 'IN'
        end as scope_code,
        case
            when managed_denominator = 'at_year_end' and not is_managed_at_end then 'NOT_MANAGED'
            when not was_managed_in_period then 'NOT_MANAGED'
            when age_at_year_end is null then 'AGE_MISSING'
            when age_at_year_end < chronic_min_age then 'UNDER_AGE'
        end as scope_reason,
        -- A whole year asks for the full number; a part of it for one per 90 days, at least one.
        least(
            followup_required_count,
            greatest(
                1,
                cast(
                    floor(coalesce({{ days_between('managed_from', 'managed_to') }}, 0) / cast(followup_part_year_days as double))
                    as bigint
                )
            )
        ) as required_count,
        coalesce({{ add_months('managed_from', 'exam_min_managed_months') }} <= managed_to, false) as is_exam_required
    from {{ ref('patient_period') }} as patient_period
),

outcome as (
    select
        judged.*,
        case
            when scope_code <> 'IN' then scope_code
            when face_to_face_count >= required_count and (not is_exam_required or has_complete_exam) then 'PASS'
            when possibly_face_to_face_count < required_count then 'FAIL'
            when is_exam_required and not has_complete_exam then 'FAIL'
            else 'NOT_EVALUABLE'
        end as standard_outcome,
        case
            when scope_code <> 'IN' then scope_reason
            when face_to_face_count >= required_count and (not is_exam_required or has_complete_exam) then null
            when possibly_face_to_face_count < required_count then 'FOLLOWUP_TOO_FEW'
            when is_exam_required and not has_complete_exam then 'EXAM_INCOMPLETE'
            when face_to_face_count < required_count then 'MODE_MISSING'
            else 'AGE_MISSING'
        end as standard_reason,
        case
            when scope_code <> 'IN' then scope_code
            when followup_count >= required_count and (not is_exam_required or has_complete_exam) then 'PASS'
            when followup_count < required_count then 'FAIL'
            when not has_complete_exam then 'FAIL'
            else 'NOT_EVALUABLE'
        end as any_mode_outcome,
        case
            when scope_code <> 'IN' then scope_reason
            when followup_count >= required_count and (not is_exam_required or has_complete_exam) then null
            when followup_count < required_count then 'FOLLOWUP_TOO_FEW'
            when not has_complete_exam then 'EXAM_INCOMPLETE'
            else 'AGE_MISSING'
        end as any_mode_reason,
        -- No follow-up, or none with a value at the last one: not controlled, and in the denominator.
        case
            when scope_code <> 'IN' then scope_code
            when last_control_code = 'CONTROLLED' then 'PASS'
            when last_control_code = 'AGE_MISSING' then 'NOT_EVALUABLE'
            else 'FAIL'
        end as control_outcome,
        case
            when scope_code <> 'IN' then scope_reason
            when last_control_code = 'CONTROLLED' then null
            when last_followup_date is null then 'NO_FOLLOWUP'
            else last_control_code
        end as control_reason,
        case
            when scope_code <> 'IN' then scope_code
            when last_any_glucose_control_code = 'CONTROLLED' then 'PASS'
            else 'FAIL'
        end as any_glucose_outcome,
        case
            when scope_code <> 'IN' then scope_reason
            when last_any_glucose_control_code = 'CONTROLLED' then null
            when last_followup_date is null then 'NO_FOLLOWUP'
            else last_any_glucose_control_code
        end as any_glucose_reason
    from judged
)

select
    person_key,
    disease_code,
    period,
    as_of_date,
    org_code,
    district_code,
    required_count,
    is_exam_required,
    case when disease_code = 'HTN' then standard_outcome else 'NOT_APPLICABLE' end as n_htn_2,
    case when disease_code = 'HTN' then standard_reason else 'OTHER_DISEASE' end as n_htn_2_reason,
    case when disease_code = 'HTN' then any_mode_outcome else 'NOT_APPLICABLE' end as n_htn_2_any_mode,
    case when disease_code = 'HTN' then any_mode_reason else 'OTHER_DISEASE' end as n_htn_2_any_mode_reason,
    case when disease_code = 'HTN' then control_outcome else 'NOT_APPLICABLE' end as n_htn_3,
    case when disease_code = 'HTN' then control_reason else 'OTHER_DISEASE' end as n_htn_3_reason,
    case when disease_code = 'T2DM' then standard_outcome else 'NOT_APPLICABLE' end as n_dm_2,
    case when disease_code = 'T2DM' then standard_reason else 'OTHER_DISEASE' end as n_dm_2_reason,
    case when disease_code = 'T2DM' then any_mode_outcome else 'NOT_APPLICABLE' end as n_dm_2_any_mode,
    case when disease_code = 'T2DM' then any_mode_reason else 'OTHER_DISEASE' end as n_dm_2_any_mode_reason,
    case when disease_code = 'T2DM' then control_outcome else 'NOT_APPLICABLE' end as n_dm_3,
    case when disease_code = 'T2DM' then control_reason else 'OTHER_DISEASE' end as n_dm_3_reason,
    case when disease_code = 'T2DM' then any_glucose_outcome else 'NOT_APPLICABLE' end as n_dm_3_any_glucose,
    case when disease_code = 'T2DM' then any_glucose_reason else 'OTHER_DISEASE' end as n_dm_3_any_glucose_reason
from outcome

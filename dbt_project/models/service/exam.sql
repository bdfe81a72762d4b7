-- Health exams with their completeness by the contract's core list; the elderly owe the longer list.
with placed as (
    select
        activity.service_key,
        exam.delivery_unit,
        exam.record_key,
        activity.person_key,
        activity.service_date,
        activity.period,
        activity.managing_org_code,
        activity.managing_district_code,
        activity.serving_org_code,
        activity.serving_district_code,
        activity.mode_code,
        activity.is_face_to_face,
        activity.is_free,
        activity.is_after_death,
        activity.is_remote,
        activity.entered_at,
        {{ full_years('person.birth_date', year_end('activity.service_date')) }}
            as age_at_year_end,
        {{ full_years('person.birth_date', 'activity.service_date') }} as age_at_service,
        parameter.elderly_age,
        parameter.elderly_age_basis,
        parameter.exam_core_columns,
        parameter.exam_core_columns_elderly,
        exam.height_cm,
        exam.weight_kg,
        exam.waist_cm,
        exam.temperature_c,
        exam.pulse_bpm,
        exam.respiration_rpm,
        exam.sbp_left,
        exam.dbp_left,
        exam.sbp_right,
        exam.dbp_right,
        exam.fasting_glucose_mmol,
        exam.hba1c_pct,
        exam.total_cholesterol,
        exam.triglyceride,
        exam.ldl,
        exam.hdl,
        exam.alt,
        exam.ast,
        exam.total_bilirubin,
        exam.creatinine,
        exam.urea,
        exam.hemoglobin,
        exam.wbc,
        exam.platelet,
        exam.urine_protein_code,
        exam.ecg_code,
        exam.abdominal_ultrasound_code,
        exam.self_care_code,
        exam.cognition_code,
        exam.emotion_code,
        exam.smoking_code,
        exam.drinking_code,
        exam.exercise_code,
        exam.diet_codes,
        exam.symptom_codes,
        exam.cerebrovascular_codes,
        exam.kidney_codes,
        exam.heart_codes,
        exam.vessel_codes,
        exam.eye_codes,
        exam.evaluation_code,
        exam.guidance_codes
    from {{ ref('stg_health_exam') }} as exam
    inner join {{ ref('service_activity') }} as activity
        on
            activity.dataset = 'health_exam'
            and exam.delivery_unit = activity.delivery_unit
            and exam.record_key = activity.record_key
    left join {{ ref('person') }} as person
        on activity.person_key = person.person_key
    left join {{ ref('parameter_period') }} as parameter
        on
            activity.service_date >= parameter.valid_from
            and activity.service_date < parameter.valid_to
),

examined as (
    select
        placed.*,
        case when elderly_age_basis = 'service_date' then age_at_service else age_at_year_end end
            as elderly_reference_age,
        {{ missing_exam_items('exam_core_columns') }} as missing_core_count,
        {{ missing_exam_items('exam_core_columns_elderly') }} as missing_elderly_count,
        row_number() over (
            partition by person_key, {{ year_of('service_date') }}, coalesce(is_free, false)
            order by service_date, entered_at, delivery_unit, record_key
        ) as free_rank
    from placed
)

select
    service_key,
    person_key,
    service_date,
    period,
    managing_org_code,
    managing_district_code,
    serving_org_code,
    serving_district_code,
    mode_code,
    is_face_to_face,
    is_free,
    is_after_death,
    is_remote,
    age_at_service,
    elderly_reference_age >= elderly_age as is_elderly,
    height_cm,
    weight_kg,
    waist_cm,
    temperature_c,
    pulse_bpm,
    respiration_rpm,
    sbp_left,
    dbp_left,
    sbp_right,
    dbp_right,
    fasting_glucose_mmol,
    hba1c_pct,
    total_cholesterol,
    triglyceride,
    ldl,
    hdl,
    alt,
    ast,
    total_bilirubin,
    creatinine,
    urea,
    hemoglobin,
    wbc,
    platelet,
    urine_protein_code,
    ecg_code,
    abdominal_ultrasound_code,
    self_care_code,
    cognition_code,
    emotion_code,
    smoking_code,
    drinking_code,
    evaluation_code,
    guidance_codes is not null as has_guidance,
    missing_core_count,
    missing_elderly_count,
    -- Without an age the longer list is owed only if leaving it out decides.
    case
        when missing_core_count > 0 then false
        when elderly_reference_age >= elderly_age then missing_elderly_count = 0
        when elderly_reference_age < elderly_age then true
        when missing_elderly_count = 0 then true
    end as is_complete,
    coalesce(is_free, false) and free_rank > 1 as is_repeat_free
from examined

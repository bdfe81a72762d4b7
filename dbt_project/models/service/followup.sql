-- Follow-ups of HTN and T2DM with their readings; of several on one day exactly one counts (rulebook §1.6 (26)).
with measured as (
    select
        'htn_followup' as dataset,
        'HTN' as disease_code,
        delivery_unit,
        record_key,
        sbp,
        dbp,
        cast(null as double) as fasting_glucose_mmol,
        cast(null as double) as random_glucose_mmol,
        cast(null as double) as hba1c_pct,
        class_code,
        compliance_code,
        adverse_reaction_code,
        referral_flag,
        next_visit_date,
        loss_reason_code
    from {{ ref('stg_htn_followup') }}
    union all
    select
        'dm_followup' as dataset,
        'T2DM' as disease_code,
        delivery_unit,
        record_key,
        sbp,
        dbp,
        fasting_glucose_mmol,
        random_glucose_mmol,
        hba1c_pct,
        class_code,
        compliance_code,
        adverse_reaction_code,
        referral_flag,
        next_visit_date,
        loss_reason_code
    from {{ ref('stg_dm_followup') }}
),

placed as (
    select
        activity.service_key,
        measured.delivery_unit,
        measured.record_key,
        measured.disease_code,
        activity.person_key,
        activity.service_date,
        activity.period,
        activity.managing_org_code,
        activity.managing_district_code,
        activity.serving_org_code,
        activity.serving_district_code,
        activity.mode_code,
        activity.entered_at,
        activity.is_after_death,
        activity.is_free,
        case
            when activity.mode_code is null then null
            else {{ is_listed('activity.mode_code', 'parameter.followup_face_to_face_modes') }}
        end as is_face_to_face,
        measured.sbp,
        measured.dbp,
        measured.fasting_glucose_mmol,
        measured.random_glucose_mmol,
        measured.hba1c_pct,
        measured.class_code,
        measured.compliance_code,
        measured.adverse_reaction_code,
        measured.referral_flag,
        measured.next_visit_date,
        measured.loss_reason_code,
        {{ full_years('person.birth_date', 'activity.service_date') }} as age_years,
        parameter.bp_elderly_age,
        parameter.bp_sbp_limit,
        parameter.bp_dbp_limit,
        parameter.bp_elderly_sbp_limit,
        parameter.bp_elderly_dbp_limit,
        parameter.fpg_limit,
        parameter.random_glucose_limit,
        case when measured.disease_code = 'HTN' then measured.sbp else measured.fasting_glucose_mmol end
            as leading_value,
        case when measured.disease_code = 'HTN' then measured.dbp else measured.random_glucose_mmol end
            as second_value
    from measured
    inner join {{ ref('service_activity') }} as activity
        on
            measured.dataset = activity.dataset
            and measured.delivery_unit = activity.delivery_unit
            and measured.record_key = activity.record_key
    left join {{ ref('person') }} as person
        on activity.person_key = person.person_key
    left join {{ ref('parameter_period') }} as parameter
        on
            activity.service_date >= parameter.valid_from
            and activity.service_date < parameter.valid_to
),

-- A missing entry moment anywhere on the day makes the order of entry unknown: then the higher reading decides.
dated as (
    select
        placed.*,
        count(*) over (partition by person_key, disease_code, service_date) as day_count,
        count(entered_at) over (partition by person_key, disease_code, service_date) as day_entered_count,
        min(leading_value) over (partition by person_key, disease_code, service_date) as day_leading_min,
        max(leading_value) over (partition by person_key, disease_code, service_date) as day_leading_max,
        min(second_value) over (partition by person_key, disease_code, service_date) as day_second_min,
        max(second_value) over (partition by person_key, disease_code, service_date) as day_second_max
    from placed
),

ranked as (
    select
        dated.*,
        row_number() over (
            partition by person_key, disease_code, service_date
            order by
                case when day_entered_count = day_count then entered_at end desc,
                case when leading_value is null then 1 else 0 end,
                leading_value desc,
                case when second_value is null then 1 else 0 end,
                second_value desc,
                delivery_unit asc,
                record_key asc
        ) as day_rank
    from dated
)

select
    service_key,
    disease_code,
    person_key,
    service_date,
    period,
    managing_org_code,
    managing_district_code,
    serving_org_code,
    serving_district_code,
    mode_code,
    is_face_to_face,
    entered_at,
    is_free,
    is_after_death,
    age_years,
    sbp,
    dbp,
    fasting_glucose_mmol,
    random_glucose_mmol,
    hba1c_pct,
    class_code,
    compliance_code,
    adverse_reaction_code,
    referral_flag,
    next_visit_date,
    loss_reason_code,
    day_rank = 1 as is_counted,
    (
        coalesce(day_leading_min < day_leading_max, false)
        or coalesce(day_second_min < day_second_max, false)
    ) as is_contradictory,
    case
        when disease_code = 'HTN'
            then
                case
                    when sbp is null or dbp is null then 'NO_VALUE'
                    when age_years >= bp_elderly_age
                        then
                            case
                                when sbp < bp_elderly_sbp_limit and dbp < bp_elderly_dbp_limit then 'CONTROLLED'
                                else 'UNCONTROLLED'
                            end
                    when age_years < bp_elderly_age
                        then
                            case
                                when sbp < bp_sbp_limit and dbp < bp_dbp_limit then 'CONTROLLED'
                                else 'UNCONTROLLED'
                            end
                    when
                        sbp < least(bp_sbp_limit, bp_elderly_sbp_limit)
                        and dbp < least(bp_dbp_limit, bp_elderly_dbp_limit)
                        then 'CONTROLLED'
                    when
                        sbp >= greatest(bp_sbp_limit, bp_elderly_sbp_limit)
                        or dbp >= greatest(bp_dbp_limit, bp_elderly_dbp_limit)
                        then 'UNCONTROLLED'
                    else 'AGE_MISSING'
                end
        when fasting_glucose_mmol is null then 'NO_VALUE'
        when fasting_glucose_mmol < fpg_limit then 'CONTROLLED'
        else 'UNCONTROLLED'
    end as control_code,
    case
        when disease_code = 'HTN' then null
        when fasting_glucose_mmol is not null
            then
                case when fasting_glucose_mmol < fpg_limit then 'CONTROLLED' else 'UNCONTROLLED' end
        when random_glucose_mmol is null then 'NO_VALUE'
        when random_glucose_mmol < random_glucose_limit then 'CONTROLLED'
        else 'UNCONTROLLED'
    end as any_glucose_control_code
from ranked

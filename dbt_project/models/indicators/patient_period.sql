-- Evidence of the chronic-disease indicators: one registered patient, one disease, one evaluation period.
with evaluation as (
    select
        evaluation.period,
        evaluation.period_start,
        evaluation.as_of_date,
        cast(evaluation.period || '-12-31' as date) as year_end,
        parameter.chronic_min_age,
        parameter.managed_denominator,
        parameter.followup_required_count,
        parameter.followup_part_year_days,
        parameter.exam_min_managed_months
    from {{ ref('evaluation_period') }} as evaluation
    inner join {{ ref('parameter_period') }} as parameter
        on
            evaluation.as_of_date >= parameter.valid_from
            and evaluation.as_of_date < parameter.valid_to
),

registered as (
    select
        register.person_key,
        register.disease_code,
        evaluation.period
    from {{ ref('register_membership') }} as register
    inner join evaluation
        on
            register.valid_from <= evaluation.as_of_date
            and register.valid_to > evaluation.period_start
    where register.disease_code in ('HTN', 'T2DM')
    group by register.person_key, register.disease_code, evaluation.period
),

-- The managed window: first to last day on which register and 在管 overlap within the period (half-open).
managed as (
    select
        register.person_key,
        register.disease_code,
        evaluation.period,
        min(greatest(register.valid_from, status.valid_from, evaluation.period_start)) as managed_from,
        max(least(register.valid_to, status.valid_to, {{ add_days('evaluation.as_of_date', 1) }})) as managed_to
    from {{ ref('register_membership') }} as register
    inner join evaluation
        on
            register.valid_from <= evaluation.as_of_date
            and register.valid_to > evaluation.period_start
    inner join {{ ref('status_interval') }} as status
        on
            register.person_key = status.person_key
            and status.status_code = 'MANAGED'
            and evaluation.as_of_date >= status.valid_from
            and evaluation.period_start < status.valid_to
            and greatest(register.valid_from, status.valid_from) < least(register.valid_to, status.valid_to)
    where register.disease_code in ('HTN', 'T2DM')
    group by register.person_key, register.disease_code, evaluation.period
),

managed_in_year as (
    select
        status.person_key,
        evaluation.period,
        max(
            case
                when status.valid_from <= evaluation.as_of_date and status.valid_to > evaluation.as_of_date then 1
                else 0
            end
        ) as is_managed_at_end
    from {{ ref('status_interval') }} as status
    inner join evaluation
        on
            status.valid_from <= evaluation.as_of_date
            and status.valid_to > evaluation.period_start
    where status.status_code = 'MANAGED'
    group by status.person_key, evaluation.period
),

visited as (
    select
        followup.person_key,
        followup.disease_code,
        evaluation.period,
        count(distinct followup.service_date) as followup_count,
        count(distinct case when followup.is_face_to_face then followup.service_date end) as face_to_face_count,
        count(
            distinct case when coalesce(followup.is_face_to_face, true) then followup.service_date end
        ) as possibly_face_to_face_count
    from {{ ref('followup') }} as followup
    inner join evaluation
        on
            followup.service_date >= evaluation.period_start
            and followup.service_date <= evaluation.as_of_date
    where not followup.is_after_death
    group by followup.person_key, followup.disease_code, evaluation.period
),

ordered as (
    select
        followup.person_key,
        followup.disease_code,
        evaluation.period,
        followup.service_date,
        followup.control_code,
        followup.any_glucose_control_code,
        row_number() over (
            partition by followup.person_key, followup.disease_code, evaluation.period
            order by followup.service_date desc
        ) as recency
    from {{ ref('followup') }} as followup
    inner join evaluation
        on
            followup.service_date >= evaluation.period_start
            and followup.service_date <= evaluation.as_of_date
    where followup.is_counted and not followup.is_after_death
),

examined as (
    select
        exam.person_key,
        evaluation.period,
        max(case when exam.is_complete then 2 when exam.is_complete is null then 1 else 0 end) as best_exam
    from {{ ref('exam') }} as exam
    inner join evaluation
        on
            exam.service_date >= evaluation.period_start
            and exam.service_date <= evaluation.as_of_date
    where not exam.is_after_death
    group by exam.person_key, evaluation.period
)

select
    registered.person_key,
    registered.disease_code,
    registered.period,
    evaluation.as_of_date,
    manager.org_code,
    manager.district_code,
    {{ full_years('person.birth_date', 'evaluation.year_end') }} as age_at_year_end,
    managed_in_year.person_key is not null as was_managed_in_period,
    coalesce(managed_in_year.is_managed_at_end = 1, false) as is_managed_at_end,
    managed.managed_from,
    managed.managed_to,
    coalesce(visited.followup_count, 0) as followup_count,
    coalesce(visited.face_to_face_count, 0) as face_to_face_count,
    coalesce(visited.possibly_face_to_face_count, 0) as possibly_face_to_face_count,
    case
        when examined.best_exam = 2 then true
        when examined.best_exam = 1 then null
        else false
    end as has_complete_exam,
    ordered.service_date as last_followup_date,
    ordered.control_code as last_control_code,
    ordered.any_glucose_control_code as last_any_glucose_control_code,
    evaluation.chronic_min_age,
    evaluation.managed_denominator,
    evaluation.followup_required_count,
    evaluation.followup_part_year_days,
    evaluation.exam_min_managed_months
from registered
inner join evaluation
    on registered.period = evaluation.period
left join managed
    on
        registered.person_key = managed.person_key
        and registered.disease_code = managed.disease_code
        and registered.period = managed.period
left join managed_in_year
    on
        registered.person_key = managed_in_year.person_key
        and registered.period = managed_in_year.period
left join visited
    on
        registered.person_key = visited.person_key
        and registered.disease_code = visited.disease_code
        and registered.period = visited.period
left join ordered
    on
        registered.person_key = ordered.person_key
        and registered.disease_code = ordered.disease_code
        and registered.period = ordered.period
        and ordered.recency = 1
left join examined
    on
        registered.person_key = examined.person_key
        and registered.period = examined.period
left join {{ ref('person') }} as person
    on registered.person_key = person.person_key
left join {{ ref('manager_segment') }} as manager
    on
        registered.person_key = manager.person_key
        and evaluation.as_of_date >= manager.valid_from
        and evaluation.as_of_date < manager.held_to

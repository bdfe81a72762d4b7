-- Evidence of the archive indicators: one person with a recorded status, one evaluation period.
with evaluation as (
    select
        evaluation.period,
        evaluation.period_start,
        evaluation.as_of_date,
        cast(evaluation.period || '-12-31' as date) as year_end,
        {{ add_months('evaluation.as_of_date', '-parameter.dynamic_window') }} as window_from,
        parameter.elderly_age,
        parameter.elderly_age_basis,
        parameter.child_max_age,
        parameter.dynamic_denominator
    from {{ ref('evaluation_period') }} as evaluation
    inner join {{ ref('parameter_period') }} as parameter
        on
            evaluation.as_of_date >= parameter.valid_from
            and evaluation.as_of_date < parameter.valid_to
),

stated as (
    select
        status.person_key,
        evaluation.period,
        status.status_code
    from {{ ref('status_interval') }} as status
    inner join evaluation
        on
            status.valid_from <= evaluation.as_of_date
            and status.valid_to > evaluation.as_of_date
),

active as (
    select
        copy.person_key,
        evaluation.period,
        count(distinct copy.archive_key) as active_archive_count,
        -- two archives of districts that have become one are no longer in two
        count(
            distinct case when evaluation.as_of_date >= copy.fell_on then copy.present_unit else copy.delivery_unit end
        ) as active_district_count
    from {{ ref('copy_interval') }} as copy
    inner join evaluation
        on
            copy.active_from <= evaluation.as_of_date
            and copy.active_to > evaluation.as_of_date
    group by copy.person_key, evaluation.period
),

served as (
    select
        activity.person_key,
        evaluation.period,
        max(activity.service_date) as last_dynamic_date
    from {{ ref('identified_service') }} as activity
    left join {{ ref('recorded_death') }} as death
        on activity.person_key = death.person_key
    inner join evaluation
        on
            activity.service_date > evaluation.window_from
            and activity.service_date <= evaluation.as_of_date
    where death.death_date is null or activity.service_date <= death.death_date
    group by activity.person_key, evaluation.period
),

examined as (
    select
        exam.person_key,
        evaluation.period,
        max(case when exam.is_complete then 2 when exam.is_complete is null then 1 else 0 end) as best_exam,
        max(case when exam.has_guidance then 1 else 0 end) as best_guidance,
        max(exam.age_at_service) as age_at_exam
    from {{ ref('exam') }} as exam
    inner join evaluation
        on
            exam.service_date >= evaluation.period_start
            and exam.service_date <= evaluation.as_of_date
    where not exam.is_after_death
    group by exam.person_key, evaluation.period
)

select
    stated.person_key,
    stated.period,
    evaluation.as_of_date,
    manager.org_code,
    manager.district_code,
    manager.archive_key,
    stated.status_code,
    coalesce(active.active_archive_count, 0) as active_archive_count,
    coalesce(active.active_district_count, 0) as active_district_count,
    {{ full_years('person.birth_date', 'evaluation.as_of_date') }} as age_years,
    case
        when evaluation.elderly_age_basis = 'service_date'
            then coalesce(examined.age_at_exam, {{ full_years('person.birth_date', 'evaluation.as_of_date') }})
        else {{ full_years('person.birth_date', 'evaluation.year_end') }}
    end as elderly_reference_age,
    archive.is_cover_complete,
    archive.is_basic_complete,
    served.last_dynamic_date,
    case
        when examined.best_exam = 2 then true
        when examined.best_exam = 1 then null
        else false
    end as has_complete_exam,
    coalesce(examined.best_guidance = 1, false) as has_guidance,
    total.resident_count is not null as has_population,
    elderly.resident_count is not null as has_elderly_population,
    evaluation.elderly_age,
    evaluation.child_max_age,
    evaluation.dynamic_denominator
from stated
inner join evaluation
    on stated.period = evaluation.period
left join active
    on
        stated.person_key = active.person_key
        and stated.period = active.period
left join served
    on
        stated.person_key = served.person_key
        and stated.period = served.period
left join examined
    on
        stated.person_key = examined.person_key
        and stated.period = examined.period
left join {{ ref('person') }} as person
    on stated.person_key = person.person_key
left join {{ ref('manager_segment') }} as manager
    on
        stated.person_key = manager.person_key
        and evaluation.as_of_date >= manager.valid_from
        and evaluation.as_of_date < manager.held_to
left join {{ ref('rule_archive') }} as archive
    on manager.archive_key = archive.subject_key
left join {{ ref('population_denominator') }} as total
    on
        stated.period = total.period
        -- a row of the city stands alone: then nobody's district has one
        and total.district_code in (manager.district_code, '500000')
        and total.population_kind = 'TOTAL'
left join {{ ref('population_denominator') }} as elderly
    on
        stated.period = elderly.period
        and elderly.district_code in (manager.district_code, '500000')
        and elderly.population_kind = 'ELDERLY'

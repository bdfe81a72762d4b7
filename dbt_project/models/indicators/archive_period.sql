-- Evidence of the archive-level indicators: one archive active on the evaluation day, one evaluation period.
with evaluation as (
    select
        evaluation.period,
        evaluation.as_of_date,
        parameter.newborn_id_grace,
        parameter.child_max_age
    from {{ ref('evaluation_period') }} as evaluation
    inner join {{ ref('parameter_period') }} as parameter
        on
            evaluation.as_of_date >= parameter.valid_from
            and evaluation.as_of_date < parameter.valid_to
),

active as (
    select
        copy.archive_key,
        copy.person_key,
        copy.delivery_unit,
        copy.district_archive_id,
        evaluation.period,
        evaluation.as_of_date,
        evaluation.newborn_id_grace,
        evaluation.child_max_age,
        min(copy.active_from) as active_from
    from {{ ref('copy_interval') }} as copy
    inner join evaluation
        on
            copy.active_from <= evaluation.as_of_date
            and copy.active_to > evaluation.as_of_date
    group by
        copy.archive_key, copy.person_key, copy.delivery_unit, copy.district_archive_id, evaluation.period,
        evaluation.as_of_date, evaluation.newborn_id_grace, evaluation.child_max_age
),

ranked as (
    select
        active.*,
        row_number() over (
            partition by person_key, period order by active_from, delivery_unit, district_archive_id
        ) as archive_rank
    from active
),

managed as (
    select
        manager.archive_key,
        evaluation.period,
        manager.org_code,
        manager.district_code,
        row_number() over (
            partition by manager.archive_key, evaluation.period order by manager.valid_from desc, manager.org_code asc
        ) as recency
    from {{ ref('manager_interval') }} as manager
    inner join evaluation
        on manager.valid_from <= evaluation.as_of_date
)

select
    ranked.archive_key,
    ranked.person_key,
    ranked.period,
    ranked.as_of_date,
    coalesce(managed.org_code, copy.manage_org_code) as org_code,
    coalesce(managed.district_code, copy.manage_district_code, ranked.delivery_unit) as district_code,
    ranked.archive_rank,
    copy.key_type_code,
    rule.is_identity_valid,
    {{ add_months('coalesce(copy.birth_date, person.birth_date)', 'ranked.newborn_id_grace') }} as grace_until,
    {{ full_years('coalesce(copy.birth_date, person.birth_date)', 'ranked.as_of_date') }} as age_years,
    ranked.child_max_age,
    rule.is_cover_complete,
    rule.is_basic_complete
from ranked
left join {{ ref('archive_copy') }} as copy
    on ranked.archive_key = copy.archive_key
left join {{ ref('person') }} as person
    on ranked.person_key = person.person_key
left join {{ ref('rule_archive') }} as rule
    on ranked.archive_key = rule.subject_key
left join managed
    on
        ranked.archive_key = managed.archive_key
        and ranked.period = managed.period
        and managed.recency = 1

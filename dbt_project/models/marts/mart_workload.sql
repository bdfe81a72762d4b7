-- What institutions did, per month: services by form, archives created, transfers, terminations, reactivations (ART-20d).
-- Services up to the day of death count although the archive is no longer in management (A1-6-1-2c).
-- Forms that tell a level 5 disease keep their row and lose their numbers where they are about one to four persons.
with span as (
    select
        min(period_start) as span_from,
        max(as_of_date) as span_to
    from {{ ref('evaluation_period') }}
),

event as (
    select
        activity.dataset as activity_code,
        activity.serving_org_code as org_code,
        activity.serving_district_code as district_code,
        activity.service_date as event_date,
        activity.person_key,
        activity.is_face_to_face,
        activity.is_remote,
        activity.is_free,
        false as is_repeat_free
    from {{ ref('service_activity') }} as activity
    where activity.dataset <> 'health_exam' and not activity.is_after_death
    union all
    select
        'health_exam' as activity_code,
        exam.serving_org_code as org_code,
        exam.serving_district_code as district_code,
        exam.service_date as event_date,
        exam.person_key,
        exam.is_face_to_face,
        exam.is_remote,
        exam.is_free,
        exam.is_repeat_free
    from {{ ref('exam') }} as exam
    where not exam.is_after_death
    union all
    select
        'archive_created' as activity_code,
        create_org_code as org_code,
        create_district_code as district_code,
        created_date as event_date,
        person_key,
        cast(null as boolean) as is_face_to_face,
        cast(null as boolean) as is_remote,
        cast(null as boolean) as is_free,
        false as is_repeat_free
    from {{ ref('archive_copy') }}
    where
        not coalesce(is_moved_in, false)
        -- counted once, with the archive that continues it
        and coalesce(copy_state_code, '') <> 'CONTINUED'
    union all
    select
        'transfer_in' as activity_code,
        to_org_code as org_code,
        to_district_code as district_code,
        success_date as event_date,
        person_key,
        cast(null as boolean) as is_face_to_face,
        cast(null as boolean) as is_remote,
        cast(null as boolean) as is_free,
        false as is_repeat_free
    from {{ ref('transfer_case') }}
    where success_date is not null
    union all
    select
        'transfer_out' as activity_code,
        from_org_code as org_code,
        from_district_code as district_code,
        success_date as event_date,
        person_key,
        cast(null as boolean) as is_face_to_face,
        cast(null as boolean) as is_remote,
        cast(null as boolean) as is_free,
        false as is_repeat_free
    from {{ ref('transfer_case') }}
    where success_date is not null
    union all
    select
        'termination' as activity_code,
        org_code,
        district_code,
        coalesce(case when kind_code = 'DEAD' then entered_date end, declared_date, entered_date) as event_date,
        person_key,
        cast(null as boolean) as is_face_to_face,
        cast(null as boolean) as is_remote,
        cast(null as boolean) as is_free,
        false as is_repeat_free
    from {{ ref('termination_case') }}
    where is_in_force
    union all
    select
        'reactivation' as activity_code,
        org_code,
        district_code,
        reactivated_date as event_date,
        person_key,
        cast(null as boolean) as is_face_to_face,
        cast(null as boolean) as is_remote,
        cast(null as boolean) as is_free,
        false as is_repeat_free
    from {{ ref('reactivation_case') }}
),

counted as (
    select
        coalesce(event.org_code, 'UNKNOWN') as org_code,
        coalesce(event.district_code, 'UNKNOWN') as district_code,
        {{ month_text('event.event_date') }} as period,
        event.activity_code,
        count(*) as activity_count,
        count(distinct event.person_key) as person_count,
        sum(case when event.is_face_to_face then 1 else 0 end) as face_to_face_count,
        sum(case when event.is_remote then 1 else 0 end) as remote_count,
        sum(case when event.is_free then 1 else 0 end) as free_count,
        sum(case when event.is_repeat_free then 1 else 0 end) as repeat_free_count
    from event
    inner join span
        on event.event_date between span.span_from and span.span_to
    group by
        coalesce(event.org_code, 'UNKNOWN'), coalesce(event.district_code, 'UNKNOWN'),
        {{ month_text('event.event_date') }}, event.activity_code
),

screened as (
    select
        counted.*,
        counted.activity_code in (
            {%- for dataset in level_five_datasets() %}
                '{{ dataset }}'{% if not loop.last %},{% endif %}
            {%- endfor %}
        )
        and counted.person_count < parameter.small_cell_min as is_suppressed
    from counted
    cross join span
    inner join {{ ref('parameter_period') }} as parameter
        on
            span.span_to >= parameter.valid_from
            and span.span_to < parameter.valid_to
)

select
    cast(org_code as varchar) as org_code,
    cast(district_code as varchar) as district_code,
    cast(period as varchar) as period,
    cast(activity_code as varchar) as activity_code,
    cast(case when not is_suppressed then activity_count end as bigint) as activity_count,
    cast(case when not is_suppressed then person_count end as bigint) as person_count,
    cast(case when not is_suppressed then face_to_face_count end as bigint) as face_to_face_count,
    cast(case when not is_suppressed then remote_count end as bigint) as remote_count,
    cast(case when not is_suppressed then free_count end as bigint) as free_count,
    cast(case when not is_suppressed then repeat_free_count end as bigint) as repeat_free_count,
    cast(is_suppressed as boolean) as is_suppressed
from screened

{#- A view: at full size another copy of every service record would not fit on the disk. -#}
{{ config(materialized='view') }}
-- One row per current service record of any form, with the institution that managed the person on that day.
-- Remote service: A1-5-1, the exact complement of residence (ART-7a) on the day of service.
with served as (
    select
        service.service_key,
        service.dataset,
        service.delivery_unit,
        service.record_key,
        service.person_key,
        service.has_archive,
        service.serving_org_code,
        service.serving_district_code,
        manager.org_code as managing_org_code,
        manager.district_code as managing_district_code,
        coalesce(service.service_date < manager.valid_to, false) as is_in_management,
        service.service_date,
        coalesce(service.service_end_date, service.service_date) as service_end_date,
        service.mode_code,
        service.is_face_to_face,
        service.capture_code,
        service.entered_at,
        service.uploaded_at,
        service.received_at,
        service.is_free,
        service.local_residence_start_date,
        coalesce(service.service_date > death.death_date, false) as is_after_death,
        coalesce(
            service.service_date < manager.valid_to and service.serving_district_code <> manager.district_code, false
        ) as is_cross_district
    from {{ ref('identified_service') }} as service
    left join {{ ref('manager_segment') }} as manager
        on
            service.person_key = manager.person_key
            and service.service_date >= manager.valid_from
            and service.service_date < manager.held_to
    left join {{ ref('recorded_death') }} as death
        on service.person_key = death.person_key
),

registered as (
    select
        served.service_key,
        max(1) as is_registered
    from served
    inner join {{ ref('register_membership') }} as register
        on
            served.person_key = register.person_key
            and served.service_date >= register.valid_from
            and served.service_date < register.valid_to
    where served.is_cross_district
    group by served.service_key
),

grouped as (
    select
        served.service_key,
        case
            when registered.is_registered = 1 then true
            when person.birth_date is null then null
            when
                {{ full_years('person.birth_date', year_end('served.service_date')) }}
                >= parameter.elderly_age
                then true
            when {{ full_years('person.birth_date', 'served.service_date') }} <= parameter.child_max_age then true
            else false
        end as is_focus_group,
        case
            when served.local_residence_start_date is null then null
            when parameter.residence_mode = 'days'
                then
                    {{ days_between('served.local_residence_start_date', 'served.service_date') }}
                    < parameter.residence_min_days
            else
                served.service_date
                < {{ add_months('served.local_residence_start_date', 'parameter.residence_min') }}
        end as is_not_yet_resident
    from served
    inner join {{ ref('parameter_period') }} as parameter
        on
            served.service_date >= parameter.valid_from
            and served.service_date < parameter.valid_to
    left join registered
        on served.service_key = registered.service_key
    left join {{ ref('person') }} as person
        on served.person_key = person.person_key
    where served.is_cross_district
)

select
    served.service_key,
    served.dataset,
    served.delivery_unit,
    served.record_key,
    served.person_key,
    served.has_archive,
    served.serving_org_code,
    served.serving_district_code,
    served.managing_org_code,
    served.managing_district_code,
    served.is_in_management,
    served.service_date,
    served.service_end_date,
    {{ month_text('served.service_date') }} as period,
    served.mode_code,
    served.is_face_to_face,
    served.capture_code,
    served.entered_at,
    cast({{ days_between('served.service_end_date', 'cast(served.entered_at as date)') }} as integer) as entry_lag_days,
    served.uploaded_at,
    served.received_at,
    served.is_free,
    served.is_after_death,
    served.is_cross_district,
    case
        when not served.is_cross_district then false
        when not grouped.is_focus_group then false
        when grouped.is_not_yet_resident is null then null
        else grouped.is_focus_group and grouped.is_not_yet_resident
    end as is_remote
from served
left join grouped
    on served.service_key = grouped.service_key

-- One row per current service record of any form but those that tell a level 5 disease.
select
    cast(activity.service_key as varchar) as service_key,
    cast(activity.person_key as varchar) as person_key,
    cast(activity.dataset as varchar) as dataset,
    cast(activity.managing_org_code as varchar) as org_code,
    cast(activity.managing_district_code as varchar) as district_code,
    cast(activity.serving_org_code as varchar) as serving_org_code,
    cast(activity.serving_district_code as varchar) as serving_district_code,
    cast(activity.service_date as date) as service_date,
    cast(activity.service_end_date as date) as service_end_date,
    cast(activity.period as varchar) as period,
    cast(activity.mode_code as varchar) as mode_code,
    cast(activity.is_face_to_face as boolean) as is_face_to_face,
    cast(activity.capture_code as varchar) as capture_code,
    cast(activity.entered_at as timestamp) as entered_at,
    cast(activity.entry_lag_days as integer) as entry_lag_day_count,
    cast(activity.uploaded_at as timestamp) as uploaded_at,
    cast(activity.received_at as timestamp) as received_at,
    cast(activity.is_free as boolean) as is_free,
    cast(activity.has_archive as boolean) as has_archive,
    cast(activity.is_in_management as boolean) as is_in_management,
    cast(activity.is_cross_district as boolean) as is_cross_district,
    cast(activity.is_remote as boolean) as is_remote,
    cast(activity.is_after_death as boolean) as is_after_death
from {{ ref('service_activity') }} as activity
where
    {{ is_showable('activity.person_key') }}
    and not exists (
        select 1
        from {{ ref('restricted_service') }} as restricted_service
        where restricted_service.service_key = activity.service_key
    )

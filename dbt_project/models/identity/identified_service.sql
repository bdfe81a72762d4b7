-- Every current service record of any form, with its person and the institution that served. What happened after the
-- evaluation day has not happened yet.
with recorded as (
    {%- for dataset in service_datasets() %}
        select
            '{{ dataset }}' as dataset,
            delivery_unit,
            record_scope,
            record_key,
            identity_key,
            birth_key,
            mother_key,
            identity_issue_codes,
            birth_date,
            district_archive_id,
            org_code,
            doctor_id,
            service_date,
            service_end_date,
            mode_code,
            capture_code,
            entered_at,
            entered_by_org_type_code,
            uploaded_at,
            received_at,
            first_received_at,
            is_free,
            local_residence_start_date
        from {{ ref('stg_' ~ dataset) }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

served as (
    select
        {{ pseudonym("service.dataset || ':' || service.record_scope || ':' || service.record_key") }} as service_key,
        service.dataset,
        service.delivery_unit,
        service.record_key,
        service.person_key,
        service.district_archive_id,
        service.org_code as serving_org_code,
        service.doctor_id,
        service.service_date,
        coalesce(service.service_end_date, service.service_date) as service_end_date,
        service.mode_code,
        service.capture_code,
        service.entered_at,
        service.entered_by_org_type_code,
        service.uploaded_at,
        service.received_at,
        service.first_received_at,
        service.is_free,
        service.local_residence_start_date,
        case
            when
                service.dataset in (
                    {%- for dataset in in_person_datasets() %}
                        '{{ dataset }}'{% if not loop.last %},{% endif %}
                    {%- endfor %}
                )
                then coalesce(service.mode_code, '1') not in ('3', '4')
            else coalesce(service.mode_code, '') in ('1', '2')
        end as is_face_to_face
    from {{ with_person_of('recorded') }} as service
    where
        service.service_date <= {{ as_of_date() }}
        -- a date that was already ahead when it was sent is an error to be judged, not a later event
        or cast(service.first_received_at as date) <= {{ as_of_date() }}
),

archived_person as (
    select archive_person.person_key
    from {{ ref('archive_person') }} as archive_person
    group by archive_person.person_key
)

select
    served.service_key,
    served.dataset,
    served.delivery_unit,
    served.record_key,
    served.person_key,
    archived_person.person_key is not null as has_archive,
    served.district_archive_id,
    served.serving_org_code,
    coalesce(org.district_code, successor.new_district_code, served.delivery_unit) as serving_district_code,
    served.doctor_id,
    served.service_date,
    served.service_end_date,
    served.mode_code,
    served.capture_code,
    served.entered_at,
    served.entered_by_org_type_code,
    served.uploaded_at,
    served.received_at,
    served.first_received_at,
    served.is_free,
    served.local_residence_start_date,
    served.is_face_to_face
from served
left join archived_person on served.person_key = archived_person.person_key
left join {{ ref('org_period') }} as org
    on
        served.serving_org_code = org.org_code
        and served.service_date >= org.attributed_from
        and served.service_date < org.attributed_to
{{ join_successor('successor', 'served.delivery_unit', 'served.service_date') }}
left join {{ ref('resent_service') }} as resent
    on
        served.person_key = resent.person_key
        and served.dataset = resent.dataset
        and served.service_date = resent.service_date
        and served.serving_org_code = resent.serving_org_code
        and served.delivery_unit = resent.former_unit
where resent.person_key is null

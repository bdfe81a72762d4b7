-- Completed moves of archives that had been ended as LOST or MOVED_OUT: the manager changes at once, the status only
-- with a new service at the new district (A1-4-3-3b with A1-6-2-2).
with crossing as (
    select
        transfer.transfer_key,
        transfer.person_key,
        transfer.to_district_code,
        transfer.success_date
    from {{ ref('transfer_event') }} as transfer
    where
        transfer.success_date is not null
        and transfer.is_cross_district
),

ended as (
    select
        crossing.transfer_key,
        crossing.person_key,
        crossing.to_district_code,
        crossing.success_date,
        max(termination.recorded_from_date) as ended_date
    from crossing
    inner join {{ ref('termination_event') }} as termination
        on
            crossing.person_key = termination.person_key
            and termination.kind_code in ('LOST', 'MOVED_OUT')
            and termination.recorded_from_date <= crossing.success_date
            and coalesce(termination.cancelled_date, {{ end_of_time() }}) > crossing.success_date
    group by crossing.transfer_key, crossing.person_key, crossing.to_district_code, crossing.success_date
),

still_ended as (
    select ended.*
    from ended
    where
        not exists (
            select 1
            from {{ ref('reactivation_event') }} as reactivation
            where
                reactivation.person_key = ended.person_key
                and reactivation.effective_date >= ended.ended_date
                and reactivation.effective_date < ended.success_date
        )
        -- another unit's archive of the person went on: nothing had ended for the person
        and not exists (
            select 1
            from {{ ref('transfer_event') }} as earlier
            where
                earlier.person_key = ended.person_key
                and earlier.is_cross_district
                and earlier.success_date > ended.ended_date
                and earlier.success_date < ended.success_date
                and exists (
                    select 1
                    from {{ ref('identified_service') }} as service
                    where
                        service.person_key = earlier.person_key
                        and service.serving_district_code = earlier.to_district_code
                        and service.service_date >= earlier.success_date
                        and service.service_date < ended.success_date
                )
        )
)

select
    still_ended.transfer_key,
    still_ended.person_key,
    still_ended.success_date,
    still_ended.ended_date,
    min(service.service_date) as activated_date
from still_ended
left join {{ ref('identified_service') }} as service
    on
        still_ended.person_key = service.person_key
        and service.service_date >= still_ended.success_date
        and service.service_date <= {{ as_of_date() }}
        and (
            service.serving_district_code = still_ended.to_district_code
            or service.delivery_unit = still_ended.to_district_code
        )
group by
    still_ended.transfer_key,
    still_ended.person_key,
    still_ended.success_date,
    still_ended.ended_date

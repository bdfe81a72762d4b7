-- Completed moves of archives that had been ended as LOST or MOVED_OUT: the manager changes at once, the status only
-- with a new service at the new district (A1-4-3-3b with A1-6-2-2).
with crossing as (
    select
        transfer.transfer_key,
        transfer.person_key,
        transfer.to_unit,
        coalesce(transfer.to_successor_unit, transfer.to_unit) as to_present_unit,
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
        crossing.to_unit,
        crossing.to_present_unit,
        crossing.success_date,
        max(termination.recorded_from_date) as ended_date
    from crossing
    inner join {{ ref('termination_event') }} as termination
        on
            crossing.person_key = termination.person_key
            and termination.kind_code in ('LOST', 'MOVED_OUT')
            and crossing.success_date >= termination.recorded_from_date
            and coalesce(termination.cancelled_date, {{ end_of_time() }}) > crossing.success_date
    group by
        crossing.transfer_key, crossing.person_key, crossing.to_unit, crossing.to_present_unit, crossing.success_date
),

reactivated as (
    select ended.transfer_key
    from ended
    inner join {{ ref('reactivation_event') }} as reactivation
        on
            ended.person_key = reactivation.person_key
            and ended.ended_date <= reactivation.effective_date
            and ended.success_date > reactivation.effective_date
    group by ended.transfer_key
),

resumed_elsewhere as (
    -- an earlier move had already brought the person back under management
    select ended.transfer_key
    from ended
    inner join crossing as earlier
        on
            ended.person_key = earlier.person_key
            and ended.ended_date < earlier.success_date
            and ended.success_date > earlier.success_date
    inner join {{ ref('identified_service') }} as service
        on
            earlier.person_key = service.person_key
            and service.serving_district_code in (earlier.to_unit, earlier.to_present_unit)
            and earlier.success_date <= service.service_date
            and ended.success_date > service.service_date
    group by ended.transfer_key
),

still_ended as (
    select ended.*
    from ended
    left join reactivated on ended.transfer_key = reactivated.transfer_key
    left join resumed_elsewhere on ended.transfer_key = resumed_elsewhere.transfer_key
    where
        reactivated.transfer_key is null
        and resumed_elsewhere.transfer_key is null
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
        and still_ended.success_date <= service.service_date
        and service.service_date <= {{ as_of_date() }}
        and (
            service.serving_district_code in (still_ended.to_unit, still_ended.to_present_unit)
            or service.delivery_unit in (still_ended.to_unit, still_ended.to_present_unit)
        )
group by
    still_ended.transfer_key,
    still_ended.person_key,
    still_ended.success_date,
    still_ended.ended_date

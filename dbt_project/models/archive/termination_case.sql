-- One row per termination with what had happened by the day it was declared, as of the evaluation day.
-- The clock of LOST starts at the later of the last service and the last successful contact (reading 23).
with parameter as (
    select
        parameter_period.last_service_scope,
        parameter_period.placeholder_values
    from {{ ref('parameter_period') }} as parameter_period
    where
        parameter_period.valid_from <= {{ as_of_date() }}
        and parameter_period.valid_to > {{ as_of_date() }}
),

termination as (
    select
        event.*,
        coalesce(
            event.declared_date, event.recorded_from_date, event.info_received_date, {{ as_of_date() }}
        ) as reference_date
    from {{ ref('termination_event') }} as event
),

created as (
    select
        termination.termination_key,
        coalesce(
            min(case when archive.delivery_unit = termination.delivery_unit then archive.known_from_date end),
            min(archive.known_from_date)
        ) as created_date
    from termination
    inner join {{ ref('registered_archive') }} as archive on termination.person_key = archive.person_key
    group by termination.termination_key
),

served as (
    select
        termination.termination_key,
        max(case when service.service_date <= termination.reference_date then service.service_date end)
            as last_service_date,
        cast(sum(case when service.service_date > termination.death_date then 1 else 0 end) as bigint) as service_after_death_count,
        min(case when service.service_date > termination.reference_date then service.service_date end)
            as first_service_after_date
    from termination
    cross join parameter
    inner join {{ ref('identified_service') }} as service
        on
            termination.person_key = service.person_key
            and service.service_date <= {{ as_of_date() }}
            and (
                parameter.last_service_scope = 'city'
                or termination.delivery_unit = service.delivery_unit
                or termination.reference_date < service.service_date
            )
    group by termination.termination_key
),

reached as (
    select
        termination.termination_key,
        max(attempt.attempted_date) as last_contact_success_date
    from termination
    inner join {{ ref('contact_event') }} as attempt
        on
            termination.person_key = attempt.person_key
            and attempt.outcome_code = '1'
            and termination.reference_date >= attempt.attempted_date
    group by termination.termination_key
),

clocked as (
    select
        termination.*,
        created.created_date,
        served.last_service_date,
        served.first_service_after_date,
        coalesce(served.service_after_death_count, 0) as service_after_death_count,
        reached.last_contact_success_date,
        greatest(coalesce(served.last_service_date, created.created_date), reached.last_contact_success_date)
            as contact_clock_start_date
    from termination
    left join created on termination.termination_key = created.termination_key
    left join served on termination.termination_key = served.termination_key
    left join reached on termination.termination_key = reached.termination_key
),

tried as (
    select
        clocked.termination_key,
        cast(sum(case when attempt.target_code = '1' then 1 else 0 end) as bigint) as failed_self_count,
        cast(sum(case when attempt.target_code = '2' then 1 else 0 end) as bigint) as failed_contact_person_count,
        cast(sum(case when attempt.target_code = '3' then 1 else 0 end) as bigint) as failed_address_count
    from clocked
    inner join {{ ref('contact_event') }} as attempt
        on
            clocked.person_key = attempt.person_key
            and attempt.outcome_code = '2'
            and clocked.reference_date >= attempt.attempted_date
            and (
                clocked.contact_clock_start_date is null
                or clocked.contact_clock_start_date < attempt.attempted_date
            )
    group by clocked.termination_key
),

channel as (
    -- of the unit's own archive; without one, of any
    select
        ranked.termination_key,
        ranked.has_phone,
        ranked.has_contact_phone,
        ranked.has_address
    from (
        select
            clocked.termination_key,
            {{ is_filled('archive.phone') }} as has_phone,
            {{ is_filled('archive.contact_phone') }} as has_contact_phone,
            {{ is_filled('archive.present_address') }} as has_address,
            row_number() over (
                partition by clocked.termination_key
                order by
                    case when archive.delivery_unit = clocked.delivery_unit then 0 else 1 end,
                    case when archive.district_archive_id = clocked.district_archive_id then 0 else 1 end,
                    archive.received_at desc,
                    archive.delivery_unit asc,
                    archive.district_archive_id asc
            ) as preference
        from clocked
        cross join parameter
        inner join {{ ref('registered_archive') }} as archive on clocked.person_key = archive.person_key
    ) as ranked
    where ranked.preference = 1
),

own_contact_feed as (
    -- a file with a header and no rows is a feed that had nothing to say
    select register.delivery_unit
    from {{ source('control', 'delivery_file') }} as register
    where
        register.dataset = 'contact_attempt'
        and register.is_active
        and register.file_status = 'accepted'
    group by register.delivery_unit
),

contact_feed as (
    -- the feed of an abolished unit was that of its successor's residents
    select own_contact_feed.delivery_unit from own_contact_feed
    union
    select change.new_district_code as delivery_unit
    from own_contact_feed
    inner join {{ ref('division_change') }} as change
        on
            own_contact_feed.delivery_unit = change.old_code
            and change.is_main
),

resumed as (
    select
        reactivation.termination_key,
        min(coalesce(reactivation.reactivated_date, reactivation.filed_date, reactivation.service_date))
            as next_reactivation_date,
        min(reactivation.effective_date) as resumed_date
    from {{ ref('reactivation_event') }} as reactivation
    where reactivation.termination_key is not null
    group by reactivation.termination_key
),

taken_over as (
    select
        clocked.termination_key,
        min(ended_transfer.activated_date) as activated_date
    from clocked
    inner join {{ ref('ended_transfer') }} as ended_transfer
        on
            clocked.person_key = ended_transfer.person_key
            and clocked.recorded_from_date <= ended_transfer.activated_date
    where clocked.kind_code in ('LOST', 'MOVED_OUT')
    group by clocked.termination_key
),

manager as (
    select
        ranked.termination_key,
        ranked.org_code,
        ranked.district_code
    from (
        select
            clocked.termination_key,
            manager_interval.org_code,
            manager_interval.district_code,
            row_number() over (
                partition by clocked.termination_key
                order by
                    case when manager_interval.delivery_unit = clocked.delivery_unit then 0 else 1 end,
                    manager_interval.valid_from desc,
                    manager_interval.delivery_unit asc,
                    manager_interval.district_archive_id asc,
                    manager_interval.org_code asc
            ) as preference
        from clocked
        inner join {{ ref('manager_interval') }} as manager_interval
            on
                clocked.person_key = manager_interval.person_key
                and manager_interval.valid_from < coalesce(clocked.recorded_from_date, clocked.reference_date)
    ) as ranked
    where ranked.preference = 1
)

select
    clocked.termination_key,
    clocked.termination_id,
    clocked.person_key,
    clocked.delivery_unit,
    clocked.org_code,
    clocked.district_code,
    clocked.kind_code,
    clocked.declared_date,
    clocked.info_received_date,
    clocked.evidence_code,
    clocked.evidence_received_date,
    clocked.death_date,
    clocked.cause_text,
    clocked.cause_icd10,
    clocked.departed_date,
    clocked.destination_code,
    clocked.return_expected_code,
    clocked.entered_date,
    clocked.sealed_date,
    clocked.archived_date,
    clocked.filed_date,
    clocked.cancelled_date,
    clocked.recorded_from_date,
    clocked.recorded_from_date is not null
    and clocked.cancelled_date is null
    and (clocked.kind_code = 'DEAD' or (resumed.resumed_date is null and taken_over.activated_date is null))
        as is_in_force,
    coalesce(clocked.last_service_date, clocked.created_date) as last_service_date,
    clocked.last_service_date is not null as has_service,
    clocked.first_service_after_date,
    clocked.last_contact_success_date,
    clocked.contact_clock_start_date,
    coalesce(tried.failed_self_count, 0) as failed_self_count,
    coalesce(tried.failed_contact_person_count, 0) as failed_contact_person_count,
    coalesce(tried.failed_address_count, 0) as failed_address_count,
    channel.has_phone,
    channel.has_contact_phone,
    channel.has_address,
    contact_feed.delivery_unit is not null as has_contact_feed,
    clocked.service_after_death_count,
    resumed.next_reactivation_date,
    coalesce(resumed.resumed_date, taken_over.activated_date) as resumed_date,
    manager.org_code as managing_org_code,
    manager.district_code as managing_district_code
from clocked
left join tried on clocked.termination_key = tried.termination_key
left join channel on clocked.termination_key = channel.termination_key
left join contact_feed on clocked.delivery_unit = contact_feed.delivery_unit
left join resumed on clocked.termination_key = resumed.termination_key
left join taken_over on clocked.termination_key = taken_over.termination_key
left join manager on clocked.termination_key = manager.termination_key

-- Where every person with an archive stands on the evaluation day: recorded status, manager, and what the evidence
-- supports (reading 24).
with parameter as (
    select
        parameter_period.lost_min,
        parameter_period.moved_out_min,
        parameter_period.moved_out_informants,
        parameter_period.placeholder_values,
        parameter_period.rules_effective_from,
        {{ as_of_date() }} as as_of_date
    from {{ ref('parameter_period') }} as parameter_period
    where
        parameter_period.valid_from <= {{ as_of_date() }}
        and parameter_period.valid_to > {{ as_of_date() }}
),

status as (
    select
        status_interval.person_key,
        status_interval.status_code,
        status_interval.valid_from as status_from,
        status_interval.evidence_code,
        status_interval.evidence_key,
        status_interval.rule_id
    from {{ ref('status_interval') }} as status_interval
    where
        status_interval.valid_from <= {{ as_of_date() }}
        and status_interval.valid_to > {{ as_of_date() }}
),

manager as (
    -- the interval that contains the day, the one that began last; else the one that ended last
    select
        ranked.person_key,
        ranked.archive_key,
        ranked.org_code,
        -- where the last manager's district has become another one, that one
        coalesce({{ later_district('new_district_code') }}, ranked.district_code) as district_code,
        ranked.valid_from,
        ranked.valid_to
    from (
        select
            manager_interval.*,
            row_number() over (
                partition by manager_interval.person_key
                order by
                    case when manager_interval.valid_to > {{ as_of_date() }} then 0 else 1 end,
                    case
                        when manager_interval.valid_to > {{ as_of_date() }} then manager_interval.valid_from
                        else manager_interval.valid_to
                    end desc,
                    manager_interval.valid_from desc,
                    case when manager_interval.district_archive_id is null then 1 else 0 end,
                    manager_interval.delivery_unit asc,
                    manager_interval.district_archive_id asc,
                    manager_interval.org_code asc
            ) as preference
        from {{ ref('manager_interval') }} as manager_interval
        where manager_interval.valid_from <= {{ as_of_date() }}
    ) as ranked
    {{ join_later_district('ranked.org_code', 'ranked.district_code', as_of_date()) }}
    where ranked.preference = 1
),

started as (
    select
        archive.person_key,
        min(archive.known_from_date) as first_archive_date
    from {{ ref('registered_archive') }} as archive
    group by archive.person_key
),

served as (
    select
        service.person_key,
        max(service.service_date) as last_service_date
    from {{ ref('identified_service') }} as service
    where service.service_date <= {{ as_of_date() }}
    group by service.person_key
),

reached as (
    select
        attempt.person_key,
        max(attempt.attempted_date) as last_contact_success_date
    from {{ ref('contact_event') }} as attempt
    where attempt.outcome_code = '1'
    group by attempt.person_key
),

clocked as (
    select
        status.person_key,
        status.status_code,
        status.status_from,
        status.evidence_code,
        status.evidence_key,
        status.rule_id,
        started.first_archive_date,
        served.last_service_date,
        reached.last_contact_success_date,
        greatest(coalesce(served.last_service_date, started.first_archive_date), reached.last_contact_success_date)
            as contact_clock_start_date
    from status
    left join started on status.person_key = started.person_key
    left join served on status.person_key = served.person_key
    left join reached on status.person_key = reached.person_key
),

tried as (
    select
        clocked.person_key,
        cast(sum(case when attempt.target_code = '1' then 1 else 0 end) as bigint) as failed_self_count,
        cast(sum(case when attempt.target_code = '2' then 1 else 0 end) as bigint) as failed_contact_person_count,
        cast(sum(case when attempt.target_code = '3' then 1 else 0 end) as bigint) as failed_address_count
    from clocked
    inner join {{ ref('contact_event') }} as attempt
        on
            clocked.person_key = attempt.person_key
            and attempt.outcome_code = '2'
            and clocked.contact_clock_start_date < attempt.attempted_date
    group by clocked.person_key
),

known_death as (
    -- known is enough for the evidence; only the record waits for the entry (reading 36)
    select termination.person_key
    from {{ ref('termination_event') }} as termination
    where
        termination.kind_code = 'DEAD'
        and termination.cancelled_date is null
    group by termination.person_key
),

channel as (
    select
        manager.person_key,
        {{ is_filled('archive.phone') }} as has_phone,
        {{ is_filled('archive.contact_phone') }} as has_contact_phone,
        {{ is_filled('archive.present_address') }} as has_address
    from manager
    cross join parameter
    inner join {{ ref('registered_archive') }} as archive on manager.archive_key = archive.archive_key
),

ending as (
    select
        clocked.person_key,
        termination.kind_code,
        -- an ending from before the rules is taken as it stands
        coalesce(termination.declared_date < parameter.rules_effective_from, false) as is_before_rules,
        not termination.has_contact_feed as is_unprovable,
        coalesce(
            termination.declared_date > {{ add_months('termination.contact_clock_start_date', 'parameter.lost_min') }},
            false
        )
        and termination.failed_self_count + termination.failed_contact_person_count
        + termination.failed_address_count > 0
        and not (coalesce(termination.has_phone, false) and termination.failed_self_count = 0)
        and not (coalesce(termination.has_contact_phone, false) and termination.failed_contact_person_count = 0)
        and not (coalesce(termination.has_address, false) and termination.failed_address_count = 0)
            as was_lost,
        coalesce(
            position('|' || termination.evidence_code || '|' in '|' || parameter.moved_out_informants || '|') > 0,
            false
        )
        and coalesce(termination.destination_code not like '50%', false)
        and (
            coalesce(termination.return_expected_code, '9') = '1'
            or (
                coalesce(termination.return_expected_code, '9') not in ('1', '2')
                and {{ add_months('termination.departed_date', 'parameter.moved_out_min') }} <= parameter.as_of_date
            )
        ) as has_moved_out
    from clocked
    cross join parameter
    inner join {{ ref('termination_case') }} as termination
        on clocked.evidence_key = termination.termination_key
    where clocked.status_code in ('LOST', 'MOVED_OUT')
),

proven as (
    select
        clocked.*,
        manager.archive_key,
        manager.org_code as managing_org_code,
        manager.district_code as managing_district_code,
        manager.valid_from as managed_from,
        manager.valid_to > parameter.as_of_date as has_manager,
        parameter.as_of_date,
        known_death.person_key is not null as is_known_dead,
        coalesce(
            parameter.as_of_date > {{ add_months('clocked.contact_clock_start_date', 'parameter.lost_min') }}, false
        ) as is_silent,
        coalesce(tried.failed_self_count, 0) as failed_self_count,
        coalesce(tried.failed_contact_person_count, 0) as failed_contact_person_count,
        coalesce(tried.failed_address_count, 0) as failed_address_count,
        tried.person_key is not null
        and not (coalesce(channel.has_phone, false) and coalesce(tried.failed_self_count, 0) = 0)
        and not (coalesce(channel.has_contact_phone, false) and coalesce(tried.failed_contact_person_count, 0) = 0)
        and not (coalesce(channel.has_address, false) and coalesce(tried.failed_address_count, 0) = 0)
            as is_sought_everywhere,
        ending.is_before_rules,
        ending.is_unprovable,
        ending.was_lost,
        ending.has_moved_out
    from clocked
    cross join parameter
    left join manager on clocked.person_key = manager.person_key
    left join tried on clocked.person_key = tried.person_key
    left join known_death on clocked.person_key = known_death.person_key
    left join channel on clocked.person_key = channel.person_key
    left join ending on clocked.person_key = ending.person_key
),

expected as (
    select
        proven.*,
        case
            when proven.is_known_dead or proven.status_code = 'DEAD' then 'DEAD'
            when proven.is_silent and proven.is_sought_everywhere and proven.status_code <> 'MOVED_OUT' then 'LOST'
            when proven.status_code = 'MANAGED' then 'MANAGED'
            -- whoever is served again is not gone
            when proven.last_service_date > proven.status_from then 'MANAGED'
            when proven.is_before_rules or proven.is_before_rules is null then proven.status_code
            when proven.status_code = 'LOST' and (proven.was_lost or proven.is_unprovable) then 'LOST'
            when proven.status_code = 'MOVED_OUT' and proven.has_moved_out then 'MOVED_OUT'
            else 'MANAGED'
        end as expected_status_code
    from proven
)

select
    expected.person_key,
    expected.status_code,
    expected.status_from,
    expected.evidence_code,
    expected.evidence_key,
    expected.rule_id,
    expected.expected_status_code,
    case expected.expected_status_code
        when 'DEAD' then 'A1-6-1-2'
        when 'LOST' then 'A1-6-1-1'
        when 'MOVED_OUT' then 'A1-6-1-3'
        else 'ART-14'
    end as expected_rule_id,
    expected.status_code <> expected.expected_status_code as is_disputed,
    expected.managing_org_code,
    expected.managing_district_code,
    expected.managed_from,
    coalesce(expected.has_manager, false) as has_manager,
    expected.archive_key,
    expected.first_archive_date,
    expected.last_service_date,
    expected.last_contact_success_date,
    expected.contact_clock_start_date,
    -- the list of those to look for: time alone (A1-6-1-1)
    expected.status_code = 'MANAGED' and not expected.is_known_dead and expected.is_silent as is_lost_candidate,
    expected.as_of_date
from expected

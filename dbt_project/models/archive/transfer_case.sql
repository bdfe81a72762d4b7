-- One row per application for transfer, with all that its judgement needs, as of the evaluation day.
with parameter as (
    select parameter_period.rules_effective_from
    from {{ ref('parameter_period') }} as parameter_period
    where
        parameter_period.valid_from <= {{ as_of_date() }}
        and parameter_period.valid_to > {{ as_of_date() }}
),

transfer as (
    select
        transfer_event.*,
        -- districts merged between application and success: the move stayed inside one
        transfer_event.is_cross_district
        and (transfer_event.success_date is null or transfer_event.from_unit <> transfer_event.to_unit)
            as is_cross_district_success
    from {{ ref('transfer_event') }} as transfer_event
),

period_start as (
    -- successes that start a protection period: reforms and merges of duplicates do not, nor earlier ones
    select
        transfer.transfer_key,
        transfer.transfer_id,
        transfer.person_key,
        transfer.success_date,
        transfer.succeeded_at,
        transfer.path_code
    from transfer
    cross join parameter
    where
        transfer.is_cross_district_success
        and coalesce(transfer.path_code, '1') not in ('4', '5')
        and transfer.success_date >= parameter.rules_effective_from
),

earlier as (
    select
        transfer.transfer_key,
        period_start.success_date,
        period_start.path_code,
        row_number() over (
            partition by transfer.transfer_key
            order by period_start.succeeded_at desc, period_start.transfer_id desc
        ) as recency
    from transfer
    inner join period_start
        on
            transfer.person_key = period_start.person_key
            and transfer.transfer_key <> period_start.transfer_key
            and not coalesce(transfer.is_cross_district and not transfer.is_cross_district_success, false)
            and (
                transfer.succeeded_at > period_start.succeeded_at
                or (
                    transfer.succeeded_at = period_start.succeeded_at
                    and transfer.transfer_id > period_start.transfer_id
                )
                or (transfer.succeeded_at is null and transfer.applied_date >= period_start.success_date)
            )
),

dead as (
    -- the death in force when the transfer completed, or else was asked for
    select
        transfer.transfer_key,
        min(termination.entered_date) as death_recorded_date,
        min(termination.archived_date) as death_archived_date
    from transfer
    inner join {{ ref('termination_event') }} as termination
        on
            transfer.person_key = termination.person_key
            and termination.kind_code = 'DEAD'
            and termination.recorded_from_date is not null
            and termination.recorded_from_date <= coalesce(transfer.success_date, transfer.applied_date)
            and coalesce(termination.cancelled_date, {{ end_of_time() }})
            > coalesce(transfer.success_date, transfer.applied_date)
    group by transfer.transfer_key
),

prior_status as (
    select
        transfer.transfer_key,
        status.status_code
    from transfer
    inner join {{ ref('status_interval') }} as status
        on
            transfer.person_key = status.person_key
            and {{ add_days('coalesce(transfer.success_date, transfer.applied_date)', -1) }} >= status.valid_from
            and {{ add_days('coalesce(transfer.success_date, transfer.applied_date)', -1) }} < status.valid_to
),

returned as (
    -- the next completed move back into the district that gave the archive away
    select
        transfer.transfer_key,
        min(back.success_date) as returned_date
    from transfer
    inner join transfer as back
        on
            transfer.person_key = back.person_key
            and back.to_unit in (transfer.from_unit, coalesce(transfer.from_successor_unit, transfer.from_unit))
            and back.from_unit <> back.to_unit
            and transfer.succeeded_at < back.succeeded_at
    where transfer.is_cross_district
    group by transfer.transfer_key
),

origin_version as (
    select
        transfer.transfer_key,
        transfer.success_date,
        returned.returned_date,
        version.version_number,
        version.version_status,
        version.first_received_at,
        version.declared_status_code,
        version.vanished_at,
        coalesce(cast(version.modified_at as date), cast(version.entered_at as date)) as modified_date
    from transfer
    inner join {{ ref('transfer_holding') }} as transfer_holding
        on
            transfer.transfer_key = transfer_holding.transfer_key
            and transfer_holding.side_code = 'OUT'
    left join {{ ref('archive_continuation') }} as continuation
        on transfer_holding.holding_key = continuation.archive_key
    inner join {{ ref('archive_person') }} as archive_person
        on archive_person.archive_key in (transfer_holding.holding_key, continuation.former_archive_key)
    inner join {{ ref('stg_archive_version') }} as version
        on
            archive_person.delivery_unit = version.delivery_unit
            and archive_person.district_archive_id = version.district_archive_id
            and version.version_status in ('current', 'superseded')
    left join returned on transfer.transfer_key = returned.transfer_key
    where
        transfer.is_cross_district
        and transfer.success_date is not null
),

origin as (
    select
        origin_version.transfer_key,
        min(case
            when
                origin_version.modified_date > origin_version.success_date
                and origin_version.modified_date < coalesce(origin_version.returned_date, {{ end_of_time() }})
                and origin_version.modified_date <= {{ as_of_date() }}
                then origin_version.modified_date
        end) as origin_first_edit_date,
        max(case
            when
                origin_version.modified_date > origin_version.success_date
                and origin_version.modified_date < coalesce(origin_version.returned_date, {{ end_of_time() }})
                and origin_version.modified_date <= {{ as_of_date() }}
                then origin_version.modified_date
        end) as origin_last_edit_date,
        {{ any_true(
            'origin_version.modified_date is null and origin_version.version_number > 1 '
            'and cast(origin_version.first_received_at as date) > origin_version.success_date '
            'and cast(origin_version.first_received_at as date) '
            '< coalesce(origin_version.returned_date, ' ~ end_of_time() ~ ')'
        ) }} as has_undated_origin_edit,
        bool_or(case
            when origin_version.version_status = 'current' and origin_version.vanished_at is null
                then origin_version.declared_status_code = 'MANAGED'
        end) as is_origin_declared_active
    from origin_version
    group by origin_version.transfer_key
),

declared_target as (
    -- the archive already names the target although the transfer is not complete
    select transfer.transfer_key
    from transfer
    inner join {{ ref('declared_manager') }} as statement
        on
            transfer.person_key = statement.person_key
            and transfer.to_org_code = statement.org_code
            and transfer.applied_date <= statement.stated_from_date
    left join transfer as completed
        on
            transfer.person_key = completed.person_key
            and transfer.to_org_code = completed.to_org_code
            and completed.success_date is not null
    where
        transfer.success_date is null
        and completed.transfer_key is null
    group by transfer.transfer_key
),

served as (
    select
        transfer.transfer_key,
        min(service.service_date) as first_service_after_success_date
    from transfer
    inner join {{ ref('identified_service') }} as service
        on
            transfer.person_key = service.person_key
            and transfer.success_date <= service.service_date
            and service.service_date <= {{ as_of_date() }}
            and service.serving_district_code
            in (transfer.to_unit, coalesce(transfer.to_successor_unit, transfer.to_unit))
    group by transfer.transfer_key
)

select
    transfer.transfer_key,
    transfer.transfer_id,
    transfer.person_key,
    transfer.delivery_unit,
    transfer.from_org_code,
    transfer.to_org_code,
    transfer.from_district_code,
    transfer.to_district_code,
    transfer.is_cross_district,
    transfer.is_cross_district_success,
    transfer.initiator_code,
    transfer.path_code,
    transfer.applied_date,
    transfer.decided_date,
    transfer.decision_code,
    transfer.refuse_reason,
    transfer.confirm_mode_code,
    transfer.reason_code,
    transfer.confirmed_by_code,
    transfer.filed_date,
    transfer.manager_changed_date,
    transfer.success_date,
    -- the other side of the initiator decides (A1-4-2b)
    case
        when transfer.initiator_code = '1' then transfer.from_org_code
        when transfer.initiator_code = '2' then transfer.to_org_code
    end as deciding_org_code,
    case
        when transfer.initiator_code = '1' then transfer.from_district_code
        when transfer.initiator_code = '2' then transfer.to_district_code
    end as deciding_district_code,
    earlier.success_date as previous_success_date,
    earlier.path_code as previous_success_path_code,
    dead.death_recorded_date,
    dead.death_archived_date,
    prior_status.status_code as prior_status_code,
    origin.origin_first_edit_date,
    origin.origin_last_edit_date,
    coalesce(origin.has_undated_origin_edit, false) as has_undated_origin_edit,
    origin.is_origin_declared_active,
    coalesce(returned.returned_date is not null, false) as has_returned,
    returned.returned_date,
    served.first_service_after_success_date,
    transfer.success_date is null
    and (transfer.manager_changed_date is not null or declared_target.transfer_key is not null)
        as manager_changed_without_success
from transfer
left join earlier
    on
        transfer.transfer_key = earlier.transfer_key
        and earlier.recency = 1
left join dead on transfer.transfer_key = dead.transfer_key
left join prior_status on transfer.transfer_key = prior_status.transfer_key
left join origin on transfer.transfer_key = origin.transfer_key
left join returned on transfer.transfer_key = returned.transfer_key
left join declared_target on transfer.transfer_key = declared_target.transfer_key
left join served on transfer.transfer_key = served.transfer_key

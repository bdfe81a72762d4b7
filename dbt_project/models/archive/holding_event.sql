-- Everything that begins or ends a copy or changes its manager, in one order: the raw material of all intervals.
-- presence: the unit holds the copy. flag columns: what the event does to status and manager; null = nothing.
with holding as (
    select archive_holding.* from {{ ref('archive_holding') }} as archive_holding
),

transfer_side as (
    select
        transfer_holding.holding_key,
        transfer_holding.side_code,
        holding.person_key,
        holding.delivery_unit,
        transfer.transfer_key,
        transfer.transfer_id,
        transfer.from_org_code,
        transfer.to_org_code,
        transfer.path_code,
        transfer.from_unit <> transfer.to_unit as is_crossing,
        transfer.succeeded_at,
        transfer.success_date,
        ended_transfer.transfer_key is not null as is_of_ended,
        ended_transfer.activated_date
    from {{ ref('transfer_holding') }} as transfer_holding
    inner join {{ ref('transfer_event') }} as transfer on transfer_holding.transfer_key = transfer.transfer_key
    inner join holding on transfer_holding.holding_key = holding.holding_key
    left join {{ ref('ended_transfer') }} as ended_transfer
        on transfer_holding.transfer_key = ended_transfer.transfer_key
),

first_departure as (
    -- who managed before the first completed transfer is what that transfer says
    select
        departed.holding_key,
        departed.from_org_code
    from (
        select
            transfer_side.holding_key,
            transfer_side.from_org_code,
            row_number() over (
                partition by transfer_side.holding_key
                order by transfer_side.succeeded_at, transfer_side.transfer_id
            ) as departure_number
        from transfer_side
        where transfer_side.side_code = 'OUT'
    ) as departed
    where departed.departure_number = 1
),

first_statement as (
    select
        ranked.holding_key,
        ranked.org_code
    from (
        select
            statement.holding_key,
            statement.org_code,
            row_number() over (
                partition by statement.holding_key
                order by statement.stated_from_date desc, statement.version_number desc
            ) as recency
        from {{ ref('declared_manager') }} as statement
        inner join holding on statement.holding_key = holding.holding_key
        where statement.stated_from_date <= holding.own_start_date
    ) as ranked
    where ranked.recency = 1
),

explained_statement as (
    -- a completed transfer to the institution on or after the day explains the statement; an open or refused one
    -- forbids it: the manager stays (A1-4-3-1c)
    select
        statement.holding_key,
        statement.org_code,
        statement.stated_from_date
    from {{ ref('declared_manager') }} as statement
    inner join {{ ref('transfer_event') }} as transfer
        on
            statement.person_key = transfer.person_key
            and statement.org_code = transfer.to_org_code
            and (
                statement.stated_from_date <= transfer.success_date
                or (transfer.success_date is null and statement.stated_from_date >= transfer.applied_date)
            )
    group by statement.holding_key, statement.org_code, statement.stated_from_date
),

presence_event as (
    select
        holding.holding_key,
        holding.person_key,
        holding.own_start_date as event_date,
        0 as event_order,
        cast(holding.own_start_date as timestamp) as ordered_at,
        1 as presence_flag,
        1 as status_flag,
        1 as manager_flag,
        coalesce(
            first_departure.from_org_code,
            first_statement.org_code,
            case when not holding.is_moved_in then holding.create_org_code end,
            holding.manage_org_code
        ) as org_code,
        holding.own_start_reason_code as reason_code,
        holding.archive_key as evidence_key,
        holding.delivery_unit || ':' || holding.district_archive_id as evidence_id
    from holding
    left join first_departure on holding.holding_key = first_departure.holding_key
    left join first_statement on holding.holding_key = first_statement.holding_key
    where holding.own_start_date is not null
    union all
    select
        transfer_side.holding_key,
        transfer_side.person_key,
        transfer_side.success_date as event_date,
        2 as event_order,
        transfer_side.succeeded_at as ordered_at,
        1 as presence_flag,
        case when not transfer_side.is_of_ended then 1 end as status_flag,
        1 as manager_flag,
        transfer_side.to_org_code as org_code,
        case
            when transfer_side.path_code = '4' then 'ADMIN_REFORM'
            when transfer_side.path_code = '3' then 'DIRECT'
            else 'TRANSFER'
        end as reason_code,
        transfer_side.transfer_key as evidence_key,
        transfer_side.transfer_id as evidence_id
    from transfer_side
    where
        transfer_side.is_crossing
        and transfer_side.side_code = 'IN'
    union all
    select
        transfer_side.holding_key,
        transfer_side.person_key,
        transfer_side.success_date as event_date,
        2 as event_order,
        transfer_side.succeeded_at as ordered_at,
        0 as presence_flag,
        0 as status_flag,
        0 as manager_flag,
        cast(null as varchar) as org_code,
        'TRANSFERRED_OUT' as reason_code,
        transfer_side.transfer_key as evidence_key,
        transfer_side.transfer_id as evidence_id
    from transfer_side
    where
        transfer_side.is_crossing
        and transfer_side.side_code = 'OUT'
    union all
    select
        statement.holding_key,
        statement.person_key,
        statement.stated_date as event_date,
        2 as event_order,
        cast(statement.stated_date as timestamp) as ordered_at,
        case when statement.effect_code = 'IN' then 1 else 0 end as presence_flag,
        case when statement.effect_code = 'IN' then 1 else 0 end as status_flag,
        case when statement.effect_code = 'IN' then 1 else 0 end as manager_flag,
        cast(null as varchar) as org_code,
        case when statement.effect_code = 'IN' then 'DECLARED' else statement.declared_status_code end as reason_code,
        statement.holding_key as evidence_key,
        statement.delivery_unit || ':' || statement.district_archive_id as evidence_id
    from {{ ref('declared_status') }} as statement
    inner join holding on statement.holding_key = holding.holding_key
    where statement.effect_code in ('IN', 'OUT')
),

presence as (
    select
        sequenced.holding_key,
        sequenced.person_key,
        sequenced.delivery_unit,
        sequenced.present_unit,
        sequenced.district_archive_id,
        sequenced.present_district_archive_id,
        sequenced.event_date as present_from,
        coalesce(sequenced.next_event_date, {{ end_of_time() }}) as present_to
    from (
        select
            presence_event.holding_key,
            presence_event.person_key,
            holding.delivery_unit,
            holding.present_unit,
            holding.district_archive_id,
            holding.present_district_archive_id,
            presence_event.presence_flag,
            presence_event.event_date,
            lead(presence_event.event_date) over (
                partition by presence_event.holding_key
                order by
                    presence_event.event_date,
                    presence_event.event_order,
                    presence_event.ordered_at,
                    -- going before coming, as below
                    presence_event.presence_flag
            ) as next_event_date
        from presence_event
        inner join holding on presence_event.holding_key = holding.holding_key
    ) as sequenced
    where
        sequenced.presence_flag = 1
        and sequenced.event_date < coalesce(sequenced.next_event_date, {{ end_of_time() }})
),

ending as (
    -- endings of one unit touch that unit's copy, the named one if it is named
    select
        termination.termination_key,
        termination.delivery_unit || ':' || termination.termination_id as evidence_id,
        termination.kind_code,
        termination.recorded_from_date,
        termination.cancelled_date,
        presence.holding_key,
        presence.person_key,
        presence.present_to,
        case
            when
                termination.district_archive_id
                in (presence.district_archive_id, presence.present_district_archive_id)
                then 1
            else 2
        end as nearness
    from {{ ref('termination_event') }} as termination
    inner join presence
        on
            termination.person_key = presence.person_key
            and termination.recorded_from_date >= presence.present_from
            and termination.recorded_from_date < presence.present_to
            and (
                presence.delivery_unit in (termination.delivery_unit, termination.district_code)
                or presence.present_unit in (termination.delivery_unit, termination.district_code)
            )
    where
        termination.kind_code in ('LOST', 'MOVED_OUT')
        and termination.recorded_from_date is not null
),

nearest_ending as (
    select ranked.*
    from (
        select
            ending.*,
            min(ending.nearness) over (partition by ending.termination_key) as best_nearness
        from ending
    ) as ranked
    where ranked.nearness = ranked.best_nearness
),

resumption as (
    select
        reactivation.reactivation_key,
        reactivation.delivery_unit || ':' || reactivation.reactivation_id as evidence_id,
        reactivation.effective_date,
        reactivation.org_code,
        presence.holding_key,
        presence.person_key,
        case
            when
                presence.delivery_unit not in (reactivation.delivery_unit, reactivation.district_code)
                and presence.present_unit not in (reactivation.delivery_unit, reactivation.district_code)
                then 3
            when
                reactivation.district_archive_id
                in (presence.district_archive_id, presence.present_district_archive_id)
                then 1
            else 2
        end as nearness
    from {{ ref('reactivation_event') }} as reactivation
    inner join presence
        on
            reactivation.person_key = presence.person_key
            and reactivation.effective_date >= presence.present_from
            and reactivation.effective_date < presence.present_to
    where
        reactivation.effective_date is not null
        and reactivation.prior_status_code in ('LOST', 'MOVED_OUT')
),

nearest_resumption as (
    select ranked.*
    from (
        select
            resumption.*,
            min(resumption.nearness) over (partition by resumption.reactivation_key) as best_nearness
        from resumption
    ) as ranked
    where ranked.nearness = ranked.best_nearness
),

death as (
    select
        termination.termination_key as evidence_key,
        termination.delivery_unit || ':' || termination.termination_id as evidence_id,
        termination.person_key,
        termination.recorded_from_date as dead_from_date,
        case
            when termination.cancelled_date >= termination.recorded_from_date then termination.cancelled_date
        end as dead_to_date
    from {{ ref('termination_event') }} as termination
    where
        termination.kind_code = 'DEAD'
        and termination.recorded_from_date is not null
        and coalesce(termination.cancelled_date, {{ end_of_time() }}) > termination.recorded_from_date
    union all
    select
        statement.holding_key as evidence_key,
        statement.delivery_unit || ':' || statement.district_archive_id as evidence_id,
        statement.person_key,
        statement.stated_date as dead_from_date,
        min(revoked.stated_date) as dead_to_date
    from {{ ref('declared_status') }} as statement
    left join {{ ref('declared_status') }} as revoked
        on
            statement.holding_key = revoked.holding_key
            and revoked.effect_code = 'BACK'
            and statement.version_number < revoked.version_number
    where statement.effect_code = 'DEAD'
    group by
        statement.holding_key, statement.delivery_unit, statement.district_archive_id, statement.person_key,
        statement.stated_date
),

combined as (
    select
        presence_event.holding_key,
        presence_event.person_key,
        presence_event.event_date,
        presence_event.event_order,
        presence_event.ordered_at,
        presence_event.status_flag,
        presence_event.manager_flag,
        0 as death_step,
        presence_event.org_code,
        presence_event.reason_code,
        presence_event.evidence_key,
        presence_event.evidence_id
    from presence_event
    union all
    -- a copy that came ended counts again from the first service there
    select
        transfer_side.holding_key,
        transfer_side.person_key,
        transfer_side.activated_date as event_date,
        5 as event_order,
        cast(transfer_side.activated_date as timestamp) as ordered_at,
        1 as status_flag,
        cast(null as integer) as manager_flag,
        0 as death_step,
        cast(null as varchar) as org_code,
        'DIRECT' as reason_code,
        transfer_side.transfer_key as evidence_key,
        transfer_side.transfer_id as evidence_id
    from transfer_side
    inner join presence
        on
            transfer_side.holding_key = presence.holding_key
            and transfer_side.activated_date >= presence.present_from
            and transfer_side.activated_date < presence.present_to
    where
        transfer_side.is_crossing
        and transfer_side.side_code = 'IN'
        and transfer_side.is_of_ended
        and transfer_side.activated_date is not null
    union all
    select
        transfer_side.holding_key,
        transfer_side.person_key,
        transfer_side.success_date as event_date,
        2 as event_order,
        transfer_side.succeeded_at as ordered_at,
        cast(null as integer) as status_flag,
        cast(null as integer) as manager_flag,
        0 as death_step,
        transfer_side.to_org_code as org_code,
        case
            when transfer_side.path_code = '4' then 'ADMIN_REFORM'
            when transfer_side.path_code = '3' then 'DIRECT'
            else 'INTRA_TRANSFER'
        end as reason_code,
        transfer_side.transfer_key as evidence_key,
        transfer_side.transfer_id as evidence_id
    from transfer_side
    where
        not transfer_side.is_crossing
        and transfer_side.side_code = 'OUT'
    union all
    select
        statement.holding_key,
        statement.person_key,
        statement.stated_from_date as event_date,
        1 as event_order,
        cast(statement.stated_from_date as timestamp) as ordered_at,
        cast(null as integer) as status_flag,
        cast(null as integer) as manager_flag,
        0 as death_step,
        statement.org_code,
        case when statement.is_by_reform then 'ADMIN_REFORM' else 'DECLARED' end as reason_code,
        statement.holding_key as evidence_key,
        holding.delivery_unit || ':' || holding.district_archive_id as evidence_id
    from {{ ref('declared_manager') }} as statement
    inner join holding on statement.holding_key = holding.holding_key
    left join explained_statement
        on
            statement.holding_key = explained_statement.holding_key
            and statement.org_code = explained_statement.org_code
            and statement.stated_from_date = explained_statement.stated_from_date
    where
        explained_statement.holding_key is null
        and not statement.is_elsewhere
        and (holding.own_start_date is null or statement.stated_from_date > holding.own_start_date)
    union all
    select
        nearest_ending.holding_key,
        nearest_ending.person_key,
        nearest_ending.recorded_from_date as event_date,
        3 as event_order,
        cast(nearest_ending.recorded_from_date as timestamp) as ordered_at,
        0 as status_flag,
        0 as manager_flag,
        0 as death_step,
        cast(null as varchar) as org_code,
        nearest_ending.kind_code as reason_code,
        nearest_ending.termination_key as evidence_key,
        nearest_ending.evidence_id
    from nearest_ending
    union all
    select
        nearest_ending.holding_key,
        nearest_ending.person_key,
        nearest_ending.cancelled_date as event_date,
        4 as event_order,
        cast(nearest_ending.cancelled_date as timestamp) as ordered_at,
        1 as status_flag,
        1 as manager_flag,
        0 as death_step,
        cast(null as varchar) as org_code,
        'CANCELLATION' as reason_code,
        nearest_ending.termination_key as evidence_key,
        nearest_ending.evidence_id
    from nearest_ending
    where
        nearest_ending.cancelled_date >= nearest_ending.recorded_from_date
        and nearest_ending.cancelled_date < nearest_ending.present_to
    union all
    select
        nearest_resumption.holding_key,
        nearest_resumption.person_key,
        nearest_resumption.effective_date as event_date,
        5 as event_order,
        cast(nearest_resumption.effective_date as timestamp) as ordered_at,
        1 as status_flag,
        1 as manager_flag,
        0 as death_step,
        case when nearest_resumption.nearness < 3 then nearest_resumption.org_code end as org_code,
        'REACTIVATION' as reason_code,
        nearest_resumption.reactivation_key as evidence_key,
        nearest_resumption.evidence_id
    from nearest_resumption
    union all
    select
        statement.holding_key,
        statement.person_key,
        statement.stated_date as event_date,
        3 as event_order,
        cast(statement.stated_date as timestamp) as ordered_at,
        case when statement.effect_code = 'BACK' then 1 else 0 end as status_flag,
        case when statement.effect_code = 'BACK' then 1 else 0 end as manager_flag,
        0 as death_step,
        cast(null as varchar) as org_code,
        case when statement.effect_code = 'BACK' then 'DECLARED' else statement.effect_code end as reason_code,
        statement.holding_key as evidence_key,
        statement.delivery_unit || ':' || statement.district_archive_id as evidence_id
    from {{ ref('declared_status') }} as statement
    inner join presence
        on
            statement.holding_key = presence.holding_key
            and statement.stated_date >= presence.present_from
            and statement.stated_date < presence.present_to
    where statement.effect_code in ('LOST', 'MOVED_OUT', 'BACK')
    union all
    select
        holding.holding_key,
        holding.person_key,
        death.dead_from_date as event_date,
        6 as event_order,
        cast(death.dead_from_date as timestamp) as ordered_at,
        cast(null as integer) as status_flag,
        cast(null as integer) as manager_flag,
        1 as death_step,
        cast(null as varchar) as org_code,
        cast(null as varchar) as reason_code,
        death.evidence_key,
        death.evidence_id
    from death
    inner join holding on death.person_key = holding.person_key
    union all
    select
        holding.holding_key,
        holding.person_key,
        death.dead_to_date as event_date,
        6 as event_order,
        cast(death.dead_to_date as timestamp) as ordered_at,
        cast(null as integer) as status_flag,
        cast(null as integer) as manager_flag,
        -1 as death_step,
        cast(null as varchar) as org_code,
        cast(null as varchar) as reason_code,
        death.evidence_key,
        death.evidence_id
    from death
    inner join holding on death.person_key = holding.person_key
    where death.dead_to_date is not null
)

select
    combined.holding_key,
    combined.person_key,
    combined.event_date,
    row_number() over (
        partition by combined.holding_key
        order by
            combined.event_date,
            combined.event_order,
            combined.ordered_at,
            -- going before coming, so that a move out and back within one moment ends present
            coalesce(combined.status_flag, combined.manager_flag, 0),
            -- by what was sent, never by a pseudonym: another site key must not give other figures
            coalesce(combined.evidence_id, ''),
            combined.org_code,
            combined.reason_code
    ) as event_number,
    combined.status_flag,
    combined.manager_flag,
    combined.death_step,
    combined.org_code,
    combined.reason_code,
    combined.evidence_key,
    combined.evidence_id
from combined
where combined.event_date <= {{ as_of_date() }}

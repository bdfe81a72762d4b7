-- Which unit's copy of a person's archive there is: every archive record, and the copy a completed transfer must
-- have given to a unit that has not sent it yet. An archive that continues another one is one copy with it.
with continuation as (
    select archive_continuation.* from {{ ref('archive_continuation') }} as archive_continuation
),

registered as (
    select archive.*
    from {{ ref('registered_archive') }} as archive
    where archive.known_from_date <= {{ as_of_date() }}
),

whole as (
    -- the start is that of the continued record, the present that of the continuing one
    select
        present.archive_key,
        present.person_key,
        first_record.delivery_unit,
        case
            when continuation.archive_key is not null then present.delivery_unit
            else coalesce(present.fell_to_unit, present.delivery_unit)
        end as present_unit,
        coalesce(continuation.changed_on, present.fell_on) as fell_on,
        first_record.district_archive_id,
        present.district_archive_id as present_district_archive_id,
        first_record.known_from_date,
        first_record.created_date,
        first_record.create_org_code,
        first_record.create_org_district_code,
        present.manage_org_code,
        first_record.manage_from_date,
        case when continuation.archive_key is null then present.fell_on end as abandoned_on,
        present.vanished_at
    from registered as present
    left join continuation on present.archive_key = continuation.archive_key
    left join continuation as continued on present.archive_key = continued.former_archive_key
    inner join registered as first_record
        on coalesce(continuation.former_archive_key, present.archive_key) = first_record.archive_key
    where continued.former_archive_key is null
),

full_delivery as (
    -- complete sets of archives of a unit that came through as a whole
    select
        register.delivery_unit,
        register.delivery_id,
        register.received_at
    from {{ source('control', 'delivery_file') }} as register
    where
        register.is_visible
        and register.delivery_status = 'accepted'
        and register.dataset = 'archive'
    group by register.delivery_unit, register.delivery_id, register.received_at
    having
        max(case when register.mode = 'full' then 1 else 0 end) = 1
        and min(case when register.file_status = 'accepted' and register.is_active then 1 else 0 end) = 1
),

taken_over as (
    -- from when on the successor speaks for an institution: it has sent archives that continue those of it
    select
        former.delivery_unit as former_unit,
        former.manage_org_code,
        continuation.delivery_unit,
        min(subject.first_received_at) as taken_over_at
    from continuation
    inner join registered as former on continuation.former_archive_key = former.archive_key
    inner join {{ ref('archive_subject') }} as subject on continuation.archive_key = subject.archive_key
    group by former.delivery_unit, former.manage_org_code, continuation.delivery_unit
),

left_out as (
    select
        taken_over.former_unit,
        taken_over.manage_org_code,
        taken_over.delivery_unit,
        min(full_delivery.received_at) as left_out_at
    from taken_over
    inner join full_delivery
        on
            taken_over.delivery_unit = full_delivery.delivery_unit
            and taken_over.taken_over_at <= full_delivery.received_at
    group by taken_over.former_unit, taken_over.manage_org_code, taken_over.delivery_unit
),

archive as (
    select
        whole.archive_key as holding_key,
        whole.archive_key,
        whole.person_key,
        whole.delivery_unit,
        whole.present_unit,
        whole.fell_on,
        whole.district_archive_id,
        whole.present_district_archive_id,
        whole.known_from_date,
        whole.created_date,
        whole.create_org_code,
        -- whether another unit created it; a district that was renamed since is no other unit
        coalesce(
            whole.create_org_district_code <> whole.delivery_unit
            and coalesce(moved_creator.new_district_code, creator_successor.new_district_code, '')
            <> whole.delivery_unit,
            false
        ) as is_created_elsewhere,
        whole.manage_org_code,
        whole.manage_from_date,
        case
            -- its unit could leave it out as soon as it had ceased to be the unit's
            when whole.abandoned_on is null or cast(whole.vanished_at as date) < whole.abandoned_on then whole.vanished_at
            else left_out.left_out_at
        end as vanished_at
    from whole
    left join left_out
        on
            whole.abandoned_on is not null
            and whole.delivery_unit = left_out.former_unit
            and whole.manage_org_code = left_out.manage_org_code
            and whole.present_unit = left_out.delivery_unit
    left join {{ ref('moved_org') }} as moved_creator
        on
            whole.create_org_code = moved_creator.org_code
            and whole.create_org_district_code = moved_creator.old_district_code
    left join {{ ref('division_change') }} as creator_successor
        on
            whole.create_org_district_code = creator_successor.old_code
            and creator_successor.is_main
),

crossing as (
    select
        transfer.person_key,
        transfer.from_unit,
        transfer.to_unit,
        transfer.from_successor_unit,
        transfer.to_successor_unit,
        transfer.to_changed_on,
        transfer.success_date
    from {{ ref('transfer_event') }} as transfer
    where
        transfer.success_date is not null
        and transfer.from_unit <> transfer.to_unit
),

arrival as (
    select
        archive.holding_key,
        min(crossing.success_date) as first_success_date
    from archive
    inner join crossing
        on
            archive.person_key = crossing.person_key
            and (
                crossing.to_unit
                = case when crossing.success_date >= archive.fell_on then archive.present_unit else archive.delivery_unit end
                -- the abolished unit never sent it, its successor does
                or crossing.to_successor_unit = archive.delivery_unit
            )
    group by archive.holding_key
),

departure as (
    select
        archive.holding_key,
        min(crossing.success_date) as first_success_date
    from archive
    inner join crossing
        on
            archive.person_key = crossing.person_key
            and (
                crossing.from_unit
                = case when crossing.success_date >= archive.fell_on then archive.present_unit else archive.delivery_unit end
                -- the abolished unit never sent it, its successor does
                or crossing.from_successor_unit = archive.delivery_unit
            )
    group by archive.holding_key
),

missing as (
    select
        'unit:' || crossing.person_key || ':' || crossing.to_unit as holding_key,
        crossing.person_key,
        crossing.to_unit as delivery_unit,
        coalesce(min(crossing.to_successor_unit), crossing.to_unit) as present_unit,
        min(crossing.to_changed_on) as fell_on
    from crossing
    left join archive
        on
            crossing.person_key = archive.person_key
            and (
                crossing.to_unit
                = case when crossing.success_date >= archive.fell_on then archive.present_unit else archive.delivery_unit end
                or crossing.to_successor_unit = archive.delivery_unit
            )
    where
        archive.holding_key is null
        -- a transfer of somebody who has no archive anywhere moves nothing
        and exists (
            select 1 from archive as any_archive
            where any_archive.person_key = crossing.person_key
        )
    group by crossing.person_key, crossing.to_unit
)

select
    archive.holding_key,
    archive.archive_key,
    archive.person_key,
    archive.delivery_unit,
    archive.present_unit,
    archive.fell_on,
    archive.district_archive_id,
    archive.present_district_archive_id,
    archive.create_org_code,
    archive.created_date,
    archive.manage_org_code,
    archive.manage_from_date,
    -- created elsewhere, or created only after a completed transfer had brought it here
    archive.is_created_elsewhere
    or coalesce(arrival.first_success_date <= archive.created_date, false) as is_moved_in,
    case
        -- its first day here is the transfer's, unless it had been given away before
        when
            arrival.first_success_date is not null
            and coalesce(departure.first_success_date, {{ end_of_time() }}) >= arrival.first_success_date
            and (
                archive.is_created_elsewhere
                or arrival.first_success_date <= archive.created_date
            )
            then null
        when archive.is_created_elsewhere
            then coalesce(archive.manage_from_date, archive.known_from_date)
        else archive.known_from_date
    end as own_start_date,
    'CREATE' as own_start_reason_code,
    archive.vanished_at,
    cast(archive.vanished_at as date) as vanished_date
from archive
left join arrival on archive.holding_key = arrival.holding_key
left join departure on archive.holding_key = departure.holding_key
union all
select
    missing.holding_key,
    cast(null as varchar) as archive_key,
    missing.person_key,
    missing.delivery_unit,
    missing.present_unit,
    missing.fell_on,
    cast(null as varchar) as district_archive_id,
    cast(null as varchar) as present_district_archive_id,
    cast(null as varchar) as create_org_code,
    cast(null as date) as created_date,
    cast(null as varchar) as manage_org_code,
    cast(null as date) as manage_from_date,
    true as is_moved_in,
    cast(null as date) as own_start_date,
    'TRANSFER' as own_start_reason_code,
    cast(null as timestamp) as vanished_at,
    cast(null as date) as vanished_date
from missing

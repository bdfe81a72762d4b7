-- Which unit's copy of a person's archive there is: every archive record, and the copy a completed transfer must
-- have given to a unit that has not sent it yet.
with successor as (
    -- a district that merged wholly into another one
    select
        division_successor.old_code,
        division_successor.new_code,
        division_successor.changed_on
    from {{ ref('division_successors') }} as division_successor
    where
        length(division_successor.old_code) = 6
        and division_successor.changed_on <= {{ as_of_date() }}
),

archive as (
    select
        archive.archive_key as holding_key,
        archive.archive_key,
        archive.person_key,
        archive.delivery_unit,
        archive.district_archive_id,
        archive.known_from_date,
        archive.created_date,
        archive.create_org_code,
        -- whether another unit created it; a district that was renamed since is no other unit
        coalesce(
            archive.create_org_district_code <> archive.delivery_unit
            and coalesce(creator_successor.new_code, archive.create_org_district_code) <> archive.delivery_unit,
            false
        ) as is_created_elsewhere,
        archive.manage_org_code,
        archive.manage_from_date,
        archive.vanished_at
    from {{ ref('registered_archive') }} as archive
    left join successor as creator_successor on archive.create_org_district_code = creator_successor.old_code
    where archive.known_from_date <= {{ as_of_date() }}
),

arrival as (
    select
        transfer.person_key,
        transfer.to_district_code as delivery_unit,
        min(transfer.success_date) as first_success_date
    from {{ ref('transfer_event') }} as transfer
    where
        transfer.success_date is not null
        and transfer.from_district_code <> transfer.to_district_code
    group by transfer.person_key, transfer.to_district_code
),

departure as (
    select
        transfer.person_key,
        transfer.from_district_code as delivery_unit,
        min(transfer.success_date) as first_success_date
    from {{ ref('transfer_event') }} as transfer
    where
        transfer.success_date is not null
        and transfer.from_district_code <> transfer.to_district_code
    group by transfer.person_key, transfer.from_district_code
),

missing as (
    select
        'unit:' || arrival.person_key || ':' || arrival.delivery_unit as holding_key,
        arrival.person_key,
        arrival.delivery_unit,
        arrival.first_success_date
    from arrival
    left join archive
        on
            arrival.person_key = archive.person_key
            and arrival.delivery_unit = archive.delivery_unit
    left join successor on arrival.delivery_unit = successor.old_code
    left join archive as renamed
        on
            arrival.person_key = renamed.person_key
            and successor.new_code = renamed.delivery_unit
    where
        archive.holding_key is null
        and renamed.holding_key is null
        -- a transfer of somebody who has no archive anywhere moves nothing
        and exists (
            select 1 from archive as any_archive
            where any_archive.person_key = arrival.person_key
        )
),

predecessor as (
    -- the copy that the abolished unit of a reform still holds beside the successor's
    select
        archive.holding_key,
        max(successor.changed_on) as changed_on
    from archive
    inner join successor on archive.delivery_unit = successor.new_code
    inner join archive as former
        on
            archive.person_key = former.person_key
            and successor.old_code = former.delivery_unit
    group by archive.holding_key
),

succeeded as (
    select
        archive.holding_key,
        min(successor.changed_on) as ended_on
    from archive
    inner join successor on archive.delivery_unit = successor.old_code
    inner join archive as later
        on
            archive.person_key = later.person_key
            and successor.new_code = later.delivery_unit
    group by archive.holding_key
)

select
    archive.holding_key,
    archive.archive_key,
    archive.person_key,
    archive.delivery_unit,
    coalesce(successor.new_code, archive.delivery_unit) as present_unit,
    archive.district_archive_id,
    archive.create_org_code,
    archive.manage_org_code,
    archive.manage_from_date,
    -- created elsewhere, or created only after a completed transfer had brought it here
    (
        archive.is_created_elsewhere
        and predecessor.changed_on is null
    )
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
        when predecessor.changed_on is not null then greatest(archive.known_from_date, predecessor.changed_on)
        when archive.is_created_elsewhere
            then coalesce(archive.manage_from_date, archive.known_from_date)
        else archive.known_from_date
    end as own_start_date,
    case when predecessor.changed_on is null then 'CREATE' else 'ADMIN_REFORM' end as own_start_reason_code,
    succeeded.ended_on as reform_end_date,
    cast(archive.vanished_at as date) as vanished_date
from archive
left join arrival
    on
        archive.person_key = arrival.person_key
        and archive.delivery_unit = arrival.delivery_unit
left join departure
    on
        archive.person_key = departure.person_key
        and archive.delivery_unit = departure.delivery_unit
left join predecessor on archive.holding_key = predecessor.holding_key
left join succeeded on archive.holding_key = succeeded.holding_key
left join successor on archive.delivery_unit = successor.old_code
union all
select
    missing.holding_key,
    cast(null as varchar) as archive_key,
    missing.person_key,
    missing.delivery_unit,
    coalesce(successor.new_code, missing.delivery_unit) as present_unit,
    cast(null as varchar) as district_archive_id,
    cast(null as varchar) as create_org_code,
    cast(null as varchar) as manage_org_code,
    cast(null as date) as manage_from_date,
    true as is_moved_in,
    cast(null as date) as own_start_date,
    'TRANSFER' as own_start_reason_code,
    cast(null as date) as reform_end_date,
    cast(null as date) as vanished_date
from missing
left join successor on missing.delivery_unit = successor.old_code

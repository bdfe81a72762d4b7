-- Which copies a completed transfer touches: the one it names, else those of the institution, else of the unit.
with completed as (
    select transfer.*
    from {{ ref('transfer_event') }} as transfer
    where transfer.success_date is not null
),

side as (
    select
        completed.transfer_key,
        completed.person_key,
        'OUT' as side_code,
        completed.from_unit as unit,
        completed.from_successor_unit as successor_unit,
        completed.from_org_code as org_code,
        completed.delivery_unit,
        completed.district_archive_id,
        completed.success_date
    from completed
    union all
    select
        completed.transfer_key,
        completed.person_key,
        'IN' as side_code,
        completed.to_unit as unit,
        completed.to_successor_unit as successor_unit,
        completed.to_org_code as org_code,
        completed.delivery_unit,
        completed.district_archive_id,
        completed.success_date
    from completed
),

placed as (
    -- the unit that had the copy on the day
    select
        side.transfer_key,
        side.side_code,
        side.unit,
        side.successor_unit,
        side.org_code,
        side.delivery_unit as telling_unit,
        side.district_archive_id as told_archive_id,
        case when side.success_date >= holding.fell_on then holding.present_unit else holding.delivery_unit end
            as unit_of_day,
        holding.holding_key,
        holding.delivery_unit,
        holding.present_unit,
        holding.district_archive_id,
        holding.present_district_archive_id,
        holding.manage_org_code,
        holding.create_org_code
    from side
    inner join {{ ref('archive_holding') }} as holding on side.person_key = holding.person_key
),

candidate as (
    select
        placed.transfer_key,
        placed.side_code,
        placed.holding_key,
        case
            when
                placed.delivery_unit = placed.telling_unit
                and placed.district_archive_id = placed.told_archive_id
                then 1
            when
                placed.present_unit = placed.telling_unit
                and placed.present_district_archive_id = placed.told_archive_id
                then 1
            when
                placed.unit_of_day = placed.unit
                and (placed.manage_org_code = placed.org_code or placed.create_org_code = placed.org_code)
                then 2
            when placed.unit_of_day = placed.unit then 3
            else 4
        end as nearness
    from placed
    where
        placed.unit_of_day = placed.unit
        -- the abolished unit never sent it, its successor does
        or placed.delivery_unit = placed.successor_unit
),

nearest as (
    select
        candidate.*,
        min(candidate.nearness) over (partition by candidate.transfer_key, candidate.side_code) as best_nearness
    from candidate
)

select
    nearest.transfer_key,
    nearest.side_code,
    nearest.holding_key
from nearest
where nearest.nearness = nearest.best_nearness

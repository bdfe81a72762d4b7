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
        completed.from_district_code as district_code,
        completed.from_org_code as org_code,
        completed.delivery_unit,
        completed.district_archive_id
    from completed
    union all
    select
        completed.transfer_key,
        completed.person_key,
        'IN' as side_code,
        completed.to_district_code as district_code,
        completed.to_org_code as org_code,
        completed.delivery_unit,
        completed.district_archive_id
    from completed
),

candidate as (
    select
        side.transfer_key,
        side.side_code,
        holding.holding_key,
        case
            when
                holding.delivery_unit = side.delivery_unit
                and holding.district_archive_id = side.district_archive_id
                then 1
            when
                holding.delivery_unit = side.district_code
                and (holding.manage_org_code = side.org_code or holding.create_org_code = side.org_code)
                then 2
            when holding.delivery_unit = side.district_code then 3
            else 4
        end as nearness
    from side
    inner join {{ ref('archive_holding') }} as holding
        on
            side.person_key = holding.person_key
            and (
                side.district_code = holding.delivery_unit
                or side.district_code = holding.present_unit
            )
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

-- When a copy counted as an active archive, whatever it declares of itself. Half-open.
with active as (
    select
        segment.archive_key,
        segment.person_key,
        segment.delivery_unit,
        segment.district_archive_id,
        segment.present_unit,
        segment.fell_on,
        segment.event_number,
        segment.segment_from,
        -- a copy that a full delivery left out is gone from that day on
        least(segment.segment_to, coalesce(holding.vanished_date, {{ end_of_time() }})) as segment_to
    from {{ ref('holding_segment') }} as segment
    inner join {{ ref('archive_holding') }} as holding on segment.holding_key = holding.holding_key
    where
        segment.is_active
        and segment.archive_key is not null
        and (holding.vanished_date is null or segment.segment_from < holding.vanished_date)
),

begun as (
    select
        active.*,
        case
            when
                lag(active.segment_to) over (partition by active.archive_key order by active.event_number)
                = active.segment_from
                then 0
            else 1
        end as begin_flag
    from active
),

numbered as (
    select
        begun.*,
        sum(begun.begin_flag) over (
            partition by begun.archive_key
            order by begun.event_number
            rows between unbounded preceding and current row
        ) as interval_number
    from begun
)

select
    numbered.archive_key,
    min(numbered.person_key) as person_key,
    min(numbered.delivery_unit) as delivery_unit,
    min(numbered.district_archive_id) as district_archive_id,
    min(numbered.present_unit) as present_unit,
    min(numbered.fell_on) as fell_on,
    min(numbered.segment_from) as active_from,
    max(numbered.segment_to) as active_to
from numbered
group by numbered.archive_key, numbered.interval_number

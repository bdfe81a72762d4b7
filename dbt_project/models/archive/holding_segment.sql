-- The state of every copy between two of its events.
with carried as (
    select
        event.holding_key,
        event.person_key,
        event.event_number,
        event.event_date,
        lead(event.event_date) over (partition by event.holding_key order by event.event_number) as next_event_date,
        {{ last_known('event.status_flag', 'event.holding_key', 'event.event_number') }} as status_flag,
        {{ last_known('event.manager_flag', 'event.holding_key', 'event.event_number') }} as manager_flag,
        {{ last_known('event.org_code', 'event.holding_key', 'event.event_number') }} as org_code,
        {{ last_known(
            'case when event.manager_flag is not null or event.org_code is not null then event.reason_code end',
            'event.holding_key', 'event.event_number'
        ) }} as reason_code,
        {{ last_known(
            'case when event.manager_flag is not null or event.org_code is not null then event.evidence_key end',
            'event.holding_key', 'event.event_number'
        ) }} as evidence_key,
        sum(event.death_step) over (
            partition by event.holding_key
            order by event.event_number
            rows between unbounded preceding and current row
        ) as death_count
    from {{ ref('holding_event') }} as event
)

select
    holding.holding_key,
    holding.archive_key,
    holding.person_key,
    holding.delivery_unit,
    holding.district_archive_id,
    holding.present_unit,
    holding.fell_on,
    carried.event_number,
    carried.event_date as segment_from,
    coalesce(carried.next_event_date, {{ end_of_time() }}) as segment_to,
    coalesce(carried.status_flag, 0) = 1 and carried.death_count = 0 as is_active,
    coalesce(carried.manager_flag, 0) = 1 and carried.death_count = 0 as is_managed,
    carried.death_count > 0 as is_dead,
    carried.org_code,
    carried.reason_code,
    carried.evidence_key
from carried
inner join {{ ref('archive_holding') }} as holding on carried.holding_key = holding.holding_key
where carried.event_date < coalesce(carried.next_event_date, {{ end_of_time() }})

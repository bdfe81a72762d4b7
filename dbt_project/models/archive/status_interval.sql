-- The recorded status of every person with an archive, without gap or overlap from the first archive day on.
-- One active copy keeps the person MANAGED; a death ends all; otherwise the last ending speaks (reading 24, 35, 36).
with started as (
    select
        event.person_key,
        min(event.event_date) as first_date
    from {{ ref('holding_event') }} as event
    where
        event.status_flag = 1
        or event.manager_flag = 1
    group by event.person_key
),

shaped as (
    select
        segment.person_key,
        count(*) as segment_count
    from {{ ref('holding_segment') }} as segment
    group by segment.person_key
),

-- nearly everybody has one copy in one state: no sweep over their days
plain as (
    select
        segment.person_key,
        segment.segment_from as stretch_from,
        segment.segment_to as stretch_to,
        segment.is_active,
        segment.is_dead
    from {{ ref('holding_segment') }} as segment
    inner join shaped
        on
            segment.person_key = shaped.person_key
            and shaped.segment_count = 1
),

boundary as (
    select distinct
        segment.person_key,
        segment.segment_from as stretch_from
    from {{ ref('holding_segment') }} as segment
    inner join shaped
        on
            segment.person_key = shaped.person_key
            and shaped.segment_count > 1
),

stretch as (
    select
        boundary.person_key,
        boundary.stretch_from,
        coalesce(
            lead(boundary.stretch_from) over (partition by boundary.person_key order by boundary.stretch_from),
            {{ end_of_time() }}
        ) as stretch_to
    from boundary
),

swept as (
    select
        stretch.person_key,
        stretch.stretch_from,
        stretch.stretch_to,
        {{ any_true('segment.is_active') }} as is_active,
        {{ any_true('segment.is_dead') }} as is_dead
    from stretch
    inner join {{ ref('holding_segment') }} as segment
        on
            stretch.person_key = segment.person_key
            and stretch.stretch_from >= segment.segment_from
            and stretch.stretch_from < segment.segment_to
    group by stretch.person_key, stretch.stretch_from, stretch.stretch_to
),

lived as (
    select
        every_stretch.person_key,
        greatest(every_stretch.stretch_from, started.first_date) as stretch_from,
        every_stretch.stretch_to,
        every_stretch.is_active,
        every_stretch.is_dead
    from (
        select plain.* from plain
        union all
        select swept.* from swept
    ) as every_stretch
    inner join started on every_stretch.person_key = started.person_key
    where every_stretch.stretch_to > started.first_date
),

turning_event as (
    select
        event.person_key,
        event.event_date,
        event.event_number,
        event.evidence_key,
        event.evidence_id,
        case
            when event.death_step = 1 then 'DEAD'
            when event.status_flag = 1 then 'MANAGED'
            when event.reason_code in ('LOST', 'MOVED_OUT') and event.status_flag = 0 then event.reason_code
        end as turned_code,
        event.reason_code
    from {{ ref('holding_event') }} as event
),

silent as (
    -- no copy counts: the latest ending stands, unless something was begun after it
    select
        lived.person_key,
        lived.stretch_from,
        turning_event.turned_code,
        row_number() over (
            partition by lived.person_key, lived.stretch_from
            order by
                turning_event.event_date desc,
                case when turning_event.turned_code = 'MANAGED' then 1 else 0 end,
                turning_event.event_number desc,
                turning_event.evidence_id asc,
                turning_event.turned_code asc
        ) as recency
    from lived
    inner join turning_event
        on
            lived.person_key = turning_event.person_key
            and lived.stretch_from >= turning_event.event_date
            and turning_event.turned_code in ('LOST', 'MOVED_OUT', 'MANAGED')
    where
        not lived.is_active
        and not lived.is_dead
),

stated as (
    select
        lived.person_key,
        lived.stretch_from,
        lived.stretch_to,
        case
            when lived.is_dead then 'DEAD'
            when lived.is_active then 'MANAGED'
            else coalesce(silent.turned_code, 'MANAGED')
        end as status_code
    from lived
    left join silent
        on
            lived.person_key = silent.person_key
            and lived.stretch_from = silent.stretch_from
            and silent.recency = 1
),

begun as (
    select
        stated.*,
        case
            when
                lag(stated.status_code) over (partition by stated.person_key order by stated.stretch_from)
                = stated.status_code
                then 0
            else 1
        end as begin_flag
    from stated
),

numbered as (
    select
        begun.*,
        sum(begun.begin_flag) over (
            partition by begun.person_key
            order by begun.stretch_from
            rows between unbounded preceding and current row
        ) as interval_number
    from begun
),

merged as (
    select
        numbered.person_key,
        numbered.interval_number,
        min(numbered.status_code) as status_code,
        min(numbered.stretch_from) as valid_from,
        max(numbered.stretch_to) as valid_to
    from numbered
    group by numbered.person_key, numbered.interval_number
),

evidenced as (
    select
        merged.person_key,
        merged.status_code,
        merged.valid_from,
        merged.valid_to,
        turning_event.reason_code,
        turning_event.evidence_key,
        row_number() over (
            partition by merged.person_key, merged.valid_from
            order by
                turning_event.event_date desc,
                turning_event.event_number desc,
                turning_event.evidence_id asc,
                turning_event.reason_code asc
        ) as recency
    from merged
    left join turning_event
        on
            merged.person_key = turning_event.person_key
            and merged.status_code = turning_event.turned_code
            and merged.valid_from >= turning_event.event_date
)

select
    evidenced.person_key,
    evidenced.status_code,
    evidenced.valid_from,
    evidenced.valid_to,
    case
        when evidenced.status_code in ('DEAD', 'LOST', 'MOVED_OUT') then 'TERMINATION'
        when evidenced.reason_code in ('REACTIVATION', 'CANCELLATION', 'ADMIN_REFORM', 'DECLARED')
            then evidenced.reason_code
        when evidenced.reason_code in ('TRANSFER', 'DIRECT') then 'TRANSFER'
        else 'ARCHIVE'
    end as evidence_code,
    evidenced.evidence_key,
    case
        when evidenced.status_code = 'DEAD' then 'A1-6-1-2'
        when evidenced.status_code = 'LOST' then 'A1-6-1-1'
        when evidenced.status_code = 'MOVED_OUT' then 'A1-6-1-3'
        when evidenced.reason_code = 'REACTIVATION' then 'A1-6-2-2'
        when evidenced.reason_code in ('TRANSFER', 'DIRECT') then 'A1-4-3-1'
        else 'ART-14'
    end as rule_id
from evidenced
where evidenced.recency = 1

-- One manager per person and day: where intervals of several copies overlap, the one that began last counts.
with bounded as (
    select
        person_key,
        archive_key,
        org_code,
        district_code,
        valid_from,
        valid_to,
        delivery_unit,
        district_archive_id,
        count(*) over (partition by person_key) as interval_count
    from {{ ref('manager_interval') }}
    where valid_from < valid_to
),

several as (
    select
        person_key,
        archive_key,
        org_code,
        district_code,
        valid_from,
        valid_to,
        delivery_unit,
        district_archive_id
    from bounded
    where interval_count > 1
),

bound as (
    select
        person_key,
        valid_from as segment_from
    from several
    union
    select
        person_key,
        valid_to as segment_from
    from several
),

stretch as (
    select
        person_key,
        segment_from,
        lead(segment_from) over (partition by person_key order by segment_from) as segment_to
    from bound
),

claimed as (
    select
        stretch.person_key,
        stretch.segment_from,
        stretch.segment_to,
        several.archive_key,
        several.org_code,
        several.district_code,
        row_number() over (
            partition by stretch.person_key, stretch.segment_from
            order by
                several.valid_from desc,
                case when several.district_archive_id is null then 1 else 0 end,
                several.delivery_unit asc,
                several.district_archive_id asc,
                several.org_code asc
        ) as preference
    from stretch
    inner join several
        on
            stretch.person_key = several.person_key
            and stretch.segment_from >= several.valid_from
            and stretch.segment_to <= several.valid_to
),

settled as (
    select
        person_key,
        segment_from,
        segment_to,
        archive_key,
        org_code,
        district_code,
        case
            when
                lag(segment_to) over (partition by person_key order by segment_from) = segment_from
                and lag(archive_key) over (partition by person_key order by segment_from) = archive_key
                and coalesce(lag(org_code) over (partition by person_key order by segment_from), '') = coalesce(org_code, '')
                and coalesce(lag(district_code) over (partition by person_key order by segment_from), '')
                = coalesce(district_code, '')
                then 0
            else 1
        end as is_first
    from claimed
    where preference = 1
),

numbered as (
    select
        person_key,
        segment_from,
        segment_to,
        archive_key,
        org_code,
        district_code,
        sum(is_first) over (partition by person_key order by segment_from) as island
    from settled
),

segment as (
    select
        person_key,
        archive_key,
        org_code,
        district_code,
        valid_from,
        valid_to
    from bounded
    where interval_count = 1
    union all
    select
        person_key,
        min(archive_key) as archive_key,
        min(org_code) as org_code,
        min(district_code) as district_code,
        min(segment_from) as valid_from,
        max(segment_to) as valid_to
    from numbered
    group by person_key, island
),

held as (
    select
        segment.person_key,
        segment.archive_key,
        segment.org_code,
        segment.district_code,
        segment.valid_from,
        segment.valid_to,
        coalesce(
            lead(segment.valid_from) over (partition by segment.person_key order by segment.valid_from),
            cast('9999-12-31' as date)
        ) as held_to,
        {{ later_district('new_district_code') }} as new_district_code,
        {{ later_district('changed_on') }} as changed_on
    from segment
    {{ join_later_district('segment.org_code', 'segment.district_code') }}
)

select
    held.person_key,
    held.archive_key,
    held.org_code,
    held.district_code,
    held.valid_from,
    held.valid_to,
    case when held.valid_to <= held.changed_on then least(held.held_to, held.changed_on) else held.held_to end as held_to
from held
union all
-- nobody manages any more, but the last district went into another one
select
    held.person_key,
    held.archive_key,
    held.org_code,
    held.new_district_code as district_code,
    held.changed_on as valid_from,
    held.changed_on as valid_to,
    held.held_to
from held
where
    held.valid_to <= held.changed_on
    and held.held_to > held.changed_on

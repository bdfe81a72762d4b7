-- Which institution managed a copy, from when to when. Half-open; a reform that renames the district splits.
with managed as (
    select
        segment.holding_key,
        segment.archive_key,
        segment.person_key,
        segment.delivery_unit,
        segment.district_archive_id,
        segment.present_unit,
        segment.fell_on,
        segment.event_number,
        segment.segment_from,
        segment.segment_to,
        segment.org_code,
        segment.reason_code,
        segment.evidence_key
    from {{ ref('holding_segment') }} as segment
    where segment.is_managed
),

begun as (
    select
        managed.*,
        case
            when
                lag(managed.segment_to) over (partition by managed.holding_key order by managed.event_number)
                = managed.segment_from
                and coalesce(
                    lag(managed.org_code) over (partition by managed.holding_key order by managed.event_number), ''
                ) = coalesce(managed.org_code, '')
                then 0
            else 1
        end as begin_flag
    from managed
),

numbered as (
    select
        begun.*,
        sum(begun.begin_flag) over (
            partition by begun.holding_key
            order by begun.event_number
            rows between unbounded preceding and current row
        ) as interval_number
    from begun
),

merged as (
    select
        numbered.holding_key,
        numbered.interval_number,
        min(numbered.archive_key) as archive_key,
        min(numbered.person_key) as person_key,
        min(numbered.delivery_unit) as delivery_unit,
        min(numbered.district_archive_id) as district_archive_id,
        min(numbered.present_unit) as present_unit,
        min(numbered.fell_on) as fell_on,
        min(numbered.org_code) as org_code,
        min(numbered.segment_from) as valid_from,
        max(numbered.segment_to) as valid_to,
        max(case when numbered.begin_flag = 1 then numbered.reason_code end) as reason_code,
        max(case when numbered.begin_flag = 1 then numbered.evidence_key end) as evidence_key
    from numbered
    group by numbered.holding_key, numbered.interval_number
),

-- stretches during which an institution belonged to one district
org_stretch as (
    select
        org.org_code,
        org.district_code,
        org.attributed_from,
        org.attributed_to,
        case
            when
                lag(org.district_code) over (partition by org.org_code order by org.attributed_from)
                = org.district_code
                then 0
            else 1
        end as begin_flag
    from {{ ref('org_period') }} as org
),

org_numbered as (
    select
        org_stretch.*,
        sum(org_stretch.begin_flag) over (
            partition by org_stretch.org_code
            order by org_stretch.attributed_from
            rows between unbounded preceding and current row
        ) as stretch_number
    from org_stretch
),

org_district as (
    select
        org_numbered.org_code,
        org_numbered.stretch_number,
        min(org_numbered.district_code) as district_code,
        min(org_numbered.attributed_from) as attributed_from,
        max(org_numbered.attributed_to) as attributed_to
    from org_numbered
    group by org_numbered.org_code, org_numbered.stretch_number
),

org_described as (
    -- an institution of a district that the reform founded is nobody's before it
    select
        org_district.org_code,
        org_district.district_code,
        org_district.attributed_from,
        org_district.attributed_to
    from org_district
    union all
    select
        org_district.org_code,
        cast(null as varchar) as district_code,
        cast('1900-01-01' as date) as attributed_from,
        min(org_district.attributed_from) as attributed_to
    from org_district
    group by org_district.org_code
    having min(org_district.attributed_from) > cast('1900-01-01' as date)
),

placed as (
    select
        merged.*,
        org_described.district_code,
        greatest(merged.valid_from, coalesce(org_described.attributed_from, merged.valid_from)) as placed_from,
        least(merged.valid_to, coalesce(org_described.attributed_to, merged.valid_to)) as placed_to
    from merged
    left join org_described
        on
            merged.org_code = org_described.org_code
            and merged.valid_from < org_described.attributed_to
            and merged.valid_to > org_described.attributed_from
),

settled as (
    -- where nobody says to which district the institution belongs, to that of the unit which has the copy
    select
        placed.*,
        coalesce(placed.district_code, placed.delivery_unit) as settled_district_code,
        placed.placed_from as settled_from,
        case
            when placed.district_code is null then least(placed.placed_to, coalesce(placed.fell_on, placed.placed_to))
            else placed.placed_to
        end as settled_to
    from placed
    where
        placed.district_code is not null
        or placed.placed_from < coalesce(placed.fell_on, placed.placed_to)
    union all
    select
        placed.*,
        placed.present_unit as settled_district_code,
        greatest(placed.placed_from, placed.fell_on) as settled_from,
        placed.placed_to as settled_to
    from placed
    where
        placed.district_code is null
        and placed.placed_to > placed.fell_on
)

select
    settled.person_key,
    settled.archive_key,
    settled.org_code,
    settled.settled_district_code as district_code,
    settled.settled_from as valid_from,
    settled.settled_to as valid_to,
    case when settled.settled_from > settled.valid_from then 'ADMIN_REFORM' else settled.reason_code end
        as reason_code,
    case
        when
            settled.reason_code in ('TRANSFER', 'INTRA_TRANSFER', 'DIRECT')
            and settled.settled_from = settled.valid_from
            then settled.evidence_key
    end as transfer_key,
    settled.holding_key,
    case when settled.settled_from >= settled.fell_on then settled.present_unit else settled.delivery_unit end
        as delivery_unit,
    settled.district_archive_id
from settled

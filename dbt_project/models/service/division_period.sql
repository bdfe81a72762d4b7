-- Every known division with its validity. What the city platform delivered goes before the reference list for the same
-- days; the list keeps the days before, and ends an open delivered period of a code it knows to be abolished.
with sent as (
    select
        division.division_code,
        division.code_system,
        division.valid_from,
        division.valid_to,
        division.name,
        division.level_code,
        division.parent_code,
        division.kind_code,
        division.successor_codes,
        lead(division.valid_from) over (
            partition by division.division_code, division.code_system
            order by division.valid_from
        ) as next_valid_from
    from {{ ref('stg_division') }} as division
),

listed as (
    select reference_division.* from {{ ref('reference_division') }} as reference_division
),

abolished as (
    -- the list's word on the end of the period in which a delivered one began
    select
        sent.division_code,
        sent.code_system,
        sent.valid_from,
        min(listed.valid_to) as listed_valid_to,
        min(listed.successor_codes) as listed_successor_codes
    from sent
    inner join listed
        on
            sent.division_code = listed.division_code
            and (
                sent.code_system = listed.code_system
                -- the six digits of a district are the same in every code system
                or listed.level_code = '2'
            )
            and sent.valid_from >= listed.valid_from
            and sent.valid_from < listed.valid_to
    group by sent.division_code, sent.code_system, sent.valid_from
),

delivered as (
    select
        sent.division_code,
        sent.code_system,
        sent.valid_from,
        least(
            coalesce(sent.valid_to, abolished.listed_valid_to, {{ end_of_time() }}),
            coalesce(sent.next_valid_from, {{ end_of_time() }})
        ) as valid_to,
        sent.name,
        sent.level_code,
        sent.parent_code,
        sent.kind_code,
        coalesce(
            sent.successor_codes,
            case when sent.valid_to is null then abolished.listed_successor_codes end
        ) as successor_codes
    from sent
    left join abolished
        on
            sent.division_code = abolished.division_code
            and sent.code_system = abolished.code_system
            and sent.valid_from = abolished.valid_from
    where coalesce(sent.valid_to, {{ end_of_time() }}) > sent.valid_from
),

kept as (
    select
        listed.division_code,
        listed.code_system,
        listed.valid_from,
        least(
            coalesce(listed.valid_to, {{ end_of_time() }}),
            coalesce(min(delivered.valid_from), {{ end_of_time() }})
        ) as valid_to,
        listed.division_name as name,
        listed.level_code,
        listed.parent_code,
        listed.kind_code,
        listed.successor_codes
    from listed
    left join delivered
        on
            listed.division_code = delivered.division_code
            and listed.code_system = delivered.code_system
            and coalesce(listed.valid_to, {{ end_of_time() }}) > delivered.valid_from
            and listed.valid_from < delivered.valid_to
    group by
        listed.division_code,
        listed.code_system,
        listed.valid_from,
        listed.valid_to,
        listed.division_name,
        listed.level_code,
        listed.parent_code,
        listed.kind_code,
        listed.successor_codes
)

select
    delivered.division_code,
    delivered.code_system,
    delivered.valid_from,
    delivered.valid_to,
    delivered.name,
    delivered.level_code,
    delivered.parent_code,
    delivered.kind_code,
    delivered.successor_codes,
    true as is_delivered
from delivered
where delivered.valid_from < delivered.valid_to
union all
select
    kept.division_code,
    kept.code_system,
    kept.valid_from,
    kept.valid_to,
    kept.name,
    kept.level_code,
    kept.parent_code,
    kept.kind_code,
    kept.successor_codes,
    false as is_delivered
from kept
where kept.valid_from < kept.valid_to

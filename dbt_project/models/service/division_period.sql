-- Every known division with its validity: what the city platform delivered, and the reference list for codes it did not send.
with delivered as (
    select
        division_code,
        code_system,
        valid_from,
        valid_to,
        name,
        level_code,
        parent_code,
        kind_code,
        successor_codes
    from {{ ref('stg_division') }}
),

reference as (
    select
        cast(division_code as varchar) as division_code,
        case when kind_code = 'functional' then 'HEALTH' else 'MCA' end as code_system,
        cast(valid_from as date) as valid_from,
        cast(valid_to as date) as valid_to,
        cast(division_name as varchar) as name,
        cast(level_code as varchar) as level_code,
        cast(parent_code as varchar) as parent_code,
        cast(kind_code as varchar) as kind_code,
        cast(successor_codes as varchar) as successor_codes
    from {{ ref('divisions') }}
    union all
    select
        cast(town_code as varchar) as division_code,
        cast(code_system as varchar) as code_system,
        cast('1997-01-01' as date) as valid_from,
        cast(null as date) as valid_to,
        cast(town_name as varchar) as name,
        '3' as level_code,
        cast(district_code as varchar) as parent_code,
        'gb' as kind_code,
        cast(null as varchar) as successor_codes
    from {{ ref('towns') }}
),

known as (
    select distinct
        division_code,
        code_system
    from delivered
)

select
    division_code,
    code_system,
    valid_from,
    valid_to,
    name,
    level_code,
    parent_code,
    kind_code,
    successor_codes,
    true as is_delivered
from delivered
union all
select
    reference.division_code,
    reference.code_system,
    reference.valid_from,
    reference.valid_to,
    reference.name,
    reference.level_code,
    reference.parent_code,
    reference.kind_code,
    reference.successor_codes,
    false as is_delivered
from reference
left join known
    on
        reference.division_code = known.division_code
        and reference.code_system = known.code_system
where known.division_code is null

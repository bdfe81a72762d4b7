-- The reference list of districts and townships, with the day of the reform as this run takes it.
with reform as (
    select parameter_period.division_reform_date
    from {{ ref('parameter_period') }} as parameter_period
    where
        parameter_period.valid_from <= {{ as_of_date() }}
        and parameter_period.valid_to > {{ as_of_date() }}
),

listed as (
    select
        cast(divisions.division_code as varchar) as division_code,
        case when divisions.kind_code = 'functional' then 'HEALTH' else 'MCA' end as code_system,
        cast(divisions.division_name as varchar) as division_name,
        cast(divisions.level_code as varchar) as level_code,
        cast(divisions.parent_code as varchar) as parent_code,
        cast(divisions.kind_code as varchar) as kind_code,
        cast(divisions.valid_from as date) as valid_from,
        cast(divisions.valid_to as date) as valid_to,
        cast(divisions.successor_codes as varchar) as successor_codes,
        cast(divisions.is_reporting_unit as boolean) as is_reporting_unit
    from {{ ref('divisions') }} as divisions
    union all
    select
        cast(towns.town_code as varchar) as division_code,
        cast(towns.code_system as varchar) as code_system,
        cast(towns.town_name as varchar) as division_name,
        '3' as level_code,
        cast(towns.district_code as varchar) as parent_code,
        'gb' as kind_code,
        cast(towns.valid_from as date) as valid_from,
        cast(towns.valid_to as date) as valid_to,
        cast(successor.new_code as varchar) as successor_codes,
        false as is_reporting_unit
    from {{ ref('towns') }} as towns
    left join {{ ref('division_successors') }} as successor
        on
            towns.town_code = successor.old_code
            and towns.code_system = successor.code_system
)

select
    listed.division_code,
    listed.code_system,
    listed.division_name,
    listed.level_code,
    listed.parent_code,
    listed.kind_code,
    case
        when listed.valid_from = {{ listed_reform_date() }} then reform.division_reform_date else listed.valid_from
    end as valid_from,
    case
        when listed.valid_to = {{ listed_reform_date() }} then reform.division_reform_date else listed.valid_to
    end as valid_to,
    listed.successor_codes,
    listed.is_reporting_unit
from listed
cross join reform

-- Which district follows which, and from when: districts and the townships that went another way than their district.
with reform as (
    select parameter_period.division_reform_date
    from {{ ref('parameter_period') }} as parameter_period
    where
        parameter_period.valid_from <= {{ as_of_date() }}
        and parameter_period.valid_to > {{ as_of_date() }}
)

select
    cast(successor.old_code as varchar) as old_code,
    cast(successor.code_system as varchar) as code_system,
    cast(successor.old_district_code as varchar) as old_district_code,
    cast(successor.new_code as varchar) as new_code,
    cast(successor.new_district_code as varchar) as new_district_code,
    case when length(successor.old_code) = 6 then 'district' else 'town' end as level,
    cast(successor.coverage_code as varchar) as coverage_code,
    -- where a district without anything more precise is to be looked for today
    length(successor.old_code) = 6 and successor.coverage_code in ('WHOLE', 'REMAINDER') as is_main,
    case
        when successor.changed_on = {{ listed_reform_date() }} then reform.division_reform_date
        else successor.changed_on
    end as changed_on
from {{ ref('division_successors') }} as successor
cross join reform

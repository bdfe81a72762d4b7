-- Divisions with their validity, as delivered and as in the reference list.
select
    cast(division_code as varchar) as division_code,
    cast(code_system as varchar) as code_system_code,
    cast(valid_from as date) as valid_from_date,
    cast(coalesce(valid_to, {{ end_of_time() }}) as date) as valid_to_date,
    cast(name as varchar) as division_name,
    cast(level_code as varchar) as level_code,
    cast(parent_code as varchar) as parent_code,
    cast(kind_code as varchar) as kind_code,
    cast(successor_codes as varchar) as successor_codes,
    cast(
        valid_from <= {{ as_of_date() }} and coalesce(valid_to, {{ end_of_time() }}) > {{ as_of_date() }} as boolean
    ) as is_current
from {{ ref('division_period') }}

-- Institutions with their validity.
select
    cast(org_code as varchar) as org_code,
    cast(valid_from as date) as valid_from_date,
    cast(valid_to as date) as valid_to_date,
    cast(org_name as varchar) as org_name,
    cast(org_type_code as varchar) as org_type_code,
    cast(is_designated as boolean) as is_designated,
    cast(hospital_level_code as varchar) as hospital_level_code,
    cast(district_code as varchar) as district_code,
    cast(town_code as varchar) as town_code,
    cast(town_code_system as varchar) as town_code_system_code,
    cast(parent_org_code as varchar) as parent_org_code,
    cast(valid_from <= {{ as_of_date() }} and valid_to > {{ as_of_date() }} as boolean) as is_current
from {{ ref('org_period') }}
where valid_from < valid_to

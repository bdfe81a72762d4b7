-- Who managed which archive from when to when (half-open).
select
    cast(manager.archive_key as varchar) as archive_key,
    cast(manager.person_key as varchar) as person_key,
    cast(manager.org_code as varchar) as org_code,
    cast(manager.district_code as varchar) as district_code,
    cast(manager.valid_from as date) as valid_from_date,
    cast(manager.valid_to as date) as valid_to_date,
    cast(manager.reason_code as varchar) as reason_code,
    cast(manager.transfer_key as varchar) as transfer_key,
    cast(manager.valid_from <= {{ as_of_date() }} and manager.valid_to > {{ as_of_date() }} as boolean) as is_current
from {{ ref('manager_interval') }} as manager
where
    manager.valid_from < manager.valid_to
    and {{ is_showable('manager.person_key') }}

-- Who managed which archive from when to when (half-open).
with managed as (
    select
        manager.archive_key,
        manager.person_key,
        manager.org_code,
        manager.district_code,
        manager.valid_from,
        manager.valid_to,
        manager.reason_code,
        manager.transfer_key
    from {{ ref('manager_interval') }} as manager
    where manager.archive_key is not null
    union all
    -- the target manages from the success on, though its own archive of the person has not been delivered yet
    select
        {{ pseudonym("'awaited:' || awaited.person_key || ':' || awaited.district_code") }} as archive_key,
        awaited.person_key,
        awaited.org_code,
        awaited.district_code,
        awaited.valid_from,
        awaited.valid_to,
        awaited.reason_code,
        awaited.transfer_key
    from {{ ref('manager_interval') }} as awaited
    where awaited.archive_key is null
)

select
    cast(managed.archive_key as varchar) as archive_key,
    cast(managed.person_key as varchar) as person_key,
    cast(managed.org_code as varchar) as org_code,
    cast(managed.district_code as varchar) as district_code,
    cast(managed.valid_from as date) as valid_from_date,
    cast(managed.valid_to as date) as valid_to_date,
    cast(managed.reason_code as varchar) as reason_code,
    cast(managed.transfer_key as varchar) as transfer_key,
    cast(managed.valid_from <= {{ as_of_date() }} and managed.valid_to > {{ as_of_date() }} as boolean) as is_current
from managed
where
    managed.valid_from < managed.valid_to
    -- a reform that lies ahead has not happened yet
    and managed.valid_from <= {{ as_of_date() }}
    and {{ is_showable('managed.person_key') }}

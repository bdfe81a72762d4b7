-- Numbers that cannot simply stand for a person: dummies, and adults' numbers that were put on children.
with parameter as (
    select parameter_period.dummy_id_archives
    from {{ ref('parameter_period') }} as parameter_period
    where
        parameter_period.valid_from <= {{ as_of_date() }}
        and parameter_period.valid_to > {{ as_of_date() }}
),

carried as (
    select
        archive.identity_key,
        archive.key_birth_date,
        archive.own_key,
        archive.compared_name,
        archive.birth_date
    from {{ ref('archive_identity_version') }} as archive
    where
        archive.is_latest
        and archive.identity_key is not null
        and archive.identity_key not like 'MO:%'
),

shared as (
    -- most numbers stand in one archive only; the distinct counts are made for the few others
    select carried.identity_key
    from carried
    group by carried.identity_key
    having count(*) > 1
),

counted as (
    select
        carried.identity_key,
        carried.key_birth_date,
        count(distinct carried.own_key) as archive_count,
        count(distinct carried.compared_name) as name_count,
        count(distinct carried.birth_date) as birth_date_count,
        {{ any_true('carried.birth_date = carried.key_birth_date') }} as has_owner,
        {{ any_true('carried.birth_date >= ' ~ add_months('carried.key_birth_date', 144)) }} as has_child
    from carried
    inner join shared on carried.identity_key = shared.identity_key
    group by carried.identity_key, carried.key_birth_date
),

judged as (
    select
        counted.identity_key,
        counted.key_birth_date,
        counted.archive_count,
        counted.name_count,
        counted.birth_date_count,
        counted.archive_count > parameter.dummy_id_archives
        and (counted.name_count > 1 or counted.birth_date_count > 1) as is_dummy,
        counted.has_owner and counted.has_child as is_adult_owned
    from counted
    cross join parameter
)

select
    judged.identity_key,
    judged.key_birth_date,
    judged.archive_count,
    judged.name_count,
    judged.birth_date_count,
    judged.is_dummy,
    judged.is_adult_owned
from judged
where
    judged.is_dummy
    or judged.is_adult_owned

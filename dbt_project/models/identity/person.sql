-- One row per resolved person; the values of the current archive received last, then of other sources.
with archive_value as (
    select
        archive_person.person_key,
        archive.name,
        archive.birth_date,
        archive.sex_code,
        archive.ethnic_code,
        row_number() over (
            partition by archive_person.person_key
            order by
                case when archive.vanished_at is null then 0 else 1 end,
                archive.received_at desc,
                archive.delivery_unit asc,
                archive.district_archive_id asc
        ) as recency
    from {{ ref('stg_archive_version') }} as archive
    inner join {{ ref('archive_person') }} as archive_person
        on
            archive.delivery_unit = archive_person.delivery_unit
            and archive.district_archive_id = archive_person.district_archive_id
    where archive.version_status = 'current'
),

index_value as (
    select
        population.person_key,
        population.name,
        population.birth_date,
        population.sex_code,
        row_number() over (
            partition by population.person_key
            order by population.received_at desc, population.record_key asc
        ) as recency
    from {{ with_person('stg_population_index') }} as population
),

sighted_value as (
    select
        alias.person_key,
        max(sighting.name) as name,
        max(sighting.birth_date) as birth_date
    from {{ ref('key_sighting') }} as sighting
    inner join {{ ref('person_alias') }} as alias
        on
            alias.identity_key = coalesce(
                sighting.number_key,
                sighting.mother_key,
                'AR:' || sighting.delivery_unit || ':' || sighting.district_archive_id,
                sighting.record_own_key
            )
    group by alias.person_key
),

restricted as (
    select entry.person_key
    from {{ with_person('stg_restricted_list') }} as entry
    where
        coalesce(entry.listed_date, {{ as_of_date() }}) <= {{ as_of_date() }}
        and (entry.ended_date is null or entry.ended_date > {{ as_of_date() }})
    group by entry.person_key
)

select
    alias.person_key,
    alias.identity_key,
    alias.key_type_code,
    alias.key_class,
    coalesce(archive_value.name, index_value.name, sighted_value.name) as name,
    coalesce(
        archive_value.birth_date,
        index_value.birth_date,
        {{ key_birth_date('alias.identity_key') }},
        sighted_value.birth_date
    ) as birth_date,
    coalesce(
        archive_value.sex_code,
        index_value.sex_code,
        case
            when alias.key_type_code <> 'ID' then null
            -- the 17th digit of the number is odd for men
            when substr(alias.identity_key, 20, 1) in ('1', '3', '5', '7', '9') then '1'
            else '2'
        end
    ) as sex_code,
    archive_value.ethnic_code,
    archive_value.person_key is not null as has_archive,
    restricted.person_key is not null as is_restricted
from {{ ref('person_alias') }} as alias
left join archive_value
    on
        alias.person_key = archive_value.person_key
        and archive_value.recency = 1
left join index_value
    on
        alias.person_key = index_value.person_key
        and index_value.recency = 1
left join sighted_value on alias.person_key = sighted_value.person_key
left join restricted on alias.person_key = restricted.person_key
where alias.is_current

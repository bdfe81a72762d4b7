-- Recorded status of a person over time, cut where the managing institution changes.
with held as (
    select
        person_key,
        org_code,
        district_code,
        valid_from,
        held_to
    from {{ ref('manager_segment') }}
    union all
    select
        person.person_key,
        cast(null as varchar) as org_code,
        cast(null as varchar) as district_code,
        cast('1900-01-01' as date) as valid_from,
        coalesce(min(segment.valid_from), {{ end_of_time() }}) as held_to
    from (select distinct person_key from {{ ref('status_interval') }}) as person
    left join {{ ref('manager_segment') }} as segment
        on person.person_key = segment.person_key
    group by person.person_key
)

select
    cast(status.person_key as varchar) as person_key,
    cast(status.status_code as varchar) as status_code,
    cast(greatest(status.valid_from, held.valid_from) as date) as valid_from_date,
    cast(least(status.valid_to, held.held_to) as date) as valid_to_date,
    cast(status.evidence_code as varchar) as evidence_code,
    cast(status.evidence_key as varchar) as evidence_key,
    cast(status.rule_id as varchar) as rule_id,
    cast(held.org_code as varchar) as org_code,
    cast(held.district_code as varchar) as district_code,
    cast(
        greatest(status.valid_from, held.valid_from) <= {{ as_of_date() }}
        and least(status.valid_to, held.held_to) > {{ as_of_date() }} as boolean
    ) as is_current
from {{ ref('status_interval') }} as status
inner join held
    on
        status.person_key = held.person_key
        and status.valid_from < held.held_to
        and status.valid_to > held.valid_from
where
    {{ is_showable('status.person_key') }}
    and greatest(status.valid_from, held.valid_from) <= {{ as_of_date() }}

-- Every key that leads to a person, with the person's key: the pseudonym of the best key of the group.
with number_seen as (
    select
        archive_number.number_key as identity_key,
        archive_number.first_received_at
    from {{ ref('archive_number') }} as archive_number
    union all
    select
        sighting.number_key as identity_key,
        sighting.first_received_at
    from {{ ref('key_sighting') }} as sighting
    where sighting.number_key is not null
    union all
    select
        sighting.birth_key as identity_key,
        sighting.first_received_at
    from {{ ref('key_sighting') }} as sighting
    where sighting.birth_key is not null
    union all
    -- a number that is only known as the predecessor of another one
    select
        link.from_key as identity_key,
        link.linked_at as first_received_at
    from {{ ref('identity_link') }} as link
    where
        link.reason_code = 'STATED_PREVIOUS'
        and not link.is_blocked
),

keyless_archive as (
    select archive.own_key
    from {{ ref('archive_identity_version') }} as archive
    where
        archive.identity_key is null
        and archive.birth_key is null
        and archive.mother_key is null
    group by archive.own_key
),

member as (
    select
        number_seen.identity_key,
        coalesce(min(component.component_key), number_seen.identity_key) as component_key,
        min(number_seen.first_received_at) as first_received_at
    from number_seen
    left join {{ ref('identity_component') }} as component on number_seen.identity_key = component.identity_key
    group by number_seen.identity_key
    union all
    select
        mother_key.mother_key as identity_key,
        mother_key.component_key,
        mother_key.first_received_at
    from {{ ref('mother_key') }} as mother_key
    where mother_key.component_key is not null
    union all
    select
        anchor.own_key as identity_key,
        coalesce(component.component_key, anchor.anchor_key) as component_key,
        anchor.first_received_at
    from {{ ref('archive_anchor') }} as anchor
    left join keyless_archive on anchor.own_key = keyless_archive.own_key
    left join {{ ref('identity_component') }} as component on anchor.anchor_key = component.identity_key
    where
        anchor.anchor_key = anchor.own_key
        or keyless_archive.own_key is not null
    union all
    -- records of an archive that was never delivered, and records that name nobody
    select
        sighting.identity_key,
        coalesce(min(component.component_key), sighting.identity_key) as component_key,
        min(sighting.first_received_at) as first_received_at
    from (
        select
            coalesce(
                'AR:' || key_sighting.delivery_unit || ':' || key_sighting.district_archive_id,
                key_sighting.record_own_key
            ) as identity_key,
            key_sighting.first_received_at
        from {{ ref('key_sighting') }} as key_sighting
        left join {{ ref('archive_subject') }} as subject
            on
                key_sighting.delivery_unit = subject.delivery_unit
                and key_sighting.district_archive_id = subject.district_archive_id
        left join {{ ref('mother_key') }} as mother_key on key_sighting.mother_key = mother_key.mother_key
        where
            key_sighting.number_key is null
            and subject.district_archive_id is null
            and mother_key.component_key is null
    ) as sighting
    left join {{ ref('identity_component') }} as component on sighting.identity_key = component.identity_key
    group by sighting.identity_key
),

replaced as (
    select link.from_key
    from {{ ref('identity_link') }} as link
    where
        link.reason_code = 'STATED_PREVIOUS'
        and not link.is_blocked
    group by link.from_key
),

keyed as (
    select
        member.identity_key,
        member.component_key,
        member.first_received_at,
        {{ pseudonym('member.identity_key') }} as alias_key,
        row_number() over (
            partition by member.component_key
            order by
                {{ key_rank('member.identity_key') }},
                case when replaced.from_key is null then 0 else 1 end,
                member.first_received_at,
                member.identity_key
        ) as preference
    from member
    left join replaced on member.identity_key = replaced.from_key
)

select
    keyed.identity_key,
    {{ key_type('keyed.identity_key') }} as key_type_code,
    {{ key_class('keyed.identity_key') }} as key_class,
    keyed.alias_key,
    best.alias_key as person_key,
    keyed.component_key,
    keyed.first_received_at,
    case
        when keyed.preference > 1 then greatest(keyed.first_received_at, best.first_received_at)
    end as superseded_at,
    keyed.preference = 1 as is_current
from keyed
inner join keyed as best
    on
        keyed.component_key = best.component_key
        and best.preference = 1

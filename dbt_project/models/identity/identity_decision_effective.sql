-- The verdict in force on each pair of keys: the latest by decided_at that was not revoked.
-- Endpoints may be keys, bare numbers, or the pseudonym of any key or archive; they are resolved to keys here.
with decision as (
    select
        decision_row.record_scope || ':' || decision_row.decision_id as decision_ref,
        decision_row.record_scope || ':' || decision_row.revokes_decision_id as revoked_ref,
        decision_row.decision_id,
        decision_row.delivery_unit,
        decision_row.left_key,
        decision_row.right_key,
        decision_row.verdict_code,
        decision_row.decided_at
    from {{ ref('stg_identity_decision') }} as decision_row
),

-- a revocation can itself be revoked; four steps settle every chain that people make
standing_0 as (
    select decision.* from decision
),
{% for step in range(1, 5) %}
    standing_{{ step }} as (
        select decision.*
        from decision
        where not exists (
            select 1
            from standing_{{ step - 1 }} as revoking
            where
                revoking.revoked_ref = decision.decision_ref
                and revoking.decision_ref <> decision.decision_ref
        )
    ),
{% endfor %}
endpoint as (
    select standing_4.left_key as written_key from standing_4
    union
    select standing_4.right_key as written_key from standing_4
),

known_pseudonym as (
    select
        {{ pseudonym('sighting.number_key') }} as alias_key,
        sighting.number_key as identity_key
    from (
        select archive_number.number_key from {{ ref('archive_number') }} as archive_number
        union
        select key_sighting.number_key from {{ ref('key_sighting') }} as key_sighting
        where key_sighting.number_key is not null
        union
        select archive.mother_key from {{ ref('archive_identity_version') }} as archive
        where archive.mother_key is not null
        union
        select key_sighting.mother_key from {{ ref('key_sighting') }} as key_sighting
        where key_sighting.mother_key is not null
        union
        select archive_subject.own_key from {{ ref('archive_subject') }} as archive_subject
    ) as sighting
    -- pseudonyms are reversed only when a decision speaks in them
    where exists (
        select 1 from endpoint
        where length(endpoint.written_key) = 64
    )
),

resolved as (
    select
        endpoint.written_key,
        coalesce(
            subject.own_key,
            known_pseudonym.identity_key,
            {{ key_of_number('endpoint.written_key') }},
            endpoint.written_key
        ) as resolved_key
    from endpoint
    left join {{ ref('archive_subject') }} as subject on endpoint.written_key = subject.archive_key
    left join known_pseudonym on endpoint.written_key = known_pseudonym.alias_key
),

paired as (
    select
        standing_4.decision_id,
        standing_4.decision_ref,
        standing_4.delivery_unit,
        least(left_end.resolved_key, right_end.resolved_key) as left_key,
        greatest(left_end.resolved_key, right_end.resolved_key) as right_key,
        standing_4.verdict_code,
        standing_4.decided_at
    from standing_4
    inner join resolved as left_end on standing_4.left_key = left_end.written_key
    inner join resolved as right_end on standing_4.right_key = right_end.written_key
    where
        left_end.resolved_key <> right_end.resolved_key
        and standing_4.verdict_code is not null
),

ranked as (
    select
        paired.*,
        row_number() over (
            partition by paired.left_key, paired.right_key
            order by paired.decided_at desc nulls last, paired.decision_ref desc
        ) as recency
    from paired
)

select
    ranked.decision_id,
    ranked.delivery_unit,
    ranked.left_key,
    ranked.right_key,
    ranked.verdict_code,
    ranked.decided_at
from ranked
where ranked.recency = 1

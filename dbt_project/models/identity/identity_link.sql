-- Every statement that two keys are one person, with what became of it. Nothing here is a guess: an archive that
-- carries both keys, a row that carries both, a stated predecessor, or a reviewer's decision.
with archive_upgrade as (
    select
        anchor.anchor_key as to_key,
        archive_number.number_key as from_key,
        case
            when {{ key_type('archive_number.number_key') }} = {{ key_type('anchor.anchor_key') }} then 'RENEWED_DOCUMENT'
            else 'ARCHIVE_UPGRADE'
        end as reason_code,
        archive_number.own_key as evidence,
        greatest(archive_number.first_received_at, anchored.first_received_at) as linked_at
    from {{ ref('archive_number') }} as archive_number
    inner join {{ ref('archive_anchor') }} as anchor on archive_number.own_key = anchor.own_key
    inner join {{ ref('archive_number') }} as anchored
        on
            anchor.own_key = anchored.own_key
            and anchor.anchor_key = anchored.number_key
    where
        archive_number.number_key <> anchor.anchor_key
        and (
            archive_number.birth_date = anchored.birth_date
            or archive_number.birth_date is null
            or anchored.birth_date is null
        )
        and (
            archive_number.key_rank > anchored.key_rank
            -- a passport is renewed with another number; an ID or a birth certificate is not
            or (
                archive_number.key_rank = 3
                and anchored.key_rank = 3
                and archive_number.compared_name = anchored.compared_name
                and archive_number.birth_date = anchored.birth_date
            )
        )
),

same_row as (
    select
        sighting.number_key as to_key,
        sighting.birth_key as from_key,
        'SAME_ROW' as reason_code,
        min('unit:' || sighting.delivery_unit) as evidence,
        min(sighting.first_received_at) as linked_at
    from {{ ref('key_sighting') }} as sighting
    where
        sighting.number_key <> sighting.birth_key
        and (
            sighting.birth_date is null
            or {{ key_birth_date('sighting.number_key') }} is null
            or sighting.birth_date = {{ key_birth_date('sighting.number_key') }}
        )
    group by sighting.number_key, sighting.birth_key
),

stated_row as (
    select
        archive_number.number_key as to_key,
        archive.previous_key as from_key,
        archive.own_key,
        archive.compared_name,
        archive.birth_date,
        archive.first_received_at
    from {{ ref('archive_identity_version') }} as archive
    inner join {{ ref('archive_anchor') }} as anchor on archive.own_key = anchor.own_key
    inner join {{ ref('archive_number') }} as archive_number
        on
            anchor.own_key = archive_number.own_key
            and anchor.anchor_key = archive_number.number_key
    left join {{ ref('unusable_identity_key') }} as unusable on archive.previous_key = unusable.identity_key
    where
        archive.previous_key is not null
        and archive.previous_key <> archive_number.number_key
        and not coalesce(unusable.is_dummy, false)
),

living_owner as (
    -- the stated predecessor is the present number of somebody else, of another name and another birth date
    select
        stated_row.to_key,
        stated_row.from_key
    from stated_row
    inner join {{ ref('archive_identity_version') }} as owner
        on
            stated_row.from_key = owner.identity_key
            and owner.is_latest
            and stated_row.own_key <> owner.own_key
            and stated_row.compared_name <> owner.compared_name
            and stated_row.birth_date <> owner.birth_date
    group by stated_row.to_key, stated_row.from_key
),

stated as (
    select
        stated_row.to_key,
        stated_row.from_key,
        case when living_owner.to_key is null then 'STATED_PREVIOUS' else 'STATED_PREVIOUS_DISPUTED' end
            as reason_code,
        min(stated_row.own_key) as evidence,
        min(stated_row.first_received_at) as linked_at
    from stated_row
    left join living_owner
        on
            stated_row.to_key = living_owner.to_key
            and stated_row.from_key = living_owner.from_key
    group by stated_row.to_key, stated_row.from_key, living_owner.to_key
),

renumbered as (
    -- the archive names its own earlier archive number: in the same unit, or with the same mother and name
    select
        anchor.anchor_key as to_key,
        former_anchor.anchor_key as from_key,
        'PREVIOUS_ARCHIVE' as reason_code,
        min(archive.own_key) as evidence,
        min(archive.first_received_at) as linked_at
    from {{ ref('archive_identity_version') }} as archive
    inner join {{ ref('archive_identity_version') }} as former
        on
            archive.previous_district_archive_id = former.district_archive_id
            and archive.own_key <> former.own_key
            and (
                (archive.delivery_unit = former.delivery_unit and archive.birth_date = former.birth_date)
                or archive.mother_key = former.mother_key
            )
    inner join {{ ref('archive_anchor') }} as anchor on archive.own_key = anchor.own_key
    inner join {{ ref('archive_anchor') }} as former_anchor on former.own_key = former_anchor.own_key
    where
        archive.previous_district_archive_id is not null
        and anchor.anchor_key <> former_anchor.anchor_key
    group by anchor.anchor_key, former_anchor.anchor_key
),

decided as (
    -- a decision on an archive is a decision on the key it hangs on
    select
        coalesce(right_anchor.anchor_key, decision.right_key) as to_key,
        coalesce(left_anchor.anchor_key, decision.left_key) as from_key,
        'DECISION' as reason_code,
        'decision:' || decision.delivery_unit || ':' || decision.decision_id as evidence,
        decision.decided_at as linked_at
    from {{ ref('identity_decision_effective') }} as decision
    left join {{ ref('archive_anchor') }} as left_anchor on decision.left_key = left_anchor.own_key
    left join {{ ref('archive_anchor') }} as right_anchor on decision.right_key = right_anchor.own_key
    where decision.verdict_code = 'same'
),

gathered as (
    select archive_upgrade.* from archive_upgrade
    union all
    select same_row.* from same_row
    union all
    select stated.* from stated
    union all
    select renumbered.* from renumbered
    union all
    select decided.* from decided
),

separated as (
    select
        coalesce(left_anchor.anchor_key, decision.left_key) as left_key,
        coalesce(right_anchor.anchor_key, decision.right_key) as right_key
    from {{ ref('identity_decision_effective') }} as decision
    left join {{ ref('archive_anchor') }} as left_anchor on decision.left_key = left_anchor.own_key
    left join {{ ref('archive_anchor') }} as right_anchor on decision.right_key = right_anchor.own_key
    where decision.verdict_code = 'different'
),

separated_pair as (
    select distinct
        least(separated.left_key, separated.right_key) as left_key,
        greatest(separated.left_key, separated.right_key) as right_key
    from separated
),

judged as (
    select
        least(gathered.from_key, gathered.to_key) as left_key,
        greatest(gathered.from_key, gathered.to_key) as right_key,
        gathered.from_key,
        gathered.to_key,
        gathered.reason_code,
        gathered.evidence,
        gathered.linked_at,
        -- strong: may join two IDs or two certificates
        gathered.reason_code = 'DECISION'
        or (
            gathered.reason_code = 'STATED_PREVIOUS'
            and {{ key_rank('gathered.from_key') }} = {{ key_rank('gathered.to_key') }}
        ) as is_strong
    from gathered
    where gathered.from_key <> gathered.to_key
)

select
    judged.left_key,
    judged.right_key,
    judged.from_key,
    judged.to_key,
    judged.reason_code,
    judged.is_strong,
    separated_pair.left_key is not null or judged.reason_code = 'STATED_PREVIOUS_DISPUTED' as is_blocked,
    min(judged.evidence) as evidence,
    min(judged.linked_at) as linked_at
from judged
left join separated_pair
    on
        judged.left_key = separated_pair.left_key
        and judged.right_key = separated_pair.right_key
group by
    judged.left_key,
    judged.right_key,
    judged.from_key,
    judged.to_key,
    judged.reason_code,
    judged.is_strong,
    separated_pair.left_key

-- The key an archive hangs on: its best usable number (the latest of that kind), else the archive itself.
-- A decision "different" between an archive and a number, or between two archives under one number, takes the
-- number away: from that archive, or from the one of the two that carried it later.
with archive_pair as (
    -- both ways round: either of the two may be the later one
    select
        decision.left_key as one_key,
        decision.right_key as other_key
    from {{ ref('identity_decision_effective') }} as decision
    where
        decision.verdict_code = 'different'
        and decision.left_key like 'AR:%'
        and decision.right_key like 'AR:%'
    union all
    select
        decision.right_key as one_key,
        decision.left_key as other_key
    from {{ ref('identity_decision_effective') }} as decision
    where
        decision.verdict_code = 'different'
        and decision.left_key like 'AR:%'
        and decision.right_key like 'AR:%'
),

archive_block as (
    select
        decision.left_key as own_key,
        decision.right_key as number_key
    from {{ ref('identity_decision_effective') }} as decision
    where
        decision.verdict_code = 'different'
        and decision.left_key like 'AR:%'
        and decision.right_key not like 'AR:%'
    union
    select
        decision.right_key as own_key,
        decision.left_key as number_key
    from {{ ref('identity_decision_effective') }} as decision
    where
        decision.verdict_code = 'different'
        and decision.right_key like 'AR:%'
        and decision.left_key not like 'AR:%'
    union
    select
        later.own_key,
        later.number_key
    from archive_pair
    inner join {{ ref('archive_number') }} as former on archive_pair.one_key = former.own_key
    inner join {{ ref('archive_number') }} as later
        on
            archive_pair.other_key = later.own_key
            and former.number_key = later.number_key
    where
        later.first_received_at > former.first_received_at
        or (later.first_received_at = former.first_received_at and later.own_key > former.own_key)
),

claimed as (
    select
        archive_number.own_key,
        archive_number.number_key,
        row_number() over (
            partition by archive_number.own_key
            order by archive_number.key_rank asc, archive_number.last_version_number desc, archive_number.number_key asc
        ) as preference
    from {{ ref('archive_number') }} as archive_number
    left join archive_block
        on
            archive_number.own_key = archive_block.own_key
            and archive_number.number_key = archive_block.number_key
    where archive_block.own_key is null
)

select
    subject.delivery_unit,
    subject.district_archive_id,
    subject.archive_key,
    subject.own_key,
    coalesce(claimed.number_key, subject.own_key) as anchor_key,
    subject.first_received_at
from {{ ref('archive_subject') }} as subject
left join claimed
    on
        subject.own_key = claimed.own_key
        and claimed.preference = 1

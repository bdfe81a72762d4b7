-- The key an archive hangs on: its best usable number (the latest of that kind), else the archive itself.
-- A decision "different" between an archive and a number, or between two archives under one number, takes the
-- number away: from that archive, or from the one of the two that carried it later.
with archive_block as (
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
        later.own_key,
        later.number_key
    from {{ ref('identity_decision_effective') }} as decision
    inner join {{ ref('archive_number') }} as former on former.own_key in (decision.left_key, decision.right_key)
    inner join {{ ref('archive_number') }} as later
        on
            later.own_key in (decision.left_key, decision.right_key)
            and later.own_key <> former.own_key
            and later.number_key = former.number_key
    where
        decision.verdict_code = 'different'
        and decision.left_key like 'AR:%'
        and decision.right_key like 'AR:%'
        and (
            later.first_received_at > former.first_received_at
            or (later.first_received_at = former.first_received_at and later.own_key > former.own_key)
        )
),

claimed as (
    select
        archive_number.own_key,
        archive_number.number_key,
        row_number() over (
            partition by archive_number.own_key
            order by archive_number.key_rank, archive_number.last_version_number desc, archive_number.number_key
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

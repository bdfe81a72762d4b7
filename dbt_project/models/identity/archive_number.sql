-- The numbers under each archive that may stand for its person, one row per archive and usable number.
with read_row as (
    select
        archive.*,
        {{ usable_number('archive', 'unusable', 'unusable_birth') }} as number_key,
        case
            when not coalesce(unusable_birth.is_dummy, false) then archive.birth_key
        end as usable_birth_key
    from {{ ref('archive_identity_version') }} as archive
    left join {{ ref('unusable_identity_key') }} as unusable on archive.identity_key = unusable.identity_key
    left join {{ ref('unusable_identity_key') }} as unusable_birth
        on archive.birth_key = unusable_birth.identity_key
),

mentioned as (
    select
        read_row.delivery_unit,
        read_row.district_archive_id,
        read_row.own_key,
        read_row.number_key,
        read_row.version_number,
        read_row.first_received_at,
        read_row.compared_name,
        coalesce({{ key_birth_date('read_row.number_key') }}, read_row.birth_date) as birth_date
    from read_row
    where read_row.number_key is not null
    union all
    -- a row with an ID may still carry the certificate it was born with
    select
        read_row.delivery_unit,
        read_row.district_archive_id,
        read_row.own_key,
        read_row.usable_birth_key as number_key,
        read_row.version_number,
        read_row.first_received_at,
        read_row.compared_name,
        read_row.birth_date
    from read_row
    where
        read_row.usable_birth_key is not null
        and read_row.usable_birth_key <> read_row.number_key
)

select
    mentioned.delivery_unit,
    mentioned.district_archive_id,
    mentioned.own_key,
    mentioned.number_key,
    {{ key_rank('mentioned.number_key') }} as key_rank,
    max(mentioned.version_number) as last_version_number,
    min(mentioned.first_received_at) as first_received_at,
    max(mentioned.birth_date) as birth_date,
    max(mentioned.compared_name) as compared_name
from mentioned
group by
    mentioned.delivery_unit,
    mentioned.district_archive_id,
    mentioned.own_key,
    mentioned.number_key

-- The person of every archive that was ever delivered.
select
    anchor.delivery_unit,
    anchor.district_archive_id,
    anchor.archive_key,
    anchor.anchor_key,
    alias.person_key
from {{ ref('archive_anchor') }} as anchor
inner join {{ ref('person_alias') }} as alias on anchor.anchor_key = alias.identity_key

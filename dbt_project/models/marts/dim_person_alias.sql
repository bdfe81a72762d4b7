-- Every pseudonym a person has had; an identity upgrade adds one and keeps the earlier ones.
select
    cast(alias.alias_key as varchar) as alias_key,
    cast(alias.person_key as varchar) as person_key,
    cast(alias.key_type_code as varchar) as key_type_code,
    cast(alias.key_class as varchar) as key_class_code,
    cast(alias.first_received_at as timestamp) as first_received_at,
    cast(alias.superseded_at as timestamp) as superseded_at,
    cast(alias.is_current as boolean) as is_current
from {{ ref('person_alias') }} as alias
where {{ is_showable('alias.person_key') }}

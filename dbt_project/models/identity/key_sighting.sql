-- Which keys the rows of all other datasets carried, one row per combination of keys, archive and unit.
with named as (
    {%- for dataset in person_datasets() %}
        select
            '{{ dataset }}' as dataset,
            delivery_unit,
            district_archive_id,
            identity_key,
            birth_key,
            mother_key,
            identity_issue_codes,
            record_scope,
            record_key,
            name,
            birth_date,
            first_received_at
        from {{ ref('stg_' ~ dataset) }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

sighted as (
    select
        source_row.delivery_unit,
        source_row.district_archive_id,
        {{ usable_number('source_row', 'unusable', 'unusable_birth') }} as number_key,
        case when not coalesce(unusable_birth.is_dummy, false) then source_row.birth_key end as birth_key,
        source_row.mother_key,
        case
            when
                source_row.district_archive_id is null
                and {{ usable_number('source_row', 'unusable', 'unusable_birth') }} is null
                then 'RE:' || source_row.dataset || ':' || source_row.record_scope || ':' || source_row.record_key
        end as record_own_key,
        source_row.name,
        source_row.birth_date,
        source_row.first_received_at
    from named as source_row
    left join {{ ref('unusable_identity_key') }} as unusable on source_row.identity_key = unusable.identity_key
    left join {{ ref('unusable_identity_key') }} as unusable_birth
        on source_row.birth_key = unusable_birth.identity_key
)

select
    sighted.delivery_unit,
    sighted.district_archive_id,
    sighted.number_key,
    sighted.birth_key,
    sighted.mother_key,
    sighted.record_own_key,
    max(sighted.name) as name,
    max(sighted.birth_date) as birth_date,
    min(sighted.first_received_at) as first_received_at
from sighted
group by
    sighted.delivery_unit,
    sighted.district_archive_id,
    sighted.number_key,
    sighted.birth_key,
    sighted.mother_key,
    sighted.record_own_key

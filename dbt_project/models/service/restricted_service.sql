-- Records of the forms whose very row tells a level 5 disease (GB/T 39725), in any version: no mart of single services and
-- no list of findings names one of them, whoever it is about.
{%- for dataset in level_five_datasets() %}
    select {{ record_subject_key(dataset, 'version.record_scope', 'version.record_key') }} as service_key
    from {{ ref('stg_' ~ dataset ~ '_version') }} as version
    {{ 'union' if not loop.last }}
{%- endfor %}

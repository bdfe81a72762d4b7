-- No person- or service-level mart may hold a row of a restricted person, whatever key it is found by.
{{ config(tags=['blocking'], meta={'dagster': {'ref': {'name': 'fct_archive'}}}) }}
{%- set marts = [
    'dim_person_alias', 'fct_archive', 'fct_archive_status', 'fct_manager_interval', 'fct_transfer', 'fct_termination',
    'fct_service_activity', 'fct_followup', 'fct_exam', 'fct_finding',
] %}
{%- for mart in marts %}
    select
        '{{ mart }}' as mart,
        count(*) as row_count
    from {{ ref(mart) }} as mart_row
    inner join {{ ref('restricted_person') }} as restricted
        on mart_row.person_key = restricted.person_key
    having count(*) > 0
    union all
{%- endfor %}
    -- nor may a form that tells a level 5 disease be seen, whoever it is about
    select
        'fct_service_activity' as mart,
        count(*) as row_count
    from {{ ref('fct_service_activity') }} as mart_row
    where mart_row.dataset in ('{{ level_five_datasets() | join("', '") }}')
    having count(*) > 0

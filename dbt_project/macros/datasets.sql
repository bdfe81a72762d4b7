{#- The contract's datasets by block: whose rows name a person, and whose rows are services. -#}
{% macro service_datasets() -%}
    {{ return(['health_exam', 'htn_followup', 'dm_followup', 'encounter']) }}
{%- endmacro %}

{#- Every dataset with block P except archive, whose history is read version by version. -#}
{% macro person_datasets() -%}
    {{ return([
        'population_index', 'contact_attempt', 'signing', 'transfer', 'termination', 'reactivation',
        'chronic_register', 'restricted_list'
    ] + service_datasets()) }}
{%- endmacro %}

{#- The contract's datasets by block and by level: whose rows name a person, are services, tell a disease. -#}
{% macro service_datasets() -%}
    {{ return([
        'health_exam', 'htn_followup', 'dm_followup', 'encounter', 'self_care_assessment', 'tcm_elderly', 'tcm_child',
        'smi_supplement', 'smi_followup', 'tb_first_visit', 'tb_followup', 'antenatal_first', 'antenatal_followup',
        'postpartum_visit', 'postpartum_42d', 'newborn_visit', 'child_check', 'consultation', 'referral', 'vaccination'
    ]) }}
{%- endmacro %}

{#- Every dataset with block P except archive, whose history is read version by version. -#}
{% macro person_datasets() -%}
    {{ return([
        'population_index', 'contact_attempt', 'signing', 'transfer', 'termination', 'reactivation',
        'chronic_register', 'restricted_list', 'maternal_register', 'infectious_report', 'death_registry',
        'remote_link', 'purge_record', 'resident_feedback', 'access_log', 'service_unit_change', 'sample_check'
    ] + service_datasets()) }}
{%- endmacro %}

{#- Services that need the person's body: without a mode they count as face to face; the others tell their mode. -#}
{% macro in_person_datasets() -%}
    {{ return([
        'health_exam', 'encounter', 'self_care_assessment', 'tcm_elderly', 'tcm_child', 'tb_first_visit',
        'antenatal_first', 'antenatal_followup', 'postpartum_visit', 'postpartum_42d', 'newborn_visit', 'child_check',
        'vaccination'
    ]) }}
{%- endmacro %}

{#- Services whose very row tells a level 5 disease (GB/T 39725): no service-level mart shows one. -#}
{% macro level_five_datasets() -%}
    {{ return(['smi_supplement', 'smi_followup', 'tb_first_visit', 'tb_followup']) }}
{%- endmacro %}

{#- Schemas carry the plain names of the layers; nothing is prefixed with the profile's own schema. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}

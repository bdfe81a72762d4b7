{#- Fails for every one of `columns` that is empty somewhere, with the number of rows; one pass for all of them. -#}
{% test filled(model, columns) %}
with emptiness as (
    select
        {%- for column in columns %}
        count(*) - count({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ model }}
)

select *
from emptiness
where
    {%- for column in columns %}
    {{ 'or ' if not loop.first }}{{ column }} > 0
    {%- endfor %}
{% endtest %}

{#- Fails for every half-open interval that has no first day, no end, or no day in it. -#}
{% test interval_order(model, from_column, to_column) %}
select
    {{ from_column }},
    {{ to_column }}
from {{ model }}
where
    {{ from_column }} is null
    or {{ to_column }} is null
    or {{ from_column }} >= {{ to_column }}
{% endtest %}

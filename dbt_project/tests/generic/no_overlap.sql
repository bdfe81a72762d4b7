{#- Fails where two half-open intervals of one subject share a day; with `gapless`, also where a day lies between. -#}
{% test no_overlap(model, subject, from_column, to_column, gapless=false) %}
select
    subject,
    {{ from_column }},
    {{ to_column }},
    next_from
from (
    select
        -- may be an expression over several columns
        {{ subject }} as subject,
        {{ from_column }},
        {{ to_column }},
        lead({{ from_column }}) over (partition by {{ subject }} order by {{ from_column }}, {{ to_column }})
            as next_from
    from {{ model }}
) as followed
where
    next_from < {{ to_column }}
    {% if gapless %}or next_from > {{ to_column }}{% endif %}
{% endtest %}

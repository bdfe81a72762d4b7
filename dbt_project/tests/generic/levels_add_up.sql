{#-
    Fails for every cell in which city, districts and institutions do not add up to the same number.
    dimensions: what a cell is besides its level; measures: the counts to compare; where: cells that have all levels.
-#}
{% test levels_add_up(model, dimensions, measures, where='1 = 1') %}
with summed as (
    select
        {{ dimensions | join(',\n        ') }},
        {%- for measure in measures %}
        {%- for level in ['city', 'district', 'org'] %}
        coalesce(sum(case when level = '{{ level }}' then {{ measure }} end), 0) as {{ level }}_{{ measure }}{{ ',' if not loop.last }}
        {%- endfor %}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ model }}
    where {{ where }}
    group by {{ dimensions | join(', ') }}
)

select *
from summed
where
    {%- for measure in measures %}
    {{ 'or ' if not loop.first }}city_{{ measure }} <> district_{{ measure }}
    or city_{{ measure }} <> org_{{ measure }}
    {%- endfor %}
{% endtest %}

{#-
    Fails for every cell in which the levels do not add up to the same number.
    dimensions: what a cell is besides its level; measures: the counts to compare; levels: which of city, district, org;
    where: the cells that have all these levels. silent_level: a level that may know nothing of a cell at all; where it
    does not, it is not compared.
-#}
{% test levels_add_up(model, dimensions, measures, levels=['city', 'district', 'org'], where='1 = 1', silent_level=none) %}
with summed as (
    select
        {{ dimensions | join(',\n        ') }},
        {%- for measure in measures %}
        {%- set is_last_measure = loop.last %}
        {%- for level in levels %}
        coalesce(sum(case when level = '{{ level }}' then {{ measure }} end), 0) as {{ level }}_{{ measure }}
        {{- ',' if not (is_last_measure and loop.last) }}
        {%- endfor %}
        {%- endfor %}
        {%- if silent_level %},
        count(case when level = '{{ silent_level }}' then {{ measures[0] }} end) as silent_level_count
        {%- endif %}
    from {{ model }}
    where {{ where }}
    group by {{ dimensions | join(', ') }}
)

select *
from summed
where (
    {%- for measure in measures %}
    {%- set is_first_measure = loop.first %}
    {%- for level in levels[1:] %}
    {{ 'or ' if not (is_first_measure and loop.first) }}{{ levels[0] }}_{{ measure }} <> {{ level }}_{{ measure }}
    {%- endfor %}
    {%- endfor %}
)
{%- if silent_level %}
and silent_level_count > 0
{%- endif %}
{% endtest %}

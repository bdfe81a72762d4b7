{#- Small portable expressions that several layers share; engine differences live in engine.sql. -#}

{#- True when a text of codes joined by '|' holds the code; never null. -#}
{% macro has_code(codes, code) -%}
    (('|' || coalesce({{ codes }}, '') || '|') like '%|{{ code }}|%')
{%- endmacro %}

{#- The date of the evaluation and the knowledge cut-off, as scalar expressions. -#}
{% macro as_of_date() -%}
    (select run_context.as_of_date from {{ source('control', 'run_context') }} as run_context)
{%- endmacro %}
{% macro known_at() -%}
    (select run_context.known_at from {{ source('control', 'run_context') }} as run_context)
{%- endmacro %}

{#- Subject keys of records: the same text everywhere, so that every layer derives the same key. -#}
{% macro record_subject_key(dataset, record_scope='record_scope', record_key='record_key') -%}
    {{ pseudonym("'" ~ dataset ~ ":' || " ~ record_scope ~ " || ':' || " ~ record_key) }}
{%- endmacro %}
{% macro archive_subject_key(unit='delivery_unit', district_archive_id='district_archive_id') -%}
    {{ pseudonym("'archive:' || " ~ unit ~ " || ':' || " ~ district_archive_id) }}
{%- endmacro %}

{#- The one row of a relation per partition that comes first in the given order (window form: it spills). -#}
{% macro first_row_per(relation, partition_by, order_by, columns='*') -%}
    (
        select {{ columns }}
        from (
            select
                candidate.*,
                row_number() over (partition by {{ partition_by }} order by {{ order_by }}) as row_rank
            from {{ relation }} as candidate
        ) as ranked
        where ranked.row_rank = 1
    )
{%- endmacro %}

{#- Left join of an institution's description that is in force for attribution on a date. -#}
{% macro join_org(alias, org_code, on_date) -%}
    left join {{ ref('org_period') }} as {{ alias }}
        on
            {{ org_code }} = {{ alias }}.org_code
            and {{ on_date }} >= {{ alias }}.attributed_from
            and {{ on_date }} < {{ alias }}.attributed_to
{%- endmacro %}

{#- The earliest of several dates, nulls left out; null when all are null. -#}
{% macro earliest(dates) -%}
    nullif(
        least(
            {%- for date in dates %}
            coalesce({{ date }}, {{ end_of_time() }}){{ ',' if not loop.last }}
            {%- endfor %}
        ),
        {{ end_of_time() }}
    )
{%- endmacro %}

{#- The day that the reference lists write for the reform of 2026; the parameter division_reform_date stands in for it. -#}
{% macro listed_reform_date() -%}
    cast('2026-01-01' as date)
{%- endmacro %}

{#- Left join of the district that follows an abolished unit, on a date or at all; null where the unit still exists. -#}
{% macro join_successor(alias, unit, on_date=none) -%}
    left join {{ ref('division_change') }} as {{ alias }}
        on
            {{ unit }} = {{ alias }}.old_code
            and {{ alias }}.is_main
            {%- if on_date %}
            and {{ on_date }} >= {{ alias }}.changed_on
            {%- endif %}
{%- endmacro %}

{#- Left joins of the district into which a reform put an institution, else of the one that follows its district. -#}
{% macro join_later_district(org_code, district_code, on_date=none) -%}
    left join {{ ref('moved_org') }} as moved_org
        on
            {{ org_code }} = moved_org.org_code
            and {{ district_code }} = moved_org.old_district_code
            {%- if on_date %}
            and {{ on_date }} >= moved_org.changed_on
            {%- endif %}
    {{ join_successor('successor', district_code, on_date) }}
{%- endmacro %}

{#- What join_later_district found: new_district_code, or changed_on; null where no reform touched the district. -#}
{% macro later_district(column) -%}
    coalesce(moved_org.{{ column }}, successor.{{ column }})
{%- endmacro %}

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

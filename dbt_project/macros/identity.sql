{#- Identity keys: how they are read, which of them may be used, and the person behind any row. -#}

{#- ID resident number, BC birth certificate, DOC other document, MO mother + name, AR archive, RE record. -#}
{% macro key_type(identity_key) -%}
    case
        when {{ identity_key }} like 'ID:%' then 'ID'
        when {{ identity_key }} like 'BC:%' then 'BC'
        when {{ identity_key }} like 'MO:%' then 'MO'
        when {{ identity_key }} like 'AR:%' then 'AR'
        when {{ identity_key }} like 'RE:%' then 'RE'
        when {{ identity_key }} is not null then 'DOC'
    end
{%- endmacro %}

{#- Place on the key ladder; a smaller number is the better key. -#}
{% macro key_rank(identity_key) -%}
    case
        when {{ identity_key }} like 'ID:%' then 1
        when {{ identity_key }} like 'BC:%' then 2
        when {{ identity_key }} like 'MO:%' then 4
        when {{ identity_key }} like 'AR:%' then 5
        when {{ identity_key }} like 'RE:%' then 6
        when {{ identity_key }} is not null then 3
    end
{%- endmacro %}

{% macro key_class(identity_key) -%}
    case
        when {{ identity_key }} like 'ID:%' or {{ identity_key }} like 'BC:%' then 'A'
        when {{ identity_key }} like 'AR:%' or {{ identity_key }} like 'RE:%' then 'C'
        when {{ identity_key }} is not null then 'B'
    end
{%- endmacro %}

{#- The birth date inside an ID key; null for other keys. -#}
{% macro key_birth_date(identity_key) -%}
    case when {{ identity_key }} like 'ID:%' then {{ date_of_digits('substr(' ~ identity_key ~ ', 10, 8)') }} end
{%- endmacro %}

{#- Names are compared without spaces and separators. -#}
{% macro compared_name(name) -%}
    upper(translate({{ name }}, ' 　·•・．.', ''))
{%- endmacro %}

{#- Names given to a newborn before it has one (A1-2-4d). -#}
{% macro is_placeholder_name(name) -%}
    {{ matches(
        name,
        '(大宝|小宝|二宝|三宝|宝宝|贝贝|毛毛|大双|小双|之子|之女|长子|次子|长女|次女|男婴|女婴|婴儿|新生儿|未取名|未命名)[0-9一二三四甲乙丙丁AB]?$'
    ) }}
{%- endmacro %}

{#- The key of a document number of unknown kind: 18 characters, 15 digits (raised to 18), birth certificate. -#}
{% macro key_of_number(number) -%}
    {%- set text = 'upper(trim(' ~ number ~ '))' -%}
    case
        when {{ matches(text, '^[0-9]{17}[0-9X]$') }} then 'ID:' || {{ text }}
        when {{ matches(text, '^[A-Z][0-9]{9}$') }} then 'BC:' || {{ text }}
        when {{ matches(text, '^[0-9]{15}$') }} then 'ID:' || {{ id_number_of_15(text) }}
    end
{%- endmacro %}

{#- GB 11643: insert 19 before the year and append the check character of ISO 7064 MOD 11-2. -#}
{% macro id_number_of_15(digits) -%}
    {%- set body = '(substr(' ~ digits ~ ", 1, 6) || '19' || substr(" ~ digits ~ ', 7, 9))' -%}
    {%- set weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2] -%}
    ({{ body }} || substr('10X98765432', 1 + (
        {%- for weight in weights %}
        {{ weight }} * cast(substr({{ body }}, {{ loop.index }}, 1) as integer){{ ' +' if not loop.last }}
        {%- endfor %}
    ) % 11, 1))
{%- endmacro %}

{#-
    True when the number on a row of a child is that of an adult who has an archive of her own (A1-2-4c).
    row: alias with identity_key, birth_date, identity_issue_codes. unusable: alias of unusable_identity_key.
-#}
{% macro is_mothers_number(row, unusable) -%}
    (
        {{ has_code(row ~ '.identity_issue_codes', 'MOTHER_ID_AS_OWN') }}
        or coalesce(
            {{ unusable }}.is_adult_owned
            and {{ row }}.birth_date >= {{ add_months(unusable ~ '.key_birth_date', 144) }},
            false
        )
    )
{%- endmacro %}

{#- The number on a row that may stand for the person: ID, other document or birth certificate; else null. -#}
{% macro usable_number(row, unusable, unusable_birth) -%}
    case
        when
            {{ row }}.identity_key is not null
            and {{ row }}.identity_key not like 'MO:%'
            and not coalesce({{ unusable }}.is_dummy, false)
            and not {{ is_mothers_number(row, unusable) }}
            then {{ row }}.identity_key
        when {{ row }}.birth_key is not null and not coalesce({{ unusable_birth }}.is_dummy, false)
            then {{ row }}.birth_key
    end
{%- endmacro %}

{#-
    The current rows of a staging model with the person of each: by its number, else by its unit's archive, else
    by mother and name, else by itself. Usable in a from clause: from {{ with_person('stg_x') }} as x.
-#}
{% macro with_person(model) -%}
    {{ with_person_of(ref(model), "'" ~ model | replace('stg_', '') | replace('_version', '') ~ "'") }}
{%- endmacro %}

{#-
    The same for any relation with the columns of block P and provenance; dataset: expression of the dataset's name.
    Rows of many datasets are put together first: the persons of the city are then held in memory once.
-#}
{% macro with_person_of(relation, dataset='source_row.dataset') -%}
    (
        select
            source_row.*,
            coalesce(
                by_number.person_key,
                by_archive.person_key,
                by_mother.person_key,
                by_itself.person_key
            ) as person_key
        from {{ relation }} as source_row
        left join {{ ref('unusable_identity_key') }} as unusable
            on source_row.identity_key = unusable.identity_key
        left join {{ ref('unusable_identity_key') }} as unusable_birth
            on source_row.birth_key = unusable_birth.identity_key
        left join {{ ref('person_alias') }} as by_number
            on by_number.identity_key = {{ usable_number('source_row', 'unusable', 'unusable_birth') }}
        left join {{ ref('archive_person') }} as by_archive
            on
                source_row.delivery_unit = by_archive.delivery_unit
                and source_row.district_archive_id = by_archive.district_archive_id
        left join {{ ref('person_alias') }} as by_mother
            on
                source_row.mother_key = by_mother.identity_key
                and by_mother.key_type_code = 'MO'
        left join {{ ref('person_alias') }} as by_itself
            on
                by_itself.key_type_code in ('AR', 'RE')
                and by_itself.identity_key = coalesce(
                    'AR:' || source_row.delivery_unit || ':' || source_row.district_archive_id,
                    'RE:' || {{ dataset }} || ':' || source_row.record_scope || ':' || source_row.record_key
                )
    )
{%- endmacro %}

{#-
    Connected components of an undirected graph without recursion: every node takes the smallest label among its
    neighbours, hands it to the node it points at, and then follows its pointer (doubling). Distances of about
    2^rounds are reached; a data test fails when a component has not converged.

    edges: relation with left_key and right_key, one direction. Gives CTEs ending in <prefix>_component
    (identity_key, component_key).
-#}
{% macro component_ctes(prefix, edges, rounds=8) -%}
{{ prefix }}_edge as (
    select
        edge.left_key as from_key,
        edge.right_key as to_key
    from {{ edges }} as edge
    union
    select
        edge.right_key as from_key,
        edge.left_key as to_key
    from {{ edges }} as edge
),

{{ prefix }}_label_0 as (
    select
        edge.from_key as node_key,
        least(edge.from_key, min(edge.to_key)) as label_key
    from {{ prefix }}_edge as edge
    group by edge.from_key
),
{% for round in range(1, rounds + 1) %}
{{ prefix }}_offer_{{ round }} as (
    select
        near.label_key as near_label,
        far.label_key as far_label,
        edge.from_key
    from {{ prefix }}_edge as edge
    inner join {{ prefix }}_label_{{ round - 1 }} as near on edge.from_key = near.node_key
    inner join {{ prefix }}_label_{{ round - 1 }} as far on edge.to_key = far.node_key
),

{{ prefix }}_taken_{{ round }} as (
    select
        offered.node_key,
        min(offered.label_key) as label_key
    from (
        select
            label.node_key,
            label.label_key
        from {{ prefix }}_label_{{ round - 1 }} as label
        union all
        select
            offer.from_key as node_key,
            offer.far_label as label_key
        from {{ prefix }}_offer_{{ round }} as offer
        union all
        select
            offer.near_label as node_key,
            offer.far_label as label_key
        from {{ prefix }}_offer_{{ round }} as offer
    ) as offered
    group by offered.node_key
),

{{ prefix }}_label_{{ round }} as (
    select
        taken.node_key,
        followed.label_key
    from {{ prefix }}_taken_{{ round }} as taken
    inner join {{ prefix }}_taken_{{ round }} as followed on taken.label_key = followed.node_key
),
{% endfor %}
{{ prefix }}_component as (
    select
        label.node_key as identity_key,
        label.label_key as component_key
    from {{ prefix }}_label_{{ rounds }} as label
)
{%- endmacro %}

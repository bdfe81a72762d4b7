{#-
    Every difference between the engines, and nothing else: one dispatched macro per difference.
    Arguments are SQL expressions as text. Date arithmetic follows articles 201-203 of the Civil Code.
-#}

{#- The corresponding day n months later, else the last day of that month; n may be an expression. -#}
{% macro add_months(date, n) %}{{ return(adapter.dispatch('add_months', 'yudang')(date, n)) }}{% endmacro %}
{% macro default__add_months(date, n) -%}
    cast({{ date }} + to_months(cast({{ n }} as integer)) as date)
{%- endmacro %}
{% macro spark__add_months(date, n) -%}
    add_months({{ date }}, cast({{ n }} as int))
{%- endmacro %}

{#- The day n days later; n may be an expression. -#}
{% macro add_days(date, n) %}{{ return(adapter.dispatch('add_days', 'yudang')(date, n)) }}{% endmacro %}
{% macro default__add_days(date, n) -%}
    (cast({{ date }} as date) + cast({{ n }} as integer))
{%- endmacro %}
{% macro spark__add_days(date, n) -%}
    date_add({{ date }}, cast({{ n }} as int))
{%- endmacro %}

{#- Natural days from one date to another (later minus earlier), an integer. -#}
{% macro days_between(from_date, to_date) %}{{ return(adapter.dispatch('days_between', 'yudang')(from_date, to_date)) }}{% endmacro %}
{% macro default__days_between(from_date, to_date) -%}
    cast(cast({{ to_date }} as date) - cast({{ from_date }} as date) as integer)
{%- endmacro %}
{% macro spark__days_between(from_date, to_date) -%}
    datediff({{ to_date }}, {{ from_date }})
{%- endmacro %}

{#- Completed months; a month is complete on the corresponding day (clipped). Not a count of boundaries. -#}
{% macro full_months(from_date, to_date) %}{{ return(adapter.dispatch('full_months', 'yudang')(from_date, to_date)) }}{% endmacro %}
{% macro default__full_months(from_date, to_date) -%}
    date_sub('month', cast({{ from_date }} as date), cast({{ to_date }} as date))
{%- endmacro %}
{% macro spark__full_months(from_date, to_date) -%}
    (
        (year({{ to_date }}) - year({{ from_date }})) * 12 + month({{ to_date }}) - month({{ from_date }})
        - case
            when {{ to_date }} < add_months(
                {{ from_date }},
                (year({{ to_date }}) - year({{ from_date }})) * 12 + month({{ to_date }}) - month({{ from_date }})
            ) then 1
            else 0
        end
    )
{%- endmacro %}

{#- Completed years: the age on to_date of somebody born on from_date. -#}
{% macro full_years(from_date, to_date) %}{{ return(adapter.dispatch('full_years', 'yudang')(from_date, to_date)) }}{% endmacro %}
{% macro default__full_years(from_date, to_date) -%}
    date_sub('year', cast({{ from_date }} as date), cast({{ to_date }} as date))
{%- endmacro %}
{% macro spark__full_years(from_date, to_date) -%}
    cast(floor({{ yudang.spark__full_months(from_date, to_date) }} / 12) as int)
{%- endmacro %}

{% macro first_day_of_year(date) %}{{ return(adapter.dispatch('first_day_of_year', 'yudang')(date)) }}{% endmacro %}
{% macro default__first_day_of_year(date) -%}
    cast(date_trunc('year', {{ date }}) as date)
{%- endmacro %}
{% macro spark__first_day_of_year(date) -%}
    trunc({{ date }}, 'year')
{%- endmacro %}

{% macro first_day_of_month(date) %}{{ return(adapter.dispatch('first_day_of_month', 'yudang')(date)) }}{% endmacro %}
{% macro default__first_day_of_month(date) -%}
    cast(date_trunc('month', {{ date }}) as date)
{%- endmacro %}
{% macro spark__first_day_of_month(date) -%}
    trunc({{ date }}, 'month')
{%- endmacro %}

{#- 'YYYY-MM' of a date. -#}
{% macro month_text(date) %}{{ return(adapter.dispatch('month_text', 'yudang')(date)) }}{% endmacro %}
{% macro default__month_text(date) -%}
    strftime({{ date }}, '%Y-%m')
{%- endmacro %}
{% macro spark__month_text(date) -%}
    date_format({{ date }}, 'yyyy-MM')
{%- endmacro %}

{% macro make_date(year, month, day) %}{{ return(adapter.dispatch('make_date', 'yudang')(year, month, day)) }}{% endmacro %}
{% macro default__make_date(year, month, day) -%}
    make_date(cast({{ year }} as bigint), cast({{ month }} as bigint), cast({{ day }} as bigint))
{%- endmacro %}
{% macro spark__make_date(year, month, day) -%}
    make_date(cast({{ year }} as int), cast({{ month }} as int), cast({{ day }} as int))
{%- endmacro %}

{#- A date from eight digits; null when they are no date. -#}
{% macro date_of_digits(text) %}{{ return(adapter.dispatch('date_of_digits', 'yudang')(text)) }}{% endmacro %}
{% macro default__date_of_digits(text) -%}
    try_cast(substr({{ text }}, 1, 4) || '-' || substr({{ text }}, 5, 2) || '-' || substr({{ text }}, 7, 2) as date)
{%- endmacro %}

{% macro date_literal(day) -%}
    cast('{{ day }}' as date)
{%- endmacro %}

{#- The open end of every half-open interval. -#}
{% macro end_of_time() -%}
    cast('9999-12-31' as date)
{%- endmacro %}

{#-
    The keyed pseudonym of a text (HMAC-SM3 under the site key, 64 hex digits).
    DuckDB 1.5 frees the strings of an Arrow function too early when coalesce() or case passes them on; the
    concatenation copies them first. tests/identity holds the proof.
-#}
{% macro pseudonym(text) %}{{ return(adapter.dispatch('pseudonym', 'yudang')(text)) }}{% endmacro %}
{% macro default__pseudonym(text) -%}
    (hmac_sm3({{ text }}) || '')
{%- endmacro %}
{% macro spark__pseudonym(text) -%}
    hmac_sm3({{ text }})
{%- endmacro %}

{#- pattern: a regular expression without quotes. -#}
{% macro matches(text, pattern) %}{{ return(adapter.dispatch('matches', 'yudang')(text, "'" ~ pattern ~ "'")) }}{% endmacro %}
{% macro default__matches(text, pattern) -%}
    regexp_matches({{ text }}, {{ pattern }})
{%- endmacro %}
{% macro spark__matches(text, pattern) -%}
    ({{ text }} rlike {{ pattern }})
{%- endmacro %}

{#- Distinct non-null values, sorted and joined. -#}
{% macro joined_values(expression, separator='|') %}{{ return(adapter.dispatch('joined_values', 'yudang')(expression, "'" ~ separator ~ "'")) }}{% endmacro %}
{% macro default__joined_values(expression, separator) -%}
    nullif(array_to_string(list_sort(list_distinct(list({{ expression }}))), {{ separator }}), '')
{%- endmacro %}
{% macro spark__joined_values(expression, separator) -%}
    nullif(array_join(array_sort(collect_set({{ expression }})), {{ separator }}), '')
{%- endmacro %}

{% macro any_true(expression) %}{{ return(adapter.dispatch('any_true', 'yudang')(expression)) }}{% endmacro %}
{% macro default__any_true(expression) -%}
    coalesce(bool_or({{ expression }}), false)
{%- endmacro %}

{#- One value of a JSON object held as text, e.g. the raw code behind a null. -#}
{% macro json_text(json, key) %}{{ return(adapter.dispatch('json_text', 'yudang')(json, "'$." ~ key ~ "'")) }}{% endmacro %}
{% macro default__json_text(json, path) -%}
    json_extract_string({{ json }}, {{ path }})
{%- endmacro %}
{% macro spark__json_text(json, path) -%}
    get_json_object({{ json }}, {{ path }})
{%- endmacro %}

{#- Lists and structs, for unpivoting many columns in one pass over a table. -#}
{% macro list_of(expressions) %}{{ return(adapter.dispatch('list_of', 'yudang')(expressions)) }}{% endmacro %}
{% macro default__list_of(expressions) -%}
    [{{ expressions | join(', ') }}]
{%- endmacro %}
{% macro spark__list_of(expressions) -%}
    array({{ expressions | join(', ') }})
{%- endmacro %}

{#- fields: list of (name, expression) pairs. -#}
{% macro struct_of(fields) %}{{ return(adapter.dispatch('struct_of', 'yudang')(fields)) }}{% endmacro %}
{% macro default__struct_of(fields) -%}
    {
    {%- for name, expression in fields %}'{{ name }}': {{ expression }}{{ ', ' if not loop.last }}{% endfor -%}
    }
{%- endmacro %}
{% macro spark__struct_of(fields) -%}
    named_struct(
    {%- for name, expression in fields %}'{{ name }}', {{ expression }}{{ ', ' if not loop.last }}{% endfor -%}
    )
{%- endmacro %}

{#- In the select list: one output row per element. -#}
{% macro unnested(list) %}{{ return(adapter.dispatch('unnested', 'yudang')(list)) }}{% endmacro %}
{% macro default__unnested(list) -%}
    unnest({{ list }})
{%- endmacro %}
{% macro spark__unnested(list) -%}
    explode({{ list }})
{%- endmacro %}

{#- The elements of a text joined by '|', as a list. -#}
{% macro split_codes(text) %}{{ return(adapter.dispatch('split_codes', 'yudang')(text)) }}{% endmacro %}
{% macro default__split_codes(text) -%}
    string_split({{ text }}, '|')
{%- endmacro %}
{% macro spark__split_codes(text) -%}
    split({{ text }}, '[|]')
{%- endmacro %}

{#- The last non-null value up to and including the current row of an ordered partition. -#}
{% macro last_known(expression, partition_by, order_by) %}{{ return(adapter.dispatch('last_known', 'yudang')(expression, partition_by, order_by)) }}{% endmacro %}
{% macro default__last_known(expression, partition_by, order_by) -%}
    last_value({{ expression }} ignore nulls) over (
        partition by {{ partition_by }}
        order by {{ order_by }}
        rows between unbounded preceding and current row
    )
{%- endmacro %}
{% macro spark__last_known(expression, partition_by, order_by) -%}
    last_value({{ expression }}, true) over (
        partition by {{ partition_by }}
        order by {{ order_by }}
        rows between unbounded preceding and current row
    )
{%- endmacro %}

{#-
    How verdicts are written and how the registry (seeds rules, reasons) turns them into findings and counts.

    A verdict is one text: 'PASS', or '<outcome>:<reason>' with outcome FAIL, NOT_EVALUABLE or NOT_APPLICABLE.
    A rule writes it once; outcome_columns splits it into the two columns of the rule.
-#}

{#- Two columns per rule: <rule> (the outcome) and <rule>_reason (null on PASS). -#}
{% macro outcome_columns(rules, relation='verdict') -%}
    {%- for rule in rules %}
    case
        when {{ relation }}.{{ rule }} = 'PASS' then 'PASS'
        when {{ relation }}.{{ rule }} like 'FAIL:%' then 'FAIL'
        when {{ relation }}.{{ rule }} like 'NOT_EVALUABLE:%' then 'NOT_EVALUABLE'
        when {{ relation }}.{{ rule }} like 'NOT_APPLICABLE:%' then 'NOT_APPLICABLE'
    end as {{ rule }},
    case
        when {{ relation }}.{{ rule }} like 'FAIL:%' then substr({{ relation }}.{{ rule }}, 6)
        when {{ relation }}.{{ rule }} like 'NOT_EVALUABLE:%' then substr({{ relation }}.{{ rule }}, 15)
        when {{ relation }}.{{ rule }} like 'NOT_APPLICABLE:%' then substr({{ relation }}.{{ rule }}, 16)
    end as {{ rule }}_reason
    {{- ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- True when a text carries something: not null, not empty, not one of the placeholder values. -#}
{% macro is_filled(text, placeholders='parameter.placeholder_values') -%}
    (
        {{ text }} is not null
        and trim({{ text }}) <> ''
        and position('|' || trim({{ text }}) || '|' in '|' || coalesce({{ placeholders }}, '') || '|') = 0
        and not (length(trim({{ text }})) = 11 and replace(trim({{ text }}), substr(trim({{ text }}), 1, 1), '') = '')
    )
{%- endmacro %}

{#- The value behind a code in a text like 'code:value|code:value'; null when the code is not there. -#}
{% macro value_of_code(text, code) -%}
    nullif(split_part(split_part('|' || {{ text }}, '|' || {{ code }} || ':', 2), '|', 1), '')
{%- endmacro %}

{#- The registry rows of one rule table. Read from the loaded seed while the model runs; empty while dbt parses. -#}
{% macro registered_rules(table_name) %}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- set registry = adapter.get_relation(database=target.database, schema='reference', identifier='rules') -%}
    {%- if registry is none -%}
        {%- if flags.WHICH in ('run', 'build', 'test') -%}
            {{ exceptions.raise_compiler_error('the registry reference.rules is not loaded: run dbt build, or dbt seed first') }}
        {%- endif -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set statement -%}
        select
            rule_id, subject_type, column_name, article, message_template, message_columns, severity_code,
            attributed_role_code, unattributed_codes, event_date_column, boundary_column,
            -- what happened before the first version of a rule is counted with it (its outcome is PRE_RULE)
            case
                when valid_from = min(valid_from) over (partition by rule_id, column_name) then '1900-01-01'
                else cast(valid_from as varchar)
            end as valid_from,
            cast(coalesce(valid_to, '9999-12-31') as varchar) as valid_to
        from {{ registry }}
        where table_name = '{{ table_name }}'
        order by rule_id
    {%- endset -%}
    {%- set found = [] -%}
    {%- set result = run_query(statement) -%}
    {%- for row in result.rows -%}
        {%- do found.append(dict(zip(result.column_names, row.values()))) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

{#- Org or district ('org_code', 'district_code') to which the verdict of a rule is attributed; never null. -#}
{% macro attributed(rule, part) -%}
    {%- if rule.attributed_role_code == 'none' -%}
    'UNKNOWN'
    {%- elif rule.unattributed_codes -%}
    case
        when '|{{ rule.unattributed_codes }}|' like '%|' || verdict.{{ rule.column_name }}_reason || '|%' then 'UNKNOWN'
        else coalesce(verdict.{{ rule.attributed_role_code }}_{{ part }}, 'UNKNOWN')
    end
    {%- else -%}
    coalesce(verdict.{{ rule.attributed_role_code }}_{{ part }}, 'UNKNOWN')
    {%- endif -%}
{%- endmacro %}

{#- The sentence of a finding: the template of its reason, else of its rule, with the dates filled in. -#}
{% macro finding_message(rule) -%}
    {%- set sentence = namespace(sql="coalesce(reason.message_template, '" ~ rule.message_template ~ "')") -%}
    {%- for column in (rule.message_columns or '').split('|') if column -%}
        {%- set sentence.sql = "replace(" ~ sentence.sql ~ ", '{" ~ column ~ "}', coalesce(cast(verdict." ~ column ~ " as varchar), '(未填)'))" -%}
    {%- endfor -%}
    {{ sentence.sql }}
{%- endmacro %}

{#-
    One row per FAIL of every registered rule. A rule table is read once: its failing rows are kept aside, and the
    rules pick theirs from them.
-#}
{% macro findings(tables, reasons) -%}
    {%- set branches = [] -%}
    {%- set failing = [] -%}
    {%- for table_name, relation in tables.items() -%}
        {%- set registered = registered_rules(table_name) -%}
        {%- if registered -%}
            {%- set kept -%}
failing_{{ table_name }} as (
    select verdict.*
    from {{ relation }} as verdict
    where
        {%- for rule in registered %}
        {{ 'or ' if not loop.first }}verdict.{{ rule.column_name }} = 'FAIL'
        {%- endfor %}
)
            {%- endset -%}
            {%- do failing.append(kept) -%}
        {%- endif -%}
        {%- for rule in registered -%}
            {%- set branch %}
select
    '{{ rule.rule_id }}' as rule_id,
    verdict.{{ rule.column_name }}_reason as finding_code,
    '{{ rule.subject_type }}' as subject_type,
    verdict.subject_key,
    verdict.person_key,
    {{ attributed(rule, 'org_code') }} as org_code,
    {{ attributed(rule, 'district_code') }} as district_code,
    {% if rule.unattributed_codes -%}
    case
        when '|{{ rule.unattributed_codes }}|' like '%|' || verdict.{{ rule.column_name }}_reason || '|%' then 'none'
        else '{{ rule.attributed_role_code }}'
    end
    {%- else -%}
    '{{ rule.attributed_role_code }}'
    {%- endif %} as attributed_role_code,
    verdict.{{ rule.event_date_column }} as event_date,
    {{ month_text('verdict.' ~ rule.event_date_column) }} as period,
    coalesce(reason.severity_code, '{{ rule.severity_code }}') as severity_code,
    '{{ rule.article }}' as article,
    {{ finding_message(rule) }} as message,
    {{ 'coalesce(verdict.' ~ rule.boundary_column ~ ', false)' if rule.boundary_column else 'false' }} as is_boundary
from failing_{{ table_name }} as verdict
left join {{ reasons }} as reason on verdict.{{ rule.column_name }}_reason = reason.reason_code
where
    verdict.{{ rule.column_name }} = 'FAIL'
    {{- ' and ' ~ in_force(rule) if in_force(rule) }}
            {%- endset -%}
            {%- do branches.append(branch) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if branches -%}
with

{{ failing | join(',\n\n') }}
{{ branches | join('\nunion all\n') }}
    {%- else -%}
{{ nothing_found() }}
    {%- endif -%}
{%- endmacro %}

{#- The shape of findings while there is no registry to read (dbt parse, compile). -#}
{% macro nothing_found() -%}
select
    cast(null as varchar) as rule_id, cast(null as varchar) as finding_code, cast(null as varchar) as subject_type,
    cast(null as varchar) as subject_key, cast(null as varchar) as person_key, cast(null as varchar) as org_code,
    cast(null as varchar) as district_code, cast(null as varchar) as attributed_role_code,
    cast(null as date) as event_date, cast(null as varchar) as period, cast(null as varchar) as severity_code,
    cast(null as varchar) as article, cast(null as varchar) as message, cast(null as boolean) as is_boundary
where 1 = 0
{%- endmacro %}

{#- True in SQL where the registry row of a rule is in force on the date of the event; empty when it always is. -#}
{% macro in_force(rule) -%}
    {%- if rule.valid_from != '1900-01-01' or rule.valid_to != '9999-12-31' -%}
    verdict.{{ rule.event_date_column }} >= {{ date_literal(rule.valid_from) }}
            and verdict.{{ rule.event_date_column }} < {{ date_literal(rule.valid_to) }}
    {%- endif -%}
{%- endmacro %}

{#-
    Outcome counts per rule, attributed org and month. A rule table is read once, into a column per rule and outcome
    for every combination of the orgs and months that its rules count by; then each rule adds up its own.
-#}
{% macro outcome_counts(tables) -%}
    {%- set gathered = [] -%}
    {%- set branches = [] -%}
    {%- for table_name, relation in tables.items() -%}
        {%- set registered = registered_rules(table_name) -%}
        {%- set keys = [] -%}
        {%- set sums = [] -%}
        {%- for rule in registered -%}
            {%- set month = month_text('verdict.' ~ rule.event_date_column) ~ ' as ' ~ rule.event_date_column ~ '_month' -%}
            {%- if month not in keys -%}{%- do keys.append(month) -%}{%- endif -%}
            {%- for part in ['org_code', 'district_code'] if rule.attributed_role_code != 'none' -%}
                {%- set role = 'verdict.' ~ rule.attributed_role_code ~ '_' ~ part -%}
                {%- if role not in keys -%}{%- do keys.append(role) -%}{%- endif -%}
            {%- endfor -%}
            {%- for counted in counted_outcomes(rule) -%}
                {%- do sums.append('sum(case when ' ~ counted.condition ~ ' then 1 else 0 end) as ' ~ counted.name) -%}
                {%- set branch %}
select
    '{{ rule.rule_id }}' as rule_id,
    '{{ rule.subject_type }}' as subject_type,
                {%- for part in ['org_code', 'district_code'] %}
                    {%- if counted.is_unattributed %}
    'UNKNOWN' as {{ part }},
                    {%- else %}
    coalesce(gathered.{{ rule.attributed_role_code }}_{{ part }}, 'UNKNOWN') as {{ part }},
                    {%- endif %}
                {%- endfor %}
    gathered.{{ rule.event_date_column }}_month as period,
    '{{ counted.outcome_code }}' as outcome_code,
    gathered.{{ counted.name }} as subject_count
from gathered_{{ table_name }} as gathered
where gathered.{{ counted.name }} > 0
                {%- endset -%}
                {%- do branches.append(branch) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- if registered -%}
            {%- set gathering %}
gathered_{{ table_name }} as (
    select
        {{ (keys + sums) | join(',\n        ') }}
    from {{ relation }} as verdict
    group by {% for key in keys %}{{ loop.index }}{{ ', ' if not loop.last }}{% endfor %}
)
            {%- endset -%}
            {%- do gathered.append(gathering) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if branches -%}
with
{{ gathered | join(',\n') }},

counted as (
{{ branches | join('\nunion all\n') }}
)

select
    counted.rule_id,
    counted.subject_type,
    counted.org_code,
    counted.district_code,
    counted.period,
    counted.outcome_code,
    cast(sum(counted.subject_count) as bigint) as subject_count
from counted
group by
    counted.rule_id, counted.subject_type, counted.org_code, counted.district_code, counted.period,
    counted.outcome_code
    {%- else -%}
select
    cast(null as varchar) as rule_id, cast(null as varchar) as subject_type, cast(null as varchar) as org_code,
    cast(null as varchar) as district_code, cast(null as varchar) as period, cast(null as varchar) as outcome_code,
    cast(null as bigint) as subject_count
where 1 = 0
    {%- endif -%}
{%- endmacro %}

{#- What is counted of a rule: its four outcomes; failures that are attributed to nobody apart. -#}
{% macro counted_outcomes(rule) %}
    {%- set verdict = 'verdict.' ~ rule.column_name -%}
    {%- set force = (in_force(rule) ~ ' and ') if in_force(rule) else '' -%}
    {%- set nobody = "'|" ~ rule.unattributed_codes ~ "|' like '%|' || " ~ verdict ~ "_reason || '|%'" -%}
    {%- set found = [] -%}
    {%- for outcome in ['PASS', 'FAIL', 'NOT_EVALUABLE', 'NOT_APPLICABLE'] -%}
        {%- set apart = outcome == 'FAIL' and rule.unattributed_codes -%}
        {%- do found.append({
            'name': rule.column_name ~ '_' ~ outcome | lower,
            'outcome_code': outcome,
            'condition': force ~ verdict ~ " = '" ~ outcome ~ "'" ~ (' and not ' ~ nobody if apart else ''),
            'is_unattributed': rule.attributed_role_code == 'none',
        }) -%}
        {%- if apart -%}
            {%- do found.append({
                'name': rule.column_name ~ '_fail_of_nobody',
                'outcome_code': outcome,
                'condition': force ~ verdict ~ " = '" ~ outcome ~ "' and " ~ nobody,
                'is_unattributed': true,
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}

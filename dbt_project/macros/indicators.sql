{#-
  The indicator registry in code: which outcome column of which indicator table feeds which indicator.
  Texts (numerator, denominator, article) stand in seeds/indicators.csv; tests/indicators keeps the two equal.
-#}

{#- One entry per row of seeds/indicators.csv, in its order. -#}
{% macro indicator_registry() %}
  {{ return([
    {'indicator_id': 'ARC-1', 'variant': '', 'table_name': 'indicator_person', 'column_name': 'arc_1', 'kind': 'count'},
    {'indicator_id': 'ARC-2', 'variant': '', 'table_name': 'indicator_person', 'column_name': 'arc_2', 'kind': 'rate'},
    {'indicator_id': 'ARC-3', 'variant': '', 'table_name': 'indicator_archive', 'column_name': 'arc_3', 'kind': 'rate'},
    {'indicator_id': 'ARC-4', 'variant': '', 'table_name': 'indicator_person', 'column_name': 'arc_4', 'kind': 'rate'},
    {'indicator_id': 'ARC-5', 'variant': '', 'table_name': 'indicator_archive', 'column_name': 'arc_5', 'kind': 'rate'},
    {'indicator_id': 'ARC-6a', 'variant': '', 'table_name': 'indicator_archive', 'column_name': 'arc_6a', 'kind': 'rate'},
    {'indicator_id': 'ARC-6b', 'variant': '', 'table_name': 'indicator_archive', 'column_name': 'arc_6b', 'kind': 'rate'},
    {'indicator_id': 'STA-1', 'variant': '', 'table_name': 'indicator_person', 'column_name': 'sta_1', 'kind': 'count'},
    {'indicator_id': 'STA-1', 'variant': 'MANAGED', 'table_name': 'indicator_person', 'column_name': 'sta_1_managed', 'kind': 'rate'},
    {'indicator_id': 'STA-1', 'variant': 'LOST', 'table_name': 'indicator_person', 'column_name': 'sta_1_lost', 'kind': 'rate'},
    {'indicator_id': 'STA-1', 'variant': 'DEAD', 'table_name': 'indicator_person', 'column_name': 'sta_1_dead', 'kind': 'rate'},
    {'indicator_id': 'STA-1', 'variant': 'MOVED_OUT', 'table_name': 'indicator_person', 'column_name': 'sta_1_moved_out', 'kind': 'rate'},
    {'indicator_id': 'STA-2', 'variant': '', 'table_name': 'indicator_termination', 'column_name': 'sta_2', 'kind': 'rate'},
    {'indicator_id': 'STA-3', 'variant': '', 'table_name': 'indicator_termination', 'column_name': 'sta_3', 'kind': 'rate'},
    {'indicator_id': 'STA-4', 'variant': '', 'table_name': 'indicator_termination', 'column_name': 'sta_4', 'kind': 'rate'},
    {'indicator_id': 'UPD-1', 'variant': '', 'table_name': 'indicator_service', 'column_name': 'upd_1', 'kind': 'rate'},
    {'indicator_id': 'TRF-1', 'variant': '', 'table_name': 'indicator_transfer', 'column_name': 'trf_1', 'kind': 'rate'},
    {'indicator_id': 'TRF-2', 'variant': '', 'table_name': 'indicator_transfer', 'column_name': 'trf_2', 'kind': 'rate'},
    {'indicator_id': 'TRF-3', 'variant': '', 'table_name': 'indicator_transfer', 'column_name': 'trf_3', 'kind': 'rate'},
    {'indicator_id': 'TRF-3', 'variant': 'NO_REASON', 'table_name': 'indicator_transfer', 'column_name': 'trf_3_no_reason', 'kind': 'count'},
    {'indicator_id': 'TRF-4', 'variant': '', 'table_name': 'indicator_transfer', 'column_name': 'trf_4', 'kind': 'count'},
    {'indicator_id': 'N-ARC-1', 'variant': '', 'table_name': 'indicator_person', 'column_name': 'n_arc_1', 'kind': 'population'},
    {'indicator_id': 'N-ARC-2', 'variant': '', 'table_name': 'indicator_person', 'column_name': 'n_arc_2', 'kind': 'population'},
    {'indicator_id': 'N-ARC-3', 'variant': '', 'table_name': 'indicator_person', 'column_name': 'n_arc_3', 'kind': 'rate'},
    {'indicator_id': 'N-ELD-1', 'variant': '', 'table_name': 'indicator_person', 'column_name': 'n_eld_1', 'kind': 'population_elderly'},
    {'indicator_id': 'N-HTN-2', 'variant': '', 'table_name': 'indicator_patient', 'column_name': 'n_htn_2', 'kind': 'rate'},
    {'indicator_id': 'N-HTN-2', 'variant': 'ANY_MODE', 'table_name': 'indicator_patient', 'column_name': 'n_htn_2_any_mode', 'kind': 'rate'},
    {'indicator_id': 'N-HTN-3', 'variant': '', 'table_name': 'indicator_patient', 'column_name': 'n_htn_3', 'kind': 'rate'},
    {'indicator_id': 'N-DM-2', 'variant': '', 'table_name': 'indicator_patient', 'column_name': 'n_dm_2', 'kind': 'rate'},
    {'indicator_id': 'N-DM-2', 'variant': 'ANY_MODE', 'table_name': 'indicator_patient', 'column_name': 'n_dm_2_any_mode', 'kind': 'rate'},
    {'indicator_id': 'N-DM-3', 'variant': '', 'table_name': 'indicator_patient', 'column_name': 'n_dm_3', 'kind': 'rate'},
    {'indicator_id': 'N-DM-3', 'variant': 'ANY_GLUCOSE', 'table_name': 'indicator_patient', 'column_name': 'n_dm_3_any_glucose', 'kind': 'rate'}
  ]) }}
{% endmacro %}

{#- The registry entries of one indicator table. -#}
{% macro indicators_of(table_name) %}
  {%- set chosen = [] -%}
  {%- for entry in indicator_registry() if entry.table_name == table_name -%}
    {%- do chosen.append(entry) -%}
  {%- endfor -%}
  {{ return(chosen) }}
{% endmacro %}

{#-
  Counts of the outcomes of every column of one indicator table, long form:
  indicator_id, variant, period, org_code, district_code, pass_count, fail_count, not_evaluable_count.
  The wide aggregate reads the table once; only its small result is unpivoted.
-#}
{% macro indicator_counts(table_name) %}
  {%- set entries = indicators_of(table_name) %}
    with counted as (
      select
        period,
        org_code,
        district_code
        {%- for entry in entries %},
        sum(case when {{ entry.column_name }} = 'PASS' then 1 else 0 end) as {{ entry.column_name }}_pass,
        sum(case when {{ entry.column_name }} = 'FAIL' then 1 else 0 end) as {{ entry.column_name }}_fail,
        sum(case when {{ entry.column_name }} = 'NOT_EVALUABLE' then 1 else 0 end) as {{ entry.column_name }}_open
        {%- endfor %}
      from {{ ref(table_name) }}
      group by period, org_code, district_code
    )
    {%- for entry in entries %}
    {% if not loop.first %}union all{% endif %}
    select
      '{{ entry.indicator_id }}' as indicator_id,
      '{{ entry.variant }}' as variant,
      period,
      org_code,
      district_code,
      cast({{ entry.column_name }}_pass as bigint) as pass_count,
      cast({{ entry.column_name }}_fail as bigint) as fail_count,
      cast({{ entry.column_name }}_open as bigint) as not_evaluable_count
    from counted
    {%- endfor %}
{% endmacro %}

{#- numerator ÷ denominator as DECIMAL(9,6); null on a missing or zero denominator, or beyond what the type holds. -#}
{% macro rate(numerator, denominator) -%}
  case
    when {{ denominator }} > 0 and {{ numerator }} < 999 * cast({{ denominator }} as bigint)
      then cast(cast({{ numerator }} as double) / cast({{ denominator }} as double) as decimal(9, 6))
  end
{%- endmacro %}

{#- Five-year age band of an age in full years: 00, 01-04, 05-09 … 85-89, 90+; UNKNOWN without an age. -#}
{% macro age_band(age) -%}
  case
    when {{ age }} is null or {{ age }} < 0 then 'UNKNOWN'
    when {{ age }} = 0 then '00'
    when {{ age }} <= 4 then '01-04'
    {%- for low in range(5, 90, 5) %}
    when {{ age }} <= {{ low + 4 }} then '{{ '%02d' | format(low) }}-{{ '%02d' | format(low + 4) }}'
    {%- endfor %}
    else '90+'
  end
{%- endmacro %}

{#- Year of a date as 'YYYY', and the 31 December of that year. -#}
{% macro year_of(day) -%} substring(cast({{ day }} as varchar), 1, 4) {%- endmacro %}
{% macro year_end(day) -%} cast({{ year_of(day) }} || '-12-31' as date) {%- endmacro %}

{#- True where one code stands in a '|'-joined parameter. -#}
{% macro is_listed(code, list) -%}
  (position('|' || {{ code }} || '|' in '|' || {{ list }} || '|') > 0)
{%- endmacro %}

{#- The items a health exam can be asked for (contract, exam_core_columns), with the expression that finds them present. -#}
{% macro exam_items() %}
  {{ return([
    ('temperature_c', 'temperature_c is not null'),
    ('pulse_bpm', 'pulse_bpm is not null'),
    ('respiration_rpm', 'respiration_rpm is not null'),
    ('height_cm', 'height_cm is not null'),
    ('weight_kg', 'weight_kg is not null'),
    ('waist_cm', 'waist_cm is not null'),
    ('blood_pressure', '((sbp_left is not null and dbp_left is not null) or (sbp_right is not null and dbp_right is not null))'),
    ('evaluation_code', 'evaluation_code is not null'),
    ('guidance_codes', 'guidance_codes is not null'),
    ('self_care_code', 'self_care_code is not null'),
    ('cognition_code', 'cognition_code is not null'),
    ('emotion_code', 'emotion_code is not null'),
    ('hemoglobin', 'hemoglobin is not null'),
    ('wbc', 'wbc is not null'),
    ('platelet', 'platelet is not null'),
    ('urine_protein_code', 'urine_protein_code is not null'),
    ('fasting_glucose_mmol', 'fasting_glucose_mmol is not null'),
    ('alt', 'alt is not null'),
    ('ast', 'ast is not null'),
    ('total_bilirubin', 'total_bilirubin is not null'),
    ('creatinine', 'creatinine is not null'),
    ('urea', 'urea is not null'),
    ('total_cholesterol', 'total_cholesterol is not null'),
    ('triglyceride', 'triglyceride is not null'),
    ('ldl', 'ldl is not null'),
    ('hdl', 'hdl is not null'),
    ('ecg_code', 'ecg_code is not null'),
    ('abdominal_ultrasound_code', 'abdominal_ultrasound_code is not null'),
    ('hba1c_pct', 'hba1c_pct is not null'),
    ('smoking_code', 'smoking_code is not null'),
    ('drinking_code', 'drinking_code is not null'),
    ('exercise_code', 'exercise_code is not null'),
    ('diet_codes', 'diet_codes is not null'),
    ('symptom_codes', 'symptom_codes is not null'),
    ('cerebrovascular_codes', 'cerebrovascular_codes is not null'),
    ('kidney_codes', 'kidney_codes is not null'),
    ('heart_codes', 'heart_codes is not null'),
    ('vessel_codes', 'vessel_codes is not null'),
    ('eye_codes', 'eye_codes is not null')
  ]) }}
{% endmacro %}

{#- How many items of a '|'-joined parameter an exam row lacks. -#}
{% macro missing_exam_items(list) -%}
  (
    {%- for name, present in exam_items() %}
    {% if not loop.first %}+ {% endif %}case when {{ is_listed("'" ~ name ~ "'", list) }} and not {{ present }} then 1 else 0 end
    {%- endfor %}
  )
{%- endmacro %}

{#- Anti-join condition: the person is nobody whom the marts may not show as a row. -#}
{% macro is_showable(person_key) -%}
  not exists (
    select 1
    from {{ ref('restricted_person') }} as restricted
    where restricted.person_key = {{ person_key }}
  )
{%- endmacro %}

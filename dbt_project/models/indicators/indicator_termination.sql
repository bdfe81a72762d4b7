{{ config(materialized='view') }}
-- Outcomes of the termination indicators: the rules' own verdicts, in the month of their event.
select
    subject_key as termination_key,
    person_key,
    {{ month_text('event_date') }} as period,
    managing_org_code as org_code,
    managing_district_code as district_code,
    coalesce(a1_6_1_2a, 'NOT_EVALUABLE') as sta_2,
    a1_6_1_2a_reason as sta_2_reason,
    coalesce(a1_6_1_1, 'NOT_EVALUABLE') as sta_3,
    a1_6_1_1_reason as sta_3_reason,
    coalesce(a1_6_1_3, 'NOT_EVALUABLE') as sta_4,
    a1_6_1_3_reason as sta_4_reason
from {{ ref('rule_termination') }}
where event_date is not null

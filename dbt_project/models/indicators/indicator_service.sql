{{ config(materialized='view') }}
-- Outcomes of the service indicators: the rule's own verdict, in the month of service, attributed to who served (A1-5-5).
select
    subject_key as service_key,
    person_key,
    {{ month_text('event_date') }} as period,
    serving_org_code as org_code,
    serving_district_code as district_code,
    coalesce(a1_3_2, 'NOT_EVALUABLE') as upd_1,
    a1_3_2_reason as upd_1_reason
from {{ ref('rule_service') }}
where event_date is not null

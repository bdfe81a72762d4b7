{{ config(materialized='view') }}
-- Outcomes of the archive-level indicators; PASS is the numerator, PASS + FAIL the denominator.
select
    archive_key,
    person_key,
    period,
    as_of_date,
    org_code,
    district_code,
    -- Every active archive beyond a person's first is one too many: Σ PASS = active archives − persons.
    case when archive_rank > 1 then 'PASS' else 'FAIL' end as arc_3,
    case when archive_rank > 1 then null else 'FIRST_ARCHIVE' end as arc_3_reason,
    -- The rule judges the run's day; a birth certificate may still have been within its grace on an earlier one.
    case
        when is_identity_valid then 'PASS'
        when key_type_code = 'BC' and grace_until is null then 'NOT_EVALUABLE'
        when key_type_code = 'BC' and as_of_date <= grace_until then 'PASS'
        when is_identity_valid is null then 'NOT_EVALUABLE'
        else 'FAIL'
    end as arc_5,
    case
        when is_identity_valid then null
        when key_type_code = 'BC' and grace_until is null then 'BIRTH_DATE_MISSING'
        when key_type_code = 'BC' and as_of_date <= grace_until then null
        when is_identity_valid is null then 'NO_EVIDENCE'
        when key_type_code = 'BC' then 'BC_PAST_GRACE'
        else 'NO_CLASS_A_KEY'
    end as arc_5_reason,
    case
        when is_cover_complete then 'PASS'
        when not is_cover_complete then 'FAIL'
        else 'NOT_EVALUABLE'
    end as arc_6a,
    case
        when is_cover_complete is null then 'NO_EVIDENCE'
        when not is_cover_complete then 'COVER_INCOMPLETE'
    end as arc_6a_reason,
    case
        when age_years <= child_max_age then 'NOT_APPLICABLE'
        when is_basic_complete then 'PASS'
        when not is_basic_complete then 'FAIL'
        else 'NOT_EVALUABLE'
    end as arc_6b,
    case
        when age_years <= child_max_age then 'CHILD_0_6'
        when is_basic_complete is null then 'NO_EVIDENCE'
        when not is_basic_complete then 'BASIC_INCOMPLETE'
    end as arc_6b_reason
from {{ ref('archive_period') }}

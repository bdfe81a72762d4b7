{% set rules = [
    'a1_1_3', 'a1_1_3b', 'a1_2_2', 'a1_2_4a', 'a1_2_4b', 'a1_2_4c', 'a1_2_4d', 'a1_2_4e', 'a1_4_3_1c', 'a1_6_2_4',
    'arc_5', 'art_14b',
] %}
{#- What makes a number wrong, the gravest first: the first one found names the finding. -#}
{% set number_errors = [
    'ID_PLACEHOLDER', 'ID_LENGTH', 'ID_PATTERN', 'ID_CHECK_DIGIT', 'ID_BIRTH_IMPOSSIBLE', 'ID_BIRTH_FUTURE',
    'ID_BIRTH_MISMATCH', 'ID_SEX_MISMATCH',
] %}
with

evidence as (
    select evidence_archive.* from {{ ref('evidence_archive') }} as evidence_archive
),

measured as (
    select
        evidence.*,
        {{ full_years('evidence.birth_date', 'evidence.as_of_date') }} as age,
        {{ full_years('evidence.mother_birth_date', 'evidence.birth_date') }} as mother_age,
        {{ add_months('evidence.birth_date', 'evidence.newborn_id_grace') }} as id_due_date,
        {{ add_months('evidence.archived_date', '12 * evidence.retention_years') }} as retained_until_date,
        case
            when evidence.as_of_date < evidence.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when coalesce(evidence.copy_state_code, '') <> 'ACTIVE' then 'NOT_APPLICABLE:NOT_ACTIVE'
        end as not_active,
        case
            when evidence.own_key_type_code = 'ID' then true
            when evidence.own_key_type_code = 'BC'
                then evidence.as_of_date <= {{ add_months('evidence.birth_date', 'evidence.newborn_id_grace') }}
            else false
        end as is_identity_valid
    from evidence
),

verdict as (
    select
        measured.*,

        case
            when measured.not_active is not null then measured.not_active
            when measured.cover_missing_text is null then 'PASS'
            else 'FAIL:COVER_INCOMPLETE'
        end as a1_1_3,

        case
            when measured.not_active is not null then measured.not_active
            when measured.age <= measured.child_max_age then 'NOT_APPLICABLE:CHILD_0_6'
            when measured.basic_missing_text is null then 'PASS'
            else 'FAIL:BASIC_INCOMPLETE'
        end as a1_1_3b,

        case
            when measured.created_date is null then 'NOT_EVALUABLE:CREATED_DATE_MISSING'
            when measured.created_date < measured.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when measured.is_moved_in then 'PASS'
            when measured.has_earlier_archive then 'FAIL:DUP_CREATE'
            when measured.has_same_day_archive then 'FAIL:DUP_SAME_DAY'
            when coalesce(measured.key_class, 'C') = 'C' then 'NOT_EVALUABLE:NO_IDENTITY_KEY'
            else 'PASS'
        end as a1_2_2,

        case
            when measured.not_active is not null then measured.not_active
            {%- for code in number_errors %}
                when {{ has_code('measured.identity_issue_codes', code) }} then 'FAIL:{{ code }}'
            {%- endfor %}
            when {{ has_code('measured.review_codes', 'ID_DUMMY') }} then 'FAIL:ID_DUMMY'
            when measured.own_key_type_code = 'ID' then 'PASS'
            when measured.own_key_type_code = 'DOC' then 'NOT_APPLICABLE:OTHER_DOCUMENT'
            when not measured.has_id_no and (measured.has_birth_certificate_no or measured.has_mother_id_no)
                then 'NOT_APPLICABLE:CHILD_DOCUMENT'
            else 'FAIL:IDENTITY_MISSING'
        end as a1_2_4a,

        case
            when measured.not_active is not null then measured.not_active
            when not measured.has_birth_certificate_no then 'NOT_APPLICABLE:NO_BIRTH_CERTIFICATE'
            when measured.own_key_type_code = 'ID' then 'NOT_APPLICABLE:HAS_ID_NUMBER'
            when {{ has_code('measured.identity_issue_codes', 'BC_PATTERN') }} then 'FAIL:BC_PATTERN'
            when measured.birth_date is null then 'NOT_EVALUABLE:BIRTH_DATE_MISSING'
            when measured.age > measured.child_max_age then 'FAIL:BC_OVER_AGE'
            when measured.as_of_date > measured.id_due_date then 'FAIL:NEWBORN_ID_OVERDUE'
            else 'PASS'
        end as a1_2_4b,

        case
            when measured.not_active is not null then measured.not_active
            when
                {{ has_code('measured.review_codes', 'MOTHER_ID_AS_OWN') }}
                or {{ has_code('measured.identity_issue_codes', 'MOTHER_ID_AS_OWN') }}
                then 'FAIL:MOTHER_ID_AS_OWN'
            when not measured.has_mother_id_no or measured.own_key_type_code in ('ID', 'BC', 'DOC')
                then 'NOT_APPLICABLE:NO_MOTHER_KEY'
            when {{ has_code('measured.identity_issue_codes', 'MOTHER_ID_INVALID') }} then 'FAIL:MOTHER_ID_INVALID'
            when measured.mother_sex_code = '1' then 'FAIL:MOTHER_NOT_FEMALE'
            when measured.birth_date is null then 'NOT_EVALUABLE:BIRTH_DATE_MISSING'
            when measured.mother_birth_date is null then 'NOT_EVALUABLE:MOTHER_BIRTH_DATE_UNKNOWN'
            when measured.mother_age not between measured.mother_age_min and measured.mother_age_max
                then 'FAIL:MOTHER_AGE_IMPLAUSIBLE'
            else 'PASS'
        end as a1_2_4c,

        case
            when measured.not_active is not null then measured.not_active
            when {{ has_code('measured.review_codes', 'MOTHER_SAME_NAME') }} then 'FAIL:MOTHER_SAME_NAME'
            when {{ has_code('measured.review_codes', 'TWIN_OR_RENAMED') }} then 'FAIL:TWIN_OR_RENAMED'
            when not measured.has_mother_id_no or measured.own_key_type_code in ('ID', 'BC', 'DOC')
                then 'NOT_APPLICABLE:NO_MOTHER_KEY'
            else 'PASS'
        end as a1_2_4d,

        case
            when measured.not_active is not null then measured.not_active
            when {{ has_code('measured.review_codes', 'MULTIPLE_IDS') }} then 'FAIL:MULTIPLE_IDS'
            when {{ has_code('measured.review_codes', 'ID_CHANGED') }} then 'FAIL:ID_CHANGED'
            when {{ has_code('measured.review_codes', 'STATED_PREVIOUS_DISPUTED') }} then 'FAIL:STATED_PREVIOUS_DISPUTED'
            when {{ has_code('measured.review_codes', 'UPGRADE_BIRTH_MISMATCH') }} then 'FAIL:UPGRADE_BIRTH_MISMATCH'
            when
                measured.has_unlinked_upgrade
                or {{ has_code('measured.review_codes', 'UPGRADE_UNLINKED') }}
                then 'FAIL:UPGRADE_UNLINKED'
            when coalesce(measured.key_class, 'C') = 'C' then 'NOT_EVALUABLE:NO_IDENTITY_KEY'
            else 'PASS'
        end as a1_2_4e,

        case
            when not coalesce(measured.is_moved_in, false) then 'NOT_APPLICABLE:NOT_MOVED_IN'
            when measured.taken_date < measured.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when measured.is_taken_by_transfer then 'PASS'
            when measured.has_unfinished_transfer then 'NOT_APPLICABLE:JUDGED_ON_TRANSFER'
            when measured.taken_date is null or not measured.has_former_manager_elsewhere
                then 'NOT_EVALUABLE:ORIGIN_UNKNOWN'
            else 'FAIL:TAKEN_WITHOUT_TRANSFER'
        end as a1_4_3_1c,

        case
            when measured.vanished_date is null then 'PASS'
            when measured.vanished_date < measured.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when measured.vanished_date > measured.retained_until_date then 'NOT_APPLICABLE:RETENTION_OVER'
            else 'FAIL:LOST_ARCHIVE'
        end as a1_6_2_4,

        case
            when measured.not_active is not null then measured.not_active
            when measured.is_identity_valid is null then 'NOT_EVALUABLE:BIRTH_DATE_MISSING'
            when measured.is_identity_valid then 'PASS'
            when measured.own_key_type_code = 'BC' then 'FAIL:BC_PAST_GRACE'
            else 'FAIL:NO_CLASS_A_KEY'
        end as arc_5,

        case
            when measured.as_of_date < measured.rules_effective_from then 'NOT_APPLICABLE:PRE_RULE'
            when measured.stopped_date is null then 'NOT_APPLICABLE:NOT_TERMINATED'
            when measured.late_edit_date is not null then 'FAIL:UPDATE_AFTER_STOP'
            when measured.has_undated_edit then 'NOT_EVALUABLE:EDIT_DATE_MISSING'
            else 'PASS'
        end as art_14b
    from measured
)

select
    verdict.subject_key,
    'archive' as subject_type,
    verdict.person_key,
    verdict.as_of_date as event_date,
    coalesce(verdict.created_date, verdict.as_of_date) as created_date,
    coalesce(verdict.vanished_date, verdict.as_of_date) as vanished_date,
    coalesce(verdict.taken_date, verdict.as_of_date) as taken_date,
    verdict.stopped_date,
    coalesce(verdict.late_edit_date, verdict.as_of_date) as late_edit_date,
    verdict.id_due_date,
    verdict.cover_missing_text,
    verdict.basic_missing_text,
    verdict.cover_missing_text is null as is_cover_complete,
    verdict.basic_missing_text is null as is_basic_complete,
    coalesce(verdict.is_identity_valid, false) as is_identity_valid,
    coalesce(verdict.own_key_type_code = 'BC' and verdict.as_of_date = verdict.id_due_date, false) as is_boundary,
    verdict.managing_org_code,
    verdict.managing_district_code,
    verdict.creating_org_code,
    verdict.creating_district_code,
    {{- outcome_columns(rules) }}
from verdict

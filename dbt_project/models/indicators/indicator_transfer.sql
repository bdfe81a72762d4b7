-- Outcomes of the transfer indicators (A1-4-4): attributed to the deciding side, in the month and year of application.
with case_ as (
    select
        transfer.transfer_key,
        transfer.person_key,
        transfer.applied_date,
        transfer.is_cross_district,
        transfer.path_code,
        transfer.decided_date,
        transfer.decision_code,
        transfer.success_date,
        transfer.deciding_org_code,
        transfer.deciding_district_code,
        rule.a1_4_3_1a,
        rule.a1_4_3_1a_reason,
        rule.a1_4_2c,
        rule.a1_4_2c_reason,
        rule.a1_4_3_6,
        rule.a1_4_3_6_reason,
        context.as_of_date,
        parameter.transfer_confirm_days,
        parameter.transfer_filing_days
    from {{ ref('transfer_case') }} as transfer
    left join {{ ref('rule_transfer') }} as rule
        on transfer.transfer_key = rule.subject_key
    cross join {{ source('control', 'run_context') }} as context
    left join {{ ref('parameter_period') }} as parameter
        on
            transfer.applied_date >= parameter.valid_from
            and transfer.applied_date < parameter.valid_to
),

judged as (
    select
        case_.*,
        case
            when a1_4_3_1a_reason = 'PRE_RULE' then 'PRE_RULE'
            when not coalesce(is_cross_district, false) then 'INTRA_DISTRICT'
            when coalesce(path_code, '1') <> '1' then 'OTHER_PATH'
        end as outside_reason,
        {{ days_between('applied_date', 'as_of_date') }} as age_days
    from case_
)

select
    transfer_key,
    person_key,
    {{ month_text('applied_date') }} as period,
    as_of_date,
    deciding_org_code as org_code,
    deciding_district_code as district_code,
    coalesce(a1_4_3_1a, 'NOT_EVALUABLE') as trf_1,
    a1_4_3_1a_reason as trf_1_reason,
    case
        when outside_reason is not null then 'NOT_APPLICABLE'
        when success_date is not null then 'PASS'
        when decision_code = '1' and {{ days_between('decided_date', 'as_of_date') }} <= transfer_filing_days
            then 'NOT_APPLICABLE'
        when decision_code is null and age_days <= transfer_confirm_days then 'NOT_APPLICABLE'
        else 'FAIL'
    end as trf_2,
    case
        when outside_reason is not null then outside_reason
        when success_date is not null then null
        when decision_code = '1' and {{ days_between('decided_date', 'as_of_date') }} <= transfer_filing_days
            then 'PENDING'
        when decision_code is null and age_days <= transfer_confirm_days then 'PENDING'
        when decision_code is null then 'OVERDUE'
        when decision_code = '1' then 'NOT_FILED'
        when decision_code = '2' then 'REFUSED'
        else 'WITHDRAWN'
    end as trf_2_reason,
    case
        when outside_reason is not null then 'NOT_APPLICABLE'
        when decision_code = '2' then 'PASS'
        when decision_code = '1' then 'FAIL'
        else 'NOT_APPLICABLE'
    end as trf_3,
    case
        when outside_reason is not null then outside_reason
        when decision_code = '2' then null
        when decision_code = '1' then 'AGREED'
        else 'UNDECIDED'
    end as trf_3_reason,
    -- Counts of violations: the violation is what is counted, so a broken rule is the PASS of these two.
    case a1_4_2c
        when 'FAIL' then 'PASS'
        when 'PASS' then 'FAIL'
        else coalesce(a1_4_2c, 'NOT_EVALUABLE')
    end as trf_3_no_reason,
    a1_4_2c_reason as trf_3_no_reason_reason,
    case a1_4_3_6
        when 'FAIL' then 'PASS'
        when 'PASS' then 'FAIL'
        else coalesce(a1_4_3_6, 'NOT_EVALUABLE')
    end as trf_4,
    a1_4_3_6_reason as trf_4_reason
from judged

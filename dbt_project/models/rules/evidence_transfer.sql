{{ config(materialized='view') }}
with

run_context as (
    select {{ as_of_date() }} as as_of_date
),

transfer as (
    select transfer_case.* from {{ ref('transfer_case') }} as transfer_case
),

period_start as (
    -- a success starts a protection period unless the move was a reform of divisions or a merge of duplicates
    select
        transfer.person_key,
        transfer.transfer_key,
        transfer.success_date
    from transfer
    inner join {{ ref('parameter_period') }} as parameter
        on
            transfer.success_date >= parameter.valid_from
            and transfer.success_date < parameter.valid_to
    where
        transfer.is_cross_district_success
        and coalesce(transfer.path_code, '1') not in ('4', '5')
        and transfer.success_date >= parameter.rules_effective_from
),

district_success as (
    select
        transfer.person_key,
        transfer.transfer_key,
        transfer.transfer_id,
        transfer.from_district_code as district_code,
        transfer.success_date
    from transfer
    inner join {{ ref('parameter_period') }} as parameter
        on
            transfer.success_date >= parameter.valid_from
            and transfer.success_date < parameter.valid_to
    where
        not transfer.is_cross_district
        and coalesce(transfer.path_code, '2') not in ('4', '5')
        and transfer.success_date >= parameter.rules_effective_from
),

earlier_district_success as (
    select
        transfer.transfer_key,
        max(district_success.success_date) as previous_district_success_date
    from transfer
    inner join district_success
        on
            transfer.person_key = district_success.person_key
            and transfer.from_district_code = district_success.district_code
            and (
                transfer.success_date > district_success.success_date
                or (
                    transfer.success_date = district_success.success_date
                    and transfer.transfer_id > district_success.transfer_id
                )
            )
    where not transfer.is_cross_district
    group by transfer.transfer_key
),

earlier_success as (
    select
        transfer.transfer_key,
        max(case when period_start.success_date <= transfer.applied_date then period_start.success_date end)
            as success_before_application_date,
        max(case when period_start.success_date <= transfer.decided_date then period_start.success_date end)
            as success_before_decision_date
    from transfer
    inner join period_start
        on
            transfer.person_key = period_start.person_key
            and transfer.transfer_key <> period_start.transfer_key
    group by transfer.transfer_key
)

select
    transfer.transfer_key as subject_key,
    transfer.person_key,
    transfer.path_code,
    transfer.is_cross_district,
    transfer.applied_date,
    transfer.decided_date,
    transfer.decision_code,
    {{ is_filled('transfer.refuse_reason') }} as has_refuse_reason,
    transfer.filed_date,
    transfer.manager_changed_date,
    transfer.success_date,
    transfer.previous_success_date,
    earlier_district_success.previous_district_success_date,
    earlier_success.success_before_application_date,
    earlier_success.success_before_decision_date,
    transfer.death_recorded_date,
    transfer.death_archived_date,
    transfer.prior_status_code,
    transfer.manager_changed_without_success,
    transfer.origin_first_edit_date,
    transfer.has_undated_origin_edit,
    transfer.is_origin_declared_active,
    transfer.has_returned,
    coalesce(transfer.deciding_org_code, transfer.from_org_code) as deciding_org_code,
    coalesce(transfer.deciding_district_code, transfer.from_district_code) as deciding_district_code,
    case when transfer.initiator_code = '2' then transfer.from_org_code else transfer.to_org_code end
        as initiating_org_code,
    case when transfer.initiator_code = '2' then transfer.from_district_code else transfer.to_district_code end
        as initiating_district_code,
    transfer.from_org_code as origin_org_code,
    transfer.from_district_code as origin_district_code,
    transfer.to_org_code as target_org_code,
    transfer.to_district_code as target_district_code,
    parameter.transfer_confirm_days,
    parameter.transfer_filing_days,
    at_success.transfer_protect_days,
    -- a district's own period inside its borders (A1-4-3-6); null where it has set none
    cast({{ value_of_code('at_success.transfer_protect_intra', 'transfer.from_district_code') }} as integer)
        as district_protect_days,
    at_success.strict_180,
    at_success.protect_basis,
    parameter.rules_effective_from,
    run_context.as_of_date
from transfer
cross join run_context
left join earlier_success on transfer.transfer_key = earlier_success.transfer_key
left join earlier_district_success on transfer.transfer_key = earlier_district_success.transfer_key
inner join {{ ref('parameter_period') }} as parameter
    on
        transfer.applied_date >= parameter.valid_from
        and transfer.applied_date < parameter.valid_to
inner join {{ ref('parameter_period') }} as at_success
    on
        coalesce(transfer.success_date, transfer.applied_date) >= at_success.valid_from
        and coalesce(transfer.success_date, transfer.applied_date) < at_success.valid_to

-- One row per transfer application.
select
    cast(transfer.transfer_key as varchar) as transfer_key,
    cast(transfer.person_key as varchar) as person_key,
    cast(coalesce(manager.org_code, transfer.from_org_code) as varchar) as org_code,
    cast(coalesce(manager.district_code, transfer.from_district_code) as varchar) as district_code,
    cast(transfer.from_org_code as varchar) as from_org_code,
    cast(transfer.from_district_code as varchar) as from_district_code,
    cast(transfer.to_org_code as varchar) as to_org_code,
    cast(transfer.to_district_code as varchar) as to_district_code,
    cast(transfer.deciding_org_code as varchar) as deciding_org_code,
    cast(transfer.deciding_district_code as varchar) as deciding_district_code,
    cast(transfer.is_cross_district as boolean) as is_cross_district,
    cast(transfer.initiator_code as varchar) as initiator_code,
    cast(transfer.path_code as varchar) as path_code,
    cast(transfer.applied_date as date) as applied_date,
    cast({{ month_text('transfer.applied_date') }} as varchar) as period,
    cast(transfer.decided_date as date) as decided_date,
    cast(transfer.decision_code as varchar) as decision_code,
    cast(transfer.refuse_reason is not null as boolean) as has_refuse_reason,
    cast(transfer.confirm_mode_code as varchar) as confirm_mode_code,
    cast(transfer.reason_code as varchar) as reason_code,
    cast(transfer.confirmed_by_code as varchar) as confirmed_by_code,
    cast(transfer.filed_date as date) as filed_date,
    cast(transfer.manager_changed_date as date) as manager_changed_date,
    cast(transfer.success_date as date) as success_date,
    cast({{ days_between('transfer.applied_date', 'transfer.decided_date') }} as integer) as response_day_count,
    cast({{ days_between('transfer.previous_success_date', 'transfer.success_date') }} as integer)
        as protection_day_count,
    cast(outcome.trf_1 as varchar) as response_outcome_code,
    cast(outcome.trf_2 as varchar) as completion_outcome_code
from {{ ref('transfer_case') }} as transfer
left join {{ ref('indicator_transfer') }} as outcome
    on transfer.transfer_key = outcome.transfer_key
left join {{ ref('manager_segment') }} as manager
    on
        transfer.person_key = manager.person_key
        and transfer.applied_date >= manager.valid_from
        and transfer.applied_date < manager.held_to
where {{ is_showable('transfer.person_key') }}

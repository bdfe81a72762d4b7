{{ config(materialized='view') }}
with

run_context as (
    select {{ as_of_date() }} as as_of_date
),

termination as (
    select
        termination_case.*,
        case
            when termination_case.kind_code = 'DEAD'
                then coalesce(termination_case.info_received_date, termination_case.entered_date)
            else termination_case.declared_date
        end as own_event_date
    from {{ ref('termination_case') }} as termination_case
)

select
    termination.termination_key as subject_key,
    termination.person_key,
    termination.kind_code,
    coalesce(termination.own_event_date, run_context.as_of_date) as event_date,
    termination.declared_date,
    termination.info_received_date,
    termination.entered_date,
    termination.cancelled_date,
    termination.evidence_code,
    termination.death_date,
    {{ is_filled('termination.cause_text') }} as has_cause_text,
    {{ is_filled('termination.cause_icd10') }} as has_cause_icd10,
    termination.departed_date,
    termination.destination_code,
    termination.return_expected_code,
    termination.contact_clock_start_date,
    coalesce(termination.failed_self_count, 0) as failed_self_count,
    coalesce(termination.failed_contact_person_count, 0) as failed_contact_person_count,
    coalesce(termination.failed_address_count, 0) as failed_address_count,
    termination.has_phone,
    termination.has_contact_phone,
    termination.has_address,
    termination.has_contact_feed,
    termination.next_reactivation_date,
    coalesce(termination.org_code, termination.managing_org_code) as managing_org_code,
    coalesce(termination.district_code, termination.managing_district_code) as managing_district_code,
    parameter.lost_min,
    parameter.death_entry,
    parameter.death_cause_parts,
    parameter.moved_out_min,
    parameter.moved_out_informants,
    parameter.quick_reactivation_days,
    parameter.cancelled_termination_judged,
    parameter.rules_effective_from,
    run_context.as_of_date
from termination
cross join run_context
inner join {{ ref('parameter_period') }} as parameter
    on
        coalesce(termination.own_event_date, run_context.as_of_date) >= parameter.valid_from
        and coalesce(termination.own_event_date, run_context.as_of_date) < parameter.valid_to

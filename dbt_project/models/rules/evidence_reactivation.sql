{{ config(materialized='view') }}
with

run_context as (
    select {{ as_of_date() }} as as_of_date
),

reactivation as (
    select
        reactivation_case.*,
        coalesce(
            reactivation_case.reactivated_date,
            reactivation_case.service_date,
            reactivation_case.contact_date,
            reactivation_case.filed_date
        ) as own_event_date
    from {{ ref('reactivation_case') }} as reactivation_case
)

select
    reactivation.reactivation_key as subject_key,
    reactivation.person_key,
    coalesce(reactivation.own_event_date, run_context.as_of_date) as event_date,
    reactivation.prior_status_code,
    reactivation.archived_date,
    reactivation.contact_date,
    reactivation.service_date,
    reactivation.reactivated_date,
    reactivation.filed_date,
    reactivation.org_code as managing_org_code,
    reactivation.district_code as managing_district_code,
    parameter.archive_filing_days,
    parameter.rules_effective_from,
    run_context.as_of_date
from reactivation
cross join run_context
inner join {{ ref('parameter_period') }} as parameter
    on
        coalesce(reactivation.own_event_date, run_context.as_of_date) >= parameter.valid_from
        and coalesce(reactivation.own_event_date, run_context.as_of_date) < parameter.valid_to

{{ config(materialized='view') }}
with

run_context as (
    select {{ as_of_date() }} as as_of_date
),

death as (
    -- two reports of one death: the later dates, so that a doubt never blames
    select
        termination_case.person_key,
        max(termination_case.death_date) as death_date,
        max(termination_case.archived_date) as death_archived_date
    from {{ ref('termination_case') }} as termination_case
    where
        termination_case.kind_code = 'DEAD'
        and termination_case.cancelled_date is null
    group by termination_case.person_key
),

stop as (
    select
        status_interval.person_key,
        status_interval.status_code,
        status_interval.valid_from as stopped_date,
        status_interval.valid_to as resumed_date,
        person_state.managing_org_code,
        person_state.managing_district_code
    from {{ ref('status_interval') }} as status_interval
    left join {{ ref('person_state') }} as person_state on status_interval.person_key = person_state.person_key
    where status_interval.status_code in ('LOST', 'MOVED_OUT')
),

resumption as (
    select
        reactivation_case.person_key,
        reactivation_case.service_date
    from {{ ref('reactivation_case') }} as reactivation_case
    where
        reactivation_case.service_date is not null
        and reactivation_case.prior_status_code in ('LOST', 'MOVED_OUT')
),

resumed_stop as (
    -- the first service after the stop that a reactivation rests on
    select
        stop.person_key,
        stop.status_code,
        stop.stopped_date,
        stop.resumed_date,
        stop.managing_org_code,
        stop.managing_district_code,
        min(resumption.service_date) as reactivation_service_date
    from stop
    left join resumption
        on
            stop.person_key = resumption.person_key
            and stop.stopped_date <= resumption.service_date
            and stop.resumed_date >= resumption.service_date
    group by
        stop.person_key, stop.status_code, stop.stopped_date, stop.resumed_date,
        stop.managing_org_code, stop.managing_district_code
)

select
    service.service_key as subject_key,
    service.person_key,
    service.dataset,
    service.capture_code,
    service.service_date,
    coalesce(service.service_end_date, service.service_date) as service_end_date,
    cast(service.entered_at as date) as entered_date,
    death.death_date,
    death.death_archived_date,
    resumed_stop.status_code as stopped_status_code,
    resumed_stop.stopped_date,
    resumed_stop.reactivation_service_date,
    service.serving_org_code,
    service.serving_district_code,
    coalesce(resumed_stop.managing_org_code, service.serving_org_code) as managing_org_code,
    coalesce(resumed_stop.managing_district_code, service.serving_district_code) as managing_district_code,
    parameter.service_entry_days,
    parameter.paper_entry_days,
    parameter.entry_scope,
    parameter.archive_filing_days,
    parameter.rules_effective_from,
    run_context.as_of_date
from {{ ref('identified_service') }} as service
left join death on service.person_key = death.person_key
left join resumed_stop
    on
        service.person_key = resumed_stop.person_key
        and service.service_date > resumed_stop.stopped_date
        and service.service_date < resumed_stop.resumed_date
-- last: a join on ranges spoils the estimates by which the engine chooses what to hold in memory
inner join {{ ref('parameter_period') }} as parameter
    on
        service.service_date >= parameter.valid_from
        and service.service_date < parameter.valid_to
cross join run_context

-- One row per recorded termination; causes of death stay out, only their presence is told.
with dated as (
    select
        termination.*,
        coalesce(
            case when termination.kind_code = 'DEAD' then termination.entered_date end,
            termination.declared_date,
            termination.info_received_date,
            termination.archived_date,
            termination.entered_date
        ) as event_date
    from {{ ref('termination_case') }} as termination
)

select
    cast(dated.termination_key as varchar) as termination_key,
    cast(dated.person_key as varchar) as person_key,
    cast(coalesce(manager.org_code, dated.org_code) as varchar) as org_code,
    cast(coalesce(manager.district_code, dated.district_code) as varchar) as district_code,
    cast(dated.org_code as varchar) as terminating_org_code,
    cast(dated.kind_code as varchar) as kind_code,
    cast(dated.event_date as date) as event_date,
    cast({{ month_text('dated.event_date') }} as varchar) as period,
    cast(dated.declared_date as date) as declared_date,
    cast(dated.info_received_date as date) as info_received_date,
    cast(dated.evidence_code as varchar) as evidence_code,
    cast(dated.evidence_received_date as date) as evidence_received_date,
    cast(dated.death_date as date) as death_date,
    cast(dated.cause_text is not null as boolean) as has_cause_text,
    cast(dated.cause_icd10 is not null as boolean) as has_cause_icd10,
    cast(dated.departed_date as date) as departed_date,
    cast(dated.destination_code as varchar) as destination_code,
    cast(dated.return_expected_code as varchar) as return_expected_code,
    cast(dated.entered_date as date) as entered_date,
    cast(dated.sealed_date as date) as sealed_date,
    cast(dated.archived_date as date) as archived_date,
    cast(dated.filed_date as date) as filed_date,
    cast(dated.cancelled_date as date) as cancelled_date,
    cast(dated.is_in_force as boolean) as is_in_force
from dated
left join {{ ref('manager_segment') }} as manager
    on
        dated.person_key = manager.person_key
        and {{ add_days('dated.event_date', -1) }} >= manager.valid_from
        and {{ add_days('dated.event_date', -1) }} < manager.held_to
where {{ is_showable('dated.person_key') }}

-- One row per person who has an archive: recorded status, manager, age band, groups, completeness at as_of.
with evaluation as (
    select max(period) as period
    from {{ ref('evaluation_period') }}
),

evidence as (
    select person_period.*
    from {{ ref('person_period') }} as person_period
    inner join evaluation
        on person_period.period = evaluation.period
),

member as (
    select
        person_key,
        max(case when disease_code = 'HTN' then 1 else 0 end) as htn,
        max(case when disease_code = 'T2DM' then 1 else 0 end) as t2dm,
        max(case when disease_code = 'TB' then 1 else 0 end) as tb
    from {{ ref('register_membership') }}
    where valid_from <= {{ as_of_date() }} and valid_to > {{ as_of_date() }}
    group by person_key
)

select
    cast(state.person_key as varchar) as person_key,
    cast(state.archive_key as varchar) as archive_key,
    cast(state.status_code as varchar) as status_code,
    cast(state.status_from as date) as status_from_date,
    cast(state.expected_status_code as varchar) as expected_status_code,
    cast(coalesce(state.is_disputed, false) as boolean) as is_disputed,
    cast(state.managing_org_code as varchar) as org_code,
    cast(state.managing_district_code as varchar) as district_code,
    cast(state.managed_from as date) as managed_from_date,
    cast(person.sex_code as varchar) as sex_code,
    cast({{ age_band('evidence.age_years') }} as varchar) as age_band_code,
    cast(evidence.elderly_reference_age >= evidence.elderly_age as boolean) as is_elderly,
    cast(evidence.age_years <= evidence.child_max_age as boolean) as is_child_0_6,
    cast(coalesce(member.htn, 0) = 1 as boolean) as is_htn,
    cast(coalesce(member.t2dm, 0) = 1 as boolean) as is_t2dm,
    cast(coalesce(member.tb, 0) = 1 as boolean) as is_tb,
    cast(coalesce(evidence.active_archive_count, 0) as bigint) as active_archive_count,
    cast(coalesce(evidence.active_district_count, 0) as bigint) as active_district_count,
    cast(person.key_type_code as varchar) as key_type_code,
    cast(person.key_class as varchar) as key_class_code,
    cast(evidence.is_cover_complete as boolean) as is_cover_complete,
    cast(evidence.is_basic_complete as boolean) as is_basic_complete,
    cast(state.last_service_date as date) as last_service_date,
    cast(evidence.last_dynamic_date is not null as boolean) as has_dynamic_record,
    cast(evidence.has_complete_exam as boolean) as has_complete_exam,
    cast(coalesce(state.is_lost_candidate, false) as boolean) as is_lost_candidate
from {{ ref('person_state') }} as state
left join {{ ref('person') }} as person
    on state.person_key = person.person_key
left join evidence
    on state.person_key = evidence.person_key
left join member
    on state.person_key = member.person_key
where {{ is_showable('state.person_key') }}

-- Terminations known by as_of, cut at as_of, with the day from which each is recorded (readings 35 and 36).
with run as (
    select
        run_context.as_of_date,
        parameter.death_effective,
        parameter.ended_effective
    from {{ source('control', 'run_context') }} as run_context
    inner join {{ ref('parameter_period') }} as parameter
        on
            run_context.as_of_date >= parameter.valid_from
            and run_context.as_of_date < parameter.valid_to
),

reported as (
    select
        {{ record_subject_key('termination', 'termination.record_scope', 'termination.record_key') }}
            as termination_key,
        termination.termination_id,
        termination.person_key,
        termination.delivery_unit,
        termination.district_archive_id,
        termination.org_code,
        termination.kind_code,
        termination.declared_date,
        termination.info_received_date,
        termination.evidence_code,
        termination.evidence_received_date,
        termination.death_date,
        termination.cause_text,
        termination.cause_icd10,
        termination.departed_date,
        termination.destination_code,
        termination.return_expected_code,
        case when cast(termination.entered_at as date) <= run.as_of_date then cast(termination.entered_at as date) end
            as entered_date,
        case when cast(termination.sealed_at as date) <= run.as_of_date then cast(termination.sealed_at as date) end
            as sealed_date,
        case
            when cast(termination.archived_at as date) <= run.as_of_date then cast(termination.archived_at as date)
        end as archived_date,
        case when cast(termination.filed_at as date) <= run.as_of_date then cast(termination.filed_at as date) end
            as filed_date,
        case
            when cast(termination.cancelled_at as date) <= run.as_of_date
                then cast(termination.cancelled_at as date)
        end as cancelled_date,
        {{ earliest([
            'termination.declared_date', 'termination.info_received_date', 'termination.evidence_received_date',
            'cast(termination.entered_at as date)', 'cast(termination.archived_at as date)'
        ]) }} as first_date,
        run.as_of_date,
        run.death_effective,
        run.ended_effective
    from {{ with_person('stg_termination') }} as termination
    cross join run
),

heard as (
    -- what was first heard of after the evaluation day is not known on it
    select reported.*
    from reported
    where
        reported.first_date is null
        or reported.first_date <= reported.as_of_date
),

recorded as (
    select
        heard.*,
        case
            when heard.kind_code = 'DEAD' and heard.entered_date is null then null
            when heard.kind_code = 'DEAD' and heard.death_effective = 'death_date'
                then coalesce(heard.death_date, heard.entered_date)
            when heard.kind_code = 'DEAD' then heard.entered_date
            when heard.ended_effective = 'archived_date' then heard.archived_date
            else coalesce(heard.declared_date, heard.entered_date, heard.archived_date)
        end as recorded_from_date
    from heard
)

select
    recorded.termination_key,
    recorded.termination_id,
    recorded.person_key,
    recorded.delivery_unit,
    recorded.district_archive_id,
    recorded.org_code,
    coalesce(org.district_code, successor.new_district_code, recorded.delivery_unit) as district_code,
    recorded.kind_code,
    recorded.declared_date,
    recorded.info_received_date,
    recorded.evidence_code,
    recorded.evidence_received_date,
    recorded.death_date,
    recorded.cause_text,
    recorded.cause_icd10,
    recorded.departed_date,
    recorded.destination_code,
    recorded.return_expected_code,
    recorded.entered_date,
    recorded.sealed_date,
    recorded.archived_date,
    recorded.filed_date,
    recorded.cancelled_date,
    -- null: known, but not recorded by as_of
    case when recorded.recorded_from_date <= recorded.as_of_date then recorded.recorded_from_date end
        as recorded_from_date
from recorded
{{ join_org(
    'org',
    'recorded.org_code',
    'coalesce(recorded.declared_date, recorded.entered_date, recorded.info_received_date, recorded.as_of_date)'
) }}
{{ join_successor(
    'successor',
    'recorded.delivery_unit',
    'coalesce(recorded.declared_date, recorded.entered_date, recorded.info_received_date, recorded.as_of_date)'
) }}

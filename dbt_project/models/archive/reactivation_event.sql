-- Reactivations known by as_of, with the termination each one answers and the service it rests on.
-- Without a service the recorded status does not change (reading 35); nobody comes back from death.
with run as (
    select
        run_context.as_of_date,
        parameter.reactivation_effective
    from {{ source('control', 'run_context') }} as run_context
    inner join {{ ref('parameter_period') }} as parameter
        on
            run_context.as_of_date >= parameter.valid_from
            and run_context.as_of_date < parameter.valid_to
),

reported as (
    select
        {{ record_subject_key('reactivation', 'reactivation.record_scope', 'reactivation.record_key') }}
            as reactivation_key,
        reactivation.reactivation_id,
        reactivation.person_key,
        reactivation.delivery_unit,
        reactivation.district_archive_id,
        reactivation.org_code,
        reactivation.service_record_id,
        case when reactivation.contact_date <= run.as_of_date then reactivation.contact_date end as contact_date,
        case
            when cast(reactivation.reactivated_at as date) <= run.as_of_date
                then cast(reactivation.reactivated_at as date)
        end as reactivated_date,
        case
            when cast(reactivation.filed_at as date) <= run.as_of_date then cast(reactivation.filed_at as date)
        end as filed_date,
        {{ earliest([
            'reactivation.contact_date', 'cast(reactivation.reactivated_at as date)',
            'cast(reactivation.filed_at as date)'
        ]) }} as first_date,
        run.as_of_date,
        run.reactivation_effective
    from {{ with_person('stg_reactivation') }} as reactivation
    cross join run
),

heard as (
    select reported.*
    from reported
    where
        reported.first_date is null
        or reported.first_date <= reported.as_of_date
),

named_service as (
    select
        heard.reactivation_key,
        min(service.service_date) as service_date
    from heard
    inner join {{ ref('identified_service') }} as service
        on
            heard.delivery_unit = service.delivery_unit
            and heard.service_record_id = service.record_key
            and heard.person_key = service.person_key
            and heard.as_of_date >= service.service_date
    group by heard.reactivation_key
),

dated as (
    select
        heard.*,
        named_service.service_date as named_service_date,
        coalesce(
            greatest(named_service.service_date, heard.reactivated_date),
            heard.reactivated_date,
            named_service.service_date,
            heard.contact_date,
            heard.filed_date,
            heard.as_of_date
        ) as reference_date
    from heard
    left join named_service on heard.reactivation_key = named_service.reactivation_key
),

answered as (
    select
        dated.reactivation_key,
        termination.termination_key,
        termination.kind_code,
        termination.archived_date,
        termination.recorded_from_date,
        row_number() over (
            partition by dated.reactivation_key
            order by
                case when termination.kind_code = 'DEAD' then 0 else 1 end,
                case when termination.delivery_unit = dated.delivery_unit then 0 else 1 end,
                termination.recorded_from_date desc,
                termination.delivery_unit asc,
                termination.termination_id asc
        ) as preference
    from dated
    inner join {{ ref('termination_event') }} as termination
        on
            dated.person_key = termination.person_key
            and dated.reference_date >= termination.recorded_from_date
            and coalesce(termination.cancelled_date, {{ end_of_time() }}) > dated.reference_date
),

found_service as (
    -- no record is named: the first service of that unit once the archive was ended
    select
        dated.reactivation_key,
        min(service.service_date) as service_date
    from dated
    inner join answered
        on
            dated.reactivation_key = answered.reactivation_key
            and answered.preference = 1
    inner join {{ ref('identified_service') }} as service
        on
            dated.person_key = service.person_key
            and dated.delivery_unit = service.delivery_unit
            and service.service_date >= coalesce(answered.archived_date, answered.recorded_from_date)
            and dated.as_of_date >= service.service_date
    where dated.named_service_date is null
    group by dated.reactivation_key
),

rested as (
    select
        dated.reactivation_key,
        dated.reactivation_id,
        dated.person_key,
        dated.delivery_unit,
        dated.district_archive_id,
        dated.org_code,
        dated.contact_date,
        dated.reactivated_date,
        dated.filed_date,
        dated.reference_date,
        coalesce(dated.named_service_date, found_service.service_date) as service_date,
        answered.termination_key,
        answered.kind_code,
        answered.archived_date,
        case
            when
                answered.kind_code in ('LOST', 'MOVED_OUT')
                and coalesce(dated.named_service_date, found_service.service_date) >= answered.recorded_from_date
                then case
                    when dated.reactivation_effective = 'filed_date' then dated.filed_date
                    else coalesce(dated.named_service_date, found_service.service_date)
                end
        end as effective_date
    from dated
    left join answered
        on
            dated.reactivation_key = answered.reactivation_key
            and answered.preference = 1
    left join found_service on dated.reactivation_key = found_service.reactivation_key
),

sequenced as (
    select
        rested.*,
        min(rested.effective_date) over (partition by rested.person_key, rested.termination_key)
            as first_effective_date
    from rested
)

select
    sequenced.reactivation_key,
    sequenced.reactivation_id,
    sequenced.person_key,
    sequenced.delivery_unit,
    sequenced.district_archive_id,
    sequenced.org_code,
    coalesce(org.district_code, successor.new_district_code, sequenced.delivery_unit) as district_code,
    sequenced.contact_date,
    sequenced.service_date,
    sequenced.reactivated_date,
    sequenced.filed_date,
    sequenced.termination_key,
    -- a second reactivation finds the archive already back
    case
        when sequenced.kind_code is null then 'MANAGED'
        when sequenced.first_effective_date < least(sequenced.effective_date, sequenced.reference_date)
            then 'MANAGED'
        else sequenced.kind_code
    end as prior_status_code,
    sequenced.archived_date,
    sequenced.effective_date
from sequenced
{{ join_org('org', 'sequenced.org_code', 'sequenced.reference_date') }}
{{ join_successor('successor', 'sequenced.delivery_unit', 'sequenced.reference_date') }}

-- From when an archive should have rested (第十四条), and whether its content was edited afterwards all the same.
-- No edit in this sense: what records the ending or a change of manager, an approved amendment, what was edited before
-- and only sent later.
with parameter as (
    select parameter_period.rules_effective_from
    from {{ ref('parameter_period') }} as parameter_period
    where
        parameter_period.valid_from <= {{ as_of_date() }}
        and parameter_period.valid_to > {{ as_of_date() }}
),

stop as (
    select
        status.person_key,
        status.valid_from as stopped_date,
        status.valid_to as resumed_date,
        parameter.rules_effective_from
    from {{ ref('status_interval') }} as status
    cross join parameter
    where
        status.status_code in ('LOST', 'DEAD', 'MOVED_OUT')
        and status.valid_from <= {{ as_of_date() }}
        and status.valid_to > parameter.rules_effective_from
),

version as (
    select
        archive_person.archive_key,
        archive_person.delivery_unit,
        archive_person.district_archive_id,
        stop.stopped_date,
        stop.resumed_date,
        stop.rules_effective_from,
        version.declared_status_code,
        version.manage_org_code,
        cast(version.modified_at as date) as modified_date,
        cast(version.first_received_at as date) as received_date,
        version.version_number,
        lag(version.declared_status_code) over (
            partition by archive_person.archive_key, stop.stopped_date
            order by version.version_number
        ) as former_status_code,
        lag(version.manage_org_code) over (
            partition by archive_person.archive_key, stop.stopped_date
            order by version.version_number
        ) as former_manage_org_code
    from stop
    inner join {{ ref('archive_person') }} as archive_person on stop.person_key = archive_person.person_key
    inner join {{ ref('stg_archive_version') }} as version
        on
            archive_person.delivery_unit = version.delivery_unit
            and archive_person.district_archive_id = version.district_archive_id
    where version.version_status in ('current', 'superseded')
),

edit as (
    select
        version.archive_key,
        version.stopped_date,
        version.delivery_unit,
        version.district_archive_id,
        version.modified_date
    from version
    where
        version.version_number > 1
        and version.received_date > version.stopped_date
        and coalesce(version.declared_status_code, '') = coalesce(version.former_status_code, '')
        and coalesce(version.manage_org_code, '') = coalesce(version.former_manage_org_code, '')
        and (
            (
                version.modified_date > version.stopped_date
                and version.modified_date < version.resumed_date
                and version.modified_date >= version.rules_effective_from
                and version.modified_date <= {{ as_of_date() }}
            )
            or (
                version.modified_date is null
                and version.received_date < version.resumed_date
                and version.received_date >= version.rules_effective_from
            )
        )
),

amended as (
    select
        edit.archive_key,
        edit.modified_date
    from edit
    inner join {{ ref('stg_amendment') }} as amendment
        on
            amendment.dataset = 'archive'
            and edit.delivery_unit = amendment.delivery_unit
            and edit.district_archive_id = amendment.record_id
            and amendment.approver_id is not null
            and cast(amendment.approved_at as date) <= edit.modified_date
            and cast(coalesce(amendment.modified_at, amendment.approved_at) as date)
            between edit.stopped_date and edit.modified_date
    group by edit.archive_key, edit.modified_date
),

unapproved as (
    select
        edit.archive_key,
        min(edit.modified_date) as late_edit_date,
        max(case when edit.modified_date is null then 1 else 0 end) as undated_flag
    from edit
    left join amended
        on
            edit.archive_key = amended.archive_key
            and edit.modified_date = amended.modified_date
    where amended.archive_key is null
    group by edit.archive_key
)

select
    version.archive_key,
    -- the stop that the edit disregards, else the last one
    coalesce(
        max(case when version.stopped_date < unapproved.late_edit_date then version.stopped_date end),
        max(version.stopped_date)
    ) as stopped_date,
    min(unapproved.late_edit_date) as late_edit_date,
    max(coalesce(unapproved.undated_flag, 0)) = 1 as has_undated_edit
from version
left join unapproved on version.archive_key = unapproved.archive_key
group by version.archive_key

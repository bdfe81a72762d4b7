{{ config(materialized='view') }}
{% set datasets = service_datasets() %}
with

run_context as (
    select {{ as_of_date() }} as as_of_date
),

changed as (
    {%- for dataset in datasets %}
        select
            '{{ dataset }}' as dataset,
            record_scope,
            record_key,
            delivery_unit,
            identity_key,
            birth_key,
            mother_key,
            identity_issue_codes,
            birth_date,
            district_archive_id,
            org_code,
            service_date,
            version_status,
            version_number,
            first_received_at,
            received_at,
            vanished_at
        from {{ ref('stg_' ~ dataset ~ '_version') }}
        where
            version_status in ('current', 'superseded')
            and (version_number > 1 or vanished_at is not null or version_status = 'superseded')
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

version as (
    select
        changed.dataset,
        changed.record_scope,
        changed.record_key,
        changed.delivery_unit,
        changed.org_code,
        changed.service_date,
        changed.person_key,
        changed.version_status,
        changed.version_number,
        changed.first_received_at,
        changed.received_at,
        changed.vanished_at
    from {{ with_person_of('changed') }} as changed
),

sequenced as (
    select
        version.*,
        lag(version.first_received_at) over (
            partition by version.dataset, version.record_scope, version.record_key
            order by version.version_number
        ) as previous_received_at
    from version
),

change as (
    select
        sequenced.dataset,
        sequenced.record_scope,
        sequenced.record_key,
        'EDIT' as change_code,
        sequenced.first_received_at as changed_at,
        sequenced.previous_received_at as unchanged_until
    from sequenced
    cross join run_context
    where
        sequenced.previous_received_at is not null
        and cast(sequenced.first_received_at as date) <= run_context.as_of_date
    union all
    select
        sequenced.dataset,
        sequenced.record_scope,
        sequenced.record_key,
        'DELETION' as change_code,
        sequenced.vanished_at as changed_at,
        sequenced.received_at as unchanged_until
    from sequenced
    cross join run_context
    where
        sequenced.version_status = 'current'
        and sequenced.vanished_at is not null
        and cast(sequenced.vanished_at as date) <= run_context.as_of_date
),

change_with_amendment as (
    -- an approval belongs to a change when its moment lies between the two receipts (by day: files are cut earlier)
    select
        change.dataset,
        change.record_scope,
        change.record_key,
        change.change_code,
        change.changed_at,
        amendment.approver_id,
        amendment.approved_at,
        amendment.modified_at,
        amendment.modified_by_id,
        case
            when amendment.record_id is null then 4
            when amendment.approver_id is null then 3
            when amendment.approved_at is null or amendment.modified_at is null then 2
            when amendment.approved_at > amendment.modified_at then 1
            else 0
        end as weakness
    from change
    left join {{ ref('stg_amendment') }} as amendment
        on
            change.dataset = amendment.dataset
            and change.record_key = amendment.record_id
            and change.record_scope = amendment.record_scope
            and (change.change_code = 'DELETION') = coalesce(amendment.is_deletion, false)
            and cast(coalesce(amendment.modified_at, amendment.approved_at, change.changed_at) as date)
            between cast(change.unchanged_until as date) and cast(change.changed_at as date)
),

judged_change as (
    -- per change its best approval
    select
        candidate.*,
        row_number() over (
            partition by
                candidate.dataset, candidate.record_scope, candidate.record_key, candidate.change_code,
                candidate.changed_at
            order by candidate.weakness, candidate.approved_at, candidate.approver_id
        ) as approval_rank
    from change_with_amendment as candidate
),

decisive as (
    -- per record its worst change, the earliest of equals
    select
        judged_change.*,
        row_number() over (
            partition by judged_change.dataset, judged_change.record_scope, judged_change.record_key
            order by judged_change.weakness desc, judged_change.changed_at asc, judged_change.change_code asc
        ) as change_rank,
        count(*) over (
            partition by judged_change.dataset, judged_change.record_scope, judged_change.record_key
        ) as change_count
    from judged_change
    where judged_change.approval_rank = 1
),

latest as (
    select
        version.dataset,
        version.record_scope,
        version.record_key,
        version.delivery_unit,
        version.org_code,
        version.service_date,
        version.person_key
    from version
    where version.version_status = 'current'
)

select
    {{ pseudonym("decisive.dataset || ':' || decisive.record_scope || ':' || decisive.record_key") }} as subject_key,
    latest.person_key,
    decisive.dataset,
    decisive.change_code,
    decisive.change_count,
    decisive.changed_at,
    decisive.weakness < 4 as has_amendment,
    decisive.approver_id,
    decisive.approved_at,
    decisive.modified_at,
    decisive.modified_by_id,
    latest.org_code as serving_org_code,
    coalesce(org.district_code, successor.new_district_code, latest.delivery_unit) as serving_district_code,
    parameter.rules_effective_from,
    run_context.as_of_date
from decisive
cross join run_context
inner join latest
    on
        decisive.dataset = latest.dataset
        and decisive.record_scope = latest.record_scope
        and decisive.record_key = latest.record_key
inner join {{ ref('parameter_period') }} as parameter
    on
        cast(decisive.changed_at as date) >= parameter.valid_from
        and cast(decisive.changed_at as date) < parameter.valid_to
{{ join_org('org', 'latest.org_code', 'latest.service_date') }}
{{ join_successor('successor', 'latest.delivery_unit', 'latest.service_date') }}
where decisive.change_rank = 1

-- Applications for transfer known by as_of, cut at as_of, with the districts on the day of application.
with run as (
    select {{ as_of_date() }} as as_of_date
),

applied as (
    select
        transfer.person_key,
        {{ record_subject_key('transfer', 'transfer.record_scope', 'transfer.record_key') }} as transfer_key,
        transfer.transfer_id,
        transfer.delivery_unit,
        transfer.district_archive_id,
        transfer.from_org_code,
        transfer.to_org_code,
        transfer.initiator_code,
        transfer.path_code,
        cast(transfer.applied_at as date) as applied_date,
        transfer.decided_at,
        transfer.decision_code,
        transfer.refuse_reason,
        transfer.confirm_mode_code,
        transfer.reason_code,
        transfer.confirmed_by_code,
        transfer.filed_at,
        transfer.manager_changed_at,
        run.as_of_date
    from {{ with_person('stg_transfer') }} as transfer
    cross join run
    where cast(transfer.applied_at as date) <= run.as_of_date
),

cut as (
    -- what happened after the evaluation day has not happened yet
    select
        applied.person_key,
        applied.transfer_key,
        applied.transfer_id,
        applied.delivery_unit,
        applied.district_archive_id,
        applied.from_org_code,
        applied.to_org_code,
        applied.initiator_code,
        applied.path_code,
        applied.applied_date,
        case when cast(applied.decided_at as date) <= applied.as_of_date then cast(applied.decided_at as date) end
            as decided_date,
        case
            when applied.decided_at is null or cast(applied.decided_at as date) <= applied.as_of_date
                then applied.decision_code
        end as decision_code,
        case
            when applied.decided_at is null or cast(applied.decided_at as date) <= applied.as_of_date
                then applied.refuse_reason
        end as refuse_reason,
        applied.confirm_mode_code,
        applied.reason_code,
        applied.confirmed_by_code,
        case when cast(applied.filed_at as date) <= applied.as_of_date then applied.filed_at end as filed_at,
        case
            when cast(applied.manager_changed_at as date) <= applied.as_of_date then applied.manager_changed_at
        end as manager_changed_at
    from applied
),

placed as (
    select
        cut.*,
        -- an institution nobody described belongs to the unit that speaks for it
        coalesce(
            from_org.district_code,
            case when cut.initiator_code = '2' then cut.delivery_unit end
        ) as from_district_code,
        coalesce(
            to_org.district_code,
            case when coalesce(cut.initiator_code, '1') <> '2' then cut.delivery_unit end
        ) as to_district_code
    from cut
    {{ join_org('from_org', 'cut.from_org_code', 'cut.applied_date') }}
    {{ join_org('to_org', 'cut.to_org_code', 'cut.applied_date') }}
)

select
    placed.transfer_key,
    placed.transfer_id,
    placed.person_key,
    placed.delivery_unit,
    placed.district_archive_id,
    placed.from_org_code,
    placed.to_org_code,
    placed.from_district_code,
    placed.to_district_code,
    -- a reform of divisions renames, it does not move
    placed.from_district_code <> placed.to_district_code and coalesce(placed.path_code, '') <> '4'
        as is_cross_district,
    placed.initiator_code,
    placed.path_code,
    placed.applied_date,
    placed.decided_date,
    placed.decision_code,
    placed.refuse_reason,
    placed.confirm_mode_code,
    placed.reason_code,
    placed.confirmed_by_code,
    cast(placed.filed_at as date) as filed_date,
    cast(placed.manager_changed_at as date) as manager_changed_date,
    -- complete once filed with the city and the manager changed (A1-4-3-1); never after a refusal or withdrawal
    case
        when
            coalesce(placed.decision_code, '1') not in ('2', '3')
            and placed.filed_at is not null
            and placed.manager_changed_at is not null
            then greatest(placed.filed_at, placed.manager_changed_at)
    end as succeeded_at,
    case
        when
            coalesce(placed.decision_code, '1') not in ('2', '3')
            and placed.filed_at is not null
            and placed.manager_changed_at is not null
            then cast(greatest(placed.filed_at, placed.manager_changed_at) as date)
    end as success_date
from placed

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

completed as (
    -- complete once filed with the city and the manager changed (A1-4-3-1); never after a refusal or withdrawal
    select
        cut.*,
        case
            when
                coalesce(cut.decision_code, '1') not in ('2', '3')
                and cut.filed_at is not null
                and cut.manager_changed_at is not null
                then greatest(cut.filed_at, cut.manager_changed_at)
        end as succeeded_at
    from cut
),

dated as (
    select
        completed.*,
        cast(completed.succeeded_at as date) as success_date,
        coalesce(cast(completed.succeeded_at as date), completed.applied_date) as moved_date
    from completed
),

placed as (
    select
        dated.*,
        -- an institution nobody described belongs to the unit that speaks for it
        coalesce(
            from_org.district_code,
            case when dated.initiator_code = '2' then coalesce(successor.new_district_code, dated.delivery_unit) end
        ) as from_district_code,
        coalesce(
            to_org.district_code,
            case
                when coalesce(dated.initiator_code, '1') <> '2'
                    then coalesce(successor.new_district_code, dated.delivery_unit)
            end
        ) as to_district_code,
        coalesce(
            from_then.district_code,
            case when dated.initiator_code = '2' then coalesce(successor_then.new_district_code, dated.delivery_unit) end
        ) as from_unit,
        coalesce(
            to_then.district_code,
            case
                when coalesce(dated.initiator_code, '1') <> '2'
                    then coalesce(successor_then.new_district_code, dated.delivery_unit)
            end
        ) as to_unit
    from dated
    {{ join_org('from_org', 'dated.from_org_code', 'dated.applied_date') }}
    {{ join_org('to_org', 'dated.to_org_code', 'dated.applied_date') }}
    {{ join_org('from_then', 'dated.from_org_code', 'dated.moved_date') }}
    {{ join_org('to_then', 'dated.to_org_code', 'dated.moved_date') }}
    {{ join_successor('successor', 'dated.delivery_unit', 'dated.applied_date') }}
    {{ join_successor('successor_then', 'dated.delivery_unit', 'dated.moved_date') }}
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
    -- the units between which the archive moves, on the day on which it does
    placed.from_unit,
    placed.to_unit,
    -- the units that followed them since
    coalesce(from_moved.new_district_code, from_successor.new_district_code) as from_successor_unit,
    coalesce(to_moved.new_district_code, to_successor.new_district_code) as to_successor_unit,
    coalesce(to_moved.changed_on, to_successor.changed_on) as to_changed_on,
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
    placed.succeeded_at,
    placed.success_date
from placed
{%- for side in ['from', 'to'] %}
left join {{ ref('moved_org') }} as {{ side }}_moved
    on
        placed.{{ side }}_org_code = {{ side }}_moved.org_code
        and placed.{{ side }}_unit = {{ side }}_moved.old_district_code
left join {{ ref('division_change') }} as {{ side }}_successor
    on
        placed.{{ side }}_unit = {{ side }}_successor.old_code
        and {{ side }}_successor.is_main
{%- endfor %}

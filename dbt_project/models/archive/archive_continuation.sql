-- Archives of a successor unit that continue an archive of the unit abolished or diminished by the reform.
-- One archive continues one archive: each is the best candidate of the other.
with unit_pair as (
    select
        change.old_code as former_unit,
        change.new_district_code as delivery_unit,
        min(change.changed_on) as changed_on
    from {{ ref('division_change') }} as change
    where change.level = 'district'
    group by change.old_code, change.new_district_code
),

archive as (
    select registered.*
    from {{ ref('registered_archive') }} as registered
    where registered.known_from_date <= {{ as_of_date() }}
),

transferred as (
    select transfer_event.* from {{ ref('transfer_event') }} as transfer_event
),

facing as (
    select
        former.archive_key as former_archive_key,
        later.archive_key,
        former.person_key,
        former.delivery_unit as former_unit,
        later.delivery_unit,
        former.district_archive_id as former_district_archive_id,
        later.district_archive_id,
        former.create_org_code as former_create_org_code,
        former.manage_org_code as former_manage_org_code,
        later.create_org_code,
        later.manage_org_code,
        former.created_date as former_created_date,
        later.created_date,
        later.known_from_date,
        unit_pair.changed_on,
        coalesce(later.previous_district_archive_id, '') = former.district_archive_id
        -- a number alone may be that of another unit's archive: it counts where the archive went
        or (
            later.district_archive_id = former.district_archive_id
            and coalesce(former.fell_to_unit = later.delivery_unit, false)
        ) as is_named,
        former.fell_to_unit = later.delivery_unit as has_fallen,
        -- the institution was the successor's own before the reform, or nothing says whose it was
        later_org.org_code is null and later_unit.former_district is not null as is_of_successor,
        coalesce(former.declared_status_code, '') in ('TRANSFERRED_OUT', 'CANCELLED_DUPLICATE') as is_called_off
    from archive as former
    inner join unit_pair on former.delivery_unit = unit_pair.former_unit
    inner join archive as later
        on
            former.person_key = later.person_key
            and unit_pair.delivery_unit = later.delivery_unit
    left join (
        select distinct change.old_code as former_district
        from {{ ref('division_change') }} as change
        where change.level = 'district'
    ) as later_unit on later.delivery_unit = later_unit.former_district
    left join {{ ref('moved_org') }} as later_org
        on
            coalesce(later.manage_org_code, later.create_org_code) = later_org.org_code
            and later.delivery_unit = later_org.new_district_code
            and former.delivery_unit = later_org.old_district_code
),

told_by_transfer as (
    -- path 4 from an institution of the one to one of the other
    select
        facing.former_archive_key,
        facing.archive_key
    from facing
    inner join transferred
        on
            facing.person_key = transferred.person_key
            and transferred.path_code = '4'
            and coalesce(transferred.decision_code, '1') not in ('2', '3')
            and (
                transferred.from_org_code in (facing.former_manage_org_code, facing.former_create_org_code)
                or transferred.from_district_code = facing.former_unit
            )
            and (
                transferred.to_org_code in (facing.manage_org_code, facing.create_org_code)
                or transferred.to_unit = facing.delivery_unit
            )
    group by facing.former_archive_key, facing.archive_key
),

given_away as (
    -- it had moved to another unit before the successor's archive was created
    select
        facing.former_archive_key,
        facing.archive_key
    from facing
    inner join transferred as departed
        on
            facing.person_key = departed.person_key
            and facing.former_unit = departed.from_unit
            and departed.from_unit <> departed.to_unit
            and facing.known_from_date >= departed.success_date
    left join transferred as returned
        on
            facing.person_key = returned.person_key
            and returned.to_unit in (facing.former_unit, facing.delivery_unit)
            and returned.from_unit <> returned.to_unit
            and facing.known_from_date >= returned.success_date
            and departed.succeeded_at < returned.succeeded_at
    where returned.transfer_key is null
    group by facing.former_archive_key, facing.archive_key
),

judged as (
    select
        facing.*,
        case
            when facing.is_named then 1
            when told_by_transfer.archive_key is not null then 2
            when not facing.has_fallen or facing.is_of_successor then null
            -- a new archive beside one that went elsewhere is no continuation
            when
                coalesce(facing.created_date, {{ date_literal('1900-01-01') }}) >= facing.changed_on
                and (facing.is_called_off or given_away.archive_key is not null)
                then null
            when
                facing.manage_org_code in (facing.former_manage_org_code, facing.former_create_org_code)
                or facing.create_org_code in (facing.former_manage_org_code, facing.former_create_org_code)
                then 3
            else 4
        end as basis_rank
    from facing
    left join told_by_transfer
        on
            facing.former_archive_key = told_by_transfer.former_archive_key
            and facing.archive_key = told_by_transfer.archive_key
    left join given_away
        on
            facing.former_archive_key = given_away.former_archive_key
            and facing.archive_key = given_away.archive_key
),

ranked as (
    select
        judged.*,
        row_number() over (
            partition by judged.former_archive_key
            order by
                judged.basis_rank,
                case when judged.former_created_date = judged.created_date then 0 else 1 end,
                judged.known_from_date,
                judged.delivery_unit,
                judged.district_archive_id
        ) as rank_of_former,
        row_number() over (
            partition by judged.archive_key
            order by
                judged.basis_rank,
                case when judged.former_created_date = judged.created_date then 0 else 1 end,
                case when judged.is_called_off then 1 else 0 end,
                judged.former_created_date,
                judged.former_unit,
                judged.former_district_archive_id
        ) as rank_of_later
    from judged
    where judged.basis_rank is not null
),

matched as (
    select ranked.*
    from ranked
    where
        ranked.rank_of_former = 1
        and ranked.rank_of_later = 1
)

select
    matched.former_archive_key,
    matched.archive_key,
    matched.person_key,
    matched.former_unit,
    matched.former_district_archive_id,
    matched.delivery_unit,
    matched.district_archive_id,
    matched.changed_on,
    case matched.basis_rank
        when 1 then 'ARCHIVE_ID'
        when 2 then 'TRANSFER'
        when 3 then 'SAME_INSTITUTION'
        else 'SUCCESSOR'
    end as basis_code
from matched
left join matched as earlier on matched.former_archive_key = earlier.archive_key
-- the reform happened once: what continues an archive is not continued by a third
where earlier.archive_key is null

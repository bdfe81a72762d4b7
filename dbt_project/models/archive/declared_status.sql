-- Status statements of archive copies that no event explains: duplicates called off, archives given away without a
-- transfer, and endings of units that send no termination.
with versioned as (
    select
        coalesce(continued.archive_key, archive_person.archive_key) as holding_key,
        archive_person.person_key,
        version.delivery_unit,
        version.district_archive_id,
        row_number() over (
            partition by coalesce(continued.archive_key, archive_person.archive_key)
            order by case when continued.changed_on is null then 1 else 0 end, version.version_number
        ) as version_number,
        version.declared_status_code,
        coalesce(cast(version.modified_at as date), cast(version.first_received_at as date)) as stated_date
    from {{ ref('stg_archive_version') }} as version
    inner join {{ ref('archive_person') }} as archive_person
        on
            version.delivery_unit = archive_person.delivery_unit
            and version.district_archive_id = archive_person.district_archive_id
    left join {{ ref('archive_continuation') }} as continued
        on archive_person.archive_key = continued.former_archive_key
    left join {{ ref('registered_archive') }} as continuing
        on continued.archive_key = continuing.archive_key
    where
        version.version_status in ('current', 'superseded')
        -- an abolished unit that hands over to its successor has given nothing away
        and not (
            continued.archive_key is not null
            and coalesce(version.declared_status_code, '') = 'TRANSFERRED_OUT'
            and coalesce(continuing.declared_status_code, 'MANAGED') <> 'TRANSFERRED_OUT'
        )
),

stated as (
    select
        versioned.*,
        lag(versioned.declared_status_code) over (
            partition by versioned.holding_key
            order by versioned.version_number
        ) as former_status_code
    from versioned
),

changed as (
    select stated.*
    from stated
    where
        stated.stated_date <= {{ as_of_date() }}
        and coalesce(stated.declared_status_code, '') <> coalesce(stated.former_status_code, 'MANAGED')
),

related_unit as (
    -- a unit, those that took over from it and those it took over from
    select
        change.old_code as unit,
        change.new_district_code as related_unit
    from {{ ref('division_change') }} as change
    where change.level = 'district'
    union
    select
        change.new_district_code as unit,
        change.old_code as related_unit
    from {{ ref('division_change') }} as change
    where change.level = 'district'
),

explained as (
    -- any termination record of the unit speaks for itself, entered or not
    select
        termination.person_key,
        termination.delivery_unit,
        termination.kind_code
    from {{ ref('termination_event') }} as termination
    union
    select
        termination.person_key,
        related_unit.related_unit as delivery_unit,
        termination.kind_code
    from {{ ref('termination_event') }} as termination
    inner join related_unit on termination.delivery_unit = related_unit.unit
),

applied as (
    select
        transfer.person_key,
        transfer.from_district_code
    from {{ ref('transfer_event') }} as transfer
    union
    select
        transfer.person_key,
        transfer.from_unit as from_district_code
    from {{ ref('transfer_event') }} as transfer
),

elsewhere as (
    select
        holding.person_key,
        min(holding.delivery_unit) as first_unit,
        max(holding.delivery_unit) as last_unit
    from {{ ref('archive_holding') }} as holding
    group by holding.person_key
)

select
    changed.holding_key,
    changed.person_key,
    changed.delivery_unit,
    changed.district_archive_id,
    changed.version_number,
    changed.stated_date,
    changed.declared_status_code,
    case
        when changed.declared_status_code = 'CANCELLED_DUPLICATE' then 'OUT'
        when
            changed.declared_status_code = 'TRANSFERRED_OUT'
            and applied.person_key is null
            and (elsewhere.first_unit <> own.delivery_unit or elsewhere.last_unit <> own.delivery_unit)
            then 'OUT'
        when changed.declared_status_code in ('LOST', 'DEAD', 'MOVED_OUT') and explained.person_key is null
            then changed.declared_status_code
        when
            coalesce(changed.declared_status_code, 'MANAGED') = 'MANAGED'
            and changed.former_status_code = 'CANCELLED_DUPLICATE'
            then 'IN'
        when
            changed.declared_status_code = 'MANAGED'
            and changed.former_status_code in ('LOST', 'DEAD', 'MOVED_OUT')
            and former_explained.person_key is null
            then 'BACK'
    end as effect_code
from changed
left join explained
    on
        changed.person_key = explained.person_key
        and changed.delivery_unit = explained.delivery_unit
        and changed.declared_status_code = explained.kind_code
left join explained as former_explained
    on
        changed.person_key = former_explained.person_key
        and changed.delivery_unit = former_explained.delivery_unit
        and changed.former_status_code = former_explained.kind_code
left join applied
    on
        changed.person_key = applied.person_key
        and changed.delivery_unit = applied.from_district_code
left join elsewhere on changed.person_key = elsewhere.person_key
left join {{ ref('archive_holding') }} as own on changed.holding_key = own.holding_key

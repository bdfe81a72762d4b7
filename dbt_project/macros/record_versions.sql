{#- What every stored row carries about its origin, besides the contract's columns. -#}
{% macro provenance_columns() -%}
    {{ return([
        'delivery_id', 'delivery_unit', 'delivery_batch', 'delivery_file', 'delivery_row', 'source_system',
        'received_at', 'record_scope', 'record_key', 'record_hash', 'unknown_codes', 'warning_codes'
    ]) }}
{%- endmacro %}

{#-
    Every visible row of a dataset with its place among the versions of its record.

    dataset: name of the lake source. columns: the contract's columns and those derived at ingest.
    Versions of (record_scope, record_key) are ordered by (received_at, batch, file, row), whatever order they
    arrived in; rows of withdrawn deliveries stand outside. The last row of a run of equal hashes stands for it.
    Only records that came more than once pass through the window functions, and only with their narrow columns:
    the wide rows are streamed once.
-#}
{% macro record_versions(dataset, columns) -%}
with

delivery as (
    -- the register has a row per file; what counts here is the delivery
    select
        register.delivery_id,
        register.delivery_unit,
        register.received_at,
        register.delivery_batch,
        max(case when register.is_withdrawn then 1 else 0 end) as withdrawn_flag,
        -- a full delivery speaks for the dataset only if every file of it came through
        max(case when register.mode = 'full' and register.dataset = '{{ dataset }}' then 1 else 0 end)
        * min(case when register.dataset = '{{ dataset }}' and register.file_status <> 'accepted' then 0 else 1 end)
        * min(case when register.is_active then 1 else 0 end) as full_flag
    from {{ source('control', 'delivery_file') }} as register
    where
        register.is_visible
        and register.delivery_status = 'accepted'
    group by register.delivery_id, register.delivery_unit, register.received_at, register.delivery_batch
),

delivery_with_next_full as (
    select
        delivery.delivery_id,
        delivery.withdrawn_flag,
        coalesce(
            min(case when delivery.full_flag = 1 then delivery.received_at end) over (
                partition by delivery.delivery_unit
                order by delivery.received_at, delivery.delivery_batch, delivery.delivery_id
                rows between 1 following and unbounded following
            ),
            cast('9999-12-31 00:00:00' as timestamp)
        ) as next_full_at
    from delivery
),

provenance as (
    select
        lake.record_scope,
        lake.record_key,
        lake.record_hash,
        lake.received_at,
        lake.delivery_unit,
        lake.delivery_batch,
        lake.delivery_file,
        lake.delivery_row,
        lake.delivery_id,
        delivery.withdrawn_flag,
        delivery.next_full_at
    from {{ source('lake', dataset) }} as lake
    inner join delivery_with_next_full as delivery on lake.delivery_id = delivery.delivery_id
),

repeated_record as (
    select
        provenance.record_scope,
        provenance.record_key
    from provenance
    group by provenance.record_scope, provenance.record_key
    having count(*) > 1
),

compared as (
    select
        provenance.*,
        lag(provenance.record_hash) over version_order as hash_before,
        lead(provenance.record_hash) over version_order as hash_after,
        lead(provenance.received_at) over version_order as received_after,
        max(case when provenance.withdrawn_flag = 0 then provenance.next_full_at end) over (
            partition by provenance.record_scope, provenance.record_key, provenance.delivery_unit
        ) as absent_at
    from provenance
    inner join repeated_record
        on
            provenance.record_scope = repeated_record.record_scope
            and provenance.record_key = repeated_record.record_key
    window
        version_order as (
            partition by provenance.record_scope, provenance.record_key, provenance.withdrawn_flag
            order by
                provenance.received_at, provenance.delivery_batch, provenance.delivery_file, provenance.delivery_row
        )
),

counted as (
    select
        compared.delivery_id,
        compared.delivery_file,
        compared.delivery_row,
        compared.absent_at,
        case
            when compared.hash_after is null then 'current'
            when compared.hash_after = compared.record_hash then 'repeated'
            else 'superseded'
        end as version_status,
        case when compared.hash_after <> compared.record_hash then compared.received_after end as superseded_at,
        sum(case when compared.hash_before = compared.record_hash then 0 else 1 end) over version_order
            as version_number,
        max(case when compared.hash_before = compared.record_hash then null else compared.received_at end)
            over version_order as first_received_at
    from compared
    window
        version_order as (
            partition by compared.record_scope, compared.record_key, compared.withdrawn_flag
            order by compared.received_at, compared.delivery_batch, compared.delivery_file, compared.delivery_row
            rows between unbounded preceding and current row
        )
),

quarantined_appearance as (
    -- a row that came but could not be accepted has not vanished
    select
        refused.record_scope,
        refused.record_key,
        refused.delivery_unit,
        max(delivery.next_full_at) as absent_at
    from {{ source('quarantine', 'row') }} as refused
    inner join delivery_with_next_full as delivery on refused.delivery_id = delivery.delivery_id
    where
        refused.dataset = '{{ dataset }}'
        and refused.record_key is not null
        and delivery.withdrawn_flag = 0
    group by refused.record_scope, refused.record_key, refused.delivery_unit
),

placed as (
    select
        {%- for column in columns + provenance_columns() %}
        lake.{{ column }},
        {%- endfor %}
        case
            when delivery.withdrawn_flag = 1 then 'withdrawn'
            else coalesce(counted.version_status, 'current')
        end as version_status,
        case
            when delivery.withdrawn_flag = 0 then cast(coalesce(counted.version_number, 1) as bigint)
        end as version_number,
        case when delivery.withdrawn_flag = 0 then counted.superseded_at end as superseded_at,
        coalesce(counted.first_received_at, lake.received_at) as first_received_at,
        greatest(
            coalesce(counted.absent_at, delivery.next_full_at),
            coalesce(quarantined_appearance.absent_at, delivery.next_full_at)
        ) as absent_at
    from {{ source('lake', dataset) }} as lake
    inner join delivery_with_next_full as delivery on lake.delivery_id = delivery.delivery_id
    left join counted
        on
            lake.delivery_id = counted.delivery_id
            and lake.delivery_file = counted.delivery_file
            and lake.delivery_row = counted.delivery_row
    left join quarantined_appearance
        on
            lake.record_scope = quarantined_appearance.record_scope
            and lake.record_key = quarantined_appearance.record_key
            and lake.delivery_unit = quarantined_appearance.delivery_unit
)

select
    {%- for column in columns + provenance_columns() %}
    placed.{{ column }},
    {%- endfor %}
    placed.version_status,
    placed.version_number,
    placed.superseded_at,
    placed.first_received_at,
    case
        when placed.version_status = 'current' and placed.absent_at < cast('9999-12-31 00:00:00' as timestamp)
            then placed.absent_at
    end as vanished_at
from placed
{%- endmacro %}

{#- The records that count now: the last version of each, unless a later full delivery left it out. -#}
{% macro current_records(dataset) -%}
select version_row.*
from {{ ref('stg_' ~ dataset ~ '_version') }} as version_row
where
    version_row.version_status = 'current'
    and version_row.vanished_at is null
{%- endmacro %}

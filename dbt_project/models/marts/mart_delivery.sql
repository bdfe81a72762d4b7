-- What every reporting unit delivered per day and dataset, beside what the delivery plan expected.
-- A unit that sent nothing shows with zeros: on each day its plan names, and on each day another district sent that dataset.
-- An expected delivery is met by the first one of the same day (D), Monday-to-Sunday week (W) or month (M).
with span as (
    select
        min(period_start) as span_from,
        max(as_of_date) as span_to
    from {{ ref('evaluation_period') }}
),

register as (
    select
        delivery_unit as unit_code,
        delivery_day as delivery_date,
        coalesce(dataset, '*') as dataset,
        delivery_id,
        received_at,
        coalesce(manifest_rows, 0) as manifest_rows,
        coalesce(accepted_rows, 0) as accepted_rows,
        coalesce(quarantined_rows, 0) as quarantined_rows,
        coalesce(refused_rows, 0) as refused_rows,
        delivery_status = 'accepted' and coalesce(file_status, 'accepted') = 'accepted' as is_usable
    from {{ source('control', 'delivery_file') }}
    where is_visible
),

received as (
    select
        unit_code,
        delivery_date,
        dataset,
        count(distinct delivery_id) as received_count,
        min(received_at) as first_received_at,
        sum(manifest_rows) as row_count,
        sum(accepted_rows) as accepted_count,
        sum(quarantined_rows) as quarantined_count,
        sum(refused_rows) as refused_count
    from register
    group by unit_code, delivery_date, dataset
),

calendar as (
    select
        calendar.calendar_date,
        calendar.weekday_number,
        calendar.day_number,
        calendar.is_month_end,
        {{ first_day_of_month('calendar.calendar_date') }} as month_start
    from {{ ref('dim_date') }} as calendar
    inner join span
        on calendar.calendar_date between span.span_from and span.span_to
),

unit as (
    select
        unit.division_code as unit_code,
        unit.valid_from,
        coalesce(unit.valid_to, {{ end_of_time() }}) as valid_to
    from {{ ref('reference_division') }} as unit
    where unit.is_reporting_unit and unit.level_code = '2'
),

stated_plan as (
    select
        plan.unit as unit_code,
        plan.dataset,
        plan.frequency_code,
        plan.due_hour,
        plan.due_day,
        plan.valid_from,
        coalesce(plan.valid_to, {{ end_of_time() }}) as valid_to
    from {{ ref('stg_delivery_plan') }} as plan
),

plan as (
    -- nothing is expected of a unit before it exists or once it is abolished
    select
        stated_plan.unit_code,
        stated_plan.dataset,
        stated_plan.frequency_code,
        stated_plan.due_hour,
        stated_plan.due_day,
        greatest(stated_plan.valid_from, coalesce(unit.valid_from, stated_plan.valid_from)) as valid_from,
        least(stated_plan.valid_to, coalesce(unit.valid_to, stated_plan.valid_to)) as valid_to
    from stated_plan
    left join unit on stated_plan.unit_code = unit.unit_code
    union all
    -- its plan goes on with its main successor, unless that one has a plan of its own
    select
        change.new_district_code as unit_code,
        stated_plan.dataset,
        stated_plan.frequency_code,
        stated_plan.due_hour,
        stated_plan.due_day,
        greatest(stated_plan.valid_from, change.changed_on) as valid_from,
        stated_plan.valid_to
    from stated_plan
    inner join {{ ref('division_change') }} as change
        on
            stated_plan.unit_code = change.old_code
            and change.is_main
            and stated_plan.valid_to > change.changed_on
    left join (
        select distinct
            own_plan.unit_code,
            own_plan.dataset
        from stated_plan as own_plan
    ) as own
        on
            change.new_district_code = own.unit_code
            and stated_plan.dataset = own.dataset
    where own.unit_code is null
),

due as (
    select
        plan.unit_code,
        plan.dataset,
        calendar.calendar_date as delivery_date,
        coalesce(plan.due_hour, 24) as due_hour,
        case plan.frequency_code
            when 'W' then {{ add_days('calendar.calendar_date', '1 - calendar.weekday_number') }}
            when 'M' then calendar.month_start
            else calendar.calendar_date
        end as window_from,
        case plan.frequency_code
            when 'W' then {{ add_days('calendar.calendar_date', '7 - calendar.weekday_number') }}
            when 'M' then {{ add_days(add_months('calendar.month_start', 1), -1) }}
            else calendar.calendar_date
        end as window_to,
        row_number() over (
            partition by plan.unit_code, plan.dataset, calendar.calendar_date order by plan.valid_from desc, plan.frequency_code asc
        ) as preference
    from plan
    inner join calendar
        on
            plan.valid_from <= calendar.calendar_date
            and calendar.calendar_date < plan.valid_to
    where
        plan.frequency_code = 'D'
        or (plan.frequency_code = 'W' and calendar.weekday_number = coalesce(plan.due_day, 7))
        or (
            plan.frequency_code = 'M'
            and (
                calendar.day_number = plan.due_day
                or (calendar.is_month_end and coalesce(plan.due_day, 31) >= calendar.day_number)
            )
        )
),

met as (
    select
        due.unit_code,
        due.dataset,
        due.delivery_date,
        due.due_hour,
        min(register.received_at) as met_at
    from due
    left join register
        on
            due.unit_code = register.unit_code
            and due.dataset = register.dataset
            and due.window_from <= register.delivery_date
            and due.window_to >= register.delivery_date
            and register.is_usable
    where due.preference = 1
    group by due.unit_code, due.dataset, due.delivery_date, due.due_hour
),

-- One district's delivery of a day makes the silence of the others visible.
sent_by_any as (
    select distinct
        received.delivery_date,
        received.dataset
    from received
    inner join span
        on received.delivery_date between span.span_from and span.span_to
    where received.unit_code <> '500000' and received.dataset <> '*'
),

-- On the evaluation day every unit shows, even if no district sent anything at all.
backbone as (
    select
        unit.unit_code,
        sent_by_any.delivery_date,
        sent_by_any.dataset
    from unit
    inner join sent_by_any
        on
            unit.valid_from <= sent_by_any.delivery_date
            and unit.valid_to > sent_by_any.delivery_date
    union
    select
        unit.unit_code,
        span.span_to as delivery_date,
        'archive' as dataset
    from unit
    inner join span
        on
            unit.valid_from <= span.span_to
            and unit.valid_to > span.span_to
    union
    select
        unit_code,
        delivery_date,
        dataset
    from met
    union
    select
        unit_code,
        delivery_date,
        dataset
    from received
)

select
    cast(backbone.unit_code as varchar) as unit_code,
    cast(backbone.delivery_date as date) as delivery_date,
    cast(backbone.dataset as varchar) as dataset,
    cast(case when met.unit_code is null then 0 else 1 end as bigint) as expected_count,
    cast(coalesce(received.received_count, 0) as bigint) as received_count,
    cast(coalesce(received.row_count, 0) as bigint) as row_count,
    cast(coalesce(received.accepted_count, 0) as bigint) as accepted_count,
    cast(coalesce(received.quarantined_count, 0) as bigint) as quarantined_count,
    cast(coalesce(received.refused_count, 0) as bigint) as refused_count,
    cast(received.first_received_at as timestamp) as first_received_at,
    cast(met.met_at as timestamp) as met_at,
    cast(
        {{ days_between('backbone.delivery_date', 'cast(met.met_at as date)') }} * 24
        + extract(hour from met.met_at) - met.due_hour as integer
    ) as lag_hour_count,
    cast(
        case
            when met.unit_code is null then null
            when met.met_at is null then false
            else
                {{ days_between('backbone.delivery_date', 'cast(met.met_at as date)') }} * 24
                + extract(hour from met.met_at) < met.due_hour
                or (
                    {{ days_between('backbone.delivery_date', 'cast(met.met_at as date)') }} * 24
                    + extract(hour from met.met_at) = met.due_hour
                    and extract(minute from met.met_at) = 0
                    and extract(second from met.met_at) = 0
                )
        end as boolean
    ) as is_on_time
from backbone
left join received
    on
        backbone.unit_code = received.unit_code
        and backbone.delivery_date = received.delivery_date
        and backbone.dataset = received.dataset
left join met
    on
        backbone.unit_code = met.unit_code
        and backbone.delivery_date = met.delivery_date
        and backbone.dataset = met.dataset

-- Calendar from 30 years before the evaluation year to its end.
with digit as (
    select 0 as digit
    {%- for number in range(1, 10) %}
        union all
        select {{ number }}
    {%- endfor %}
),

number as (
    select thousand.digit * 1000 + hundred.digit * 100 + ten.digit * 10 + one.digit as day_number
    from digit as thousand
    cross join digit as hundred
    cross join digit as ten
    cross join digit as one
    union all
    select 10000 + thousand.digit * 1000 + hundred.digit * 100 + ten.digit * 10 + one.digit as day_number
    from digit as thousand
    cross join digit as hundred
    cross join digit as ten
    cross join digit as one
),

calendar as (
    select {{ add_days(add_months(first_day_of_year('run_context.as_of_date'), -360), 'number.day_number') }} as calendar_date
    from number
    cross join {{ source('control', 'run_context') }} as run_context
)

select
    cast(calendar_date as date) as calendar_date,
    cast({{ year_of('calendar_date') }} as varchar) as year_period,
    cast({{ month_text('calendar_date') }} as varchar) as month_period,
    cast(extract(year from calendar_date) as integer) as year_number,
    cast(extract(quarter from calendar_date) as integer) as quarter_number,
    cast(extract(month from calendar_date) as integer) as month_number,
    cast(extract(day from calendar_date) as integer) as day_number,
    cast(1 + {{ days_between("cast('1900-01-01' as date)", 'calendar_date') }} % 7 as integer) as weekday_number,
    cast({{ first_day_of_month(add_days('calendar_date', 1)) }} = {{ add_days('calendar_date', 1) }} as boolean)
        as is_month_end
from calendar
where {{ year_of('calendar_date') }} <= {{ year_of(as_of_date()) }}

-- Recorded deaths in force: entered into the district system, neither cancelled nor ended by a reactivation.
with dead as (
    select
        person_key,
        death_date,
        entered_date as recorded_date,
        row_number() over (
            partition by person_key order by entered_date desc, delivery_unit asc, termination_id asc
        ) as recency
    from {{ ref('termination_case') }}
    where kind_code = 'DEAD' and is_in_force and entered_date is not null and death_date is not null
)

select
    person_key,
    death_date,
    recorded_date
from dead
where recency = 1

-- Services of before the reform that the successor of a unit has sent again: its record stands for both.
with successor_unit as (
    select
        change.new_district_code as delivery_unit,
        change.old_code as former_unit,
        max(change.changed_on) as changed_on
    from {{ ref('division_change') }} as change
    where change.level = 'district'
    group by change.new_district_code, change.old_code
),

sent as (
    {%- for dataset in service_datasets() %}
        select
            '{{ dataset }}' as dataset,
            service.person_key,
            service.delivery_unit,
            service.org_code as serving_org_code,
            service.service_date
        from {{ with_person('stg_' ~ dataset) }} as service
        where service.delivery_unit in (select successor_unit.delivery_unit from successor_unit)
        {% if not loop.last %}union all{% endif %}
    {%- endfor %}
)

select
    sent.dataset,
    sent.person_key,
    sent.serving_org_code,
    sent.service_date,
    successor_unit.former_unit
from sent
inner join successor_unit
    on
        sent.delivery_unit = successor_unit.delivery_unit
        and sent.service_date < successor_unit.changed_on
group by sent.dataset, sent.person_key, sent.serving_org_code, sent.service_date, successor_unit.former_unit

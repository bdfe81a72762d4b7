-- Institutions that went from one district to another with the reform, by their own rows or by their township.
select
    former.org_code,
    former.district_code as old_district_code,
    later.district_code as new_district_code,
    min(change.changed_on) as changed_on
from {{ ref('org_period') }} as former
inner join {{ ref('org_period') }} as later
    on
        former.org_code = later.org_code
        and former.attributed_to = later.attributed_from
inner join {{ ref('division_change') }} as change
    on
        former.district_code = change.old_code
        and later.district_code = change.new_district_code
        and change.level = 'district'
group by former.org_code, former.district_code, later.district_code

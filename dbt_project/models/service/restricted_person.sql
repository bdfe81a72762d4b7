-- Whom no person- or service-level mart may show: active entries of the restricted list, members of the SMI register, and
-- whoever a record shows to have a severe mental disorder or a special disease.
-- A register entry closed as a wrong diagnosis (end_reason_code 3) restricts nobody, nor do the forms that followed it.
with listed as (
    select person_key
    from {{ ref('person') }}
    where is_restricted
),

registered as (
    select
        person_key,
        min(case when coalesce(end_reason_code, '') = '3' then 1 else 0 end) as is_wrongly_diagnosed
    from {{ ref('register_membership') }}
    where disease_code = 'SMI'
    group by person_key
),

sighted as (
    select sighting.person_key
    from {{ ref('special_disease_sighting') }} as sighting
    left join registered on sighting.person_key = registered.person_key
    where
        sighting.class_code <> 'SMI'
        or coalesce(registered.is_wrongly_diagnosed, 0) = 0
)

select person_key from listed
where person_key is not null
union
select person_key from registered
where
    person_key is not null
    and is_wrongly_diagnosed = 0
union
select person_key from sighted

-- Whom no person- or service-level mart may show: active entries of the restricted list, and members of the SMI register.
-- A register entry closed as a wrong diagnosis (end_reason_code 3) restricts nobody.
with listed as (
    select person_key
    from {{ ref('person') }}
    where is_restricted
),

registered as (
    select person_key
    from {{ ref('register_membership') }}
    where disease_code = 'SMI' and coalesce(end_reason_code, '') <> '3'
)

select person_key from listed
where person_key is not null
union
select person_key from registered
where person_key is not null

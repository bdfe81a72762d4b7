-- Membership in the registers of HTN, T2DM, SMI and TB; the end date is its last day.
with member as (
    select
        {{ pseudonym("'chronic_register:' || register.record_scope || ':' || register.record_key") }} as register_key,
        register.person_key,
        register.disease_code,
        register.org_code,
        register.confirmed_date,
        register.registered_date,
        register.notified_date,
        coalesce(
            register.registered_date,
            register.notified_date,
            register.confirmed_date,
            cast(register.first_received_at as date)
        ) as valid_from,
        register.end_date,
        register.end_reason_code
    from {{ with_person('stg_chronic_register') }} as register
)

select
    register_key,
    person_key,
    disease_code,
    org_code,
    confirmed_date,
    registered_date,
    notified_date,
    valid_from,
    case
        when end_date is null then cast('9999-12-31' as date)
        else {{ add_days('end_date', 1) }}
    end as valid_to,
    end_date,
    end_reason_code
from member

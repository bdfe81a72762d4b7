-- Contact attempts with their person, cut at as_of.
select
    attempt.person_key,
    attempt.delivery_unit,
    attempt.org_code,
    cast(attempt.attempted_at as date) as attempted_date,
    attempt.purpose_code,
    attempt.target_code,
    attempt.outcome_code
from {{ with_person('stg_contact_attempt') }} as attempt
where cast(attempt.attempted_at as date) <= {{ as_of_date() }}

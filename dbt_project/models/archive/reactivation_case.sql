-- One row per reactivation with what it answers and what it rests on, as of the evaluation day.
select
    reactivation.reactivation_key,
    reactivation.person_key,
    reactivation.delivery_unit,
    reactivation.org_code,
    reactivation.district_code,
    reactivation.termination_key,
    reactivation.prior_status_code,
    reactivation.archived_date,
    reactivation.contact_date,
    reactivation.service_date,
    reactivation.filed_date,
    reactivation.reactivated_date,
    reactivation.effective_date
from {{ ref('reactivation_event') }} as reactivation

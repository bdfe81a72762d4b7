-- The indicator registry: numerator, denominator, article and attribution of every indicator and variant.
select
    cast(indicator_id as varchar) as indicator_id,
    cast(coalesce(variant, '') as varchar) as variant,
    cast(indicator_name as varchar) as indicator_name,
    cast(case when kind like 'population%' then 'population' else kind end as varchar) as kind_code,
    cast(numerator_text as varchar) as numerator_text,
    cast(denominator_text as varchar) as denominator_text,
    cast(article as varchar) as article,
    cast(attributed_role_code as varchar) as attributed_role_code,
    cast(period_kinds as varchar) as period_kinds,
    cast(valid_from as date) as valid_from_date,
    cast(coalesce(cast(valid_to as date), {{ end_of_time() }}) as date) as valid_to_date
from {{ ref('indicators') }}

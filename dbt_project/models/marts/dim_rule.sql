-- The rule registry: text, article, severity and attribution of every rule.
select
    cast(rule_id as varchar) as rule_id,
    cast(subject_type as varchar) as subject_type,
    cast(article as varchar) as article,
    cast(rule_name as varchar) as rule_name,
    cast(rule_text as varchar) as rule_text,
    cast(severity_code as varchar) as severity_code,
    cast(attributed_role_code as varchar) as attributed_role_code,
    cast(dimension_code as varchar) as dimension_code,
    cast(valid_from as date) as valid_from_date,
    cast(coalesce(cast(valid_to as date), {{ end_of_time() }}) as date) as valid_to_date
from {{ ref('rules') }}

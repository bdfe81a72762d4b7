-- Per rule and subject type, as many findings as failures counted: nothing is lost between the two readers.
{{ config(meta={'dagster': {'ref': {'name': 'finding'}}}) }}
with

listed as (
    select
        finding.rule_id,
        finding.subject_type,
        finding.org_code,
        finding.period,
        count(*) as finding_count
    from {{ ref('finding') }} as finding
    group by finding.rule_id, finding.subject_type, finding.org_code, finding.period
),

counted as (
    select
        rule_outcome_count.rule_id,
        rule_outcome_count.subject_type,
        rule_outcome_count.org_code,
        rule_outcome_count.period,
        sum(rule_outcome_count.subject_count) as failure_count
    from {{ ref('rule_outcome_count') }} as rule_outcome_count
    where rule_outcome_count.outcome_code = 'FAIL'
    group by
        rule_outcome_count.rule_id, rule_outcome_count.subject_type, rule_outcome_count.org_code,
        rule_outcome_count.period
)

select
    coalesce(listed.rule_id, counted.rule_id) as rule_id,
    coalesce(listed.org_code, counted.org_code) as org_code,
    coalesce(listed.period, counted.period) as period,
    coalesce(listed.finding_count, 0) as finding_count,
    coalesce(counted.failure_count, 0) as failure_count
from listed
full outer join counted
    on
        listed.rule_id = counted.rule_id
        and listed.subject_type = counted.subject_type
        and listed.org_code = counted.org_code
        and listed.period = counted.period
where coalesce(listed.finding_count, 0) <> coalesce(counted.failure_count, 0)

-- Failures of rules, one row per rule and subject.
select
    cast(finding.rule_id as varchar) as rule_id,
    cast(finding.finding_code as varchar) as finding_code,
    cast(finding.subject_type as varchar) as subject_type,
    cast(finding.subject_key as varchar) as subject_key,
    cast(finding.person_key as varchar) as person_key,
    cast(finding.org_code as varchar) as org_code,
    cast(finding.district_code as varchar) as district_code,
    cast(finding.attributed_role_code as varchar) as attributed_role_code,
    cast(finding.event_date as date) as event_date,
    cast(finding.period as varchar) as period,
    cast(finding.severity_code as varchar) as severity_code,
    cast(finding.article as varchar) as article,
    cast(finding.message as varchar) as message,
    cast(finding.is_boundary as boolean) as is_boundary
from {{ ref('finding') }} as finding
where
    {{ is_showable('finding.person_key') }}
    and not exists (
        select 1
        from {{ ref('restricted_service') }} as restricted_service
        where restricted_service.service_key = finding.subject_key
    )

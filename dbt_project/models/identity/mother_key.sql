-- To whom "this mother, this birth date, this name" leads: to one person, or to nobody when it fits several.
with carried as (
    select
        archive.mother_key,
        coalesce(component.component_key, anchor.anchor_key) as component_key,
        archive.first_received_at
    from {{ ref('archive_identity_version') }} as archive
    inner join {{ ref('archive_anchor') }} as anchor on archive.own_key = anchor.own_key
    left join {{ ref('identity_component') }} as component on anchor.anchor_key = component.identity_key
    where archive.mother_key is not null
    union all
    select
        sighting.mother_key,
        -- a row that names only the mother supports nobody in particular
        case
            when sighting.number_key is not null then coalesce(component.component_key, sighting.number_key)
        end as component_key,
        sighting.first_received_at
    from {{ ref('key_sighting') }} as sighting
    left join {{ ref('identity_component') }} as component on sighting.number_key = component.identity_key
    where sighting.mother_key is not null
),

separated as (
    -- pairs of a mother's key and a person it was decided not to be
    select
        decision.mother_key,
        coalesce(component.component_key, anchor.anchor_key, decision.other_key) as component_key
    from (
        select
            case when effective.left_key like 'MO:%' then effective.left_key else effective.right_key end
                as mother_key,
            case when effective.left_key like 'MO:%' then effective.right_key else effective.left_key end
                as other_key
        from {{ ref('identity_decision_effective') }} as effective
        where
            effective.verdict_code = 'different'
            and (effective.left_key like 'MO:%' or effective.right_key like 'MO:%')
    ) as decision
    left join {{ ref('archive_anchor') }} as anchor on decision.other_key = anchor.own_key
    left join {{ ref('identity_component') }} as component
        on component.identity_key = coalesce(anchor.anchor_key, decision.other_key)
),

counted as (
    select
        carried.mother_key,
        min(carried.first_received_at) as first_received_at,
        count(distinct case when separated.mother_key is null then carried.component_key end) as candidate_count,
        min(case when separated.mother_key is null then carried.component_key end) as only_component_key
    from carried
    left join separated
        on
            carried.mother_key = separated.mother_key
            and carried.component_key = separated.component_key
    group by carried.mother_key
)

select
    counted.mother_key,
    counted.first_received_at,
    counted.candidate_count,
    -- a reviewer's word on the key itself comes first
    case
        when decided.identity_key is not null then decided.component_key
        when counted.candidate_count = 0 then counted.mother_key
        when counted.candidate_count = 1 then counted.only_component_key
    end as component_key
from counted
left join {{ ref('identity_component') }} as decided on counted.mother_key = decided.identity_key

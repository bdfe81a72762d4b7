-- The keys that belong together. A group that would hold two IDs or two certificates that nobody declared one
-- person, or two keys that a reviewer declared different, keeps only its strong links.
with all_link as (
    select distinct
        link.left_key,
        link.right_key
    from {{ ref('identity_link') }} as link
    where not link.is_blocked
),

strong_link as (
    select distinct
        link.left_key,
        link.right_key
    from {{ ref('identity_link') }} as link
    where
        link.is_strong
        and not link.is_blocked
),

{{ component_ctes('wide', 'all_link') }},

{{ component_ctes('strong', 'strong_link') }},

member as (
    select
        wide_component.identity_key,
        wide_component.component_key as wide_key,
        coalesce(strong_component.component_key, wide_component.identity_key) as strong_key
    from wide_component
    left join strong_component on wide_component.identity_key = strong_component.identity_key
),

crowded as (
    select member.wide_key
    from member
    group by member.wide_key
    having
        count(distinct case when member.identity_key like 'ID:%' then member.strong_key end) > 1
        or count(distinct case when member.identity_key like 'BC:%' then member.strong_key end) > 1
),

contradicted as (
    select left_member.wide_key
    from {{ ref('identity_decision_effective') }} as decision
    left join {{ ref('archive_anchor') }} as left_anchor on decision.left_key = left_anchor.own_key
    left join {{ ref('archive_anchor') }} as right_anchor on decision.right_key = right_anchor.own_key
    inner join member as left_member
        on coalesce(left_anchor.anchor_key, decision.left_key) = left_member.identity_key
    inner join member as right_member
        on coalesce(right_anchor.anchor_key, decision.right_key) = right_member.identity_key
    where
        decision.verdict_code = 'different'
        and left_member.wide_key = right_member.wide_key
),

disputed as (
    select crowded.wide_key from crowded
    union
    select contradicted.wide_key from contradicted
)

select
    member.identity_key,
    case when disputed.wide_key is null then member.wide_key else member.strong_key end as component_key,
    member.wide_key,
    member.strong_key,
    disputed.wide_key is not null as is_disputed
from member
left join disputed on member.wide_key = disputed.wide_key

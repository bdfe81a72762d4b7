-- What people have to decide about who is who: pairs of keys (or of a key and an archive) with a reason.
-- Nothing in this list has been merged or split because of it; decisions come back as identity_decision.
with id_changed as (
    select
        'ID_CHANGED' as reason_code,
        anchor.anchor_key as left_key,
        archive_number.number_key as right_key,
        archive_number.delivery_unit,
        archive_number.first_received_at as seen_at
    from {{ ref('archive_number') }} as archive_number
    inner join {{ ref('archive_anchor') }} as anchor on archive_number.own_key = anchor.own_key
    left join {{ ref('person_alias') }} as number_alias
        on archive_number.number_key = number_alias.identity_key
    left join {{ ref('person_alias') }} as anchor_alias on anchor.anchor_key = anchor_alias.identity_key
    where
        archive_number.key_rank in (1, 2)
        and archive_number.number_key <> anchor.anchor_key
        and archive_number.key_rank = {{ key_rank('anchor.anchor_key') }}
        and number_alias.person_key <> anchor_alias.person_key
),

birth_mismatch as (
    select
        'UPGRADE_BIRTH_MISMATCH' as reason_code,
        anchor.anchor_key as left_key,
        archive_number.number_key as right_key,
        archive_number.delivery_unit,
        archive_number.first_received_at as seen_at
    from {{ ref('archive_number') }} as archive_number
    inner join {{ ref('archive_anchor') }} as anchor on archive_number.own_key = anchor.own_key
    inner join {{ ref('archive_number') }} as anchored
        on
            anchor.own_key = anchored.own_key
            and anchor.anchor_key = anchored.number_key
    left join {{ ref('person_alias') }} as number_alias
        on archive_number.number_key = number_alias.identity_key
    left join {{ ref('person_alias') }} as anchor_alias on anchor.anchor_key = anchor_alias.identity_key
    where
        archive_number.key_rank > anchored.key_rank
        and archive_number.birth_date <> anchored.birth_date
        and number_alias.person_key <> anchor_alias.person_key
),

crowded_group as (
    select
        component.wide_key,
        component.strong_key,
        min(component.identity_key) as identity_key
    from {{ ref('identity_component') }} as component
    where
        component.is_disputed
        and (component.identity_key like 'ID:%' or component.identity_key like 'BC:%')
    group by component.wide_key, component.strong_key
),

multiple_ids as (
    select
        'MULTIPLE_IDS' as reason_code,
        one.identity_key as left_key,
        other.identity_key as right_key,
        cast(null as varchar) as delivery_unit,
        greatest(one_alias.first_received_at, other_alias.first_received_at) as seen_at
    from crowded_group as one
    inner join crowded_group as other
        on
            one.wide_key = other.wide_key
            and one.identity_key < other.identity_key
            and one.strong_key <> other.strong_key
    left join {{ ref('person_alias') }} as one_alias on one.identity_key = one_alias.identity_key
    left join {{ ref('person_alias') }} as other_alias on other.identity_key = other_alias.identity_key
),

disputed_statement as (
    select
        link.reason_code,
        link.to_key as left_key,
        link.from_key as right_key,
        cast(null as varchar) as delivery_unit,
        link.linked_at as seen_at
    from {{ ref('identity_link') }} as link
    where link.reason_code = 'STATED_PREVIOUS_DISPUTED'
),

ambiguous_carrier as (
    -- the archives under one mother, birth date and name that are not one person
    select
        archive.mother_key,
        archive.own_key,
        archive.delivery_unit,
        anchor.anchor_key,
        archive_person.person_key,
        min(archive.first_received_at) as seen_at
    from {{ ref('mother_key') }} as mother_key
    inner join {{ ref('archive_identity_version') }} as archive on mother_key.mother_key = archive.mother_key
    inner join {{ ref('archive_anchor') }} as anchor on archive.own_key = anchor.own_key
    inner join {{ ref('archive_person') }} as archive_person
        on
            archive.delivery_unit = archive_person.delivery_unit
            and archive.district_archive_id = archive_person.district_archive_id
    where mother_key.candidate_count > 1
    group by
        archive.mother_key,
        archive.own_key,
        archive.delivery_unit,
        anchor.anchor_key,
        archive_person.person_key
),

mother_same_name as (
    select
        case
            when (one.anchor_key like 'ID:%') <> (other.anchor_key like 'ID:%') then 'UNLINKED_UPGRADE'
            else 'MOTHER_SAME_NAME'
        end as reason_code,
        one.anchor_key as left_key,
        other.anchor_key as right_key,
        other.delivery_unit,
        greatest(one.seen_at, other.seen_at) as seen_at
    from ambiguous_carrier as one
    inner join ambiguous_carrier as other
        on
            one.mother_key = other.mother_key
            and one.own_key < other.own_key
            and one.person_key <> other.person_key
),

sibling as (
    -- one mother, one birth date, several names
    select
        archive.mother_key,
        substr(archive.mother_key, 1, 32) as family_key,
        archive.compared_name,
        archive.own_key,
        archive.delivery_unit,
        archive_person.person_key,
        anchor.anchor_key,
        {{ is_placeholder_name('archive.compared_name') }} as is_placeholder,
        archive.first_received_at
    from {{ ref('archive_identity_version') }} as archive
    inner join {{ ref('archive_person') }} as archive_person
        on
            archive.delivery_unit = archive_person.delivery_unit
            and archive.district_archive_id = archive_person.district_archive_id
    inner join {{ ref('archive_anchor') }} as anchor on archive.own_key = anchor.own_key
    where archive.mother_key is not null
),

twin_pair as (
    select
        one.mother_key as left_key,
        other.mother_key as right_key,
        min(other.delivery_unit) as delivery_unit,
        {{ any_true('one.is_placeholder or other.is_placeholder') }} as has_placeholder,
        max(greatest(one.first_received_at, other.first_received_at)) as seen_at
    from sibling as one
    inner join sibling as other
        on
            one.family_key = other.family_key
            and one.mother_key < other.mother_key
            and one.person_key <> other.person_key
    -- two children with numbers of their own are two children
    where not (one.anchor_key not like 'AR:%' and other.anchor_key not like 'AR:%')
    group by one.mother_key, other.mother_key
),

mother_delivery as (
    select distinct
        version.mother_key,
        version.delivery_id
    from {{ ref('stg_archive_version') }} as version
    inner join (
        select twin_pair.left_key as mother_key from twin_pair
        union
        select twin_pair.right_key as mother_key from twin_pair
    ) as paired on version.mother_key = paired.mother_key
    where version.version_status <> 'withdrawn'
),

together as (
    select
        twin_pair.left_key,
        twin_pair.right_key
    from twin_pair
    inner join mother_delivery as one on twin_pair.left_key = one.mother_key
    inner join mother_delivery as other
        on
            twin_pair.right_key = other.mother_key
            and one.delivery_id = other.delivery_id
    group by twin_pair.left_key, twin_pair.right_key
),

twin_or_renamed as (
    select
        'TWIN_OR_RENAMED' as reason_code,
        twin_pair.left_key,
        twin_pair.right_key,
        twin_pair.delivery_unit,
        twin_pair.seen_at
    from twin_pair
    left join together
        on
            twin_pair.left_key = together.left_key
            and twin_pair.right_key = together.right_key
    where
        twin_pair.has_placeholder
        or together.left_key is null
),

id_dummy as (
    select
        'ID_DUMMY' as reason_code,
        archive.own_key as left_key,
        unusable.identity_key as right_key,
        archive.delivery_unit,
        archive.first_received_at as seen_at
    from {{ ref('unusable_identity_key') }} as unusable
    inner join {{ ref('archive_identity_version') }} as archive
        on
            unusable.identity_key = archive.identity_key
            and archive.is_latest
    where unusable.is_dummy
),

mothers_number as (
    select
        'MOTHER_ID_AS_OWN' as reason_code,
        archive.own_key as left_key,
        coalesce(archive.identity_key, archive.own_key) as right_key,
        archive.delivery_unit,
        archive.first_received_at as seen_at
    from {{ ref('archive_identity_version') }} as archive
    left join {{ ref('unusable_identity_key') }} as unusable on archive.identity_key = unusable.identity_key
    where
        archive.is_latest
        and {{ is_mothers_number('archive', 'unusable') }}
        and not coalesce(unusable.is_dummy, false)
),

named as (
    select
        anchor.anchor_key,
        archive.own_key,
        archive.delivery_unit,
        archive.compared_name,
        archive.first_received_at
    from {{ ref('archive_identity_version') }} as archive
    inner join {{ ref('archive_anchor') }} as anchor on archive.own_key = anchor.own_key
    where
        archive.is_latest
        and anchor.anchor_key <> archive.own_key
),

differently_named as (
    select named.anchor_key
    from named
    group by named.anchor_key
    having min(named.compared_name) <> max(named.compared_name)
),

name_conflict as (
    select
        'NAME_CONFLICT' as reason_code,
        named.anchor_key as left_key,
        named.own_key as right_key,
        named.delivery_unit,
        named.first_received_at as seen_at
    from named
    inner join differently_named on named.anchor_key = differently_named.anchor_key
),

archive_conflict as (
    select
        'ARCHIVE_ID_CONFLICT' as reason_code,
        sighting.number_key as left_key,
        anchor.own_key as right_key,
        sighting.delivery_unit,
        sighting.first_received_at as seen_at
    from {{ ref('key_sighting') }} as sighting
    inner join {{ ref('person_alias') }} as alias on sighting.number_key = alias.identity_key
    inner join {{ ref('archive_anchor') }} as anchor
        on
            sighting.delivery_unit = anchor.delivery_unit
            and sighting.district_archive_id = anchor.district_archive_id
    inner join {{ ref('archive_person') }} as archive_person
        on
            sighting.delivery_unit = archive_person.delivery_unit
            and sighting.district_archive_id = archive_person.district_archive_id
    where alias.person_key <> archive_person.person_key
),

gathered as (
    {%- for part in [
        'id_changed', 'birth_mismatch', 'multiple_ids', 'disputed_statement', 'mother_same_name', 'twin_or_renamed',
        'id_dummy', 'mothers_number', 'name_conflict', 'archive_conflict'
    ] %}
        select
            {{ part }}.reason_code,
            {{ part }}.left_key,
            {{ part }}.right_key,
            {{ part }}.delivery_unit,
            {{ part }}.seen_at
        from {{ part }}
        {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

-- a decision may speak of an archive or of the key it hangs on
decided as (
    select
        decision.decision_id,
        decision.verdict_code,
        decision.left_key,
        decision.right_key
    from {{ ref('identity_decision_effective') }} as decision
    union
    select
        decision.decision_id,
        decision.verdict_code,
        coalesce(left_anchor.anchor_key, decision.left_key) as left_key,
        coalesce(right_anchor.anchor_key, decision.right_key) as right_key
    from {{ ref('identity_decision_effective') }} as decision
    left join {{ ref('archive_anchor') }} as left_anchor on decision.left_key = left_anchor.own_key
    left join {{ ref('archive_anchor') }} as right_anchor on decision.right_key = right_anchor.own_key
),

decided_pair as (
    select
        least(decided.left_key, decided.right_key) as left_key,
        greatest(decided.left_key, decided.right_key) as right_key,
        max(decided.decision_id) as decision_id,
        max(decided.verdict_code) as verdict_code
    from decided
    group by least(decided.left_key, decided.right_key), greatest(decided.left_key, decided.right_key)
),

listed as (
    select
        gathered.reason_code,
        gathered.left_key,
        gathered.right_key,
        {{ joined_values('gathered.delivery_unit') }} as delivery_units,
        min(gathered.seen_at) as first_seen_at
    from gathered
    group by gathered.reason_code, gathered.left_key, gathered.right_key
)

select
    {{ pseudonym("'review:' || listed.reason_code || ':' || listed.left_key || ':' || listed.right_key") }}
        as review_key,
    listed.left_key,
    listed.right_key,
    listed.reason_code,
    case listed.reason_code
        when 'ID_CHANGED' then '同一份档案先后填写两个不同的有效证件号，未说明原证件号'
        when 'UPGRADE_BIRTH_MISMATCH' then '同一份档案的新旧证件对应的出生日期不同，未自动关联'
        when 'MULTIPLE_IDS' then '同一组证件关联到两个以上不同的身份证号或出生医学证明，未自动合并'
        when 'STATED_PREVIOUS_DISPUTED' then '填报的原证件号正由姓名和出生日期都不同的另一份档案使用'
        when 'MOTHER_SAME_NAME' then '母亲、出生日期和姓名都相同的两份无证件档案，不能确定是否同一儿童'
        when 'UNLINKED_UPGRADE' then '母亲、出生日期和姓名都相同，一份已有身份证号，一份没有，可能是同一儿童'
        when 'TWIN_OR_RENAMED' then '同一母亲同日出生而姓名不同，可能是多胞胎，也可能是新生儿改名'
        when 'ID_DUMMY' then '同一号码出现在多份姓名或出生日期不同的档案中，不作为身份标识'
        when 'MOTHER_ID_AS_OWN' then '儿童档案填写了成年人的身份证号'
        when 'NAME_CONFLICT' then '同一证件号下的档案姓名不一致'
        when 'ARCHIVE_ID_CONFLICT' then '记录上的证件号与其档案标识指向不同的人'
    end as reason_text,
    listed.delivery_units,
    listed.first_seen_at,
    decision.decision_id,
    decision.verdict_code,
    decision.decision_id is null as is_open
from listed
left join decided_pair as decision
    on
        decision.left_key = least(listed.left_key, listed.right_key)
        and decision.right_key = greatest(listed.left_key, listed.right_key)

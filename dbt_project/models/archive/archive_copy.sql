-- One row per archive record known on the evaluation day, vanished ones included, with what became of the copy.
with known as (
    select
        registered.archive_key,
        registered.person_key,
        registered.anchor_key,
        registered.delivery_unit,
        registered.district_archive_id,
        registered.known_from_date,
        registered.create_org_district_code,
        registered.manage_org_district_code,
        subject.first_received_at as archive_first_received_at
    from {{ ref('registered_archive') }} as registered
    inner join {{ ref('archive_subject') }} as subject on registered.archive_key = subject.archive_key
    where registered.known_from_date <= {{ as_of_date() }}
),

active as (
    select copy_interval.archive_key
    from {{ ref('copy_interval') }} as copy_interval
    where
        copy_interval.active_from <= {{ as_of_date() }}
        and copy_interval.active_to > {{ as_of_date() }}
    group by copy_interval.archive_key
),

last_out as (
    select
        ranked.holding_key,
        ranked.reason_code
    from (
        select
            event.holding_key,
            event.reason_code,
            row_number() over (partition by event.holding_key order by event.event_number desc) as recency
        from {{ ref('holding_event') }} as event
        where event.status_flag = 0
    ) as ranked
    where ranked.recency = 1
),

manager as (
    select
        ranked.archive_key,
        ranked.org_code,
        -- where the last manager's district has become another one, that one
        coalesce({{ later_district('new_district_code') }}, ranked.district_code) as district_code
    from (
        select
            manager_interval.archive_key,
            manager_interval.org_code,
            manager_interval.district_code,
            row_number() over (
                partition by manager_interval.archive_key
                order by manager_interval.valid_to desc, manager_interval.valid_from desc, manager_interval.org_code asc
            ) as recency
        from {{ ref('manager_interval') }} as manager_interval
        where
            manager_interval.archive_key is not null
            and manager_interval.valid_from <= {{ as_of_date() }}
    ) as ranked
    {{ join_later_district('ranked.org_code', 'ranked.district_code', as_of_date()) }}
    where ranked.recency = 1
),

stored as (
    select
        event.holding_key,
        max(case
            when event.reason_code = 'TRANSFERRED_OUT' then event.event_date
            else termination.archived_date
        end) as archived_date
    from {{ ref('holding_event') }} as event
    left join {{ ref('termination_event') }} as termination on event.evidence_key = termination.termination_key
    where
        event.status_flag = 0
        or event.death_step = 1
    group by event.holding_key
),

review_end as (
    select
        review.left_key as end_key,
        review.reason_code
    from {{ ref('identity_review') }} as review
    where review.is_open
    union
    select
        review.right_key as end_key,
        review.reason_code
    from {{ ref('identity_review') }} as review
    where review.is_open
),

review_touch as (
    -- an archive named by a review is touched by it alone; a review of two numbers touches all that carry them
    select
        subject.archive_key,
        review_end.reason_code
    from review_end
    inner join {{ ref('archive_subject') }} as subject on review_end.end_key = subject.own_key
    union
    select
        archive_person.archive_key,
        review_end.reason_code
    from review_end
    inner join {{ ref('archive_number') }} as archive_number on review_end.end_key = archive_number.number_key
    inner join {{ ref('archive_person') }} as archive_person
        on
            archive_number.delivery_unit = archive_person.delivery_unit
            and archive_number.district_archive_id = archive_person.district_archive_id
    where review_end.reason_code in ('ID_CHANGED', 'MULTIPLE_IDS', 'STATED_PREVIOUS_DISPUTED', 'UPGRADE_BIRTH_MISMATCH')
    union
    select
        archive_person.archive_key,
        review_end.reason_code
    from review_end
    inner join {{ ref('archive_identity_version') }} as version
        on
            review_end.end_key = version.mother_key
            and version.is_latest
    inner join {{ ref('archive_person') }} as archive_person
        on
            version.delivery_unit = archive_person.delivery_unit
            and version.district_archive_id = archive_person.district_archive_id
    where review_end.reason_code = 'TWIN_OR_RENAMED'
),

reviewed as (
    select
        review_touch.archive_key,
        {{ joined_values('review_touch.reason_code') }} as review_codes
    from review_touch
    group by review_touch.archive_key
)

select
    known.archive_key,
    known.person_key,
    archive.delivery_unit,
    archive.district_archive_id,
    archive.archive_no,
    archive.id_type_code,
    archive.id_no,
    archive.birth_certificate_no,
    archive.mother_id_no,
    archive.previous_id_no,
    archive.previous_district_archive_id,
    archive.name,
    archive.sex_code,
    archive.birth_date,
    archive.ethnic_code,
    archive.phone,
    archive.contact_name,
    archive.contact_phone,
    archive.present_address,
    archive.registered_address,
    archive.town_code,
    archive.town_code_system,
    archive.town_name,
    archive.village_code,
    archive.village_name,
    case when former.archive_key is null then archive.create_org_code else former.create_org_code end as create_org_code,
    case
        when former.archive_key is null then coalesce(known.create_org_district_code, archive.delivery_unit)
        else coalesce(former.create_org_district_code, former.delivery_unit)
    end as create_district_code,
    archive.creator_id,
    archive.doctor_id,
    archive.manage_org_code,
    coalesce(
        known.manage_org_district_code,
        case when holding.fell_on <= {{ as_of_date() }} then holding.present_unit end,
        archive.delivery_unit
    ) as manage_district_code,
    archive.manage_from_date,
    archive.modified_by_org_code,
    archive.modified_at,
    -- an archive that continues another one was created with it
    case when former.archive_key is null then archive.created_date else former.created_date end as created_date,
    archive.checked_at,
    archive.create_mode_code,
    archive.created_via_code,
    archive.city_index_id,
    archive.indexed_at,
    archive.residence_type_code,
    archive.residence_start_date,
    archive.is_chosen_org,
    archive.past_history_codes,
    archive.family_history_codes,
    archive.allergy_codes,
    archive.exposure_codes,
    archive.disability_codes,
    archive.abo_code,
    archive.rh_code,
    archive.education_code,
    archive.occupation_code,
    archive.marital_code,
    archive.payment_codes,
    archive.health_code,
    archive.consent_status_code,
    archive.consent_date,
    archive.is_open,
    archive.open_date,
    archive.open_subject_code,
    archive.guardian_consent_date,
    archive.refused_date,
    archive.basic_info_verified_at,
    archive.declared_status_code,
    archive.entered_at,
    archive.uploaded_at,
    archive.received_at,
    archive.unknown_codes,
    archive.warning_codes,
    archive.identity_key,
    archive.key_class,
    archive.identity_issue_codes,
    known.anchor_key,
    {{ key_type('known.anchor_key') }} as key_type_code,
    reviewed.review_codes,
    coalesce(holding.is_moved_in, false) as is_moved_in,
    known.known_from_date,
    known.archive_first_received_at as first_received_at,
    archive.first_received_at as version_first_received_at,
    archive.version_number,
    case
        when cast(holding.vanished_at as date) <= {{ as_of_date() }} then holding.vanished_at
    end as vanished_at,
    stored.archived_date,
    manager.org_code as managing_org_code,
    manager.district_code as managing_district_code,
    case
        when continued.former_archive_key is not null then 'CONTINUED'
        when cast(holding.vanished_at as date) <= {{ as_of_date() }} then 'VANISHED'
        when active.archive_key is not null then 'ACTIVE'
        when last_out.reason_code = 'TRANSFERRED_OUT' then 'TRANSFERRED_OUT'
        when last_out.reason_code = 'CANCELLED_DUPLICATE' then 'CANCELLED_DUPLICATE'
        else 'TERMINATED'
    end as copy_state_code
from known
inner join {{ ref('stg_archive_version') }} as archive
    on
        known.delivery_unit = archive.delivery_unit
        and known.district_archive_id = archive.district_archive_id
        and archive.version_status = 'current'
left join {{ ref('archive_holding') }} as holding on known.archive_key = holding.holding_key
left join {{ ref('archive_continuation') }} as continued on known.archive_key = continued.former_archive_key
left join {{ ref('archive_continuation') }} as continuing on known.archive_key = continuing.archive_key
left join {{ ref('registered_archive') }} as former on continuing.former_archive_key = former.archive_key
left join active on known.archive_key = active.archive_key
left join last_out on known.archive_key = last_out.holding_key
left join manager on known.archive_key = manager.archive_key
left join stored on known.archive_key = stored.holding_key
left join reviewed on known.archive_key = reviewed.archive_key

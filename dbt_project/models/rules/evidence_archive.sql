{{ config(materialized='view') }}
with

run_context as (
    select {{ as_of_date() }} as as_of_date
),

held as (
    select
        archive_copy.*,
        {{ key_type('archive_copy.anchor_key') }} as own_key_type_code,
        {{ key_class('archive_copy.anchor_key') }} as own_key_class,
        {{ compared_name('archive_copy.name') }} as compared_name,
        {{ is_placeholder_name('archive_copy.name') }} as has_placeholder_name
    from {{ ref('archive_copy') }} as archive_copy
    -- one that a successor unit's archive continues is judged as that one
    where archive_copy.copy_state_code <> 'CONTINUED'
),

shared as (
    -- only persons with several archives can hold a duplicate
    select held.person_key
    from held
    group by held.person_key
    having count(*) > 1
),

rival as (
    select
        created.archive_key,
        max(case when other_interval.active_from < created.created_date then 1 else 0 end) as earlier_flag,
        max(case
            when
                other_interval.active_from = created.created_date
                and other.created_date = created.created_date
                and not coalesce(other.is_moved_in, false)
                then 1
            else 0
        end) as same_day_flag
    from held as created
    inner join shared on created.person_key = shared.person_key
    inner join held as other
        on
            created.person_key = other.person_key
            and created.archive_key <> other.archive_key
    inner join {{ ref('copy_interval') }} as other_interval
        on
            other.archive_key = other_interval.archive_key
            and created.created_date >= other_interval.active_from
            and created.created_date < other_interval.active_to
    where
        not coalesce(created.is_moved_in, false)
        -- a district that renumbers its archives names the number that went before
        and not (
            created.delivery_unit = other.delivery_unit
            and (
                other.district_archive_id = coalesce(created.previous_district_archive_id, '')
                or created.district_archive_id = coalesce(other.previous_district_archive_id, '')
            )
        )
    group by created.archive_key
),

first_manager as (
    -- how a copy that was created elsewhere came under management here
    select
        ranked.archive_key,
        ranked.valid_from,
        ranked.transfer_key,
        ranked.reason_code
    from (
        select
            manager_interval.archive_key,
            manager_interval.valid_from,
            manager_interval.transfer_key,
            manager_interval.reason_code,
            row_number() over (
                partition by manager_interval.archive_key
                order by manager_interval.valid_from, manager_interval.valid_to
            ) as position
        from {{ ref('manager_interval') }} as manager_interval
        inner join held on manager_interval.archive_key = held.archive_key
        where held.is_moved_in
    ) as ranked
    where ranked.position = 1
),

taken as (
    select
        held.archive_key,
        first_manager.valid_from as taken_date,
        max(case
            when
                first_manager.transfer_key is not null
                or first_manager.reason_code = 'ADMIN_REFORM'
                or asked.success_date <= first_manager.valid_from
                then 1
            else 0
        end) as transfer_flag,
        max(case when former.person_key is not null then 1 else 0 end) as former_flag,
        max(case when asked.transfer_key is not null and asked.success_date is null then 1 else 0 end) as asked_flag
    from held
    inner join first_manager on held.archive_key = first_manager.archive_key
    left join {{ ref('manager_interval') }} as former
        on
            held.person_key = former.person_key
            and held.delivery_unit <> former.district_code
            and first_manager.valid_from > former.valid_from
    left join {{ ref('transfer_case') }} as asked
        on
            held.person_key = asked.person_key
            and held.delivery_unit = asked.to_district_code
            and asked.is_cross_district
            and first_manager.valid_from >= asked.applied_date
    group by held.archive_key, first_manager.valid_from
),

upgrade as (
    -- a child known by certificate or mother, and the same child elsewhere under its own number
    select younger.archive_key
    from held as younger
    inner join held as numbered
        on
            younger.mother_id_no = numbered.mother_id_no
            and younger.birth_date = numbered.birth_date
            and younger.person_key <> numbered.person_key
    where
        younger.own_key_type_code in ('BC', 'MO')
        and numbered.own_key_type_code = 'ID'
        and (coalesce(younger.sex_code, '9') in ('0', '9') or coalesce(numbered.sex_code, '9') in ('0', '9', younger.sex_code))
        and (younger.compared_name = numbered.compared_name or younger.has_placeholder_name)
    group by younger.archive_key
)

select
    held.archive_key as subject_key,
    held.person_key,
    held.copy_state_code,
    held.created_date,
    held.birth_date,
    held.is_moved_in,
    coalesce(rival.earlier_flag, 0) = 1 as has_earlier_archive,
    coalesce(rival.same_day_flag, 0) = 1 as has_same_day_archive,
    taken.taken_date,
    coalesce(taken.transfer_flag, 0) = 1 as is_taken_by_transfer,
    coalesce(taken.asked_flag, 0) = 1 as has_unfinished_transfer,
    coalesce(taken.former_flag, 0) = 1 as has_former_manager_elsewhere,
    held.own_key_type_code,
    held.own_key_class as key_class,
    held.identity_issue_codes,
    held.review_codes,
    held.id_no is not null as has_id_no,
    held.birth_certificate_no is not null as has_birth_certificate_no,
    held.mother_id_no is not null as has_mother_id_no,
    {{ date_of_digits('substr(held.mother_id_no, 7, 8)') }} as mother_birth_date,
    case
        when length(held.mother_id_no) <> 18 then null
        when substr(held.mother_id_no, 17, 1) in ('0', '2', '4', '6', '8') then '2'
        when substr(held.mother_id_no, 17, 1) in ('1', '3', '5', '7', '9') then '1'
    end as mother_sex_code,
    upgrade.archive_key is not null as has_unlinked_upgrade,
    cast(held.vanished_at as date) as vanished_date,
    held.archived_date,
    archive_stop.stopped_date,
    archive_stop.late_edit_date,
    coalesce(archive_stop.has_undated_edit, false) as has_undated_edit,
    nullif(concat_ws(
        '、',
        case when not {{ is_filled('held.archive_no') }} then '档案编号' end,
        case when not {{ is_filled('held.name') }} then '姓名' end,
        case when not {{ is_filled('held.present_address') }} then '现住址' end,
        case when not {{ is_filled('held.registered_address') }} then '户籍地址' end,
        case when not {{ is_filled('held.phone') }} then '联系电话' end,
        case when not {{ is_filled('held.town_name') }} then '乡镇(街道)名称' end,
        case when not {{ is_filled('held.village_name') }} then '村(居)委会名称' end,
        case when not {{ is_filled('held.create_org_code') }} then '建档单位' end,
        case when not {{ is_filled('held.creator_id') }} then '建档人' end,
        case when not {{ is_filled('held.doctor_id') }} then '责任医生' end,
        case when held.created_date is null then '建档日期' end
    ), '') as cover_missing_text,
    -- a recorded code for 无 is an answer: histories count as given as soon as a code stands there
    nullif(concat_ws(
        '、',
        case when not {{ is_filled('held.name') }} then '姓名' end,
        case when held.sex_code is null then '性别' end,
        case
            when not {{ is_filled('held.id_no') }} and not {{ is_filled('held.birth_certificate_no') }}
                then '身份证号(出生医学证明编号)'
        end,
        case when not {{ is_filled('held.present_address') }} then '地址' end,
        case when not {{ is_filled('held.phone') }} then '联系方式' end,
        case when held.past_history_codes is null then '既往史' end,
        case when held.family_history_codes is null then '家族史' end
    ), '') as basic_missing_text,
    coalesce(held.managing_org_code, held.manage_org_code) as managing_org_code,
    coalesce(held.managing_district_code, held.manage_district_code, held.delivery_unit) as managing_district_code,
    held.create_org_code as creating_org_code,
    coalesce(held.create_district_code, held.delivery_unit) as creating_district_code,
    parameter.newborn_id_grace,
    parameter.child_max_age,
    parameter.mother_age_min,
    parameter.mother_age_max,
    parameter.retention_years,
    parameter.rules_effective_from,
    run_context.as_of_date
from held
cross join run_context
inner join {{ ref('parameter_period') }} as parameter
    on
        run_context.as_of_date >= parameter.valid_from
        and run_context.as_of_date < parameter.valid_to
left join rival on held.archive_key = rival.archive_key
left join taken on held.archive_key = taken.archive_key
left join upgrade on held.archive_key = upgrade.archive_key
left join {{ ref('archive_stop') }} as archive_stop on held.archive_key = archive_stop.archive_key

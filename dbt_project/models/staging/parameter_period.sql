{#- Names and types of the parameters; the values stand in seeds/parameters.csv, one row per profile and validity period. -#}
{% set parameters = {
    'rules_effective_from': 'date',
    'residence_mode': 'varchar',
    'residence_min': 'bigint',
    'residence_min_days': 'bigint',
    'service_entry_days': 'bigint',
    'paper_entry_days': 'bigint',
    'upload_lag_days': 'bigint',
    'transfer_confirm_days': 'bigint',
    'transfer_filing_days': 'bigint',
    'transfer_protect_days': 'bigint',
    'strict_180': 'boolean',
    'protect_basis': 'varchar',
    'transfer_protect_intra': 'varchar',
    'lost_min': 'bigint',
    'last_service_scope': 'varchar',
    'death_entry': 'bigint',
    'death_cause_parts': 'varchar',
    'moved_out_min': 'bigint',
    'moved_out_informants': 'varchar',
    'cancelled_termination_judged': 'boolean',
    'mass_termination_share': 'double',
    'quick_reactivation_days': 'bigint',
    'archive_filing_days': 'bigint',
    'retention_years': 'bigint',
    'signed_contact': 'bigint',
    'newborn_id_grace': 'bigint',
    'child_max_age': 'bigint',
    'mother_age_min': 'bigint',
    'mother_age_max': 'bigint',
    'dummy_id_archives': 'bigint',
    'placeholder_values': 'varchar',
    'entry_scope': 'varchar',
    'restricted_review': 'bigint',
    'special_disease_codes': 'varchar',
    'status_basis': 'varchar',
    'death_effective': 'varchar',
    'ended_effective': 'varchar',
    'reactivation_effective': 'varchar',
    'service_profile': 'varchar',
    'dynamic_window': 'bigint',
    'dynamic_denominator': 'varchar',
    'managed_denominator': 'varchar',
    'chronic_min_age': 'bigint',
    'bp_sbp_limit': 'bigint',
    'bp_dbp_limit': 'bigint',
    'bp_elderly_age': 'bigint',
    'bp_elderly_sbp_limit': 'bigint',
    'bp_elderly_dbp_limit': 'bigint',
    'fpg_limit': 'double',
    'random_glucose_limit': 'double',
    'followup_required_count': 'bigint',
    'followup_part_year_days': 'bigint',
    'followup_recheck_days': 'bigint',
    'followup_gap_min_days': 'bigint',
    'followup_gap_max_days': 'bigint',
    'followup_face_to_face_modes': 'varchar',
    'exam_min_managed_months': 'bigint',
    'exam_core_columns': 'varchar',
    'exam_core_columns_elderly': 'varchar',
    'elderly_age': 'bigint',
    'elderly_age_basis': 'varchar',
    'population_source_order': 'varchar',
    'upload_drop_share': 'double',
    'holiday_rollover': 'boolean',
    'pia_bulk_threshold': 'bigint',
    'k_by_model': 'varchar',
    'small_cell_min': 'bigint',
    'division_reform_date': 'date'
} %}
with

chosen as (
    select coalesce(override.value, parameters.value) as profile
    from {{ ref('parameters') }} as parameters
    left join {{ source('control', 'parameter_override') }} as override
        on parameters.parameter = override.parameter
    where parameters.parameter = 'service_profile'
),

replaced as (
    -- the day from which a chosen profile takes the place of the one of 2017
    select
        parameters.parameter,
        chosen.profile,
        min(cast(parameters.valid_from as date)) as taken_from
    from {{ ref('parameters') }} as parameters
    inner join chosen on parameters.profile = chosen.profile
    where parameters.profile <> 'SPEC2017'
    group by parameters.parameter, chosen.profile
),

in_force as (
    select
        parameters.parameter,
        parameters.value,
        cast(parameters.valid_from as date) as declared_from,
        case
            when parameters.profile = replaced.profile
                then coalesce(cast(parameters.valid_to as date), {{ end_of_time() }})
            else
                least(
                    coalesce(cast(parameters.valid_to as date), {{ end_of_time() }}),
                    coalesce(replaced.taken_from, {{ end_of_time() }})
                )
        end as declared_to
    from {{ ref('parameters') }} as parameters
    left join replaced on parameters.parameter = replaced.parameter
    where
        coalesce(nullif(parameters.profile, ''), 'SPEC2017') = 'SPEC2017'
        or parameters.profile = replaced.profile
),

declared as (
    select
        in_force.parameter,
        coalesce(override.value, in_force.value) as parameter_value,
        in_force.declared_from,
        in_force.declared_to,
        row_number() over (partition by in_force.parameter order by in_force.declared_from) as position
    from in_force
    left join {{ source('control', 'parameter_override') }} as override
        on in_force.parameter = override.parameter
    where in_force.declared_from < in_force.declared_to
),

extended as (
    -- what happened before the first declared value is measured by it too (and is PRE_RULE where a rule judges)
    select
        declared.parameter,
        declared.parameter_value,
        case when declared.position = 1 then {{ date_literal('1900-01-01') }} else declared.declared_from end as valid_from,
        declared.declared_to as valid_to
    from declared
),

boundary as (
    select extended.valid_from
    from extended
    union
    select extended.valid_to as valid_from
    from extended
    where extended.valid_to < {{ end_of_time() }}
),

period as (
    select
        boundary.valid_from,
        coalesce(lead(boundary.valid_from) over (order by boundary.valid_from), {{ end_of_time() }}) as valid_to
    from boundary
)

select
    period.valid_from,
    period.valid_to,
{%- for name, type in parameters.items() %}
    cast(max(case when extended.parameter = '{{ name }}' then extended.parameter_value end) as {{ type }}) as {{ name }}
    {{- ',' if not loop.last }}
{%- endfor %}
from period
inner join extended
    on
        period.valid_from >= extended.valid_from
        and period.valid_from < extended.valid_to
group by period.valid_from, period.valid_to

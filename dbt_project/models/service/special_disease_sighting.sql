{%- set special = "position('|' || substr(told.{}, 1, 3) || '|' in '|' || parameter.special_disease_codes || '|') > 0" -%}
{%- set tellers = [
    ('smi_supplement', 'SMI', 'true'),
    ('smi_followup', 'SMI', 'true'),
    ('infectious_report', 'SPECIAL', special.format('disease_code')),
    ('encounter', 'SPECIAL', special.format('diagnosis_icd10')),
    ('referral', 'SPECIAL', special.format('diagnosis_icd10')),
    ('antenatal_first', 'SPECIAL', "told.hiv_code = '2' or told.syphilis_code = '2'"),
] -%}
-- Persons whom a current record shows to have a severe mental disorder or a special disease (A2-7), with the class.
-- A form for SMI patients is enough; elsewhere the diagnosis, the notified disease or a positive test decides.
with parameter as (
    select parameter_period.special_disease_codes
    from {{ ref('parameter_period') }} as parameter_period
    where
        parameter_period.valid_from <= {{ as_of_date() }}
        and parameter_period.valid_to > {{ as_of_date() }}
),

recorded as (
    {%- for dataset, class_code, condition in tellers %}
        select
            '{{ dataset }}' as dataset,
            '{{ class_code }}' as class_code,
            told.delivery_unit,
            told.record_scope,
            told.record_key,
            told.identity_key,
            told.birth_key,
            told.mother_key,
            told.identity_issue_codes,
            told.birth_date,
            told.district_archive_id
        from {{ ref('stg_' ~ dataset) }} as told
        cross join parameter
        where {{ condition }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    sighted.person_key,
    sighted.class_code
from {{ with_person_of('recorded') }} as sighted
where sighted.person_key is not null
group by sighted.person_key, sighted.class_code

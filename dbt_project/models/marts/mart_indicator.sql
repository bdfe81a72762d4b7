-- Indicators of city, districts and institutions; every level is summed from the same parts, rates divided last.
with context as (
    select
        as_of_date,
        ruleset_version
    from {{ source('control', 'run_context') }}
),

registry as (
    select
        indicator_id,
        coalesce(variant, '') as variant,
        kind,
        period_kinds
    from {{ ref('indicators') }}
),

year_scope as (
    select
        period,
        'year' as period_kind_code,
        period as evaluation_year,
        period_start,
        as_of_date
    from {{ ref('evaluation_period') }}
),

month_number as (
    select 0 as month_number
    {%- for number in range(1, 12) %}
        union all
        select {{ number }}
    {%- endfor %}
),

month_start as (
    select
        year_scope.period as evaluation_year,
        year_scope.as_of_date as year_as_of_date,
        {{ add_months('year_scope.period_start', 'month_number.month_number') }} as period_start
    from year_scope
    cross join month_number
),

scope as (
    select
        period,
        period_kind_code,
        evaluation_year,
        period_start,
        as_of_date
    from year_scope
    union all
    select
        {{ month_text('period_start') }} as period,
        'month' as period_kind_code,
        evaluation_year,
        period_start,
        least({{ add_days(add_months('period_start', 1), -1) }}, year_as_of_date) as as_of_date
    from month_start
    where period_start <= year_as_of_date
),

cell as (
    select
        registry.indicator_id,
        registry.variant,
        registry.kind,
        scope.period,
        scope.period_kind_code,
        scope.evaluation_year,
        scope.period_start,
        scope.as_of_date
    from registry
    cross join scope
    where position(scope.period_kind_code in registry.period_kinds) > 0
),

-- Every unit in force shows, with zero where nothing happened; what is counted elsewhere is added.
place as (
    select distinct
        year_scope.period as evaluation_year,
        'district' as level,
        unit.division_code as code,
        unit.division_code as district_code
    from {{ ref('reference_division') }} as unit
    inner join year_scope
        on
            unit.valid_from <= year_scope.as_of_date
            and coalesce(unit.valid_to, {{ end_of_time() }}) > year_scope.period_start
    where unit.is_reporting_unit and unit.level_code = '2'
    union
    select distinct
        year_scope.period as evaluation_year,
        'org' as level,
        org.org_code as code,
        last_value(org.district_code) over (
            partition by year_scope.period, org.org_code
            order by org.valid_from rows between unbounded preceding and unbounded following
        ) as district_code
    from {{ ref('org_period') }} as org
    inner join year_scope
        on
            org.valid_from <= year_scope.as_of_date
            and org.valid_to > year_scope.period_start
),

counted as (
    select
        indicator_id,
        variant,
        period,
        'city' as level,
        '500000' as code,
        '500000' as district_code,
        pass_count,
        fail_count,
        not_evaluable_count
    from {{ ref('indicator_count') }}
    union all
    select
        indicator_id,
        variant,
        period,
        'district' as level,
        district_code as code,
        district_code,
        pass_count,
        fail_count,
        not_evaluable_count
    from {{ ref('indicator_count') }}
    union all
    select
        indicator_id,
        variant,
        period,
        'org' as level,
        org_code as code,
        district_code,
        pass_count,
        fail_count,
        not_evaluable_count
    from {{ ref('indicator_count') }}
),

summed as (
    select
        indicator_id,
        variant,
        period,
        level,
        code,
        max(district_code) as district_code,
        sum(pass_count) as pass_count,
        sum(fail_count) as fail_count,
        sum(not_evaluable_count) as not_evaluable_count
    from counted
    group by indicator_id, variant, period, level, code
),

-- The places of a year: those in force, and any other that carries a count. Levels never lack a row the city has.
known_place as (
    select
        evaluation_year,
        level,
        code,
        max(district_code) as district_code
    from (
        select
            evaluation_year,
            level,
            code,
            district_code
        from place
        union all
        select
            substring(summed.period, 1, 4) as evaluation_year,
            summed.level,
            summed.code,
            cast(null as varchar) as district_code
        from summed
        where summed.level <> 'city'
        union all
        select
            period as evaluation_year,
            'district' as level,
            district_code as code,
            district_code
        from {{ ref('population_denominator') }}
        where district_code <> '500000'
        union all
        select
            period as evaluation_year,
            'city' as level,
            '500000' as code,
            '500000' as district_code
        from year_scope
    ) as every_place
    group by evaluation_year, level, code
),

frame as (
    select
        cell.*,
        known_place.level,
        known_place.code,
        known_place.district_code
    from cell
    inner join known_place
        on cell.evaluation_year = known_place.evaluation_year
),

population as (
    select
        denominator.period,
        denominator.population_kind,
        'district' as level,
        denominator.district_code as code,
        denominator.resident_count
    from {{ ref('population_denominator') }} as denominator
    where denominator.district_code <> '500000'
    union all
    select
        period,
        population_kind,
        'city' as level,
        '500000' as code,
        sum(resident_count) as resident_count
    from {{ ref('population_denominator') }}
    group by period, population_kind
),

figure as (
    select
        frame.indicator_id,
        frame.variant,
        frame.period,
        frame.as_of_date,
        frame.level,
        frame.code,
        case
            when frame.level = 'org' then coalesce(frame.district_code, summed.district_code, 'UNKNOWN')
            else frame.code
        end as district_code,
        coalesce(summed.pass_count, 0) as numerator_count,
        case frame.kind
            when 'rate' then coalesce(summed.pass_count, 0) + coalesce(summed.fail_count, 0)
            when 'population' then population.resident_count
            when 'population_elderly' then population.resident_count
        end as denominator_count,
        coalesce(summed.not_evaluable_count, 0) as not_evaluable_count
    from frame
    left join summed
        on
            frame.indicator_id = summed.indicator_id
            and frame.variant = summed.variant
            and frame.period = summed.period
            and frame.level = summed.level
            and frame.code = summed.code
    left join population
        on
            frame.period = population.period
            and frame.level = population.level
            and frame.code = population.code
            and population.population_kind
            = case frame.kind when 'population' then 'TOTAL' when 'population_elderly' then 'ELDERLY' end
),

target as (
    -- a level without a row of its own takes the row for all levels
    select
        indicator_id,
        coalesce(variant, '') as variant,
        coalesce(level, '') as level,
        target_rate,
        weight,
        valid_from,
        coalesce(valid_to, {{ end_of_time() }}) as valid_to
    from {{ ref('targets') }}
)

select
    cast(figure.indicator_id as varchar) as indicator_id,
    cast(figure.variant as varchar) as variant,
    cast(figure.period as varchar) as period,
    cast(figure.as_of_date as date) as as_of_date,
    cast(figure.level as varchar) as level,
    cast(figure.code as varchar) as code,
    cast(figure.district_code as varchar) as district_code,
    cast(figure.numerator_count as bigint) as numerator_count,
    cast(figure.denominator_count as bigint) as denominator_count,
    cast(figure.not_evaluable_count as bigint) as not_evaluable_count,
    cast({{ rate('figure.numerator_count', 'figure.denominator_count') }} as decimal(9, 6)) as rate,
    cast(coalesce(own_target.target_rate, common_target.target_rate) as decimal(9, 6)) as target_rate,
    cast(coalesce(own_target.weight, common_target.weight) as decimal(9, 6)) as weight,
    cast(context.ruleset_version as varchar) as ruleset_version
from figure
cross join context
left join target as own_target
    on
        figure.indicator_id = own_target.indicator_id
        and figure.variant = own_target.variant
        and figure.level = own_target.level
        and figure.as_of_date >= own_target.valid_from
        and figure.as_of_date < own_target.valid_to
left join target as common_target
    on
        figure.indicator_id = common_target.indicator_id
        and figure.variant = common_target.variant
        and common_target.level = ''
        and figure.as_of_date >= common_target.valid_from
        and figure.as_of_date < common_target.valid_to

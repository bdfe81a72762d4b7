-- Indicators of all periods on the harmonised map: the parts of every institution added up where it lies today.
-- ARC-4 is left out: a person with archives in two districts that became one is no longer in two.
with area as (
    select
        level,
        code,
        valid_from_date,
        valid_to_date,
        area_code,
        area_name,
        is_exact
    from {{ ref('dim_division_map') }}
    where map_code = 'harmonised'
),

figure as (
    select
        mart_indicator.*,
        registry.kind
    from {{ ref('mart_indicator') }} as mart_indicator
    inner join {{ ref('indicators') }} as registry
        on
            mart_indicator.indicator_id = registry.indicator_id
            and mart_indicator.variant = coalesce(registry.variant, '')
    where
        mart_indicator.level = 'district'
        and mart_indicator.indicator_id <> 'ARC-4'
),

-- residents are known by district only, and every area has its row even where nothing happened
frame as (
    select
        figure.indicator_id,
        figure.variant,
        figure.period,
        figure.as_of_date,
        figure.kind,
        coalesce(area.area_code, figure.code) as area_code,
        sum(case when figure.kind in ('population', 'population_elderly') then figure.denominator_count end)
            as resident_count,
        min(
            case when figure.kind in ('population', 'population_elderly') and not area.is_exact then 0 else 1 end
        ) as exact_flag
    from figure
    left join area
        on
            area.level = 'district'
            and figure.code = area.code
            and figure.as_of_date >= area.valid_from_date
            and figure.as_of_date < area.valid_to_date
    group by
        figure.indicator_id, figure.variant, figure.period, figure.as_of_date, figure.kind,
        coalesce(area.area_code, figure.code)
),

period_day as (
    select distinct
        period,
        as_of_date
    from figure
),

counted as (
    select
        counts.indicator_id,
        counts.variant,
        counts.period,
        coalesce(org_area.area_code, district_area.area_code, counts.district_code) as area_code,
        counts.pass_count,
        counts.fail_count,
        counts.not_evaluable_count,
        case when coalesce(org_area.is_exact, district_area.is_exact, true) then 1 else 0 end as exact_flag
    from {{ ref('indicator_count') }} as counts
    inner join period_day on counts.period = period_day.period
    left join area as org_area
        on
            org_area.level = 'org'
            and counts.org_code = org_area.code
            and period_day.as_of_date >= org_area.valid_from_date
            and period_day.as_of_date < org_area.valid_to_date
    left join area as district_area
        on
            district_area.level = 'district'
            and counts.district_code = district_area.code
            and period_day.as_of_date >= district_area.valid_from_date
            and period_day.as_of_date < district_area.valid_to_date
),

summed as (
    select
        indicator_id,
        variant,
        period,
        area_code,
        sum(pass_count) as pass_count,
        sum(fail_count) as fail_count,
        sum(not_evaluable_count) as not_evaluable_count,
        min(exact_flag) as exact_flag
    from counted
    group by indicator_id, variant, period, area_code
),

area_name as (
    select
        area_code,
        max(area_name) as area_name
    from area
    group by area_code
),

joined as (
    select
        frame.indicator_id,
        frame.variant,
        frame.period,
        frame.as_of_date,
        frame.area_code,
        area_name.area_name,
        coalesce(summed.pass_count, 0) as numerator_count,
        case
            when frame.kind = 'rate' then coalesce(summed.pass_count, 0) + coalesce(summed.fail_count, 0)
            when frame.kind in ('population', 'population_elderly') then frame.resident_count
        end as denominator_count,
        coalesce(summed.not_evaluable_count, 0) as not_evaluable_count,
        least(frame.exact_flag, coalesce(summed.exact_flag, 1)) = 1 as is_exact
    from frame
    left join summed
        on
            frame.indicator_id = summed.indicator_id
            and frame.variant = summed.variant
            and frame.period = summed.period
            and frame.area_code = summed.area_code
    left join area_name on frame.area_code = area_name.area_code
)

select
    cast(indicator_id as varchar) as indicator_id,
    cast(variant as varchar) as variant,
    cast(period as varchar) as period,
    cast(as_of_date as date) as as_of_date,
    cast(area_code as varchar) as area_code,
    cast(area_name as varchar) as area_name,
    cast(numerator_count as bigint) as numerator_count,
    cast(denominator_count as bigint) as denominator_count,
    cast(not_evaluable_count as bigint) as not_evaluable_count,
    cast({{ rate('numerator_count', 'denominator_count') }} as decimal(9, 6)) as rate,
    cast(is_exact as boolean) as is_exact
from joined

-- Residents per evaluation period and district from the delivered population table.
-- Per area, year and source the coarsest breakdown that covers every age exactly once is summed; both sexes in one row are
-- preferred to the sum of the sexes, a district's own row to the sum of its towns, sources by population_source_order.
-- The city is the sum of its districts; only where no district has a figure does the city's own row count, as 500000.
with scope as (
    select
        evaluation.period,
        evaluation.as_of_date,
        cast(evaluation.period as integer) as population_year,
        parameter.population_source_order,
        parameter.elderly_age
    from {{ ref('evaluation_period') }} as evaluation
    inner join {{ ref('parameter_period') }} as parameter
        on
            evaluation.as_of_date >= parameter.valid_from
            and evaluation.as_of_date < parameter.valid_to
),

kind as (
    select
        period,
        as_of_date,
        population_year,
        population_source_order,
        'TOTAL' as population_kind,
        0 as lower_age
    from scope
    union all
    select
        period,
        as_of_date,
        population_year,
        population_source_order,
        'ELDERLY' as population_kind,
        elderly_age as lower_age
    from scope
),

counted as (
    select
        kind.period,
        kind.as_of_date,
        kind.population_source_order,
        kind.population_kind,
        kind.lower_age,
        population.area_code,
        population.source_code,
        population.sex_code,
        population.age_from,
        population.age_to,
        population.resident_count
    from kind
    inner join {{ ref('stg_population') }} as population
        on
            kind.population_year = population.year
            and kind.lower_age <= population.age_from
            and population.age_to >= population.age_from
),

-- A row is outermost when no wider row of its breakdown holds it, innermost when it holds no narrower one.
nested as (
    select
        inside.period,
        inside.population_kind,
        inside.area_code,
        inside.source_code,
        inside.sex_code,
        inside.age_from,
        inside.age_to,
        max(
            case
                when
                    other.age_from <= inside.age_from and other.age_to >= inside.age_to
                    and other.age_to - other.age_from > inside.age_to - inside.age_from
                    then 1
                else 0
            end
        ) as is_held,
        max(
            case
                when
                    other.age_from >= inside.age_from and other.age_to <= inside.age_to
                    and other.age_to - other.age_from < inside.age_to - inside.age_from
                    then 1
                else 0
            end
        ) as is_holding
    from counted as inside
    inner join counted as other
        on
            inside.period = other.period
            and inside.population_kind = other.population_kind
            and inside.area_code = other.area_code
            and inside.source_code = other.source_code
            and inside.sex_code = other.sex_code
    group by
        inside.period, inside.population_kind, inside.area_code, inside.source_code, inside.sex_code,
        inside.age_from, inside.age_to
),

breakdown as (
    select
        counted.*,
        1 as breakdown_order
    from counted
    inner join nested
        on
            counted.period = nested.period
            and counted.population_kind = nested.population_kind
            and counted.area_code = nested.area_code
            and counted.source_code = nested.source_code
            and counted.sex_code = nested.sex_code
            and counted.age_from = nested.age_from
            and counted.age_to = nested.age_to
    where nested.is_held = 0
    union all
    select
        counted.*,
        2 as breakdown_order
    from counted
    inner join nested
        on
            counted.period = nested.period
            and counted.population_kind = nested.population_kind
            and counted.area_code = nested.area_code
            and counted.source_code = nested.source_code
            and counted.sex_code = nested.sex_code
            and counted.age_from = nested.age_from
            and counted.age_to = nested.age_to
    where nested.is_holding = 0
),

chained as (
    select
        breakdown.*,
        lag(age_to) over (
            partition by period, population_kind, area_code, source_code, sex_code, breakdown_order
            order by age_from, age_to
        ) as previous_age_to
    from breakdown
),

complete as (
    select
        period,
        population_kind,
        area_code,
        source_code,
        sex_code,
        breakdown_order,
        sum(resident_count) as resident_count
    from chained
    group by period, population_kind, area_code, source_code, sex_code, breakdown_order
    having
        min(case when age_from = coalesce(previous_age_to + 1, lower_age) then 1 else 0 end) = 1
        and max(age_to) = 999
),

sexed as (
    select
        period,
        population_kind,
        area_code,
        source_code,
        sex_code,
        resident_count,
        row_number() over (
            partition by period, population_kind, area_code, source_code, sex_code order by breakdown_order
        ) as preference
    from complete
),

area as (
    select
        period,
        population_kind,
        area_code,
        source_code,
        coalesce(
            max(case when sex_code = '0' then resident_count end),
            max(case when sex_code = '1' then resident_count end)
            + max(case when sex_code = '2' then resident_count end)
            + coalesce(max(case when sex_code = '9' then resident_count end), 0)
        ) as resident_count
    from sexed
    where preference = 1
    group by period, population_kind, area_code, source_code
),

division_now as (
    select
        scope.period,
        division.division_code,
        division.code_system,
        division.level_code,
        division.parent_code,
        division.successor_codes,
        coalesce(division.valid_to, cast('9999-12-31' as date)) as valid_to,
        row_number() over (
            partition by scope.period, division.division_code, division.code_system
            order by division.valid_from desc
        ) as recency
    from {{ ref('division_period') }} as division
    cross join scope
    where coalesce(division.valid_from, cast('1900-01-01' as date)) <= scope.as_of_date
),

district as (
    select
        period,
        division_code,
        max(successor_codes) as successor_codes,
        max(valid_to) as valid_to
    from division_now
    where level_code = '2' and recency = 1
    group by period, division_code
),

town as (
    -- of the map of the period, not of the run
    select
        division_now.period,
        division_now.division_code,
        division_now.code_system,
        division_now.parent_code
    from division_now
    inner join scope
        on
            division_now.period = scope.period
            and division_now.valid_to > scope.as_of_date
    where division_now.level_code = '3' and division_now.recency = 1
),

known_source as (
    select distinct source_code
    from area
),

-- The figures carry no code system: towns stand for their district only when every town of a system is there and no
-- town besides, so that codes that mean other towns elsewhere are not taken for these.
sent_town as (
    select
        area.period,
        area.population_kind,
        area.source_code,
        substring(area.area_code, 1, 6) as district_code,
        count(*) as town_count
    from area
    where length(area.area_code) = 9
    group by area.period, area.population_kind, area.source_code, substring(area.area_code, 1, 6)
),

town_sum as (
    select
        town.period,
        kind.population_kind,
        town.parent_code as area_code,
        source.source_code,
        town.code_system,
        sum(area.resident_count) as resident_count
    from town
    inner join kind
        on town.period = kind.period
    cross join known_source as source
    left join area
        on
            town.period = area.period
            and kind.population_kind = area.population_kind
            and town.division_code = area.area_code
            and source.source_code = area.source_code
    left join sent_town
        on
            town.period = sent_town.period
            and kind.population_kind = sent_town.population_kind
            and source.source_code = sent_town.source_code
            and town.parent_code = sent_town.district_code
    group by town.period, kind.population_kind, town.parent_code, source.source_code, town.code_system
    having
        count(*) = count(area.resident_count)
        and count(*) = coalesce(max(sent_town.town_count), count(*))
),

offered as (
    select
        area.period,
        area.population_kind,
        area.area_code,
        area.source_code,
        area.resident_count,
        1 as level_order,
        '' as code_system
    from area
    inner join district
        on
            area.period = district.period
            and area.area_code = district.division_code
    where area.resident_count is not null
    union all
    select
        period,
        population_kind,
        area_code,
        source_code,
        resident_count,
        2 as level_order,
        code_system
    from town_sum
    union all
    select
        area.period,
        area.population_kind,
        area.area_code,
        area.source_code,
        area.resident_count,
        1 as level_order,
        '' as code_system
    from area
    where
        area.area_code = '500000'
        and area.resident_count is not null
),

chosen as (
    select
        offered.period,
        offered.population_kind,
        offered.area_code,
        offered.source_code,
        offered.resident_count,
        row_number() over (
            partition by offered.period, offered.population_kind, offered.area_code
            order by
                offered.level_order,
                case
                    when {{ is_listed('offered.source_code', 'scope.population_source_order') }}
                        then position(offered.source_code in scope.population_source_order)
                    else 999
                end,
                offered.source_code,
                offered.code_system
        ) as preference
    from offered
    inner join scope
        on offered.period = scope.period
),

-- A figure for a district that was abolished by the evaluation day belongs to its main successor, unless that one has its own.
placed as (
    select
        chosen.period,
        chosen.population_kind,
        chosen.area_code,
        chosen.source_code,
        chosen.resident_count,
        case
            when
                district.valid_to <= scope.as_of_date and district.successor_codes is not null
                then substring(district.successor_codes, 1, position('|' in district.successor_codes || '|') - 1)
            else chosen.area_code
        end as district_code
    from chosen
    inner join scope
        on chosen.period = scope.period
    left join district
        on
            chosen.period = district.period
            and chosen.area_code = district.division_code
    where chosen.preference = 1
),

owned as (
    select
        placed.*,
        max(case when area_code = district_code then 1 else 0 end) over (
            partition by period, population_kind, district_code
        ) as has_own_figure,
        max(case when district_code <> '500000' then 1 else 0 end) over (
            partition by period, population_kind
        ) as has_district_figure
    from placed
)

select
    period,
    population_kind,
    district_code,
    min(source_code) as source_code,
    cast(sum(resident_count) as bigint) as resident_count
from owned
where
    (area_code = district_code or has_own_figure = 0)
    and (district_code <> '500000' or has_district_figure = 0)
group by period, population_kind, district_code

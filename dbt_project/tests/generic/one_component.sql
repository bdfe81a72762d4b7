{#- Fails for every link whose two ends carry different labels: the propagation has not converged. -#}
{% test one_component(model, links) %}
select
    link.left_key,
    link.right_key
from {{ links }} as link
inner join {{ model }} as left_end on link.left_key = left_end.identity_key
inner join {{ model }} as right_end on link.right_key = right_end.identity_key
where
    not link.is_blocked
    and (
        left_end.wide_key <> right_end.wide_key
        or (link.is_strong and left_end.strong_key <> right_end.strong_key)
    )
{% endtest %}

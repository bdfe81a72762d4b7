-- depends_on: {{ ref('rules') }}
{{ outcome_counts({
    'rule_archive': ref('rule_archive'),
    'rule_person': ref('rule_person'),
    'rule_service': ref('rule_service'),
    'rule_record': ref('rule_record'),
    'rule_transfer': ref('rule_transfer'),
    'rule_termination': ref('rule_termination'),
    'rule_termination_month': ref('rule_termination_month'),
    'rule_reactivation': ref('rule_reactivation'),
}) }}

"""The catalogue of stories: which special lives and which violations the city can hold.

Not here: who lives them (cases.py) and what they consist of.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One kind of story.

    Attributes:
        kind: its name, as in truth/counts.csv.
        share: of the residents for a lawful story; of the planted violations for a violation.
        is_defect: whether it breaks a rule.
        pool: who can live it (see `_pools`).
        needs_days: shortest period in which it fits.
        needs_units: delivering districts it takes.
    """

    kind: str
    share: float
    is_defect: bool = False
    pool: str = "settled"
    needs_days: int = 0
    needs_units: int = 1


ENDINGS = (
    Case("lost", 0.004),
    Case("lost_after_contact", 0.001),
    Case("lost_boundary", 0.0003),
    Case("dead", 0.007, pool="old"),
    Case("dead_boundary", 0.0005, pool="old"),
    Case("moved_out", 0.003),
    Case("reactivated_lost", 0.001, needs_days=300),
    Case("reactivated_moved", 0.0006, needs_days=300),
    Case("stock_lost", 0.006),
    Case("stock_dead", 0.012, pool="old"),
    Case("stock_moved_out", 0.004),
    Case("archive_vanished", 0.4, True, "old_in_full_set"),
    Case("premature_lost", 1, True),
    Case("premature_lost_boundary", 0.5, True),
    Case("lost_contact_within_year", 1, True),
    Case("lost_without_attempts", 1, True),
    Case("lost_channel_missing", 1, True),
    Case("dead_running", 0.4, True, "old", 60),
    Case("death_late", 1.5, True, "old", 60),
    Case("death_late_boundary", 0.5, True, "old", 60),
    Case("death_overdue", 0.7, True, "old", 90),
    Case("death_after_info", 0.5, True, "old"),
    Case("death_without_cause", 1, True, "old"),
    Case("death_undated", 0.5, True, "old"),
    Case("service_after_death", 1, True, "old"),
    Case("service_after_death_archived", 0.7, True, "old", 60),
    Case("moved_without_informant", 1, True),
    Case("moved_within_city", 0.7, True),
    Case("moved_without_destination", 0.5, True),
    Case("moved_returns_within_year", 0.7, True),
    Case("moved_before_news", 0.4, True),
    Case("moved_not_departed", 0.4, True),
    Case("moved_absence_unknown", 0.4, True),
    Case("moved_absence_short", 0.4, True),
    Case("moved_then_edited", 0.5, True, needs_days=300),
    Case("reactivated_dead", 0.5, True, "old", 300),
    Case("reactivated_without_service", 0.7, True, needs_days=300),
    Case("reactivated_unfiled", 0.7, True, needs_days=300),
    Case("reactivated_before_archive", 0.5, True, needs_days=300),
    Case("reactivated_old_contact", 0.4, True, needs_days=300),
    Case("reactivated_managed", 0.4, True, needs_days=60),
    Case("served_without_reactivation", 1, True, needs_days=300),
)
MOVES = (
    Case("cross_transfer", 0.005, needs_days=90, needs_units=2),
    Case("cross_transfer_boundary", 0.0004, needs_days=90, needs_units=2),
    Case("intra_transfer", 0.005, needs_days=60),
    Case("transfer_refused", 0.0012, needs_days=90, needs_units=2),
    Case("refused_without_reason", 0.7, True, needs_days=90, needs_units=2),
    Case("refused_in_protection", 0.5, True, needs_days=240, needs_units=3),
    Case("transfer_withdrawn", 0.0006, needs_days=90, needs_units=2),
    Case("transfer_pending", 0.0006, needs_days=90, needs_units=2),
    Case("archived_direct", 0.001, needs_days=300, needs_units=2),
    Case("protected_180", 0.0003, needs_days=240, needs_units=3),
    Case("protected_181", 0.0003, needs_days=240, needs_units=3),
    Case("decided_late", 1.2, True, needs_days=90, needs_units=2),
    Case("decided_late_boundary", 0.5, True, needs_days=90, needs_units=2),
    Case("decision_overdue", 1, True, needs_days=90, needs_units=2),
    Case("confirmed_unfiled", 0.8, True, needs_days=90, needs_units=2),
    Case("illegal_manager_change", 0.8, True, needs_days=90, needs_units=2),
    Case("protected_179", 0.5, True, needs_days=240, needs_units=3),
    Case("protection_violated", 0.8, True, needs_days=240, needs_units=3),
    Case("origin_edited", 0.8, True, needs_days=90, needs_units=2),
    Case("origin_still_active", 0.8, True, needs_days=90, needs_units=2),
    Case("dead_transferred", 0.5, True, "old", 300),
    Case("direct_same_district", 0.5, True, needs_days=300),
    Case("direct_unfiled", 0.5, True, needs_days=300, needs_units=2),
    Case("direct_not_archived", 0.5, True, needs_days=90, needs_units=2),
    Case("withdrawn_late", 0.5, True, needs_days=90, needs_units=2),
    Case("flow_late", 0.5, True, needs_days=90, needs_units=2),
    Case("filed_after_change", 0.4, True, needs_days=90, needs_units=2),
    Case("taken_without_transfer", 0.4, True, needs_days=90, needs_units=2),
    Case("left_without_transfer", 0.4, True, needs_days=90, needs_units=2),
)
CHILDREN = (
    Case("id_upgrade_late", 0.7, True, "newborn_old", 150),
    Case("bc_past_grace", 0.8, True, "newborn_old", 120),
    Case("bc_over_six", 0.5, True, "schoolchild"),
    Case("twins_same_name", 0.3, True, "twin_recent", 90),
    Case("unlinked_upgrade", 0.5, True, "newborn_recent", 90),
    Case("upgrade_birth_mismatch", 0.4, True, "schoolchild", 60),
    Case("certificate_of_two", 0.4, True, "schoolchild", 60),
    Case("mother_id_as_own", 0.5, True, "newborn"),
    Case("mother_id_invalid", 0.5, True, "newborn_recent", 90),
    Case("twin_placeholder", 0.3, True, "twin_recent", 90),
    Case("bc_pattern", 0.4, True, "newborn"),
    Case("mother_is_a_man", 0.4, True, "newborn"),
    Case("mother_too_old", 0.4, True, "newborn"),
)
IDENTITIES = (
    Case("id_15_digits", 0.004, pool="settled"),
    Case("id_lower_case", 0.002, pool="x_number"),
    Case("id_full_width", 0.002),
    Case("residence_permit", 0.002),
    Case("passport", 0.0005),
    Case("dup_cross_district", 1.2, True, needs_days=60, needs_units=2),
    Case("dup_same_district", 1, True, needs_days=60),
    Case("dup_same_day", 0.3, True, "fresh", 60),
    Case("id_check_digit", 1, True),
    Case("id_impossible_date", 0.5, True),
    Case("id_placeholder", 0.5, True),
    Case("id_short", 0.4, True),
    Case("id_letters", 0.4, True),
    Case("id_birth_future", 0.4, True),
    Case("id_missing", 0.4, True),
    Case("id_sex_mismatch", 0.5, True),
    Case("id_birth_mismatch", 0.5, True, "young"),
    Case("id_dummy", 0.4, True, "young"),
    Case("id_changed", 0.4, True, needs_days=60),
    Case("previous_id_disputed", 0.4, True, needs_days=60),
)
#: Residents of one institution that ends archives in masses; how many follows from its size.
GAMING = (Case("mass_lost", 0, True, "institution", 90),)
CASES: tuple[Case, ...] = (*ENDINGS, *MOVES, *CHILDREN, *IDENTITIES, *GAMING)
NUMBERS = {case.kind: number for number, case in enumerate(CASES, start=1)}
#: Fewest cases of a kind, so that a small sample shows each of them.
FEWEST = 2
#: Stories that several persons share: only whole groups are planted.
GROUPS = {"id_dummy": 4, "certificate_of_two": 2, "previous_id_disputed": 2}

"""Residents of 500231 and 500233 to whom two things happen at the same moment: only what was sent may decide.

Expected here is nothing but that another site key changes no figure (test_site_key.py).
"""

from __future__ import annotations

from tests.acceptance.city import DISTRICT, F2, City, F, G

TIMES = 8
"""A tie that a pseudonym breaks goes unnoticed with probability 2^-TIMES."""


def tell_ties(city: City) -> None:
    """Every tie TIMES times, each for another person."""
    for number in range(TIMES):
        name = f"tie {number}"

        # two archives of one day, in two districts; and with two institutions of one district
        who = city.person(f"{name} districts", "1950-05-05")
        city.archive(who, F)
        city.archive(who, G, phone="")
        city.exam(who, "2025-06-01", F, elderly=True)
        who = city.person(f"{name} institutions", "1950-05-05")
        city.archive(who, F, past_history_codes="")
        city.archive(who, F2, district_archive_id=f"{who.archive_id(DISTRICT[F2])}-2")

        # two moves that complete at one moment
        who = city.person(f"{name} moves")
        city.archive(who, F)
        for target in (F2, G):
            city.transfer(who, "2025-03-03", F, target, decided="2025-03-04", success="2025-03-05")
        city.archive(who, G, create_org_code=F, manage_from_date="2025-03-05")

        # two endings of one day, of which one has its evidence; two deaths entered on one day
        who = city.person(f"{name} endings")
        for org in (F, G):
            city.archive(who, org)
            city.termination(who, "LOST" if org == F else "MOVED_OUT", org, declared_date="2025-09-01",
                             archived_at="2025-09-01 10:00:00")  # fmt: skip
        who = city.person(f"{name} deaths")
        for org, died in ((F, "2025-08-01"), (G, "2025-08-20")):
            city.archive(who, org)
            city.termination(who, "DEAD", org, death_date=died, info_received_date="2025-09-01",
                             evidence_code="1", evidence_received_date="2025-09-01",
                             entered_at="2025-09-01 10:00:00")  # fmt: skip
        city.exam(who, "2025-08-10", F)

        # two follow-ups and two free exams of one moment
        who = city.person(f"{name} services", "1950-05-05")
        city.archive(who, F)
        city.patient(who, "HTN", F)
        for mode in ("1", "3"):
            city.service(who, "htn_followup", "2025-11-10", F, mode_code=mode, sbp=130, dbp=80)
        city.exam(who, "2025-06-01", F, elderly=True, is_free="1")
        city.exam(who, "2025-06-01", F, is_free="1")

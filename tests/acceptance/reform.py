"""The residents whose unit was abolished on 2026-01-01, and some who only lived through it.

What must come of them stands in test_reform.py. The abolished units send for the last time on 2025-12-31 and once late;
the successors send on the last day of the city.
"""

from __future__ import annotations

from typing import Any

from tests.acceptance.city import (
    DALING,
    GUANYINQIAO,
    JINGGUAN,
    LONGXI,
    RENHE,
    SHUITU,
    TONGJING,
    A,
    City,
    Person,
    Row,
)

BEFORE = "2025-12-31"
REFORM = "2026-01-01"
LATE = "2026-01-20"

# case → (institution, unit before, unit after)
CONTINUED = {
    "reform: jiangbei": (GUANYINQIAO, "500105", "500157"),
    "reform: longxi": (LONGXI, "500112", "500157"),
    "reform: tongjing": (TONGJING, "500112", "500109"),
    "reform: shuitu": (SHUITU, "500109", "500157"),
    "reform: renhe": (RENHE, "500132", "500157"),
}
# the successor has sent nothing: case → (institution, unit before, unit after)
AWAITED = {
    "reform: awaited jiangbei": (GUANYINQIAO, "500105", "500157"),
    "reform: awaited tongjing": (TONGJING, "500112", "500109"),
    "reform: awaited shuitu": (SHUITU, "500109", "500157"),
    "reform: awaited undescribed": ("5001059999", "500105", "500157"),
}


def both(city: City, who: Person, org: str, old: str, new: str, **later: Any) -> tuple[Row, Row]:
    """The archive as the old unit sent it at the end, and as its successor sends it."""
    first = city.archive(who, org, day=BEFORE, unit=old)
    return first, city.archive(who, org, unit=new, **later)


def tell_reform(city: City) -> None:
    """All stories of the reform, on institutions of their own."""
    city.reform_reference()
    for case, (org, old, new) in CONTINUED.items():
        who = city.person(case)
        both(city, who, org, old, new)
        city.service(who, "encounter", BEFORE, org, day=BEFORE, unit=old, encounter_type_code="1")
        city.service(who, "encounter", REFORM, org, unit=new, encounter_type_code="1")
    for case, (org, old, _) in AWAITED.items():
        city.archive(city.person(case), org, day=BEFORE, unit=old)
    # nothing happened to the people of 静观, whose town bears the number of one that moved in another code system
    city.archive(city.person("reform: jingguan"), JINGGUAN)

    renamed = city.person("reform: renamed institution")
    both(city, renamed, GUANYINQIAO, "500105", "500157", manage_org_code=DALING, manage_from_date=REFORM,
         previous_district_archive_id=renamed.archive_id("500105"))  # fmt: skip
    stamped = city.person("reform: stamped anew")
    both(
        city,
        stamped,
        GUANYINQIAO,
        "500105",
        "500157",
        created_date="2026-01-06",
        manage_from_date="2026-01-06",
    )

    handed = city.person("reform: by transfer path 4")
    both(city, handed, TONGJING, "500112", "500109", manage_org_code=JINGGUAN, manage_from_date=REFORM)
    city.send("500109", "transfer", {
        "transfer_id": "T-REFORM-4", **handed.who("500109"), "from_org_code": TONGJING, "to_org_code": JINGGUAN,
        "initiator_code": "1", "path_code": "4", "applied_at": f"{REFORM} 09:00:00",
        "decided_at": "2026-01-20 09:00:00", "decision_code": "1", "filed_at": "2026-01-20 10:00:00",
        "manager_changed_at": "2026-01-20 10:00:00"})  # fmt: skip

    lost = city.person("reform: lost before")
    both(city, lost, GUANYINQIAO, "500105", "500157", declared_status_code="LOST")
    city.send("500105", "termination", {
        "termination_id": "E-REFORM", **lost.who("500105"), "org_code": GUANYINQIAO, "kind_code": "LOST",
        "declared_date": "2025-09-01", "entered_at": "2025-09-01 09:00:00"}, BEFORE)  # fmt: skip
    gone = city.person("reform: lost after")
    both(city, gone, GUANYINQIAO, "500105", "500157")
    city.send("500157", "termination", {
        "termination_id": "E-AFTER", **gone.who("500157"), "org_code": GUANYINQIAO, "kind_code": "LOST",
        "declared_date": "2026-03-01", "entered_at": "2026-03-01 09:00:00"})  # fmt: skip

    twice = city.person("reform: duplicate before")
    both(city, twice, GUANYINQIAO, "500105", "500157")
    city.archive(
        twice, LONGXI, day=BEFORE, unit="500112", created_date="2025-03-01", manage_from_date="2025-03-01"
    )
    city.archive(twice, LONGXI, unit="500157", created_date="2025-03-01", manage_from_date="2025-03-01",
                 district_archive_id=f"{twice.archive_id('500157')}-B")  # fmt: skip
    once = city.person("reform: one of a duplicate sent")
    both(city, once, GUANYINQIAO, "500105", "500157")
    city.archive(
        once, LONGXI, day=BEFORE, unit="500112", created_date="2025-03-01", manage_from_date="2025-03-01"
    )

    for case, decided, success in (
        ("reform: moved on day 6", "2026-01-03", "2026-01-05"),
        ("reform: moved on day 8", "2026-01-05", "2026-01-06"),
    ):
        mover = city.person(case)
        city.archive(mover, GUANYINQIAO, day=BEFORE)
        city.transfer(mover, "2025-12-28", GUANYINQIAO, JINGGUAN, decided=decided, success=success)
        city.archive(mover, JINGGUAN, create_org_code=GUANYINQIAO, manage_from_date=success)

    inside = city.person("reform: moved inside the merged district")
    city.archive(inside, GUANYINQIAO, day=BEFORE)
    city.send("500157", "transfer", {
        "transfer_id": "T-MERGED", **inside.who("500157"), "from_org_code": GUANYINQIAO, "to_org_code": LONGXI,
        "initiator_code": "1", "path_code": "1", "applied_at": "2025-12-28 09:00:00",
        "decided_at": "2026-01-03 09:00:00", "decision_code": "1", "filed_at": "2026-01-05 09:00:00",
        "manager_changed_at": "2026-01-05 09:00:00", "confirm_mode_code": "1", "reason_code": "2"})  # fmt: skip
    city.archive(inside, LONGXI, unit="500157", create_org_code=GUANYINQIAO, manage_from_date="2026-01-05")
    city.transfer(inside, "2026-03-01", LONGXI, A, decided="2026-03-02", success="2026-03-03",
                  transfer_id="T-NEXT")  # fmt: skip
    city.archive(inside, A, create_org_code=GUANYINQIAO, manage_from_date="2026-03-03")

    away = city.person("reform: created anew after moving away")
    city.archive(away, GUANYINQIAO, day=BEFORE, declared_status_code="TRANSFERRED_OUT")
    city.moved(away, "2025-06-01", "2025-06-03", GUANYINQIAO, A)
    city.archive(away, GUANYINQIAO, unit="500157", created_date="2026-03-10", manage_from_date="2026-03-10")

    resent = city.person("reform: service sent again")
    both(city, resent, GUANYINQIAO, "500105", "500157")
    for unit, day in (("500105", BEFORE), ("500157", None)):
        city.service(resent, "htn_followup", "2025-11-10", GUANYINQIAO, day=day, unit=unit, sbp=130, dbp=80)

    late = city.person("reform: late service")
    both(city, late, GUANYINQIAO, "500105", "500157")
    city.service(
        late, "encounter", "2025-12-30", GUANYINQIAO, day=LATE, unit="500105", encounter_type_code="1"
    )

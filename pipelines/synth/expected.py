"""Expected figures of the indicators, from what the generator knows it has done (truth/indicators.csv).

Not here: the pipeline's way of computing them; the definitions are the rulebook's (§1.4 and §3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.synth.cases import members
from pipelines.synth.catalogue import NUMBERS
from pipelines.synth.clock import Whole, add_months, day, days_between, full_years, plus, year_of
from pipelines.synth.forms import OUTSIDE_ENTRY_SCOPE, form_facts
from pipelines.synth.places import CITY
from pipelines.synth.records import kept
from pipelines.synth.residents import evaluation_days, homes_on
from pipelines.synth.truth import status_on
from pipelines.synth.world import World

Flags = NDArray[np.bool_]
_NO_CLASS_A_NUMBER = (
    "id_check_digit",
    "id_impossible_date",
    "id_placeholder",
    "id_short",
    "id_dummy",
    "passport",
    "mother_id_as_own",
    "mother_id_invalid",
    "twins_same_name",
    "bc_over_six",
    "id_letters",
    "id_birth_future",
    "id_missing",
    "bc_pattern",
    "mother_is_a_man",
    "mother_too_old",
    "twin_placeholder",
)


@dataclass
class _Figures:
    """Collects one line per indicator, level and area."""

    world: World
    period: str
    as_of: np.datetime64
    lines: list[tuple[Any, ...]] = field(default_factory=list)

    def rate(
        self, indicator: str, unit: Whole, numerator: Flags, denominator: Flags, variant: str = ""
    ) -> None:
        """A rate of subjects that belong to a unit each."""
        above = np.bincount(unit[numerator & denominator], minlength=len(self.world.places.units))
        below = np.bincount(unit[denominator], minlength=len(self.world.places.units))
        self.share(indicator, above, below, variant)

    def share(self, indicator: str, above: Whole, below: Whole | None, variant: str = "") -> None:
        """A rate or, without a denominator, a count of each unit; the city is their sum."""
        # Parts of a district that bear one code on the day are one district.
        districts, part = np.unique(self.world.places.codes_on(self.as_of), return_inverse=True)
        codes = [CITY, *districts.tolist()]
        levels = ["city"] + ["district"] * len(districts)
        upper = [int(above.sum()), *_summed(above, part)]
        lower: list[int | None] = [None] * len(codes)
        if below is not None:
            lower = [int(below.sum()), *_summed(below, part)]
        for level, code, first, second in zip(levels, codes, upper, lower, strict=True):
            self.lines.append((indicator, variant, self.period, str(self.as_of), level, code, first, second))

    def count(self, indicator: str, unit: Whole, chosen: Flags, variant: str = "") -> None:
        """A pure count."""
        self.share(
            indicator, np.bincount(unit[chosen], minlength=len(self.world.places.units)), None, variant
        )


def _summed(values: Whole, part: Whole) -> list[int]:
    return [int(total) for total in np.bincount(part, weights=values)]


def expected_figures(world: World) -> pl.DataFrame:
    """Expected numerators and denominators at city and district level for each evaluation day.

    Columns: indicator_id, variant, period, as_of_date, level, code, numerator_count, denominator_count.
    """
    lines: list[tuple[Any, ...]] = []
    for date in evaluation_days(world):
        figures = _Figures(world, str(year_of(date)), date)
        managed = _archives(figures)
        _persons(figures, managed)
        _care(figures, managed)
        _events(figures)
        lines += figures.lines
    schema = {
        "indicator_id": pl.String,
        "variant": pl.String,
        "period": pl.String,
        "as_of_date": pl.String,
        "level": pl.String,
        "code": pl.String,
        "numerator_count": pl.Int64,
        "denominator_count": pl.Int64,
    }
    return pl.DataFrame(lines, schema=schema, orient="row")


def manager_unit(world: World, date: np.datetime64) -> Whole:
    """Unit of the institution that manages (or last managed) each person's archive on a day."""
    people = world.people
    org = people.org.copy()
    if world.managers:
        changes = (
            pl.concat(world.managers)
            .filter(pl.col("manage_from") <= pl.lit(date))
            .sort("person", "manage_from", maintain_order=True)
            .unique("person", keep="last", maintain_order=True)
        )
        org[changes["person"].to_numpy()] = changes["org"].to_numpy()
    return np.asarray(world.places.org_unit[org])


def _status(world: World, date: np.datetime64) -> NDArray[np.str_]:
    """Recorded status of every person, '' where there is no archive yet."""
    status = np.full(len(world.people), "", dtype="<U9")
    known = status_on(world, date)
    status[known["person"].to_numpy()] = known["status_code"].to_numpy().astype("<U9")
    return status


def _further_copies(world: World, date: np.datetime64) -> pl.DataFrame:
    """Archives beside one that a person had, created anew or taken without leave: person, copy, unit."""
    if not world.copies:
        return pl.DataFrame(schema={"person": pl.Int64, "copy": pl.Int64, "unit": pl.Int64})
    copies = pl.concat(world.copies)
    taken = pl.col("person").is_in(members(world, "taken_without_transfer").tolist())
    return copies.filter(((pl.col("from_copy") < 0) | taken) & (pl.col("entered") <= pl.lit(date))).select(
        "person", "copy", "unit"
    )


def _archives(figures: _Figures) -> Flags:
    """Archives and status; returns who is managed."""
    world, date = figures.world, figures.as_of
    people = world.people
    status = _status(world, date)
    managed = status == "MANAGED"
    unit = manager_unit(world, date)
    further = _further_copies(world, date)
    # Nothing delivered links an unlinked second archive to the first: it stands for a person of its own.
    unlinked = further.filter(pl.col("person").is_in(members(world, "unlinked_upgrade").tolist()))
    double = further.filter(~pl.col("person").is_in(unlinked["person"].implode()))
    alone = unlinked["unit"].to_numpy().astype(np.int64)
    count = np.bincount(double["person"].to_numpy(), minlength=len(people)) + managed
    crossing = double.filter(
        pl.col("unit") != pl.Series(people.unit[double["person"].to_numpy()], dtype=pl.Int64)
    )
    in_two = np.zeros(len(people), dtype=bool)
    in_two[crossing["person"].to_numpy()] = True
    all_unit = np.r_[unit, alone]
    extra = np.ones(len(alone), dtype=bool)
    all_managed = np.r_[managed, extra]
    figures.count("ARC-1", all_unit, all_managed)
    figures.rate("ARC-2", all_unit, np.r_[count == 1, extra], all_managed)
    figures.rate("ARC-4", all_unit, np.r_[in_two, ~extra], all_managed)
    known = np.r_[status != "", extra]
    figures.count("STA-1", all_unit, known)
    for code in ("MANAGED", "LOST", "DEAD", "MOVED_OUT"):
        figures.rate("STA-1", all_unit, np.r_[status == code, extra & (code == "MANAGED")], known, code)
    _copies(figures, managed, double, alone)
    return managed


def _first_copy_unit(world: World, date: np.datetime64) -> Whole:
    """Unit of the archive that a person's own story leads to (a second creation does not move the first)."""
    unit = manager_unit(world, date)
    kinds = ("dup_cross_district", "dup_same_district", "dup_same_day", "taken_without_transfer")
    double = members(world, *kinds)
    unit[double] = world.people.unit[double]
    return unit


def _copies(figures: _Figures, managed: Flags, double: pl.DataFrame, alone: Whole) -> None:
    """Indicators that count archives: each active archive in its own district."""
    world, date = figures.world, figures.as_of
    people = world.people
    own_unit = _first_copy_unit(world, date)
    first = np.flatnonzero(managed)
    second = double["person"].to_numpy().astype(np.int64)
    unit = np.r_[own_unit[first], double["unit"].to_numpy().astype(np.int64), alone]
    everyone = np.ones(len(unit), dtype=bool)
    is_extra = np.r_[np.zeros(len(first), dtype=bool), np.ones(len(second), dtype=bool)]
    is_extra = np.r_[is_extra, np.zeros(len(alone), dtype=bool)]
    figures.rate("ARC-3", unit, is_extra, everyone)
    valid = _has_valid_document(world, date)
    rest = np.ones(len(second) + len(alone), dtype=bool)
    figures.rate("ARC-5", unit, np.r_[valid[first], rest], everyone)
    cover, basic = world.cover_gap < 0, _basic_complete(world)
    figures.rate("ARC-6a", unit, np.r_[cover[first], rest], everyone)
    age = full_years(people.birth, date)
    grown = np.r_[age[first] >= 7, age[second] >= 7, np.zeros(len(alone), dtype=bool)]
    figures.rate("ARC-6b", unit, np.r_[basic[first], rest], grown)


def _basic_complete(world: World) -> Flags:
    """The phone is a basic item as well as a cover item."""
    return np.asarray((world.basic_gap < 0) & (world.cover_gap != 4))


def _has_valid_document(world: World, date: np.datetime64) -> Flags:
    """Whether the first archive carries a valid number, or a birth certificate within its three months."""
    people = world.people
    valid = np.ones(len(people), dtype=bool)
    upgrades = world.facts["upgrades"]
    person = upgrades["person"].to_numpy()
    document = upgrades["first_document"].to_numpy()
    upgraded = upgrades["upgraded"].to_numpy().astype("datetime64[D]")
    certificate = _certificate_days(world)[person]
    in_grace = add_months(people.birth[person], 3) >= date
    # The number that stands there now counts for every evaluation day; it came in time for all but the late.
    has_number = (document == "ID") | ~np.isnat(upgraded)
    has_certificate = (document == "BC") | ~np.isnat(certificate)
    valid[person] = has_number | (has_certificate & in_grace)
    flawed = np.isin(people.case, [NUMBERS[kind] for kind in _NO_CLASS_A_NUMBER])
    twins = members(world, "twins_same_name", "twin_placeholder")
    flawed[people.twin[twins]] = True
    return valid & ~flawed


def _certificate_days(world: World) -> NDArray[np.datetime64]:
    """Days on which a birth certificate replaced the mother's number."""
    days = np.full(len(world.people), np.datetime64("NaT", "D"))
    given = world.facts["certificates"]
    days[given["person"].to_numpy()] = given["at"].to_numpy().astype("datetime64[D]")
    return days


def _persons(figures: _Figures, managed: Flags) -> None:
    """Population-based indicators."""
    world, date = figures.world, figures.as_of
    people = world.people
    unit = manager_unit(world, date)
    age = full_years(people.birth, date)
    filled = managed & (world.cover_gap < 0) & (_basic_complete(world) | (age < 7))
    homes, _ = homes_on(world, date)
    size = len(world.places.units)
    residents = np.bincount(homes[homes >= 0], minlength=size)
    # The second archive of an unlinked child is complete too.
    unlinked = _further_copies(world, date).filter(
        pl.col("person").is_in(members(world, "unlinked_upgrade").tolist())
    )
    above = np.bincount(unit[filled], minlength=size) + np.bincount(
        unlinked["unit"].to_numpy(), minlength=size
    )
    figures.share("N-ARC-1", above, residents)
    figures.share("N-ARC-2", above, residents)
    year = int(figures.period)
    old = year - year_of(people.birth) >= 65
    examined = np.zeros(len(people), dtype=bool)
    exams = _in_year(kept(world, world.exams), figures).filter("is_complete")
    examined[exams["person"].to_numpy()] = True
    elderly = np.bincount(homes[(homes >= 0) & old], minlength=size)
    figures.share("N-ELD-1", np.bincount(unit[managed & old & examined], minlength=size), elderly)
    served = np.zeros(len(people), dtype=bool)
    window = pl.concat([kept_services(world), *world.served_in_stories])
    since = add_months(date, -12)
    recent = window.filter((pl.col("at") > pl.lit(since)) & (pl.col("at") <= pl.lit(date)))
    person = recent["person"].to_numpy().astype(np.int64)
    # Nobody is served after death, whatever a record says (art. 14).
    is_alive = ~(recent["at"].to_numpy().astype("datetime64[D]") > people.death[person])
    served[person[is_alive]] = True
    lonely = unlinked["unit"].to_numpy().astype(np.int64)
    all_unit = np.r_[unit, lonely]
    numerator = np.r_[served, np.zeros(len(lonely), dtype=bool)]
    figures.rate("N-ARC-3", all_unit, numerator, np.r_[managed, np.ones(len(lonely), dtype=bool)])


def kept_services(world: World) -> pl.DataFrame:
    """Delivered ordinary services that still stand: person, at."""
    records = [world.exams, *world.followups.values(), form_facts(world)]
    return pl.concat([*(kept(world, frame).select("person", "at") for frame in records), *world.served])


def _in_year(frame: pl.DataFrame, figures: _Figures) -> pl.DataFrame:
    start = day(f"{figures.period}-01-01")
    return frame.filter((pl.col("at") >= pl.lit(start)) & (pl.col("at") <= pl.lit(figures.as_of)))


def _care(figures: _Figures, managed: Flags) -> None:
    """Management and control of the registered hypertension and diabetes patients."""
    world, date = figures.world, figures.as_of
    unit = manager_unit(world, date)
    start = day(f"{figures.period}-01-01")
    examined = np.zeros(len(world.people), dtype=bool)
    exams = _in_year(kept(world, world.exams), figures).filter("is_complete")
    examined[exams["person"].to_numpy()] = True
    for disease, number in (("HTN", "N-HTN"), ("T2DM", "N-DM")):
        register = world.facts[f"register {disease}"].filter(pl.col("registered") <= pl.lit(date))
        person = register["person"].to_numpy().astype(np.int64)
        begun = np.maximum(register["registered"].to_numpy().astype("datetime64[D]"), start)
        # The last day counts; a whole year asks for four, a part for one in 90 days, at least one.
        days = days_between(begun, date) + 1
        required = np.clip(days // 90, 1, 4)
        needs_exam = add_months(begun, 6) <= plus(date, 1)
        visits = _in_year(kept(world, world.followups[disease]), figures)
        total = np.bincount(visits["person"].to_numpy(), minlength=len(world.people))[person]
        seen = visits.filter("is_face_to_face")
        in_person = np.bincount(seen["person"].to_numpy(), minlength=len(world.people))[person]
        last = visits.sort("person", "at").unique("person", keep="last", maintain_order=True)
        controlled = np.zeros(len(world.people), dtype=bool)
        controlled[last.filter("is_controlled")["person"].to_numpy()] = True
        enough_exam = ~needs_exam | examined[person]
        everyone = np.ones(len(person), dtype=bool)
        at_home = unit[person]
        figures.rate(f"{number}-2", at_home, (in_person >= required) & enough_exam, everyone)
        figures.rate(f"{number}-2", at_home, (total >= required) & enough_exam, everyone, "ANY_MODE")
        figures.rate(f"{number}-3", at_home, controlled[person], everyone)
        if disease == "T2DM":
            controlled[last.filter("is_any_glucose")["person"].to_numpy()] = True
            figures.rate("N-DM-3", at_home, controlled[person], everyone, "ANY_GLUCOSE")


def _events(figures: _Figures) -> None:
    """Rates over events of the year: terminations, transfers, entries."""
    world = figures.world
    year = int(figures.period)
    for indicator, name, date_name in (("STA-2", "dead", "info"), ("STA-3", "lost", "declared")):
        _terminations(figures, indicator, world.facts[name], date_name)
    _terminations(figures, "STA-4", world.facts["moved_out"], "declared")
    size = len(world.places.units)
    if world.transfers:
        _transfers(figures, pl.concat(world.transfers, how="vertical_relaxed"))
    else:
        for indicator in ("TRF-1", "TRF-2", "TRF-3"):
            figures.share(indicator, np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64))
    records = pl.concat(
        [
            kept(world, frame).select("record_id", "person", "org", "at", "entered")
            for frame in (world.exams, *world.followups.values(), _in_entry_scope(world))
        ]
    )
    if world.entries:
        again = pl.concat(world.entries)
        records = records.join(again, on="record_id", how="left", maintain_order="left").with_columns(
            entered=pl.coalesce("entered_again", "entered")
        )
    records = records.filter(pl.col("at").dt.year() == year)
    delay = (records["entered"] - records["at"]).dt.total_days().to_numpy()
    unit = world.places.org_unit[records["org"].to_numpy()]
    figures.rate("UPD-1", unit, delay <= 5, delay >= 0)


def _in_entry_scope(world: World) -> pl.DataFrame:
    """Records of the further forms that are to be entered within five days."""
    return form_facts(world).filter(~pl.col("dataset").is_in(OUTSIDE_ENTRY_SCOPE))


def _terminations(figures: _Figures, indicator: str, facts: pl.DataFrame, date_name: str) -> None:
    here = facts.filter(pl.col(date_name).dt.year() == int(figures.period))
    flag = "is_on_time" if indicator == "STA-2" else "is_compliant"
    judged = here["is_evaluable"].to_numpy() if "is_evaluable" in here.columns else np.ones(here.height, bool)
    unit = figures.world.people.unit[here["person"].to_numpy()]
    figures.rate(indicator, unit, here[flag].to_numpy(), judged)


def _transfers(figures: _Figures, table: pl.DataFrame) -> None:
    """Cross-district applications of the year, each with the side that had to decide."""
    last = figures.world.plan.last
    here = table.filter(pl.col("applied").dt.year() == int(figures.period))
    applied = here["applied"].to_numpy().astype("datetime64[D]")
    decided = here["decided"].to_numpy().astype("datetime64[D]")
    success = here["success"].to_numpy().astype("datetime64[D]")
    decision = here["decision"].to_numpy().astype("<U1")
    unit = here["deciding_unit"].to_numpy().astype(np.int64)
    open_ = np.isnat(decided)
    days = np.where(open_, 0, days_between(applied, np.where(open_, applied, decided)))
    pending = open_ & (days_between(applied, last) <= 7)
    withdrawn = decision == "3"
    in_time = ~open_ & (days <= 7)
    figures.rate("TRF-1", unit, in_time, ~pending & ~(withdrawn & in_time))
    figures.rate("TRF-2", unit, ~np.isnat(success), ~pending)
    figures.rate("TRF-3", unit, decision == "2", (decision == "1") | (decision == "2"))
    figures.count("TRF-3", unit, here["is_unreasoned"].to_numpy().astype(bool), "NO_REASON")
    figures.count("TRF-4", unit, here["is_protection_violation"].to_numpy().astype(bool))

"""The truth beside the deliveries: persons, status, planted violations, counts.

Not here: expected figures of indicators (expected.py).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from pipelines.synth.archives import archive_ids, first_copies
from pipelines.synth.cases import members, note_persons
from pipelines.synth.catalogue import CASES
from pipelines.synth.gaming import suspects
from pipelines.synth.places import CITY
from pipelines.synth.records import RECORD_KINDS
from pipelines.synth.reform import renamed_lines
from pipelines.synth.slips import reviews
from pipelines.synth.world import Plan, World


def status_on(world: World, date: np.datetime64) -> pl.DataFrame:
    """Recorded status of every person with an archive on a day: person, status_code.

    The initial status is MANAGED from the creation of the archive; persons without one by then are absent.
    """
    people = world.people
    begun = people.has_archive & (people.created <= date)
    base = pl.DataFrame({"person": np.flatnonzero(begun)})
    events = pl.concat(world.status).with_row_index("line").filter(pl.col("status_from") <= pl.lit(date))
    last = events.sort("person", "status_from", "line").group_by("person", maintain_order=True).last()
    joined = base.join(last.select("person", "status_code"), on="person", how="left", maintain_order="left")
    return joined.with_columns(pl.col("status_code").fill_null("MANAGED"))


def note_disputes(world: World) -> None:
    """Truth lines where the recorded status and the evidence differ on the last day."""
    if not world.expected:
        return
    recorded = status_on(world, world.plan.last)
    expected = pl.concat(world.expected).unique("person", keep="last", maintain_order=True)
    differing = recorded.join(expected, on="person", how="inner", maintain_order="left").filter(
        pl.col("status_code") != pl.col("expected_code")
    )
    note_persons(world, "ART-14a", "STATUS_DISPUTED", differing["person"].to_numpy())


def note_gaps(world: World) -> dict[str, int]:
    """Truth lines of archives whose cover or basic information lacks something; returns their numbers."""
    people = world.people
    counts = {}
    for kind, rule, code, gap in (
        ("cover_gap", "A1-1-3", "COVER_INCOMPLETE", world.cover_gap >= 0),
        # The phone is an item of both.
        ("basic_gap", "A1-1-3b", "BASIC_INCOMPLETE", (world.basic_gap >= 0) | (world.cover_gap == 4)),
    ):
        person = np.flatnonzero(gap)
        counts[kind] = len(person)
        world.note(rule, code, "archive", people.unit[person], archive_ids(world, person), kind, person)
    return counts


def note_keyless(world: World) -> dict[str, int]:
    """Truth lines of archives that lawfully carry no class A number: passports, and children known by the
    mother's number whose own document is still to come on the last day (rulebook §1.4, ARC-5).

    Returns:
        Number of these children by kind.
    """
    people, last = world.people, world.plan.last
    managed = status_on(world, last).filter(pl.col("status_code") == "MANAGED")["person"].to_numpy()
    upgrades, given = world.facts["upgrades"], world.facts["certificates"]
    waiting = upgrades.filter(
        (pl.col("first_document") == "MO")
        & pl.col("upgraded").is_null()
        & ~pl.col("person").is_in(given["person"].implode())
    )["person"].to_numpy()
    # Flawed children have a line of their own, both twins under the name of the first.
    twin = people.twin[waiting]
    ordinary = (people.case[waiting] == 0) & ((twin < 0) | (people.case[np.maximum(twin, 0)] == 0))
    found = {
        "known_by_mother": np.intersect1d(waiting[ordinary], managed),
        "passport": np.intersect1d(members(world, "passport"), managed),
    }
    for kind, person in found.items():
        unit, key = people.unit[person], archive_ids(world, person)
        world.note(
            "ARC-5",
            "NO_CLASS_A_KEY",
            "archive",
            unit,
            key,
            kind,
            person,
            is_violation=False,
            is_finding=True,
        )
    return {"known_by_mother": len(found["known_by_mother"])}


def all_copies(world: World) -> pl.DataFrame:
    """Every archive copy: copy, person, unit, org, district_archive_id, entered, from_copy."""
    copies = pl.concat([first_copies(world), *world.copies], how="diagonal_relaxed")
    return copies.with_columns(district_archive_id=archive_ids(world, copies["copy"].to_numpy()))


@dataclass
class Tally:
    """What can be added up over the slices of a city.

    Attributes:
        counts: kind of story → how many were planted.
        indicators: expected figures, as in indicators.csv.
        rule_counts: rule_id, finding_code, violation_count.
        figures: dataset → rows of counts that the city delivers (population, live births).
        institution_months: terminations and managed residents by institution and month (masses.py).
    """

    counts: dict[str, int]
    indicators: pl.DataFrame
    rule_counts: pl.DataFrame
    figures: dict[str, pl.DataFrame]
    institution_months: pl.DataFrame

    @property
    def violations(self) -> int:
        """Truth lines of violations."""
        return int(self.rule_counts["violation_count"].sum())


def added_up(tallies: Sequence[Tally]) -> Tally:
    """The tally of the city: every figure counts persons, archives, records or events, each in one slice."""
    counts: dict[str, int] = {}
    for tally in tallies:
        for kind, number in tally.counts.items():
            counts[kind] = counts.get(kind, 0) + number
    names = list(tallies[0].figures)
    return Tally(
        counts,
        _sums([tally.indicators for tally in tallies], ["numerator_count", "denominator_count"]),
        _sums([tally.rule_counts for tally in tallies], ["violation_count"]).sort("rule_id", "finding_code"),
        {
            name: _sums(
                [tally.figures[name] for tally in tallies],
                [column for column in tallies[0].figures[name].columns if column.endswith("_count")],
            )
            for name in names
        },
        _sums([tally.institution_months for tally in tallies], ["termination_count", "managed_count"]),
    )


def _sums(frames: list[pl.DataFrame], values: list[str]) -> pl.DataFrame:
    """Sums of the values over equal other columns, in the order of first appearance; null if all are."""
    rows = pl.concat(frames)
    keys = [name for name in rows.columns if name not in values]
    return (
        rows.group_by(keys, maintain_order=True)
        .agg(pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name) for name in values)
        .select(rows.columns)
    )


def rule_counts(lines: pl.DataFrame) -> pl.DataFrame:
    """Violations by rule and finding code."""
    return (
        lines.filter("is_violation")
        .group_by("rule_id", "finding_code")
        .len("violation_count")
        .sort("rule_id", "finding_code")
    )


def truth_tables(world: World) -> dict[str, pl.DataFrame]:
    """The truth of a slice line by line: persons, duplicates, status, violations."""
    plan, people, places = world.plan, world.people, world.places
    unit_codes = pl.DataFrame(
        {"_unit": np.arange(-1, len(places.units)), "unit": [CITY, *places.codes_on(plan.last)]},
        schema_overrides={"_unit": pl.Int64},
    )
    copies = all_copies(world).filter(pl.col("entered") <= pl.lit(plan.last))
    copies = renamed_lines(world, copies.with_columns(_unit="unit"), "district_archive_id").drop("_unit")
    by_person = (
        copies.join(unit_codes, left_on="unit", right_on="_unit", how="left", suffix="_code")
        .sort("person", "copy")
        .group_by("person", maintain_order=True)
        .agg(
            units=pl.col("unit_code").str.join("|"),
            district_archive_ids=pl.col("district_archive_id").str.join("|"),
            archive_count=pl.len(),
        )
    )
    kinds = np.array(["ordinary", *(case.kind for case in CASES)])
    everyone = np.arange(len(people))
    persons = pl.DataFrame(
        {
            "person": everyone,
            "case": kinds[people.case],
            "sex_code": people.sex,
            "birth_date": people.birth,
            "home_unit": np.array(places.codes_on(plan.last))[people.unit],
            "id_no": people.id_no,
            "birth_certificate_no": people.birth_certificate_no,
            "mother_no": world.person_numbers(people.mother),
            "death_date": people.death,
            "is_restricted": np.isin(everyone, world.restricted),
        }
    ).join(by_person, on="person", how="left", maintain_order="left")
    persons = persons.with_columns(person=pl.Series(world.person_numbers(everyone))).rename(
        {"person": "person_no"}
    )
    status = status_on(world, plan.last).rename({"status_code": "recorded_status_code"})
    if world.expected:
        expected = pl.concat(world.expected).unique("person", keep="last", maintain_order=True)
        status = status.join(expected, on="person", how="left", maintain_order="left")
    else:
        status = status.with_columns(expected_code=pl.lit(None, dtype=pl.String))
    status = status.select(
        person_no=pl.Series(world.person_numbers(status["person"].to_numpy())),
        recorded_status_code="recorded_status_code",
        expected_status_code=pl.coalesce("expected_code", "recorded_status_code"),
    )
    lines = renamed_lines(world, pl.concat(world.lines), "record_key")
    lines = lines.join(unit_codes, on="_unit", how="left", maintain_order="left")
    lines = lines.select(
        "rule_id",
        "finding_code",
        "dataset",
        "unit",
        "record_key",
        "is_violation",
        "is_finding",
        "kind",
        "person_no",
    ).sort("rule_id", "finding_code", "dataset", "unit", "record_key", "kind")
    return {
        "persons": persons,
        "duplicates": _duplicates(world),
        "status": status,
        "suspects": suspects(world),
        "reviews": reviews(world)
        .join(unit_codes, on="_unit", how="left", maintain_order="left")
        .select("reason_code", "unit", "district_archive_id", "person_no"),
        "violations": lines.with_columns(
            person_no=pl.Series(world.person_numbers(lines["person_no"].to_numpy()))
        ),
    }


def write_summary(plan: Plan, units: Sequence[str], tally: Tally, folder: Path) -> None:
    """Write what stands in the truth once for the city: counts, expected figures, the request."""
    defects = (
        {case.kind: case.is_defect for case in CASES}
        | RECORD_KINDS
        | dict.fromkeys(("cover_gap", "basic_gap"), True)
        | {"known_by_mother": False}
    )
    pl.DataFrame(
        {
            "kind": list(tally.counts),
            "is_violation": [defects[kind] for kind in tally.counts],
            "planted_count": list(tally.counts.values()),
        }
    ).write_csv(folder / "counts.csv")
    tally.rule_counts.write_csv(folder / "rule_counts.csv")
    tally.indicators.write_csv(folder / "indicators.csv")
    city = {
        "residents": plan.residents,
        "units": list(units),
        "from": str(plan.first),
        "to": str(plan.last),
        "as_of": str(plan.last),
        "seed": plan.seed,
        "defects": plan.defects,
        "format": plan.file_format,
    }
    (folder / "city.json").write_text(json.dumps(city, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _duplicates(world: World) -> pl.DataFrame:
    """Second archives of persons: both archives, the kind, whether anything delivered links the two."""
    kinds = np.array(["ordinary", *(case.kind for case in CASES)])
    units = np.array(world.places.codes_on(world.plan.last))
    copies = all_copies(world).filter(pl.col("entered") <= pl.lit(world.plan.last))
    second = copies.filter((pl.col("from_copy") < 0) & (pl.col("copy") != pl.col("person")))
    first = copies.filter(pl.col("copy") == pl.col("person"))
    pairs = second.join(first, on="person", how="left", suffix="_first", maintain_order="left")
    kind = kinds[world.people.case[pairs["person"].to_numpy()]]
    return pl.DataFrame(
        {
            "person_no": world.person_numbers(pairs["person"].to_numpy()),
            "kind": kind,
            "is_linked": kind != "unlinked_upgrade",
            "unit": units[pairs["unit_first"].to_numpy()],
            "district_archive_id": pairs["district_archive_id_first"],
            "created_date": pairs["created_first"],
            "other_unit": units[pairs["unit"].to_numpy()],
            "other_district_archive_id": pairs["district_archive_id"],
            "other_created_date": pairs["created"],
        }
    )

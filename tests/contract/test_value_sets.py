"""Value sets and crosswalks: complete, consistent, and mapped by label.

Not here: how a delivery's codes are looked up (tests/ingest).
"""

import csv
import re
from pathlib import Path

import pytest

from pipelines.contract.model import (
    FOLDER,
    ContractError,
    code_spellings,
    coded,
    crosswalk,
    datasets,
    exclusive_codes,
    source_systems,
    value_set,
    value_set_catalogue,
    value_set_names,
)

CROSSWALKS = sorted((FOLDER / "crosswalks").glob("*/*.csv"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_coded_column_has_a_value_set_and_every_value_set_a_column() -> None:
    used = {column.value_set for item in datasets().values() for column in item.columns if column.value_set}
    assert used == set(value_set_names())
    assert {path.stem for path in (FOLDER / "value_sets").glob("*.csv")} == used


def test_codes_without_a_value_set_are_references_or_free() -> None:
    references = re.compile(
        r"(^|_)(org|division|district|town|village|area|parent|destination|successor|health)_codes?$"
        r"|_org_code$|^parent_code$"
    )
    for item in datasets().values():
        for column in item.columns:
            if re.search(r"_codes?$", column.name) and column.value_set is None:
                assert references.search(column.name), (item.name, column.name)


@pytest.mark.parametrize("name", value_set_names())
def test_value_sets_are_well_formed(name: str) -> None:
    entry = value_set_catalogue()[name]
    assert entry["title"] and entry["standard"] and entry["version"]
    assert entry["mark"] in {"V", "M", "D"}
    found = rows(FOLDER / "value_sets" / f"{name}.csv")
    codes = [row["code"] for row in found]
    assert codes and len(set(codes)) == len(codes)
    assert len({row["label"] for row in found}) == len(found)
    assert all(row["code"] == row["code"].strip() and row["label"].strip() for row in found)
    assert not any("|" in code for code in codes)


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("sex", "0 1 2 9"),
        ("ethnic", " ".join(f"{number:02d}" for number in range(1, 57))),
        ("id_type", "01 02 03 04 05 06 07 11 12 13 14 15 16 99"),
        ("abo", "1 2 3 4 5"),
        ("rh", "1 2 3 4"),
        ("marital", "10 20 21 22 23 30 40 90"),
        ("payment", "1 2 3 4 5 6 7 8 99"),
        ("past_history", " ".join(str(number) for number in range(1, 14))),
        ("family_history", " ".join(str(number) for number in range(1, 13))),
        ("create_mode", "1 2 3 4 5 9"),
        ("created_via", "1 2"),
        ("org_type", "1 2 3 4 5 6 7 9"),
        ("service_mode", "1 2 3 4 9"),
        ("capture", "E P"),
        ("transfer_path", "1 2 3 4 5"),
        ("transfer_decision", "1 2 3"),
        ("transfer_confirm_mode", "1 2 3 4 9"),
        ("transfer_reason", "1 2 3 4 5 6 7 9"),
        ("termination_kind", "LOST DEAD MOVED_OUT"),
        ("termination_evidence", "1 2 3 4 9"),
        ("return_expected", "1 2 9"),
        ("archive_status", "MANAGED LOST DEAD MOVED_OUT TRANSFERRED_OUT CANCELLED_DUPLICATE"),
        ("verdict", "same different"),
        ("disease", "HTN T2DM SMI TB"),
        ("register_end_reason", "1 2 3 4 9"),
        ("restricted_class", "SMI SPECIAL CLASSIFIED"),
        ("code_system", "MCA NBS HEALTH"),
        ("division_kind", "gb functional"),
        ("urine_protein", "1 2 3 4 5 6"),
        ("followup_class", "1 2 3 4"),
        ("exam_guidance", "1 2 3 4 9"),
        ("delivery_frequency", "D W M"),
        ("smi_class", "1 2 3 0"),
        ("smi_danger", "0 1 2 3 4 5"),
        ("access_purpose", "1 2 3 9"),
        ("feedback_kind", "1 2 3"),
        ("check_kind", "1 2"),
        ("check_verdict", "1 2"),
        ("tb_stop_reason", "1 2 3 4"),
        ("tcm_constitution", "1 2 3 4 5 6 7 8 9"),
    ],
)
def test_codes_of_the_delivery_contract(name: str, codes: str) -> None:
    assert tuple(value_set(name)) == tuple(codes.split())


@pytest.mark.parametrize(
    ("name", "code", "label"),
    [
        ("rh", "1", "阴性"),
        ("rh", "2", "阳性"),
        ("disability", "2", "听力残疾"),
        ("disability", "6", "视力残疾"),
        ("education", "80", "小学教育"),
        ("marital", "30", "丧偶"),
        ("marital", "40", "离婚"),
        ("ethnic", "15", "土家族"),
        ("ethnic", "56", "基诺族"),
    ],
)
def test_labels_where_dictionaries_disagree(name: str, code: str, label: str) -> None:
    assert value_set(name)[code] == label


def test_there_are_crosswalks_to_test() -> None:
    assert set(source_systems()) >= {"FORM2017", "VENDOR"}
    assert CROSSWALKS


@pytest.mark.parametrize("path", CROSSWALKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_crosswalks_lead_to_canonical_codes_with_their_labels(path: Path) -> None:
    found = rows(path)
    raw = [row["raw_code"] for row in found]
    assert raw and len(set(raw)) == len(raw)
    for row in found:
        assert value_set(path.stem)[row["canonical_code"]] == row["canonical_label"]
        assert row["raw_label"].strip()
    assert crosswalk(path.parent.name, path.stem) == {row["raw_code"]: row["canonical_code"] for row in found}


@pytest.mark.parametrize("path", CROSSWALKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_crosswalks_go_by_label_where_a_label_is_shared(path: Path) -> None:
    by_label = {label: code for code, label in value_set(path.stem).items()}
    for row in rows(path):
        if row["raw_label"] in by_label:
            assert row["canonical_code"] == by_label[row["raw_label"]], row


@pytest.mark.parametrize(
    ("system", "name", "raw", "canonical"),
    [
        # the paper form: 10 不详 is not 10 研究生教育, 3 丧偶 is 30, 2 视力 is not 2 听力
        ("FORM2017", "education", "10", "90"),
        ("FORM2017", "education", "8", "80"),
        ("FORM2017", "marital", "3", "30"),
        ("FORM2017", "disability", "2", "6"),
        ("FORM2017", "disability", "3", "2"),
        ("FORM2017", "occupation", "0", "1"),
        ("FORM2017", "occupation", "8", "70"),
        ("FORM2017", "payment", "8", "99"),
        ("FORM2017", "rh", "1", "1"),
        # the vendor: Rh the other way round, marital 3 and 4 swapped, education from the bottom, mode 1 home
        ("VENDOR", "rh", "1", "2"),
        ("VENDOR", "rh", "2", "1"),
        ("VENDOR", "marital", "3", "40"),
        ("VENDOR", "marital", "4", "30"),
        ("VENDOR", "education", "1", "90"),
        ("VENDOR", "education", "8", "10"),
        ("VENDOR", "service_mode", "1", "2"),
        ("VENDOR", "id_type", "111", "01"),
        ("VENDOR", "termination_kind", "1", "DEAD"),
        # the constitutions: 1 阳虚 at the vendor, 1 气虚 on the form; both end with 9 平和
        ("VENDOR", "tcm_constitution", "1", "2"),
        ("VENDOR", "tcm_constitution", "9", "9"),
        # older forms: no 无 among livestock pens; “RH阴性：1 否” is positive; education from the bottom
        ("FORM2011", "livestock_pen", "1", "2"),
        ("FORM2011", "livestock_pen", "3", "4"),
        ("FORM2011", "rh", "1", "2"),
        ("FORM2011", "rh", "2", "1"),
        ("FORM2011", "education", "1", "90"),
        ("FORM2011", "education", "6", "90"),
        ("FORM2011", "marital", "3", "30"),
        ("FORM2011", "disability", "2", "6"),
    ],
)
def test_known_traps(system: str, name: str, raw: str, canonical: str) -> None:
    mapping = crosswalk(system, name)
    assert mapping is not None
    assert mapping[raw] == canonical


@pytest.mark.parametrize(
    ("raw", "system", "name", "meaning"),
    [
        # one number, three meanings: the standard's, the form's, the vendor's (rulebook §4.4)
        ("1", None, "rh", "阴性"),
        ("1", "FORM2017", "rh", "阴性"),
        ("1", "VENDOR", "rh", "阳性"),
        ("2", None, "disability", "听力残疾"),
        ("2", "FORM2017", "disability", "视力残疾"),
        ("2", "VENDOR", "disability", "听力残疾"),
        ("10", None, "education", "研究生教育"),
        ("10", "FORM2017", "education", "其他"),
        ("8", "FORM2017", "education", "小学教育"),
        ("8", "VENDOR", "education", "研究生教育"),
        ("4", "FORM2017", "marital", "离婚"),
        ("4", "VENDOR", "marital", "丧偶"),
        ("7", None, "occupation", "军人"),
        ("7", "FORM2017", "occupation", "不便分类的其他从业人员"),
        ("1", None, "service_mode", "门诊"),
        ("1", "VENDOR", "service_mode", "家庭"),
        ("8", None, "payment", "其他社会保险"),
        ("8", "FORM2017", "payment", "其他"),
        ("1", None, "tcm_constitution", "气虚质"),
        ("1", "VENDOR", "tcm_constitution", "阳虚质"),
        ("1", None, "livestock_pen", "无"),
        ("1", "FORM2011", "livestock_pen", "单设"),
    ],
)
def test_one_number_means_what_its_source_means(
    raw: str, system: str | None, name: str, meaning: str
) -> None:
    mapping = crosswalk(system, name)
    assert value_set(name)[raw if mapping is None else mapping[raw]] == meaning


DISAGREEING = {"disability", "education", "marital", "occupation", "payment", "rh", "service_mode"}


@pytest.mark.parametrize("system", source_systems())
def test_a_source_system_has_a_crosswalk_wherever_dictionaries_disagree(system: str) -> None:
    assert {name for name in value_set_names() if crosswalk(system, name) is not None} >= DISAGREEING


def test_every_source_system_is_described() -> None:
    described = (FOLDER / "crosswalks" / "SOURCES.md").read_text("utf-8")
    assert all(f"| {system} |" in described for system in source_systems())


def test_the_two_insurances_of_residents_are_kept_apart_and_counted_together() -> None:
    groups = {one.code: one.group for one in coded("payment")}
    assert groups["2"] == groups["3"] == "城乡居民基本医疗保险"
    assert value_set("payment")["2"] != value_set("payment")["3"]
    assert list(groups.values()).count("城乡居民基本医疗保险") == 2


def test_a_disease_is_notifiable_from_its_day() -> None:
    found = {one.code: (one.valid_from, one.valid_to) for one in coded("infectious_disease")}
    assert found["B04"] == ("2023-09-20", "")
    assert found["A00"] == ("", "")


def test_validity_of_codes_is_dates_in_order() -> None:
    for name in value_set_names():
        for one in coded(name):
            days = [day for day in (one.valid_from, one.valid_to) if day]
            assert days == sorted(days), (name, one.code)
            assert all(re.fullmatch(r"\d{4}-\d{2}-\d{2}", day) for day in days), (name, one.code)


NONE_OF_THEM = re.compile(r"^(无|无残疾|无症状|没有症状|未发现|无特殊)$")


def test_every_multiple_choice_with_a_none_lets_it_stand_alone() -> None:
    several = {
        column.value_set for item in datasets().values() for column in item.columns if column.is_multiple
    }
    for name in sorted(filter(None, several)):
        none = {code for code, label in value_set(name).items() if NONE_OF_THEM.match(label)}
        assert none <= exclusive_codes(name) <= set(value_set(name)), name
        assert bool(exclusive_codes(name)) == ("并列" in value_set_catalogue()[name]["note"]), name


def test_a_refusal_is_no_kind_of_termination() -> None:
    mapping = crosswalk("VENDOR", "termination_kind")
    assert mapping is not None
    assert "4" not in mapping


@pytest.mark.parametrize("system", [None, "", "SYS1", "../FORM2017", "FORM2017/..", "form2017"])
def test_unknown_source_systems_use_canonical_codes(system: str | None) -> None:
    assert crosswalk(system, "rh") is None


def test_a_value_set_without_a_crosswalk_is_canonical() -> None:
    assert crosswalk("FORM2017", "transfer_path") is None


@pytest.mark.parametrize(
    ("name", "spelling", "code"),
    [
        ("ethnic", "1", "01"),
        ("ethnic", "01", "01"),
        ("id_type", "1", "01"),
        ("exam_symptom", "1", "01"),
        ("past_history", "02", "2"),
        ("payment", "99", "99"),
        ("sex", "0", "0"),
        ("capture", "e", "E"),
        ("archive_status", "managed", "MANAGED"),
        ("verdict", "SAME", "same"),
    ],
)
def test_spellings_that_spreadsheets_make(name: str, spelling: str, code: str) -> None:
    assert code_spellings(name)[spelling] == code


@pytest.mark.parametrize("name", value_set_names())
def test_spellings_never_change_a_canonical_code(name: str) -> None:
    spellings = code_spellings(name)
    assert all(spellings[code] == code for code in value_set(name))
    assert set(spellings.values()) == set(value_set(name))


def test_an_unknown_value_set_says_so() -> None:
    with pytest.raises(ContractError, match="没有值域"):
        value_set("colour")

"""The datasets of the contract: names, keys, required columns, attributes, and the standard they follow.

Not here: value sets (test_value_sets.py) and what is rendered (test_contract_render.py).
"""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from pipelines.contract.model import (
    DERIVED_IDENTITY_COLUMNS,
    FOLDER,
    LOGICAL_TYPES,
    PERSON_MINIMUM,
    PROVENANCE_COLUMNS,
    VERSION_COLUMNS,
    ContractError,
    Dataset,
    dataset,
    datasets,
    manifest_contract,
    polars_schema,
    read_dataset,
)

FILES = [*sorted((FOLDER / "datasets").glob("*.yaml")), FOLDER / "manifest.yaml"]

PERSON = "district_archive_id id_type_code id_no birth_certificate_no mother_id_no name birth_date"
SERVICE = (
    f"record_id {PERSON} org_code doctor_id service_date service_end_date mode_code capture_code entered_at "
    "entered_by_id entered_by_org_type_code uploaded_at is_free local_residence_start_date"
)

# dataset: (key, columns beyond the key), as the delivery contract's §3 names them
TABLE: dict[str, tuple[str, str]] = {
    "division": (
        "division_code code_system valid_from",
        "name level_code parent_code kind_code valid_to successor_codes",
    ),
    "org": (
        "org_code valid_from",
        "org_name org_type_code is_designated hospital_level_code district_code town_code town_code_system "
        "parent_org_code valid_to",
    ),
    "catchment": ("village_code valid_from", "org_code valid_to"),
    "population": ("year area_code age_from age_to sex_code source_code", "resident_count"),
    "live_births": ("year area_code", "live_birth_count"),
    "population_index": (
        "index_id",
        f"{PERSON} sex_code residence_district_code residence_town_code residence_village_code "
        "residence_start_date is_resident death_date updated_at",
    ),
    "archive": (
        "district_archive_id",
        "archive_no id_type_code id_no birth_certificate_no mother_id_no previous_id_no "
        "previous_district_archive_id name sex_code birth_date ethnic_code phone contact_name "
        "contact_phone present_address registered_address town_code town_code_system town_name "
        "village_code village_name create_org_code creator_id doctor_id manage_org_code "
        "manage_from_date modified_by_org_code modified_at created_date checked_at create_mode_code "
        "created_via_code city_index_id indexed_at residence_type_code residence_start_date "
        "is_chosen_org past_history_codes family_history_codes allergy_codes exposure_codes "
        "disability_codes abo_code rh_code education_code occupation_code marital_code payment_codes "
        "health_code consent_status_code consent_date is_open open_date open_subject_code "
        "guardian_consent_date refused_date basic_info_verified_at declared_status_code entered_at "
        "uploaded_at",
    ),
    "identity_decision": (
        "decision_id",
        "left_key right_key verdict_code reviewer_id decided_at reason revokes_decision_id",
    ),
    "contact_attempt": (
        "attempt_id",
        f"{PERSON} org_code purpose_code channel_code target_code attempted_at outcome_code entered_at",
    ),
    "signing": ("contract_id", f"{PERSON} org_code team_id doctor_id start_date end_date terminated_date"),
    "transfer": (
        "transfer_id",
        f"{PERSON} from_org_code to_org_code initiator_code path_code applied_at decided_at decision_code "
        "refuse_reason confirm_mode_code reason_code confirmed_by_code filed_at manager_changed_at",
    ),
    "termination": (
        "termination_id",
        f"{PERSON} org_code kind_code declared_date info_received_date evidence_code evidence_received_date "
        "death_date cause_text cause_icd10 departed_date destination_code return_expected_code entered_at "
        "sealed_at archived_at filed_at cancelled_at",
    ),
    "reactivation": (
        "reactivation_id",
        f"{PERSON} org_code contact_date service_record_id reactivated_at filed_at",
    ),
    "amendment": (
        "amendment_id",
        "dataset record_id is_deletion approver_id approved_at modified_at modified_by_id reason",
    ),
    "chronic_register": (
        "register_id",
        f"{PERSON} org_code doctor_id disease_code confirmed_date registered_date notified_date at_home_flag "
        "end_date end_reason_code",
    ),
    "health_exam": (
        "record_id",
        f"{SERVICE} height_cm weight_kg waist_cm temperature_c pulse_bpm respiration_rpm sbp_left dbp_left "
        "sbp_right dbp_right fasting_glucose_mmol hba1c_pct total_cholesterol triglyceride ldl hdl alt ast "
        "total_bilirubin creatinine urea hemoglobin wbc platelet urine_protein_code ecg_code "
        "abdominal_ultrasound_code self_care_code cognition_code emotion_code smoking_code drinking_code "
        "exercise_code diet_codes symptom_codes cerebrovascular_codes kidney_codes heart_codes vessel_codes "
        "eye_codes evaluation_code abnormal_text guidance_codes",
    ),
    "htn_followup": (
        "record_id",
        f"{SERVICE} symptom_codes sbp dbp weight_kg heart_rate_bpm smoking_per_day salt_code compliance_code "
        "adverse_reaction_code class_code referral_flag next_visit_date loss_reason_code",
    ),
    "dm_followup": (
        "record_id",
        f"{SERVICE} symptom_codes sbp dbp weight_kg dorsalis_pedis_code fasting_glucose_mmol "
        "random_glucose_mmol hba1c_pct hba1c_date hypoglycemia_code insulin_flag compliance_code "
        "adverse_reaction_code class_code referral_flag next_visit_date loss_reason_code",
    ),
    "encounter": (
        "record_id",
        f"{SERVICE} encounter_type_code diagnosis_icd10 diagnosis_text chief_complaint is_first_visit "
        "sbp dbp fee_yuan discharge_date",
    ),
    "restricted_list": ("entry_id", f"{PERSON} class_code org_code listed_date reviewed_date ended_date"),
    "delivery_plan": ("unit dataset valid_from", "frequency_code due_hour due_day valid_to"),
    "self_care_assessment": ("record_id", SERVICE),
    "tcm_elderly": ("record_id", SERVICE),
    "tcm_child": ("record_id", SERVICE),
    "smi_supplement": ("record_id", SERVICE),
    "smi_followup": ("record_id", f"{SERVICE} class_code danger_code"),
    "tb_first_visit": ("record_id", SERVICE),
    "tb_followup": ("record_id", f"{SERVICE} stopped_date stop_reason_code doses_due doses_taken"),
    "antenatal_first": ("record_id", f"{SERVICE} gestation_weeks gestation_days"),
    "antenatal_followup": ("record_id", SERVICE),
    "postpartum_visit": ("record_id", SERVICE),
    "postpartum_42d": ("record_id", SERVICE),
    "newborn_visit": ("record_id", f"{SERVICE} discharge_date"),
    "child_check": ("record_id", f"{SERVICE} age_months"),
    "consultation": ("record_id", SERVICE),
    "referral": ("record_id", SERVICE),
    "vaccination": ("record_id", f"{SERVICE} vaccine_code dose_no"),
    "maternal_register": (
        "register_id",
        f"{PERSON} org_code booked_date booked_gestation_weeks booked_gestation_days lmp_date expected_date "
        "delivery_date discharge_date live_birth_count closed_date",
    ),
    "infectious_report": (
        "report_id",
        f"{PERSON} org_code disease_code onset_date diagnosed_at reported_at case_class_code",
    ),
    "death_registry": ("registry_id", f"{PERSON} death_date cause_icd10 registered_at"),
    "remote_link": (
        "link_id",
        f"serving_unit serving_dataset serving_record_id {PERSON} linked_at read_at",
    ),
    "purge_record": ("purge_id", f"{PERSON} archived_at purged_at approver_id"),
    "resident_feedback": ("feedback_id", f"{PERSON} kind_code field_name received_at closed_at"),
    "access_log": ("access_id", f"{PERSON} user_id org_code accessed_at purpose_code authorisation_id"),
    "sample_check": ("check_id", f"{PERSON} org_code kind_code checked_date verdict_code"),
    "service_unit_change": ("change_id", f"{PERSON} from_org_code to_org_code requested_at"),
    "city_index": ("city_index_id", "unit district_archive_id id_no manage_org_code status_code filed_at"),
}

REQUIRED_BEYOND_KEY: dict[str, set[str]] = {
    "archive": {"name", "created_date", "create_org_code"},
    "transfer": {"from_org_code", "to_org_code", "applied_at"},
    "termination": {"kind_code"},
    "signing": {"start_date"},
    "amendment": {"dataset", "record_id"},
    "population": {"resident_count"},
    "live_births": {"live_birth_count"},
    "restricted_list": {"class_code", "listed_date"},
} | {name: {"org_code", "service_date"} for name, (_, others) in TABLE.items() if SERVICE in others}

CITY_SCOPE = {
    "division",
    "org",
    "catchment",
    "population",
    "live_births",
    "population_index",
    "city_index",
    "transfer",
    "delivery_plan",
}
CITY_SENDER = {
    "division",
    "population",
    "live_births",
    "population_index",
    "city_index",
    "death_registry",
    "delivery_plan",
}
EITHER_SENDER = {"org", "catchment", "restricted_list"}

# codes whose unknown value refuses the row, plus the codes that are part of a key
STRUCTURAL = {
    ("division", "kind_code"),
    ("division", "code_system"),
    ("population", "sex_code"),
    ("population", "source_code"),
    ("archive", "declared_status_code"),
    ("identity_decision", "verdict_code"),
    ("transfer", "path_code"),
    ("transfer", "decision_code"),
    ("termination", "kind_code"),
    ("chronic_register", "disease_code"),
    ("restricted_list", "class_code"),
    ("infectious_report", "disease_code"),
    ("resident_feedback", "kind_code"),
    ("sample_check", "kind_code"),
    ("sample_check", "verdict_code"),
}

CHILD_FORMS = {"newborn_visit", "child_check"}

EVERY = [pytest.param(item, id=item.name) for item in datasets().values()]


def test_all_datasets_are_there() -> None:
    assert set(datasets()) == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_keys_and_columns_are_those_of_the_delivery_contract(name: str) -> None:
    key, others = TABLE[name]
    assert dataset(name).key == tuple(key.split())
    # an added column is allowed, a missing one is not
    assert set(key.split()) | set(others.split()) <= set(dataset(name).column_names)


@pytest.mark.parametrize("item", EVERY)
def test_required_is_the_key_and_what_the_contract_lists(item: Dataset) -> None:
    required = {column.name for column in item.columns if column.required}
    assert required == set(item.key) | REQUIRED_BEYOND_KEY.get(item.name, set())


@pytest.mark.parametrize("item", EVERY)
def test_scope_and_senders(item: Dataset) -> None:
    assert item.scope == ("city" if item.name in CITY_SCOPE else "unit")
    expected = (
        "city" if item.name in CITY_SENDER else "city_or_unit" if item.name in EITHER_SENDER else "unit"
    )
    assert item.senders == expected


def test_structural_codes() -> None:
    found = {
        (item.name, column.name)
        for item in datasets().values()
        for column in item.columns
        if column.is_structural
    }
    assert found == STRUCTURAL


@pytest.mark.parametrize("item", EVERY)
def test_blocks_follow_from_the_columns(item: Dataset) -> None:
    assert item.has_person == (set(PERSON.split()) <= set(item.column_names))
    assert item.is_service == (set(SERVICE.split()) <= set(item.column_names))
    if item.has_person:
        assert {name for group in PERSON_MINIMUM for name in group} <= set(item.column_names)


@pytest.mark.parametrize("item", EVERY)
def test_every_column_is_described_and_classified(item: Dataset) -> None:
    for column in item.columns:
        assert column.role in {"DI", "QI", "SENS", "NONE"}, column.name
        assert column.level in {1, 2, 3, 4, 5}, column.name
        assert column.title.strip() and column.description.endswith("。"), column.name
        assert not column.title.isascii(), column.name


@pytest.mark.parametrize("item", EVERY)
def test_headers_are_unambiguous(item: Dataset) -> None:
    titles = [column.title for column in item.columns]
    assert len(set(titles)) == len(titles)
    assert len(set(item.column_names)) == len(item.columns)
    assert not set(titles) & set(item.column_names)
    assert set(item.by_header) == set(titles) | set(item.column_names)


@pytest.mark.parametrize("item", EVERY)
def test_names_tell_the_type(item: Dataset) -> None:
    endings = {"_date": "date", "_at": "timestamp", "_flag": "boolean", "_code": "string", "_codes": "string"}
    for column in item.columns:
        for ending, kind in endings.items():
            if column.name.endswith(ending):
                assert column.type == kind, column.name
        if column.name.startswith("is_"):
            assert column.type == "boolean", column.name
        assert column.is_multiple == column.name.endswith("_codes"), column.name
        assert column.in_hash == (column.name not in {"entered_at", "uploaded_at"}), column.name


@pytest.mark.parametrize("item", EVERY)
def test_ranges_are_ordered_and_numeric(item: Dataset) -> None:
    for column in item.columns:
        bounds = [column.hard_min, column.soft_min, column.soft_max, column.hard_max]
        present = [bound for bound in bounds if bound is not None]
        assert present == sorted(present), column.name
        if present:
            assert column.type in {"integer", "decimal"}, column.name


@pytest.mark.parametrize(
    ("name", "hard", "soft"),
    [
        ("sbp", (50, 300), (80, 220)),
        ("dbp", (20, 200), (40, 130)),
        ("fasting_glucose_mmol", (0.5, 50), (2.5, 30)),
        ("temperature_c", (30, 43), (35, 40)),
        ("weight_kg", (20, 300), (30, 150)),
        ("platelet", (1, 3000), (30, 600)),
    ],
)
def test_a_measurement_has_the_same_range_in_every_form_of_adults(
    name: str, hard: tuple[float, float], soft: tuple[float, float]
) -> None:
    found = [
        item.by_name[name]
        for item in datasets().values()
        if name in item.by_name and item.name not in CHILD_FORMS
    ]
    assert found
    for column in found:
        assert (column.hard_min, column.hard_max) == hard
        assert (column.soft_min, column.soft_max) == soft


@pytest.mark.parametrize(
    ("form", "name", "hard", "soft"),
    [
        # a newborn's pulse of 150 and 45 breaths are usual, 100 kg are impossible
        ("newborn_visit", "pulse_bpm", (20, 250), (80, 200)),
        ("newborn_visit", "respiration_rpm", (5, 80), (30, 70)),
        ("newborn_visit", "birth_weight_g", (300, 8000), (1500, 5000)),
        ("newborn_visit", "birth_length_cm", (20, 70), (40, 60)),
        ("newborn_visit", "apgar_1min_score", (0, 10), (7, 10)),
        ("newborn_visit", "temperature_c", (30, 43), (35, 40)),
        # growth is soft-judged by age, not by one range
        ("newborn_visit", "weight_kg", (0.5, 60), (None, None)),
        ("child_check", "weight_kg", (0.5, 60), (None, None)),
        ("child_check", "length_cm", (30, 140), (None, None)),
        ("child_check", "head_circumference_cm", (20, 60), (None, None)),
        ("antenatal_first", "gestation_weeks", (1, 45), (4, 42)),
        ("antenatal_first", "gestation_days", (0, 6), (None, None)),
        ("antenatal_followup", "fundal_height_cm", (3, 60), (10, 45)),
        ("antenatal_followup", "abdomen_cm", (40, 200), (60, 150)),
        ("antenatal_followup", "fetal_heart_bpm", (50, 240), (110, 160)),
    ],
)
def test_ranges_of_mothers_and_children(
    form: str, name: str, hard: tuple[float, float], soft: tuple[float | None, float | None]
) -> None:
    column = dataset(form).column(name)
    assert (column.hard_min, column.hard_max) == hard
    assert (column.soft_min, column.soft_max) == soft


def test_a_column_of_a_block_means_the_same_in_every_dataset() -> None:
    for block, holds in ((PERSON, "has_person"), (SERVICE, "is_service")):
        for name in block.split():
            seen = {
                (c.title, c.type, c.value_set, c.description, c.role, c.element, c.pattern, c.in_hash)
                for item in datasets().values()
                if getattr(item, holds)
                for c in [item.column(name)]
            }
            assert len(seen) == 1, name


def test_identifying_values_are_direct_identifiers() -> None:
    direct = {"id_no", "birth_certificate_no", "mother_id_no", "name", "phone", "contact_phone", "archive_no"}
    for item in datasets().values():
        if item.has_person:
            for column in item.columns:
                if column.name in direct:
                    assert column.role == "DI", (item.name, column.name)
                    assert column.level >= 4, (item.name, column.name)


@pytest.mark.parametrize(
    "name",
    [
        "restricted_list",
        "smi_supplement",
        "smi_followup",
        "tb_first_visit",
        "tb_followup",
        "infectious_report",
    ],
)
def test_a_form_whose_very_row_tells_the_disease_is_level_five_throughout(name: str) -> None:
    assert {column.level for column in dataset(name).columns} == {5}


def test_results_that_tell_a_special_disease_are_level_five() -> None:
    levels = {name: dataset("antenatal_first").column(name).level for name in ("hiv_code", "syphilis_code")}
    assert set(levels.values()) == {5}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_keep_the_open_data_contract_standard(path: Path) -> None:
    document = yaml.safe_load(path.read_text("utf-8"))
    assert document["apiVersion"].startswith("v3.")
    assert document["kind"] == "DataContract"
    assert document["schema"][0]["name"] == document["name"] == path.stem
    OpenDataContractStandard.from_file(str(path))
    schema = json.loads(OpenDataContractStandard.json_schema())
    errors = list(jsonschema.Draft201909Validator(schema).iter_errors(document))
    assert not errors, errors[:3]


@pytest.mark.parametrize("path", FILES[:-1], ids=lambda path: path.stem)
def test_files_hold_no_attribute_that_nobody_reads(path: Path) -> None:
    node = yaml.safe_load(path.read_text("utf-8"))["schema"][0]
    known = {
        "name",
        "businessName",
        "logicalType",
        "description",
        "primaryKey",
        "primaryKeyPosition",
        "required",
        "classification",
        "logicalTypeOptions",
        "customProperties",
    }
    custom = {
        "role",
        "element",
        "valueSet",
        "structural",
        "multiple",
        "softMinimum",
        "softMaximum",
        "inHash",
        "condition",
    }
    for column in node["properties"]:
        assert set(column) <= known, column["name"]
        assert column["logicalType"] in LOGICAL_TYPES
        properties = [item["property"] for item in column["customProperties"]]
        assert set(properties) <= custom, column["name"]
        assert len(set(properties)) == len(properties), column["name"]
        assert set(column.get("logicalTypeOptions", {})) <= {"minimum", "maximum", "maxLength", "pattern"}


def test_the_manifest_names_its_keys() -> None:
    keys = {node["name"]: node for node in manifest_contract()["schema"][0]["properties"]}
    assert set(keys) == {
        "contract_version",
        "unit",
        "batch",
        "sent_at",
        "source_system",
        "mode",
        "withdraws",
        "files",
    }
    assert {node["name"] for node in keys["files"]["items"]["properties"]} == {
        "path",
        "dataset",
        "format",
        "encoding",
        "rows",
        "sm3",
    }


@pytest.mark.parametrize("item", EVERY)
def test_what_is_stated_takes_no_place_of_what_is_added(item: Dataset) -> None:
    added = {*PROVENANCE_COLUMNS, *DERIVED_IDENTITY_COLUMNS, *VERSION_COLUMNS}
    stored = [column.stored_name for column in item.columns]
    assert not set(stored) & added
    assert len(set(stored)) == len(stored)


@pytest.mark.parametrize("item", EVERY)
def test_polars_schema_has_every_column(item: Dataset) -> None:
    assert tuple(polars_schema(item).names()) == item.column_names


def test_unknown_names_say_what_to_do() -> None:
    with pytest.raises(ContractError, match="没有数据集"):
        dataset("archives")
    with pytest.raises(ContractError, match="没有列"):
        dataset("archive").column("colour")


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    text = (FOLDER / "datasets" / "signing.yaml").read_text("utf-8")
    broken.write_text(text.replace("logicalType: date", "logicalType: moment"), "utf-8")
    with pytest.raises(ContractError, match=r"broken\.yaml"):
        read_dataset(broken)

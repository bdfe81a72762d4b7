"""The damages of a dirty city, one function each: what is done to a copy of an ordinary file, what follows.

Not here: the writing of deliveries (dirt.py). The codes are words of the delivery contract; nothing of the
intake is asked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from pipelines.synth.drafts import Draft, Finding, Ordinary, Sheet, titled
from pipelines.synth.identity import check_characters

Damage = Callable[[Ordinary, Sheet, str], Draft]
#: Kind → dataset, column, value, code: one damaged row each, in a file of that dataset.
_ROW_VALUES = {
    "required_missing": ("archive", "created_date", "", "REQUIRED_MISSING"),
    "date_impossible": ("archive", "birth_date", "1986-02-30", "DATE_UNREADABLE"),
    "date_in_words": ("archive", "created_date", "2025年3月1日", "DATE_UNREADABLE"),
    "excel_serial_date": ("archive", "birth_date", "31472", "DATE_UNREADABLE"),
    "moment_unreadable": ("archive", "entered_at", "2025-03-01 25:61", "MOMENT_UNREADABLE"),
    "boolean_unreadable": ("archive", "is_open", "已开放", "BOOLEAN_UNREADABLE"),
    "status_code_unknown": ("archive", "declared_status_code", "注销", "STRUCTURAL_CODE_UNKNOWN"),
    "education_code_unknown": ("archive", "education_code", "大专", "CODE_UNKNOWN"),
    "name_too_long": ("archive", "name", "长" * 60, "TEXT_TOO_LONG"),
    "archive_no_pattern": ("archive", "archive_no", "5001-16", "PATTERN"),
    "number_with_unit": ("health_exam", "weight_kg", "62公斤", "NUMBER_UNREADABLE"),
    "temperature_impossible": ("health_exam", "temperature_c", "365", "HARD_RANGE"),
    "pulse_unusual": ("health_exam", "pulse_bpm", "158", "SOFT_RANGE"),
    "service_date_unreadable": ("htn_followup", "service_date", "13/01/2025", "DATE_UNREADABLE"),
    "pressure_impossible": ("htn_followup", "sbp", "1300", "HARD_RANGE"),
    "salt_code_unknown": ("htn_followup", "salt_code", "偏咸", "CODE_UNKNOWN"),
    "termination_kind_unknown": ("termination", "kind_code", "REFUSED", "STRUCTURAL_CODE_UNKNOWN"),
    "path_code_unknown": ("transfer", "path_code", "6", "STRUCTURAL_CODE_UNKNOWN"),
}


def _draft(base: Ordinary, sheet: Sheet, batch: str, findings: list[Finding], **more: object) -> Draft:
    draft = Draft(base.unit, base.day, batch, [sheet], findings)
    return dataclasses.replace(draft, **more)  # type: ignore[arg-type]


def _new_keys(sheet: Sheet, batch: str) -> None:
    """Keys that no record of the city has, so that damaged copies never meet the right rows."""
    key = sheet.columns[0]
    for number in range(1, len(sheet.rows) + 1):
        sheet.put(number, key, f"{batch[-3:]}{batch[:8]}{number:04d}")


def _row_value(column: str, value: str, code: str) -> Damage:
    def damage(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
        _new_keys(sheet, batch)
        sheet.put(2, column, value)
        return _draft(base, sheet, batch, [Finding(code, column, sheet.path, 2)])

    return damage


def _key_missing(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    _new_keys(sheet, batch)
    sheet.put(3, sheet.columns[0], "")
    return _draft(base, sheet, batch, [Finding("KEY_MISSING", sheet.columns[0], sheet.path, 3)])


def _key_doubled(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    _new_keys(sheet, batch)
    key = sheet.columns[0]
    sheet.put(3, key, sheet.rows[0][0])
    return _draft(base, sheet, batch, [Finding("KEY_DOUBLED", "", sheet.path, row) for row in (1, 3)])


def _person_missing(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    _new_keys(sheet, batch)
    for column in ("district_archive_id", "id_no", "birth_certificate_no", "mother_id_no"):
        sheet.put(1, column, "")
    return _draft(base, sheet, batch, [Finding("PERSON_MISSING", "", sheet.path, 1)])


def _row_malformed(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    _new_keys(sheet, batch)
    sheet.rows[1] = [*sheet.rows[1], "多出的一列"]
    return _draft(base, sheet, batch, [Finding("ROW_MALFORMED", "", sheet.path, 2)])


def _excel_rounded(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    """Fifteen digits are all that a spreadsheet keeps of a number: identity numbers end in 000."""
    _new_keys(sheet, batch)
    findings = []
    column = sheet.columns.index("id_no")
    for number, row in enumerate(sheet.rows, start=1):
        value = row[column]
        if len(value) != 18 or not value[:17].isdigit() or not value.isascii():
            continue
        rounded = value[:15] + "000"
        sheet.put(number, "id_no", rounded)
        # By chance the last 0 may be the right check character: then nobody can tell.
        if check_characters(np.array([int(rounded[:17])]))[0] != "0":
            findings.append(Finding("ID_CHECK_DIGIT", "", sheet.path, number))

    return _draft(base, sheet, batch, findings)


def _mixed_headers(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    """Chinese titles and English names in one header are lawful: nothing is found."""
    _new_keys(sheet, batch)
    sheet.header = titled(sheet.columns, sheet.dataset)
    return _draft(base, sheet, batch, [Finding("", "", sheet.path)])


def _wrong_encoding(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    sheet.header = titled(sheet.columns, sheet.dataset)
    sheet.content = sheet.bytes().decode("utf-8").encode("gb18030")
    return _refused_file(base, sheet, batch, "ENCODING_WRONG")


def _refused_file(base: Ordinary, sheet: Sheet, batch: str, code: str) -> Draft:
    return _draft(base, sheet, batch, [Finding(code, "", sheet.path)], is_refused=True)


def _column_missing(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    position = sheet.columns.index("created_date")
    sheet.header = [name for name in sheet.columns if name != "created_date"]
    sheet.rows = [row[:position] + row[position + 1 :] for row in sheet.rows]
    return _refused_file(base, sheet, batch, "COLUMN_MISSING")


def _header_doubled(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    sheet.header = [*sheet.columns, "name"]
    sheet.rows = [[*row, "重复"] for row in sheet.rows]
    return _refused_file(base, sheet, batch, "HEADER_DUPLICATED")


def _entry(code: str, **entry: object) -> Damage:
    def damage(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
        sheet.entry = dict(entry)
        if "dataset" in entry:
            sheet.path = f"{entry['dataset']}.csv"
        return _refused_file(base, sheet, batch, code)

    return damage


def _rows_mismatch(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    sheet.entry = {"rows": len(sheet.rows) + 5}
    return _refused_file(base, sheet, batch, "ROWS_MISMATCH")


def _unreadable(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    """A Parquet file that was cut off while it was sent."""
    sheet.path = f"{sheet.dataset}.parquet"
    sheet.content = b"PAR1" + bytes(range(256))
    sheet.entry = {"format": "parquet"}
    return _refused_file(base, sheet, batch, "FILE_UNREADABLE")


def _empty(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    sheet.content = b""
    return _refused_file(base, sheet, batch, "FILE_EMPTY")


def _missing(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    sheet.is_written = False
    return _refused_file(base, sheet, batch, "FILE_MISSING")


def _unnamed(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    _new_keys(sheet, batch)
    return _draft(
        base, sheet, batch, [Finding("FILE_UNNAMED", "", "备份.csv")], unnamed={"备份.csv": b"a,b\r\n1,2\r\n"}
    )


def _refused(code: str, **manifest: object) -> Damage:
    def damage(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
        draft = _draft(base, sheet, batch, _whole(code, sheet), is_refused=True)
        draft.manifest = dict(manifest)
        return draft

    return damage


def _whole(code: str, sheet: Sheet) -> list[Finding]:
    """Findings of a delivery that is refused: its reason, and each file with it."""
    return [Finding(code), Finding("DELIVERY_REFUSED", "", sheet.path)]


def _unknown_unit(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    draft = _draft(base, sheet, batch, _whole("UNIT_UNKNOWN", sheet), is_refused=True)
    draft.unit = "500999"
    return draft


def _path_outside(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    sheet.entry = {"path": f"../{sheet.path}"}
    findings = [Finding("PATH_OUTSIDE"), Finding("DELIVERY_REFUSED", "", f"../{sheet.path}")]
    findings.append(Finding("FILE_UNNAMED", "", sheet.path))
    return _draft(base, sheet, batch, findings, is_refused=True)


def _manifest_missing(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    draft = _draft(base, sheet, batch, [Finding("MANIFEST_MISSING")], is_refused=True)
    draft.findings.append(Finding("DELIVERY_REFUSED", "", sheet.path))
    draft.text = ""
    return draft


def _manifest_malformed(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    draft = _draft(base, sheet, batch, [Finding("MANIFEST_MALFORMED")], is_refused=True)
    draft.findings.append(Finding("DELIVERY_REFUSED", "", sheet.path))
    draft.text = '{"contract_version": "1.0.0", "unit": '
    return draft


def _folder_mismatch(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    draft = _draft(base, sheet, batch, _whole("FOLDER_MISMATCH", sheet), is_refused=True)
    draft.folder = (base.unit, base.day, batch + "A")
    return draft


def _day_mismatch(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    draft = _draft(base, sheet, batch, _whole("DAY_MISMATCH", sheet), is_refused=True)
    draft.folder = (base.unit, str(np.datetime64(base.day) + 1), batch)
    return draft


def _batch_reused(base: Ordinary, sheet: Sheet, batch: str) -> Draft:
    """The name of the day's ordinary delivery again, two days later and with other content."""
    day = str(np.datetime64(base.day) + 2)
    findings = _whole("BATCH_REUSED", sheet)
    return Draft(base.unit, day, base.batch, [sheet], findings, is_refused=True)


#: Kind → dataset of the ordinary file that is damaged, and how.
DAMAGES: dict[str, tuple[str, Damage]] = {
    "manifest_missing": ("archive", _manifest_missing),
    "manifest_malformed": ("archive", _manifest_malformed),
    "major_version_unknown": ("archive", _refused("CONTRACT_VERSION_UNKNOWN", contract_version="9.0.0")),
    "unit_unknown": ("archive", _unknown_unit),
    "folder_mismatch": ("encounter", _folder_mismatch),
    "day_mismatch": ("encounter", _day_mismatch),
    "path_outside": ("archive", _path_outside),
    "batch_reused": ("encounter", _batch_reused),
    "file_missing": ("archive", _missing),
    "zero_bytes": ("archive", _empty),
    "file_unnamed": ("archive", _unnamed),
    "dataset_unknown": ("encounter", _entry("DATASET_UNKNOWN", dataset="outpatient")),
    "sender_not_allowed": ("encounter", _entry("SENDER_NOT_ALLOWED", dataset="population")),
    "format_unknown": ("encounter", _entry("FORMAT_UNKNOWN", format="dbf")),
    "digest_wrong": ("archive", _entry("DIGEST_MISMATCH", sm3="0" * 64)),
    "row_count_wrong": ("archive", _rows_mismatch),
    "unreadable": ("encounter", _unreadable),
    "encoding_wrong": ("archive", _wrong_encoding),
    "header_doubled": ("archive", _header_doubled),
    "column_missing": ("archive", _column_missing),
    "mixed_headers": ("archive", _mixed_headers),
    "row_malformed": ("archive", _row_malformed),
    "key_missing": ("archive", _key_missing),
    "key_doubled": ("encounter", _key_doubled),
    "person_missing": ("encounter", _person_missing),
    "excel_rounded_numbers": ("archive", _excel_rounded),
    **{
        kind: (name, _row_value(column, value, code))
        for kind, (name, column, value, code) in _ROW_VALUES.items()
    },
}

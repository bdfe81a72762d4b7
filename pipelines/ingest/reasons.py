"""Registry of all that ingest can say about a delivery, file, row or value: code, sentence, way out.

Does not decide anything and does not count; rules on accepted data live in the dbt project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Reason:
    """One finding of ingest.

    `level` is delivery, file, row, value or identity. `grade` is ERROR, WARN or INFO; an ERROR of a
    delivery or file refuses it, of a row quarantines it; an ERROR of level identity and every WARN only
    report. Sentences carry the way out and may hold `{title}`, the Chinese header of the column concerned, or
    `{column}`, its English name.
    """

    code: str
    level: str
    grade: str
    chinese: str
    english: str

    def sentence(self, language: str = "zh", title: str = "", column: str = "") -> str:
        """Return the sentence in `zh` or `en` with the column filled in."""
        text = self.chinese if language == "zh" else self.english
        return text.replace("{title}", title or column).replace("{column}", column or title)


_TABLE: tuple[tuple[str, str, str, str, str], ...] = (
    # delivery: contract §1 "Refusal"
    ("MANIFEST_MISSING", "delivery", "ERROR",
     "文件夹中没有 manifest.json，请补上清单后以新批次报送。",
     "The folder has no manifest.json; add it and send a new batch."),
    ("MANIFEST_MALFORMED", "delivery", "ERROR",
     "清单不是约定的 JSON 结构，请按契约改正所列的键后以新批次报送。",
     "The manifest does not have the agreed structure; mend the keys named and send a new batch."),
    ("CONTRACT_VERSION_UNKNOWN", "delivery", "ERROR",
     "清单的契约主版本不被支持，请按当前主版本导出后以新批次报送。",
     "The contract's major version is not supported; export for the current one and send a new batch."),
    ("UNIT_UNKNOWN", "delivery", "ERROR",
     "清单的报送单位代码不在区划表中，请改用本单位代码后以新批次报送。",
     "The manifest's unit is not a known reporting unit; use your unit's code and send a new batch."),
    ("FOLDER_MISMATCH", "delivery", "ERROR",
     "文件夹的单位或批次与清单不一致，请放入 单位/日期/批次 文件夹后重新报送。",
     "Folder and manifest name different units or batches; put it into unit/day/batch and send again."),
    ("DAY_MISMATCH", "delivery", "ERROR",
     "文件夹的日期与清单报送时间的北京日期不一致，请改正后以新批次报送。",
     "The folder's day is not the local date of sent_at; mend it and send a new batch."),
    ("PATH_OUTSIDE", "delivery", "ERROR",
     "清单中有文件路径指向文件夹之外，请只用文件夹内的相对路径并以新批次报送。",
     "The manifest names a path outside the folder; use relative paths inside it and send a new batch."),
    ("BATCH_REUSED", "delivery", "ERROR",
     "本单位的同一批次号已有内容不同且更早的报送，请换用新的批次号。",
     "The unit has an earlier delivery of other content under this batch; use a new batch number."),
    # delivery that counts, of a later minor version of the contract
    ("CONTRACT_VERSION_NEWER", "delivery", "WARN",
     "清单的契约次版本比本平台新，本次报送照常收取，本平台还没有的列、数据集和代码未能入库，请对照本回执核对。",
     "The minor version is newer than the platform's; columns, datasets and codes it lacks are left out."),
    # delivery that counts, of a unit that does not exist on the day
    ("UNIT_ABOLISHED", "delivery", "WARN",
     "报送单位已于所列日期撤销，本次报送照常收取；此后发生的业务请由承继单位报送。",
     "The unit was abolished on the day named; this counts, its successor sends what happens since."),
    ("UNIT_NOT_YET", "delivery", "WARN",
     "报送单位自所列日期起设立，本次报送照常收取；此前发生的业务请由原单位报送。",
     "The unit exists from the day named on; this delivery counts, its predecessor sends what came before."),
    # delivery that counts; a withdrawal in it does nothing
    ("WITHDRAWS_ITSELF", "delivery", "WARN",
     "报送不能撤回自己的批次，该项撤回无效，如要作废本批请在以后的新批次中撤回。",
     "A delivery cannot withdraw its own batch; to take it back, name it in a later batch."),
    ("WITHDRAWS_UNKNOWN", "delivery", "WARN",
     "本单位没有报送过所撤回的批次，该项撤回目前无效，请核对批次号后以新批次撤回。",
     "Your unit has sent no batch of the name withdrawn; check the name and withdraw it in a new batch."),
    ("WITHDRAWS_LATER", "delivery", "WARN",
     "所撤回的批次晚于本次报送，该项撤回无效，请在更晚的新批次中撤回。",
     "The batch withdrawn was sent later than this delivery; withdraw it in a still later batch."),
    # file
    ("FILE_MISSING", "file", "ERROR",
     "收取时清单所列文件不在文件夹中，此后补放也不再读取，请以新批次补送。",
     "The file named was not in the folder when it was read, and is not looked for again; send a new batch."),
    ("FILE_NOT_REGULAR", "file", "ERROR",
     "该路径不是普通文件（如链接或文件夹），请以新批次报送文件本身。",
     "The path is not a regular file (a link or a folder); send the file itself under a new batch."),
    ("FILE_EMPTY", "file", "ERROR",
     "文件为零字节；没有数据时也请保留表头，以新批次报送。",
     "The file has zero bytes; keep the header even without data and send a new batch."),
    ("FILE_UNNAMED", "file", "ERROR",
     "清单没有列出该文件，请在新批次的清单中列出或移除它。",
     "The manifest does not name this file; name it in a new batch or leave it out."),
    ("DATASET_UNKNOWN", "file", "ERROR",
     "契约中没有该数据集，请对照数据字典改正数据集名称后以新批次报送。",
     "The contract has no such dataset; see the data dictionary and send a new batch."),
    ("FORMAT_UNKNOWN", "file", "ERROR",
     "文件格式只能是 csv、parquet 或 xlsx，请转换后以新批次报送。",
     "The format must be csv, parquet or xlsx; convert the file and send a new batch."),
    ("ENCODING_UNKNOWN", "file", "ERROR",
     "字符编码只能是 utf-8 或 gb18030，请转换后以新批次报送。",
     "The encoding must be utf-8 or gb18030; convert the file and send a new batch."),
    ("SENDER_NOT_ALLOWED", "file", "ERROR",
     "本单位不是该数据集的报送单位，请由契约规定的单位报送。",
     "This unit may not send this dataset; the unit named by the contract sends it."),
    ("DIGEST_MISMATCH", "file", "ERROR",
     "文件的 SM3 摘要与清单不符，请核对文件是否完整后以新批次报送。",
     "The file's SM3 digest differs from the manifest; check the file and send a new batch."),
    ("ROWS_MISMATCH", "file", "ERROR",
     "文件的数据行数与清单不符，请核对文件是否完整后以新批次报送。",
     "The file's row count differs from the manifest; check the file and send a new batch."),
    ("FILE_UNREADABLE", "file", "ERROR",
     "文件无法按所列格式读取，请重新导出后以新批次报送。",
     "The file cannot be read in the format named; export it again and send a new batch."),
    ("ENCODING_WRONG", "file", "ERROR",
     "文件含有不属于所列字符编码的字节，请改正编码后以新批次报送。",
     "The file holds bytes that the encoding named does not have; mend the encoding and send a new batch."),
    ("HEADER_DUPLICATED", "file", "ERROR",
     "表头中同一列出现多次，请只保留一列后以新批次报送。",
     "The header holds a column more than once; keep one and send a new batch."),
    ("COLUMN_MISSING", "file", "ERROR",
     "缺少必需的列，请补上所列的列后以新批次报送。",
     "A required column is absent; add the columns named and send a new batch."),
    ("LINE_TOO_LONG", "file", "ERROR",
     "有一行超过允许的长度，多为引号未闭合，请重新导出后以新批次报送。",
     "A line is longer than allowed, mostly an open quote; export again and send a new batch."),
    ("TOO_LARGE", "file", "ERROR",
     "文件超过该格式允许的大小或行数，请改用 csv 或 parquet 以新批次报送。",
     "The file is larger than the format allows; use csv or parquet and send a new batch."),
    ("DELIVERY_REFUSED", "file", "ERROR",
     "整个报送被拒收，请先改正报送的问题再以新批次报送。",
     "The whole delivery was refused; mend it first and send a new batch."),
    # row: contract §1 "Rows"
    ("ROW_MALFORMED", "row", "ERROR",
     "本行的列数与表头不符或引号用法有误，请按 RFC 4180 重新导出本行。",
     "The row does not fit the header or its quotes are wrong; export it again as RFC 4180."),
    ("KEY_MISSING", "row", "ERROR",
     "主键“{title}”为空，请填写后重报本行。",
     "The key {column} is empty; fill it and send the row again."),
    ("KEY_DOUBLED", "row", "ERROR",
     "主键在同一文件中重复出现，请保留正确的一行后重报。",
     "The key occurs more than once in the file; keep the right row and send it again."),
    ("REQUIRED_MISSING", "row", "ERROR",
     "必填项“{title}”为空，请填写后重报本行。",
     "The required {column} is empty; fill it and send the row again."),
    ("PERSON_MISSING", "row", "ERROR",
     "区县档案标识、证件号码、出生医学证明编号、母亲证件号码加姓名均为空，请至少填写一项后重报本行。",
     "Archive id, document number, birth certificate and mother's number with name are all empty; fill one."),
    ("DATE_UNREADABLE", "row", "ERROR",
     "“{title}”不是可读的日期，请写成 YYYY-MM-DD 后重报本行。",
     "{column} is not a readable date; write YYYY-MM-DD and send the row again."),
    ("MOMENT_UNREADABLE", "row", "ERROR",
     "“{title}”不是可读的时间，请写成 YYYY-MM-DD HH:MM:SS 后重报本行。",
     "{column} is not a readable moment; write YYYY-MM-DD HH:MM:SS and send the row again."),
    ("NUMBER_UNREADABLE", "row", "ERROR",
     "“{title}”不是可读的数字，请只写数字、不带单位后重报本行。",
     "{column} is not a readable number; write the number without its unit and send the row again."),
    ("BOOLEAN_UNREADABLE", "row", "ERROR",
     "“{title}”不是是否值，请写成 1 或 0 后重报本行。",
     "{column} is not a boolean; write 1 or 0 and send the row again."),
    ("HARD_RANGE", "row", "ERROR",
     "“{title}”超出可能的范围，请核对数值和单位后重报本行。",
     "{column} lies outside the possible range; check value and unit and send the row again."),
    ("STRUCTURAL_CODE_UNKNOWN", "row", "ERROR",
     "“{title}”的代码不在值域内，请对照数据字典改正后重报本行。",
     "{column} holds an unknown code; see the data dictionary and send the row again."),
    ("ROW_NOT_OF_UNIT", "row", "ERROR",
     "“{title}”属于其他报送单位，请改正，或由所属单位或市级平台报送本行。",
     "{column} belongs to another unit; mend it, or let that unit or the city platform send the row."),
    # value: the row is accepted
    ("CODE_UNKNOWN", "value", "WARN",
     "“{title}”有值域外的代码，已按空值入库并保留原值，请对照数据字典改正。",
     "{column} holds an unknown code, stored as null with its raw value kept; see the data dictionary."),
    ("CODE_EXCLUSIVE", "value", "WARN",
     "“{title}”中“无”一类的代码不能与其他代码同选，请核对后只留其一。",
     "{column} holds a code such as “none” beside others; keep the one or the others."),
    ("SOFT_RANGE", "value", "WARN",
     "“{title}”的数值少见，请核对数值和单位。",
     "{column} holds an unusual value; check value and unit."),
    ("TEXT_TOO_LONG", "value", "WARN",
     "“{title}”的文字超过约定长度，请核对是否填错列。",
     "{column} is longer than agreed; check that the value stands in the right column."),
    ("PATTERN", "value", "WARN",
     "“{title}”不符合约定的格式，请核对。",
     "{column} does not have the agreed form; check it."),
    # identity: rulebook §4.3; the row is accepted
    ("ID_LENGTH", "identity", "ERROR",
     "身份证号码不是 15 或 18 位，请核对证件后改正。",
     "The identity number has neither 15 nor 18 characters; check the document."),
    ("ID_PATTERN", "identity", "ERROR",
     "身份证号码含有不允许的字符，请核对证件后改正。",
     "The identity number holds characters that are not allowed; check the document."),
    ("ID_PLACEHOLDER", "identity", "ERROR",
     "身份证号码是占位的假号码，请填写真实号码或留空。",
     "The identity number is a placeholder; give the real one or leave it empty."),
    ("ID_BIRTH_IMPOSSIBLE", "identity", "ERROR",
     "身份证号码中的出生日期不存在，请核对证件后改正。",
     "The birth date inside the identity number does not exist; check the document."),
    ("ID_BIRTH_FUTURE", "identity", "ERROR",
     "身份证号码中的出生日期晚于报送日期，请核对证件后改正。",
     "The birth date inside the identity number lies after the delivery; check the document."),
    ("ID_CHECK_DIGIT", "identity", "ERROR",
     "身份证号码的校验位不符，请核对证件后改正。",
     "The check character of the identity number is wrong; check the document."),
    ("ID_BIRTH_MISMATCH", "identity", "ERROR",
     "身份证号码中的出生日期与所填出生日期不同，请核对证件后改正其一。",
     "Birth date and identity number disagree; check the document and mend one."),
    ("ID_SEX_MISMATCH", "identity", "ERROR",
     "身份证号码中的性别与所填性别不同，请核对证件后改正其一。",
     "Sex and identity number disagree; check the document and mend one."),
    ("ID_UNEXPECTED", "identity", "ERROR",
     "证件类别为出生医学证明时证件号码应留空，请把编号填入出生医学证明编号。",
     "With a birth certificate the number stands in birth_certificate_no; leave id_no empty."),
    ("ID_TYPE_NO_KEY", "identity", "WARN",
     "社会保障卡号不能作为身份标识，请补充身份证号码。",
     "A social security card number is no identity key; add the identity number."),
    ("ID_PREFIX_UNKNOWN", "identity", "WARN",
     "身份证号码的前六位不是任何时期的区划代码，请核对证件。",
     "The first six digits of the identity number were never a division; check the document."),
    ("DOCUMENT_PLACEHOLDER", "identity", "ERROR",
     "证件号码是占位的假号码，请填写真实号码或留空。",
     "The document number is a placeholder; give the real one or leave it empty."),
    ("DOCUMENT_PATTERN", "identity", "WARN",
     "证件号码不符合该类证件的常见格式，请核对证件。",
     "The document number does not have the usual form of its type; check the document."),
    ("BC_PATTERN", "identity", "ERROR",
     "出生医学证明编号不是一个字母加九位数字，请核对证件后改正。",
     "The birth certificate number is not one letter and nine digits; check the document."),
    ("BC_PLACEHOLDER", "identity", "ERROR",
     "出生医学证明编号是占位的假号码，请填写真实编号或留空。",
     "The birth certificate number is a placeholder; give the real one or leave it empty."),
    ("MOTHER_ID_INVALID", "identity", "ERROR",
     "母亲证件号码不是有效的身份证号码，请核对后改正。",
     "The mother's number is not a valid identity number; check it."),
    ("MOTHER_ID_AS_OWN", "identity", "ERROR",
     "证件号码填成了母亲的号码，请填写本人号码或留空。",
     "The mother's number stands as the person's own; give the own one or leave it empty."),
    ("MOTHER_NOT_FEMALE", "identity", "WARN",
     "母亲证件号码对应的性别不是女，请核对。",
     "The mother's number belongs to a man; check it."),
    ("MOTHER_AGE_UNUSUAL", "identity", "WARN",
     "母亲与子女的年龄差不在 12 至 60 岁之间，请核对。",
     "The mother is not 12 to 60 years older; check the numbers."),
    ("ID_UPGRADED_15", "identity", "INFO",
     "15 位身份证号码已升为 18 位，请在系统中更新为 18 位。",
     "A 15-digit identity number was upgraded to 18; update it in your system."),
    ("ID_NORMALISED", "identity", "INFO",
     "证件号码中的全角字符、空格或小写 x 已规范化，请在系统中改正。",
     "Full-width characters, blanks or a small x in the number were normalised; mend it in your system."),
)  # fmt: skip

REASONS: Mapping[str, Reason] = MappingProxyType({row[0]: Reason(*row) for row in _TABLE})
"""Code → reason, in the order of the registry."""

IDENTITY_CODES: tuple[str, ...] = tuple(
    code for code, reason in REASONS.items() if reason.level == "identity"
)
"""Codes that may stand in `identity_issue_codes`."""


def split_code(text: str) -> tuple[str, str]:
    """Split `CODE:column` into code and column; the column is empty when there is none."""
    code, _, column = text.partition(":")
    return code, column

"""Templates that a unit fills in: a workbook and a CSV header per dataset, and a manifest beside them.

Not here: the guide's text (`guide.py`), the examples (`examples.py`) and the reading of what was filled in.

A filled workbook is a legal file of a delivery as it is (contract §1): data on the first sheet, Chinese
headers in its first row. Cells hold what ingest reads, so a list offers bare codes and the prompt beside it
tells their labels. The bytes depend on the contract alone.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.contract import guide
from pipelines.contract.examples import example
from pipelines.contract.model import (
    PERSON_MINIMUM,
    Column,
    Dataset,
    contract_version,
    dataset,
    datasets,
    value_set,
    value_set_catalogue,
)
from pipelines.ingest.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

FORMATS = ("xlsx", "csv")
"""What a template can be."""

GUIDE_SHEET, COLUMN_SHEET, CODE_SHEET = "说明", "栏目", "代码"
"""Sheets behind the first one, which is named after the dataset."""

_CREATED = datetime(2024, 11, 15)
_LAST_ROW = DEFAULT_LIMITS.xlsx_rows
_PROMPT, _PROMPT_TITLE = 255, 32  # what Excel keeps of a prompt
_COLOURS = {"主键": ("#8C2F22", "#FFFFFF"), "必填": ("#C8503C", "#FFFFFF"), "条件": ("#F2C14E", "#000000")}
_OPTIONAL = ("#D5DEE6", "#000000")
_MISSING = "#FBE3DF"
_FONT = {"font_name": "Microsoft YaHei", "font_size": 10}
_WIDTHS = {"date": 12, "timestamp": 20, "integer": 10, "decimal": 10, "boolean": 8}
_ROW_PIXELS = 17


def csv_template(found: Dataset) -> bytes:
    """Return the Chinese header as CSV in UTF-8 with a byte order mark, without which Excel misreads it."""
    text = io.StringIO(newline="")
    csv.writer(text).writerow(column.title for column in found.columns)
    return text.getvalue().encode("utf-8-sig")


def xlsx_template(found: Dataset) -> bytes:
    """Return the workbook to fill in: data sheet first, then guide, columns and codes."""
    import xlsxwriter

    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    book.set_properties(
        {"title": f"{found.title}报送模板", "comments": f"报送契约 {contract_version()}", "created": _CREATED}
    )
    sheets = [book.add_worksheet(name) for name in (found.title, GUIDE_SHEET, COLUMN_SHEET, CODE_SHEET)]
    _write_guide(book, sheets[1], found)
    _write_columns(book, sheets[2], found)
    lists = _write_codes(book, sheets[3], found)
    _write_data_sheet(book, sheets[0], found, lists)
    book.close()
    return content.getvalue()


def write_templates(out: Path, names: Iterable[str] = (), formats: Sequence[str] = FORMATS) -> list[Path]:
    """Write the templates of the datasets (default: all) and `manifest.json` into `out`.

    Raises `ContractError` for an unknown dataset before anything is written. Returns the files written.
    """
    chosen = [dataset(name) for name in names] or list(datasets().values())
    out.mkdir(parents=True, exist_ok=True)
    makers = {"xlsx": xlsx_template, "csv": csv_template}
    written = []
    for found in chosen:
        for format in formats:
            path = out / f"{found.name}.{format}"
            path.write_bytes(makers[format](found))
            written.append(path)
    manifest = out / "manifest.json"
    entries = [(f"{found.name}.{formats[0]}", found.name, formats[0]) for found in chosen]
    manifest.write_text(guide.manifest_template(entries), "utf-8")
    return [*written, manifest]


def _write_data_sheet(book: Workbook, sheet: Worksheet, found: Dataset, lists: Mapping[str, str]) -> None:
    formats = {
        "date": book.add_format(_FONT | {"num_format": "yyyy-mm-dd"}),
        "timestamp": book.add_format(_FONT | {"num_format": "yyyy-mm-dd hh:mm:ss"}),
        "integer": book.add_format(_FONT | {"num_format": "General"}),
        "decimal": book.add_format(_FONT | {"num_format": "General"}),
    }
    # as text: a spreadsheet keeps 15 digits of a number and takes leading zeros away
    text = book.add_format(_FONT | {"num_format": "@"})
    for position, column in enumerate(found.columns):
        sheet.set_column(position, position, _width(column), formats.get(column.type, text))
        sheet.write_string(0, position, column.title, _header_format(book, guide.demand(found, column)))
        note = "\n".join(_notes(found, column))
        lines = sum(1 + len(line) // 22 for line in note.split("\n"))
        size = {"width": 300, "height": _ROW_PIXELS * lines + 12, "font_size": 9, "author": "渝档"}
        sheet.write_comment(0, position, note, size)
        rule = _validation(column, lists)
        if rule is not None:
            sheet.data_validation(1, position, _LAST_ROW, position, rule)
    sheet.set_row(0, 30)
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.set_paper(9)
    _mark_missing(book, sheet, found)


def _header_format(book: Workbook, demand: str) -> Any:
    colour, ink = _COLOURS.get(demand, _OPTIONAL)
    wanted = {"bg_color": colour, "font_color": ink, "bold": True, "align": "center", "valign": "vcenter"}
    return book.add_format(_FONT | wanted | {"text_wrap": True, "border": 1, "border_color": "#FFFFFF"})


def _width(column: Column) -> float:
    by_type = _WIDTHS.get(column.type, 10 if column.value_set else 20)
    return max(by_type, min(2.1 * len(column.title) + 2, 26))


def _notes(found: Dataset, column: Column) -> list[str]:
    """What the comment on a header says."""
    lines = [
        f"{column.title}（{column.name}）",
        f"{guide.demand(found, column) or '选填'} · {guide.kind(column)}",
    ]
    lines += [column.description, guide.form(column)]
    if column.value_set:
        lines.append(f"值域 {column.value_set}：{guide.codes_line(column, 120)}")
        lines.append("未知代码隔离整行。" if column.is_structural else "")
    lines.append(f"范围：{guide.ranges(column)}" if guide.ranges(column) else "")
    lines.append(f"条件：{column.conditional}" if column.conditional else "")
    lines.append(f"示例：{example(found, column)}")
    lines.append(f"数据元 {column.element}" if column.element else "")
    return [line for line in lines if line]


def _validation(column: Column, lists: Mapping[str, str]) -> dict[str, Any] | None:
    """The rule of a column's cells: what is refused stops, what is only reported warns."""
    prompt = guide.form(column)
    if column.value_set:
        rule: dict[str, Any] = {"validate": "list", "source": lists[column.value_set]}
        prompt = guide.codes_line(column, _PROMPT - len("多选用 | 连接："))
        if column.is_multiple:
            # a list cannot hold combinations: it offers single codes and lets others pass
            prompt, rule["show_error"] = f"多选用 | 连接：{prompt}", False
    elif column.type == "boolean":
        rule = {"validate": "list", "source": ["是", "否", "1", "0"]}
    elif column.type in ("date", "timestamp"):
        rule = {"validate": "date", "criteria": "between"}
        rule |= {"minimum": date(1900, 1, 1), "maximum": date(9999, 12, 31)}
    elif column.type in ("integer", "decimal"):
        low = -1e15 if column.hard_min is None else column.hard_min
        high = 1e15 if column.hard_max is None else column.hard_max
        rule = {"validate": column.type, "criteria": "between", "minimum": low, "maximum": high}
        prompt = guide.ranges(column) or prompt
    elif column.max_length is not None:
        rule = {"validate": "length", "criteria": "<=", "value": column.max_length, "error_type": "warning"}
        prompt = ""
    else:
        return None
    if prompt:
        rule |= {"input_title": column.title[:_PROMPT_TITLE], "input_message": prompt[:_PROMPT]}
    error = f"{guide.form(column)}{guide.ranges(column)}"
    return rule | {"error_title": f"“{column.title}”不符"[:_PROMPT_TITLE], "error_message": error[:_PROMPT]}


def _mark_missing(book: Workbook, sheet: Worksheet, found: Dataset) -> None:
    """Colour what a begun row lacks, and keys that stand twice."""
    from xlsxwriter.utility import xl_col_to_name

    missing = book.add_format({"bg_color": _MISSING})
    last = xl_col_to_name(len(found.columns) - 1)
    begun = f"COUNTA($A2:${last}2)>0"
    at = {name: xl_col_to_name(position) for position, name in enumerate(found.column_names)}
    needed = [name for name in found.column_names if found.by_name[name].required or name in found.key]
    rules = {name: f'=AND({begun},${at[name]}2="")' for name in needed}
    if found.has_person:
        groups = [
            f"AND({','.join(f'${at[name]}2<>' + chr(34) * 2 for name in group)})" for group in PERSON_MINIMUM
        ]
        is_nobody = f"=AND({begun},NOT(OR({','.join(groups)})))"
        rules = {name: is_nobody for group in PERSON_MINIMUM for name in group} | rules
    for name, formula in rules.items():
        area = f"{at[name]}2:{at[name]}{_LAST_ROW + 1}"
        sheet.conditional_format(area, {"type": "formula", "criteria": formula, "format": missing})
    if len(found.key) == 1:
        doubled = book.add_format({"bg_color": "#F4B183"})
        area = f"{at[found.key[0]]}2:{at[found.key[0]]}{_LAST_ROW + 1}"
        sheet.conditional_format(area, {"type": "duplicate", "format": doubled})


def _write_guide(book: Workbook, sheet: Worksheet, found: Dataset) -> None:
    head = book.add_format(_FONT | {"bold": True, "font_size": 14})
    title = book.add_format(_FONT | {"bold": True, "font_color": "#1A6B5C", "top": 1, "top_color": "#B7C4BF"})
    body = book.add_format(_FONT | {"text_wrap": True, "valign": "top"})
    code = book.add_format({"font_name": "Consolas", "font_size": 9})
    sheet.set_column(0, 0, 112, body)
    sheet.hide_gridlines(2)
    key = "、".join(found.column(name).title for name in found.key)
    scope = "全市唯一" if found.scope == "city" else "本单位内唯一"
    lines = [
        (f"{found.title}（{found.name}）报送模板", head),
        (f"依据报送契约 {contract_version()}。{found.description}{found.grain}。", body),
        (f"主键：{key}，{scope}。报送方：{guide.SENDERS[found.senders]}。", body),
        (f"列的说明见“{COLUMN_SHEET}”工作表，代码见“{CODE_SHEET}”工作表。", body),
    ]
    for section in guide.sections():
        lines += [(section.title, title), *((line, body) for line in section.lines)]
    manifest = guide.manifest_text(guide.example_manifest()).splitlines()
    lines += [("manifest.json 示例", title), *((line, code) for line in manifest)]
    for row, (line, style) in enumerate(lines):
        sheet.write_string(row, 0, line, style)
        if style is body:
            sheet.set_row_pixels(row, _height([line], [108]))
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)


def _write_columns(book: Workbook, sheet: Worksheet, found: Dataset) -> None:
    titles = ["序号", "中文名", "英文名", "要求", "类型", "范围", "值域", "示例", "数据元", "说明"]
    rows = [
        [
            str(number),
            column.title,
            column.name,
            guide.demand(found, column) or "选填",
            guide.kind(column),
            guide.ranges(column),
            (column.value_set or "") + ("（未知代码隔离）" if column.is_structural else ""),
            example(found, column),
            column.element or "",
            column.description + (column.conditional or ""),
        ]
        for number, column in enumerate(found.columns, start=1)
    ]
    _write_table(book, sheet, titles, rows, (6, 22, 26, 8, 12, 26, 24, 22, 18, 70))


def _write_codes(book: Workbook, sheet: Worksheet, found: Dataset) -> dict[str, str]:
    """Write the value sets of the dataset; value set → formula of the cells with its codes."""
    rows: list[list[str]] = []
    lists: dict[str, str] = {}
    for name in dict.fromkeys(column.value_set for column in found.columns if column.value_set):
        entry = value_set_catalogue()[name]
        first = len(rows) + 2
        standard = f"{entry['standard']} {entry['version']}"
        rows += [[entry["title"], name, code, label, standard] for code, label in value_set(name).items()]
        lists[name] = f"='{CODE_SHEET}'!$C${first}:$C${len(rows) + 1}"
    _write_table(book, sheet, ["值域", "值域英文名", "代码", "名称", "标准"], rows, (26, 24, 22, 44, 50))
    return lists


def _height(texts: Sequence[str], widths: Sequence[int]) -> int:
    """Pixels that a row of wrapped texts needs in columns of these widths: not every program fits rows."""
    lines = 1
    for text, width in zip(texts, widths, strict=True):
        lines = max(lines, -(-sum(1 if character.isascii() else 2 for character in text) // width))
    return _ROW_PIXELS * lines + 3


def _write_table(
    book: Workbook,
    sheet: Worksheet,
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    widths: Sequence[int],
) -> None:
    cell = book.add_format(_FONT | {"text_wrap": True, "valign": "top", "num_format": "@"})
    head = _header_format(book, "")
    for position, (title, width) in enumerate(zip(titles, widths, strict=True)):
        sheet.set_column(position, position, width, cell)
        sheet.write_string(0, position, title, head)
    for number, row in enumerate(rows, start=1):
        sheet.set_row_pixels(number, _height(row, widths))
        for position, value in enumerate(row):
            sheet.write_string(number, position, value, cell)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(rows), 1), len(titles) - 1)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)

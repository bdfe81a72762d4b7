"""Fills templates as a person would: typed cells below the header, with the format of their column.

No expectations live here. Nothing of the contract is asked for: types and headers come from the template.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import fastexcel

Row = Mapping[str, str]
"""Chinese header → text as typed."""

_SPACE = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
_ZERO = datetime(1899, 12, 30)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class Workbook:
    """A template in XLSX: what its sheets say, and the same file with rows filled in."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            self.parts = {name: book.read(name) for name in book.namelist()}

    @cached_property
    def sheet(self) -> ElementTree.Element:
        """The first sheet."""
        return ElementTree.fromstring(self.parts["xl/worksheets/sheet1.xml"])

    @cached_property
    def formats(self) -> list[str]:
        """Number format of every column of the first sheet: `@`, `yyyy-mm-dd` …, empty for general."""
        styles = ElementTree.fromstring(self.parts["xl/styles.xml"])
        own = {
            node.get("numFmtId"): node.get("formatCode", "")
            for node in styles.iterfind(".//m:numFmt", _SPACE)
        }
        cells = styles.findall("./m:cellXfs/m:xf", _SPACE)
        known = {"0": "", "49": "@"} | own
        return [known[cells[style].get("numFmtId", "0")] for style in self._styles]

    @cached_property
    def _styles(self) -> list[int]:
        found: list[int] = []
        for node in self.sheet.iterfind("./m:cols/m:col", _SPACE):
            found += [int(node.get("style", "0"))] * (
                int(node.get("max", "0")) - int(node.get("min", "0")) + 1
            )
        return found

    @property
    def sheet_names(self) -> list[str]:
        """Names of the sheets in order."""
        return fastexcel.read_excel(self.content).sheet_names

    def table(self, sheet: str | int) -> list[dict[str, str]]:
        """Rows of a sheet as header → text."""
        frame = (
            fastexcel.read_excel(self.content).load_sheet(sheet, header_row=None, dtypes="string").to_polars()
        )
        header, *rows = frame.rows()
        return [
            dict(zip(header, ["" if cell is None else cell for cell in row], strict=True)) for row in rows
        ]

    @cached_property
    def header(self) -> list[str]:
        """First row of the first sheet."""
        frame = fastexcel.read_excel(self.content).load_sheet(0, header_row=None, dtypes="string").to_polars()
        return list(frame.row(0))

    @property
    def rules(self) -> dict[str, dict[str, str]]:
        """Header → attributes of its validation with `formula1` and `formula2`; all rows but the first."""
        found = {}
        for node in self.sheet.iterfind("./m:dataValidations/m:dataValidation", _SPACE):
            area = re.fullmatch(r"([A-Z]+)2:(?:\1)100001", node.get("sqref", ""))
            assert area, node.get("sqref")
            formulas = {name: node.findtext(f"m:{name}", "", _SPACE) for name in ("formula1", "formula2")}
            found[self.header[_position(area[1])]] = dict(node.attrib) | formulas
        return found

    @property
    def comments(self) -> list[str]:
        """Texts of the comments, in the order of the headers."""
        found = ElementTree.fromstring(self.parts["xl/comments1.xml"])
        return ["".join(node.itertext()) for node in found.iterfind(".//m:comment/m:text", _SPACE)]

    def filled(self, rows: Sequence[Row]) -> bytes:
        """The workbook with rows typed in below the header; a program would store them like this."""
        lines = []
        for number, row in enumerate(rows, start=2):
            cells = [
                self._cell(f"{_letters(position)}{number}", position, row[title])
                for position, title in enumerate(self.header)
                if row.get(title, "") != ""
            ]
            lines.append(f'<row r="{number}">{"".join(cells)}</row>')
        parts = dict(self.parts)
        sheet = parts["xl/worksheets/sheet1.xml"].decode("utf-8")
        assert sheet.count("</sheetData>") == 1
        parts["xl/worksheets/sheet1.xml"] = sheet.replace(
            "</sheetData>", "".join(lines) + "</sheetData>"
        ).encode()
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as book:
            for name, part in parts.items():
                book.writestr(name, part)
        return content.getvalue()

    def _cell(self, place: str, position: int, text: str) -> str:
        """A cell as a spreadsheet makes it of what is typed into this column."""
        start = f'<c r="{place}" s="{self._styles[position]}"'
        if self.formats[position].startswith("yyyy") and (serial := _serial(text)) is not None:
            return f"{start}><v>{serial!r}</v></c>"
        if self.formats[position] == "" and _NUMBER.fullmatch(text):
            return f"{start}><v>{text}</v></c>"
        return f'{start} t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def _serial(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    days = (moment - _ZERO).total_seconds() / 86400
    return days if moment.date() >= date(1900, 3, 1) else None


def _letters(position: int) -> str:
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _position(letters: str) -> int:
    position = 0
    for letter in letters:
        position = position * 26 + ord(letter) - 64
    return position - 1


def filled_csv(template: bytes, rows: Sequence[Row]) -> bytes:
    """The CSV template with rows below the header."""
    header = next(csv.reader(io.StringIO(template.decode("utf-8-sig"), newline="")))
    lines = io.StringIO(newline="")
    csv.writer(lines).writerows([row.get(title, "") for title in header] for row in rows)
    return template + lines.getvalue().encode("utf-8")

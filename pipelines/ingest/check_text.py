"""A check for people: one page of text that fits 80 columns, in Chinese or English, grouped by reason.

Not here: what is said (`check_document.py`); this only lays it out. Widths count a Chinese character as two.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pipelines.contract import model

WIDTH = 80
_FIRST_VALUES = 5
_TOKEN = re.compile(r"[!-~]+ ?|\s+|.", re.DOTALL)
_NEVER_FIRST = "，。、；：！？）”》…·"

Words = Callable[[str, str], str]
"""Chooses between a Chinese and an English wording."""

Mark = Callable[[str, str], str]
"""Colours a text: kind (good, bad, warn, dim, head) and text; on a plain pipe it changes nothing."""


def plain(kind: str, text: str) -> str:
    """The mark of a plain pipe."""
    del kind
    return text


def width_of(text: str) -> int:
    """Columns that a text takes; ambiguous characters count as two, as Chinese terminals draw them."""
    return sum(2 if unicodedata.east_asian_width(character) in "WFA" else 1 for character in text)


def wrapped(text: str, indent: int = 0, hanging: int | None = None) -> list[str]:
    """A text in lines of at most `WIDTH` columns; later lines are indented by `hanging`."""
    lines, line = [], " " * indent
    later = " " * (indent if hanging is None else hanging)
    for token in _TOKEN.findall(text):
        fits = width_of(line) + width_of(token.rstrip()) <= WIDTH
        if not fits and line.strip() and token not in _NEVER_FIRST:
            lines.append(line.rstrip())
            line = later + token.lstrip()
        else:
            line += token
    return [*lines, line.rstrip()] if line.strip() else lines


def as_text(document: dict[str, Any], words: Words, mark: Mark = plain) -> str:
    """The page of a document of `check_document.as_document`."""
    return "\n".join(_Page(words, mark).lines(document)) + "\n"


class _Page:
    """Lays out one document in one language."""

    def __init__(self, words: Words, mark: Mark) -> None:
        self._words = words
        self._mark = mark

    def lines(self, document: dict[str, Any]) -> Iterator[str]:
        """All lines of the page."""
        yield from self._head(document)
        if len(document["files"]) > 1:
            yield ""
            yield from self._table(document["files"])
        for file in document["files"]:
            yield ""
            yield from self._file(file, document["kind"] == "file")
        yield ""
        yield from self._foot(document)

    def _head(self, document: dict[str, Any]) -> Iterator[str]:
        words, rows = self._words, document["rows"]
        if document["kind"] == "delivery":
            title = words("报送检查  单位 {} 日期 {} 批次 {}", "Check of a delivery  unit {} day {} batch {}")
            title = title.format(document["unit"], document["day"], document["batch"])
        else:
            title = words("文件检查  {}", "Check of a file  {}").format(document["files"][0]["path"])
        yield self._mark("head", title)
        verdict, kind = {
            "clean": (words("可以报送：全部接收。", "Ready to send: everything would be accepted."), "good"),
            "findings": (
                words("需要改正：有内容不能入湖。", "To be mended: not everything would be accepted."),
                "bad",
            ),
            "unreadable": (words("无法读取。", "Unreadable."), "bad"),
        }[document["verdict"]]
        yield words("结论  ", "Verdict  ") + self._mark(kind, verdict) + self._noted(document)
        equation = words(
            "合计  {} 行 = 可接收 {} + 隔离 {} + 拒收 {}",
            "Rows  {} = accepted {} + quarantined {} + refused {}",
        ).format(*(_number(rows[name]) for name in ("manifest", "accepted", "quarantined", "refused")))
        yield equation + self._share(rows, words("，可接收 ", ", accepted "))
        if document["reason"]:
            yield from self._refusal(document["reason"], 0, None)
        for notice in document["notices"]:
            yield from self._said(words("提示  ", "Note  "), notice, "warn", 0, None)
        if document["ignored_manifest_keys"]:
            names = words("、", ", ").join(document["ignored_manifest_keys"])
            yield from wrapped(
                words("清单中不认识、将忽略的键：", "Unknown keys of the manifest, ignored: ") + names
            )

    def _noted(self, document: dict[str, Any]) -> str:
        count = len(document["notices"]) + bool(document["ignored_manifest_keys"])
        for file in document["files"]:
            count += len(file["warnings"]) + len(file["identity_issues"]) + bool(file["unknown_columns"])
        if not count:
            return ""
        return self._words(f"另有 {count} 处提示。", f" Notes: {count}.")

    def _table(self, files: Sequence[dict[str, Any]]) -> Iterator[str]:
        """Files that cannot come in whole stand first."""
        words = self._words
        titles = (
            words("文件", "file"),
            words("数据集", "dataset"),
            words("行数", "rows"),
            words("可接收", "accepted"),
        )
        yield self._mark("dim", _row(*titles))
        for file in sorted(files, key=lambda item: _share_of(item["rows"], item["status"])):
            is_refused = file["status"] == "refused"
            share = words("拒收", "refused") if is_refused else _percent(file["rows"]["accepted_share"])
            name = file["title"] if words("zh", "en") == "zh" else file["dataset"]
            line = _row(file["path"], name or file["dataset"] or "", _number(file["rows"]["manifest"]), share)
            yield self._mark("bad" if is_refused else "", line) if is_refused else line

    def _file(self, file: dict[str, Any], is_single: bool) -> Iterator[str]:
        words, rows = self._words, file["rows"]
        name = file["title"] if words("zh", "en") == "zh" else file["dataset"]
        yield self._mark("head", "== " + file["path"]) + (f"  {name or ''}" if name else "")
        if file["reason"]:
            yield from self._refusal(file["reason"], 2, file["dataset"])
        else:
            found = words("{} 行，隔离 {} 行", "{} rows, {} quarantined").format(
                _number(rows["manifest"]), _number(rows["quarantined"])
            )
            yield "  " + found + self._share(rows, words("，可接收 ", ", accepted "))
        if is_single and file["status"] == "accepted":
            # what a manifest has to say of the file
            yield f"  rows {rows['manifest']}" + (
                f"  encoding {file['encoding']}" if file["encoding"] else ""
            )
            yield f"  sm3 {file['sm3']}"
        if file["unknown_columns"]:
            names = words("、", ", ").join(file["unknown_columns"])
            label = words("契约中没有、不会入湖的列：", "Columns that the contract lacks, not stored: ")
            yield from wrapped(label + names, 2)
        sections = (
            ("quarantine_reasons", words("隔离（这些行不入湖）", "Quarantined (these rows are kept out)")),
            ("warnings", words("提示（照常接收）", "Notes (accepted all the same)")),
            ("identity_issues", words("证件检查（照常接收）", "Identity numbers (accepted all the same)")),
        )
        for key, title in sections:
            if file[key]:
                yield self._mark("dim", "  -- " + title)
            for finding in file[key]:
                yield from self._finding(finding, rows["manifest"])

    def _finding(self, finding: dict[str, Any], total: int) -> Iterator[str]:
        words = self._words
        grade = {
            "ERROR": ("bad", words("错误", "ERROR")),
            "WARN": ("warn", words("提示", "WARN")),
            "INFO": ("dim", words("说明", "INFO")),
        }[finding["grade"]]
        count = words("{} 行", "{} rows").format(_number(finding["count"]))
        share = _percent(finding["count"] / total) if total else ""
        title = (finding["title"] if words("zh", "en") == "zh" else finding["column"]) or ""
        yield (
            "  "
            + self._mark(*grade)
            + f" {count} ({share})  {title}  [{finding['code']}]".replace("    ", "  ")
        )
        yield from wrapped(words(finding["sentence"], finding["english"]), 6)
        yield from wrapped(self._rows(finding), 6)
        if allowed := finding["allowed"]:
            bounds = [
                ("" if allowed[name] is None else f"{allowed[name]:g}") for name in ("minimum", "maximum")
            ]
            yield "      " + words("范围 ", "range ") + " ~ ".join(bounds)
        if finding["values"]:
            yield from wrapped(self._values(finding), 6)

    def _rows(self, finding: dict[str, Any]) -> str:
        words = self._words
        text = words("行号 ", "rows ") + words("、", ", ").join(str(row) for row in finding["first_rows"])
        if finding["count"] > len(finding["first_rows"]):
            text += words("、…共 {} 行", ", … {} rows").format(_number(finding["count"]))
        return text

    def _values(self, finding: dict[str, Any]) -> str:
        words = self._words
        is_masked = all(item["is_masked"] for item in finding["values"])
        label = words("形如 ", "like ") if is_masked else words("值 ", "values ")
        pieces = []
        for item in finding["values"][:_FIRST_VALUES]:
            meant = words("，应填 {}", ", means {}").format(item["code"]) if item["code"] else ""
            pieces.append(f"{item['value']} ({_number(item['count'])}{meant})")
        rest = sum(item["count"] for item in finding["values"][_FIRST_VALUES:]) + finding["other_values"]
        if rest:
            pieces.append(words("其他 ({})", "others ({})").format(_number(rest)))
        return label + words("、", ", ").join(pieces)

    def _refusal(self, reason: dict[str, str], indent: int, dataset: str | None) -> Iterator[str]:
        yield from self._said(self._words("拒收  ", "Refused  "), reason, "bad", indent, dataset)

    def _said(
        self, label: str, reason: dict[str, str], kind: str, indent: int, dataset: str | None
    ) -> Iterator[str]:
        words = self._words
        detail = _with_titles(reason["detail"], dataset) if words("zh", "en") == "zh" else reason["detail"]
        text = words(reason["sentence"], reason["english"]) + (f" ({detail})" if detail else "")
        lines = wrapped(label + text + f" [{reason['code']}]", indent, indent + 2)
        yield from (line.replace(label, self._mark(kind, label), 1) for line in lines)

    def _share(self, rows: dict[str, Any], label: str) -> str:
        return label + _percent(rows["accepted_share"]) if rows["accepted_share"] is not None else ""

    def _foot(self, document: dict[str, Any]) -> Iterator[str]:
        words = self._words
        text = words(
            "行号从第一行数据算起，不含表头。标识、日期、读数只显示形状：数字写作 9，字母写作 A 或 a，"
            "汉字写作 张*。本检查与入湖使用同一套判定，不存储任何内容。",
            "Rows count from the first row of data. Of identifiers, days and readings only the shape "
            "is shown: 9 a digit, A or a a letter, 张* other writing. Ingest judges by the same code; "
            "nothing is stored.",
        )
        if document["kind"] == "delivery":
            text += words(
                "批次号以前是否用过，只有收取时才知道。",
                " Whether the batch was used before shows on arrival.",
            )
        yield from (self._mark("dim", line) for line in wrapped(text))


def _row(path: str, dataset: str, rows: str, share: str) -> str:
    return "  ".join(
        (_padded(path, 34), _padded(dataset, 20), _padded(rows, 12, True), _padded(share, 8, True))
    )


def _padded(text: str, width: int, is_right: bool = False) -> str:
    """A text cut or filled to `width` columns."""
    if width_of(text) > width:
        while width_of(text) > width - 2:
            text = text[:-1]
        text += ".."
    fill = " " * (width - width_of(text))
    return fill + text if is_right else text + fill


def _number(count: int) -> str:
    return f"{count:,}"


def _percent(share: float | None) -> str:
    """A share with two decimals that never rounds a part up to the whole or down to nothing."""
    if share is None:
        return "-"
    rounded = round(share * 100, 2)
    if share < 1 and rounded == 100:
        rounded = 99.99
    if share > 0 and rounded == 0:
        return "<0.01%"
    return f"{rounded:.2f}%"


def _share_of(rows: dict[str, Any], status: str) -> float:
    return (
        -1.0 if status == "refused" else rows["accepted_share"] if rows["accepted_share"] is not None else 1.0
    )


def _with_titles(detail: str, dataset: str | None) -> str:
    """Column names inside a detail with their Chinese headers."""
    if not dataset or dataset not in model.datasets():
        return detail
    columns = model.dataset(dataset).by_name
    return re.sub(r"[a-z_0-9]+", lambda found: _with_title(found[0], columns), detail)


def _with_title(name: str, columns: Any) -> str:
    return f"{columns[name].title} {name}" if name in columns else name

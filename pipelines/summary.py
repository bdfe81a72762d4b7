"""What the commands say at their end: where things are, what was found, how the installation stands.

Not here: the counts themselves (pipelines.publish.figures).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

from pipelines import audit, keys
from pipelines.publish import fingerprint, marts
from pipelines.run import EXIT_PUBLISHED, Outcome
from pipelines.settings import Settings
from pipelines.words import spoken

Words = Callable[[str, str], str]

STATUS_NAMES = {
    "MANAGED": ("在管", "managed"),
    "LOST": ("失访", "lost"),
    "DEAD": ("死亡", "dead"),
    "MOVED_OUT": ("迁出", "moved out"),
}


def outcome_text(settings: Settings, outcome: Outcome, words: Words) -> str:
    """The last lines of `yudang run`."""
    lines: list[str] = []
    if outcome.code != EXIT_PUBLISHED:
        lines.append(
            words(
                "没有发布：检查未通过，上一次的数据集市保持不变。",
                "not published; the last good marts stand.",
            )
        )
        lines += [f"  · {_spoken(reason, words)}" for reason in outcome.reasons]
        lines.append(words("详情见 Dagster（yudang serve）。", "details: Dagster (yudang serve)."))
        return "\n".join(lines)
    if outcome.is_unchanged:
        lines.append(
            words("没有变化，无需重建（--rebuild 可强制重建）。", "nothing changed; --rebuild builds anyway.")
        )
    lines += figures_lines(outcome.facts, words)
    lines.append("")
    lines += places_lines(settings, words)
    return "\n".join(lines)


def _spoken(text: str, words: Words) -> str:
    return words(spoken(text, "zh"), spoken(text, "en"))


def places_lines(settings: Settings, words: Words) -> list[str]:
    """Where the published things are."""
    return [
        words(f"数据集市   {settings.marts_file}", f"marts        {settings.marts_file}"),
        words(f"单位集市   {settings.units_dir}", f"unit marts   {settings.units_dir}"),
        words(
            f"质量报告   {settings.reports / 'index.html'}", f"reports      {settings.reports / 'index.html'}"
        ),
        words(f"回执       {settings.feedback}", f"receipts     {settings.feedback}"),
        words(f"Dagster    {settings.dagster_home}", f"Dagster home {settings.dagster_home}"),
    ]


def figures_lines(facts: dict[str, Any], words: Words) -> list[str]:
    """What was found, in a dozen lines."""
    if not facts:
        return []
    versions = facts["row_version_counts"]
    lines = [
        words(
            f"评价日期 {facts['as_of_date']}，认知截止 {facts['known_at']}，"
            f"规则集 {facts['ruleset_version']}",
            f"as of {facts['as_of_date']}, known at {facts['known_at']}, rules {facts['ruleset_version']}",
        ),
        words(
            f"报送   {facts['delivery_count']} 个（{facts['unit_count']} 个单位），"
            f"整体拒收 {facts['refused_delivery_count']}，拒收文件 {facts['refused_file_count']}",
            f"deliveries   {facts['delivery_count']} of {facts['unit_count']} units, "
            f"{facts['refused_delivery_count']} refused, {facts['refused_file_count']} files refused",
        ),
        words(
            f"行     接收 {facts['accepted_row_count']} = 现行 {versions['current']} + 被取代 "
            f"{versions['superseded']} + 重复 {versions['repeated']} + 被撤回 {versions['withdrawn']}；"
            f"隔离 {facts['quarantined_row_count']}，拒收 {facts['refused_row_count']}",
            f"rows         {facts['accepted_row_count']} accepted = {versions['current']} current + "
            f"{versions['superseded']} superseded + {versions['repeated']} repeated + "
            f"{versions['withdrawn']} withdrawn; {facts['quarantined_row_count']} quarantined, "
            f"{facts['refused_row_count']} refused",
        ),
        words(
            f"人     {facts['person_count']} 人有档案，其中 {facts['duplicated_person_count']} 人有重复档案",
            f"persons      {facts['person_count']} with an archive, "
            f"{facts['duplicated_person_count']} of them with more than one",
        ),
        words("状态   ", "status       ")
        + words("，", ", ").join(
            f"{words(*STATUS_NAMES.get(code, (code, code)))} {count}"
            for code, count in sorted(facts["status_counts"].items(), key=lambda item: -item[1])
        ),
    ]
    lines += [words("指标   ", "indicator    ") + indicator_line(one, words) for one in facts["indicators"]]
    lines.append(
        words(
            f"警告   {facts['warning_count']} 项（见质量报告与回执）；规则发现 {facts['finding_count']} 条",
            f"warnings     {facts['warning_count']} (reports, receipts); {facts['finding_count']} findings",
        )
    )
    return lines


def indicator_line(one: dict[str, Any], words: Words) -> str:
    """One indicator with its parts; a rate never stands without its denominator."""
    rate = words("无法计算", "not computable") if one["rate"] is None else f"{one['rate']:.2%}"
    denominator = "–" if one["denominator_count"] is None else one["denominator_count"]
    named = f"{one['indicator_id']} {one['name']} {one['period']}"
    parts = f"{one['numerator_count']}/{denominator}"
    return words(
        f"{named}：{rate}（{parts}，无法判定 {one['not_evaluable_count']}）",
        f"{named}: {rate} ({parts}, not evaluable {one['not_evaluable_count']})",
    )


def status_text(settings: Settings, words: Words) -> str:
    """The answer of `yudang status`: what stands published, what waits, disk and keys."""
    facts = marts.recorded(settings)
    lines = []
    if facts:
        lines += figures_lines(facts, words)
        is_current = facts["fingerprint"]["inbox"] == fingerprint.inbox_digest(settings)
        lines.append(
            words("收件箱 没有新的报送", "inbox        nothing new")
            if is_current
            else words("收件箱 有变化，请运行 yudang run", "inbox        changed; run `yudang run`")
        )
    else:
        lines.append(
            words("还没有发布过数据集市；请运行 yudang run。", "nothing is published yet; run `yudang run`.")
        )
    entries = audit.runs(settings).entries()
    if entries:
        last = entries[-1]
        how = words("已发布", "published") if last["is_published"] else words("未发布", "not published")
        lines.append(words(f"末次运行 {last['ended_at']} {how}", f"last run     {last['ended_at']} {how}"))
        lines += [f"  · {_spoken(reason, words)}" for reason in last["reasons"]]
    probe = settings.home if settings.home.exists() else settings.home.parent
    free = shutil.disk_usage(probe if probe.exists() else "/").free
    lines.append(words(f"磁盘   剩余 {free / 1e9:.1f} GB", f"disk         {free / 1e9:.1f} GB free"))
    try:
        keys.self_test()
        keys.check_site_key(settings.site_key_file)
        lines.append(words("密钥   正常", "keys         in order"))
    except keys.KeyMaterialError as error:
        lines.append(words("密钥   ", "keys         ") + _spoken(str(error), words))
    return "\n".join(lines)

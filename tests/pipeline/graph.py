"""The asset graph as text, written by `python -m tests.pipeline.graph`: keys, groups, dependencies, checks.

Not here: any judgement of the graph.
"""

from __future__ import annotations

from pathlib import Path

SNAPSHOT = Path(__file__).with_name("asset_graph.txt")


def described() -> str:
    """One line per asset with its dependencies, then its checks; jobs, schedules and sensors at the end."""
    from pipelines.definitions import build_definitions

    definitions = build_definitions()
    graph = definitions.resolve_asset_graph()
    checks: dict[str, list[str]] = {}
    for check in graph.asset_check_keys:
        checks.setdefault(check.asset_key.to_user_string(), []).append(check.name)
    lines = []
    for key in sorted(graph.get_all_asset_keys(), key=lambda one: one.path):
        node = graph.get(key)
        parents = " ".join(sorted(parent.to_user_string() for parent in node.parent_keys))
        partitions = " partitioned" if node.partitions_def else ""
        lines.append(f"{key.to_user_string()} [{node.group_name}]{partitions} <- {parents or '-'}")
        lines += [f"    ? {name}" for name in sorted(checks.get(key.to_user_string(), ()))]
    repository = definitions.get_repository_def()
    lines += [f"job {job.name}" for job in sorted(repository.get_all_jobs(), key=lambda one: one.name)]
    lines += [f"schedule {one.name} {one.cron_schedule}" for one in repository.schedule_defs]
    lines += [f"sensor {one.name}" for one in repository.sensor_defs]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    SNAPSHOT.write_text(described(), encoding="utf-8")

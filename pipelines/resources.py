"""The Dagster resource that gives every stage of a run the same workspace and holds the writer's lock.

Not here: the stages; each stage's assets lie in its own folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import dagster as dg
from pydantic import Field

from pipelines.settings import Settings
from pipelines.warehouse.control import parse_moment
from pipelines.workspace import RunOptions, Workspace, clear_leftovers, writer_lock


class WorkspaceResource(dg.ConfigurableResource):
    """Options of a run as Dagster configuration, filled by the UI's launchpad and by the command line."""

    home: str = Field(default="", description="根目录；空为环境变量 YUDANG_HOME。 Home folder.")
    inbox: str = Field(default="", description="收件箱；空为根目录下的 inbox。 Inbox folder.")
    checkout: str = Field(default="", description="程序目录；空为本程序所在。 Folder of the program.")
    language: str = Field(default="", description="消息语言 zh 或 en。 Language of messages.")
    unit: str = Field(default="", description="只接收该报送单位。 Only this reporting unit.")
    day: str = Field(default="", description="只接收该日 YYYY-MM-DD。 Only deliveries of this day.")
    as_of: str = Field(default="", description="评价日期；空为湖中最新一日。 Evaluation date.")
    known_at: str = Field(default="", description="认知截止时刻；空为最新报送时间。 Cut-off.")
    parameters: dict[str, str] = Field(default={}, description="本次运行的参数覆盖。 Parameter overrides.")
    rebuild: bool = Field(
        default=False, description="指定单位或日期时重新读取。 Read the chosen deliveries again."
    )
    accept_shrink: bool = Field(
        default=False, description="允许集市表明显缩小。 Publish although a table shrank."
    )
    parquet: bool = Field(default=False, description="同时输出 Parquet。 Also write Parquet copies.")

    @classmethod
    def configured_for(cls, workspace: Workspace) -> dict[str, object]:
        """Run configuration of this resource that leads to the given workspace."""
        options = workspace.options
        return {
            "home": str(workspace.settings.home),
            "inbox": str(workspace.settings.inbox),
            "checkout": str(workspace.settings.checkout),
            "language": workspace.settings.language,
            "unit": options.unit or "",
            "day": options.day.isoformat() if options.day else "",
            "as_of": options.as_of.isoformat() if options.as_of else "",
            "known_at": options.known_at.isoformat(" ") if options.known_at else "",
            "parameters": dict(options.parameters),
            "rebuild": options.rebuild,
            "accept_shrink": options.accept_shrink,
            "parquet": options.parquet,
        }

    def get(self) -> Workspace:
        """Settings and options as the stages take them."""
        settings = Settings.load(
            home=self.home or None,
            inbox=self.inbox or None,
            checkout=self.checkout or None,
            language=self.language or None,
        )
        options = RunOptions(
            unit=self.unit or None,
            day=date.fromisoformat(self.day) if self.day else None,
            as_of=date.fromisoformat(self.as_of) if self.as_of else None,
            known_at=parse_moment(self.known_at) if self.known_at else None,
            parameters=self.parameters,
            rebuild=self.rebuild,
            accept_shrink=self.accept_shrink,
            parquet=self.parquet,
        )
        return Workspace(settings, options)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[WorkspaceResource]:
        """Hold the lock for the whole run, so that no second run clears or swaps files under this one."""
        settings = self.get().settings
        with writer_lock(settings):
            clear_leftovers(settings)
            yield self

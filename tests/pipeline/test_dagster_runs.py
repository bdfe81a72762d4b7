"""What the UI and the daemon start: one unit and day again, the inbox sensor, a part of the warehouse."""

from __future__ import annotations

import pytest

from pipelines.definitions import DELIVERY_JOB, build_definitions
from tests.conftest import CANARY_UNIT, SampleRun

PARTITION = f"2026-06-02|{CANARY_UNIT}"


@pytest.fixture
def definitions(own_copy: SampleRun):
    return build_definitions(settings=own_copy.settings)


def evaluated(definitions, own_copy: SampleRun, cursor: str | None = None):
    from dagster import DagsterInstance, build_sensor_context

    sensor = definitions.get_sensor_def("inbox")
    with DagsterInstance.from_config(str(own_copy.home / "dagster")) as instance:
        return sensor.evaluate_tick(build_sensor_context(instance=instance, cursor=cursor))


def test_one_unit_and_day_can_be_read_again_and_wakes_the_sensor(definitions, own_copy: SampleRun) -> None:
    from dagster import AssetKey, DagsterInstance

    assert evaluated(definitions, own_copy).run_requests == []
    register = own_copy.home / "lake" / "delivery_file" / f"unit={CANARY_UNIT}" / "day=2026-06-02"
    (before,) = register.iterdir()
    stamp = before.stat().st_mtime_ns
    config = {"workspace": {"config": {"home": str(own_copy.home), "inbox": str(own_copy.city / "inbox")}}}
    with DagsterInstance.from_config(str(own_copy.home / "dagster")) as instance:
        result = definitions.resolve_job_def(DELIVERY_JOB).execute_in_process(
            instance=instance, partition_key=PARTITION, run_config={"resources": config}
        )
        assert result.success
        event = instance.get_latest_materialization_event(AssetKey("delivery"))
    assert event.asset_materialization.partition == PARTITION
    metadata = {name: value.value for name, value in event.asset_materialization.metadata.items()}
    assert metadata["delivery_count"] == 1
    assert (metadata["accepted_row_count"], metadata["quarantined_row_count"]) == (1, 1)
    (after,) = register.iterdir()
    assert after.stat().st_mtime_ns != stamp

    woken = evaluated(definitions, own_copy)
    assert len(woken.run_requests) == 1
    # the same state is tried once, whatever became of it
    assert evaluated(definitions, own_copy, cursor=woken.cursor).run_requests == []


def test_the_sensor_sees_a_new_delivery(definitions, own_copy: SampleRun, tmp_path) -> None:
    from dataclasses import replace

    inbox = tmp_path / "inbox"
    (inbox / CANARY_UNIT / "2026-07-01" / "x").mkdir(parents=True)
    (inbox / CANARY_UNIT / "2026-07-01" / "x" / "manifest.json").write_text("{}", encoding="utf-8")
    elsewhere = build_definitions(settings=replace(own_copy.settings, inbox=inbox))
    assert len(evaluated(elsewhere, own_copy).run_requests) == 1


def test_every_partition_is_a_known_unit_and_a_day(definitions) -> None:
    from dagster import AssetKey

    partitions = definitions.resolve_asset_graph().get(AssetKey("delivery")).partitions_def
    unit = partitions.get_partitions_def_for_dimension("unit")
    assert {"500000", CANARY_UNIT, "500157"} <= set(unit.get_partition_keys())
    assert {one.name for one in partitions.partitions_defs} == {"unit", "day"}


def test_the_instance_is_made_from_the_settings_at_the_root(own_copy: SampleRun) -> None:
    from tests.conftest import REPOSITORY

    assert (own_copy.home / "dagster" / "dagster.yaml").read_bytes() == (
        REPOSITORY / "dagster.yaml"
    ).read_bytes()

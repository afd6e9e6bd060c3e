"""The dated tables that are data only: guest operating systems and the timings of jobs."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import pytest

from labkit.engine import resources

SYSTEMS: dict[str, dict[str, Any]] = {row["name"]: row for row in resources.yaml("guest-os.yml")["systems"]}
TIMINGS: dict[str, list[dict[str, Any]]] = resources.yaml("timings.yml")


@pytest.mark.parametrize(
    ("name", "integration"),
    [
        ("Windows Server 2012 R2", "built-in"),
        ("Windows Server 2012", "upgrade"),
        ("Windows Server 2008 R2 SP1", "upgrade"),
        ("Windows Server 2008 SP2 (x64)", "upgrade"),
        ("CentOS 5.8", "install"),
        ("CentOS 5.9", "built-in"),
        ("CentOS 6.3", "install"),
        ("CentOS 6.4", "built-in"),
        ("CentOS 7.0", "built-in"),
        ("SUSE Linux Enterprise Server 11 SP2", "built-in"),
        ("Ubuntu Server 12.04", "built-in"),
    ],
)
def test_supported_systems_and_their_integration_services(name: str, integration: str) -> None:
    """The guide's systems are supported, 64-bit, and say what their integration services need."""
    row = SYSTEMS[name]
    assert (row["supported"], row["bits"], row["integration"]) == (True, 64, integration)


def test_other_systems() -> None:
    """FreeBSD is outside the guarantee and declared as Other Linux (64-bit); no 32-bit system is supported."""
    assert not SYSTEMS["FreeBSD 10.0"]["supported"]
    assert SYSTEMS["FreeBSD 10.0"]["declared"] == "Other Linux (64-bit)"
    assert not any(row["supported"] for row in SYSTEMS.values() if row["bits"] == 32)
    assert any(row["bits"] == 32 for row in SYSTEMS.values())


def test_every_system_is_complete() -> None:
    """Every row has family, a remark that is in the table, a boot time, and a name nobody else answers to."""
    remarks = resources.yaml("guest-os.yml")["remarks"]
    names = [name.casefold() for row in SYSTEMS.values() for name in (row["name"], *row.get("aliases", ()))]
    assert len(names) == len(set(names))
    for row in SYSTEMS.values():
        assert row["family"] in ("windows", "linux", "other")
        assert row["remark"] in remarks
        assert row["boot_s"] > 0
        assert row.get("declared", row["name"]) in SYSTEMS


@pytest.mark.rule("2.8-2")
def test_enabling_takes_the_times_of_the_guides_run() -> None:
    """The five steps start 0, 0, 48, 56 and 65 seconds after 7:40:33, and each shows as one minute."""
    tasks = TIMINGS["EnableDr"]
    starts = accumulate((task["ms"] for task in tasks[:-1]), initial=0)
    assert [start // 1000 for start in starts] == [0, 0, 48, 56, 65]
    assert [-(-task["ms"] // 60_000) for task in tasks] == [1, 1, 1, 1, 1]


def test_every_task_has_name_title_duration_and_source() -> None:
    """Every job has tasks, each once, with a duration in whole milliseconds and a source."""
    assert len(TIMINGS) == 30
    for job, tasks in TIMINGS.items():
        assert len({task["task"] for task in tasks}) == len(tasks) > 0, job
        for task in tasks:
            assert set(task) == {"task", "title", "ms", "source"}
            assert all(isinstance(task[key], str) and task[key] for key in ("task", "title", "source"))
            assert isinstance(task["ms"], int)
            assert task["ms"] >= 0

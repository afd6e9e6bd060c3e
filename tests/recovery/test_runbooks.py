"""Scripts in a plan: run for real, outside of the lab's history, at least once (rule 3.2-4)."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import labkit
from labkit.lab import Lab, trust
from tests.conftest import Rounds
from tests.recovery.labs import error_of, facts, task_states, twin
from tests.recovery.planlabs import APP, DB, order, runbook, script, tiers_lab

ROOT = Path(__file__).resolve().parents[2]
KEEP = """
import json, os, pathlib, sys
context = json.loads(pathlib.Path(sys.argv[1]).read_text("utf-8"))
assert sys.argv[1] == os.environ["LABKIT_RUNBOOK_CONTEXT"]
with open({told!r}, "a", encoding="utf-8") as file:
    file.write(json.dumps(context) + "\\n")
print("切り替えました")
"""
NOTEBOOK = {
    "cells": [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "a",
            "metadata": {"tags": ["parameters"]},
            "outputs": [],
            "source": "context = {}",
        },
        {
            "cell_type": "code",
            "execution_count": None,
            "id": "b",
            "metadata": {},
            "outputs": [],
            "source": "print('plan', context['RecoveryPlanName'])\n"
            "assert context['VmMap']['DB']['RoleName'] == {role!r}",
        },
    ],
    "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with tiers_lab(tmp_path_factory.mktemp("tiers"), DB, APP, groups=[["DB"], ["APP"]]) as lab:
        return lab.path


@pytest.fixture
def tiers(_made: Path, tmp_path: Path) -> Iterator[Lab]:
    """A database and an application with the plan "Shop", in two groups."""
    with labkit.open(_made, read_only=True) as lab:
        lab.copy(tmp_path / "tiers.lab")
    with labkit.open(tmp_path / "tiers.lab") as lab:
        yield lab


def with_script(lab: Lab, text: str, **more: Any) -> Path:
    """A script after the first group; the file in which the runbook may tell something."""
    told = lab.path.with_name("told.txt")
    runbook(lab, text.replace("{told!r}", repr(str(told))))
    lab.vault.save_plan("Shop", [{"vms": ["DB"], "after": [script(**more)]}, ["APP"]])
    return told


@pytest.mark.rule("3.2-4")
def test_a_runbook_is_given_the_plans_context(tiers: Lab) -> None:
    """Name, type, direction, group, VMs with their roles; it takes the virtual time that the action declares."""
    told = with_script(tiers, KEEP, takes="7min")
    job = tiers.vault.planned_failover_plan("Shop", wait=True)
    context = json.loads(told.read_text("utf-8"))
    assert context == {
        "RecoveryPlanName": "Shop",
        "FailoverType": "Planned",
        "FailoverDirection": "PrimaryToSecondary",
        "GroupId": "Group1",
        "VmMap": {
            "DB": {"Group": "Group1", "CloudServiceName": "Shop", "RoleName": "DB"},
            "APP": {"Group": "Group2", "CloudServiceName": "Shop", "RoleName": "APP"},
        },
        "RunId": "run-0001",
    }
    ended = {fact["task"]: fact["at"] for fact in facts(tiers, "job.task", "Shop")}
    assert ended["Group1PostAction1"] - ended["BootGroup1ActionGroup"] == 7 * 60_000
    assert job.state == "Succeeded"
    assert (facts(tiers, "runbook.ended")[0]["outcome"], facts(tiers, "runbook.ended")[0]["code"]) == ("ended", 0)
    run = tiers.vault.runbook_runs[0]
    assert (run.outcome, run.code, run.output.strip()) == ("ended", 0, "切り替えました")
    assert tiers.verify() == []


@pytest.mark.rule("3.2-4")
def test_a_failing_runbook_stops_a_planned_failover(tiers: Lab) -> None:
    """The job ends with its exit code, the next group does not start; corrected it goes on, or it is skipped."""
    with_script(tiers, "import sys; print('no name server'); sys.exit(3)")
    job = tiers.vault.planned_failover_plan("Shop")
    error = error_of(lambda: tiers.wait(job))
    assert error.code == 900913
    assert "no name server" in error.message
    assert "3" in error.message
    assert job.state == "Failed"
    tiers.run("1h")
    assert [vm for vm, _ in order(tiers, "vm.started", "azure")] == ["DB"]
    with twin(tiers, "other.lab") as other:
        skipped = other.jobs[job.id].skip()
        other.wait(skipped)
        assert skipped.state == "Succeeded"
        assert task_states(skipped)["Group1PostAction1"] == "Skipped"
        assert len(facts(other, "runbook.ended")) == 1
    runbook(tiers, "print('well')")
    tiers.wait(job.restart())
    assert job.state == "Succeeded"
    assert [fact["run"] for fact in facts(tiers, "runbook.ended")] == [1, 2]
    assert [vm for vm, _ in order(tiers, "vm.started", "azure")] == ["DB", "APP"]


def test_vms_that_wait_for_their_start_are_counted_once(tiers: Lab) -> None:
    """20 cores, two A4 of 8: a run that stopped between their starts goes on, and readiness says so."""
    for vm in ("DB", "APP"):
        tiers.vault.set_target(vm, size="A4")
    with_script(tiers, "import sys; sys.exit(3)")
    assert error_of(lambda: tiers.vault.planned_failover_plan("Shop", wait=True)).code == 900913
    assert tiers.azure.quotas["cores"].used == 8
    plan = tiers.vault.plans["Shop"]
    assert plan.readiness("planned") == []
    runbook(tiers, "print('well')")
    assert tiers.vault.planned_failover_plan("Shop", wait=True).state == "Succeeded"
    assert tiers.azure.quotas["cores"].used == 16


@pytest.mark.rule("3.2-4")
def test_a_failing_runbook_does_not_stop_an_unplanned_failover(tiers: Lab) -> None:
    """It goes on to the end and ends "completed with errors"."""
    with_script(tiers, "raise ValueError('nobody there')")
    tiers.faults.lose_site()
    job = tiers.vault.unplanned_failover_plan("Shop", wait=True)
    assert job.state == "CompletedWithErrors"
    assert [error.code for error in job.errors] == [900913]
    assert "nobody there" in job.errors[0].message
    assert task_states(job)["Group1PostAction1"] == "Failed"
    assert [vm for vm, _ in order(tiers, "vm.started", "azure")] == ["DB", "APP"]


def test_a_runbook_that_takes_too_long_is_ended_with_all_it_started(tiers: Lab) -> None:
    """After its time-out in real seconds the process is gone, and what it had started."""
    text = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open({told!r}, 'w').write(str(child.pid))\ntime.sleep(600)\n"
    )
    told = with_script(tiers, text, timeout=3)
    job = tiers.vault.planned_failover_plan("Shop")
    begun = time.perf_counter()
    assert error_of(lambda: tiers.wait(job)).code == 900914
    assert time.perf_counter() - begun < 30
    number = int(told.read_text())
    assert not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE
    assert facts(tiers, "runbook.ended")[0]["outcome"] == "timed out"


def test_a_runbook_may_use_the_lab(tiers: Lab) -> None:
    """It finds the file in its environment, gives commands, and cannot let time pass: the clock stands still for it."""
    text = (
        "import os, labkit\n"
        "with labkit.open(os.environ['LABKIT_RUNBOOK_LAB']) as lab:\n"
        "    lab.azure.raise_quota('cores', 40)\n"
        "    try:\n"
        "        lab.run('1h')\n"
        "    except labkit.LabError as error:\n"
        "        print(error.code)\n"
    )
    with_script(tiers, text)
    tiers.vault.unplanned_failover_plan("Shop", wait=True)
    assert tiers.azure.quotas["cores"].limit == 40
    assert tiers.vault.runbook_runs[0].output.strip() == "900030"


def test_a_runbook_of_somebody_elses_lab_does_not_run_by_itself(
    tiers: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened by another person the clock stops before it; looked at and trusted, it runs."""
    told = with_script(tiers, KEEP.replace("print(", "print('here',"))
    job = tiers.vault.planned_failover_plan("Shop")
    with twin(tiers, "handed-out.lab") as lab:
        monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "another home"))
        monkeypatch.setattr(trust, "_here", set())
        for work in (lambda: lab.run("3h"), lambda: lab.wait(lab.jobs[job.id]), lab.clock.skip, lab.clock.skip):
            while (error := _error(work)) is None:
                pass
            assert error == 900924
        assert not told.exists()
        with pytest.raises(labkit.LabError):
            asyncio.run(_live(lab))
        assert "'here'" in lab.azure.runbook("runbooks", "switch")
        assert error_of(lambda: lab.azure.runbook("runbooks", "other")).code == 900010
        assert lab.azure.trust_runbooks() == ["runbooks/switch"]
        assert lab.azure.trust_runbooks() == []
        lab.wait(lab.jobs[job.id])
        assert told.exists()
        assert lab.jobs[job.id].state == "Succeeded"


def _error(work: Any) -> int | None:
    try:
        work()
    except labkit.LabError as error:
        return error.code
    return None


def test_history_does_not_know_how_long_it_really_took(tiers: Lab) -> None:
    """A slow and a quick runbook leave the same facts."""
    digests = set()
    for text in ("print(1)", "import time; time.sleep(2); print(2)"):
        with twin(tiers, f"{len(text)}.lab") as lab:
            with_script(lab, text)
            lab.vault.planned_failover_plan("Shop")
            lab.run("3h")
            digests.add(lab.events_digest)
    assert len(digests) == 1


def test_runs_and_waits_of_every_kind_stop_for_a_runbook(tiers: Lab) -> None:
    """A long run, a wait, a skip and live play: the next group starts after the script, wherever time comes from."""
    with_script(tiers, "print('ok')", takes="2min")
    tiers.vault.planned_failover_plan("Shop")
    ends = []
    for number in range(3):
        with twin(tiers, f"{number}.lab") as lab:
            if number == 0:
                lab.run("6h")
            elif number == 1:
                while lab.clock.skip() is not None and "APP" not in dict(order(lab, "guest.up", "azure")):
                    pass
            else:
                asyncio.run(_live(lab))
            ends.append(dict(order(lab, "guest.up", "azure"))["APP"])
            assert len(facts(lab, "runbook.ended")) == 1
    assert len(set(ends)) == 1


async def _live(lab: Lab) -> None:
    lab.clock.play(6_000, until=lab.clock.ms + 1_800_000)
    await lab.clock.stopped()


@pytest.mark.skipif(importlib.util.find_spec("papermill") is None, reason="papermill is not installed")
@pytest.mark.rule("3.2-4")
@pytest.mark.slow
def test_a_notebook_is_a_runbook(tiers: Lab) -> None:
    """With the context as its parameter; a cell that fails fails the script."""
    for role, outcome in (("DB", "ended"), ("OTHER", "failed")):
        with twin(tiers, f"{role}.lab") as lab:
            text = json.dumps(NOTEBOOK).replace("{role!r}", repr(role))
            runbook(lab, text, suffix=".ipynb")
            lab.vault.save_plan("Shop", [{"vms": ["DB"], "after": [script()]}, ["APP"]])
            job = lab.vault.unplanned_failover_plan("Shop", wait=True)
            run = lab.vault.runbook_runs[0]
            assert run.outcome == outcome, run.output
            assert "plan Shop" in run.output
            assert job.state == ("Succeeded" if outcome == "ended" else "CompletedWithErrors")


# --- killed -----------------------------------------------------------------------------------------------------------

GO_ON = """
import sys, labkit
with labkit.open(sys.argv[1]) as lab:
    lab.run(until=sys.argv[2])
    print(lab.events_digest, flush=True)
"""


def _go_on(path: Path, until: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", GO_ON, str(path), until]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


@pytest.mark.promise(2, 3)
@pytest.mark.rule("3.2-4")
def test_killed_while_a_runbook_runs_it_is_run_again_under_the_same_id(tiers: Lab) -> None:
    """kill -9 in the middle of the script: the clock has not gone on, the next process runs it again, and ends."""
    text = KEEP.replace("print(", "import time; time.sleep(2); print(")
    told = with_script(tiers, text)
    until = tiers.show_instant(tiers.clock.ms + 3 * 3_600_000)
    job = tiers.vault.planned_failover_plan("Shop")
    tiers.close()
    process = _go_on(tiers.path, until)
    while not told.exists():
        assert process.poll() is None
        time.sleep(0.02)
    below = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    for one in below:
        one.kill()
    with labkit.open(tiers.path) as lab:
        assert lab.verify() == []
        assert lab.jobs[job.id].state == "InProgress"
        assert facts(lab, "runbook.ended") == []
    again = _go_on(tiers.path, until)
    digest = again.communicate(timeout=60)[0].strip()
    runs = [json.loads(line)["RunId"] for line in told.read_text("utf-8").splitlines()]
    assert runs == ["run-0001", "run-0001"]
    with labkit.open(tiers.path) as lab:
        assert lab.jobs[job.id].state == "Succeeded"
        assert lab.events_digest == digest
        assert lab.verify(full=True) == []


@pytest.mark.promise(2, 3)
@pytest.mark.slow
def test_a_plan_killed_at_random_ends_as_if_nothing_had_been(tiers: Lab, rounds: Rounds) -> None:
    """A run of the plan with a script, killed again and again while time passes: the same facts as without."""
    with_script(tiers, "print('ok')")
    until = tiers.show_instant(tiers.clock.ms + 3 * 3_600_000)
    tiers.vault.planned_failover_plan("Shop")
    with twin(tiers, "undisturbed.lab") as lab:
        lab.run(until=until)
        expected = lab.events_digest
    kills, soonest = 0, 0.3
    for number in rounds(8, 15):
        with twin(tiers, f"killed-{number}.lab") as lab:
            path = lab.path
        before, delay = kills, soonest
        while True:
            process = _go_on(path, until)
            try:
                process.wait(delay)
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                kills, delay = kills + 1, delay + 0.07 + 0.01 * (number % 7)
        assert process.communicate()[0].strip() == expected
        path.unlink()
        if kills == before:  # a fast computer
            soonest *= 0.6
    assert kills >= 3

"""The drill's object in a notebook, the catalogue, and drills under conditions nobody wishes for."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

import labkit
from labkit import LabError, drills
from labkit.drills import listing, report, result
from labkit.drills.play import Play, begin
from labkit.engine import resources

FAR = 600_000
"""A block of the OS disk that no workload writes to: a flipped bit there is not overwritten by a later cycle."""
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def short(tmp_path: Path) -> Iterator[Play]:
    """A planned drill by hand, its VMs protected, 20 minutes in."""
    play = begin("planned", lab_file=tmp_path / "drill.lab", run_before="20min")
    with play.step("set-up"):
        play.protect()
    with play.step("replication"):
        play.run("run_before")
    yield play
    play.lab.close()


def finish(play: Play) -> dict[str, Any]:
    """The rest of the planned drill; its result."""
    with play.step("failover"):
        play.each(play.lab.vault.planned_failover)
        play.until_answering()
    with play.step("commit"):
        play.confirm("commit")
        play.each(play.lab.vault.commit)
    play.note("drill.end")
    return result.build(play.lab)


def test_flipped_block_is_found(short: Play) -> None:
    """One bit of one block of the replica is wrong: ``equal`` is false, the verdict is missed, the report says so."""
    short.lab.faults.flip_block("MYWSV01", "os", FAR)
    found = finish(short)
    disks = {disk["disk"]: disk["equal"] for disk in found["vms"]["MYWSV01"]["integrity"]}
    assert disks == {"os": False, "data": True}
    verdicts = {row["name"]: row["verdict"] for row in found["objectives"]}
    assert (verdicts["integrity"], verdicts["planned_loss"], found["verdict"]) == ("missed", "missed", "missed")
    found["files"] = []
    page = report.Page(short.lab, found).html()
    assert "different" in page
    assert f"one bit of block {FAR} of disk os was flipped" in page
    assert short.lab.verify() != []


def test_dropped_cycle_is_found(short: Play) -> None:
    """A log that got lost unnoticed: the disks differ and the drill has missed its objectives."""
    short.lab.faults.drop_cycle("MYWSV01")
    short.lab.run("10min")
    found = finish(short)
    assert not all(disk["equal"] for disk in found["vms"]["MYWSV01"]["integrity"])
    assert found["verdict"] == "missed"


def test_steps_are_in_the_journal(short: Play) -> None:
    """Steps, words and parameters are journal entries of the surface "drill"; no step is a fact of the world."""
    finish(short)
    rows = [row for row in short.lab.journal if row["command"].startswith("drill.")]
    assert {row["surface"] for row in rows} == {"drill"}
    states = [json.loads(row["arguments"]) for row in rows if row["command"] == "drill.step"]
    assert [(row["step"], row["state"]) for row in states] == [
        (step, state) for step in ("set-up", "replication", "failover", "commit") for state in ("begun", "done")
    ]
    assert not [fact for fact in short.lab.facts if fact["kind"].startswith("drill")]


def test_steps_do_not_change_the_digest(short: Play, tmp_path: Path) -> None:
    """The same commands without a drill around them give the same digest: steps leave no trace in the world."""
    names = short.vms
    with labkit.create(tmp_path / "plain.lab", stage="prepared") as lab:
        lab.vault.register_server(wait=True)
        lab.vault.configure_protection(wait=True)
        lab.vault.map_network(wait=True)
        for name in names:
            lab.vault.enable_protection(name)
        for name in names:
            lab.wait(lab.vault.items[name])
        lab.run("20min")
        assert lab.events_digest == short.lab.events_digest


def test_unknown_step_is_refused(short: Play) -> None:
    """A step that is not in the plan would not be in the report: refused with the steps there are."""
    with pytest.raises(LabError) as caught, short.step("fail-over"):
        pass
    assert caught.value.code == 900613
    assert "failover" in str(caught.value)


def test_an_error_in_a_step_is_the_result(short: Play) -> None:
    """What a step failed with stands in the result, with code, message, action and step."""
    short.lab.faults.lose_site()
    with pytest.raises(LabError), short.step("failover"):
        short.each(short.lab.vault.planned_failover)
    found = result.build(short.lab)
    assert (found["verdict"], found["error"]["code"], found["error"]["step"]) == ("failed", 900521, "failover")
    assert "cannot be reached" in found["error"]["message"]


def test_a_surprise_in_a_step_is_the_result(short: Play) -> None:
    """Any other exception (an edited notebook) is told with its kind and text."""
    with pytest.raises(ZeroDivisionError), short.step("failover"):
        _ = 1 // 0
    error = result.build(short.lab)["error"]
    assert (error["code"], error["step"]) == (900611, "failover")
    assert "ZeroDivisionError" in error["message"]


def test_parameters_override_the_site(tmp_path: Path) -> None:
    """Bandwidth, frequency, retention and targets of the drill become those of its lab's site."""
    given = {"bandwidth": "7Mbps", "frequency": "30s", "retention": "3h", "rto": "10min", "rpo": "2min"}
    play = begin("planned", lab_file=tmp_path / "drill.lab", **given)
    play.protect()
    site = play.lab.read(lambda world: json.loads(world.site_json))
    play.lab.close()
    assert (site["line"]["bandwidth"], site["cloud"]["frequency"], site["cloud"]["retention_h"]) == (
        7_000_000,
        30_000,
        3,
    )
    assert (site["objectives"]["rto"], site["objectives"]["rpo"]) == (600_000, 120_000)


def test_a_site_that_protects_nothing_is_refused(tmp_path: Path) -> None:
    """A drill without a VM to recover is refused before it begins."""
    site = tmp_path / "none.yml"
    vm = "{name: A1, os: Windows Server 2012 R2, protected: no, disks: [{name: os, size: 1GB}]}"
    site.write_text(f"site: none\nvms:\n  - {vm}\n", encoding="utf-8")
    with pytest.raises(LabError) as caught:
        drills.run("planned", {}, site=site, out=tmp_path / "out")
    assert (caught.value.code, caught.value.exit_status) == (900605, 3)


# --- the catalogue ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", listing.names())
def test_notebooks_and_catalogue_agree(name: str) -> None:
    """A master notebook has the catalogue's parameters with their defaults, its steps in order, and no output."""
    drill = drills.describe(name)
    book = nbformat.read(resources.notebooks("drills", f"{name}.ipynb"), as_version=4)
    nbformat.validate(book)
    assert book.metadata.kernelspec.name == "python3"
    cells = [cell for cell in book.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)
    (parameters,) = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    found: dict[str, Any] = {}
    exec(parameters.source, found)
    own = {key: found[key] for key in found if not key.startswith("__")}
    assert own == {
        "site": "contoso", "seed": 1, "lab_file": "drill.lab",
        **{parameter.name: parameter.default for parameter in drill.parameters},
    }  # fmt: skip
    source = "\n".join(cell.source for cell in cells)
    positions = [source.index(f'drill.step("{step.name}")') for step in drill.steps]
    assert positions == sorted(positions)


def test_catalogue_reads_what_people_write() -> None:
    """Values mean what they say: bit/s, ms, hours, truth, words; None is left to the site."""
    drill = drills.describe("unplanned")
    for name, text, meaning in (
        ("bandwidth", "20Mbps", 20_000_000),
        ("frequency", "30s", 30_000),
        ("retention", "24h", 24),
        ("retention", "3", 3),
        ("rto", "PT1H", 3_600_000),
        ("synchronise", "yes", True),
        ("outage", "line", "line"),
        ("rpo", None, None),
    ):
        assert drill.parameter(name).read(text) == meaning
    assert drill.check({"synchronise": "no"})["synchronise"] is False
    assert [found.name for found in drills.catalogue()] == ["life-cycle", "planned", "unplanned"]
    assert all(parameter.name in "\n".join(drill.lines()) for parameter in drill.parameters)


# --- unkind surroundings ---------------------------------------------------------------------------------------------


def test_bare_environment(tmp_path: Path) -> None:
    """No HOME, LANG=C, an empty environment, a working folder that cannot be written: the drill runs all the same."""
    cwd, out = tmp_path / "readonly", tmp_path / "out"
    cwd.mkdir()
    cwd.chmod(stat.S_IRUSR | stat.S_IXUSR)
    code = (
        "from labkit import drills;"
        f"done = drills.run('planned', {{'run_before': '10min'}}, out={str(out)!r}); raise SystemExit(done.exit_status)"
    )
    environment = {"LANG": "C", "PYTHONPATH": str(ROOT)}
    if sys.platform == "win32":
        environment |= {"SYSTEMROOT": os.environ["SYSTEMROOT"]}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    cwd.chmod(stat.S_IRWXU)
    assert (found.returncode, found.stdout) == (0, ""), found.stderr
    assert json.loads((out / "result.json").read_text("utf-8"))["verdict"] == "met"
    assert list(cwd.iterdir()) == []


def test_a_kernel_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No lab came to be: still a result with the verdict failed and its error, a report, and the notebook."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    done = drills.run("planned", {}, out=tmp_path / "out")
    assert (done.result["verdict"], done.exit_status, done.result["error"]["code"]) == ("failed", 2, 900611)
    assert {path.name for path in done.out.iterdir()} == {"report.html", "result.json", "planned.ipynb"}
    assert "SIMULATED" in done.report.read_text("utf-8")
    assert json.loads((done.out / "result.json").read_text("utf-8")) == done.result


def test_default_folder(lab_home: Path) -> None:
    """Without --out the evidence lies in a new folder of labkit's home, named after drill and time."""
    done = drills.run("planned", {"run_before": "10min"})
    assert done.out.parent == lab_home.resolve()
    assert done.out.name.startswith("drill-planned-20")
    assert drills.summary(done)[-1].endswith(str(done.report))


def test_importing_labkit_does_not_import_drills() -> None:
    """``import labkit`` stays light: neither drills nor anything they need is loaded with it."""
    heavy = ("labkit.drills", "matplotlib", "jinja2", "papermill")
    code = f"import labkit, sys; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "[]"

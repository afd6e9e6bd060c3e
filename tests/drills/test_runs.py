"""What drills leave, and that every number in it can be counted again from the lab they leave."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from labkit import Lab, LabError, drills
from labkit.disks import record
from labkit.drills.runner import Done
from labkit.engine import units
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.recovery import item as items
from labkit.site import inventory

LabOf = Callable[[Done], Lab]
KEYS = (
    *("schema", "labkit", "drill", "site", "seed", "parameters", "virtual", "wall", "verdict", "error", "objectives"),
    *("achieved", "people", "vms", "jobs", "leftovers", "cost", "events_digest", "files"),
)


def orders(world: World, vm: str) -> tuple[set[int], set[int]]:
    """Tokens of the orders on the site's disk as it stopped, and on the replica at the recovery point used."""
    machine, item = inventory.machine(world, vm), items.get(world, vm)
    assert machine.application is not None
    assert item.point is not None
    disk = machine.application.disk
    ours = guests.look_at(world, guests.disks_of(world, machine), disk)
    theirs = guests.look_at(world, items.replica(world, item), disk, item.point.place)
    return {order.token for order in ours.orders}, {order.token for order in theirs.orders}


def first(lab: Lab, after: int, **wanted: Any) -> int:
    """Instant of the first fact at or after ``after`` with these details."""
    for fact in lab.facts:
        if fact["at"] >= after and all(fact.get(key) == value for key, value in wanted.items()):
            return int(fact["at"])
    raise AssertionError(wanted)


@pytest.mark.parametrize("name", ["planned", "unplanned", "life_cycle"])
def test_everything_is_left(name: str, request: pytest.FixtureRequest) -> None:
    """A drill leaves four files, the hashes in result.json are theirs, and the lab is one file without its log."""
    done: Done = request.getfixturevalue(name)
    stem = name.replace("_", "-")
    assert {path.name for path in done.out.iterdir()} == {"drill.lab", "report.html", "result.json", f"{stem}.ipynb"}
    told = json.loads((done.out / "result.json").read_text("utf-8"))
    assert told == done.result
    assert [key for key in KEYS if key not in told] == []
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in done.out.iterdir()}
    assert {file["name"]: file["sha256"] for file in told["files"]} == {
        key: value for key, value in hashes.items() if key != "result.json"
    }
    assert (told["verdict"], told["error"], done.exit_status) == ("met", None, 0)


@pytest.mark.promise(4)
def test_digest_is_that_of_the_lab(life_cycle: Done, lab_of: LabOf) -> None:
    """events_digest is computed again from the facts of the lab delivered, with hashlib alone."""
    digest = bytes(32)
    lab = lab_of(life_cycle)
    for line in lab.fact_lines():
        digest = hashlib.sha256(digest + line.encode("utf-8")).digest()
    assert life_cycle.result["events_digest"] == digest.hex()
    assert lab.verify(full=True) == []


def test_planned_loses_nothing(planned: Done, lab_of: LabOf, tmp_path: Path, qemu_img: str) -> None:
    """Planned: no order lost by both databases, digests equal, and qemu-img finds exports of both sides identical."""
    lab = lab_of(planned)
    row = planned.result["vms"]["MYWSV01"]
    ours, theirs = lab.read(lambda world: orders(world, "MYWSV01"))
    assert len(ours) > 2000
    assert ours == theirs
    assert (row["lost"]["orders"], row["lost"]["blocks"], row["rpo_s"]) == (0, 0, 0)
    assert all(disk["equal"] for vm in planned.result["vms"].values() for disk in vm["integrity"])
    for vm, disk in (("MYWSV01", "data"), ("MYBSD01", "os")):
        files = [tmp_path / f"{vm}-{side}.raw" for side in ("site", "azure")]
        lab.export_disk(vm, disk, files[0], side="site")
        lab.export_disk(vm, disk, files[1], side="azure", point="failover")
        command = [qemu_img, "compare", "-f", "raw", "-F", "raw", *map(str, files)]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (found.returncode, found.stdout.strip()) == (0, "Images are identical.")


def test_unplanned_loss_is_counted(unplanned: Done, lab_of: LabOf) -> None:
    """Unplanned at 5 min on a line that keeps up: exactly the orders since the recovery point, at most one cycle."""
    lab = lab_of(unplanned)
    row = unplanned.result["vms"]["MYWSV01"]
    ours, theirs = lab.read(lambda world: orders(world, "MYWSV01"))
    assert row["lost"]["orders"] == len(ours - theirs) > 0
    assert theirs < ours
    lost_at = first(lab, 0, kind="site.lost")
    cut = units.instant(row["recovery_point"]["time"])
    assert row["rpo_s"] * 1000 == pytest.approx(lost_at - cut)
    longest = max(f["at"] - f["started"] for f in lab.facts if f["kind"] == "cycle" and f["entity"] == "MYWSV01")
    assert row["rpo_s"] <= 300 + longest / 1000
    # Six orders a minute, each with its own instant: the window holds as many as fall into it.
    assert row["lost"]["orders"] == pytest.approx(row["rpo_s"] / 10, abs=1.5)


def test_times_are_those_of_the_facts(unplanned: Done, lab_of: LabOf) -> None:
    """RTO runs from the trigger to the answer, the outage from the loss of the site; both as the facts have them."""
    lab, found = lab_of(unplanned), unplanned.result
    lost_at = first(lab, 0, kind="site.lost")
    assert first(lab, 0, kind="job.started", scenario="UnplannedFailover") - lost_at == 15 * 60_000
    for vm, ready in (("MYWSV01", "application.answers"), ("MYBSD01", "guest.up")):
        trigger = first(lab, lost_at, kind="job.started", scenario="UnplannedFailover", entity=vm)
        answer = first(lab, trigger, kind=ready, entity=f"azure/{vm}")
        assert found["vms"][vm]["rto_s"] == pytest.approx((answer - trigger) / 1000)
        assert found["vms"][vm]["outage_s"] == pytest.approx((answer - lost_at) / 1000)
    assert found["achieved"]["rto_s"] == max(row["rto_s"] for row in found["vms"].values())
    assert found["achieved"]["rpo_s"] == max(row["rpo_s"] for row in found["vms"].values())
    assert found["vms"]["MYBSD01"]["lost"]["orders"] is None
    assert found["vms"]["MYBSD01"]["lost"]["seconds"] is None


def test_same_seed_same_drill(planned: Done, play: Callable[..., Done]) -> None:
    """Played again the digest is the same, with another seed it is another."""
    assert play("planned").result["events_digest"] == planned.result["events_digest"]
    assert play("planned", seed=2, run_before="1h").result["events_digest"] != planned.result["events_digest"]


def test_thin_line_loses_more_and_says_so(unplanned: Done, play: Callable[..., Done]) -> None:
    """A line too thin for the churn: cycles are late, the loss grows beyond one cycle, and the RPO target is missed."""
    thin = play("unplanned", bandwidth="1Mbps", run_before="6h", rpo="5min")
    ours, theirs = unplanned.result["vms"]["MYWSV01"], thin.result["vms"]["MYWSV01"]
    assert theirs["lost"]["orders"] > 2 * ours["lost"]["orders"]
    assert theirs["lost"]["bytes"] > 2 * ours["lost"]["bytes"]
    verdicts = {row["name"]: row["verdict"] for row in thin.result["objectives"]}
    assert (verdicts["rpo"], verdicts["rto"], thin.result["verdict"], thin.exit_status) == (
        "missed",
        "met",
        "missed",
        1,
    )
    assert "RPO" in "\n".join(drills.summary(thin))


def test_life_cycle_leaves_nothing(life_cycle: Done) -> None:
    """The whole way: every kind of switch was made with equal disks, and nothing is left over on Azure's side."""
    found = life_cycle.result
    kinds = {row["operation"] for row in found["failovers"]}
    assert kinds == {"TestFailover", "PlannedFailover", "ChangePit", "UnplannedFailover", "Failback"}
    assert all(disk["equal"] for row in found["failovers"] for disk in row["integrity"])
    assert found["leftovers"] == []
    assert {row["verdict"] for row in found["objectives"]} == {"met"}
    assert {job["state"] for job in found["jobs"]} == {"Succeeded"}
    assert [step["state"] for step in found["steps"]] == ["done"] * len(found["steps"])
    assert {row["operation"] for row in found["vms"].values()} == {"UnplannedFailover"}


def test_cost_names_what_is_not_priced(planned: Done) -> None:
    """The bill adds up to what has a price, says why the rest has none, and what is left over costs by the day."""
    cost = planned.result["cost"]
    priced = [amount for amount in cost["components"].values() if amount is not None]
    assert cost["total"] == pytest.approx(sum(priced))
    assert set(cost["not_priced"]) == {name for name, amount in cost["components"].items() if amount is None}
    left = {(row["kind"], row["name"]): row["cost_per_day"] for row in planned.result["leftovers"]}
    assert left["vm", "azure/MYWSV01"] == pytest.approx(0.18 * 24)
    assert left["storage account", "mysiterecovery"] is None


@pytest.mark.parametrize("name", ["planned", "unplanned", "life_cycle"])
def test_report_stands_for_itself(name: str, request: pytest.FixtureRequest) -> None:
    """No address but w3.org's namespaces, nothing loaded, no path of this computer, and marked as simulated."""
    done: Done = request.getfixturevalue(name)
    page = done.report.read_text("utf-8")
    addresses = set(re.findall(r"https?://[^\s\"'<>]*", page))
    assert all(address.startswith("http://www.w3.org/") for address in addresses)
    assert not re.search(r"<(script|link|img|iframe)\b|@import|url\((?!#)", page)
    assert "SIMULATED" in page
    assert str(Path.home()) not in page
    assert "/tmp/" not in page + (done.out / f"{done.result['drill']}.ipynb").read_text("utf-8")
    for file in done.result["files"]:
        if file["name"] != "report.html":
            assert file["sha256"] in page
    assert done.result["events_digest"] in page


def test_executed_notebook_is_evidence(planned: Done) -> None:
    """The executed notebook is valid, holds the parameters that were used, and no cell failed."""
    book = nbformat.read(planned.out / "planned.ipynb", as_version=4)
    nbformat.validate(book)
    assert any("injected-parameters" in cell.metadata.get("tags", []) for cell in book.cells)
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [
        output for output in outputs if output.output_type in ("error", "stream") and output.get("name") == "stderr"
    ]
    assert "Orders lost: 0" in "".join(output.get("text", "") for output in outputs)


def test_a_failed_drill_leaves_its_evidence(play: Callable[..., Done], lab_of: LabOf) -> None:
    """A line on which initial replication cannot end: verdict failed, error with its step, and all files are there."""
    done = play("planned", bandwidth="20kbps", patience="1d")
    assert (done.result["verdict"], done.exit_status) == ("failed", 2)
    assert (done.result["error"]["code"], done.result["error"]["step"]) == (900610, "set-up")
    assert {path.name for path in done.out.iterdir()} == {"drill.lab", "report.html", "result.json", "planned.ipynb"}
    assert [step["state"] for step in done.result["steps"]] == ["failed", "not_started", "not_started", "not_started"]
    assert all(row["verdict"] == "not_tested" for row in done.result["objectives"])
    assert "900610" in done.report.read_text("utf-8")
    assert "900610" in "\n".join(drills.summary(done))
    lab = lab_of(done)
    assert lab.verify() == []
    assert lab.events_digest == done.result["events_digest"]


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"bandwith": "20Mbps"}, 900601),
        ({"bandwidth": "20"}, 900602),
        ({"frequency": "7min"}, 900602),
        ({"retention": "90min"}, 900602),
        ({"run_before": "-1h"}, 900602),
        ({"rto": "soon"}, 900602),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, str], code: int, tmp_path: Path) -> None:
    """Unknown names and values not allowed: bad input (exit 3), said with what is allowed, and nothing is played."""
    with pytest.raises(LabError) as caught:
        drills.run("planned", parameters, out=tmp_path / "out")
    assert (caught.value.code, caught.value.exit_status) == (code, 3)
    assert "{" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_evidence_is_never_written_over(tmp_path: Path) -> None:
    """A folder that is not empty, or is a file, is refused; what is in it stays."""
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    for out in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(LabError) as caught:
            drills.run("planned", {}, out=out)
        assert (caught.value.code, caught.value.exit_status) == (900603, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_bad_drill_site_and_seed_are_refused(tmp_path: Path) -> None:
    """An unknown drill, an unknown site, an impossible seed: bad input before anything is made."""
    for name, options, code in (
        ("planed", {}, 900600),
        ("planned", {"site": "contosso"}, 900206),
        ("planned", {"seed": -1}, 900051),
    ):
        with pytest.raises(LabError) as caught:
            drills.run(name, {}, out=tmp_path / "out", **options)  # type: ignore[arg-type]
        assert (caught.value.code, caught.value.exit_status) == (code, 3)
    assert list(tmp_path.iterdir()) == []


def test_place_of_record(unplanned: Done, lab_of: LabOf) -> None:
    """The recovery point of the result is the one the item used, and its disks have the digest the result says."""
    from labkit.disks.digest import digest

    lab = lab_of(unplanned)

    def look(world: World) -> dict[str, str]:
        item = items.get(world, "MYWSV01")
        assert item.point is not None
        replica = items.replica(world, item)
        frozen = [record.frozen(world, replica, disk, item.point.place) for disk in range(len(replica.sizes))]
        return dict(zip(replica.names, map(digest, frozen), strict=True))

    told = {disk["disk"]: disk["target_digest"] for disk in unplanned.result["vms"]["MYWSV01"]["integrity"]}
    assert told == lab.read(look)

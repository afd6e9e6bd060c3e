"""Plain Hyper-V Replica, host to host (rules 1.1-1, 1.1-2; facts.md 1.4, 1.12, 6): every way through its states."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

import labkit
from labkit.disks import record
from labkit.disks.export import export
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import Machine
from labkit.lab import Lab
from labkit.recovery import hostreplica
from labkit.recovery.hostreplica import TABLE, HostReplica
from labkit.replication.relation import Relation
from labkit.views import events, frames
from tests.cli.console import labkit as command
from tests.recovery.labs import (
    BLOCK,
    HOUR,
    MINUTE,
    QUIET,
    SHOP,
    blocks_that_differ,
    error_of,
    facts,
    new_lab,
    records,
)

GROWN = SHOP.replace("size: 24MB", "size: 400MB")


def two_sites(
    folder: Path,
    *vms: str,
    host_os: str = "Windows Server 2012 R2",
    line: str = "bandwidth: 100Mbps",
    stage: str = "start",
) -> Lab:
    """A lab with a second site (HV11, HV12); nothing is replicated yet."""
    path = folder / "two.yml"
    listed = "\n".join(f"  - {vm}" for vm in (vms or (GROWN,)))
    path.write_text(
        f"site: two\nservers: {{host_os: {host_os}}}\n"
        f"replica_site: {{hosts: [HV11, HV12], line: {{{line}}}}}\nvms:\n{listed}\n",
        encoding="utf-8",
    )
    return labkit.create(path.with_suffix(".lab"), site=path, stage=stage)


def replicated(folder: Path, *vms: str, stage: str = "start", **options: object) -> Lab:
    """The same with the first VM replicated to HV11 for an hour."""
    lab = two_sites(folder, *vms, stage=stage)
    lab.hyperv.enable("SHOP", **options)  # type: ignore[arg-type]
    lab.hyperv.wait("SHOP")
    lab.run("1h")
    return lab


def equal(lab: Lab, one: str, two: str, vm: str = "SHOP") -> bool:
    """Whether the disks of two machines are equal byte for byte, read from exports of their sets."""
    found = []
    for number, side in enumerate((one, two)):
        machine = lab.read(lambda world, s=side: world.get(Machine, f"{s}/{vm}").disks)  # type: ignore[misc]
        for disk in range(2):
            out = lab.path.parent / f"{number}-{side}-{disk}-{len(list(lab.path.parent.iterdir()))}.raw"
            lab.read(
                lambda world, m=machine, d=disk, o=out: export(record.frozen(world, record.set_of(world, m), d), o)  # type: ignore[misc]
            )
            found.append(out)
    return all(blocks_that_differ(found[disk], found[disk + 2]) == [] for disk in range(2))


# --- who can replicate what -------------------------------------------------------------------------------------------


@pytest.mark.rule("1.1-1")
@pytest.mark.parametrize(
    ("system", "frequency", "ok"),
    [
        ("Windows Server 2012", "30s", False), ("Windows Server 2012", "5min", True),
        ("Windows Server 2012", "15min", False), ("Windows Server 2012 R2", "30s", True),
        ("Windows Server 2012 R2", "5min", True), ("Windows Server 2012 R2", "15min", True),
        ("Windows Server 2012 R2", "10min", False),
    ],
)  # fmt: skip
def test_frequencies_by_system(tmp_path: Path, system: str, frequency: str, ok: bool) -> None:
    """Hosts on 2012 replicate every 5 min only; 2012 R2 every 30 s, 5 min or 15 min. Cuts lie that far apart."""
    with two_sites(tmp_path, host_os=system) as lab:
        if not ok:
            refused = error_of(lambda: lab.hyperv.enable("SHOP", frequency=frequency))
            assert refused.code == 900514
            assert str(refused).endswith("5 min." if system == "Windows Server 2012" else "30 s, 5 min, 15 min.")
            assert lab.hyperv.replicas == {}
            return
        lab.hyperv.enable("SHOP", frequency=frequency)
        lab.hyperv.wait("SHOP")
        lab.run("2h")
        cuts = [fact["cut"] for fact in facts(lab, "cycle", "SHOP")][2:]
        expected = {"30s": 30_000, "5min": 5 * MINUTE, "15min": 15 * MINUTE}[frequency]
        assert {after - before for before, after in itertools.pairwise(cuts)} == {expected}


@pytest.mark.rule("1.1-1", "1.4-2")
def test_five_minutes_is_the_default(tmp_path: Path) -> None:
    """Without a word about it: 5 min, for a host replica and a cloud; 2012 hosts know nothing else, and not Azure."""
    with replicated(tmp_path) as lab:
        assert lab.read(lambda world: world.get(Relation, "SHOP").frequency) == 5 * MINUTE
    folder = tmp_path / "old"
    folder.mkdir()
    (tmp_path / "new").mkdir()
    with two_sites(folder, host_os="Windows Server 2012", stage="registered") as lab:
        assert error_of(lambda: lab.vault.configure_protection(frequency="30s")).code == 900514
        refused = error_of(lambda: lab.vault.configure_protection(wait=True))
        assert (refused.code, refused.details["server"]) == (900843, "HV01")
    with two_sites(tmp_path / "new", stage="configured") as lab:
        assert facts(lab, "cloud.configured")[0]["frequency"] == 5 * MINUTE


@pytest.mark.rule("1.1-2")
def test_it_needs_neither_vmm_nor_vault(tmp_path: Path) -> None:
    """Bare servers, no VMM, no vault: the VM is replicated to the other host."""
    with two_sites(tmp_path) as lab:
        assert (lab.site.server("SC01").software, lab.azure.vaults) == ([], {})
        lab.hyperv.enable("SHOP", "HV12")
        lab.hyperv.wait("SHOP")
        lab.run("3h")
        found = lab.hyperv.replicas["SHOP"]
        assert (found.primary, found.state, found.health) == ("HV01", "Replicating", "Normal")
        assert lab.site.replication("SHOP").replica_server == found.replica
        assert lab.verify(full=True) == []
        lab.site.shut_down("SHOP")
        lab.run("6min")
        assert equal(lab, "site", "replica")


@pytest.mark.rule("1.1-2")
def test_a_planned_failover_turns_it_round_by_itself(tmp_path: Path) -> None:
    """Off, the rest is sent, nothing is lost, the other machine runs and is the primary now; then back the same way."""
    with replicated(tmp_path) as lab:
        assert error_of(lambda: lab.hyperv.planned_failover("SHOP")).code == 900550
        lab.site.shut_down("SHOP")
        lab.hyperv.planned_failover("SHOP")
        lab.hyperv.wait("SHOP")
        kept = records(lab, "PlannedFailover")[-1]
        assert (kept.lost.orders, kept.lost.blocks, kept.lost.bytes) == (0, 0, 0)
        assert all(disk.equal for disk in kept.integrity)
        assert (lab.hyperv.replicas["SHOP"].primary, lab.hyperv.replicas["SHOP"].replica) == ("HV11", "HV01")
        assert facts(lab, "initial.started", "SHOP")[-1]["bytes"] == 0  # both sides were alike
        lab.run("2h")
        assert lab.hyperv.machines["SHOP"].answering
        assert error_of(lambda: lab.site.start("SHOP")).code == 900587
        assert lab.verify(full=True) == []
        lab.hyperv.shut_down("SHOP")
        lab.hyperv.planned_failover("SHOP")
        lab.hyperv.wait("SHOP")
        assert records(lab, "PlannedFailover")[-1].lost.orders == 0
        lab.run("1h")
        assert lab.site.machines["SHOP"].answering
        assert lab.hyperv.replicas["SHOP"].primary == "HV01"
        assert lab.verify(full=True) == []
        # None of those taken on either side is missing: 6 a minute for four hours, but for two short stops.
        assert 1_380 < lab.read(_orders) < 1_460


def _orders(world: World) -> int:
    return len(guests.look(world, world.get(Machine, "site/SHOP")).orders)


@pytest.mark.rule("1.1-2")
def test_an_unplanned_failover_is_turned_round_by_hand(tmp_path: Path) -> None:
    """The site is gone: from the replica, what was not sent is lost and counted; it is not replicated until reversed.

    Reversed, only what differs crosses the line, and both sides are equal afterwards.
    """
    with replicated(tmp_path) as lab:
        assert error_of(lambda: lab.hyperv.failover("SHOP")).code == 900585  # it runs at the primary
        lab.faults.lose_site()
        lab.hyperv.failover("SHOP")
        kept = records(lab, "UnplannedFailover")[-1]
        assert kept.lost.orders is not None
        assert 0 <= kept.lost.orders <= 6 * 5 + 1
        assert kept.rpo <= 5 * MINUTE + 2_000
        assert lab.hyperv.replicas["SHOP"].state == "FailedOverWaitingCompletion"
        lab.run("1h")
        assert lab.hyperv.machines["SHOP"].answering
        lab.hyperv.complete_failover("SHOP")
        assert (lab.hyperv.replicas["SHOP"].state, lab.hyperv.replicas["SHOP"].rpo) == ("FailedOver", None)
        lab.faults.restore_site()
        assert lab.site.machines["SHOP"].state == "Off"  # it must not run twice
        lab.run("1h")
        assert facts(lab, "cycle", "SHOP")[-1]["at"] < kept.at  # nothing is replicated by itself
        lab.hyperv.reverse("SHOP")
        started = facts(lab, "initial.started", "SHOP")[-1]["bytes"]
        assert 0 < started < 80 << 20
        lab.hyperv.wait("SHOP")
        lab.run("1h")
        assert lab.hyperv.replicas["SHOP"].primary == "HV11"
        assert lab.verify(full=True) == []


# --- tests, points, cancelling ----------------------------------------------------------------------------------------


def test_a_test_stands_beside_production(tmp_path: Path) -> None:
    """ "SHOP - Test" from a point, one at a time, replication goes on and the replica stays as it is."""
    with replicated(tmp_path, points=4) as lab:
        lab.run("3h")
        point = lab.hyperv.replicas["SHOP"].recovery_points[0]
        lab.hyperv.test_failover("SHOP", point.id)
        assert error_of(lambda: lab.hyperv.test_failover("SHOP")).code == 900582
        cycles = len(facts(lab, "cycle", "SHOP"))
        lab.run("1h")
        assert len(facts(lab, "cycle", "SHOP")) == cycles + 12
        assert lab.hyperv.machines["SHOP - Test"].answering
        assert records(lab, "TestFailover")[-1].cut == point.cut
        assert lab.verify(full=True) == []
        lab.hyperv.end_test("SHOP")
        assert list(lab.hyperv.machines) == ["SHOP"]
        assert error_of(lambda: lab.hyperv.end_test("SHOP")).code == 900582


def test_an_older_point_and_back_again(tmp_path: Path) -> None:
    """Failover to a point of two hours ago, cancelled: the replica is what it was, and replication goes on.

    The primary's host had crashed, so the comparison is due (facts.md 1.8); a VM that was turned off needs none.
    """
    with replicated(tmp_path, points=4) as lab:
        lab.run("3h")
        point = lab.hyperv.replicas["SHOP"].recovery_points[-3]
        lab.site.turn_off("SHOP")
        lab.hyperv.failover("SHOP", point.id)
        assert records(lab)[-1].cut == point.cut
        assert (records(lab)[-1].lost.orders or 0) > 360
        lab.run("30min")
        lab.hyperv.cancel_failover("SHOP")
        lab.site.start("SHOP")
        lab.run("1h")
        assert facts(lab, "resync.required") == []
        assert lab.verify(full=True) == []
        lab.faults.lose_site()
        lab.hyperv.failover("SHOP")
        assert error_of(lambda: lab.hyperv.cancel_failover("SHOP")).code == 900530
        lab.faults.restore_site()
        lab.hyperv.cancel_failover("SHOP")
        assert [fact["reason"] for fact in facts(lab, "resync.required")] == ["host crash"]
        lab.run("1d")
        assert lab.verify(full=True) == []


@pytest.mark.parametrize(("system", "most"), [("Windows Server 2012 R2", 24), ("Windows Server 2012", 15)])
def test_points_by_count(tmp_path: Path, system: str, most: int) -> None:
    """24 additional ones on 2012 R2, 15 on 2012 (facts.md 1.4): as many hourly ones and the newest."""
    with two_sites(tmp_path, QUIET.replace("QUIET", "SHOP"), host_os=system) as lab:
        assert error_of(lambda: lab.hyperv.enable("SHOP", points=most + 1)).code == 900514
        assert error_of(lambda: lab.hyperv.enable("SHOP", points=2, app_consistent=3)).code == 900514
        lab.hyperv.enable("SHOP", points=most)
        lab.hyperv.wait("SHOP")
        lab.run(f"{most + 5}h")
        cuts = [point.cut for point in lab.hyperv.replicas["SHOP"].recovery_points]
        assert len(cuts) == most + 1
        assert len({cut // HOUR for cut in cuts[:-1]}) == most
        assert lab.clock.ms - cuts[-1] <= 5 * MINUTE
        assert lab.clock.ms - cuts[0] <= (most + 1) * HOUR  # the newest ones are kept


def test_without_additional_points_only_the_newest(tmp_path: Path) -> None:
    """0 is the default: one point, that of the newest log."""
    with replicated(tmp_path) as lab:
        lab.run("3h")
        assert len(lab.hyperv.replicas["SHOP"].recovery_points) == 1


# --- compression and seeding ------------------------------------------------------------------------------------------


def test_compression_halves_what_crosses_the_line(tmp_path: Path) -> None:
    """Two labs of one seed: each log's data is half as large with compression, on by default; never to Azure.

    ``bytes`` without the 4,096 of the cycle itself; the replica is the same.
    """
    found = {}
    for on in (True, False):
        folder = tmp_path / str(on)
        folder.mkdir()
        with two_sites(folder) as lab:
            lab.hyperv.enable("SHOP", **({} if on else {"compression": False}))  # type: ignore[arg-type]
            lab.hyperv.wait("SHOP")
            lab.run("2h")
            found[on] = [fact["bytes"] - 4_096 for fact in facts(lab, "cycle", "SHOP")]
            piece = facts(lab, "initial.piece", "SHOP")[0]
            assert piece["bytes"] == piece["blocks"] * BLOCK // (2 if on else 1) + 4_096
            assert lab.verify(full=True) == []
    assert found[True] == [size // 2 for size in found[False]]
    assert sum(found[True]) > 0
    folder = tmp_path / "azure"
    folder.mkdir()
    with new_lab(folder) as lab:
        piece = facts(lab, "initial.piece", "SHOP")[0]
        assert piece["bytes"] == piece["blocks"] * BLOCK + 4_096


def test_seeding_by_export_and_import(tmp_path: Path) -> None:
    """On a line of 1 Mbit/s the snapshot is carried: nothing of it crosses the line, then the logs since then do."""
    large = SHOP.replace("size: 24MB", "size: 40GB").replace("churn: 20KB/s", "churn: {rate: 20KB/s, hot: 0.1%}")
    with two_sites(tmp_path, large, line="bandwidth: 1Mbps") as lab:
        lab.hyperv.enable("SHOP", initial="export")
        lab.run("2d")
        assert lab.hyperv.replicas["SHOP"].state == "WaitingForInitialReplication"
        assert lab.read(lambda world: world.get(hostreplica.line.Line, "lan").sent) == 0
        lab.hyperv.import_initial("SHOP")
        assert facts(lab, "initial.piece") == []
        imported = facts(lab, "initial.imported", "SHOP")[0]["bytes"]
        assert imported == facts(lab, "initial.started", "SHOP")[0]["bytes"] >= 8 << 20
        lab.hyperv.wait("SHOP")
        lab.run("2h")
        first = facts(lab, "cycle", "SHOP")[0]
        assert first["cut"] - facts(lab, "initial.started", "SHOP")[0]["at"] == 2 * 24 * HOUR
        assert lab.verify(full=True) == []
        assert error_of(lambda: lab.hyperv.import_initial("SHOP")).code == 900582


def test_nothing_to_import(tmp_path: Path) -> None:
    """Initial replication that goes over the line: 900584."""
    with two_sites(tmp_path, line="bandwidth: 1kbps") as lab:
        lab.hyperv.enable("SHOP")
        assert error_of(lambda: lab.hyperv.import_initial("SHOP")).code == 900584
        assert error_of(lambda: lab.hyperv.enable("SHOP")).code == 900583
        assert error_of(lambda: lab.hyperv.wait("SHOP", within="1h")).code == 900541


# --- the same core ----------------------------------------------------------------------------------------------------


def test_failures_of_the_line_between_sites(tmp_path: Path) -> None:
    """Its own plug: retries, alerts and catching up as to Azure; the line to Azure does not matter."""
    with replicated(tmp_path) as lab:
        lab.faults.lose_line()
        lab.run("20min")
        assert facts(lab, "replication.failed") == []
        lab.faults.lose_line("replica-site")
        assert [line["connected"] for line in lab.status()["lines"].values()] == [False, False]
        lab.faults.restore_line()
        assert {to: line["connected"] for to, line in lab.status()["lines"].items()} == {
            "azure": True,
            "replica-site": False,
        }
        told = [words for fact in lab.facts if fact["kind"].startswith("line.") and (words := events.text(fact))]
        assert told == ["The line is lost", "Inter-site line: The line is lost", "The line is back"]
        lab.run("20min")
        assert [fact["reason"] for fact in facts(lab, "replication.failed", "SHOP")][:3] == ["network"] * 3
        assert lab.alerts[-1].health == "Critical"
        lab.faults.restore_line("replica-site")
        lab.site.resume_replication("SHOP")
        lab.run("10min")
        assert lab.hyperv.replicas["SHOP"].health == "Normal"
        assert error_of(lambda: lab.faults.lose_line("moon")).code == 900586


def test_a_planned_failover_whose_rest_cannot_be_sent(tmp_path: Path) -> None:
    """It waits for the next attempt; cancelled meanwhile, the VM can be started again and is replicated as before."""
    with replicated(tmp_path) as lab:
        lab.faults.lose_line("replica-site")
        lab.site.shut_down("SHOP")
        lab.hyperv.planned_failover("SHOP")
        lab.run("2min")
        assert lab.hyperv.replicas["SHOP"].state == "PreparingPlannedFailover"
        assert lab.hyperv.replicas["SHOP"].allowed_operations == ("CancelPlannedFailover",)
        lab.hyperv.cancel_planned_failover("SHOP")
        lab.site.start("SHOP")
        lab.faults.restore_line("replica-site")
        lab.run("1h")
        assert lab.hyperv.replicas["SHOP"].state == "Replicating"
        assert lab.verify(full=True) == []
        lab.faults.lose_line("replica-site")
        lab.site.shut_down("SHOP")
        lab.hyperv.planned_failover("SHOP")
        lab.faults.restore_line("replica-site")
        lab.hyperv.wait("SHOP")
        assert lab.hyperv.replicas["SHOP"].primary == "HV11"
        assert records(lab)[-1].lost.orders == 0


def test_removing_it(tmp_path: Path) -> None:
    """The replica VM and its disks are gone, the site's VM runs on; it can be protected by the vault then."""
    with replicated(tmp_path, stage="prepared") as lab:
        assert error_of(lambda: lab.vault.enable_protection("SHOP")).code == 900583
        lab.hyperv.remove("SHOP")
        assert (lab.hyperv.replicas, lab.hyperv.machines) == ({}, {})
        assert lab.site.machines["SHOP"].answering
        assert error_of(lambda: lab.hyperv.failover("SHOP")).code == 900581
        assert error_of(lambda: lab.hyperv.failover("NOBODY")).code == 900010
        lab.run("2h")
        assert lab.verify(full=True) == []


def test_the_status_tells_of_it(tmp_path: Path) -> None:
    """As JSON and as a line: servers, state, health, RPO; after the failover the servers have changed places."""
    with replicated(tmp_path) as lab:
        found = lab.status()["replicas"]["SHOP"]
        assert (found["state"], found["primary"], found["replica"]) == ("Replicating", "HV01", "HV11")
        assert found["rpo_ms"] == (lab.hyperv.replicas["SHOP"].rpo or 0) * 1000
        path = lab.path
        frame = frames.replication(lab).set_index("vm")
        assert list(frame.index) == ["SHOP"]
        assert frame.loc["SHOP", "replica_server"] == "HV11"
        lab.faults.lose_line("replica-site")
        lab.run("6min")
        told = frames.alerts(lab)
        assert told.iloc[-1].tolist()[0::2] == ["SHOP", "Critical"]
        assert told.iloc[-1]["text"] == "Azure cannot be reached"
    said = command("status", path)
    assert "SHOP: Replicating, from HV01 to HV11, health Critical, RPO " in said.out


def test_a_vm_has_one_replica(tmp_path: Path) -> None:
    """Protected by the vault, no host replica, and the other way round; without a replica site none at all."""
    with two_sites(tmp_path, stage="configured") as lab:
        lab.hyperv.enable("SHOP")
        assert error_of(lambda: lab.vault.enable_protection("SHOP")).code == 900583
        lab.hyperv.wait("SHOP")
        lab.hyperv.remove("SHOP")
        lab.vault.enable_protection("SHOP", wait=True)
        assert error_of(lambda: lab.hyperv.enable("SHOP")).code == 900583
        assert error_of(lambda: lab.hyperv.enable("SHOP", "HV99")).code == 900010
        assert error_of(lambda: lab.hyperv.enable("SHOP", initial="pigeon")).code == 900588
    folder = tmp_path / "one"
    folder.mkdir()
    with new_lab(folder, stage="start") as lab:
        assert error_of(lambda: lab.hyperv.enable("SHOP")).code == 900580


def test_hosts_of_both_sites_have_names_of_their_own(tmp_path: Path) -> None:
    """A host of the first site again at the second, or twice there: refused with the line; no hosts, too."""
    path = tmp_path / "names.yml"
    for hosts, place in (("[HV01]", "hosts[0]"), ("[HV11, hv11]", "hosts[1]"), ("[]", "hosts")):
        path.write_text(f"site: names\nreplica_site: {{hosts: {hosts}}}\nvms:\n  - {QUIET}\n", encoding="utf-8")
        refused = error_of(lambda: labkit.create(tmp_path / "x.lab", site=path))
        assert refused.code == 900200
        assert f"names.yml:2: replica_site.{place}" in str(refused)


def test_the_table_is_what_is_allowed() -> None:
    """Each state offers what the table has for it, but not what ends by itself, nor a test that is not there."""
    for state in {state for state, _ in TABLE}:
        found = HostReplica("VM", "HV11", {}, state=state)
        expected = {op for at, op in TABLE if at == state} - {"Begin", "Switch", "EndTest"}
        assert set(hostreplica.allowed(found)) == expected
        assert all(TABLE[state, operation] in {"", *(s for s, _ in TABLE)} for operation in expected)
    testing = HostReplica("VM", "HV11", {}, state="Replicating", test=True)
    assert set(hostreplica.allowed(testing)) == {"EndTest", "Failover"}


# --- what a review found ----------------------------------------------------------------------------------------------


def test_it_is_locked_while_a_planned_failover_is_prepared(tmp_path: Path) -> None:
    """The rest is still on a slow line: the VM cannot be started, at the host or otherwise; it never runs twice."""
    with replicated(tmp_path) as lab:
        lab.faults.set_bandwidth("100kbps", to="replica-site")
        lab.site.shut_down("SHOP")
        lab.hyperv.planned_failover("SHOP")
        assert error_of(lambda: lab.site.start("SHOP")).code == 900587
        assert error_of(lambda: lab.hyperv.start("SHOP")).code == 900582
        lab.hyperv.wait("SHOP")
        assert records(lab)[-1].lost.orders == 0
        assert lab.hyperv.machines["SHOP"].state == "Starting"
        assert lab.site.machines["SHOP"].state == "Off"


def test_a_planned_failover_given_up_while_the_rest_is_on_its_way(tmp_path: Path) -> None:
    """Cancelled at once on a slow line, with a log under way: cycles go on afterwards, hour by hour."""
    with replicated(tmp_path) as lab:
        lab.faults.set_bandwidth("500kbps", to="replica-site")
        lab.site.shut_down("SHOP")
        lab.hyperv.planned_failover("SHOP")
        lab.hyperv.cancel_planned_failover("SHOP")
        lab.hyperv.start("SHOP")
        lab.run("6h")
        assert (lab.hyperv.replicas["SHOP"].rpo or 9_999) < 15 * 60
        assert lab.verify(full=True) == []


@pytest.mark.parametrize("field", ["points", "app_consistent"])
@pytest.mark.parametrize("odd", [2.5, True, -1, "2"])
def test_odd_settings_are_refused(tmp_path: Path, field: str, odd: object) -> None:
    """A half point, a truth value, a text: 900063, less than none: 900514, and the lab opens as before."""
    with two_sites(tmp_path) as lab:
        given = {"points": 4, field: odd}
        code = error_of(lambda: lab.hyperv.enable("SHOP", **given)).code  # type: ignore[arg-type]
        assert code == (900514 if odd == -1 else 900063)
        path = lab.path
    with labkit.open(path) as lab:
        assert lab.hyperv.replicas == {}
        lab.run("1h")


def test_what_is_refused_while_it_has_a_replica(tmp_path: Path) -> None:
    """Its disks are not resized; in no state is it protected by the vault; active elsewhere it is not removed."""
    with replicated(tmp_path, stage="configured") as lab:
        assert error_of(lambda: lab.site.resize_disk("SHOP", "os", "500MB")).code == 900572
        lab.site.turn_off("SHOP")
        lab.hyperv.failover("SHOP")
        assert error_of(lambda: lab.vault.enable_protection("SHOP")).code == 900583
        lab.hyperv.complete_failover("SHOP")
        assert error_of(lambda: lab.vault.enable_protection("SHOP")).code == 900583
        assert error_of(lambda: lab.hyperv.remove("SHOP")).code == 900582
        lab.hyperv.reverse("SHOP")
        lab.hyperv.wait("SHOP")
        assert error_of(lambda: lab.hyperv.remove("SHOP")).code == 900590
        lab.hyperv.shut_down("SHOP")
        lab.hyperv.planned_failover("SHOP")
        lab.hyperv.wait("SHOP")
        lab.hyperv.remove("SHOP")
        lab.vault.enable_protection("SHOP", wait=True)
        lab.wait(lab.vault.items["SHOP"])
        lab.run("1h")
        assert lab.verify(full=True) == []


def test_a_resynchronisation_and_a_planned_failover(tmp_path: Path) -> None:
    """While one is required neither a planned nor a test failover begins; required meanwhile, it is given up."""
    with replicated(tmp_path) as lab:
        lab.faults.fail_log("SHOP")
        lab.site.shut_down("SHOP")
        assert error_of(lambda: lab.hyperv.planned_failover("SHOP")).code == 900546
        assert error_of(lambda: lab.hyperv.test_failover("SHOP")).code == 900546
        lab.hyperv.resynchronise("SHOP")
        lab.run("2h")
        assert error_of(lambda: lab.hyperv.resynchronise("SHOP")).code == 900547
        lab.hyperv.start("SHOP")
        lab.run("1h")
        lab.faults.set_bandwidth("50kbps", to="replica-site")
        lab.site.shut_down("SHOP")
        lab.hyperv.planned_failover("SHOP")
        lab.faults.edit_disk("SHOP", "os", 7)
        assert lab.hyperv.replicas["SHOP"].state == "Replicating"
        lab.faults.set_bandwidth("100Mbps", to="replica-site")
        lab.hyperv.resynchronise("SHOP")
        lab.run("2h")
        lab.hyperv.planned_failover("SHOP")
        lab.hyperv.wait("SHOP")
        lab.run("1h")
        assert lab.hyperv.replicas["SHOP"].primary == "HV11"
        assert lab.verify(full=True) == []


def turned(folder: Path) -> Lab:
    """SHOP active at the replica site, replicated to the site."""
    lab = replicated(folder)
    lab.site.shut_down("SHOP")
    lab.hyperv.planned_failover("SHOP")
    lab.hyperv.wait("SHOP")
    lab.run("1h")
    return lab


def test_the_site_is_lost_while_it_is_the_replica(tmp_path: Path) -> None:
    """The primary notices at its next cycle: failures, retries, critical. Nothing is started on a site without power.

    When power is back replication goes on at the next attempt, without a comparison: the primary's log is whole.
    """
    with turned(tmp_path) as lab:
        lab.faults.lose_site()
        assert error_of(lambda: lab.hyperv.test_failover("SHOP")).code == 900530
        lab.hyperv.shut_down("SHOP")
        assert error_of(lambda: lab.hyperv.failover("SHOP")).code == 900530
        lab.hyperv.start("SHOP")
        lab.run("1h")
        failed = facts(lab, "replication.failed", "SHOP")
        assert [fact["next"] // MINUTE for fact in failed[:5]] == [1, 2, 4, 8, 10]
        assert lab.hyperv.replicas["SHOP"].health == "Critical"
        assert lab.alerts[-1].reasons == ("network",)
        lab.faults.restore_site()
        lab.run("45min")
        assert lab.hyperv.replicas["SHOP"].health == "Normal"
        assert facts(lab, "resync.required") == []
        assert lab.verify(full=True) == []


def test_failed_over_to_the_site_it_starts_again_with_the_power(tmp_path: Path) -> None:
    """Turned round and failed over to the site: after a power failure there the VM that is active starts by itself."""
    with turned(tmp_path) as lab:
        lab.hyperv.shut_down("SHOP")
        lab.hyperv.failover("SHOP")
        lab.run("30min")
        assert lab.site.machines["SHOP"].answering
        lab.faults.lose_site()
        lab.run("10min")
        lab.faults.restore_site()
        lab.run("30min")
        assert lab.site.machines["SHOP"].answering
        assert lab.hyperv.machines["SHOP"].state == "Off"


def test_importing_needs_power(tmp_path: Path) -> None:
    """On a dark site the import is refused, and works when power is back."""
    with two_sites(tmp_path) as lab:
        lab.hyperv.enable("SHOP", initial="export")
        lab.faults.lose_site()
        assert error_of(lambda: lab.hyperv.import_initial("SHOP")).code == 900530
        lab.faults.restore_site()
        lab.hyperv.import_initial("SHOP")
        lab.hyperv.wait("SHOP")
        lab.run("1h")
        assert lab.hyperv.replicas["SHOP"].state == "Replicating"


def test_no_cycle_is_due_after_a_failover(tmp_path: Path) -> None:
    """In FailedOverWaitingCompletion nothing is missed; cancelled, cycles are due again; after a removal none."""
    with replicated(tmp_path) as lab:
        lab.site.turn_off("SHOP")
        lab.hyperv.failover("SHOP")
        before = lab.site.replication("SHOP").expected_count
        lab.run("2h")
        assert lab.site.replication("SHOP").expected_count == before
        assert lab.site.replication("SHOP").missed_count <= 1
        lab.hyperv.cancel_failover("SHOP")
        lab.site.start("SHOP")
        lab.run("1h")
        assert lab.site.replication("SHOP").expected_count in (before + 12, before + 13)
        lab.hyperv.remove("SHOP")
        lab.run("3d")
        assert [event for event in lab.site.event_log("SHOP") if event.kind == "statistics"][1:] == []


def test_a_name_like_that_of_a_test(tmp_path: Path) -> None:
    """A VM called "SHOP - Test" at the replica site is in nobody's way."""
    other = QUIET.replace("name: QUIET", "name: SHOP - Test")
    with two_sites(tmp_path, GROWN, other) as lab:
        for name in ("SHOP", "SHOP - Test"):
            lab.hyperv.enable(name)
            lab.hyperv.wait(name)
        lab.hyperv.test_failover("SHOP")
        lab.run("1h")
        lab.hyperv.end_test("SHOP")
        assert lab.verify(full=True) == []


def test_faults_of_one_vm_befall_its_host_replica(tmp_path: Path) -> None:
    """Obstacles and damaged logs are for any relation; an older copy is refused while a test VM stands on it."""
    with replicated(tmp_path, points=4) as lab:
        lab.run("2h")
        lab.faults.obstruct("disk space", "SHOP")
        lab.run("6min")
        assert lab.hyperv.replicas["SHOP"].health == "Critical"
        lab.faults.clear("disk space", "SHOP")
        lab.site.resume_replication("SHOP")
        lab.run("10min")
        lab.hyperv.test_failover("SHOP")
        first = lab.hyperv.replicas["SHOP"].recovery_points[0]
        assert error_of(lambda: lab.faults.restore_replica("SHOP", first.id)).code == 900591
        lab.hyperv.end_test("SHOP")
        lab.faults.corrupt_cycle("SHOP")
        lab.run("6min")
        assert [fact["reason"] for fact in facts(lab, "resync.required")] == ["invalid log"]


@pytest.mark.promise(2)
def test_reopened_at_every_step(tmp_path: Path) -> None:
    """The whole way there and back, the file closed and opened between all steps, ends with one digest."""
    steps = [
        ("1h", None), ("5min", lambda lab: lab.site.shut_down("SHOP")),
        ("20min", lambda lab: lab.hyperv.planned_failover("SHOP")), ("1h", lambda lab: lab.hyperv.shut_down("SHOP")),
        ("10min", lambda lab: lab.hyperv.failover("SHOP")), ("40min", lambda lab: lab.hyperv.complete_failover("SHOP")),
        ("3h", lambda lab: lab.hyperv.reverse("SHOP")),
    ]  # fmt: skip
    digests = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        lab = two_sites(folder)
        lab.hyperv.enable("SHOP", points=3)
        lab.hyperv.wait("SHOP")
        for duration, act in steps:
            if act is not None:
                act(lab)
            lab.run(duration)
            if number:
                lab.close()
                lab = labkit.open(lab.path)
        digests.append(lab.events_digest)
        assert lab.verify(full=True) == []
        lab.close()
    assert digests[0] == digests[1]

"""Change log, pause, and resynchronisation (facts.md 1.1, 1.8): triggers, what crosses the line, what is left."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from labkit.disks import record
from labkit.disks.blocks import BLOCK
from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.lab import Lab
from labkit.replication import changelog, resync
from labkit.replication import relation as replication
from labkit.replication.relation import Relation
from tests.recovery.labs import HOUR, MINUTE, PAGE, SHOP, error_of, facts, new_lab, rows
from tests.recovery.labs import export as exported

GB = 1 << 30
# 64 KiB writes spread over 2 GB: two disks, 3 GB in all, whose half is 1.5 GB.
PAIR = (
    "{name: PAIR, os: FreeBSD 10.0, disks: ["
    "{name: os, size: 2GB, used: 64MB, churn: {rate: 1MB/s, hot: 100%}}, {name: data, size: 1GB, used: 16MB}]}"
)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """PAIR, protected for half an hour over a line that keeps up."""
    made = new_lab(tmp_path, PAIR)
    made.run("30min")
    return made


def relation_of(lab: Lab, vm: str = "PAIR") -> Relation:
    return lab.read(lambda world: world.get(Relation, vm))


def _log_size(world: World) -> int:
    found = world.get(Relation, "PAIR")
    return changelog.count(world, record.set_of(world, found.source), found.cut, [])[2]


def state(lab: Lab, vm: str = "PAIR") -> str:
    return str(lab.status()["items"][vm]["replication"])


def through(lab: Lab, vm: str = "PAIR") -> None:
    """Resynchronise now and wait for the end."""
    lab.vault.resynchronise(vm, wait=True)
    lab.wait(lab.vault.items[vm])


def equal(lab: Lab, vm: str = "PAIR") -> bool:
    """Whether the replica is the site's disks at the cut, block by block, each folded from its own record."""

    def same(world: object) -> bool:
        found = world.get(Relation, vm)  # type: ignore[attr-defined]
        ours, theirs = record.set_of(world, found.source), record.set_of(world, found.replica)  # type: ignore[arg-type]
        place = record.place_at(ours, found.cut)
        return all(
            np.array_equal(
                record.fold(world, ours, disk, place),  # type: ignore[arg-type]
                record.fold(world, theirs, disk, found.points[-1].place),  # type: ignore[arg-type]
            )
            for disk in range(len(ours.sizes))
        )

    return lab.read(same)


# --- the change log ---


def test_the_log_is_every_byte_written_repeats_included(lab: Lab) -> None:
    """While nothing can be sent the log grows at the rate of the writes, repeats too (facts.md 1.1).

    What would cross the line is the distinct pages, and less. 1 MB/s for an hour is 3.5 GB, give or take a tenth.
    """
    with lab:
        lab.faults.lose_line()
        sizes = []
        for _ in range(4):
            lab.run("5min")
            sizes.append(lab.read(_log_size))
        growth = [after - before for before, after in itertools.pairwise(sizes)]
        assert all(0.85 * 300 * (1 << 20) < grown < 1.15 * 300 * (1 << 20) for grown in growth)
        assert (lab.vault.items["PAIR"].pending or 0) < sizes[-1]


def test_half_of_the_disks_is_the_limit(lab: Lab) -> None:
    """50 % of all disks together (3 GB: 1.5 GB): not before, and at most five minutes after (facts.md 1.8).

    Then nothing is tracked or sent, health is Critical, RPO goes on climbing, and the reason is told.
    """
    with lab:
        assert lab.read(lambda world: changelog.limit(record.set_of(world, relation_of(lab).source))) == 3 * GB // 2
        lab.faults.lose_line()
        while state(lab) == "replicating":
            before = lab.read(_log_size)
            lab.run("1min")
        assert 3 * GB // 2 - 400 * (1 << 20) < before <= 3 * GB // 2 + 300 * (1 << 20)
        (required,) = facts(lab, "resync.required")
        assert (required["reason"], required["entity"]) == ("log full", "PAIR")
        item = lab.vault.items["PAIR"]
        assert item.health == "Critical"
        lab.faults.restore_line()
        cycles, rpo = len(facts(lab, "cycle")), item.rpo
        lab.run("1h")
        assert len(facts(lab, "cycle")) == cycles
        assert item.rpo == (rpo or 0) + 3600
        assert lab.status()["items"]["PAIR"]["reason"] == "log full"


@pytest.mark.rule("2.9-4")
def test_a_log_that_stays_under_half_is_sent(tmp_path: Path) -> None:
    """The same outage with four times the disk: the log is sent when the line is back, and nothing is compared."""
    with new_lab(tmp_path, PAIR.replace("size: 2GB", "size: 8GB").replace("hot: 100%", "hot: 25%")) as lab:
        lab.run("30min")
        lab.faults.lose_line()
        lab.run("40min")
        lab.faults.restore_line()
        lab.run("30min")
        assert facts(lab, "resync.required") == []
        assert lab.vault.items["PAIR"].health == "Normal"
        assert equal(lab)


# --- triggers ---


def _crash(lab: Lab) -> None:
    lab.faults.crash_host()
    lab.run("6min")


def _edit(lab: Lab) -> None:
    lab.site.shut_down("PAIR")
    lab.faults.edit_disk("PAIR", "data", 3)
    lab.site.start("PAIR")


def _revert(lab: Lab) -> None:
    lab.site.turn_off("PAIR")
    lab.faults.revert_disks("PAIR", "10min")
    lab.site.start("PAIR")


@pytest.mark.parametrize(
    ("trigger", "reason"),
    [
        (_crash, "host crash"),
        (_edit, "disk edited"),
        (_revert, "put back"),
        (lambda lab: lab.faults.fail_log("PAIR"), "log write failed"),
    ],
    ids=["crash", "edit", "revert", "log"],
)
def test_each_trigger_leads_to_a_resynchronisation(lab: Lab, trigger: object, reason: str) -> None:
    """Host crash, disk changed while off, snapshot revert, failed log write (facts.md 1.8): required, and why.

    After it source and replica are equal, and logs are sent again.
    """
    with lab:
        trigger(lab)  # type: ignore[operator]
        assert state(lab) == "resync-required"
        assert facts(lab, "resync.required")[-1]["reason"] == reason
        through(lab)
        assert state(lab) == "replicating"
        assert equal(lab)
        cut = relation_of(lab).cut
        lab.run("20min")
        assert relation_of(lab).cut > cut
        assert equal(lab)
        assert lab.vault.items["PAIR"].health == "Normal"
        assert lab.verify(full=True) == []


def test_without_the_comparison_the_edit_would_be_missing(lab: Lab) -> None:
    """What was changed behind the log's back is not in any log: it crosses the line by the comparison alone."""
    with lab:
        lab.site.shut_down("PAIR")
        lab.run("11min")
        assert equal(lab)
        lab.faults.edit_disk("PAIR", "data", 3)
        cut = relation_of(lab).cut
        through(lab)
        chunks = facts(lab, "resync.chunk")
        assert sum(fact["blocks"] for fact in chunks) == 1
        assert relation_of(lab).cut > cut
        assert equal(lab)


def test_a_clean_stop_and_start_needs_none(lab: Lab) -> None:
    """Shut down and started, or turned off and started, with the host alive: logs go on (facts.md 1.8)."""
    with lab:
        for stop in (lab.site.shut_down, lab.site.turn_off):
            stop("PAIR")
            lab.run("10min")
            lab.site.start("PAIR")
            lab.run("10min")
        assert facts(lab, "resync.required") == []
        assert equal(lab)


def test_a_guest_put_back_goes_on_from_there(tmp_path: Path) -> None:
    """After a revert the site's database has no order of the time that was taken back, and takes new ones."""
    with new_lab(tmp_path, SHOP) as lab:
        lab.run("30min")
        lab.site.shut_down("SHOP")
        before = rows(exported(lab, "SHOP", "data", "site"), "orders")
        lab.faults.revert_disks("SHOP", "20min")
        back = rows(exported(lab, "SHOP", "data", "site"), "orders")
        assert back.items() < before.items()
        lab.site.start("SHOP")
        through(lab, "SHOP")
        lab.run("30min")
        assert back.items() < rows(exported(lab, "SHOP", "data", "azure"), "orders").items()
        assert lab.verify(full=True) == []


# --- the comparison ---


def test_only_what_differs_crosses_the_line_and_reading_takes_its_time(lab: Lab) -> None:
    """By hand: 3 GB at 80 GB an hour are 135 s; each chunk sends its blocks, 16 bytes for each compared, and 4,096.

    The guest is off, so that nothing else is written; the replica lacks what was written in the last 8 minutes.
    """
    with lab:
        lab.faults.lose_line()
        lab.run("8min")
        lab.site.shut_down("PAIR")
        lab.faults.restore_line()
        lab.faults.fail_log("PAIR")
        lacking = lab.read(_differ)
        assert 1_000 < lacking < 14_000
        begun = lab.clock.ms
        through(lab)
        chunks = facts(lab, "resync.chunk")
        assert [(f["disk"], f["first"], f["compared"]) for f in chunks] == [
            (0, 0, 16384),
            (0, 16384, 16384),
            (1, 0, 16384),
        ]
        assert sum(f["blocks"] for f in chunks) == lacking == facts(lab, "resync.ended")[0]["blocks"]
        assert all(f["bytes"] == f["blocks"] * BLOCK + 16 * 16384 + PAGE for f in chunks)
        sending = sum(f["bytes"] for f in chunks) * 8 * 1000 / 100e6
        took = facts(lab, "resync.ended")[0]["at"] - facts(lab, "resync.started")[0]["at"]
        assert took == pytest.approx(135_000 + sending, abs=3 * 25)
        assert facts(lab, "resync.started")[0]["at"] - begun == 10_000, "the job's one task"
        assert equal(lab)


def _differ(world: object) -> int:
    found = world.get(Relation, "PAIR")  # type: ignore[attr-defined]
    ours, theirs = record.set_of(world, found.source), record.set_of(world, found.replica)  # type: ignore[arg-type]
    return sum(
        int(np.count_nonzero(record.fold(world, ours, d) != record.fold(world, theirs, d)))  # type: ignore[arg-type]
        for d in range(2)
    )


def test_what_did_not_cross_is_not_in_the_replica(lab: Lab) -> None:
    """Cancelled half way: the replica is what it was, block for block, and the next one starts over."""
    with lab:
        lab.faults.lose_line()
        lab.run("8min")
        lab.faults.restore_line()
        lab.faults.fail_log("PAIR")
        before = lab.read(_replica)
        points = lab.vault.items["PAIR"].recovery_points
        lab.vault.resynchronise("PAIR", wait=True)
        lab.run("100s")
        done, whole = lab.read(lambda world: resync.progress(world, world.get(Relation, "PAIR")))
        assert 0 < done < whole == 3 * 16384
        assert facts(lab, "resync.chunk")[0]["blocks"] > 0
        lab.vault.cancel_resynchronise("PAIR")
        assert state(lab) == "resync-required"
        assert all(np.array_equal(one, two) for one, two in zip(before, lab.read(_replica), strict=True))
        assert lab.vault.items["PAIR"].recovery_points == points
        through(lab)
        assert facts(lab, "resync.chunk")[-3]["first"] == 0
        assert equal(lab)
        assert lab.verify(full=True) == []


def _replica(world: object) -> list[object]:
    found = world.get(Relation, "PAIR")  # type: ignore[attr-defined]
    disks = record.set_of(world, found.replica)  # type: ignore[arg-type]
    return [record.fold(world, disks, disk) for disk in range(2)]  # type: ignore[arg-type]


def test_the_replica_is_compared_as_it_was_at_the_start(lab: Lab) -> None:
    """A block of the replica that is flipped during the comparison, and not looked at yet, is not mended by chance.

    Whether it was must not depend on what is kept in memory; verify finds it.
    """
    with lab:
        lab.faults.fail_log("PAIR")
        lab.vault.resynchronise("PAIR", wait=True)
        lab.run("60s")
        lab.faults.flip_block("PAIR", "data", 7)
        lab.wait(lab.vault.items["PAIR"])
        assert [problem for problem in lab.verify() if "block 7" in problem]


@pytest.mark.parametrize("end", ["failover", "disable", "cancel"])
def test_nothing_half_way_stays_behind(lab: Lab, end: str) -> None:
    """Whatever ends a comparison before its time, what it had gathered is gone from the file."""
    with lab:
        lab.faults.lose_line()
        lab.run("8min")
        lab.faults.restore_line()
        lab.faults.fail_log("PAIR")
        lab.vault.resynchronise("PAIR", wait=True)
        lab.run("100s")
        staged = lambda world: [s.side for s in world.all(record.DiskSet)].count(resync.STAGING)  # noqa: E731
        assert lab.read(staged) == 1
        if end == "failover":
            lab.vault.unplanned_failover("PAIR", wait=True)
        elif end == "disable":
            lab.vault.disable_protection("PAIR", wait=True)
        else:
            lab.vault.cancel_resynchronise("PAIR")
        assert lab.read(staged) == 0
        assert lab.verify() == []


def test_tidying_leaves_what_was_gathered(lab: Lab) -> None:
    """A comparison over hours, the file closed and tidied between: all that crossed is merged at the end."""
    with lab:
        lab.faults.lose_line()
        lab.run("8min")
        lab.site.shut_down("PAIR")
        lab.faults.restore_line()
        lab.faults.fail_log("PAIR")
        lacking = lab.read(_differ)
        lab.faults.set_bandwidth("600kbps")
        through(lab)
        ended = facts(lab, "resync.ended")[0]
        assert ended["at"] - ended["since"] > 3 * HOUR // 2
        assert ended["blocks"] == lacking
        assert equal(lab)
        assert lab.verify(full=True) == []


def test_a_pause_keeps_the_place(lab: Lab) -> None:
    """Paused during the comparison and resumed an hour later: it goes on with the same chunk."""
    with lab:
        lab.faults.fail_log("PAIR")
        lab.vault.resynchronise("PAIR", wait=True)
        lab.run("60s")
        chunks = len(facts(lab, "resync.chunk"))
        assert chunks == 1
        lab.site.pause_replication("PAIR")
        lab.run("20min")
        assert len(facts(lab, "resync.chunk")) == chunks
        lab.site.resume_replication("PAIR")
        lab.wait(lab.vault.items["PAIR"])
        firsts = [(fact["disk"], fact["first"]) for fact in facts(lab, "resync.chunk")]
        assert firsts == [(0, 0), (0, 16384), (1, 0)]
        assert equal(lab)


def test_a_comparison_that_takes_too_long_starts_over(tmp_path: Path) -> None:
    """Over a thin line so much is written meanwhile that the 50 % rule strikes again (facts.md 1.8)."""
    with new_lab(tmp_path, PAIR) as lab:
        lab.run("10min")
        lab.faults.fail_log("PAIR")
        lab.faults.set_bandwidth("1Mbps")
        lab.run("9h")  # nothing happens before midnight
        lab.faults.lose_line()
        lab.faults.restore_line()
        lab.vault.resynchronise("PAIR", wait=True)
        lab.run("5h")
        assert [fact["reason"] for fact in facts(lab, "resync.required")][:2] == ["log write failed", "log full"]
        assert facts(lab, "resync.ended") == []


# --- when, and what is allowed meanwhile ---


@pytest.mark.parametrize(("local", "opens"), [(0, 0), (5.99, 5.99), (6, 24), (9, 24), (23.5, 24)])
def test_by_itself_it_starts_between_midnight_and_six(local: float, opens: float) -> None:
    """The hours are those of the host's day; now, if they have begun (the example of facts.md 1.8: 00:00-06:00)."""
    midnight = 1_412_175_600_000 - 86_400_000  # 2014-10-01T00:00:00+09:00
    assert resync.window_opens(midnight + int(local * HOUR), 540, (0, 360)) == midnight + int(opens * HOUR)


def test_it_starts_by_itself_at_night(lab: Lab) -> None:
    """Required by day: nothing until midnight of the host's day, then it runs through without anybody."""
    with lab:
        lab.faults.fail_log("PAIR")
        lab.run(until="2014-10-01T23:59:59+09:00")
        assert state(lab) == "resync-required"
        lab.run(until="2014-10-02T01:00:00+09:00")
        assert facts(lab, "resync.started")[0]["at"] == 1_412_175_600_000
        assert state(lab) == "replicating"
        assert equal(lab)


def test_operations_meanwhile(lab: Lab) -> None:
    """Planned and test failover are blocked, an unplanned one is allowed (facts.md 1.8)."""
    with lab:
        item = lab.vault.items["PAIR"]
        assert "Resynchronize" not in item.allowed_operations
        assert error_of(lambda: lab.vault.resynchronise("PAIR")).code == 900501
        lab.faults.fail_log("PAIR")
        assert item.allowed_operations == ("Resynchronize", "UnplannedFailover", "DisableProtection")
        for refused in (lab.vault.planned_failover, lab.vault.test_failover, lab.vault.cancel_resynchronise):
            assert error_of(lambda refused=refused: refused("PAIR")).code == 900501  # type: ignore[misc]
        lab.vault.resynchronise("PAIR", wait=True)
        assert item.allowed_operations == ("CancelResynchronize", "UnplannedFailover", "DisableProtection")


@pytest.mark.rule("1.1-4")
def test_an_unplanned_failover_cancels_it_and_loses_what_was_not_sent(lab: Lab) -> None:
    """During the comparison: the last recovery point is used, all written after it is lost."""
    with lab:
        lab.faults.lose_line()
        lab.run("8min")
        lab.faults.restore_line()
        lab.faults.fail_log("PAIR")
        point = lab.vault.items["PAIR"].recovery_points[-1]
        lab.vault.resynchronise("PAIR", wait=True)
        lab.run("100s")
        lab.vault.unplanned_failover("PAIR", wait=True)
        (found,) = lab.vault.failovers
        assert found.point == point.time
        assert found.equal
        assert found.blocks > 1_000
        assert found.rpo > 8 * 60
        assert facts(lab, "resync.ended") == []
        assert lab.verify(full=True) == []


def test_recovery_points_are_gone_afterwards(lab: Lab) -> None:
    """All points are dropped with the merge and build up again, one a cycle (facts.md 1.4, 1.8)."""
    with lab:
        before = {point.id for point in lab.vault.items["PAIR"].recovery_points}
        assert len(before) > 4
        lab.faults.fail_log("PAIR")
        lab.vault.resynchronise("PAIR", wait=True)
        lab.run("30s")
        assert {point.id for point in lab.vault.items["PAIR"].recovery_points} == before, "kept until the merge"
        lab.wait(lab.vault.items["PAIR"])
        points = lab.vault.items["PAIR"].recovery_points
        assert not before & {point.id for point in points}
        assert points[0].cut == facts(lab, "resync.ended")[0]["since"]
        cycles = len(facts(lab, "cycle"))
        lab.run("11min")
        assert len(lab.vault.items["PAIR"].recovery_points) == len(points) + len(facts(lab, "cycle")) - cycles > 2


def test_the_way_there_does_not_matter(tmp_path: Path) -> None:
    """In one go, or in odd steps with the file closed between: the same digest of events (promise 3)."""
    digests = []
    for steps in (1, 40):
        folder = tmp_path / str(steps)
        folder.mkdir()
        with new_lab(folder, PAIR, seed=3) as lab:
            lab.run("20min")
            lab.faults.lose_line()
            lab.run("10min")
            lab.faults.restore_line()
            lab.faults.fail_log("PAIR")
            lab.faults.flip_block("PAIR", "os", 5)
            lab.vault.resynchronise("PAIR", wait=True)
            path = lab.path
        for _ in range(steps):
            from labkit.lab import open as open_lab

            with open_lab(path) as again:
                again.run(f"{40 * MINUTE // steps}ms")
        with open_lab(path) as again:
            assert state(again) == "replicating"
            assert again.verify(full=True) == []
            digests.append(again.events_digest)
    assert digests[0] == digests[1]


# --- pause ---


def test_paused_nothing_is_sent_and_all_afterwards(lab: Lab) -> None:
    """Writes are logged meanwhile; resumed, the log goes at once, and the replica is whole."""
    with lab:
        lab.site.pause_replication("PAIR")
        assert error_of(lambda: lab.site.pause_replication("PAIR")).code == 900548
        cycles = len(facts(lab, "cycle"))
        lab.run("12min")
        assert len(facts(lab, "cycle")) == cycles
        assert lab.status()["items"]["PAIR"]["paused"]
        at = lab.clock.ms
        lab.site.resume_replication("PAIR")
        assert error_of(lambda: lab.site.resume_replication("PAIR")).code == 900549
        lab.run("4min")
        first = facts(lab, "cycle")[cycles]
        assert (first["started"], first["cut"]) == (at, at)
        assert equal(lab)


def test_a_log_under_way_at_a_pause_is_sent_as_a_whole(tmp_path: Path) -> None:
    """Half a log that had crossed when replication was paused counts for nothing; it comes with the next one."""
    with new_lab(tmp_path, PAIR.replace("size: 2GB", "size: 8GB").replace("hot: 100%", "hot: 10%")) as lab:
        lab.run("20min")
        lab.faults.set_bandwidth("10Mbps")
        while relation_of(lab).flight is None:
            lab.run("7s")
        lab.run("30s")
        under_way, cut = relation_of(lab).flight, relation_of(lab).cut
        assert under_way is not None
        lab.site.pause_replication("PAIR")
        assert relation_of(lab).flight is None
        lab.run("5min")
        assert relation_of(lab).cut == cut == under_way.after
        lab.faults.set_bandwidth("100Mbps")
        lab.site.resume_replication("PAIR")
        lab.run("20min")
        assert equal(lab)
        assert lab.verify(full=True) == []


def test_a_pause_too_long_ends_in_a_resynchronisation(lab: Lab) -> None:
    """The log of a paused VM grows, and the 50 % rule holds for it as well."""
    with lab:
        lab.site.pause_replication("PAIR")
        lab.run("45min")
        assert [fact["reason"] for fact in facts(lab, "resync.required")] == ["log full"]
        assert not lab.status()["items"]["PAIR"]["paused"]


def test_a_planned_failover_of_a_paused_vm_sends_the_rest(lab: Lab) -> None:
    """Whoever asks for the rest gets it: nothing is lost."""
    with lab:
        lab.site.pause_replication("PAIR")
        lab.run("10min")
        lab.vault.planned_failover("PAIR", wait=True)
        (found,) = lab.vault.failovers
        assert (found.rpo, found.blocks, found.equal) == (0, 0, True)


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda lab: lab.faults.edit_disk("PAIR", "os", 1), 900550),
        (lambda lab: lab.faults.revert_disks("PAIR", "5min"), 900550),
        (lambda lab: lab.site.start("PAIR"), 900551),
        (lambda lab: [lab.site.shut_down("PAIR"), lab.site.turn_off("PAIR")], 900553),
        (lambda lab: [lab.site.shut_down("PAIR"), lab.faults.edit_disk("PAIR", "os", 1 << 40)], 900533),
        (lambda lab: [lab.site.shut_down("PAIR"), lab.run("30h"), lab.faults.revert_disks("PAIR", "31h")], 900552),
        (lambda lab: [lab.faults.lose_site(), lab.site.start("PAIR")], 900530),
        (lambda lab: [lab.faults.lose_site(), lab.faults.crash_host()], 900530),
        (lambda lab: lab.faults.fail_log("NOBODY"), 900010),
    ],
)
def test_what_cannot_be_done_is_refused(lab: Lab, act: object, code: int) -> None:
    """Each refusal has its code, and changes nothing that verify would see."""
    with lab:
        with pytest.raises(LabError) as caught:
            act(lab)  # type: ignore[operator]
        assert caught.value.code == code
        assert lab.verify() == []


def test_the_two_states_are_those_of_the_relation() -> None:
    """The names the status shows are fixed: programs read them."""
    assert (replication.RESYNC, replication.RESYNCHRONISING) == ("resync-required", "resynchronising")

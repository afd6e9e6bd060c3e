"""The real engine against the plain one, on random small sites with faults.

``LABKIT_PLAIN_SECONDS`` says how long to go on after the first sites (default: not at all; 40 s times the effort
under ``make fuzz``);
``LABKIT_PLAIN_SEED`` repeats one site.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from labkit.engine.chance import below
from labkit.site.model import Azure, Churn, Cloud, Disk, Line, Objectives, Servers, SiteFile, Vm
from tests.conftest import Rounds
from tests.plain.compare import differences
from tests.plain.engine import PlainLab
from tests.plain.guest import SLOT
from tests.plain.sites import FAULTS, HOUR, MB, MINUTE, START, Command, Story, story

SITES = 150
WANTED = {
    *("late", "pieces", "thinned", "powerless", "shut down", "invoices", "orders", "frequent", "unfinished"),
    *(f"fault {kind}" for kind in FAULTS),
    *("flip", "reopen", "set_bandwidth", "set_connected", "set_quality", "latency", "loss"),
    *(
        "failed: network",
        "failed: disk space",
        "failed: authorisation",
        "tried again",
        "a piece failed",
        "a chunk failed",
    ),
    *("blocks", "blocks repeated", "blocks skipped", "counters", "counters repeated", "counters skipped"),
    *("database", "defragmentation", "ordinary"),
    *("application-consistent", "file-system-consistent", "snapshot failed"),
    *("log full", "log write failed", "resynchronised", "by itself", "paused comparison", "paused"),
}
"""What a run has to have met among its sites to prove anything."""


def traits(lived: Story, plain: PlainLab) -> Iterator[str]:
    """What a story was about."""
    cycles = [fact for fact in plain.facts if fact["kind"] == "cycle"]
    pieces = [(fact["entity"], fact["disk"]) for fact in plain.facts if fact["kind"] == "initial.piece"]
    points = sum(len(made.points) for made in plain.protections.values())
    off = {guest.vm.name: guest.stopped for guest in plain.guests.values()}
    yield from ("late" for fact in cycles if fact["late"])
    yield from ("pieces" for _ in pieces[len(set(pieces)) :])
    yield from (fact["consistency"] for fact in cycles if "consistency" in fact)
    yield from ("snapshot failed" for fact in plain.facts if fact["kind"] == "snapshot.failed")
    yield from ("powerless" for fact in cycles if (off[fact["entity"]] or lived.end) < fact["started"])
    yield from ("unfinished" for made in plain.protections.values() if not made.begun)
    yield from (command.name for command in lived.commands)
    yield from (f"fault {command.arguments[1]}" for command in lived.commands if command.name == "fault")
    yield from ("shut down" for command in lived.commands if command.name == "power_off" and command.arguments[1])
    yield from _comparisons(plain)
    yield from _workloads(lived, plain)
    vms = [made.guest.vm for made in plain.protections.values()]
    for name, held in {
        "thinned": points < len(cycles),
        "invoices": any(vm.invoices for vm in vms),
        "orders": any(vm.orders_per_day for vm in vms),
        "frequent": bool(cycles) and lived.site.cloud.frequency == 30_000,
        "latency": lived.site.line.latency > 0,
        "loss": plain.line.rate() < plain.line.bandwidth and bool(plain.line.loss and plain.line.under_way),
    }.items():
        if held:
            yield name


def _workloads(lived: Story, plain: PlainLab) -> Iterator[str]:
    """Which workloads left something on a replica."""
    for made in plain.protections.values():
        for disk, blocks, stream in zip(made.guest.vm.disks, made.replica, made.guest.streams, strict=True):
            stamps = [content for content in blocks.values() if isinstance(content, int)]
            if disk.churn is None or not any(stamp >> 40 == stream for stamp in stamps):
                continue
            trace = disk.churn.trace
            if trace is None:
                yield disk.churn.kind
                continue
            name = "counters" if lived.traces[trace.file].startswith('"') else "blocks"
            yield from (name, f"{name} repeated" if trace.repeat else name, f"{name} skipped" if trace.skip else name)


def _comparisons(plain: PlainLab) -> Iterator[str]:
    """What a story had of pauses and resynchronisations."""
    for name in plain.protections:
        told = [fact for fact in plain.facts if fact["entity"] == name]
        yield from (fact["reason"] for fact in told if fact["kind"] == "resync.required")
        kinds = [fact["kind"] for fact in told if fact["kind"].startswith(("resync.", "replication."))]
        text = " ".join(kinds)
        yield from (f"failed: {fact['reason']}" for fact in told if fact["kind"] == "replication.failed")
        if any(fact.get("attempt", 0) > 1 for fact in told):
            yield "tried again"
        yield from _failed(" ".join(fact["kind"] for fact in told))
        if "resync.ended" in kinds:
            yield "resynchronised"
        if "resync.started resync.required" in text or "resync.chunk resync.required" in text:
            yield "overtaken"
        if "resync.started replication.paused" in text or "resync.chunk replication.paused" in text:
            yield "paused comparison"
        if "replication.paused replication.resumed" in text:
            yield "paused"
        for fact in told:
            if fact["kind"] == "resync.started" and (fact["at"] + 9 * HOUR) % (24 * HOUR) == 0:
                yield "by itself"


def _failed(order: str) -> Iterator[str]:
    """What failed, from the kinds of facts in order."""
    if "initial.piece replication.failed" in order or "initial.started replication.failed" in order:
        yield "a piece failed"
    if "resync.started replication.failed" in order or "resync.chunk replication.failed" in order:
        yield "a chunk failed"


def test_agreement(tmp_path: Path, effort: int, rounds: Rounds) -> None:
    """Two engines written apart from one page tell the same facts and hold the same blocks, points and pending bytes.

    150 sites are tried, always the same; a longer run looks further.
    """
    if chosen := os.environ.get("LABKIT_PLAIN_SEED"):
        assert differences(story(int(chosen)), tmp_path / "one.lab")[1] == []
        return
    longer = os.environ.get("LABKIT_PLAIN_SECONDS")
    first = 0 if effort == 1 else random.randrange(1 << 32)
    met: set[str] = set()
    for number in rounds(SITES, 40, seconds=float(longer) if longer else None):
        seed = first + number
        path = tmp_path / f"{seed}.lab"
        plain, found = differences(story(seed), path)
        assert not found, f"repeat with LABKIT_PLAIN_SEED={seed}:\n" + "\n".join(found)
        met.update(traits(story(seed), plain))
        path.unlink()
    assert WANTED - met == set()


# --- the comparison itself -------------------------------------------------------------------------------------------


def told(
    frequency: int, line: Line, vms: list[list[Disk]], *commands: Command, orders: int | None = None, hours: int = 1
) -> Story:
    """What befalls a few VMs, all protected from the start; ``orders``: what each takes per day."""
    names = [f"VM{number:02}" for number in range(len(vms))]
    made = tuple(
        Vm(name, "Windows Server 2012 R2", "HOST01", 1, MB, MB, True, tuple(disks), orders, False)
        for name, disks in zip(names, vms, strict=True)
    )
    servers = Servers("lab.example", "DC01", "VMM01", ("HOST01",))
    azure, objectives = Azure("Japan East", "net", "storage", "vault"), Objectives(HOUR, HOUR, None)
    cloud = Cloud("Cloud", frequency, 2, 0)
    site = SiteFile("Plain", START, 540, line, cloud, servers, "LAN", azure, made, objectives)
    protect = [Command(START, "protect", (name,)) for name in names]
    return Story(1, site, (*protect, *commands), START + hours * HOUR, 0)


IDLE = Disk("disk0", 64 * MB, 8 * MB, None, None, False)
BUSY = Disk("disk0", 64 * MB, 8 * MB, None, Churn(40_000, 65_536, 200), False)
DATABASE = Disk("data", 32 * MB, 0, None, None, True)


def busy() -> Story:
    """One VM that writes the same few blocks again and again."""
    return told(5 * MINUTE, Line(100_000_000, 20), [[BUSY]])


@pytest.mark.parametrize("frequency", [SLOT, 5 * MINUTE])
def test_late_to_the_millisecond(tmp_path: Path, frequency: int) -> None:
    """A late log that arrives at the very instant of a swap: the one swap then is both, and not late again."""
    # At this bandwidth 4,096 bytes, an idle guest's log, take 1 ms; initial replication takes 2,049 ms. With the
    # latency each log takes two frequencies, and replication begins on the grid.
    line = Line(32_768_000, 2 * frequency - 1)
    sent = START + 2_049 + line.latency
    job = (below(SLOT, 1, "phase", "VM00") - sent) % SLOT
    plain, found = differences(replace(told(frequency, line, [[IDLE]]), job=job), tmp_path / "late.lab")
    assert found == []
    late = [(fact["at"], fact["started"]) for fact in plain.facts if fact.get("late")]
    begun = sent + job
    assert late == [(begun + 2 * (n + 1) * frequency, begun + 2 * n * frequency) for n in range(len(late))]
    assert len(late) > 2


@pytest.mark.parametrize("latency", [0, 20])
def test_twins(tmp_path: Path, latency: int) -> None:
    """Transfers that end at one instant arrive in the order in which they began, with latency and without."""
    plain, found = differences(told(SLOT, Line(50_000_000, latency), [[IDLE], [IDLE], [IDLE]]), tmp_path / "twins.lab")
    assert found == []
    pieces = [fact for fact in plain.facts if fact["kind"] == "initial.piece"]
    assert [fact["entity"] for fact in pieces] == ["VM00", "VM01", "VM02"]
    assert len({fact["at"] for fact in pieces}) == 1


def test_cut_in_the_middle_of_hours(tmp_path: Path) -> None:
    """A first log of nearly five hours that is cut in its middle keeps the sessions of the first half, no others."""
    cut = Command(START + HOUR, "fault", ("VM00", "cut"))
    slow = told(15 * MINUTE, Line(4_000, 0), [[IDLE, DATABASE]], cut, orders=240, hours=6)
    plain, found = differences(slow, tmp_path / "slow.lab")
    assert found == []
    first = next(fact for fact in plain.facts if fact["kind"] == "cycle")
    assert first["cut"] > START + 4 * HOUR


def test_point_before_a_swapped_log(tmp_path: Path) -> None:
    """A recovery point without the log it should have stays so, when that log is applied later and hours go by.

    The point is the first of its clock hour, so that it outlives the one that shows the same state by right.
    """
    line, begun = Line(100_000_000, 0), START + 700
    due = begun + (below(SLOT, 1, "phase", "VM00") - begun) % SLOT + 12 * 5 * MINUTE
    swap = Command(due - 4 * MINUTE, "fault", ("VM00", "swap"))
    power = Command(due - 3 * MINUTE, "power_off", ("VM00", False))
    swapped = told(5 * MINUTE, line, [[IDLE, DATABASE]], swap, power, orders=8_640, hours=4)
    plain, found = differences(swapped, tmp_path / "swapped.lab")
    assert found == []
    assert due in [point.cut for point in plain.protections["VM00"].points]


@pytest.mark.parametrize("again", [False, True])
def test_shut_down_at_the_snapshot(tmp_path: Path, again: bool) -> None:
    """What a shut-down writes at the very instant of the snapshot is in it, whether or not the lab was opened again."""
    at = START + HOUR // 2
    reopen = [Command(at + 100, "reopen")] if again else []
    quiet = told(5 * MINUTE, Line(100_000_000, 0), [[IDLE, DATABASE]], orders=8_640)
    commands = Command(at, "protect", ("VM00",)), Command(at, "power_off", ("VM00", True)), *reopen
    plain, found = differences(replace(quiet, commands=commands), tmp_path / "off.lab")
    assert found == []
    made = plain.protections["VM00"]
    assert made.guest.stopped == made.snapshot
    assert made.replica == made.guest.disks


def test_a_comparison_that_is_overtaken(tmp_path: Path) -> None:
    """Sending what differs takes so long that the log of the time since is too large: a comparison is required anew."""
    commands = (
        Command(START + 20 * MINUTE, "fail_log", ("VM00",)),
        Command(START + 40 * MINUTE, "set_bandwidth", (20_000,)),
        Command(START + 40 * MINUTE + 1, "resynchronise", ("VM00",)),
    )
    slow = told(5 * MINUTE, Line(100_000_000, 20), [[BUSY, IDLE]], *commands, hours=4)
    plain, found = differences(slow, tmp_path / "overtaken.lab")
    assert found == []
    assert "overtaken" in set(traits(slow, plain))


def test_agreement_without_secret(tmp_path: Path) -> None:
    """The story the next tests tamper with is one on which both engines agree."""
    plain, found = differences(busy(), tmp_path / "busy.lab")
    assert found == []
    assert len(plain.protections["VM00"].points) > 10


SECRETS = {
    **{kind: Command(START + 20 * MINUTE, "fault", ("VM00", kind)) for kind in FAULTS},
    "flip": Command(START + 20 * MINUTE, "flip", ("VM00", 0, 1_000)),
    "plug": Command(START + 20 * MINUTE, "set_connected", (False,)),
    "bandwidth": Command(START + 20 * MINUTE, "set_bandwidth", (99_000_000,)),
    "power": Command(START + 20 * MINUTE, "power_off", ("VM00", False)),
}


@pytest.mark.parametrize("name", SECRETS)
def test_comparison_can_fail(tmp_path: Path, name: str) -> None:
    """Whatever befalls the real lab alone is seen: a lost, cut, doubled or late log, one bit, the line, the power."""
    _plain, found = differences(busy(), tmp_path / "busy.lab", secret=SECRETS[name])
    assert found
    told_facts = any("fact" in line for line in found)
    assert told_facts == (name in ("plug", "bandwidth", "power", "corrupt"))


def test_one_block_is_enough(tmp_path: Path) -> None:
    """One changed bit of one block of the replica is one difference, at the replica and in the points that hold it."""
    late = Command(busy().end - 1, "flip", ("VM00", 0, 127))
    _plain, found = differences(busy(), tmp_path / "busy.lab", secret=late)
    assert found == ["VM00 replica, disk 0: 1 blocks differ, the first is 127"]

"""The real engine against the plain one, on random small sites with faults.

``LABKIT_PLAIN_SECONDS`` says how long to go on after the first sites (default: 40 s, more under ``make fuzz``);
``LABKIT_PLAIN_SEED`` repeats one site.
"""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.site.model import Azure, Churn, Cloud, Disk, Line, Objectives, Servers, SiteFile, Vm
from tests.plain.compare import differences
from tests.plain.engine import PlainLab
from tests.plain.sites import FAULTS, HOUR, MB, MINUTE, START, Command, Story, story

LEAST_SITES = 150
WANTED = {
    *("late", "pieces", "thinned", "powerless", "shut down", "invoices", "orders", "frequent", "unfinished"),
    *(f"fault {kind}" for kind in FAULTS),
    *("flip", "reopen", "set_bandwidth", "set_connected", "latency"),
}
"""What a run has to have met among its sites to prove anything."""


def traits(told: Story, plain: PlainLab) -> Iterator[str]:
    """What a story was about."""
    cycles = [fact for fact in plain.facts if fact["kind"] == "cycle"]
    pieces = [(fact["entity"], fact["disk"]) for fact in plain.facts if fact["kind"] == "initial.piece"]
    points = sum(len(made.points) for made in plain.protections.values())
    off = {guest.vm.name: guest.stopped for guest in plain.guests.values()}
    yield from ("late" for fact in cycles if fact["late"])
    yield from ("pieces" for _ in pieces[len(set(pieces)) :])
    yield from ("powerless" for fact in cycles if (off[fact["entity"]] or told.end) < fact["started"])
    yield from ("unfinished" for made in plain.protections.values() if not made.begun)
    yield from (command.name for command in told.commands)
    yield from (f"fault {command.arguments[1]}" for command in told.commands if command.name == "fault")
    yield from ("shut down" for command in told.commands if command.name == "power_off" and command.arguments[1])
    vms = [made.guest.vm for made in plain.protections.values()]
    for name, held in {
        "thinned": points < len(cycles),
        "invoices": any(vm.invoices for vm in vms),
        "orders": any(vm.orders_per_day for vm in vms),
        "frequent": bool(cycles) and told.site.cloud.frequency == 30_000,
        "latency": told.site.line.latency > 0,
    }.items():
        if held:
            yield name


def test_agreement(tmp_path: Path, effort: int) -> None:
    """Two engines written apart from one page tell the same facts and hold the same blocks, points and pending bytes.

    At least 150 sites are tried; those of an ordinary run are always the same, a longer one looks further.
    """
    if chosen := os.environ.get("LABKIT_PLAIN_SEED"):
        assert differences(story(int(chosen)), tmp_path / "one.lab")[1] == []
        return
    until = time.monotonic() + float(os.environ.get("LABKIT_PLAIN_SECONDS", 40 * effort))
    first = 0 if effort == 1 else random.randrange(1 << 32)
    met: set[str] = set()
    for seed in itertools.count(first):
        if seed - first >= LEAST_SITES and time.monotonic() > until:
            break
        path = tmp_path / f"{seed}.lab"
        plain, found = differences(story(seed), path)
        assert not found, f"repeat with LABKIT_PLAIN_SEED={seed}:\n" + "\n".join(found)
        met.update(traits(story(seed), plain))
        path.unlink()
    assert met >= WANTED


# --- the comparison itself -------------------------------------------------------------------------------------------


def busy() -> Story:
    """One VM that writes the same few blocks again and again, well protected for an hour."""
    disk = Disk("disk0", 64 * MB, 8 * MB, None, Churn(40_000, 65_536, 200), False)
    vms = (Vm("VM00", "Windows Server 2012 R2", "HOST01", 1, MB, MB, True, (disk,), None, False),)
    line, cloud = Line(100_000_000, 20), Cloud("Cloud", 5 * MINUTE, 2, 0)
    servers = Servers("lab.example", "DC01", "VMM01", ("HOST01",))
    azure, objectives = Azure("Japan East", "net", "storage", "vault"), Objectives(HOUR, HOUR, None)
    site = SiteFile("Plain", START, 540, line, cloud, servers, "LAN", azure, vms, objectives)
    return Story(1, site, (Command(START, "protect", ("VM00",)),), START + HOUR, 0)


def test_agreement_without_secret(tmp_path: Path) -> None:
    """The story the next tests tamper with is one on which both engines agree."""
    plain, found = differences(busy(), tmp_path / "busy.lab")
    assert found == []
    assert len(plain.protections["VM00"].points) > 10


SECRETS = {
    **{kind: Command(START + 20 * MINUTE, "fault", ("VM00", kind)) for kind in FAULTS},
    "flip": Command(START + 20 * MINUTE, "flip", ("VM00", 0, 127)),
    "plug": Command(START + 20 * MINUTE, "set_connected", (False,)),
    "bandwidth": Command(START + 20 * MINUTE, "set_bandwidth", (99_000_000,)),
    "power": Command(START + 20 * MINUTE, "power_off", ("VM00", False)),
}


@pytest.mark.parametrize("name", SECRETS)
def test_comparison_can_fail(tmp_path: Path, name: str) -> None:
    """Whatever befalls the real lab alone is seen: a lost, cut, doubled or late log, one bit, the line, the power."""
    _plain, found = differences(busy(), tmp_path / "busy.lab", secret=SECRETS[name])
    assert found
    told_facts = any(line.startswith("fact ") for line in found)
    assert told_facts == (name in ("plug", "bandwidth", "power"))


def test_one_block_is_enough(tmp_path: Path) -> None:
    """One changed bit of one block of the replica is one difference, at the replica and in the points that hold it."""
    late = Command(busy().end - 1, "flip", ("VM00", 0, 127))
    _plain, found = differences(busy(), tmp_path / "busy.lab", secret=late)
    assert found == ["VM00 replica, disk 0: 1 blocks differ, the first is 127"]

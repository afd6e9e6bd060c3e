"""Small random sites, and what befalls them: a function of one number."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import NamedTuple

from labkit.engine.chance import below
from labkit.site.model import Azure, Churn, Cloud, Disk, Line, Objectives, Servers, SiteFile, Vm
from tests.plain.recordings import recorded

MB, MINUTE, HOUR = 2**20, 60_000, 3_600_000
START = 1_412_121_600_000
FAULTS = ("drop", "cut", "double", "swap", "corrupt")


class Command(NamedTuple):
    """Something done at an instant: a method of both labs and its arguments."""

    at: int
    name: str
    arguments: tuple[str | int | bool, ...] = ()


@dataclass(frozen=True)
class Story:
    """A site and what happens to it until ``end``; ``job``: ms from the last piece until replication begins.

    ``traces`` are the files its disks name, as text.
    """

    seed: int
    site: SiteFile
    commands: tuple[Command, ...]
    end: int
    job: int
    traces: dict[str, str] = field(default_factory=dict)


def story(seed: int, writes: int = 25_000) -> Story:
    """The story of a number; ``writes`` bounds what its guests write."""
    chance = random.Random(seed)
    frequency = chance.choice((30_000, 300_000, 900_000))
    hours = chance.choice((1, 1, 1.5) if frequency == 30_000 else (1, 1.5, 2, 3, 5, 12))
    length = int(hours * HOUR)
    count = chance.choice((1, 1, 2) if frequency == 30_000 else (1, 1, 2, 3, 4))
    vms = _vms(chance, count, writes * 1000 / length / count)
    cloud = Cloud("Cloud", frequency, chance.randrange(4), chance.choice((0, 0, 1, 2)))
    loss = chance.choice((0, 0, 0, 100, 20_000, 500_000))
    line = Line(_bandwidth(chance, vms, length), chance.choice((0, 0, 1, 20, 200)), loss)
    servers = Servers("lab.example", "DC01", "VMM01", ("HOST01",))
    azure = Azure("Japan East", "net", "storage", "vault")
    objectives = Objectives(HOUR, HOUR, None)
    start = START + chance.randrange(HOUR) + chance.choice((0, 0, 14)) * HOUR  # some near midnight at the site
    site = SiteFile("Plain", start, 540, line, cloud, servers, "LAN", azure, vms, objectives)
    commands = sorted(_commands(chance, seed, site, length), key=lambda command: command.at)
    job = chance.choice((0, 1, 5_000, 90_000))
    site, traces = recorded(random.Random(f"workloads {seed}"), site, length, writes // count)
    return Story(seed, site, tuple(commands), start + length, job, traces)


# --- the site --------------------------------------------------------------------------------------------------------


def _vms(chance: random.Random, count: int, writes_per_s: float) -> tuple[Vm, ...]:
    roles = chance.choice((("", "", "", ""), ("orders", "", "", ""), ("orders", "invoices", "", "")))
    return tuple(_vm(chance, number, role, writes_per_s) for number, role in enumerate(roles[:count]))


def _vm(chance: random.Random, number: int, role: str, writes_per_s: float) -> Vm:
    disks = [_disk(chance, f"disk{place}", writes_per_s) for place in range(chance.choice((1, 1, 2)))]
    if role:
        disks.append(Disk("data", chance.randrange(20, 60) * MB, 0, None, None, True))
    orders = chance.choice((240, 2_880, 8_640)) if role == "orders" else None
    system = chance.choice(("Windows Server 2012 R2", "Windows Server 2012 R2", "Ubuntu Server"))
    return Vm(f"VM{number:02}", system, "HOST01", 1, MB, MB, True, tuple(disks), orders, role == "invoices")


def _disk(chance: random.Random, name: str, writes_per_s: float) -> Disk:
    large = chance.random() < 0.05
    size = chance.randrange(300, 600) * MB if large else chance.randrange(20, 200) * MB
    if chance.random() < 0.3:
        size += 512 * chance.randrange(2_048)  # the last block is not whole
    used = size if large else chance.choice((0, chance.randrange(size + 1), chance.randrange(size // 8)))
    write = 4_096 << chance.randrange(5)
    rate = chance.choice((0, chance.randrange(3_000), chance.randrange(300_000)))
    hot = chance.choice((1, chance.randrange(1, 1_000), 1_000))
    shape = chance.choice(("steady", "steady", "diurnal", "batch", "burst"))
    churn = Churn(min(rate, int(writes_per_s * write)), write, hot, shape)
    return Disk(name, size, used, None, None if chance.random() < 0.1 else churn, False)


def _bandwidth(chance: random.Random, vms: tuple[Vm, ...], length: int) -> int:
    """A good line, or one that needs a good part of the time, or more time than there is."""
    bits = 8 * sum(disk.used for vm in vms for disk in vm.disks) + 8 * MB
    part = chance.choice((0.001, 0.02, 0.1, 0.3, 0.6, 2.0))
    return max(20_000, int(bits * 1000 / (length * part)))


# --- what happens ----------------------------------------------------------------------------------------------------


def _commands(chance: random.Random, seed: int, site: SiteFile, length: int) -> list[Command]:
    def instant(first: float = 0.0) -> int:
        at = site.start + int(length * chance.uniform(first, 1))
        return at if chance.random() < 0.8 else at // 30_000 * 30_000 + 30_000

    found: list[Command] = []
    for vm in site.vms:
        began = site.start + chance.choice((0, chance.randrange(length // 10), chance.randrange(length // 2)))
        found.append(Command(began, "protect", (vm.name,)))
        found += _troubles(chance, seed, vm, began, length)
    for _ in range(chance.choice((0, 0, 1, 2))):
        lost = instant()
        pause = chance.choice((chance.randrange(5_000), chance.randrange(10 * MINUTE), chance.randrange(length)))
        found += [Command(lost, "set_connected", (False,)), Command(lost + pause, "set_connected", (True,))]
    for _ in range(chance.choice((0, 0, 1, 3))):
        factor = chance.choice((0.1, 0.5, 2, 10))
        found.append(Command(instant(), "set_bandwidth", (max(20_000, int(site.line.bandwidth * factor)),)))
    if chance.random() < 0.3:
        found.append(Command(instant(), "set_quality", (chance.choice((0, 5, 300)), chance.choice((0, 1_000, 90_000)))))
    found += [Command(instant(), "ask") for _ in range(3)]
    found += [Command(instant(), "reopen") for _ in range(chance.choice((0, 0, 2)))]
    return [command for command in found if command.at < site.start + length]


def _troubles(chance: random.Random, seed: int, vm: Vm, began: int, length: int) -> list[Command]:
    def later() -> int:
        return began + 1 + chance.randrange(length)

    found = [Command(later(), "fault", (vm.name, chance.choice(FAULTS))) for _ in range(chance.choice((0, 0, 1, 2, 4)))]
    for _ in range(chance.choice((0, 0, 1, 3))):
        disk = chance.randrange(len(vm.disks))
        found.append(Command(later(), "flip", (vm.name, disk, chance.randrange(vm.disks[disk].size // 65_536))))
    if chance.random() < 0.4:
        found += [
            Command(later(), "fail_log", (vm.name,)),
            *(Command(later(), "resynchronise", (vm.name,)) for _ in "ab"),
        ]
        if chance.random() < 0.8:  # a comparison that may take so long that the log overtakes it
            begin = later()
            found += [
                Command(begin, "fail_log", (vm.name,)),
                Command(begin + 1, "set_bandwidth", (20_000,)),
                Command(begin + 60_000, "resynchronise", (vm.name,)),
            ]
    if chance.random() < 0.4:
        found += [
            Command(later(), name, (vm.name,)) for name in ("pause", "resume", "pause", "resume", "resynchronise")
        ]
    if chance.random() < 0.3:
        reason, begin = chance.choice(("disk space", "authorisation")), later()
        end = begin + chance.choice((chance.randrange(5 * MINUTE), chance.randrange(length)))
        found += [
            Command(begin, "obstruct", (reason, vm.name)),
            Command(end, "clear", (reason, vm.name)),
            Command(end + chance.randrange(10 * MINUTE), "resume", (vm.name,)),
        ]
    if chance.random() < 0.3:
        begin = later()
        reason = chance.choice(("other backup", "integration services"))
        found += [
            Command(begin, "obstruct", (reason, vm.name)),
            Command(begin + chance.randrange(3 * HOUR), "clear", (reason, vm.name)),
        ]
    if chance.random() < 0.3:
        # Some at the very instant of the snapshot or, as far as the frequency allows, of a swap.
        slot = later() // 30_000 * 30_000 + 30_000 + below(30_000, seed, "phase", vm.name)
        at = chance.choice((began, slot, slot, later(), later(), later()))
        found.append(Command(at, "power_off", (vm.name, chance.random() < 0.5)))
    return found

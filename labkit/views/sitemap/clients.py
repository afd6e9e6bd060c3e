"""Whom clients reach: asked of ``labkit.recovery.reach``, the one rule there is (rules 3.1-3, 3.1-4), and summed up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from labkit.azure import hosted, hosting
from labkit.azure.hosted import CloudService
from labkit.engine.texts import gettext as _
from labkit.engine.world import World
from labkit.guest.machine import AZURE, SITE, Machine
from labkit.recovery import reach
from labkit.recovery.hostreplica import HostReplica
from labkit.recovery.reach import APPLICATION, INTERNET, SITE_CLIENT, Answer
from labkit.views.sitemap.model import AT_SITE, BAD, CORPORATE, GOOD, OFF, OUTSIDE, PILL, TILE, WARN, Link, Thing


class Called(NamedTuple):
    """One name a client called at a port, and how that ended; ``expected``: the machine that should have answered."""

    name: str
    port: int
    answer: Answer
    expected: str


def port_of(machine: Machine) -> int:
    """Where a machine is called: its application if it has one, else Remote Desktop or SSH."""
    return APPLICATION if machine.application is not None else hosting.remote_port(machine)


def calls(world: World, machines: Iterable[Machine]) -> dict[str, Called]:
    """The corporate client calls the host name of each machine, each name once; by machine: what answers or should.

    A VM that runs at the second site is left out: ``reach`` says of it only that its networks are not modelled.
    """
    found: dict[str, Called] = {}
    names: dict[str, list[Machine]] = {}
    for machine in machines:
        replica = world.find(HostReplica, machine.name) if machine.side == SITE else None
        if machine.side in (SITE, AZURE) and (replica is None or replica.active == SITE):
            names.setdefault(hosted.host_name(world, machine), []).append(machine)
    for name, bearers in sorted(names.items()):
        running = next((m for m in bearers if m.run), bearers[-1])
        answer = reach.reach(world, SITE_CLIENT, name, port_of(running))
        expected = answer.machine if answer.reached else running.id
        found[expected] = Called(name, port_of(running), answer, expected)
    return found


def told(called: Called | None) -> tuple[str, ...]:
    """A machine's line about its clients; () for one that nobody calls."""
    if called is None:
        return ()
    if called.answer.reached:
        return (_("clients reach it"),)
    return (_("not reached: {reason}").format(reason=called.answer.words),)


def corporate(found: dict[str, Called], hidden: int) -> Thing:
    """The client on the corporate network; ``hidden``: VMs that are not drawn, and that it was not asked for."""
    reached, count = sum(called.answer.reached for called in found.values()), len(found)
    extra = [called.answer.words for called in found.values() if not called.answer.reached][:1]
    if hidden:
        extra.append(_("{count} more VMs not called").format(count=hidden))
    word = _("reaches {reached} of {count}").format(reached=reached, count=count)
    tone = GOOD if reached == count else WARN if reached else BAD
    rows = [f"{one.name}: {one.answer.words or ' > '.join(one.answer.path)}" for one in found.values()]
    kind = _("client on the corporate network")
    return Thing(CORPORATE, TILE, kind, AT_SITE, _("Clients"), tone, word, tuple(extra), tuple(rows))


def corporate_links(found: dict[str, Called], frames: dict[str, str]) -> list[Link]:
    """From the corporate client to the frames in which it reaches machines, and as far as it gets where it does not.

    ``frames``: where each machine is drawn.
    """
    reached: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    blocked: dict[str, list[str]] = {}
    for machine, called in found.items():
        tunnel = next((step for step in called.answer.path if step.startswith("vpn ")), "")
        via = (f"vpn/{tunnel.removeprefix('vpn ')}",) if tunnel else ()
        if called.answer.reached and machine in frames:
            reached.setdefault((frames[machine], via), []).append(called.name)
        elif via:
            blocked.setdefault(via[0], []).append(called.name)
    made = [
        Link(f"reach/{target}", "reach", (CORPORATE, target), GOOD, _reaches(names), 0, via)
        for (target, via), names in reached.items()
    ]
    stuck = _("clients do not get further: {names}")
    made += [
        Link(f"blocked/{pill}", "reach", (CORPORATE, pill), BAD, stuck.format(names=", ".join(names)))
        for pill, names in blocked.items()
    ]
    return made


def _reaches(names: list[str]) -> str:
    return _("clients reach {names}").format(names=", ".join(names))


class Outside(NamedTuple):
    """The client on the internet, its links, and the machines it reaches by an endpoint."""

    thing: Thing
    links: list[Link]
    reached: set[str]


def from_outside(world: World, machines: Iterable[Machine], frames: dict[str, str]) -> Outside:
    """The client on the internet reaches public endpoints and nothing else (rule 3.3-3); ``frames`` by machine."""
    named: dict[str, list[str]] = {}
    reached: set[str] = set()
    ports = answering = 0
    for machine in machines:
        vm = hosted.of(world, machine)
        service = world.find(CloudService, vm.service)
        for endpoint in vm.endpoints:
            if service is None or endpoint.protocol != "tcp":
                continue
            ports += 1
            if reach.reach(world, INTERNET, service.dns_name, endpoint.public_port).reached:
                answering += 1
                reached.add(machine.id)
                named.setdefault(frames[machine.id], []).append(f"{service.dns_name}:{endpoint.public_port}")
    word = _("reaches {reached} of {count}").format(reached=answering, count=ports) if ports else _("reaches nobody")
    tone, title = GOOD if answering else OFF, _("Internet client")
    why = () if ports else (_("no VM in Azure has an endpoint"),)
    thing = Thing(OUTSIDE, PILL, _("client on the internet"), "", title, tone, word, (), why)
    links = [
        Link(f"outside/{frame}", "reach", (OUTSIDE, frame), GOOD, _reaches(names)) for frame, names in named.items()
    ]
    return Outside(thing, links, reached)

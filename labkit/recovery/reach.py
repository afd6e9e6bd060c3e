"""Who reaches what: client, target by name or address, port -> reached, or the reason why not (rules 3.1-3, 3.1-4).

A client is "site" (a computer on the corporate network), "internet", a VM of the site by its name, or "azure:NAME", a
VM in Azure by the name it is listed under. A target is a host name, which the client's DNS resolves; an address; a name
``*.cloudapp.net``; or "azure:NAME" and "site:NAME", the VM itself at its own address, whatever DNS says.

Reasons are looked for in the order in which a packet meets them: the name, the way, the endpoint, the guest.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple

from labkit.azure import hosted, hosting
from labkit.azure.hosted import DOMAIN, DOMAIN_CONTROLLER, CloudService
from labkit.engine.names import unknown
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.engine.world import World
from labkit.guest.machine import OFF, RUNNING, SITE, TEST, Machine
from labkit.recovery import guestremote, network
from labkit.recovery.hostreplica import REPLICA
from labkit.site import inventory

SITE_CLIENT, INTERNET = "site", "internet"
APPLICATION = 443  # where the guest's application answers; the lab's own figure
_CONTROLLER_PORTS = (53, 88, 389, 445)

NAME, STALE, ADDRESS = "name", "dns not updated", "address"
CLIENT_OFF, SITE_LOST, NO_LINE = "client off", "site lost", "line lost"
VPN_DOWN, NO_ROUTE, NO_ENDPOINT = "vpn down", "no route", "no endpoint"
MACHINE_OFF, ELSEWHERE = "off", "second site"
NOBODY, NOT_ENABLED, FIREWALL = "nothing listens", "remote off", "firewall"
WORDS = {
    NAME: mark("the client's DNS does not know the name"),
    STALE: mark("the DNS still gives the address of before the failover"),
    ADDRESS: mark("nobody has this address"),
    CLIENT_OFF: mark("the client itself does not run"),
    SITE_LOST: mark("the site is lost, and its network with it"),
    NO_LINE: mark("the site's line to the internet is lost"),
    VPN_DOWN: mark("the site-to-site VPN is down"),
    NO_ROUTE: mark("no way leads from the client to that network"),
    NO_ENDPOINT: mark("the public address has no endpoint for this port"),
    MACHINE_OFF: mark("the virtual machine is off, or has not started yet"),
    ELSEWHERE: mark("the virtual machine runs at the second site, whose networks the lab does not model"),
    NOBODY: mark("nothing listens on this port"),
    NOT_ENABLED: mark("Remote Desktop or SSH is not enabled in the guest"),
    FIREWALL: mark("the guest's firewall does not let it through"),
}


class Answer(NamedTuple):
    """``reason``: one of :data:`WORDS`, "" when reached. ``path``: what was passed, as far as it went.

    ``machine``: the id of the VM that is or would be reached, "" when there is none; ``address``: the one tried.
    ``conflict``: ids of the machines that run under one name on the corporate network, when the target is among them.
    """

    reached: bool
    reason: str
    path: tuple[str, ...]
    machine: str
    address: str
    conflict: tuple[str, ...]

    @property
    def words(self) -> str:
        """The reason as a sentence for people; "" when reached."""
        return _(WORDS[self.reason]) if self.reason else ""


class _Client(NamedTuple):
    kind: str  # "site", "internet" or "azure"
    machine: Machine | None


class _Try(NamedTuple):
    """What a target stands for: a machine by an inner address, a cloud service, or a reason why neither."""

    machine: Machine | None = None
    service: CloudService | None = None
    address: str = ""
    reason: str = ""
    path: tuple[str, ...] = ()


def reach(world: World, client: str, target: str, port: int) -> Answer:
    """Whether a client reaches a TCP port of a target; 900010 for a client or a VM that is none."""
    who = _client(world, client)
    reason = _out_of_action(world, who)
    if reason:
        return _answer(world, _Try(path=(client,)), reason)
    found = _resolve(world, who, str(target))
    found = found._replace(path=(client, *found.path))
    if found.reason:
        return _answer(world, found, found.reason)
    if found.service is not None:
        return _through_endpoint(world, who, found, port)
    assert found.machine is not None
    machine = found.machine
    ways, reason = _way(world, who, machine)
    found = found._replace(path=(*found.path, *ways))
    return _answer(world, found, reason or _guest(world, machine, port))


def _answer(world: World, found: _Try, reason: str) -> Answer:
    machine, path = found.machine, found.path
    if machine is not None and not reason:
        path = (*path, machine.id)
    double = network.conflict(world, hosted.host_name(world, machine)) if machine is not None else ()
    double = double if machine is not None and machine.id in double else ()
    return Answer(not reason, reason, path, machine.id if machine is not None else "", found.address, double)


# --- the client -------------------------------------------------------------------------------------------------------


def _client(world: World, client: str) -> _Client:
    if client in (SITE_CLIENT, INTERNET):
        return _Client(client, None)
    place, _sep, name = client.rpartition(":")
    if place == "azure":
        return _Client("azure", network.in_azure(world, name))
    machine = world.find(Machine, f"{SITE}/{name}")
    if machine is None or place not in ("", SITE):
        there = [found.name for found in world.all(Machine) if found.side == SITE]
        raise unknown("client", client, [SITE_CLIENT, INTERNET, *there])
    return _Client(SITE_CLIENT, machine)


def _out_of_action(world: World, who: _Client) -> str:
    if who.kind == SITE_CLIENT and inventory.state(world).lost_at:
        return SITE_LOST
    if who.machine is None or who.machine.state == RUNNING:
        return ""
    return ELSEWHERE if _elsewhere(world, who.machine) else CLIENT_OFF


def _elsewhere(world: World, machine: Machine) -> bool:
    """Whether a VM of the site runs at the second site instead."""
    other = world.find(Machine, f"{REPLICA}/{machine.name}") if machine.side == SITE and not machine.run else None
    return other is not None and bool(other.run)


# --- names and addresses ----------------------------------------------------------------------------------------------


def _resolve(world: World, who: _Client, target: str) -> _Try:
    place, _sep, name = target.partition(":")
    if place == "azure":
        return _itself(world, network.in_azure(world, name))
    if place == SITE and _sep:
        return _itself(world, inventory.machine(world, name))
    if target.casefold().endswith(f".{DOMAIN}"):
        return _public(world, target)
    try:
        ip_address(target)
    except ValueError:
        return _by_name(world, who, target.partition(".")[0])
    return _by_address(world, who, target)


def _itself(world: World, machine: Machine) -> _Try:
    return _Try(machine, address=network.address_of(world, machine))


def _public(world: World, name: str) -> _Try:
    for service in world.all(CloudService):
        if service.dns_name.casefold() == name.casefold():
            return _Try(service=service, address=service.vip, path=("dns",))
    return _Try(reason=NAME)


def _by_address(world: World, who: _Client, address: str) -> _Try:
    for service in world.all(CloudService):
        if service.vip == address:
            return _Try(service=service, address=address)
    there = [m for m in world.all(Machine) if m.side in network.SIDES and network.address_of(world, m) == address]
    # Virtual networks may have the same addresses: the one the client has a way to is meant.
    there.sort(key=lambda machine: (bool(_way(world, who, machine)[1]), machine.id))
    return _Try(there[0], address=address) if there else _Try(address=address, reason=ADDRESS)


def _by_name(world: World, who: _Client, name: str) -> _Try:
    known = network.of_host(world, name)
    if not known:
        raise unknown("VM", name, sorted({hosted.host_name(world, m) for m in world.all(Machine)}))
    if who.kind == INTERNET:
        return _Try(reason=NAME)
    if who.kind == "azure":
        beside = _beside(world, who, known)
        if beside is not None:
            return beside
    if not _has_dns(world, who):
        return _Try(reason=NAME)
    named = network.lookup(world, name)
    if named is None:
        return _Try(reason=NAME)
    machine = world.find(Machine, named[0])
    if machine is None or not machine.run:
        moved = [other for other in known if other.run and other.id != named[0] and other.side != TEST]
        if moved:  # it runs elsewhere, and the name has not followed
            return _Try(moved[0], address=named[1], reason=_not_followed(world, moved[0]), path=("dns",))
    if machine is None:
        return _Try(address=named[1], reason=ADDRESS, path=("dns",))
    return _Try(machine, address=named[1], path=("dns",))


def _beside(world: World, who: _Client, known: list[Machine]) -> _Try | None:
    """A VM of that name next to the client, by Azure's own names in a cloud service or by a DNS server there."""
    assert who.machine is not None
    ours = hosted.of(world, who.machine)
    for machine in known:
        theirs = hosted.of(world, machine)
        same_service = bool(ours.service) and theirs.service == ours.service
        served = machine.side != SITE and theirs.network == ours.network and network.azure_server(world, ours.network)
        if machine.run and (same_service or served):
            return _Try(machine, address=theirs.address, path=("dns",))
    return None


def _has_dns(world: World, who: _Client) -> bool:
    if who.machine is not None:
        return network.controller_in_reach(world, who.machine)
    return network.site_server(world)


def _not_followed(world: World, machine: Machine) -> str:
    """Why a VM could not enter its name at the site: it has no way there, or no update was taken."""
    if network.on_corporate_network(world, machine):
        return STALE
    return VPN_DOWN if network.has_vpn(world, network.network_of(world, machine)) else NO_ROUTE


# --- ways -------------------------------------------------------------------------------------------------------------


def _way(world: World, who: _Client, machine: Machine) -> tuple[tuple[str, ...], str]:
    """What lies between a client and a machine's own address, and why it cannot be passed ("": it can)."""
    if who.kind == SITE_CLIENT and machine.side == SITE:
        return ("lan",), ""
    if who.kind == INTERNET:
        return (), NO_ROUTE
    there = network.network_of(world, machine)
    if who.machine is not None and who.kind == "azure":
        if who.machine.id == machine.id or _neighbours(world, who.machine, machine):
            return (there or "cloud service",), ""
        if machine.side != SITE:
            return (), NO_ROUTE
        there = network.network_of(world, who.machine)
    if not network.has_vpn(world, there):
        return (), NO_ROUTE
    return (f"vpn {there}",), _vpn(world, there)


def _vpn(world: World, name: str) -> str:
    if inventory.state(world).lost_at:
        return SITE_LOST
    return "" if network.vpn_up(world, name) else VPN_DOWN


def _neighbours(world: World, one: Machine, two: Machine) -> bool:
    """Two VMs on one virtual network, or on none but in one cloud service (facts.md 2.7)."""
    if SITE in (one.side, two.side):
        return False
    ours, theirs = hosted.of(world, one), hosted.of(world, two)
    beside = ours.network or (ours.service if ours.service == theirs.service else "")
    return ours.network == theirs.network and bool(beside)


def _through_endpoint(world: World, who: _Client, found: _Try, port: int) -> Answer:
    assert found.service is not None
    if who.kind == SITE_CLIENT and not network.connected(world):
        return _answer(world, found, NO_LINE)
    for vm, endpoint in hosting.in_service(world, found.service.id):
        if (endpoint.public_port, endpoint.protocol) == (port, "tcp"):
            machine = world.get(Machine, vm.id)
            found = found._replace(machine=machine, path=(*found.path, f"endpoint {endpoint.name}"))
            return _answer(world, found, _guest(world, machine, endpoint.private_port))
    return _answer(world, found, NO_ENDPOINT)


# --- the guest --------------------------------------------------------------------------------------------------------


def _guest(world: World, machine: Machine, port: int) -> str:
    """Why a guest does not answer on a port ("": it does)."""
    if machine.state != RUNNING:
        return ELSEWHERE if _elsewhere(world, machine) else MACHINE_OFF
    if port == hosting.remote_port(machine):
        settings = guestremote.of(world, machine)
        if not settings.enabled:
            return NOT_ENABLED
        return "" if settings.open else FIREWALL
    if port == APPLICATION and machine.answering_at:
        return ""
    controller = machine.side != SITE and hosted.of(world, machine).role == DOMAIN_CONTROLLER
    return "" if controller and port in _CONTROLLER_PORTS else NOBODY


# --- all pairs --------------------------------------------------------------------------------------------------------


class Pair(NamedTuple):
    """One client, one target as that client would name it, one port, and the answer."""

    client: str
    target: str
    port: int
    answer: Answer


def pairs(world: World) -> list[Pair]:
    """All clients with all VMs: the site's by name; those in Azure by name, at their own address and from outside."""
    machines = [machine for machine in world.all(Machine) if machine.side in network.SIDES]
    clients = [SITE_CLIENT, INTERNET, *(_as_client(machine) for machine in machines if machine.state != OFF)]
    targets: dict[str, Machine] = {}
    for machine in machines:
        targets[hosted.host_name(world, machine)] = machine
        if machine.side != SITE:
            targets[f"azure:{machine.label}"] = machine
            service = world.find(CloudService, hosted.of(world, machine).service)
            if service is not None:
                targets[service.dns_name] = machine
    rows = []
    for client in clients:
        for target in sorted(targets):
            port = hosting.remote_port(targets[target])
            if _as_client(targets[target]) != client:
                rows.append(Pair(client, target, port, reach(world, client, target, port)))
    return rows


def _as_client(machine: Machine) -> str:
    return machine.name if machine.side == SITE else f"azure:{machine.label}"

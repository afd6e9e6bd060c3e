"""The site and the second site as they stand: servers, hosts and the VMs on them."""

from __future__ import annotations

from labkit.engine import errors
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.engine.units import SECOND, show_duration, show_instant
from labkit.engine.world import World
from labkit.guest.machine import SITE, Machine
from labkit.recovery import hostreplica, network, providers, states, vaults
from labkit.recovery.hostreplica import HostReplica
from labkit.recovery.item import ProtectedItem
from labkit.recovery.providers import Provider
from labkit.replication import statistics
from labkit.replication.relation import INITIAL, STOPPED, Relation
from labkit.site import inventory, servers, vmm
from labkit.site.servers import DOMAIN_CONTROLLER, HOST, REPLICA, VMM, Server
from labkit.site.vmm import Vmm
from labkit.site.vms import VmSettings
from labkit.views import titles
from labkit.views.sitemap.model import (
    AT_SECOND,
    AT_SITE,
    BAD,
    BUSY,
    FRAME,
    GOOD,
    OFF,
    PLAIN,
    SIDE,
    TILE,
    WARN,
    Link,
    Thing,
    clip,
    health,
    power,
)  # fmt: skip

MOST_HOSTS = 4


def at_site(world: World) -> list[Thing]:
    """The primary site: its servers, DNS, hosts and VMs."""
    site, state = inventory.site_of(world), inventory.state(world)
    tone, word = GOOD, ""
    if state.lost_at:
        tone, word = BAD, _("the site is lost")
    elif state.hosts_down:
        tone, word = BAD, _("its hosts have crashed")
    side = Thing(AT_SITE, SIDE, "", "", _("Primary site: {name}").format(name=site.site), tone, word)
    there = [_server(world, server) for role in (DOMAIN_CONTROLLER, VMM) for server in _of(world, role, SITE)]
    there[1:1] = _proxies(world)
    hosts = [in_full(world, thing) for thing in _hosts(world, SITE, AT_SITE, _site_tiles(world))]
    return [side, *there, _dns(world), *hosts]


def at_second(world: World) -> list[Thing]:
    """The secondary site with its replicas; nothing when the lab has no second site."""
    second = inventory.site_of(world).replica_site
    if second is None:
        return []
    name = _("Secondary site: {name}").format(name=second.cloud or ", ".join(second.hosts))
    there = [_server(world, server) for server in _of(world, VMM, REPLICA)]
    tiles = _replica_tiles(world, second.hosts[0])
    return [Thing(AT_SECOND, SIDE, "", "", name, GOOD), *there, *_hosts(world, REPLICA, AT_SECOND, tiles)]


def registrations(world: World) -> list[Link]:
    """Which VMM server is registered with which vault, and whether that vault reaches it."""
    found = []
    for server in world.all(Server):
        vault = vaults.of_server(world, server.id) if server.role == VMM else None
        if vault is not None:
            reached = providers.reached(world, server.id)
            word = _("{server} is registered with {vault}") if reached else _("{vault} does not reach {server}")
            ends = (f"server/{server.id}", f"vault/{vault.id}")
            text = word.format(server=server.id, vault=vault.id)
            found.append(Link(f"registered/{server.id}", "registered", ends, PLAIN if reached else BAD, text))
    return found


def _of(world: World, role: str, place: str) -> list[Server]:
    return [server for server in world.all(Server) if server.role == role and server.place == place]


# --- servers ----------------------------------------------------------------------------------------------------------


def _server(world: World, server: Server) -> Thing:
    """A server: off, lost, or running; of a VMM server whether VMM answers and where it is registered."""
    inside = AT_SITE if server.place == SITE else AT_SECOND
    tone, word = _stands(world, server)
    role = errors.word("role", server.role)
    more: tuple[str, ...] = (server.fqdn, server.os)
    if server.role == VMM and tone == GOOD:
        vault = vaults.of_server(world, server.id)
        if world.find(Vmm, server.id) is None:
            tone, word = PLAIN, _("VMM not installed")
        elif not vmm.answers(world, server.id):
            tone, word = BAD, _("VMM does not answer")
        elif vault is not None:
            more = (*more, _("registered with {vault}").format(vault=vault.id))
    return Thing(f"server/{server.id}", TILE, "", inside, server.id, tone, word, (role,), more)


def _stands(world: World, server: Server) -> tuple[str, str]:
    stands = servers.stands(world, server)
    return {servers.RUNNING: GOOD, servers.OFF: OFF}.get(stands, BAD), titles.power(stands).capitalize()


def _proxies(world: World) -> list[Thing]:
    """The proxy through which servers of the site get out, if there are such."""
    through = [server.id for server in world.all(Server) if not server.direct and server.place == SITE]
    if not through:
        return []
    settings = [found.proxy for name in through if (found := world.find(Provider, name)) is not None and found.proxy]
    settings += [server.agent_proxy for server in world.all(Server) if server.id in through and server.agent_proxy]
    known = [server.proxy for server in world.all(Server) if server.id in through and server.proxy] + settings
    address = known[0].address if known else _("no component knows it yet")
    up = providers.online(world)
    word = _("connected") if up else _("no way out")
    more = (_("for {servers}").format(servers=", ".join(through)),)
    return [Thing("proxy", TILE, "", AT_SITE, _("Proxy"), GOOD if up else BAD, word, (address,), more)]


def _dns(world: World) -> Thing:
    """The site's name server, which is its domain controller, and whether it takes updates."""
    if not network.site_server(world):
        tone, word = BAD, _("does not answer")
    elif world.find(network.Outage, network.DNS) is not None:
        tone, word = WARN, _("takes no updates")
    else:
        tone, word = GOOD, _("answers")
    entries = [f"{record.id} > {record.address}" for record in world.all(network.DnsRecord)]
    return Thing(
        "dns", TILE, "", AT_SITE, "DNS", tone, word, (inventory.site_of(world).servers.domain,), tuple(entries)
    )


# --- hosts and VMs ----------------------------------------------------------------------------------------------------


def _hosts(world: World, place: str, inside: str, tiles: dict[str, list[Thing]]) -> list[Thing]:
    """The hosts as frames with their VMs; the more hosts, the fewer VMs of each are drawn."""
    hosts = _of(world, HOST, place)
    most = {1: 9, 2: 6}.get(len(hosts), 3)
    frames = []
    for host in hosts:
        tone, word = _stands(world, host)
        extra = (host.cluster,) if host.cluster else ()
        frames.append(
            Thing(f"host/{host.id}", FRAME, errors.word("role", HOST), inside, host.id, tone, word, extra, (host.os,))
        )
    shown = clip(frames, MOST_HOSTS, inside)
    found = []
    for frame in shown:
        found.append(frame._replace(shape=FRAME))
        found += clip([tile._replace(inside=frame.id) for tile in tiles.get(frame.id, [])], most, frame.id)
    return found


def _site_tiles(world: World) -> dict[str, list[Thing]]:
    found: dict[str, list[Thing]] = {}
    for machine in world.all(Machine):
        if machine.side == SITE:
            vm = machine.id.partition("/")[2]
            tile = _test_tile(machine) if _is_test(machine) else _site_tile(world, machine)
            found.setdefault(f"host/{inventory.host_of(world, vm)}", []).append(tile)
    return found


def _site_tile(world: World, machine: Machine) -> Thing:
    tone, word = power(machine.state)
    settings = world.find(VmSettings, machine.name)
    if settings is not None and settings.gone:
        tone, word = BAD, _("lost with its disks")
    return Thing(machine.id, TILE, "", "", machine.name, tone, word)


def in_full(world: World, tile: Thing) -> Thing:
    """A VM's tile with what is only told: asked for those alone that are drawn."""
    machine = world.find(Machine, tile.id)
    if machine is None or machine.side != SITE or _is_test(machine):
        return tile
    item = world.find(ProtectedItem, machine.name)
    state = mark("not protected") if world.find(HostReplica, machine.name) is None else ""
    if item is not None:
        state = str(states.words(item.state)["description"])
    return tile._replace(kind=_("VM"), more=(_(state), machine.os))


def _is_test(machine: Machine) -> bool:
    return machine.id.startswith(f"{hostreplica.TEST}/")


def _test_tile(machine: Machine) -> Thing:
    return Thing(machine.id, TILE, _("test VM"), "", machine.label, *power(machine.state), (_("test VM"),))


def _replica_tiles(world: World, first: str) -> dict[str, list[Thing]]:
    """What stands on the hosts of the second site: replicas, VMs that run there, tests, and what was left."""
    found: dict[str, list[Thing]] = {}
    for machine in world.all(Machine):
        if machine.side == REPLICA:
            replica = world.find(HostReplica, machine.id.partition("/")[2])
            tile = _test_tile(machine) if _is_test(machine) else _replica_tile(world, machine, replica)
            found.setdefault(f"host/{replica.host if replica is not None else first}", []).append(tile)
    return found


def _replica_tile(world: World, machine: Machine, replica: HostReplica | None) -> Thing:
    kind = _("replica virtual machine")
    if replica is None:
        return Thing(machine.id, TILE, kind, "", machine.name, *power(machine.state), (_("left over"),))
    if replica.active != SITE or machine.run:
        return Thing(machine.id, TILE, _("VM"), "", machine.name, *power(machine.state), (_("failed over"),))
    relation = world.find(Relation, replica.id)
    tone, word, extra = replication(world, relation)
    return Thing(machine.id, TILE, kind, "", machine.name, tone, word, extra)


def replication(world: World, relation: Relation | None) -> tuple[str, str, tuple[str, ...]]:
    """Tone, word and lines of a replica: its health and RPO, and its last recovery point."""
    if relation is None or relation.state == STOPPED:
        return OFF, _("no replication"), ()
    points = () if not relation.points else (last_point(world, relation.points[-1].cut),)
    if relation.state == INITIAL or not relation.cut:
        started = _("Initial replication in progress") if relation.snapshot else _("Waiting for initial replication")
        return BUSY, started, points
    tone, word = health(statistics.health(world, relation))
    if relation.paused:
        tone, word = (tone if tone == BAD else WARN), _("replication is paused")
    rpo = show_duration(relation.rpo(world.now) // SECOND * SECOND)
    return tone, word, (f"RPO {rpo}", *points)


def last_point(world: World, cut: int) -> str:
    """The last recovery point, at its instant in the site's zone."""
    shown = show_instant(cut, inventory.site_of(world).offset_min)
    return _("last point {time}").format(time=shown[11:19])

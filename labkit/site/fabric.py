"""VMM's fabric: hosts and clusters, host groups, logical networks (rules 1.4-3, 2.3-6 to 2.3-8)."""

from __future__ import annotations

from typing import Any

from labkit.engine import jobs
from labkit.engine.errors import LabError
from labkit.engine.jobs import DONE, SKIPPED, JobRecord, Outcome
from labkit.engine.names import unknown
from labkit.engine.world import Entity, World, entity
from labkit.site import directory, kinds, servers, vmm, wizard
from labkit.site.servers import HOST, HYPER_V, Server
from labkit.site.vmm import ALL_HOSTS, HostGroup, Vmm

ADD_HOST = "add-host"
JOB = "AddVmHost"


@entity("cluster")
class Cluster(Entity):
    """A cluster of hosts; ``static``: it has a fixed address; ``broker``: its Hyper-V Replica Broker is there."""

    hosts: list[str]
    static: bool = False
    broker: bool = False


@entity("logical-network")
class LogicalNetwork(Entity):
    """A logical network of a VMM server; ``id`` is SERVER/NAME, ``hosts`` have a switch of that name."""

    server: str
    name: str
    hosts: list[str]


def managed(world: World, server: str) -> list[Server]:
    """The hosts that a VMM server manages, by name."""
    return [host for host in world.all(Server) if host.role == HOST and host.group.startswith(f"{server}/")]


def manager(host: Server) -> str:
    """The VMM server that manages a host; "" for none."""
    return host.group.partition("/")[0]


def cluster_of(world: World, host: str) -> Cluster | None:
    """The cluster a host is a node of."""
    return next((cluster for cluster in world.all(Cluster) if host in cluster.hosts), None)


# --- host groups ------------------------------------------------------------------------------------------------------


def groups(world: World, server: str) -> list[str]:
    """Names of the host groups of a VMM server."""
    return [group.name for group in world.all(HostGroup) if group.server == server]


def group(world: World, server: str, name: str) -> HostGroup:
    """A host group by its name, whatever the case; 900010 with those there are."""
    for found in world.all(HostGroup):
        if found.server == server and found.name.casefold() == str(name).casefold():
            return found
    raise unknown("host group", name, groups(world, server))


def create_group(world: World, server: str, name: str) -> HostGroup:
    """Make a host group (rule 2.3-7); 900663 for a name that is taken or none."""
    found, plain = vmm.at_work(world, server), str(name).strip()
    if not kinds.is_name(plain) or plain.casefold() in (known.casefold() for known in groups(world, found.id)):
        raise LabError(900663, found=name)
    made = world.add(HostGroup(f"{found.id}/{plain}", found.id, plain))
    world.fact("host-group.made", found.id, name=plain)
    return made


def host(world: World, server: str, name: str) -> Server:
    """A host that VMM manages; 900664 when it does not (yet)."""
    found = servers.get(world, name)
    if found.role != HOST or manager(found) != server:
        raise LabError(900664, host=found.id, server=server, choices=", ".join(h.id for h in managed(world, server)))
    return found


def move_host(world: World, server: str, name: str, to: str) -> None:
    """Put a host, and with it the other nodes of its cluster, into another host group (rule 2.3-7)."""
    at = vmm.at_work(world, server)
    found, target = host(world, at.id, name), group(world, at.id, to)
    for node in together(world, found.id):
        world.get(Server, node).group = target.id
        world.fact("host.moved", node, group=target.name)


def together(world: World, host: str) -> list[str]:
    """A host and the other nodes of its cluster, which VMM has or has not together."""
    cluster = cluster_of(world, host)
    return list(cluster.hosts) if cluster else [host]


def remove_host(world: World, server: str, name: str) -> None:
    """Take a host, and with it its cluster, out of VMM, with what VMM keeps of it; the VMs run on."""
    at = vmm.at_work(world, server)
    for node in together(world, host(world, at.id, name).id):
        world.get(Server, node).group = ""
        for network in world.all(LogicalNetwork):
            if node in network.hosts:
                network.hosts.remove(node)
                if not network.hosts:
                    world.remove(network)
        world.fact("host.removed", node, server=at.id)


# --- adding hosts (rule 2.3-6) ----------------------------------------------------------------------------------------


@wizard.check(ADD_HOST, "location")
def _location(world: World, subject: str, values: wizard.Values) -> None:
    vmm.at_work(world, subject)
    if values["place"] != "trusted-domain":
        raise LabError(900665)


@wizard.check(ADD_HOST, "credentials")
def _credentials(world: World, subject: str, values: wizard.Values) -> None:
    directory.require_administrator(world, values["credentials"])


@wizard.check(ADD_HOST, "scope")
def _scope(world: World, subject: str, values: wizard.Values) -> None:
    if not values["computers"]:
        raise LabError(900666)
    for name in values["computers"]:
        discover(world, subject, name)


def discover(world: World, subject: str, name: str) -> list[str]:
    """The hosts of a computer's or cluster's name: 900667 nothing of that name, 900668 no host, 900669 not joined.

    900670 one that a VMM server manages already, 900671 a node of a cluster (which is added by the cluster's name).
    """
    cluster = next((one for one in world.all(Cluster) if one.id.casefold() == name.casefold()), None)
    found = [one for one in world.all(Server) if name.casefold() in (one.id.casefold(), one.fqdn.casefold())]
    if cluster is None and not found:
        raise LabError(900667, found=name, domain=directory.domain(world).id)
    nodes = [world.get(Server, node) for node in cluster.hosts] if cluster else found
    for server in nodes:
        if server.role != HOST:
            raise LabError(900668, server=server.id, role=server.role)
        if not server.joined:
            raise LabError(900669, server=server.id, domain=directory.domain(world).id)
        if server.group:
            raise LabError(900670, server=server.id, manager=manager(server))
        its = cluster_of(world, server.id)
        if cluster is None and its is not None:
            raise LabError(900671, server=server.id, cluster=its.id)
    return [server.id for server in nodes]


@wizard.check(ADD_HOST, "target")
def _target(world: World, subject: str, values: wizard.Values) -> None:
    stray = [name for name in values["selected"] if not _among(name, values["computers"])]
    if stray:
        raise unknown("server", stray[0], values["computers"])


def _among(name: str, names: list[str]) -> bool:
    return name.casefold() in (one.casefold() for one in names)


@wizard.check(ADD_HOST, "settings")
def _settings(world: World, subject: str, values: wizard.Values) -> None:
    group(world, subject, values["group"])


def add_hosts(world: World, subject: str, given: dict[str, Any]) -> list[JobRecord]:
    """The wizard in one call; one job for each computer or cluster that is ticked (by default all that were found)."""
    return finish(world, subject, wizard.walk(world, ADD_HOST, subject, vmm.known(world, subject), given))


def finish(world: World, subject: str, values: wizard.Values) -> list[JobRecord]:
    """The wizard's end: a job "Add virtual machine host" for each computer or cluster ticked."""
    at, made = vmm.at_work(world, subject), dict[str, JobRecord]()
    for name in values["selected"] or values["computers"]:
        nodes = discover(world, at.id, name)
        cluster = cluster_of(world, nodes[0])
        target = cluster.id if cluster else nodes[0]
        if target in made:  # the same one by another of its names
            continue
        busy = jobs.of_target(world, target)
        if busy is not None:
            raise LabError(532, vm=target, operation="-", job=busy.id, scenario=busy.scenario, task=busy.task.name)
        into = group(world, at.id, values["group"]).id
        made[target] = jobs.start(world, JOB, target, server=at.id, group=into, path=values["vm_path"])
    return list(made.values())


def _nodes(world: World, job: JobRecord) -> list[Server]:
    cluster = world.find(Cluster, job.target)
    return [world.get(Server, name) for name in (cluster.hosts if cluster else [job.target])]


@jobs.check(JOB)
def _answer(world: World, job: JobRecord) -> None:
    """VMM works, and the hosts answer, at every task."""
    vmm.at_work(world, job.data["server"])
    for server in _nodes(world, job):
        if not server.running:
            raise LabError(12700, server=server.id)
        servers.running(world, server.id)


@jobs.task(JOB, "EnableHyperVRole")
def _role(world: World, job: JobRecord) -> Outcome:
    without = [server for server in _nodes(world, job) if HYPER_V not in server.features]
    for server in without:
        servers.add_feature(world, server.id, HYPER_V)
    return DONE if without else SKIPPED


@jobs.task(JOB, "RefreshHost")
def _refresh(world: World, job: JobRecord) -> Outcome:
    at = vmm.at_work(world, job.data["server"])
    take_in(world, at, [server.id for server in _nodes(world, job)], job.data["group"], job.data["path"])
    return DONE


def take_in(world: World, at: Vmm, names: list[str], into: str, path: str) -> None:
    """Hosts are VMM's from now on; each virtual switch gives a logical network of its name (rule 2.3-8)."""
    for name in names:
        server = world.get(Server, name)
        server.group, server.vm_path = into, path
        for switch in server.switches:
            network = world.find(LogicalNetwork, f"{at.id}/{switch}")
            if network is None:
                network = world.add(LogicalNetwork(f"{at.id}/{switch}", at.id, switch, []))
            network.hosts.append(server.id)
        world.fact("host.added", server.id, server=at.id, group=into.partition("/")[2])


def default_path() -> str:
    """Where the wizard puts VMs unless told otherwise."""
    return str(wizard.definition(ADD_HOST).fields["vm_path"].default)


# --- clusters ---------------------------------------------------------------------------------------------------------


def make_broker(world: World, name: str) -> None:
    """Make a cluster's Hyper-V Replica Broker by hand (rule 1.4-3); 900672 when it is there."""
    found = next((one for one in world.all(Cluster) if one.id.casefold() == str(name).casefold()), None)
    cluster = found or world.get(Cluster, name)
    if cluster.broker:
        raise LabError(900672, cluster=cluster.id)
    cluster.broker = True
    world.fact("cluster.broker", cluster.id)


def networks(world: World, server: str) -> list[str]:
    """Names of the logical networks of a VMM server."""
    return [network.name for network in world.all(LogicalNetwork) if network.server == server]


def first_group(server: str) -> str:
    """The id of the host group every VMM server has."""
    return f"{server}/{ALL_HOSTS}"

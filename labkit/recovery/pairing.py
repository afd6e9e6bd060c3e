"""Protection of a cloud to another cloud, site to site (rules 1.2-1, 1.2-2, 2.7-1, 2.7-11; facts.md section 6).

The protected cloud has a :class:`Pair`; its partner is a recovery cloud and in no other pair. A VM in it is a protected
item whose relation is the one of plain Hyper-V Replica (``hostreplica``).
"""

from __future__ import annotations

from typing import Any

from labkit.disks import record
from labkit.engine import jobs, resources
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import SITE, Machine
from labkit.recovery import cloudsettings, fabricchecks, hostreplica, vaults
from labkit.recovery import item as items
from labkit.recovery.hostreplica import REPLICA, HostReplica
from labkit.recovery.item import ProtectedItem
from labkit.recovery.vault import AT_ONCE, Cloud, Pair, free, get, involved
from labkit.replication import line
from labkit.replication.relation import Relation
from labkit.site import clouds, servers
from labkit.site.servers import Server

CERTIFICATE, KERBEROS = "certificate", "kerberos"
PORTS = {CERTIFICATE: 8084, KERBEROS: 8083}
MOST_POINTS = 15
SERVICE = "Hyper-V Replica"
_BOTH = ("frequency", "app_consistent", "initial_start")


# --- configuring ------------------------------------------------------------------------------------------------------


def configure(world: World, name: str, target: str, settings: dict[str, Any]) -> JobRecord:
    """Protect a cloud to another one of the vault. 900891 to itself, 900892 one of them is in a pair, 900513.

    ``settings``: frequency (ms), app_consistent (h), initial_start (minutes or ``AT_ONCE``), points (0 to 15, hourly),
    compression, authentication, port, initial ("network" or "export" with export_path and import_path),
    delete_replica. What is not given has the product's default. Errors: 900514, 31218.
    """
    cloud, partner = get(world, name), get(world, target)
    free(world, cloud.id)
    involved(world, *(thing for one in (cloud, partner) for thing in (("cloud", one.id), ("server", one.server))))
    if vaults.of(world, cloud.server).id != vaults.of(world, partner.server).id:
        raise LabError(900846, cloud=partner.id)
    if cloud.configured:
        raise LabError(900513, cloud=cloud.id)
    if cloud.id == partner.id:
        raise LabError(900891, cloud=cloud.id)
    for one in (cloud, partner):
        if one.recovers or one.configured:
            raise LabError(900892, cloud=one.id, partner=one.recovers or (one.pair.target if one.pair else "Azure"))
    _of_first_site(world, cloud.id)
    pair = _pair(world, partner.id, settings)
    plain: dict[str, Any] = {"retention": 0, "app_consistent": 0}
    plain |= {key: settings[key] for key in _BOTH if key in settings}
    checked = cloudsettings.check_settings(world, plain, cloud.id, partner.id)
    cloudsettings.check_points(checked["app_consistent"], pair.points)
    return jobs.start(world, cloudsettings.JOB, cloud.id, pair=_told(pair), **checked)


def _of_first_site(world: World, name: str) -> None:
    """Refuse to protect a cloud all of whose hosts are at the second site (900685): the lab has no VMs there."""
    found = world.find(clouds.VmmCloud, name)
    hosts = clouds.hosts(world, found) if found is not None else []
    if hosts and all(host.place != servers.SITE for host in hosts):
        raise LabError(900685, cloud=name)


def changed(world: World, cloud: Cloud) -> None:
    """The pair's VMs have the cloud's settings, whichever way they are replicated next."""
    for item in world.all(ProtectedItem):
        replica = world.find(HostReplica, item.id) if item.cloud == cloud.id else None
        if replica is not None:
            new = {"frequency": cloud.frequency, "app_consistent": cloud.app_consistent}
            replica.settings = {**replica.settings, **new}


def _told(pair: Pair) -> dict[str, Any]:
    return {field: getattr(pair, field) for field in Pair.__struct_fields__}


def _pair(world: World, target: str, given: dict[str, Any]) -> Pair:
    points, way = given.get("points", 0), given.get("authentication", CERTIFICATE)
    if type(points) is not int or not 0 <= points <= MOST_POINTS:
        raise LabError(900514, setting="points", found=points, values=f"0-{MOST_POINTS}")
    if way not in PORTS:
        raise LabError(900514, setting="authentication", found=way, values=", ".join(PORTS))
    port = given.get("port") or PORTS[way]
    if type(port) is not int or not 1 <= port <= 65_535:
        raise LabError(900627, found=port)
    initial = given.get("initial", "network")
    if initial not in ("network", "export"):
        raise LabError(900588, found=initial, choices="network, export")
    paths = tuple(str(given.get(key, "")) for key in ("export_path", "import_path"))
    if initial == "export":
        for path in paths:
            _share(world, path)
    compression = given.get("compression", True)
    return Pair(
        target=target,
        points=points,
        ratio=int(resources.yaml("replication.yml")["compression_permille"]) if compression else 1000,
        authentication=way,
        port=port,
        offline=initial == "export",
        export_path=paths[0],
        import_path=paths[1],
        delete_replica=bool(given.get("delete_replica", True)),
    )


def _share(world: World, path: str) -> None:
    r"""A path for export or import is a share (``\\SERVER\share``) of a server of the domain that runs, else 31218."""
    parts = path.strip("\\").split("\\")
    found = [one for one in world.all(Server) if path.startswith("\\\\") and _is(one, parts[0])]
    if len(parts) < 2 or not parts[1] or not found or not found[0].joined or not found[0].running:
        raise LabError(31218, found=path or "-")


def _is(server: Server, name: str) -> bool:
    return name.casefold() in (server.id.casefold(), server.fqdn.casefold())


def check(world: World, job: JobRecord) -> None:
    """What the job finds: versions, profiles, hosts of both clouds, and the port free on all of them (rule 2.7-11)."""
    ours, theirs = (clouds.get(world, name) for name in (job.target, job.data["pair"]["target"]))
    for cloud in (ours, theirs):
        fabricchecks.check_versions(world, cloud, to_azure=False)
        fabricchecks.check_hosts(world, cloud)
        for host in clouds.hosts(world, cloud):
            there = host.ports.get(job.data["pair"]["port"], SERVICE)
            if there != SERVICE:
                raise LabError(900625, server=host.id, port=job.data["pair"]["port"], service=there)


def prepare(world: World, job: JobRecord) -> None:
    """Brokers, and the hosts of both clouds listen for replication."""
    both = [clouds.get(world, name) for name in (job.target, job.data["pair"]["target"])]
    for cloud in both:
        fabricchecks.make_brokers(world, cloud)
    for cloud in both:
        for host in clouds.hosts(world, cloud):
            servers.claim(host, job.data["pair"]["port"], SERVICE)


def configured(world: World, job: JobRecord) -> None:
    """The clouds are a pair from now on: one protected, one to recover in."""
    cloud, pair = world.get(Cloud, job.target), Pair(**job.data["pair"])
    cloud.configured, cloud.pair = True, pair
    cloud.frequency, cloud.app_consistent = job.data["frequency"], job.data["app_consistent"]
    cloud.initial_start, cloud.retention = job.data.get("initial_start", AT_ONCE), pair.points
    world.get(Cloud, pair.target).recovers = cloud.id
    world.fact("cloud.paired", cloud.id, target=pair.target, frequency=cloud.frequency, points=pair.points)


def released(world: World, cloud: Cloud) -> None:
    """The pair is taken apart."""
    if cloud.pair is not None:
        partner = world.find(Cloud, cloud.pair.target)
        if partner is not None:
            partner.recovers = ""
        cloud.pair = None


# --- a VM of the protected cloud --------------------------------------------------------------------------------------


def taken(world: World, vm: str) -> bool:
    """Whether a VM of that name was left at the other site, with "delete the replica" off."""
    return world.find(HostReplica, vm) is None and world.find(Machine, f"{REPLICA}/{vm}") is not None


def place(world: World, item: ProtectedItem, pair: Pair) -> None:
    """Identify the target: a host of the recovery cloud (40004 with 31225: none suits), and disks there."""
    cloud = clouds.get(world, pair.target)
    fit = [host for host in clouds.hosts(world, cloud) if host.running and servers.HYPER_V in host.features]
    if not fit:
        raise LabError(40004, vm=item.id, cloud=pair.target)
    load = {host.id: sum(one.host == host.id for one in world.all(HostReplica)) for host in fit}
    machine, owner = items.source(world, item), world.get(Cloud, item.cloud)
    disks = record.set_of(world, machine.disks)
    copy = record.create(world, item.id, REPLICA, disks.names, disks.sizes)
    guests.twin(world, machine, f"{REPLICA}/{item.id}", item.id, REPLICA, copy.number)
    settings = {
        "frequency": owner.frequency,
        "points": pair.points,
        "app_consistent": owner.app_consistent,
        "ratio": pair.ratio,
    }
    host = min(fit, key=lambda host: (load[host.id], host.id)).id
    world.add(HostReplica(item.id, host, settings))
    world.fact("replica.enabled", item.id, host=host, **settings)
    item.replica = copy.number


def relate(world: World, item: ProtectedItem, pair: Pair) -> Relation:
    """The host connects to the other one (40000: it does not reach it); nothing is sent yet."""
    replica = world.get(HostReplica, item.id)
    if not world.get(line.Line, line.LAN).connected or not world.get(Server, replica.host).running:
        raise LabError(40000, vm=item.id, host=replica.host, port=pair.port)
    return hostreplica.make_relation(world, replica, offline=pair.offline)


def removable(world: World, item: ProtectedItem) -> None:
    """Refuse to remove the protection of a VM that is active at the other site (900590)."""
    replica = world.find(HostReplica, item.id)
    if replica is not None and replica.active != SITE:
        raise LabError(900590, vm=item.id)


def remove(world: World, item: ProtectedItem, *, whole: bool = False) -> None:
    """The target's part of protection goes: the replica with its disks, or, where the switch is off, only its role.

    ``whole``: with its disks in any case, for it never was a replica.
    """
    replica, pair = world.find(HostReplica, item.id), world.get(Cloud, item.cloud).pair
    machine = world.find(Machine, f"{REPLICA}/{item.id}")
    if replica is not None:
        world.remove(replica)
        world.fact("replica.removed", item.id)
    if machine is not None and (whole or pair is None or pair.delete_replica):
        hostreplica.delete_machine(world, machine)
    item.replica = 0


def import_initial(world: World, item: ProtectedItem) -> None:
    """What was exported has been carried to the import path: the target takes it in; 900584 unless it was exported."""
    replica = world.find(HostReplica, item.id)
    if replica is None:
        raise LabError(900584, vm=item.id)
    hostreplica.bring(world, replica)

"""Virtual Machine Manager: its set-up, its service, its update rollup (rules 1.4-1, 2.3-1 to 2.3-5)."""

from __future__ import annotations

from typing import Any

from labkit.engine.errors import LabError
from labkit.engine.world import Entity, World, entity
from labkit.site import directory, servers, wizard
from labkit.site.servers import Server

SETUP = "vmm-setup"
NEWEST = "System Center 2012 R2"
ALL_HOSTS = "All Hosts"
_PORTS = {
    "console_port": "VMM console",
    "agents_port": "VMM agents",
    "file_transfer_port": "VMM file transfer",
    "winpe_agents_port": "VMM Windows PE agents",
    "deployment_services_port": "VMM Windows Deployment Services",
    "winpe_time_port": "VMM Windows PE time",
}


@entity("vmm")
class Vmm(Entity):
    """An installed VMM management server; ``id`` is the server's name.

    ``ports``: by field of the set-up's page. ``database``: SQL server, instance and name. ``running``: its service
    SCVMMService runs. ``rollup``: the update rollup on it, "" for none.
    """

    version: str
    path: str
    database: tuple[str, str, str]
    account: str
    ports: dict[str, int]
    library: tuple[str, str]
    programme: bool
    running: bool = True
    rollup: str = ""


@entity("host-group")
class HostGroup(Entity):
    """A host group; ``id`` is SERVER/NAME, so that two VMM servers may have groups of one name."""

    server: str
    name: str


def find(world: World, server: str) -> Vmm:
    """VMM on a server; 900641 where it is not installed."""
    name = servers.get(world, server).id
    found = world.find(Vmm, name)
    if found is None:
        raise LabError(900641, server=name)
    return found


def at_work(world: World, server: str) -> Vmm:
    """VMM on a server, if its service runs: 900641 not installed, 900621 the server is off, 900642 stopped."""
    servers.running(world, server)
    found = find(world, server)
    if not found.running:
        raise LabError(900642, server=found.id)
    return found


def answers(world: World, server: str) -> bool:
    """Whether VMM on a server can be reached from outside."""
    found, machine = world.find(Vmm, server), world.find(Server, server)
    here = machine is not None and servers.stands(world, machine) == servers.RUNNING
    return here and found is not None and found.running


def known(world: World, server: str) -> dict[str, str]:
    """What the pages fill in by themselves for a server."""
    found = servers.get(world, server)
    account = directory.shown(world, directory.named(world, directory.ADMINISTRATOR))
    return {"server": found.id, "fqdn": found.fqdn, "account": account}


# --- set-up, page by page (rule 2.3-4) --------------------------------------------------------------------------------


@wizard.check(SETUP, "features")
def _features(world: World, subject: str, values: wizard.Values) -> None:
    server = servers.running(world, subject)
    if world.find(Vmm, server.id) is not None:
        raise LabError(900643, server=server.id)
    if server.role != servers.VMM:
        raise LabError(900644, server=server.id, role=server.role)
    if not values["management_server"]:
        raise LabError(900646)
    if not values["console"]:
        raise LabError(900647)


@wizard.check(SETUP, "licence")
def _licence(world: World, subject: str, values: wizard.Values) -> None:
    if not values["accept_licence"]:
        raise LabError(900648)


@wizard.check(SETUP, "location")
def _location(world: World, subject: str, values: wizard.Values) -> None:
    """The prerequisites are looked at once it is known where VMM goes: the ADK with two parts (rule 2.3-3)."""
    server = servers.get(world, subject)
    adk = server.installed.get("adk")
    lacking = servers.missing(adk, "adk_components")
    if lacking:
        code = 900649 if adk is None else 900650
        raise LabError(code, server=server.id, product=next(iter(servers.software()["adk"])), parts=", ".join(lacking))


@wizard.check(SETUP, "database")
def _database(world: World, subject: str, values: wizard.Values) -> None:
    """A supported SQL Server with engine and tools, here or on another server (rule 2.3-1)."""
    there = servers.running(world, values["sql_server"])
    if there.id != servers.get(world, subject).id:
        _remote(world, there, values)
    sql = there.installed.get("sql")
    if sql is None:
        raise LabError(900652, server=there.id)
    table = servers.software()["sql"]
    if not table[sql.version]["vmm"]:
        good = ", ".join(name for name, row in table.items() if row["vmm"])
        raise LabError(900653, server=there.id, found=sql.version, choices=good)
    lacking = servers.missing(sql, "sql_components")
    if lacking:
        raise LabError(900654, server=there.id, found=sql.version, parts=", ".join(lacking))
    if values["sql_instance"].casefold() != "mssqlserver":
        raise LabError(900655, server=there.id, found=values["sql_instance"])
    wanted = values["database"].strip().casefold()
    theirs = {one.database[2].casefold() for one in world.all(Vmm) if one.database[0] == there.id}
    taken = wanted in {*servers.software()["sql_databases"], *theirs}
    if taken or not values["new_database"]:
        code = 900657 if taken else 900656
        raise LabError(code, server=there.id, found=values["database"])


def _remote(world: World, there: Server, values: wizard.Values) -> None:
    port = values["sql_port"].strip()
    if port != str(servers.software()["sql_port"]) or not values["sql_credentials"].strip():
        raise LabError(900651, server=there.id, found=port or "-", port=servers.software()["sql_port"])
    directory.require_administrator(world, values["sql_credentials"])


@wizard.check(SETUP, "account")
def _account(world: World, subject: str, values: wizard.Values) -> None:
    if values["service_account"].casefold() != "local system":
        directory.require_administrator(world, values["service_account"])


@wizard.check(SETUP, "ports")
def _ports(world: World, subject: str, values: wizard.Values) -> None:
    server, wanted = servers.get(world, subject), [(values[field], service) for field, service in _PORTS.items()]
    for port, _service in wanted:
        if port in server.ports:
            raise LabError(900625, server=server.id, port=port, service=server.ports[port])
        if [one for one, _ in wanted].count(port) > 1:
            raise LabError(900658, port=port)


def install(world: World, subject: str, version: str, given: dict[str, Any]) -> Vmm:
    """VMM's setup in one call: the pages with the values given, else their defaults (rule 2.3-4)."""
    return finish(world, subject, version, wizard.walk(world, SETUP, subject, known(world, subject), given))


def finish(world: World, subject: str, version: str, values: wizard.Values) -> Vmm:
    """The page Install: VMM is there and its service runs, with one host group, "All Hosts" (rule 2.3-7)."""
    server, full = servers.get(world, subject), servers.named("vmm", version)
    for field, service in _PORTS.items():
        servers.claim(server, values[field], service)
    made = world.add(
        Vmm(
            server.id,
            full,
            values["path"],
            (servers.get(world, values["sql_server"]).id, values["sql_instance"], values["database"]),
            values["service_account"],
            {field: values[field] for field in _PORTS},
            (values["library_share"], values["library_path"]),
            values["join_programme"],
        )
    )
    world.add(HostGroup(f"{server.id}/{ALL_HOSTS}", server.id, ALL_HOSTS))
    world.fact("vmm.installed", server.id, version=full)
    return made


# --- afterwards -------------------------------------------------------------------------------------------------------


def apply_rollup(world: World, server: str, name: str) -> str:
    """Apply an update rollup (rule 2.3-5); its full name. 900659 where it does not fit or is there already."""
    found, full = at_work(world, server), servers.named("rollups", name)
    if found.rollup == full or servers.software()["rollups"][full]["of"] != found.version:
        raise LabError(900659, server=found.id, found=full, version=f"{found.version} {found.rollup}".strip())
    found.rollup = full
    world.fact("vmm.updated", found.id, rollup=full)
    return full


def upgrade(world: World, server: str, version: str) -> None:
    """Upgrade VMM to a newer version, its database and hosts stay; 900659 when it is no newer one."""
    found, full = at_work(world, server), servers.named("vmm", version)
    order = list(servers.software()["vmm"])  # the newest first
    if order.index(full) >= order.index(found.version):
        raise LabError(900659, server=found.id, found=full, version=f"{found.version} {found.rollup}".strip())
    found.version, found.rollup = full, ""
    world.fact("vmm.updated", found.id, version=full)


def update_database_server(world: World, server: str, name: str) -> None:
    """A service pack for SQL Server; 900660 for one that VMM's database must not be on (rules 2.3-1, 2.3-5)."""
    full = servers.named("sql", name)
    here = servers.get(world, server)
    users = [one.id for one in world.all(Vmm) if one.database[0] == here.id]
    if users and not servers.software()["sql"][full]["vmm"]:
        raise LabError(900660, server=here.id, found=full, users=", ".join(users))
    servers.update_sql(world, server, full)


def stop_service(world: World, server: str) -> None:
    """Stop SCVMMService; 900661 when it is stopped, 900621 when the server is off."""
    servers.running(world, server)
    found = find(world, server)
    if not found.running:
        raise LabError(900661, server=found.id)
    found.running = False
    world.fact("vmm.service", found.id, running=0)


def start_service(world: World, server: str) -> None:
    """Start SCVMMService; 900662 when it runs."""
    servers.running(world, server)
    found = find(world, server)
    if found.running:
        raise LabError(900662, server=found.id)
    found.running = True
    world.fact("vmm.service", found.id, running=1)

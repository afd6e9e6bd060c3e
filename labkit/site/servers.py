"""Servers of the site: what runs on them, what was installed, how they reach the internet (rules 2.1-1, 2.3-1 to 3).

A server that is bare has Windows, its place in the domain, and for a host the Hyper-V role and a virtual switch, unless
the site file says otherwise.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import msgspec

from labkit.engine import resources
from labkit.engine.errors import LabError
from labkit.engine.names import meant, unknown
from labkit.engine.world import Entity, World, entity
from labkit.site.power import state

DOMAIN_CONTROLLER, VMM, HOST = "domain-controller", "vmm", "host"
NET35, HYPER_V = ".NET Framework 3.5", "Hyper-V"
SITE, REPLICA = "site", "replica"
RUNNING, OFF, NO_POWER, CRASHED = "running", "off", "no power", "crashed"


class Proxy(msgspec.Struct, frozen=True):
    """A web proxy as set in a component: its ``user`` is a name, no password is kept."""

    address: str
    port: int
    user: str = ""

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"

    def same(self, other: Proxy) -> bool:
        """Whether both are one proxy, whoever logs on to it."""
        return (self.address.casefold(), self.port) == (other.address.casefold(), other.port)


class Installed(msgspec.Struct, frozen=True):
    """A product on a server: ``version`` names it in full, ``parts`` are the components chosen in its setup."""

    version: str
    parts: tuple[str, ...] = ()


@entity("server")
class Server(Entity):
    """A server: ``id`` is its short name.

    ``installed``: by kind ("sql", "adk"). ``ports``: what listens, by TCP port. ``switches``: its external virtual
    switches. ``free``: bytes on its system drive, ``data_free`` on another (0: it has none). ``direct``: it reaches the
    internet without a proxy; ``proxy``: the only one that lets it out, None for any. ``group``: the host group of a
    host that VMM manages. ``agent``: the version of the Recovery Services agent. ``place``: which site it is in.
    ``ran``: the VMs that ran when it was shut down.
    """

    role: str
    fqdn: str
    os: str = "Windows Server 2012 R2"
    place: str = SITE
    running: bool = True
    joined: bool = True
    features: list[str] = msgspec.field(default_factory=list)
    installed: dict[str, Installed] = msgspec.field(default_factory=dict)
    ports: dict[int, str] = msgspec.field(default_factory=dict)
    switches: list[str] = msgspec.field(default_factory=list)
    free: int = 0
    data_free: int = 0
    direct: bool = True
    proxy: Proxy | None = None
    cluster: str = ""
    group: str = ""
    vm_path: str = ""
    agent: str = ""
    agent_proxy: Proxy | None = None
    ran: list[str] = msgspec.field(default_factory=list)


@functools.cache
def software() -> dict[str, Any]:
    """The table of what can be installed (``data/software.yml``)."""
    found: dict[str, Any] = resources.yaml("software.yml")
    return found


def named(kind: str, found: str) -> str:
    """The full name of a product or part in a section of the table, whatever its case; 900620 when it has none."""
    rows: dict[str, Any] = software()[kind]
    known = {alias.casefold(): name for name, row in rows.items() for alias in (name, *row.get("aliases", ()))}
    name = known.get(str(found).strip().casefold())
    if name is None:
        raise LabError(900620, found=found, choices=", ".join(rows), meant=meant(found, rows))
    return name


def number(version: str) -> tuple[int, ...]:
    """A version's parts as numbers, to compare."""
    return tuple(int(part) for part in version.split("."))


def kind_of(product: str) -> str:
    """ "sql" or "adk", as a product to install is one; 900620 with all of them when it is neither."""
    words = str(product).casefold()
    if "adk" in words or "sql" in words:
        return "adk" if "adk" in words else "sql"
    rows = [*software()["sql"], *software()["adk"]]
    raise LabError(900620, found=product, choices=", ".join(rows), meant=meant(product, rows))


def all_named(kind: str, found: Iterable[str]) -> tuple[str, ...]:
    """The full names of several, each once, in the table's order."""
    wanted = {named(kind, name) for name in found}
    return tuple(name for name in software()[kind] if name in wanted)


def get(world: World, name: str) -> Server:
    """A server by its short or full name, whatever the case; 900010 with the servers there are."""
    wanted = str(name).casefold()
    for server in world.all(Server):
        if wanted in (server.id.casefold(), server.fqdn.casefold()):
            return server
    raise unknown("server", name, [server.id for server in world.all(Server)])


def of_role(world: World, role: str, place: str = SITE) -> list[Server]:
    """The servers of a role in a site, by name."""
    return [server for server in world.all(Server) if server.role == role and server.place == place]


def stands(world: World, server: Server) -> str:
    """Whether a server runs, and if not why: switched off, without power as its whole site, or crashed."""
    if server.place == SITE and state(world).lost_at:
        return NO_POWER
    if server.place == SITE and server.role == HOST and state(world).hosts_down:
        return CRASHED
    return RUNNING if server.running else OFF


def running(world: World, name: str) -> Server:
    """The server; 900621 while it is off, 900683 while its site has no power or its host has crashed."""
    server = get(world, name)
    found = stands(world, server)
    if found != RUNNING:
        raise LabError(900621 if found == OFF else 900683, server=server.id)
    return server


# --- what is installed ------------------------------------------------------------------------------------------------


def add_feature(world: World, name: str, feature: str) -> str:
    """Add a feature of Windows Server with its wizard (rule 2.3-2); its full name. 900622 when it is there."""
    server, full = running(world, name), named("features", feature)
    if full in server.features:
        raise LabError(900622, server=server.id, found=full)
    server.features.append(full)
    world.fact("server.feature", server.id, feature=full)
    return full


def install_sql(world: World, name: str, version: str, parts: Iterable[str]) -> Installed:
    """SQL Server's setup (rules 2.3-1, 2.3-2): 900623 without .NET Framework 3.5, 900624 when one is there."""
    server, full = running(world, name), named("sql", version)
    chosen = all_named("sql_components", parts)
    if NET35 not in server.features:
        raise LabError(900623, server=server.id, found=full)
    if "sql" in server.installed:
        raise LabError(900624, server=server.id, found=full, there=server.installed["sql"].version)
    return _install(world, server, "sql", Installed(full, chosen), {software()["sql_port"]: full})


def install_adk(world: World, name: str, version: str, parts: Iterable[str]) -> Installed:
    """The Windows ADK's setup (rule 2.3-3); run again, it adds what was left out."""
    server, full = running(world, name), named("adk", version)
    before = server.installed.get("adk")
    chosen = all_named("adk_components", (*parts, *(before.parts if before else ())))
    return _install(world, server, "adk", Installed(full, chosen), {})


def _install(world: World, server: Server, kind: str, product: Installed, ports: dict[int, str]) -> Installed:
    for port, service in ports.items():
        claim(server, port, service)
    server.installed[kind] = product
    world.fact("server.installed", server.id, product=product.version, parts=", ".join(product.parts))
    return product


def missing(product: Installed | None, kind: str) -> list[str]:
    """The parts of a product VMM needs and that are not there (``kind``: "sql_components" or "adk_components")."""
    there = product.parts if product else ()
    return [name for name, row in software()[kind].items() if row["vmm"] and name not in there]


def update_sql(world: World, name: str, version: str) -> Installed:
    """A service pack from Windows Update; 900626 unless it is one of what is there.

    That it may be one VMM does not support is for the caller to know (rule 2.3-5).
    """
    server, full = running(world, name), named("sql", version)
    there = server.installed.get("sql")
    updates = software()["sql"][there.version].get("updates_to", []) if there else []
    if there is None or full not in updates:
        raise LabError(900626, server=server.id, found=full, there=there.version if there else "-")
    server.installed["sql"] = Installed(full, there.parts)
    world.fact("server.installed", server.id, product=full, parts=", ".join(there.parts))
    return server.installed["sql"]


# --- ports ------------------------------------------------------------------------------------------------------------


def claim(server: Server, port: int, service: str) -> None:
    """A service listens on a TCP port from now on; 900625 when another does, 900627 for a number that is none."""
    if type(port) is not int or not 1 <= port <= 65_535:
        raise LabError(900627, found=port)
    there = server.ports.get(port)
    if there is not None and there != service:
        raise LabError(900625, server=server.id, port=port, service=there)
    server.ports[port] = service


def use_port(world: World, name: str, port: int, service: str) -> None:
    """Some other service of a server takes a TCP port: what a trainer does so that VMM's setup finds it taken."""
    server = running(world, name)
    claim(server, port, str(service).strip() or "-")
    world.fact("server.port", server.id, port=port, service=server.ports[port])


# --- power, the domain ------------------------------------------------------------------------------------------------


def power(world: World, name: str, *, on: bool) -> Server:
    """Turn a server on (900678 when it is) or off (900621 when it is)."""
    server = get(world, name)
    if server.running == on:
        raise LabError(900678 if on else 900621, server=server.id)
    server.running = on
    world.fact("server.power", server.id, running=int(on))
    return server


def join(world: World, name: str) -> None:
    """Let a server join the domain; 900679 when it has."""
    server = running(world, name)
    if server.joined:
        raise LabError(900679, server=server.id)
    server.joined = True
    world.fact("server.joined", server.id)


# --- the internet -----------------------------------------------------------------------------------------------------


def reaches(server: Server, proxy: Proxy | None) -> bool:
    """Whether a component on this server gets out to the internet (rule 2.6-6): all of it is HTTPS, outwards."""
    return server.direct or (proxy is not None and (server.proxy is None or server.proxy.same(proxy)))


def refused(server: Server, proxy: Proxy | None) -> dict[str, str]:
    """Of a component that does not get out: its proxy ("" for none) and the only one allowed; {} where any would do."""
    if reaches(server, proxy) or server.proxy is None:
        return {}
    return {"found": str(proxy or ""), "needed": str(server.proxy)}


def require_way_out(server: Server, proxy: Proxy | None, otherwise: LabError) -> None:
    """Refuse a component that does not get out: 900686 with another proxy than the one allowed, else that error."""
    if reaches(server, proxy):
        return
    if proxy is None:
        raise otherwise
    raise LabError(900686, server=server.id, found=str(proxy), needed=str(server.proxy))


def proxy_of(server: str, *, needed: bool, address: str | None, port: int | None) -> Proxy | None:
    """The proxy that is named, at its address and port or 8080; None when none is. 900947 for what names none."""
    text = (address or "").strip()
    if (address is None and port is not None) or (address is not None and not (text and needed)):
        found = ":".join(str(part) for part in (address, port) if part is not None)
        raise LabError(900947, server=server, found=found)
    return Proxy(text, 8080 if port is None else port) if text else None


def need_proxy(world: World, name: str, *, needed: bool = True, proxy: Proxy | None = None) -> None:
    """From now on a server reaches the internet only through a proxy, this one or any, or again without one."""
    server = get(world, name)
    server.direct, server.proxy = not needed, proxy if needed else None
    world.fact("server.internet", server.id, direct=int(server.direct))

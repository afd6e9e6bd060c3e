"""The set-up of the site's servers (STEP 2 of the guide): part of ``lab.site``.

Each call acts at once, as a wizard that was clicked through; jobs of VMM and of the vault take their time and are
returned. ``server`` is by default the site's VMM server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from labkit.engine.errors import LabError
from labkit.engine.host import in_folder
from labkit.engine.jobs import JobRecord
from labkit.engine.world import World
from labkit.lab.views import Job
from labkit.lab.wizards import Wizard
from labkit.recovery import agents, components, encryption, hostpower, vaults
from labkit.recovery.providers import Provider
from labkit.site import directory, inventory, servers, vmm, wizard
from labkit.site.directory import Account
from labkit.site.servers import Proxy, Server

if TYPE_CHECKING:
    from labkit.lab.door import Lab

T = TypeVar("T")
SQL_PARTS, ADK_PARTS = ("engine", "tools"), ("deployment", "winpe")


class ServerView(NamedTuple):
    """A server: what it is, what is on it; ``group``: the host group VMM has it in ("" for none).

    ``power``: "running", or why it does not run: "off", "no power" (its site is lost) or "crashed". ``proxy``: the only
    one that lets it out, as ADDRESS:PORT ("" for any); ``agent_proxy``: the one its agent has; ``agent_out``: whether
    the agent gets to the internet.
    """

    name: str
    fqdn: str
    role: str
    os: str
    running: bool
    joined: bool
    features: list[str]
    software: list[str]
    ports: dict[int, str]
    switches: list[str]
    needs_proxy: bool
    cluster: str
    group: str
    power: str
    proxy: str
    agent_proxy: str
    agent_out: bool


def server_view(world: World, server: Server) -> ServerView:
    """A server at this instant."""
    from labkit.site import fabric

    found = [product.version for product in server.installed.values()]
    manager, provider = world.find(vmm.Vmm, server.id), world.find(Provider, server.id)
    found += [f"{manager.version} VMM {manager.rollup}".strip()] if manager else []
    found += [f"Azure Site Recovery Provider {provider.version}"] if provider else []
    found += [f"Azure Recovery Services Agent {server.agent}"] if server.agent else []
    cluster, power = fabric.cluster_of(world, server.id), servers.stands(world, server)
    return ServerView(
        name=server.id,
        fqdn=server.fqdn,
        role=server.role,
        os=server.os,
        running=power == servers.RUNNING,
        joined=server.joined,
        features=list(server.features),
        software=found,
        ports=dict(server.ports),
        switches=list(server.switches),
        needs_proxy=not server.direct,
        cluster=cluster.id if cluster else "",
        group=server.group.partition("/")[2],
        power=power,
        proxy=str(server.proxy or ""),
        agent_proxy=str(server.agent_proxy or ""),
        agent_out=servers.reaches(server, server.agent_proxy),
    )


class SetupDoor:
    """Servers, accounts, software, provider and agent."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def _say(self, command: str, work: Callable[[World], T], /, **arguments: Any) -> T:
        return self._lab.command(f"site.{command}", arguments, work)

    def manager(self, server: str | None = None) -> str:
        """The VMM server that is meant: the one named, else the site's."""
        if server is not None:
            return self._lab.read(lambda world: servers.get(world, server).id)
        return self._lab.read(lambda world: servers.of_role(world, servers.VMM)[0].id)

    # --- servers and accounts -----------------------------------------------------------------------------------------

    def server(self, name: str) -> ServerView:
        """What a server is and what is on it; 900010 for a name that is none."""
        return self._lab.read(lambda world: server_view(world, servers.get(world, name)))

    @property
    def accounts(self) -> list[str]:
        r"""The domain's accounts, as they are typed: ``DEMO\Administrator``."""
        return self._lab.read(lambda world: [directory.shown(world, one) for one in world.all(Account)])

    def add_account(self, name: str, *, administrator: bool = False) -> None:
        """Make an account in the domain; ``administrator``: with the rights of a domain administrator. 900628."""
        work = lambda world: directory.add(world, name, administrator=administrator)  # noqa: E731
        self._say("add_account", work, name=name, administrator=administrator)

    def join_domain(self, server: str) -> None:
        """Let a server join the domain; 900679 when it has."""
        self._say("join_domain", lambda world: servers.join(world, server), server=server)

    def stop_server(self, server: str) -> None:
        """Shut a server down, and first the VMs on it. 900621 when it is off, 900841: protected VMs are on it."""
        self._say("stop_server", lambda world: hostpower.stop(world, server), server=server)

    def start_server(self, server: str) -> None:
        """Start a server, and the VMs on it that ran; 900678 when it runs."""
        self._say("start_server", lambda world: hostpower.start(world, server), server=server)

    def use_port(self, server: str, port: int, service: str) -> None:
        """Let some other service listen on a TCP port of a server, for VMM's setup to find it taken. 900625, 900627."""
        work = lambda world: servers.use_port(world, server, port, service)  # noqa: E731
        self._say("use_port", work, server=server, port=port, service=service)

    def need_proxy(
        self, server: str, *, needed: bool = True, address: str | None = None, port: int | None = None
    ) -> None:
        """From now on a server reaches the internet only through a proxy (rule 2.6-6), or again without one.

        ``address`` and ``port`` (8080 when it is not given): only that proxy lets it out; without them any does. 900947
        for a port without an address, or an address for a server that needs none.
        """
        proxy = servers.proxy_of(server, needed=needed, address=address, port=port)
        if proxy is not None:
            wizard.enter_fields(agents.AGENT, {"proxy": proxy.address, "proxy_port": proxy.port})
        work = lambda world: agents.need_proxy(world, server, needed=needed, proxy=proxy)  # noqa: E731
        self._say("need_proxy", work, server=server, needed=needed, address=address, port=port)

    # --- features and products ----------------------------------------------------------------------------------------

    def add_feature(self, server: str, feature: str = servers.NET35) -> None:
        """Add a feature of Windows Server: ".NET Framework 3.5" or "Hyper-V" (rule 2.3-2). 900620, 900622."""
        work = lambda world: servers.add_feature(world, server, feature)  # noqa: E731
        self._say("add_feature", work, server=server, feature=feature)

    def install(self, server: str, product: str, parts: Sequence[str] | None = None) -> None:
        """Install SQL Server ("SQL Server 2012 SP1") or the Windows ADK ("Windows ADK") on a server.

        VMM takes SQL Server 2008 R2 SP1 and SP2, 2012 and 2012 SP1, on its own server or another (rule 2.3-1).

        ``parts``: components by name; by default what VMM needs (SQL Server: engine and tools; the ADK: deployment
        tools and Windows PE). Errors: 900620 unknown, 900623 without .NET Framework 3.5, 900624 one is there.
        """

        def work(world: World) -> None:
            if servers.kind_of(product) == "adk":
                servers.install_adk(world, server, product, ADK_PARTS if parts is None else parts)
            else:
                servers.install_sql(world, server, product, SQL_PARTS if parts is None else parts)

        self._say("install", work, server=server, product=product, parts=None if parts is None else list(parts))

    def update(self, server: str, update: str) -> None:
        """Apply an update: "UR3" to VMM (rule 2.3-5), a service pack to SQL Server ("SQL Server 2012 SP1").

        VMM of 2012 SP1 is upgraded with "System Center 2012 R2".

        900659 one that does not fit or is there, 900660 a service pack that VMM does not support, 900626.
        """

        def work(world: World) -> None:
            if "system center" in update.casefold():
                vmm.upgrade(world, server, update)
            elif "sql" in update.casefold():
                vmm.update_database_server(world, server, update)
            else:
                vmm.apply_rollup(world, server, update)

        self._say("update", work, server=server, update=update)

    def install_vmm(self, server: str | None = None, *, version: str = vmm.NEWEST, **pages: Any) -> None:
        """VMM's setup in one call (rule 2.3-4): give what shall differ from the defaults of its pages.

        ``accept_licence=True`` has to be given. Other fields by page: name, organisation, product_key; join_programme;
        path; sql_server, sql_port, sql_credentials, sql_instance, new_database, database; service_account,
        key_container; console_port and five more ports; library_share, library_path. ``lab.site.wizard("vmm-setup")``
        shows them page by page. Errors: 900625, 900631-900633, 900643-900658.
        """
        name = self.manager(server)
        work = lambda world: vmm.install(world, name, version, pages)  # noqa: E731
        self._say("install_vmm", work, server=name, version=version, **wizard.kept(vmm.SETUP, pages))

    # --- provider and registration ------------------------------------------------------------------------------------

    def install_provider(
        self,
        key: str | Path | None = None,
        *,
        server: str | None = None,
        version: str | None = None,
        stop_service: bool = True,
        wait: bool = False,
        **pages: Any,
    ) -> Job | None:
        """The provider's setup in one call, and with a ``key`` file the registration that follows: its job.

        VMM's service is stopped meanwhile and started again (rule 2.6-1). Without a key, or as an upgrade, it ends
        after installing (rule 2.6-7): :meth:`register` follows. ``pages``: as of :meth:`register`. Errors: 900621,
        900641, 900831, 900832, and those of :meth:`register`.
        """
        name, full = self.manager(server), version or components.newest()
        if key is not None and self._lab.read(
            lambda world: components.upgrades(world, name) and not components.left_open(world, name)
        ):
            raise LabError(900833, server=name)

        def work(world: World) -> None:
            wizard.walk(world, components.PROVIDER, name, {}, {"stop_service": stop_service})
            components.go_on(world, name, full)
            components.close(world, name)

        if key is None:
            self._say("install_provider", work, server=name, version=full)
            return None
        return self._register("install_provider", name, str(key), pages, wait, before=work)

    def register(self, key: str | Path, *, server: str | None = None, wait: bool = False, **pages: Any) -> Job:
        """Register the VMM server with the vault of a key file (the pages of "Azure Site Recovery Configurator").

        Fields: proxy, proxy_port, proxy_user; friendly_name (by default the full name); all_clouds (True: the metadata
        of all clouds is synchronised, rule 2.6-3); certificate and password (a path: the encryption certificate is made
        there, rule 2.6-4). Errors: 900830 no provider, 25018 no way to the internet, those of the key file, 900512.
        """
        return self._register("register", self.manager(server), str(key), pages, wait)

    def _register(
        self,
        name: str,
        server: str,
        key: str,
        pages: dict[str, Any],
        wait: bool,
        before: Callable[[World], None] | None = None,
    ) -> Job:
        def work(world: World) -> JobRecord:
            if before is not None:
                before(world)
            known = vmm.known(world, server)
            values = wizard.walk(world, components.REGISTRATION, server, known, {**pages, "key": key})
            return self._registered(world, server, values, made)

        pages = wizard.enter_fields(components.REGISTRATION, pages)
        told = wizard.kept(components.REGISTRATION, pages)
        with self._certificate(server, pages.get("certificate", ""), pages.get("password", "")) as made:
            job = self._lab.start_job(f"site.{name}", {"server": server, "key": Path(key).name, **told}, work)
        return self._lab.wait(job) if wait else job

    def _register_values(self, server: str, values: wizard.Values, *, close: bool = False) -> Job:
        """The end of the registration's pages, whose values were checked one by one; ``close`` the provider's setup."""
        told = wizard.kept(components.REGISTRATION, values)
        with self._certificate(server, values["certificate"], values["password"]) as made:

            def work(world: World) -> JobRecord:
                if close:
                    components.close(world, server)  # VMM's service is there again when the vault asks for it
                return self._registered(world, server, values, made)

            return self._lab.start_job("site.register", {"server": server, **told}, work)

    def _registered(self, world: World, server: str, values: wizard.Values, certificate: bytes | None) -> JobRecord:
        vault = vaults.read_key(world, Path(values["key"]))
        job = components.register(world, server, vault, values)
        if certificate is not None:
            encryption.keep_certificate(world, server, certificate)
        return job

    @contextmanager
    def _certificate(self, server: str, path: str | Path, password: str) -> Iterator[bytes | None]:
        """A new certificate's public part while its ``.pfx`` is written; the file goes again if the rest is refused."""
        if not path:
            yield None
            return
        from labkit.recovery import certificates

        full, now = self._lab.read(lambda world: (servers.get(world, server).fqdn, world.now))
        pfx, der = certificates.new_certificate(full, now, password)
        out = in_folder(Path(path), encryption.FILE_NAME)
        certificates.write_pfx(out, pfx)
        try:
            yield der
        except BaseException:
            out.unlink(missing_ok=True)  # nobody's certificate
            raise

    def make_certificate(
        self, path: str | Path = encryption.FILE_NAME, *, password: str, server: str | None = None
    ) -> Path:
        """Make the encryption certificate, as the provider's setup does; the ``.pfx`` is yours to keep (rule 2.6-4).

        ``path``: the file to make, or a folder. Whoever loses it cannot fail over encrypted replicas. 900568 for an
        empty password, 900570 for a file that exists or cannot be written, 900830 without the provider.
        """
        name, out = self.manager(server), in_folder(Path(path), encryption.FILE_NAME)
        self._lab.read(lambda world: components.find(world, name))
        with self._certificate(name, out, password) as der:
            assert der is not None
            keep = lambda world: encryption.keep_certificate(world, name, der)  # noqa: E731
            self._say("make_certificate", keep, server=name, file=out.name)
        return out

    # --- the agent ----------------------------------------------------------------------------------------------------

    def install_agent(self, host: str, *, version: str | None = None, register: bool = False, **pages: Any) -> str:
        """The agent's setup on a host in one call (rule 2.6-5): fields folder, cache, proxy, proxy_port, proxy_user.

        An older agent of Azure Backup is upgraded in place. ``register``: press "Proceed to Registration" at the end,
        which is for Azure Backup: nothing changes for Site Recovery, and the text returned says so (rule 2.6-8).
        Errors: 900832 it is there, 900836 no host, 900837-900839 drives and room.
        """
        full = version or agents.newest()
        work = lambda world: agents.install(world, host, full, pages)  # noqa: E731
        self._say("install_agent", work, host=host, version=full, **wizard.kept(agents.AGENT, pages))
        return agents.last_page(register=register)

    def agent_proxy(self, host: str, address: str | None, port: int = 8080, user: str = "") -> None:
        """Change the agent's proxy in the console "Microsoft Azure Backup"; None: none (rule 2.6-6). 900840."""
        wizard.enter_fields(agents.AGENT, {"proxy": address or "", "proxy_port": port, "proxy_user": user})
        proxy = Proxy(address, port, user) if address else None
        work = lambda world: agents.set_proxy(world, host, proxy)  # noqa: E731
        self._say("agent_proxy", work, host=host, address=address, port=port)

    def provider_proxy(self, address: str | None, port: int = 8080, user: str = "", server: str | None = None) -> None:
        """Change the provider's proxy on the VMM server (default: the site's); None: none (rule 2.6-6). 900830."""
        proxy = Proxy(address, port, user) if address else None
        name = server or self._lab.read(lambda world: inventory.site_of(world).servers.vmm)
        work = lambda world: components.set_proxy(world, name, proxy)  # noqa: E731
        self._say("provider_proxy", work, server=name, address=address, port=port)

    # --- wizards ------------------------------------------------------------------------------------------------------

    def wizard(self, name: str, server: str | None = None) -> Wizard:
        """A wizard page by page: "vmm-setup", "add-host", "create-cloud", "provider", "registration" or "agent".

        The server it runs on is the VMM server, unless named; the agent's needs a host.
        """
        from labkit.lab import opening

        return opening.open_wizard(self._lab, self, name, server)

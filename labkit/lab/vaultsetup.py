"""The part of ``lab.vault`` that sets up: keys, registration, clouds and their protection, networks, enabling VMs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from labkit.engine import units
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.texts import gettext as _
from labkit.engine.world import World
from labkit.lab import arguments
from labkit.lab.refusals import refusal
from labkit.lab.views import Job
from labkit.recovery import (
    cloudprotection,
    components,
    pairing,
    protection,
    providers,
    quickstart,
    targets,
    vault,
    vaults,
)
from labkit.recovery import item as items
from labkit.recovery.encryption import Certificate
from labkit.recovery.providers import Provider
from labkit.recovery.quickstart import Step
from labkit.recovery.requirements import Finding
from labkit.recovery.targets import Target
from labkit.recovery.vault import Cloud, NetworkMapping
from labkit.recovery.vaults import Setup
from labkit.replication import throttle
from labkit.site import inventory
from labkit.site.model import SiteFile

if TYPE_CHECKING:
    from labkit.lab.door import Lab


def _of_site(site: SiteFile, storage: str | None) -> dict[str, Any]:
    """What the site file says of the settings of a cloud, in another storage account if one is given."""
    return {
        "frequency": site.cloud.frequency,
        "retention": site.cloud.retention_h,
        "app_consistent": site.cloud.app_consistent_h,
        "storage": storage or site.azure.storage,
    }


def _given(
    frequency: str | None, retention: int | None, app_consistent: int | None, initial_start: str | None
) -> dict[str, Any]:
    """What was given of the settings of a cloud, as the vault takes them."""
    begin = None
    if initial_start is not None:
        begin = vault.AT_ONCE if initial_start == "now" else throttle.minutes(initial_start)
    found = {
        "frequency": None if frequency is None else units.duration(frequency),
        "retention": retention,
        "app_consistent": app_consistent,
        "initial_start": begin,
    }
    return {key: value for key, value in found.items() if value is not None}


_AZURE = {"retention": "int | None", "storage": "str | None", "encrypt": "bool | None"}
_SITE = {
    "points": "int",
    "compression": "bool",
    "authentication": "str",
    "port": "int",
    "initial": "str",
    "export_path": "str | Path",
    "import_path": "str | Path",
    "delete_replica": "bool",
}


def _known(more: dict[str, Any], cloud: str, *, to_site: bool) -> None:
    """Refuse a setting of the other kind of target: 900890 one of Azure's, 900895 one of another cloud's."""
    for key, value in more.items():
        if key not in {**_AZURE, **_SITE}:
            raise TypeError(f"configure_protection() got an unexpected keyword argument {key!r}")
        if key not in (_SITE if to_site else _AZURE):
            raise LabError(900890 if to_site else 900895, setting=key, cloud=cloud)
        arguments.require(key, value, {**_AZURE, **_SITE}[key])


class CloudRow(NamedTuple):
    """A cloud in the portal's list: ``role`` "protected" or "recovery" ("" while not configured), ``state``.

    ``target`` and ``target_cloud``: the other side's VMM server and its cloud, or "Microsoft Azure" and "".
    """

    name: str
    role: str
    state: str
    server: str
    vms: int
    target: str
    target_cloud: str


class ServerRow(NamedTuple):
    """A VMM server in a vault: its name there, ``connected`` while the vault reaches it, the provider's version."""

    server: str
    name: str
    vault: str
    connected: bool
    version: str
    encryption: bool


def _server_rows(world: World) -> list[ServerRow]:
    made = {found.id for found in world.all(Certificate)}
    return [
        ServerRow(
            found.id, found.name, found.vault, providers.reached(world, found.id), found.version, found.id in made
        )
        for found in world.all(Provider)
        if found.vault
    ]


class MappingRow(NamedTuple):
    """A logical network and what it is mapped to; ``server``: the VMM server of the other site, "" for Azure."""

    source: str
    target: str
    server: str


def _mapping_rows(world: World) -> list[MappingRow]:
    return [MappingRow(row.id.partition("/")[0], row.target, row.server) for row in world.all(NetworkMapping)]


def _settings(cloud: Cloud) -> dict[str, Any]:
    if not cloud.configured:
        return {}
    begin = cloud.initial_start
    found: dict[str, Any] = {
        "target": cloud.pair.target if cloud.pair else None,
        "frequency": units.show_duration(cloud.frequency).replace(" ", ""),
        "app_consistent": cloud.app_consistent,
        "initial_start": "now" if begin == vault.AT_ONCE else f"{begin // 60:02}:{begin % 60:02}",
    }
    if cloud.pair is None:
        return {**found, "retention": cloud.retention, "storage": cloud.storage, "encrypt": cloud.encrypted}
    pair = cloud.pair
    return {
        **found,
        "points": pair.points,
        "compression": pair.ratio < 1000,
        "authentication": pair.authentication,
        "port": pair.port,
        "initial": "export" if pair.offline else "network",
        "delete_replica": pair.delete_replica,
    }


def _cloud_rows(world: World) -> list[CloudRow]:
    return [CloudRow(*row) for row in vault.rows(world)]


class VaultSetupDoor:
    """Set-up of a vault, of its clouds, and the protection of VMs."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def _do(self, name: str, wait: bool, work: Callable[[World], JobRecord], **arguments: Any) -> Job:
        job = self._lab.start_job(f"vault.{name}", arguments, work)
        return self._lab.wait(job) if wait else job

    # --- set-up -------------------------------------------------------------------------------------------------------

    @property
    def setups(self) -> list[Setup]:
        """What "Setup recovery" on Quick start offers: ``name, title, opens, note``; the guide's is "azure"."""
        return vaults.setups()

    def quick_start(self, setup: str = "azure") -> list[Step]:
        """The steps of a deployment on Quick Start, ``done`` or not: ``name, title, text, done`` (rule 2.5-3).

        ``setup``: of :attr:`setups` (none for "vmware"), or "before": what comes before there is a vault. 900010.
        """
        return self._lab.read(lambda world: quickstart.steps(world, setup))

    @property
    def servers(self) -> list[ServerRow]:
        """The VMM servers registered with a vault, as the page Resources > Servers lists them."""
        return self._lab.read(_server_rows)

    @property
    def network_mappings(self) -> list[MappingRow]:
        """The networks that are mapped, as the page Resources > Networks lists them (rule 2.7-9)."""
        return self._lab.read(_mapping_rows)

    def settings(self, cloud: str | None = None) -> dict[str, Any]:
        """What is set for the protection of a cloud (rules 2.7-1 to 2.7-7): names of arguments with their values.

        {} while it is not configured; ``target`` is None for Azure.
        """
        name = cloud or self._lab.read(lambda world: inventory.site_of(world).cloud.name)
        return self._lab.read(lambda world: _settings(vault.get(world, name)))

    def generate_key(self, where: str | Path = ".", *, vault: str | None = None) -> Path:
        """Make the registration key of a vault (default: the one in use) and save it; the provider's setup asks for it.

        ``where``: a folder, in which the file is ``<vault>_<date>.VaultCredentials``, or a file. It is valid for five
        days; a new one can be made at any time. It replaces an earlier key of the same vault and no other file
        (900824). 900822 for a Backup vault.
        """
        work = lambda world: vaults.generate_key(world, Path(where), vault)  # noqa: E731
        return self._lab.command("vault.generate_key", {"vault": vault}, work)

    def register_server(self, server: str | None = None, *, wait: bool = False) -> Job:
        """Register the VMM server (default: the site's) with the vault, with a key generated for it on the spot.

        As ``lab.site.register`` with the defaults of its pages; errors: 900511, 900512, 900830, 25018.
        """
        name = server or self._lab.read(lambda world: inventory.site_of(world).servers.vmm)
        work = lambda world: components.register_here(world, name)  # noqa: E731
        return self._do("register_server", wait, work, server=name)

    def configure_protection(
        self,
        cloud: str | None = None,
        *,
        target: str | None = None,
        frequency: str | None = None,
        app_consistent: int | None = None,
        initial_start: str | None = None,
        wait: bool = False,
        **more: Any,
    ) -> Job:
        """Set the protection of a cloud, to Azure or with ``target`` to another cloud; defaults are the site file's.

        ``frequency``: "30s", "5min" or "15min"; ``app_consistent``: 0 (none) to 12 hours. ``initial_start``: "now", or
        a time of the host's day in half-hour steps ("02:30", rule 2.7-7).
        To Azure (rules 2.7-2 to 2.7-6): ``retention``: 0 to 24 hours; ``storage``: a storage account of the vault's
        region that is GRS or RA-GRS; ``encrypt``: what is stored is encrypted; needs a certificate
        (``lab.site.make_certificate``), else 900567.
        To a cloud (rule 2.7-11): ``points``: 0 to 15 additional recovery points, hourly; ``compression`` (True);
        ``authentication``: "certificate" or "kerberos", ``port`` (8084, 8083); ``initial``: "network", or "export" with
        ``export_path`` and ``import_path`` (shares); ``delete_replica`` (True): with the protection.
        Refused at once: 900513, 900514, 900828, 900829, 900846, 900890-900892, 900895. The job fails with what
        provider, VMM and hosts lack: 10003, 12700, 67508, 900625, 900842-900845.
        """
        site = self._lab.read(inventory.site_of)
        name = cloud or site.cloud.name
        _known(more, name, to_site=target is not None)
        given = _given(frequency, more.pop("retention", None), app_consistent, initial_start)
        if target is not None:
            settings = {"frequency": site.cloud.frequency, **given, **more}
            work = lambda world: pairing.configure(world, name, target, settings)  # noqa: E731
            return self._do("configure_protection", wait, work, cloud=name, target=target, **settings)
        settings = {**_of_site(site, more.get("storage")), **given, **({"encrypt": 1} if more.get("encrypt") else {})}
        work = lambda world: cloudprotection.configure_protection(world, name, settings)  # noqa: E731
        return self._do("configure_protection", wait, work, cloud=name, **settings)

    def change_protection(
        self,
        cloud: str | None = None,
        *,
        frequency: str | None = None,
        retention: int | None = None,
        app_consistent: int | None = None,
        initial_start: str | None = None,
        storage: str | None = None,
        encrypt: bool | None = None,
        wait: bool = False,
    ) -> Job:
        """Change settings of a protected cloud (rule 2.7-10); what is not given stays.

        As :meth:`configure_protection`. ``storage`` and ``encrypt`` cannot be changed: 900554, 900569.
        """
        settings = _given(frequency, retention, app_consistent, initial_start)
        if storage is not None:
            settings["storage"] = storage
        if encrypt is not None:
            settings["encrypt"] = encrypt
        name = cloud or self._lab.read(lambda world: inventory.site_of(world).cloud.name)
        work = lambda world: cloudprotection.change_protection(world, name, settings)  # noqa: E731
        return self._do("change_protection", wait, work, cloud=name, **settings)

    def map_network(
        self, source: str | None = None, target: str | None = None, *, server: str = "", wait: bool = False
    ) -> Job:
        """Map a logical network of the site to a virtual network of the vault's region, else 900828 (2.5-7).

        The network is one of a cloud in the vault: ticked when the cloud is made, or in its properties (900854). What
        is not given is taken from the site file. ``server``: site to site, map to a network of that VMM server instead.
        """
        site = self._lab.read(inventory.site_of)
        ours, theirs = source or site.network, target or (site.network if server else site.azure.network)
        work = lambda world: vault.map_network(world, ours, theirs, server)  # noqa: E731
        return self._do("map_network", wait, work, source=ours, target=theirs, server=server)

    def import_initial_replication(self, vm: str) -> None:
        """Site to site by export: what was exported has been carried to the import path; take it in. 900584."""
        work = lambda world: pairing.import_initial(world, items.get(world, vm))  # noqa: E731
        self._lab.command("vault.import_initial_replication", {"vm": vm}, work)

    @property
    def clouds(self) -> list[CloudRow]:
        """The clouds as the portal lists them (rule 1.2-2)."""
        return self._lab.read(_cloud_rows)

    def protectable(self, cloud: str | None = None) -> list[str]:
        """The VMs of a cloud, or of all clouds in the vault, that the dialog offers: not protected yet (rule 2.8-1)."""
        return self._lab.read(lambda world: protection.offered(world, cloud))

    def check(self, vm: str) -> list[Finding]:
        """What the requirements say of a VM, rule by rule (1.4, 2.4): for Azure, or for its cloud's partner.

        As readiness has it: of a static address on Windows, and of a guest nobody can connect to, enabling only warns
        or says nothing (rules 1.4-12, 2.4-5).
        """
        return self._lab.read(lambda world: protection.findings(world, vm))

    def target(self, vm: str) -> Target:
        """The page "Source and target properties": name, size, adapter and network in Azure, and what does not fit.

        900948 for a VM that goes to a second site.
        """
        return self._lab.read(lambda world: targets.show(world, items.get(world, vm)))

    def set_target(
        self, vm: str, *, size: str | None = None, azure_name: str | None = None, adapter: str | None = None
    ) -> Target:
        """Change a protected VM's size ("M"), name or adapter in Azure (rules 1.4-13, 1.4-14, 2.8-4).

        A size that does not fit is taken: ``misfits`` of the page says what it has too little of. Errors: 900240,
        70044 and 900809 for a name, 900010; 900851 while a failover uses it, 900948 for one that goes to a second site.
        """
        work = lambda world: targets.change(world, items.get(world, vm), size, azure_name, adapter)  # noqa: E731
        arguments = {"vm": vm, "size": size, "azure_name": azure_name, "adapter": adapter}
        return self._lab.command("vault.set_target", arguments, work)

    def target_refusal(self, vm: str) -> LabError | None:
        """What :meth:`set_target` would refuse a VM with now, whatever it is given; None when it would not."""
        return refusal(self._lab, lambda world: targets.changeable(items.get(world, vm)))

    def notices(self) -> list[str]:
        """What the portal says at the top of a vault's pages: providers that have to be upgraded (F-1)."""
        text = _("{server}: the provider has to be upgraded; version {found} does not know protection to Azure.")
        found = self._lab.read(lambda world: components.notices(world, vaults.the_vault(world)))
        return [text.format(server=server, found=version) for server, version in found]

    def enable_protection(self, vm: str, *, wait: bool = False) -> Job:
        """Enable the protection of a VM of a cloud that is configured: 900850 in no cloud, 900515 not configured.

        The job fails with what the requirements refuse (:meth:`check` tells it before), and with 70095 where the VM's
        host has no agent. Initial replication goes on after the job: ``lab.wait(lab.vault.items[vm])``.
        """
        return self._do("enable_protection", wait, lambda world: protection.enable(world, vm), vm=vm)

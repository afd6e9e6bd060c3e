"""What a site file says, resolved: every key has a value, every value is an integer, a truth value or a text.

The tree is what a lab stores of its site. It goes through JSON unchanged (``msgspec.json``) and is immutable.
Units: milliseconds, bytes, bits per second for the line, bytes per second for writing, per mille of a disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import PureWindowsPath

import msgspec

DAY = 86_400_000


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """The line from the site to Azure: ``bandwidth`` in bits per second each way, ``latency`` in ms one way.

    ``loss``: packets lost, per million.
    """

    bandwidth: int
    latency: int
    loss: int = 0


class Cloud(msgspec.Struct, frozen=True, omit_defaults=True):
    """The VMM cloud and the protection it gets (rules 2.7-4 to 2.7-6).

    ``frequency`` is 30 s, 5 min or 15 min in ms; ``retention_h`` 0 to 24 hours; ``app_consistent_h`` every 1 to 12
    hours, 0 for none. ``health_rules``: "guide" (rule 2.9-4) or "windows-2012" (those published for that system).
    """

    name: str
    frequency: int
    retention_h: int
    app_consistent_h: int
    health_rules: str = "guide"


class Host(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is particular about a host: its system ("" as all), whether it is as bare as the guide's or barer.

    ``free``: bytes on its system drive, ``data_free`` on another drive (-1: enough for its VMs).
    """

    name: str
    os: str = ""
    role: bool = True
    joined: bool = True
    switch: bool = True
    free: int = 100 << 30
    data_free: int = -1


class Cluster(msgspec.Struct, frozen=True, omit_defaults=True):
    """A cluster of hosts; ``static``: a fixed address instead of DHCP (rule 1.4-3)."""

    name: str
    hosts: tuple[str, ...]
    static: bool = False


class Servers(msgspec.Struct, frozen=True, omit_defaults=True):
    """The site's servers by short name (rule 2.1-1); ``host_os``: the system of all hosts.

    ``details``: hosts that are not like the guide's. ``proxy``: servers that reach the internet only through a proxy.
    """

    domain: str
    domain_controller: str
    vmm: str
    hosts: tuple[str, ...]
    host_os: str = "Windows Server 2012 R2"
    details: tuple[Host, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    proxy: tuple[str, ...] = ()

    def detail(self, host: str) -> Host:
        """What is particular about a host."""
        return next((detail for detail in self.details if detail.name == host), Host(host))

    def system(self, host: str) -> str:
        """The operating system of a host."""
        return self.detail(host).os or self.host_os

    def fqdn(self, server: str) -> str:
        """Full name of a server or VM of the site: ``SC01.demo.contoso.com``."""
        return f"{server}.{self.domain}"


class ReplicaSite(msgspec.Struct, frozen=True, omit_defaults=True):
    """A second site, for replication from host to host (rule 1.1-2): its hosts, and the line to it.

    ``vmm``: its VMM server ("": none, or the first site's), ``cloud``: the name of its cloud.
    """

    hosts: tuple[str, ...]
    line: Line
    vmm: str = ""
    cloud: str = ""


class Azure(msgspec.Struct, frozen=True):
    """What the site uses in Azure: one region for vault, storage account and virtual network (rule 2.5-7)."""

    region: str
    network: str
    storage: str
    vault: str


class Trace(msgspec.Struct, frozen=True, omit_defaults=True):
    """A recorded workload: the path of its ``file`` (in a lab: its name), whose ``host`` and ``disk`` ("": the one).

    It begins ``skip`` ms after the recording began, and anew after its end with ``repeat``. ``format`` ("blocks" or
    "counters"), ``zero`` (its first instant, 100 ns or ms), ``length`` (ms) and ``needed`` (bytes of a disk) are what
    the file is; with format "" in a site made by hand ``traces.resolved`` finds them.
    """

    file: str
    host: str = ""
    disk: str = ""
    repeat: bool = False
    skip: int = 0
    format: str = ""
    zero: int = 0
    length: int = 0
    needed: int = 0


class Churn(msgspec.Struct, frozen=True, omit_defaults=True):
    """Writing to a disk: ``rate`` bytes per second, ``write`` bytes each (a power of two, 4 to 64 KiB).

    The writes fall into the first ``hot_permille`` per mille of the disk; ``shape`` spreads the rate over the day, and
    ``kind`` says where writes go. With a ``trace`` the rate is 0, of a block trace nothing else counts either.
    """

    rate: int
    write: int
    hot_permille: int
    shape: str = "steady"
    kind: str = "ordinary"
    trace: Trace | None = None


class Disk(msgspec.Struct, frozen=True, omit_defaults=True):
    """A virtual disk. ``used`` bytes from the front hold data at the start, all else is zeros.

    ``image`` is the path of a file to import instead (in a lab: its name), and ``used`` what it holds; in a site made
    by hand ``size`` and ``used`` may be 0 then, for ``images.resolved`` to find. ``application`` tells that the guest's
    database lives here: such a disk has no churn. ``controller``: "ide", "scsi" or "" for what ``Vm.controller`` says;
    ``format``: "vhd" or "vhdx"; ``type``: "fixed", "dynamic", "differencing", or what Azure refuses: "pass-through",
    "iscsi", "shared".
    """

    name: str
    size: int
    used: int
    image: str | None
    churn: Churn | None
    application: bool
    controller: str = ""
    format: str = "vhdx"
    type: str = "dynamic"


class Adapter(msgspec.Struct, frozen=True, omit_defaults=True):
    """A network adapter: its ``address`` is given by "dhcp" or "static"; ``switch`` "" is the site's ``network``."""

    name: str = "Network Adapter"
    address: str = "dhcp"
    switch: str = ""


class Vm(msgspec.Struct, frozen=True, omit_defaults=True):
    """A VM. The first disk is the OS disk.

    ``memory_max`` equals ``memory`` unless memory is dynamic. ``protected``: the stage "protected" takes it.
    ``orders_per_day`` is what its application takes, or None; ``invoices``: its application invoices the orders of
    another VM. At most one of the two is set.

    ``integration``: the services in the guest, "current", "old", "none" or "" for what its system has by itself
    (``systems.integration``); ``adapters``: () is one adapter with all defaults; ``made``: "hyper-v", "host" or
    "cloud"; ``remote``: RDP or SSH is enabled in the guest; ``firewall``: "open" lets it through.
    """

    name: str
    os: str
    host: str
    cpu: int
    memory: int
    memory_max: int
    protected: bool
    disks: tuple[Disk, ...]
    orders_per_day: int | None
    invoices: bool
    generation: int = 1
    integration: str = ""
    adapters: tuple[Adapter, ...] = ()
    made: str = "hyper-v"
    remote: bool = True
    firewall: str = "open"
    network_level_authentication: bool = True
    fibre_channel: bool = False

    def controller(self, number: int) -> str:
        """ "ide" or "scsi" of disk ``number``; one that does not say is on IDE if it is the OS disk of generation 1."""
        return self.disks[number].controller or ("ide" if number == 0 and self.generation == 1 else "scsi")

    @property
    def dynamic_memory(self) -> bool:
        """Whether Hyper-V gives it more memory than it starts with."""
        return self.memory_max > self.memory

    @property
    def data_disks(self) -> tuple[Disk, ...]:
        """All disks but the first."""
        return self.disks[1:]


class Objectives(msgspec.Struct, frozen=True):
    """Targets in ms (rule 1.1-3); ``mtd`` may be missing."""

    rto: int
    rpo: int
    mtd: int | None


class SiteFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A whole site. ``start`` is ms since the Unix epoch, ``offset_min`` the site's zone in minutes east of UTC.

    ``network`` is the name of the virtual switch and of the logical network made from it (rule 2.3-8).
    """

    site: str
    start: int
    offset_min: int
    line: Line
    cloud: Cloud
    servers: Servers
    network: str
    azure: Azure
    vms: tuple[Vm, ...]
    objectives: Objectives
    replica_site: ReplicaSite | None = None

    def vm(self, name: str) -> Vm:
        """The VM of that name; ``KeyError`` when there is none."""
        for vm in self.vms:
            if vm.name == name:
                return vm
        raise KeyError(name)

    def adapters(self, vm: Vm) -> tuple[Adapter, ...]:
        """The network adapters of one of its VMs, each with its switch."""
        named = (msgspec.structs.replace(adapter, switch=adapter.switch or self.network) for adapter in vm.adapters)
        return tuple(named) or (Adapter(switch=self.network),)


def order_instant(start: int, per_day: int, number: int) -> int:
    """Instant (ms) of order ``number`` (1, 2, ...) of an application that takes ``per_day`` orders from ``start`` on.

    >>> order_instant(0, 8640, 1), order_instant(0, 8640, 6)
    (10000, 60000)
    """
    return start + number * DAY // per_day


def with_disks(site: SiteFile, change: Callable[[Disk], Disk]) -> SiteFile:
    """A site with each disk changed."""
    vms = (msgspec.structs.replace(vm, disks=tuple(map(change, vm.disks))) for vm in site.vms)
    return msgspec.structs.replace(site, vms=tuple(vms))


def digest(site: SiteFile) -> str:
    """SHA-256 (hex) of what the site says, the same in every folder: images and traces count by file name."""
    plain = msgspec.to_builtins(site)
    for disk in (disk for vm in plain["vms"] for disk in vm["disks"]):
        # Windows rules split at both kinds of slash, so that the digest is the same on every system.
        disk["image"] = disk["image"] and PureWindowsPath(disk["image"]).name
        trace = disk["churn"] and disk["churn"].get("trace")
        if trace:
            trace["file"] = PureWindowsPath(trace["file"]).name
    return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()

"""``lab.site``: servers and VMs of the site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from labkit.engine import facts, units
from labkit.engine.facts import Fact
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import Machine
from labkit.lab.cleanup import CleanUpDoor
from labkit.lab.vmm import VmmDoor
from labkit.recovery import guestremote
from labkit.recovery import hyperv as power
from labkit.replication import eventlog, statistics, throttle
from labkit.replication.eventlog import Event
from labkit.replication.statistics import Statistics
from labkit.site import inventory, newvm, servers
from labkit.site.servers import Server

if TYPE_CHECKING:
    from labkit.lab.door import Lab


class MachineView(NamedTuple):
    """A VM as a console shows it; ``answering``: its application answers."""

    name: str
    side: str
    state: str
    os: str
    size: str
    answering: bool
    disks: dict[str, int]


def machine_view(world: World, machine: Machine) -> MachineView:
    """A VM at this instant; disks by name with their size in bytes."""
    disks = guests.disks_of(world, machine)
    sizes = dict(zip(disks.names, disks.sizes, strict=True))
    return MachineView(
        machine.name, machine.side, machine.state, machine.os, machine.size, bool(machine.answering_at), sizes
    )


def _facts_of(world: World, vm: str) -> list[Fact]:
    return list(facts.of(world.store, vm))


class SiteDoor(CleanUpDoor):
    """Servers and VMs of the site, and their set-up from bare servers on (STEP 2 of the guide).

    In order: ``add_feature``, ``install`` (SQL Server, Windows ADK) and ``install_vmm`` on the VMM server; hosts, a
    cloud and what is to be said of each VM in ``lab.site.vmm``; what is needed in Azure in ``lab.azure``;
    ``install_provider`` with the key of ``lab.vault.generate_key``, which registers the server; ``install_agent`` on
    each host. ``lab.vault`` goes on from there.

    A call that returns a :class:`Job` has only begun it: give ``wait=True``, or ``lab.wait(job)`` later.
    """

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self.vmm = VmmDoor(lab)

    @property
    def servers(self) -> dict[str, str]:
        """Servers by name, with their role."""
        return self._lab.read(lambda world: {server.id: server.role for server in world.all(Server)})

    @property
    def hosts(self) -> list[str]:
        """Names of the site's Hyper-V hosts; those of a second site are in :attr:`servers` only."""
        return self._lab.read(lambda world: [host.id for host in servers.of_role(world, servers.HOST)])

    def create_vm(self, name: str, os: str, *, host: str, **keys: Any) -> None:
        """Make a VM on a host in Hyper-V Manager, past VMM (rule 2.4-1): VMM knows neither cloud nor system of it.

        ``keys`` and errors as of ``lab.site.vmm.create_vm``.
        """
        told = {"name": name, "os": os, "disks": [{"name": "os", "size": "40GB"}], **keys}
        work = lambda world: newvm.in_hyper_v_manager(world, host, told)  # noqa: E731
        self._lab.command("site.create_vm", {"host": host, "vm": told}, work)

    def start(self, vm: str) -> None:
        """Start a VM that is off; 900551 when it runs, 900530 while the site has no power, 900621: its host is off.

        900965 while a planned failover of it stands (rule 3.4-4). After an unplanned one it can be started, and then
        stands twice on the network (rule 3.5-3).
        """
        self._lab.command("site.start", {"vm": vm}, lambda world: power.start(world, vm))

    def set_remote(self, vm: str, *, enabled: bool | None = None, firewall: str | None = None) -> None:
        """Set the guest's Remote Desktop or SSH on or off, and its firewall for it, "open" or "closed" (rule 2.4-5).

        It reaches a VM in Azure with the disk: recovery points of before do not have it. 900545 for the firewall.
        """

        def work(world: World) -> None:
            guestremote.change(world, inventory.machine(world, vm), enabled=enabled, firewall=firewall)

        self._lab.command("site.set_remote", {"vm": vm, "enabled": enabled, "firewall": firewall}, work)

    def set_network_level_authentication(self, vm: str, required: bool) -> None:
        """Whether the guest's Remote Desktop demands authentication at network level (rule 3.3-4)."""

        def work(world: World) -> None:
            guestremote.change(world, inventory.machine(world, vm), authentication=required)

        self._lab.command("site.set_network_level_authentication", {"vm": vm, "required": required}, work)

    def shut_down(self, vm: str) -> None:
        """Shut a VM down in order; 900553 when it is off."""
        self._lab.command("site.shut_down", {"vm": vm}, lambda world: power.stop(world, vm, clean=True))

    def turn_off(self, vm: str) -> None:
        """Turn a VM off as by pulling its plug; 900553 when it is off."""
        self._lab.command("site.turn_off", {"vm": vm}, lambda world: power.stop(world, vm, clean=False))

    def resize_disk(self, vm: str, disk: str, size: str) -> None:
        """Make a disk of a VM larger ("60GB"); not while it is protected (900572)."""
        wanted = units.size(size)
        arguments = {"vm": vm, "disk": disk, "size": size}
        self._lab.command("site.resize_disk", arguments, lambda world: power.resize(world, vm, disk, wanted))

    def resynchronise_by_itself(self, vm: str, hours: str | None = "00:00-06:00") -> None:
        """When a resynchronisation of a VM may begin by itself, in hours of the host's day; None: only at a click.

        Hours may go past midnight ("22:00-04:00"). 900556 for hours that are none.
        """
        window = None if hours is None else throttle.span(str(hours))
        work = lambda world: power.resync_hours(world, vm, window)  # noqa: E731
        self._lab.command("site.resynchronise_by_itself", {"vm": vm, "hours": hours}, work)

    def pause_replication(self, vm: str, *, side: str = "primary") -> None:
        """Pause replication of a VM at its host, or on the "replica" side: writes are logged, nothing is sent."""
        work = lambda world: power.pause(world, vm, side)  # noqa: E731
        self._lab.command("site.pause_replication", {"vm": vm, "side": side}, work)

    def resume_replication(self, vm: str) -> None:
        """Go on with replication that was paused, or try again now what has failed; 900549 for neither."""
        self._lab.command("site.resume_replication", {"vm": vm}, lambda world: power.resume(world, vm))

    def throttle(
        self, work: str | None, other: str | None = None, *, hours: str = "09:00-18:00", host: str | None = None
    ) -> None:
        """Limit what the agent on a host sends ("2Mbps") in working hours, Monday to Friday, and otherwise.

        None: no limit. Without ``host`` each host of the site gets this limit.
        900555 for a limit that is not within 512 kbps and 102 Mbps (facts.md 5.6), 900556 for hours that are none.
        """
        limits = [0 if limit is None else units.bandwidth(limit) for limit in (work, other)]
        begin, end = throttle.span(hours)
        arguments = {"work": work, "other": other, "hours": hours, "host": host}
        hosts = self.hosts if host is None else [host]
        limit = lambda world: throttle.set_limits(world, hosts, limits[0], limits[1], begin, end)  # noqa: E731
        self._lab.command("site.throttle", arguments, limit)

    def replication(self, vm: str, *, begin: str | None = None, end: str | None = None) -> Statistics:
        """Health and statistics of a VM's replication, as ``Measure-VMReplication`` gives them; 900532 without any.

        Of the monitoring interval the clock is in, or of the time from ``begin`` to ``end`` (instants with a zone).
        """
        first = None if begin is None else units.instant(begin)
        last = None if end is None else units.instant(end)

        def found(world: World) -> Statistics:
            power.relation_of(world, vm)
            return statistics.measure(world, vm, _facts_of(world, vm), begin=first, end=last)

        return self._lab.read(found)

    def reset_statistics(self, vm: str) -> None:
        """Begin to count anew, as the button "Reset Statistics" does."""

        def work(world: World) -> None:
            power.relation_of(world, vm)
            world.fact("statistics.reset", vm)

        self._lab.command("site.reset_statistics", {"vm": vm}, work)

    def event_log(self, vm: str | None = None) -> list[Event]:
        """The host's event log of replication (rule 2.9-3), of one VM or of all, oldest first."""

        def found(world: World) -> list[Event]:
            return eventlog.read(list(facts.read(world.store)), world.now, inventory.site_of(world).offset_min)

        return [event for event in self._lab.read(found) if vm is None or event.vm in ("", vm)]

    @property
    def machines(self) -> dict[str, MachineView]:
        """VMs of the site by name."""
        return self._lab.read(
            lambda world: {m.name: machine_view(world, m) for m in world.all(Machine) if m.side == guests.SITE}
        )

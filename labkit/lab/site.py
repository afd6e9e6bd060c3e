"""``lab.site``: servers and VMs of the site."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest.machine import Machine
from labkit.recovery import hyperv as power
from labkit.site.inventory import Server

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


class SiteDoor:
    """Servers and VMs of the site."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    @property
    def servers(self) -> dict[str, str]:
        """Servers by name, with their role."""
        return self._lab.read(lambda world: {server.id: server.role for server in world.all(Server)})

    @property
    def vmm(self) -> str:
        """Name of the VMM server."""
        return next(name for name, role in self.servers.items() if role == "vmm")

    @property
    def hosts(self) -> list[str]:
        """Names of the Hyper-V hosts."""
        return [name for name, role in self.servers.items() if role == "host"]

    def start(self, vm: str) -> None:
        """Start a VM that is off; 900551 when it runs, 900530 while the site has no power."""
        self._lab.command("site.start", {"vm": vm}, lambda world: power.start(world, vm))

    def shut_down(self, vm: str) -> None:
        """Shut a VM down in order; 900553 when it is off."""
        self._lab.command("site.shut_down", {"vm": vm}, lambda world: power.stop(world, vm, clean=True))

    def turn_off(self, vm: str) -> None:
        """Turn a VM off as by pulling its plug; 900553 when it is off."""
        self._lab.command("site.turn_off", {"vm": vm}, lambda world: power.stop(world, vm, clean=False))

    def pause_replication(self, vm: str) -> None:
        """Pause replication of a VM at its host: writes are logged, nothing is sent."""
        self._lab.command("site.pause_replication", {"vm": vm}, lambda world: power.pause(world, vm))

    def resume_replication(self, vm: str) -> None:
        """Go on with replication that was paused."""
        self._lab.command("site.resume_replication", {"vm": vm}, lambda world: power.resume(world, vm))

    @property
    def machines(self) -> dict[str, MachineView]:
        """VMs of the site by name."""
        return self._lab.read(
            lambda world: {m.name: machine_view(world, m) for m in world.all(Machine) if m.side == guests.SITE}
        )

"""``lab.hyperv``: plain Hyper-V Replica, from host to host, as Hyper-V Manager has it (rule 1.1-2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from labkit.engine import resources, units
from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.guest.machine import Machine
from labkit.lab.site import MachineView, machine_view
from labkit.lab.views import RecoveryPoint
from labkit.recovery import hostfailover, hostreplica
from labkit.recovery.hostreplica import INITIALISING, PREPARING, REPLICA, HostReplica
from labkit.replication import resync
from labkit.replication.relation import INITIAL, Relation
from labkit.site import inventory

if TYPE_CHECKING:
    from labkit.lab.door import Lab


class ReplicaView(NamedTuple):
    """A replica as Hyper-V Manager shows it: servers, state, health, RPO in seconds, points to choose from."""

    vm: str
    state: str
    primary: str
    replica: str
    health: str
    rpo: float | None
    recovery_points: list[RecoveryPoint]
    allowed_operations: tuple[str, ...]


class HyperVDoor:
    """Replication between the hosts of two sites. Calls act at once; what takes time ends by itself (:meth:`wait`)."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def _on(self, name: str, vm: str, work: Callable[[World, HostReplica], None], **more: Any) -> None:
        arguments = {"vm": vm, **more}
        self._lab.command(f"hyperv.{name}", arguments, lambda world: work(world, hostreplica.own(world, vm)))

    @property
    def replicas(self) -> dict[str, ReplicaView]:
        """All replicas by VM."""
        return self._lab.read(lambda world: {found.id: _view(world, found) for found in world.all(HostReplica)})

    @property
    def machines(self) -> dict[str, MachineView]:
        """VMs at the replica site by name, test VMs among them."""
        return self._lab.read(
            lambda world: {m.name: machine_view(world, m) for m in world.all(Machine) if m.side == REPLICA}
        )

    def enable(
        self,
        vm: str,
        to: str | None = None,
        *,
        frequency: str = "5min",
        points: int = 0,
        app_consistent: int = 0,
        compression: bool = True,
        initial: str = "network",
    ) -> None:
        """Replicate a VM to a host of the replica site (by default its first one).

        ``frequency``: "30s", "5min" or "15min" (hosts on Windows Server 2012: "5min"). ``points``: additional hourly
        recovery points, 0 to 24 (2012: 15); ``app_consistent``: hours between snapshots, not more than points.
        ``initial``: "network", or "export": see :meth:`import_initial`. Errors: 900010, 900514, 900580, 900583, 900588.
        """
        if initial not in ("network", "export"):
            raise LabError(900588, found=initial, choices="network, export")
        permille = int(resources.yaml("replication.yml")["compression_permille"]) if compression else 1000
        settings = {
            "frequency": units.duration(frequency),
            "points": points,
            "app_consistent": app_consistent,
            "ratio": permille,
        }

        def work(world: World) -> None:
            other = inventory.site_of(world).replica_site
            host = to or (other.hosts[0] if other is not None else "")
            hostreplica.enable(world, vm, host, settings, offline=initial == "export")

        self._lab.command("hyperv.enable", {"vm": vm, "to": to, "initial": initial, **settings}, work)

    def import_initial(self, vm: str) -> None:
        """The exported snapshot has been carried to the replica: import it. Nothing of it crosses the line."""
        self._on("import_initial", vm, hostreplica.bring)

    def test_failover(self, vm: str, point: int | None = None) -> None:
        """A VM "NAME - Test" beside production, not connected; ends with :meth:`end_test`."""
        self._on("test_failover", vm, lambda world, found: hostfailover.test_failover(world, found, point), point=point)

    def end_test(self, vm: str) -> None:
        """Delete the test VM."""
        self._on("end_test", vm, hostfailover.end_test)

    def planned_failover(self, vm: str) -> None:
        """The VM must be off: the rest is sent, the other VM starts, replication turns round by itself."""
        self._on("planned_failover", vm, hostfailover.planned)

    def cancel_planned_failover(self, vm: str) -> None:
        """Give it up before the rest has arrived."""
        self._on("cancel_planned_failover", vm, hostfailover.cancel_planned)

    def failover(self, vm: str, point: int | None = None) -> None:
        """From the replica, to a recovery point (its id; None: the newest); refused while the VM runs."""
        self._on("failover", vm, lambda world, found: hostfailover.unplanned(world, found, point), point=point)

    def cancel_failover(self, vm: str) -> None:
        """Before it is completed: go back to what there was."""
        self._on("cancel_failover", vm, hostfailover.cancel)

    def complete_failover(self, vm: str) -> None:
        """Make it final; the VM is not replicated until :meth:`reverse`."""
        self._on("complete_failover", vm, hostfailover.complete)

    def reverse(self, vm: str) -> None:
        """Turn replication round by hand after an unplanned failover."""
        self._on("reverse", vm, hostfailover.reverse)

    def shut_down(self, vm: str) -> None:
        """Shut down the VM where it is active, as a planned failover needs it; 900553 when it is off."""
        self._on("shut_down", vm, hostfailover.shut_down)

    def start(self, vm: str) -> None:
        """Start the VM where it is active; 900551 when it runs."""
        self._on("start", vm, hostfailover.start)

    def resynchronise(self, vm: str) -> None:
        """Compare both sides now, where that is required; 900547 otherwise."""
        self._on("resynchronise", vm, lambda world, found: resync.start(world, world.get(Relation, found.id)))

    def remove(self, vm: str) -> None:
        """Remove replication, and the replica VM with its disks; 900590 while that is the active one."""
        self._on("remove", vm, hostreplica.remove)

    def delete(self, vm: str) -> None:
        """Delete a VM that was left at the replica site when its protection was removed; 900010 when there is none."""
        self._lab.command("hyperv.delete", {"vm": vm}, lambda world: hostreplica.delete_left(world, vm))

    def wait(self, vm: str, within: str = "30d") -> None:
        """Let time pass until initial replication, or the sending of the rest, is through; 900541 if it is not."""
        done = lambda world: hostreplica.get(world, vm).state not in (INITIALISING, PREPARING)  # noqa: E731
        if not self._lab.run_until(done, within=within):
            raise LabError(900541, what=vm)


def _view(world: World, found: HostReplica) -> ReplicaView:
    told, relation = hostreplica.describe(world, found), world.find(Relation, found.id)
    zone = inventory.site_of(world).offset_min
    points = [] if relation is None or relation.state == INITIAL else relation.points
    return ReplicaView(
        vm=found.id,
        state=told["state"],
        primary=told["primary"],
        replica=told["replica"],
        health=told["health"],
        rpo=None if told["rpo_ms"] is None else told["rpo_ms"] / 1000,
        recovery_points=[RecoveryPoint(p.number, units.show_instant(p.cut, zone), p.cut, p.kind) for p in points],
        allowed_operations=hostreplica.allowed(found),
    )

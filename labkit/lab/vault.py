"""The vault's commands. Each returns a :class:`Job` at once; ``wait=True`` is ``lab.wait`` around it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.world import World
from labkit.lab.opener import Opener
from labkit.lab.plans import PlansDoor
from labkit.lab.vaultsetup import VaultSetupDoor
from labkit.lab.views import Failover, Items, Job, failovers
from labkit.recovery import (
    cloudprotection,
    components,
    failback,
    failover,
    planruns,
    protection,
    resynchronise,
    states,
    vault,
)
from labkit.recovery import item as items
from labkit.recovery.item import ProtectedItem
from labkit.site import inventory

if TYPE_CHECKING:
    from labkit.lab.door import Lab


class VaultDoor(PlansDoor, VaultSetupDoor):
    """``lab.vault``: registration, protection, failover and all that follows."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(lab)
        self.items = Items(lab)

    @property
    def failovers(self) -> list[Failover]:
        """Every switch so far with what it recovered and lost, oldest first."""
        return self._lab.read(failovers)

    def _on(
        self, name: str, vm: str, wait: bool, work: Callable[[World, ProtectedItem], JobRecord], **more: Any
    ) -> Job:
        return self._do(name, wait, lambda world: work(world, items.get(world, vm)), vm=vm, **more)

    # --- failover -----------------------------------------------------------------------------------------------------

    def test_failover(
        self,
        vm: str,
        network: str | None = None,
        *,
        point: int | None = None,
        certificate: str | Path | None = None,
        password: str | None = None,
        wait: bool = False,
    ) -> Job:
        """A test VM beside production, on no network or a virtual one; ends at "Complete test".

        ``certificate``: the ``.pfx`` of an encrypted cloud, with its password (rule 3.3-1), here and at each failover:
        900563 when it is missing, 900564 or 900565 when it cannot be read, 900566 when it is another.
        """
        opener = Opener(certificate, password)
        work = lambda world, item: failover.test_failover(world, item, network, point, opener.private())  # noqa: E731
        return self._on("test_failover", vm, wait, work, network=network, point=point, certificate=opener.name)

    def planned_failover(
        self, vm: str, *, certificate: str | Path | None = None, password: str | None = None, wait: bool = False
    ) -> Job:
        """Shut down, send the rest, start in Azure."""
        opener = Opener(certificate, password)
        work = lambda world, item: failover.planned(world, item, opener.private())  # noqa: E731
        return self._on("planned_failover", vm, wait, work, certificate=opener.name)

    def unplanned_failover(
        self,
        vm: str,
        *,
        synchronise: bool = False,
        certificate: str | Path | None = None,
        password: str | None = None,
        wait: bool = False,
    ) -> Job:
        """Start in Azure from the newest recovery point; ``synchronise`` first tries to shut the site's VM down."""
        opener = Opener(certificate, password)
        work = lambda world, item: failover.unplanned(  # noqa: E731
            world, item, synchronise=synchronise, private=opener.private()
        )
        return self._on("unplanned_failover", vm, wait, work, synchronise=synchronise, certificate=opener.name)

    def change_recovery_point(
        self,
        vm: str,
        point: int | None = None,
        *,
        certificate: str | Path | None = None,
        password: str | None = None,
        wait: bool = False,
    ) -> Job:
        """Start the Azure VM again from another recovery point (its id; ``None``: the newest), before commit."""
        opener = Opener(certificate, password)
        work = lambda world, item: failover.change_point(world, item, point, opener.private())  # noqa: E731
        return self._on("change_recovery_point", vm, wait, work, point=point, certificate=opener.name)

    def commit(self, vm: str, *, wait: bool = False) -> Job:
        """Make a failover or failback final."""
        return self._on("commit", vm, wait, failover.commit)

    def failback(self, vm: str, *, synchronise: str = "before", wait: bool = False) -> Job:
        """Back to the site; "before" waits for :meth:`complete_failover`, "during" stops the Azure VM at once."""
        work = lambda world, item: failback.start(world, item, synchronise)  # noqa: E731
        return self._on("failback", vm, wait, work, synchronise=synchronise)

    def complete_failover(self, vm: str, *, note: str = "", wait: bool = False) -> Job:
        """The operator's word for the switch of a failback."""
        work = lambda world, item: failback.complete(world, item, note)  # noqa: E731
        return self._on("complete_failover", vm, wait, work, note=note)

    def complete_test(self, vm: str, *, note: str = "", wait: bool = False) -> Job:
        """Complete a test failover: everything the test made is deleted."""
        work = lambda world, item: failover.complete_test(world, item, note)  # noqa: E731
        return self._on("complete_test", vm, wait, work, note=note)

    def reverse_replication(self, vm: str, *, wait: bool = False) -> Job:
        """End the wait after a failback; the item is ready when initial replication is done, too."""
        return self._on("reverse_replication", vm, wait, failback.reverse)

    def complete(self, job: Job, *, note: str = "") -> Job:
        """Give the word a job waits for, whatever it is; 900020 when it waits for none."""

        def work(world: World) -> JobRecord:
            record = world.get(JobRecord, job.id)
            if planruns.is_of_plan(record):
                return planruns.complete(world, record, note)
            item = world.find(ProtectedItem, record.target)
            waiting = (states.TEST_WAITING, states.FAILBACK_WAITING)
            if item is None or item.job != record.id or item.state not in waiting:
                raise LabError(900020, job=job.id, state=record.state)
            finish = failover.complete_test if item.state == states.TEST_WAITING else failback.complete
            return finish(world, item, note)

        return self._do("complete", False, work, job=job.id, note=note)

    def resynchronise(self, vm: str, *, wait: bool = False) -> Job:
        """Compare both sides now and send what differs, where that is required; it goes on after the job."""
        return self._on("resynchronise", vm, wait, resynchronise.start)

    def cancel_resynchronise(self, vm: str) -> None:
        """Give up a resynchronisation that is under way; it starts over later."""
        work = lambda world: resynchronise.cancel(world, items.get(world, vm))  # noqa: E731
        self._lab.command("vault.cancel_resynchronise", {"vm": vm}, work)

    # --- the end ------------------------------------------------------------------------------------------------------

    def disable_protection(self, vm: str, *, wait: bool = False) -> Job:
        """Remove the protection of a VM on both sides."""
        return self._on("disable_protection", vm, wait, protection.disable)

    def release_cloud(self, cloud: str | None = None, *, wait: bool = False) -> Job:
        """Release a cloud in which no VM is protected any more."""
        name = cloud or self._lab.read(lambda world: inventory.site_of(world).cloud.name)
        return self._do("release_cloud", wait, lambda world: cloudprotection.release_cloud(world, name), cloud=name)

    def unregister_server(self, server: str | None = None, *, wait: bool = False) -> Job:
        """Take the VMM server out of the vault."""
        name = server or self._lab.read(lambda world: inventory.site_of(world).servers.vmm)
        return self._do("unregister_server", wait, lambda world: components.unregister_server(world, name), server=name)

    def delete(self, name: str | None = None, *, wait: bool = False) -> Job:
        """Delete an empty vault of either kind, by default the one in use."""
        return self._do("delete", wait, lambda world: vault.delete_vault(world, name), vault=name)

    def __repr__(self) -> str:
        return f"<Vault {', '.join(repr(item) for item in self.items.values()) or '-'}>"

"""The vault's commands. Each returns a :class:`Job` at once; ``wait=True`` is ``lab.wait`` around it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.engine import facts, units
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.world import World
from labkit.lab.failoverviews import Failover, failovers
from labkit.lab.opener import Opener
from labkit.lab.plans import PlansDoor
from labkit.lab.pointviews import PointView, point_view
from labkit.lab.vaultsetup import VaultSetupDoor
from labkit.lab.views import Items, Job
from labkit.recovery import (
    achieved,
    cloudprotection,
    encryption,
    failback,
    failover,
    objectives,
    operations,
    planruns,
    protection,
    resynchronise,
    states,
    stopmanaging,
    unregister,
    vault,
)
from labkit.recovery import item as items
from labkit.recovery.item import ProtectedItem
from labkit.recovery.objectives import Verdict
from labkit.recovery.unregister import Reason
from labkit.site import inventory

if TYPE_CHECKING:
    from labkit.lab.door import Lab


class VaultDoor(PlansDoor, VaultSetupDoor):
    """``lab.vault``: registration, protection, failover and all that follows; ``items``: the protected VMs by name.

    From the vault on (``lab.azure.create_vault``): ``generate_key``, with which ``lab.site.install_provider`` registers
    the VMM server; ``configure_protection`` of its cloud, ``map_network``, ``enable_protection`` of each VM. A call
    that returns a :class:`Job` has only begun it: give ``wait=True``, or ``lab.wait(job)`` later.
    """

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
        point: int | str | None = None,
        certificate: str | Path | None = None,
        password: str | None = None,
        wait: bool = False,
    ) -> Job:
        """A test VM beside production, on no network or a virtual one; ends at "Complete test".

        ``certificate``: the ``.pfx`` of an encrypted cloud, with its password (rule 3.3-1), here and at each failover:
        900563 when it is missing, 900564 or 900565 when it cannot be read, 900566 when it is another.
        """
        opener = Opener(certificate, password)
        work = lambda world, item: operations.test_failover(world, item, network, point, opener.private())  # noqa: E731
        return self._on("test_failover", vm, wait, work, network=network, point=point, certificate=opener.name)

    def planned_failover(
        self,
        vm: str,
        *,
        point: int | str | None = None,
        certificate: str | Path | None = None,
        password: str | None = None,
        wait: bool = False,
    ) -> Job:
        """Shut down, send the rest, start in Azure (or in the other cloud).

        ``point``: an earlier recovery point, by id or "application-consistent". The product has two steps for it, and
        both are done: this job, and after it the job "Change recovery point" (``wait=True`` waits for both).
        """
        opener = Opener(certificate, password)
        work = lambda world, item: operations.planned(world, item, opener.private(), point)  # noqa: E731
        return self._both("planned_failover", vm, wait, work, point=point, certificate=opener.name)

    def _both(
        self, name: str, vm: str, wait: bool, work: Callable[[World, ProtectedItem], JobRecord], **more: Any
    ) -> Job:
        """A failover, and with an earlier point the job that follows it by itself."""
        job = self._on(name, vm, wait, work, **more)
        if not wait or more["point"] in (None, failover.LATEST):
            return job
        later = [other for other in self._lab.jobs.values() if other.target == vm and other.scenario == "ChangePit"]
        self._lab.wait(later[-1])
        return job

    def unplanned_failover(
        self,
        vm: str,
        *,
        synchronise: bool = False,
        point: int | str | None = None,
        certificate: str | Path | None = None,
        password: str | None = None,
        wait: bool = False,
    ) -> Job:
        """Start in Azure from the newest recovery point; ``synchronise`` first tries to shut the site's VM down.

        ``point``: as of :meth:`planned_failover`.
        """
        opener = Opener(certificate, password)
        work = lambda world, item: operations.unplanned(  # noqa: E731
            world, item, synchronise=synchronise, private=opener.private(), number=point
        )
        more = {"synchronise": synchronise, "point": point, "certificate": opener.name}
        return self._both("unplanned_failover", vm, wait, work, **more)

    def change_recovery_point(
        self,
        vm: str,
        point: int | str | None = None,
        *,
        certificate: str | Path | None = None,
        password: str | None = None,
        wait: bool = False,
    ) -> Job:
        """Start the Azure VM again from another recovery point (its id; ``None``: the newest), before commit."""
        opener = Opener(certificate, password)
        work = lambda world, item: operations.change_point(world, item, point, opener.private())  # noqa: E731
        return self._on("change_recovery_point", vm, wait, work, point=point, certificate=opener.name)

    def commit(self, vm: str, *, wait: bool = False) -> Job:
        """Make a failover or failback final."""
        return self._on("commit", vm, wait, operations.commit)

    def failback(self, vm: str, *, synchronise: str = "before", wait: bool = False) -> Job:
        """Back to the site; "before" waits for :meth:`complete_failover`, "during" stops the Azure VM at once."""
        work = lambda world, item: failback.start(world, item, synchronise)  # noqa: E731
        return self._on("failback", vm, wait, work, synchronise=synchronise)

    def look_into(
        self,
        vm: str,
        point: int | str | None = None,
        *,
        certificate: str | Path | None = None,
        password: str | None = None,
    ) -> PointView:
        """Look into a recovery point before choosing it: age, kind, last order in it, and what would be lost now.

        ``point``: its id, "latest" (the default) or "application-consistent". Of an encrypted cloud it needs the
        certificate.
        """
        opener = Opener(certificate, password)
        work = lambda world: point_view(world, items.get(world, vm), point, opener.private())  # noqa: E731
        return self._lab.command("vault.look_into", {"vm": vm, "point": point}, work)

    # --- objectives ---------------------------------------------------------------------------------------------------

    def needs_certificate(self, *vms: str) -> bool:
        """Whether a failover of any of these VMs asks for the certificate of an encrypted cloud (rule 3.3-1)."""

        def asks(world: World) -> bool:
            found = (world.find(ProtectedItem, vm) for vm in vms)
            return any(item is not None and encryption.needs_certificate(world, item) for item in found)

        return self._lab.read(asks)

    def set_objectives(
        self, vm: str, *, rto: str | None = None, rpo: str | None = None, mtd: str | None = None
    ) -> None:
        """Set a VM's targets (rule 1.1-3), as durations; what is not given is the site's. 900896: MTD below RTO."""
        given = [None if value is None else units.duration(value) for value in (rto, rpo, mtd)]
        work = lambda world: objectives.set_targets(world, vm, *given)  # noqa: E731
        self._lab.command("vault.set_objectives", {"vm": vm, "rto": rto, "rpo": rpo, "mtd": mtd}, work)

    def set_plan_objectives(
        self, plan: str, *, rto: str | None = None, rpo: str | None = None, mtd: str | None = None
    ) -> None:
        """The same for a plan: from its click to the last VM's answer, its worst VM's RPO, the outage."""
        given = [None if value is None else units.duration(value) for value in (rto, rpo, mtd)]
        work = lambda world: objectives.set_plan_targets(world, plan, *given)  # noqa: E731
        self._lab.command("vault.set_plan_objectives", {"plan": plan, "rto": rto, "rpo": rpo, "mtd": mtd}, work)

    @property
    def objectives(self) -> list[Verdict]:
        """Every failover so far beside its targets: rto, rpo and mtd in ms, with met, missed or not_tested."""

        def found(world: World) -> list[Verdict]:
            return objectives.verdicts(world, list(facts.read(world.store, without="cycle")))  # these say nothing of it

        return self._lab.read(found)

    def declare_disaster(self, note: str = "") -> None:
        """Note that a disaster was declared: the clock of deciding ends; nothing else happens."""
        self._lab.command("vault.declare_disaster", {"note": note}, lambda world: achieved.declare(world, note))

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
        return self._on("reverse_replication", vm, wait, operations.reverse)

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

    def cancel(self, job: Job) -> Job:
        """Give up a planned failover, of a VM or plan, that waits for a site that does not answer.

        900911 when the job has ended, 900912 when it waits for a word, 900996 for any other. The VM is replicated as
        before, and an unplanned failover is possible. Of a plan the VMs' jobs are let go with :meth:`release_plan`.
        """
        if not isinstance(job, Job):
            raise LabError(900062, found=job)
        work = lambda world: operations.cancel(world, world.get(JobRecord, job.id))  # noqa: E731
        return self._do("cancel", False, work, job=job.id)

    def resynchronise(self, vm: str, *, wait: bool = False) -> Job:
        """Compare both sides now and send what differs, where that is required; it goes on after the job."""
        return self._on("resynchronise", vm, wait, resynchronise.start)

    def cancel_resynchronise(self, vm: str) -> None:
        """Give up a resynchronisation that is under way; it starts over later."""
        work = lambda world: resynchronise.cancel(world, items.get(world, vm))  # noqa: E731
        self._lab.command("vault.cancel_resynchronise", {"vm": vm}, work)

    # --- the end ------------------------------------------------------------------------------------------------------

    def disable_protection(self, vm: str, *, wait: bool = False) -> Job:
        """Remove the protection of a VM on both sides; the job fails with 900930 while VMM cannot be reached."""
        return self._on("disable_protection", vm, wait, protection.disable)

    def stop_managing(self, vm: str, *, wait: bool = False) -> Job:
        """Take a VM out of the vault alone, also while VMM is not connected (rule 4.1-2).

        VMM's settings and the host's replication relationship stay, and the VM cannot be protected again before they
        are cleaned up: ``lab.site.vmm.clear_dr_protection``, then ``lab.site.remove_replication_relationship``. Replica
        disks in a storage account stay, and cost: ``lab.azure.delete_disks``.
        """
        return self._on("stop_managing", vm, wait, stopmanaging.start)

    def release_cloud(self, cloud: str | None = None, *, wait: bool = False) -> Job:
        """Release a cloud in which no VM is protected any more."""
        name = cloud or self._lab.read(lambda world: inventory.site_of(world).cloud.name)
        return self._do("release_cloud", wait, lambda world: cloudprotection.release_cloud(world, name), cloud=name)

    @property
    def unregister_reasons(self) -> list[Reason]:
        """The reasons "Confirm Removal" of a server offers: ``name, title``; the first one is chosen there."""
        return unregister.reasons()

    def unregister_server(
        self, server: str | None = None, *, reason: str | Reason | None = None, wait: bool = False
    ) -> Job:
        """Take the VMM server out of the vault (rule 4.3-1); ``reason``: one of :attr:`unregister_reasons` or its name.

        900937 for any other.

        A server that cannot be reached is removed by the job PurgeDra, with its clouds: its settings stay on it until
        ``lab.site.clean_up_registration``, and until then it cannot be registered again. 900518 while a cloud of it is
        protected, 900938 while VMs of an unreachable one are.
        """
        name = server or self._lab.read(lambda world: inventory.site_of(world).servers.vmm)
        why = reason.name if isinstance(reason, Reason) else reason
        work = lambda world: unregister.start(world, name, why)  # noqa: E731
        return self._do("unregister_server", wait, work, server=name, reason=why)

    def delete(self, name: str | None = None, *, wait: bool = False) -> Job:
        """Delete an empty vault of either kind, by default the one in use."""
        return self._do("delete", wait, lambda world: vault.delete_vault(world, name), vault=name)

    def __repr__(self) -> str:
        return f"<Vault {', '.join(repr(item) for item in self.items.values()) or '-'}>"

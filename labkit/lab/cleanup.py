"""Taking Site Recovery off the site's servers, and cleaning up by hand (STEP 4 of the guide): part of ``lab.site``."""

from __future__ import annotations

from labkit.lab.setup import SetupDoor
from labkit.recovery import stopmanaging, unregister


class CleanUpDoor(SetupDoor):
    """What is done on the site's servers when protection ends."""

    def remove_replication_relationship(self, vm: str, host: str) -> None:
        """``RemoveReplicationRelationship`` of ``Msvm_ReplicationService`` for a VM the vault stopped managing.

        ``host``: the full name of the VM's host (900936 another). The second step of the clean-up by hand (rule 4.1-3):
        900935 before ``lab.site.vmm.clear_dr_protection``, 900934 when nothing is left, 900621 while the host is off.
        """
        work = lambda world: stopmanaging.remove_relation(world, vm, host)  # noqa: E731
        self._say("remove_replication_relationship", work, vm=vm, host=host)

    def clean_up_registration(self, server: str | None = None) -> None:
        """Run the clean-up script on a VMM server that was removed from the vault while it could not be reached.

        900939 when nothing is left there, 900642 while VMM's service is stopped.
        """
        name = self.manager(server)
        self._say("clean_up_registration", lambda world: unregister.clean_up(world, name), server=name)

    def uninstall_provider(self, server: str | None = None) -> None:
        """Uninstall the provider from a VMM server that is not registered any more.

        900830 it is not there, 900940 the server is registered, 900933 settings of an earlier registration are left.
        """
        name = self.manager(server)
        self._say("uninstall_provider", lambda world: unregister.uninstall_provider(world, name), server=name)

    def uninstall_agent(self, host: str) -> None:
        """Uninstall the agent from a host; 900840 it is not there, 900942 while a VM on it is protected to Azure."""
        self._say("uninstall_agent", lambda world: unregister.uninstall_agent(world, host), host=host)

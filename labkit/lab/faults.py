"""``lab.faults``: what a trainer can break, and mend."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from labkit.engine import units
from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.faults import damage, host, obstacles, outages
from labkit.recovery import network
from labkit.replication import line

if TYPE_CHECKING:
    from labkit.lab.door import Lab


def _names(world: World, to: str) -> tuple[str, ...]:
    """The two directions of a line; 900586 for one that there is not."""
    there = {name: pair for name, pair in line.TO.items() if world.find(line.Line, pair[0]) is not None}
    if to not in there:
        raise LabError(900586, found=to, choices=", ".join(there))
    return there[to]


class FaultsDoor:
    """Faults take effect at once, or at the next log that arrives."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def _do(self, name: str, work: Callable[[World], None], **arguments: Any) -> None:
        self._lab.command(f"faults.{name}", arguments, work)

    def lose_line(self, to: str = "azure") -> None:
        """Pull the plug to Azure, or to the "replica-site": what is under way fails, and is tried again."""
        self._do("lose_line", lambda world: outages.lose_line(world, _names(world, to)), to=to)

    def restore_line(self, to: str = "azure") -> None:
        """Put the plug back; replication goes on at its next attempt, or at once when somebody resumes it."""
        self._do("restore_line", lambda world: outages.restore_line(world, _names(world, to)), to=to)

    def set_bandwidth(self, bandwidth: str, to: str = "azure") -> None:
        """Change the line's bandwidth ("20Mbps")."""
        bits = units.bandwidth(bandwidth)
        work = lambda world: line.set_bandwidth(world, bits, _names(world, to))  # noqa: E731
        self._do("set_bandwidth", work, bandwidth=bandwidth, to=to)

    def set_quality(self, *, latency: str | None = None, loss: str | None = None, to: str = "azure") -> None:
        """Change the line's latency ("80ms", one way) and the share of packets it loses ("0.5%"); None: as it is."""
        delay = None if latency is None else units.duration(latency)
        lost = None if loss is None else units.per_million(loss)

        def work(world: World) -> None:
            names = _names(world, to)
            now = world.get(line.Line, names[0])
            line.set_quality(world, now.latency if delay is None else delay, now.loss if lost is None else lost, names)

        self._do("set_quality", work, latency=latency, loss=loss, to=to)

    def obstruct(self, reason: str, vm: str | None = None) -> None:
        """Put something in the way of replication, or of snapshots, of one VM or all (docs/replication-health.md)."""
        self._do("obstruct", lambda world: obstacles.obstruct(world, reason, vm), reason=reason, vm=vm)

    def clear(self, reason: str, vm: str | None = None) -> None:
        """Take it away again."""
        self._do("clear", lambda world: obstacles.clear(world, reason, vm), reason=reason, vm=vm)

    def lose_vpn(self) -> None:
        """The site-to-site VPN goes down, while the line itself stays; 900954 when it is down."""
        self._do("lose_vpn", lambda world: network.lose(world, network.VPN))

    def restore_vpn(self) -> None:
        """The VPN is up again, and guests enter their names in the DNS; 900955 when it was not lost."""
        self._do("restore_vpn", lambda world: network.mend(world, network.VPN))

    def break_dns(self) -> None:
        """The site's DNS takes no updates any more: names stay as they are (rule 3.1-3); 900954."""
        self._do("break_dns", lambda world: network.lose(world, network.DNS))

    def mend_dns(self) -> None:
        """The DNS takes updates again, and guests enter their names; 900955 when it was not broken."""
        self._do("mend_dns", lambda world: network.mend(world, network.DNS))

    def lose_site(self) -> None:
        """The whole site loses power now."""
        self._do("lose_site", outages.lose_site)

    def restore_site(self) -> None:
        """Power is back at the site."""
        self._do("restore_site", outages.restore_site)

    def crash_host(self) -> None:
        """The site's hosts crash with their VMs, and start again five minutes later."""
        self._do("crash_host", host.crash_host)

    def lose_vm(self, vm: str) -> None:
        """The site's VM is gone, disks and all, while it runs in Azure after a committed failover (else 900898)."""
        self._do("lose_vm", lambda world: host.lose_vm(world, vm), vm=vm)

    def fail_log(self, vm: str) -> None:
        """A write to the change log of a VM fails."""
        self._do("fail_log", lambda world: host.fail_log(world, vm), vm=vm)

    def edit_disk(self, vm: str, disk: str, block: int) -> None:
        """Change one bit of one 64 KiB block of a VM that is off, behind the log's back."""
        work = lambda world: host.edit_disk(world, vm, disk, block)  # noqa: E731
        self._do("edit_disk", work, vm=vm, disk=disk, block=block)

    def revert_disks(self, vm: str, back: str) -> None:
        """Put the disks of a VM that is off back to an earlier state ("2h" ago), as by a snapshot."""
        ms = units.duration(back)
        self._do("revert_disks", lambda world: host.revert(world, vm, ms), vm=vm, back=back)

    def flip_block(self, vm: str, disk: str, block: int) -> None:
        """Flip one bit of one 64 KiB block of the replica."""
        work = lambda world: damage.flip_block(world, vm, disk, block)  # noqa: E731
        self._do("flip_block", work, vm=vm, disk=disk, block=block)

    def drop_cycle(self, vm: str) -> None:
        """The next log is lost on its way, and nobody notices."""
        self._cycle(vm, "drop")

    def double_cycle(self, vm: str) -> None:
        """The next log is applied, and once more after the one that follows it."""
        self._cycle(vm, "double")

    def swap_cycles(self, vm: str) -> None:
        """The next two logs are applied in the wrong order."""
        self._cycle(vm, "swap")

    def cut_cycle(self, vm: str) -> None:
        """Only the first half of the next log is applied."""
        self._cycle(vm, "cut")

    def corrupt_cycle(self, vm: str) -> None:
        """The next log arrives damaged, and the replica refuses it: a resynchronisation is required."""
        self._cycle(vm, "corrupt")

    def restore_replica(self, vm: str, point: int) -> None:
        """Put an older copy of the replica in its place, that of a recovery point; no log follows on it."""
        work = lambda world: damage.restore_replica(world, vm, point)  # noqa: E731
        self._do("restore_replica", work, vm=vm, point=point)

    def _cycle(self, vm: str, fault: str) -> None:
        self._do(f"{fault}_cycle", lambda world: damage.next_cycle(world, vm, fault), vm=vm)

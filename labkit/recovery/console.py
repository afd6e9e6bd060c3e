r"""Connecting to a VM in Azure by Remote Desktop or SSH, since there is no local console (rules 2.4-5, 3.3-4).

Accounts: ``COMPUTER\NAME`` (or the guest's own name, or a bare name) is local, ``DEMO\NAME`` and ``NAME@domain`` are
the domain's. With network-level authentication on, a domain account is confirmed before a session begins, and so a
domain controller has to be in reach. With it off the guest lets in the domain's Administrator, who has logged on
before, by what it remembers; any other domain account still needs a domain controller. That is the lab's own rule.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from labkit.azure import hosted, hosting
from labkit.azure.hosted import CloudService
from labkit.disks import record
from labkit.disks.blocks import is_real
from labkit.engine.errors import LabError
from labkit.engine.world import World
from labkit.guest import machine as guests
from labkit.guest import orders
from labkit.guest.machine import Machine
from labkit.guest.volume import Volume
from labkit.recovery import guestremote, network, reach
from labkit.recovery.reach import Answer
from labkit.site import directory
from labkit.site.directory import Account

_CODES = {
    reach.NO_ENDPOINT: 900956,
    reach.NOT_ENABLED: 900957,
    reach.FIREWALL: 900958,
    reach.VPN_DOWN: 900959,
    reach.STALE: 900960,
    reach.MACHINE_OFF: 900961,
}
_OTHER = 900962


class Console(NamedTuple):
    """What an administrator sees, once connected. Instants in ms, 0 for none.

    ``disks``: name -> bytes, as mounted. ``application``: "answering", "starting", "damaged" or "none"; ``orders`` and
    ``invoices``: rows in its database as the VM's own disk has it now; ``last``: the instant of the newest row.
    """

    machine: str
    host: str
    user: str
    address: str
    vip: str
    disks: dict[str, int]
    application: str
    orders: int
    invoices: int
    last: int


def connect(world: World, name: str, user: str, client: str) -> Console:
    """Connect to a VM in Azure, or the reason why not: 900956 to 900964, 900629 for a domain account that is none."""
    machine = network.in_azure(world, name)
    answer = _way_in(world, machine, client)
    if not answer.reached:
        raise _refusal(world, machine, client, answer)
    shown = _log_on(world, machine, user)
    return _console(world, machine, shown)


def _way_in(world: World, machine: Machine, client: str) -> Answer:
    """By name where the corporate network leads to the VM, from outside by the public address and an endpoint."""
    port, vm = hosting.remote_port(machine), hosted.of(world, machine)
    if client.startswith("azure:"):
        return reach.reach(world, client, f"azure:{machine.label}", port)
    if client != reach.INTERNET and network.has_vpn(world, vm.network):
        answer = reach.reach(world, client, vm.host, port)
        if answer.reached and answer.machine != machine.id:
            return answer._replace(reached=False, reason=reach.STALE)
        return answer
    service = world.find(CloudService, vm.service)
    public = [endpoint.public_port for endpoint in vm.endpoints if endpoint.private_port == port]
    if service is None or not public:
        return Answer(False, reach.NO_ENDPOINT, (client,), machine.id, service.vip if service else "", ())
    return reach.reach(world, client, service.dns_name, public[0])


def _refusal(world: World, machine: Machine, client: str, answer: Answer) -> LabError:
    vm, port = hosted.of(world, machine), hosting.remote_port(machine)
    details: dict[str, Any] = {
        "vm": machine.label,
        "client": client,
        "port": port,
        "host": vm.host,
        "address": answer.address or vm.address,
        "network": vm.network or "-",
        "remote": "Remote Desktop" if machine.windows else "SSH",
        "reason": answer.words,
    }
    return LabError(_CODES.get(answer.reason, _OTHER), **details)


# --- logging on -------------------------------------------------------------------------------------------------------


def _log_on(world: World, machine: Machine, user: str) -> str:
    """The account as it is shown; 900629, 900963 and 900964 refuse one of the domain."""
    account = _domain_account(world, machine, user)
    if account is None:
        plain = str(user).rpartition("\\")[2].strip() or directory.ADMINISTRATOR
        return f"{hosted.of(world, machine).host}\\{plain}"
    shown = directory.shown(world, account)
    if network.controller_in_reach(world, machine):
        return shown
    if guestremote.of(world, machine).authentication:
        raise LabError(900963, vm=machine.label, account=shown, local=f"COMPUTER\\{directory.ADMINISTRATOR}")
    if account.id != directory.ADMINISTRATOR:
        raise LabError(900964, vm=machine.label, account=shown, local=f"COMPUTER\\{directory.ADMINISTRATOR}")
    return shown


def _domain_account(world: World, machine: Machine, user: str) -> Account | None:
    r"""The account of the domain that is meant; None for a local one, as all are of a guest that is not Windows."""
    place, sep, _name = str(user).strip().rpartition("\\")
    own = ("computer", ".", "", hosted.of(world, machine).host.casefold())
    if not machine.windows or (place.casefold() in own and "@" not in user) or (not sep and "@" not in user):
        return None
    return directory.find(world, user)


# --- what is seen -----------------------------------------------------------------------------------------------------


def _console(world: World, machine: Machine, user: str) -> Console:
    vm, disks = hosted.of(world, machine), guests.disks_of(world, machine)
    service = world.find(CloudService, vm.service)
    state, look = _application(world, machine)
    rows = [*(row.placed_at for row in look.orders), *(row.invoiced_at for row in look.invoices)]
    return Console(
        machine=machine.label,
        host=vm.host,
        user=user,
        address=vm.address,
        vip=service.vip if service is not None else "",
        disks=dict(zip(disks.names, disks.sizes, strict=True)),
        application=state,
        orders=len(look.orders),
        invoices=len(look.invoices),
        last=max(rows, default=0),
    )


def _application(world: World, machine: Machine) -> tuple[str, orders.Look]:
    if machine.application is None:
        return "none", orders.Look()
    try:
        found = look_now(world, machine)
    except LabError:
        return "damaged", orders.Look()
    if found.integrity not in ("ok", "blank"):
        return "damaged", found
    return ("answering" if machine.answering_at else "starting"), found


def look_now(world: World, machine: Machine) -> orders.Look:
    """The application's database as the guest itself sees it now, with what a session now would write."""
    import numpy as np

    from labkit.disks.content import synthetic

    assert machine.application is not None
    disks, disk = guests.disks_of(world, machine), machine.application.disk
    stamps, stored = record.fold(world, disks, disk), record.content_of(world, disks)
    known = {int(block): int(stamps[block]) for block in np.flatnonzero(stamps != 0)}
    fresh = guests.unsettled(world, machine)

    def read(block: int) -> bytes | None:
        if block in fresh:
            return fresh[block]
        stamp = known.get(block, 0)
        if not stamp:
            return None
        return stored(stamp) if is_real(stamp) else synthetic(stamp, block)

    return orders.look(Volume(disks.sizes[disk], read))


def since(world: World, machine: Machine, instant: int) -> int:
    """How many orders or invoices the application of a machine has on its disk that came after an instant (ms)."""
    if machine.application is None:
        return 0
    try:
        found = guests.look(world, machine)
    except LabError:
        return 0  # a database nobody can open holds nothing that could be lost
    rows = [*(row.placed_at for row in found.orders), *(row.invoiced_at for row in found.invoices)]
    return sum(at > instant for at in rows)

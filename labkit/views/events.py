"""Events worth a line in a chart or report, in words, from facts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from labkit.engine import resources, units
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.replication.line import AZURE, entity_of
from labkit.views import titles

_FAULTS = {
    "drop": mark("a log was lost on its way"),
    "double": mark("a log was applied twice"),
    "swap": mark("two logs were applied in the wrong order"),
    "cut": mark("only half of a log was applied"),
    "corrupt": mark("the next log is damaged on its way"),
    "old replica": mark("an older copy of the replica was put in its place"),
    "flip": mark("one bit of block {block} of disk {disk} was flipped"),
    "edit": mark("one bit of block {block} of disk {disk} was changed while the machine was off"),
    "log": mark("a write to the change log failed"),
    "revert": mark("the disks were put back to an earlier state"),
    "vpn": mark("the site-to-site VPN is down"),
    "dns": mark("the DNS takes no updates of names"),
}
_TEXTS = {
    "site.lost": mark("The site is lost"),
    "site.restored": mark("The site is back"),
    "line.lost": mark("The line is lost"),
    "line.connected": mark("The line is back"),
    "failback": mark("Failback: {vm} is switched to the site"),
    "host.crashed": mark("The hosts of the site crash"),
    "replication.paused": mark("Replication is paused: {vm}"),
    "replication.resumed": mark("Replication goes on: {vm}"),
    "snapshot.failed": mark("A snapshot of the guest has failed: {vm}"),
    "resync.started": mark("Resynchronisation begins: {vm}"),
    "resync.cancelled": mark("Resynchronisation is cancelled: {vm}"),
    "resync.ended": mark("Resynchronisation is through: {vm}"),
    "subscription.suspended": mark("The Azure subscription is suspended"),
    "subscription.upgraded": mark("The Azure subscription is upgraded to pay-as-you-go"),
}


# Of what happens in a lab, one line each; {vm} is the entity of the fact, {job} the title of the kind of job.
_HEADLINES = {
    "lab.created": mark("The lab is made"),
    "account.created": mark("The Microsoft account was made: {vm}"),
    "account.confirmed": mark("The phone was confirmed: {vm}"),
    "account.identified": mark("The credit card was accepted: {vm}"),
    "subscription.created": mark("The Azure subscription was made"),
    "portal.signed_in": mark("First sign-in to the management portal: {vm}"),
    "storage.created": mark("A storage account was made: {vm}"),
    "storage.deleted": mark("A storage account was deleted: {vm}"),
    "network.created": mark("A virtual network was made: {vm}"),
    "network.deleted": mark("A virtual network was deleted: {vm}"),
    "vault.created": mark("A vault was made: {vm}"),
    "vault.deleted": mark("A vault was deleted: {vm}"),
    "key.generated": mark("A registration key was generated: {vm}"),
    "quota.raised": mark("A quota was raised: {vm}"),
    "initial.started": mark("Initial replication begins: {vm}"),
    "initial.piece": mark("A part of the initial replication has arrived: {vm}"),
    "initial.ended": mark("Initial replication is through: {vm}"),
    "cycle": mark("A log was applied: {vm}"),
    "job.started": mark("{job} begins: {vm}"),
    "job.task": mark("A task of a job has ended: {vm}"),
    "job.restarted": mark("A failed job goes on: {vm}"),
    "plan.created": mark("A recovery plan was made: {vm}"),
    "plan.changed": mark("A recovery plan was changed: {vm}"),
    "plan.deleted": mark("A recovery plan was deleted: {vm}"),
    "plan.tested": mark("A recovery plan was tested: {vm}"),
    "automation.created": mark("An automation account was made: {vm}"),
    "automation.deleted": mark("An automation account was deleted: {vm}"),
    "runbook.imported": mark("A runbook was imported: {vm}"),
    "runbook.ordered": mark("A runbook is run: {vm}"),
    "runbook.ended": mark("A runbook has ended: {vm}"),
    "job.waiting": mark("A job waits for the operator: {vm}"),
    "job.answered": mark("The operator has given the word: {vm}"),
    "job.ended": mark("{job} has ended: {vm}"),
    "item.state": mark("The state of {vm} has changed"),
    "azure.vm.created": mark("A virtual machine was made in Azure: {vm}"),
    "azure.vm.deleted": mark("A virtual machine was deleted in Azure: {vm}"),
    "endpoint.added": mark("An endpoint was added: {vm}"),
    "endpoint.removed": mark("An endpoint was removed: {vm}"),
    "guest.remote": mark("The guest's remote access was changed: {vm}"),
    "cycle.overran": mark("A cycle did not end within the frequency: {vm}"),
    "connection.lost": mark("The connection to Azure is lost"),
    "connection.restored": mark("The connection to Azure is back"),
    "host.off": mark("The hosts have no power"),
    "host.on": mark("The hosts have power again"),
    "statistics": mark("Replication statistics of a monitoring interval: {vm}"),
    "throttle.set": mark("A throttle was set: {vm}"),
    "certificate.made": mark("An encryption certificate was made: {vm}"),
    "cloud.changed": mark("The protection of a cloud was changed: {vm}"),
    "grid": mark("Cycles are due from now on: {vm}"),
    "replica.stored": mark("Replication to a storage account was enabled: {vm}"),
    "disks.left": mark("Replica disks were left in a storage account: {vm}"),
    "disks.deleted": mark("Replica disks were deleted in a storage account: {vm}"),
    "protection.cleared": mark("The settings of an earlier protection were cleared in VMM: {vm}"),
    "relation.removed": mark("The replication relationship of an earlier protection was removed: {vm}"),
    "server.unregistered": mark("A server was removed from the vault: {vm}"),
    "registration.cleared": mark("The settings of an earlier registration were cleaned up: {vm}"),
    "provider.removed": mark("The provider was uninstalled: {vm}"),
    "agent.removed": mark("The agent was uninstalled: {vm}"),
    "licences.bought": mark("Subscription licences were bought"),
    "licences.ended": mark("Subscription licences end with the month"),
    "replica.enabled": mark("Replication to a host was enabled: {vm}"),
    "replica.failover": mark("Failover to the replica's host: {vm}"),
    "replica.state": mark("The state of the replica of {vm} has changed"),
    "replica.removed": mark("Replication to a host was removed: {vm}"),
    "initial.imported": mark("The exported initial replica was imported: {vm}"),
    "alert": mark("Alert: {vm}"),
    "mended": mark("A cause is gone: {vm}"),
    "statistics.reset": mark("The replication statistics were reset: {vm}"),
    "resync.hours": mark("The hours for resynchronisation were changed: {vm}"),
    "disk.resized": mark("A disk was made larger: {vm}"),
    "resync.chunk": mark("A part of the disks was compared: {vm}"),
    "vm.started": mark("A virtual machine was started: {vm}"),
    "vm.stopped": mark("A virtual machine was stopped: {vm}"),
    "guest.up": mark("The operating system is up: {vm}"),
    "database.opened": mark("The application has opened its database: {vm}"),
    "application.answers": mark("The application answers: {vm}"),
    "application.failed": mark("The application has failed: {vm}"),
}


_REASONS = {
    "log full": mark("the change log is too large"),
    "host crash": mark("the host crashed"),
    "log write failed": mark("a write to the change log failed"),
    "disk edited": mark("a disk was changed while the machine was off"),
    "put back": mark("the disks were put back to an earlier state"),
    "out of sequence": mark("a log did not follow on what the replica has"),
    "invalid log": mark("a damaged log arrived"),
    "network": mark("Azure cannot be reached"),
    "subscription": mark("the Azure subscription is suspended"),
    "proxy": mark("the proxy refuses the connection"),
    "disk space": mark("the volume of the host is full"),
    "memory": mark("the host has too little memory"),
    "authorisation": mark("the host is not authorised"),
    "replica state": mark("the replica is in an invalid state"),
    "disk chain": mark("the chain of the replica's disks is broken"),
    "other backup": mark("another backup is running in the guest"),
    "dynamic disk": mark("the guest has a dynamic disk"),
    "iSCSI": mark("the guest has an iSCSI disk"),
    "integration services": mark("the integration services of the guest are too old"),
    "overran": mark("a cycle did not end within the frequency"),
    "resync": mark("both sides have to be compared"),
    "cannot send": mark("the host cannot send"),
    "snapshot": mark("a snapshot of the guest has failed"),
    "initial": mark("initial replication is not through"),
    "missed": mark("more than a fifth of the cycles were missed"),
    "behind": mark("the replica is more than an hour behind"),
    "slow": mark("cycles take longer than the frequency on average"),
    "paused": mark("replication is paused"),
    "replica paused": mark("replication is paused on the replica's side"),
    "retrying": mark("the next attempt is awaited"),
}


class Mark(NamedTuple):
    """An event to be marked: its instant (ms) and a short text."""

    at: int
    text: str


def marks(facts: Iterable[dict[str, Any]]) -> list[Mark]:
    """The events among facts, in order; those of one instant and text are one."""
    return sorted({Mark(int(fact["at"]), words) for fact in facts if (words := text(fact)) is not None})


def text(fact: dict[str, Any]) -> str | None:
    """A fact as an event; None for one that is not worth a line."""
    vm, kind = fact["entity"], fact["kind"]
    if kind.startswith("line."):
        return _line(fact)
    if kind == "fault" and fact["fault"] == "obstacle":
        return _("Fault, {vm}: {what}").format(vm=vm, what=reason(fact["reason"]))
    if kind == "fault":
        return _("Fault, {vm}: {what}").format(vm=vm, what=_(_FAULTS[fact["fault"]]).format_map(fact))
    if kind == "failover":
        return _("{operation}: {vm} is switched to Azure").format(operation=job(fact["operation"]), vm=vm)
    if kind == "resync.required":
        return _("{vm} has to be resynchronised: {reason}").format(vm=vm, reason=reason(fact["reason"]))
    if kind == "replication.failed" and fact["attempt"] == 1:  # the others follow by the schedule
        return _("Replication has failed, {vm}: {reason}").format(vm=vm, reason=failure(fact))
    return _(_TEXTS[kind]).format(vm=vm) if kind in _TEXTS else None


def _line(fact: dict[str, Any]) -> str:
    """What happened to a line, and to which where it is not the one to Azure."""
    kind = fact["kind"]
    if kind == "line.bandwidth":
        words = _("The line has {bandwidth}").format(bandwidth=units.show_bandwidth(fact["bandwidth"]))
    elif kind == "line.quality":
        words = _("The line has {latency} ms of latency and loses {loss} % of its packets")
        words = words.format(latency=fact["latency"], loss=f"{fact['loss'] / 10_000:g}")
    else:
        words = _(_TEXTS[kind])
    return words if fact["entity"] == entity_of(AZURE) else f"{titles.line('replica-site')}: {words}"


def reason(code: str) -> str:
    """Why sending has failed, a resynchronisation is required, or health is bad, in words."""
    return _(_REASONS.get(code, code))


def failure(told: dict[str, Any]) -> str:
    """Why sending has failed: the reason, and of a proxy the one that is set and the one allowed."""
    words = reason(told["reason"])
    if not told.get("needed"):
        return words
    more = _("set is {found}, allowed is {needed} only")
    return f"{words} ({more.format(found=told['found'] or _('none'), needed=told['needed'])})"


def headline(fact: dict[str, Any]) -> str:
    """Any fact in a few words; the name of its kind where there are none."""
    found = text(fact)
    if found is not None:
        return found
    words = _HEADLINES.get(fact["kind"])
    if fact["kind"] == "replication.failed":
        text_again = _("Another attempt has failed, {vm}: {reason}")
        return text_again.format(vm=fact["entity"], reason=failure(fact))
    if words is None:
        return f"{fact['kind']}: {fact['entity']}"
    return _(words).format(vm=fact["entity"], job=job(str(fact.get("scenario", ""))))


def job(scenario: str) -> str:
    """The title of a kind of job."""
    known = resources.yaml("states.yml")["jobs"]
    return _(known.get(scenario, {}).get("title", scenario))

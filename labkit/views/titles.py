"""Words that views and reports have for what the lab names by keys."""

from __future__ import annotations

from typing import Any

from labkit.engine import resources
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark

_POINTS = {
    "crash-consistent": mark("crash-consistent"),
    "application-consistent": mark("application-consistent"),
    "file-system-consistent": mark("file-system-consistent"),
}
# What Hyper-V Replica calls the states of a VM (Get-VMReplication), and what is said for them.
_REPLICAS = {
    "WaitingForInitialReplication": mark("Waiting for initial replication"),
    "Replicating": mark("Replicating"),
    "PreparingPlannedFailover": mark("Preparing the planned failover"),
    "FailedOverWaitingCompletion": mark("Failed over, waiting for completion"),
    "FailedOver": mark("Failed over"),
}
# What is said of replication beside the state of the item.
_RELATIONS = {
    "initial": mark("Initial replication in progress"),
    "replicating": mark("Replicating"),
    "stopped": mark("Stopped"),
    "resync-required": mark("Resynchronization required"),
    "resynchronising": mark("Resynchronizing"),
}
_SUBSCRIPTIONS = {"Active": mark("Active"), "Suspended": mark("suspended")}
_POWER = {
    "running": mark("running"),
    "off": mark("off"),
    "no power": mark("no power"),
    "crashed": mark("crashed"),
}
_LINES = {"azure": mark("Line to Azure"), "replica-site": mark("Inter-site line")}
_COMPONENTS = {
    "protection.azure": mark("protection of VMs to Azure"),
    "protection.site": mark("protection of VMs to another cloud"),
    "licences": mark("subscription licences"),
    "storage": mark("storage of replicas and of VMs left in Azure"),
    "vpn.gateway": mark("VPN gateway"),
    "compute": mark("VMs that ran in Azure"),
    "storage.transactions": mark("storage transactions"),
    "traffic.in": mark("traffic to Azure"),
    "traffic.out": mark("traffic out of Azure"),
}

# The settings of a protected cloud (rule 2.7-3 f., 1.2-3), as arguments and as the lab gives them back.
SETTINGS = {
    "app_consistent": mark("Frequency of application-consistent snapshots"),
    "authentication": mark("Authentication"),
    "compression": mark("Compress what is sent"),
    "delete_replica": mark("Delete the replica with the protection"),
    "encrypt": mark("Encrypt stored data"),
    "export_path": mark("Share for the export"),
    "frequency": mark("Copy frequency"),
    "import_path": mark("Share for the import"),
    "initial": mark("Initial replication"),
    "initial_start": mark("Replication start time"),
    "points": mark("Additional recovery points"),
    "port": mark("Port"),
    "retention": mark("Retain recovery points for (hours)"),
    "storage": mark("Storage account"),
    "target": mark("Target"),
}
FREQUENCIES = {"30s": mark("30 seconds"), "5min": mark("5 minutes"), "15min": mark("15 minutes")}
INITIAL = {"network": mark("Over the network"), "export": mark("By export")}
AUTHENTICATION = {"certificate": mark("Certificate"), "kerberos": mark("Kerberos")}
_OF_SETTINGS = {"frequency": FREQUENCIES, "initial": INITIAL, "authentication": AUTHENTICATION}


def hours(count: int) -> str:
    """A number of hours; none for 0."""
    return _("{hours} h").format(hours=count) if count else _("None")


def setting_name(name: str) -> str:
    """What a setting of a protected cloud is called."""
    return _(SETTINGS.get(name, name))


def setting(name: str, value: Any) -> str:
    """The value of a setting of a protected cloud."""
    if name in _OF_SETTINGS:
        return _(_OF_SETTINGS[name].get(value, str(value)))
    if name == "app_consistent":
        return hours(value)
    if name == "initial_start" and value == "now":
        return _("Immediately")
    if name == "target" and value is None:
        return "Microsoft Azure"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "-" if value in (None, "") else str(value)


def point(kind: str) -> str:
    """A kind of recovery point."""
    return _(_POINTS.get(kind, kind))


def replica_state(name: str) -> str:
    """The state of a replica of plain Hyper-V Replica."""
    return _(_REPLICAS.get(name, name))


def relation_state(name: str) -> str:
    """How replication of a VM stands, as the host says it."""
    return _(_RELATIONS.get(name, name))


def subscription_state(name: str) -> str:
    """The state of an Azure subscription."""
    return _(_SUBSCRIPTIONS.get(name, name))


def power(name: str) -> str:
    """Whether a server runs, or why it does not."""
    return _(_POWER.get(name, name))


def line(to: str) -> str:
    """A line, by where it leads."""
    return _(_LINES.get(to, to))


def component(name: str) -> str:
    """A component of the cost."""
    return _(_COMPONENTS.get(name, name))


def protected_to(cloud: str) -> str:
    """What VMs are protected to: a recovery cloud, or Azure, which stands as an empty text."""
    return cloud or _("Microsoft Azure")


def location(item: dict[str, Any]) -> str:
    """Where an item, as the lab's status has it, is active: its cloud, or what it is protected to."""
    return str(item["cloud"]) if item["active_location"] == "Primary" else protected_to(item["target_cloud"])


def job_state(name: str) -> str:
    """The state of a job or task."""
    words = resources.yaml("states.yml")["job_states"]
    return _(words.get(name, name))


def job_states() -> list[str]:
    """All states of jobs and tasks."""
    return list(resources.yaml("states.yml")["job_states"])

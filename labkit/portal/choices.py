"""What a field offers, by the argument's name: read from the lab when the dialog is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labkit.engine import resources
from labkit.engine.errors import LabError, word
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.portal.forms import Choice, Choices, Values
from labkit.views.titles import AUTHENTICATION, FREQUENCIES, INITIAL, hours, line, point

if TYPE_CHECKING:
    from labkit.lab import Lab
    from labkit.lab.vmm import VmmDoor

SYNCHRONISE = (
    ("before", mark("Synchronize data before failover (minimize downtime)")),
    ("during", mark("Synchronize data during failover only (minimize synchronization)")),
)


def plain(values: Iterable[Any]) -> list[Choice]:
    """Values that are their own titles."""
    return [(value, str(value)) for value in values]


def worded(pairs: Iterable[tuple[Any, str]]) -> list[Choice]:
    """Values with titles, translated."""
    return [(value, _(title)) for value, title in pairs]


def titled(key: str, *values: str | None) -> Choices:
    """Values with the titles that ``errors.word`` has for them; None is a dash."""
    return lambda _lab, _values: [(value, "-" if value is None else word(key, value)) for value in values]


def none_or(values: Iterable[Any], title: str | None = None) -> list[Choice]:
    """None, then the values."""
    return [(None, title or _("None")), *plain(values)]


def points(lab: Lab, values: Values) -> list[Choice]:
    """The latest recovery point, then the others of the chosen VM, newest first."""
    item = lab.vault.items.get(str(values.get("vm")))
    if item is None:
        return [(None, _("Latest"))]
    latest = [(None, _("Latest")), ("application-consistent", _("Latest application-consistent"))]
    return [*latest, *newest_first(item.recovery_points)]


def newest_first(known: Sequence[Any]) -> list[Choice]:
    """Recovery points (with id, time and kind)."""
    # Translators: a recovery point: its instant and kind
    row = _("{time} ({kind})")
    return [(one.id, row.format(time=one.time[:19].replace("T", " "), kind=point(one.kind))) for one in reversed(known)]


def plan_points(_lab: Lab, _values: Values) -> list[Choice]:
    """The two a plan has."""
    return worded((("latest", mark("Latest")), ("common", mark("Latest common point of all virtual machines"))))


def test_networks(lab: Lab, values: Values) -> list[Choice]:
    """None, which is usual (rule 3.3-1), then Azure's networks; site to site those of the other cloud."""
    item = lab.vault.items.get(str(values.get("vm")))
    plan = lab.vault.plans.get(str(values.get("name"))) if item is None else None
    to_site = plan.target != "azure" if plan is not None else item is not None and "azure" not in item.properties
    if to_site:
        known = sorted({one for cloud in lab.site.vmm.clouds.values() for one in cloud.networks})
        return none_or(["automatic", *known])
    return none_or(lab.azure.networks)


def clouds(lab: Lab, _values: Values) -> list[Choice]:
    """The clouds in the vault."""
    return plain(dict.fromkeys(row.name for row in lab.vault.clouds))


def protection_targets(lab: Lab, values: Values) -> list[Choice]:
    """Microsoft Azure, or another cloud (rule 2.7-1)."""
    others = dict.fromkeys(row.name for row in lab.vault.clouds if row.name != values.get("cloud"))
    return [(None, _("Microsoft Azure")), *plain(others)]


def storage(lab: Lab, _values: Values) -> list[Choice]:
    """The storage accounts that a vault can use: of its region and geo-redundant (rule 2.5-5)."""
    regions = {found.region for found in lab.azure.vaults.values() if found.kind == "site-recovery"}
    fit = [
        found.name
        for found in lab.azure.storage_accounts.values()
        if found.region in regions and found.redundancy in ("GRS", "RA-GRS")
    ]
    return plain(fit)


def regions(lab: Lab, _values: Values) -> list[Choice]:
    """All regions."""
    return plain(lab.azure.regions)


def vault_regions(lab: Lab, _values: Values) -> list[Choice]:
    """Regions that offer Site Recovery (rule 2.5-1)."""
    return plain(name for name, found in lab.azure.regions.items() if found.site_recovery)


def vms(lab: Lab, _values: Values) -> list[Choice]:
    """The VMs of the site."""
    return plain(lab.site.machines)


def items(lab: Lab, _values: Values) -> list[Choice]:
    """The protected VMs."""
    return plain(lab.vault.items)


def left_disks(lab: Lab, values: Values) -> list[Choice]:
    """The VMs whose replica disks were left in the storage account (rule 4.4-1)."""
    return plain(lab.azure.left_disks(str(values.get("account"))))


def vm_disks(lab: Lab, values: Values) -> list[Choice]:
    """The disks of the chosen VM."""
    found = lab.site.machines.get(str(values.get("vm")))
    return plain(found.disks if found is not None else ())


def servers(lab: Lab, _values: Values) -> list[Choice]:
    """The site's servers."""
    return plain(lab.site.servers)


def hosts(lab: Lab, _values: Values) -> list[Choice]:
    """The Hyper-V hosts of both sites."""
    return plain(name for name, role in lab.site.servers.items() if role == "host")


def vmm_servers(lab: Lab, _values: Values) -> list[Choice]:
    """The VMM servers."""
    return plain(name for name, role in lab.site.servers.items() if role == "vmm")


def console(lab: Lab, values: Values) -> VmmDoor:
    """The console of the VMM server whose page is open, by default of the site's one."""
    server = values.get("_vmm")
    return lab.site.vmm.on(str(server)) if server else lab.site.vmm


def _vmm(question: str) -> Choices:
    def found(lab: Lab, values: Values) -> list[Choice]:
        try:
            return plain(getattr(console(lab, values), question))
        except LabError:  # VMM is not there yet, or its service is stopped
            return []

    return found


host_groups, logical_networks, systems = _vmm("host_groups"), _vmm("logical_networks"), _vmm("systems")
vmm_clouds = _vmm("clouds")


def kept_files(*endings: str) -> Choices:
    """Files of these endings in the lab's folder, to choose or to type another."""

    def found(lab: Lab, _values: Values) -> list[Choice]:
        folder = lab.path.parent
        return plain(sorted(str(path) for ending in endings for path in folder.glob(f"*{ending}")))

    return found


def software(section: str) -> Choices:
    """Products of a section of ``data/software.yml``."""
    return lambda _lab, _values: plain(resources.yaml("software.yml")[section])


def components(_lab: Lab, values: Values) -> list[Choice]:
    """The components of the product that is chosen."""
    product = str(values.get("product"))
    section = "sql_components" if product.startswith("SQL") else "adk_components"
    return plain(resources.yaml("software.yml")[section])


def products(_lab: Lab, _values: Values) -> list[Choice]:
    """SQL Server in its versions, and the ADK."""
    tables = resources.yaml("software.yml")
    return plain([*tables["sql"], *tables["adk"]])


def updates(_lab: Lab, _values: Values) -> list[Choice]:
    """The update rollups of VMM, and SQL Server's service packs."""
    tables = resources.yaml("software.yml")
    packs = dict.fromkeys(pack for row in tables["sql"].values() for pack in row.get("updates_to", ()))
    return plain([*tables["rollups"], *packs])


def sizes(_lab: Lab, _values: Values) -> list[Choice]:
    """Sizes of Azure's VMs."""
    return plain(row["name"] for row in resources.yaml("azure", "sizes.yml")["sizes"])


def redundancies(_lab: Lab, _values: Values) -> list[Choice]:
    """Kinds of redundancy of a storage account, with the guide's word for the one it uses."""
    titles = {"GRS": _("Geo-Redundant")}
    return [(one, f"{titles[one]} (GRS)" if one in titles else one) for one in ("GRS", "RA-GRS", "LRS", "ZRS")]


def quotas(lab: Lab, values: Values) -> list[Choice]:
    """The quotas of the subscription."""
    return [*titled("quota", *lab.azure.quotas)(lab, values)]


def accounts(lab: Lab, _values: Values) -> list[Choice]:
    """The domain's accounts."""
    return plain(lab.site.accounts)


def automation(lab: Lab, _values: Values) -> list[Choice]:
    """The automation accounts."""
    return plain(lab.azure.automation_accounts)


def runbooks(lab: Lab, values: Values) -> list[Choice]:
    """The runbooks of the chosen account, or of all."""
    known = lab.azure.automation_accounts
    of = known.get(str(values.get("account")))
    return plain(dict.fromkeys(one for names in ([of] if of is not None else known.values()) for one in names))


def machines(lab: Lab, _values: Values) -> list[Choice]:
    """The VMs in Azure."""
    return plain(lab.azure.machines)


def lines(lab: Lab, _values: Values) -> list[Choice]:
    """The line to Azure, and the one between the sites where there is one."""
    return [(to, line(to)) for to in lab.status()["lines"]]


def lost_lines(lab: Lab, _values: Values) -> list[Choice]:
    """The lines that are lost."""
    return [(to, line(to)) for to, found in lab.status(points=False)["lines"].items() if not found["connected"]]


def reasons(lab: Lab, _values: Values) -> list[Choice]:
    """Why a server is removed (rule 4.3-1)."""
    return [(one.name, one.title) for one in lab.vault.unregister_reasons]


def _these(*values: Any) -> Choices:
    return lambda _lab, _values: plain(values)


def _words(*pairs: tuple[Any, str]) -> Choices:
    return lambda _lab, _values: worded(pairs)


FREQUENCY, SYNCHRONISATION = _words(*FREQUENCIES.items()), _words(*SYNCHRONISE)
SNAPSHOTS: Choices = lambda _lab, _values: [(count, hours(count)) for count in range(13)]  # noqa: E731
RETENTION = _these(*range(25))
INITIAL_BY, AUTHENTICATED_BY = _words(*INITIAL.items()), _words(*AUTHENTICATION.items())
DIRECTION = _words(("recovery", mark("To the recovery cloud")), ("primary", mark("To the primary cloud")))
KINDS = _words(
    ("test", mark("Test failover")),
    ("planned", mark("Planned failover")),
    ("unplanned", mark("Unplanned failover")),
    ("failback", mark("Failback")),
)
PLACE = _words(("before", mark("Before the group")), ("after", mark("After the group")))

# Over all controls; a control may have others for an argument of the same name.
COMMON: Mapping[str, Choices] = {
    "account": automation,
    "app_consistent": SNAPSHOTS,
    "authentication": AUTHENTICATED_BY,
    "certificate": kept_files(".pfx"),
    "client": lambda lab, _values: plain(
        ["internet", "site", *lab.site.machines, *(f"azure:{name}" for name in lab.azure.machines)]
    ),
    "cloud": clouds,
    "credentials": accounts,
    "direction": DIRECTION,
    "disk": vm_disks,
    "firewall": _words((None, mark("As it is")), ("open", mark("Open")), ("closed", mark("Closed"))),
    "frequency": FREQUENCY,
    "groups": host_groups,
    "host": hosts,
    "initial": INITIAL_BY,
    "kinds": KINDS,
    "machine": machines,
    "networks": logical_networks,
    "place": PLACE,
    "point": points,
    "prices": lambda _lab, _values: plain(["usd"]),
    "profiles": _these("Hyper-V"),
    "protocol": _these("tcp", "udp"),
    "reason": reasons,
    "redundancy": redundancies,
    "region": regions,
    "retention": RETENTION,
    "runbook": runbooks,
    "server": servers,
    "storage": storage,
    "synchronise": SYNCHRONISATION,
    "system": systems,
    "vm": vms,
    "vms": items,
}


def obstacles(_lab: Lab, _values: Values) -> list[Choice]:
    """What can be put in the way of sending or of snapshots."""
    from labkit.faults import obstacles as known

    return plain(known.reasons())

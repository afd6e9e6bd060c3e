"""What checks look at most often, each as one :class:`Seen`: what was expected, what was seen, where to look.

Every one of them asks the lab it is given. ``where`` names the page of the portal or of a console and the line of
Python that shows the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from labkit.course.model import Seen
from labkit.engine.errors import listed, word
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab
from labkit.views.titles import protected_to, relation_state, subscription_state

ITEMS = (mark("Protected Items > Virtual Machines"), "lab.vault.items")
CLOUDS = (mark("Protected Items"), "lab.vault.clouds")
JOBS = (mark("Jobs"), "lab.jobs")
PLANS = (mark("Recovery Plans"), "lab.vault.plans")
SERVERS = (mark("Resources > Servers"), "lab.azure.vaults")
NETWORKS = (mark("Resources > Networks"), "lab.vault.network_mappings")
PROPERTIES = (mark("Protected Items > Virtual Machines > Source and target properties"), "lab.vault.target(VM)")
AZURE_VMS = (mark("Azure > Virtual Machines"), "lab.azure.machines")
STORAGE = (mark("Azure > Storage accounts"), "lab.azure.storage_accounts")
VNETS = (mark("Azure > Networks"), "lab.azure.virtual_networks")
SUBSCRIPTION = (mark("Azure > Subscription"), "lab.azure.subscription")
VAULTS = (mark("Azure > Recovery Services"), "lab.azure.vaults")
BILL = (mark("Azure > Bill"), "lab.azure.bill()")
LEFT = (mark("Lab > What is left"), "lab.leftovers()")
SITE = (mark("Site > Servers"), "lab.site.server(NAME)")
MACHINES = (mark("Site > Hyper-V"), "lab.site.machines")
VMM = (mark("Site > VMM console > Fabric"), "lab.site.vmm.hosts")
VMM_CLOUDS = (mark("Site > VMM console > Clouds"), "lab.site.vmm.clouds")
VMM_VMS = (mark("Site > VMM console > VMs and Services"), "lab.site.vmm.vms[VM]")
HEALTH = (mark("Site > Hyper-V > Replication health"), "lab.site.replication(VM)")
REPLICAS = (mark("Site > Hyper-V > Hyper-V Replica"), "lab.hyperv.replicas")
CLOCK = (mark("the clock"), "lab.now")
LINE = (mark("Lab > Faults"), 'lab.status()["lines"]')
POWER = (mark("Site > Servers"), 'lab.status()["servers"]')
PROXY = (mark("Site > Servers > Proxy of the agent"), "lab.site.agent_proxy(HOST, ...)")
REACH = (mark("Site map"), "views.reach(lab)")
FAILOVERS = (mark("Lab > Failovers and targets"), "views.failovers(lab)")
QUICK = (mark("Quick Start"), "lab.vault.notices()")
READINESS = (mark("Site > VMM console > Check the requirements"), "lab.vault.check(VM)")
JOURNAL = (mark("Lab > Journal"), "lab.journal")

Place = tuple[str, str]
_BY_HAND = ("vmm settings", "replication relationship")  # kinds of leftovers


def at(place: Place) -> str:
    """A place in words: the page, and the same in code."""
    return _("{page}; in code: {code}").format(page=_(place[0]), code=place[1])


def look(ok: object, expected: str, seen: object, place: Place) -> Seen:
    """A look of one's own: ``seen`` a text, or a list of names."""
    if isinstance(seen, list | tuple | set | dict):
        seen = listed(map(str, seen)) or _("none")
    return Seen(bool(ok), expected, str(seen), at(place))


def equal(what: str, found: object, wanted: object, place: Place) -> Seen:
    """That something (its name in the session's language) is what it should be."""
    text = _("{what}: {value}")
    return look(
        found == wanted,
        text.format(what=what, value=_shown(wanted)),
        text.format(what=what, value=_shown(found)),
        place,
    )


def _shown(value: object) -> str:
    if isinstance(value, list | tuple | set | frozenset):
        return listed(map(str, sorted(value) if isinstance(value, set | frozenset) else value)) or _("none")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return _("none") if value is None or value == "" else str(value)


# --- protected items and jobs -----------------------------------------------------------------------------------------


def state_words(lab: Lab, vm: str) -> str:
    """The state of a VM under protection as the portal says it, in the session's language."""
    item = lab.vault.items.get(vm)
    if item is None:
        return _("not protected")
    replication = lab.status(points=False)["items"][vm]["replication"]
    if replication in ("resync-required", "resynchronising"):  # the state says nothing of it, and it allows little
        return f"{_(item.description)} ({relation_state(replication)})"
    return _(item.description)


def protected(lab: Lab, *vms: str) -> Seen:
    """That VMs are protected: initial replication is done and each runs at the site, at rest."""
    wanted = ("PlannedFailover", "UnplannedFailover", "TestFailover")
    items = lab.vault.items
    ok = all(vm in items and set(wanted) <= set(items[vm].allowed_operations) for vm in vms)
    expected = _("{vms}: protected, active at the site, ready for failover").format(vms=listed(vms))
    return look(ok, expected, _states(lab, vms), ITEMS)


def _states(lab: Lab, vms: Iterable[str]) -> str:
    text = _("{vm}: {state}")
    return listed(text.format(vm=vm, state=state_words(lab, vm)) for vm in vms)


def unprotected(lab: Lab, *vms: str) -> Seen:
    """That VMs are not protected."""
    text = _("{vms}: not protected").format(vms=listed(vms))
    return look(not any(vm in lab.vault.items for vm in vms), text, _states(lab, vms), ITEMS)


def allowed(lab: Lab, vm: str, operation: str) -> Seen:
    """That a VM's state allows an operation, which says better than a name of a state where it stands."""
    item = lab.vault.items.get(vm)
    ok = item is not None and operation in item.allowed_operations
    expected = _("{vm}: the next thing that is allowed is {operation}")
    return look(ok, expected.format(vm=vm, operation=word("operation", operation)), _states(lab, [vm]), ITEMS)


def active(lab: Lab, vm: str, side: str) -> Seen:
    """Where a VM is active: ``side`` is "Primary" (the site) or "Recovery" (Azure, or the recovery cloud)."""
    item = lab.vault.items.get(vm)
    names = {"Primary": _("the site"), "Recovery": protected_to(item.target_cloud if item is not None else "")}
    found = names[item.active_location] if item is not None else _("not protected")
    return equal(_("Active location of {vm}").format(vm=vm), found, names[side], ITEMS)


def job_done(lab: Lab, scenario: str, target: str, state: str = "Succeeded") -> Seen:
    """That a job of a kind with a target ended so, at any time."""
    found = [job.state for job in lab.jobs.values() if job.scenario == scenario and job.target == target]
    name = _("{scenario} of {target}").format(scenario=word("scenario", scenario), target=target)
    text = _("{what}: {value}")
    expected = text.format(what=name, value=word("state", state))
    seen = listed(word("state", one) for one in found) or _("no such job")
    return look(state in found, expected, text.format(what=name, value=seen), JOBS)


def job_waits(lab: Lab, scenario: str, target: str) -> Seen:
    """That the last job of a kind with a target waits for the operator."""
    found = [job.state for job in lab.jobs.values() if job.scenario == scenario and job.target == target]
    name = _("{scenario} of {target}").format(scenario=word("scenario", scenario), target=target)
    text = _("{what}: {value}")
    seen = word("state", found[-1]) if found else _("no such job")
    expected = text.format(what=name, value=word("state", "Suspended"))
    return look(found[-1:] == ["Suspended"], expected, text.format(what=name, value=seen), JOBS)


def no_job_runs(lab: Lab) -> Seen:
    """That no job is under way or waits for somebody."""
    text = _("{scenario} of {target}")
    found = [
        text.format(scenario=word("scenario", job.scenario), target=job.target)
        for job in lab.jobs.values()
        if job.state in ("InProgress", "Suspended")
    ]
    return look(not found, _("no job is under way or waits"), found, JOBS)


# --- the site ---------------------------------------------------------------------------------------------------------


def has_software(lab: Lab, server: str, product: str) -> Seen:
    """That a product, by the beginning of its name, is on a server."""
    found = lab.site.server(server).software
    ok = any(one.casefold().startswith(product.casefold()) for one in found)
    return look(ok, _("{server} has {product}").format(server=server, product=product), found, SITE)


def server_runs(lab: Lab, *names: str) -> Seen:
    """That servers run."""
    off = [name for name in names if not lab.site.server(name).running]
    seen = _("off: {servers}").format(servers=listed(off)) if off else _("they run")
    return look(not off, _("{servers}: running").format(servers=listed(names)), seen, SITE)


def agent_knows_proxy(lab: Lab, host: str) -> Seen:
    """That the agent on a host has been told of a proxy, of the one that its host needs to get out."""
    found = lab.site.server(host)
    expected = _("the agent on {host} knows the proxy that its host needs").format(host=host)
    if found.proxy:
        expected = _("{what}: {value}").format(what=expected, value=found.proxy)
    return look(found.agent_proxy and found.agent_out, expected, found.agent_proxy or _("no proxy is set"), PROXY)


def vmm_runs(lab: Lab) -> Seen:
    """That VMM is installed on the site's server and its service runs."""
    name = lab.site.vmm.name
    there = any(" VMM" in one for one in lab.site.server(name).software)
    running = there and lab.site.server(name).running and lab.site.vmm.running
    seen = _("running") if running else (_("stopped") if there else _("not installed"))
    return look(running, _("VMM on {server}: running").format(server=name), seen, VMM)


# What a console says of a VM.
_STATES = (mark("Off"), mark("Starting"), mark("Running"))


def off_at_site(lab: Lab, vm: str) -> Seen:
    """That a VM of the site is off."""
    state = lab.site.machines[vm].state
    return equal(_("{vm} at the site").format(vm=vm), _(state), _("Off"), MACHINES)


def runs_in_azure(lab: Lab, name: str) -> Seen:
    """That a VM runs in Azure, under this name."""
    machine = lab.azure.machines.get(name)
    text = _("{vm} in Azure: {state}")
    seen = _("no such VM") if machine is None else _(machine.state)
    expected = text.format(vm=name, state=_("Running"))
    return look(machine is not None and machine.state == "Running", expected, seen, AZURE_VMS)


def in_azure(lab: Lab, name: str) -> Seen:
    """That there is a VM of this name in Azure."""
    found = lab.azure.machines
    return look(name in found, _("there is the VM {vm} in Azure").format(vm=name), list(found), AZURE_VMS)


def not_in_azure(lab: Lab, name: str) -> Seen:
    """That there is no VM of this name in Azure any more."""
    found = lab.azure.machines
    return look(name not in found, _("{vm} is not in Azure any more").format(vm=name), list(found), AZURE_VMS)


def line_up(lab: Lab) -> Seen:
    """That the line to Azure is connected."""
    up = bool(lab.status()["line"]["connected"])
    seen = _("connected") if up else _("lost")
    return look(up, _("the line to Azure: connected"), seen, LINE)


def at_site(lab: Lab, vm: str, *, up: bool = False) -> Seen:
    """That a VM of the site is on: it runs, or starts; ``up``: that it has started."""
    found = lab.site.machines[vm].state
    text = _("{what}: {value}")
    what = _("{vm} at the site").format(vm=vm)
    ok = found == "Running" if up else found != "Off"
    return look(ok, text.format(what=what, value=_("Running")), text.format(what=what, value=_(found)), MACHINES)


def site_restored(lab: Lab) -> Seen:
    """That power came back to the site after it was lost."""
    fact = last_fact(lab, "site.restored")
    seen = _("never") if fact is None else lab.show_instant(int(str(fact["at"])))
    return look(fact is not None, _("the site has its power again"), seen, SITE)


def clean_by_hand(lab: Lab) -> Seen:
    """That no protection that has ended left something on VMM server and hosts, where it is cleaned by hand."""
    found = [f"{word('leftover', one.kind)} {one.name}" for one in lab.leftovers() if one.kind in _BY_HAND]
    return look(not found, _("nothing of a protection that has ended is left on VMM server and host"), found, LEFT)


def subscription_active(lab: Lab) -> Seen:
    """That there is a subscription and it is not suspended."""
    found = lab.azure.subscription
    state = None if found is None else subscription_state(found.state)
    return equal(_("state of the subscription"), state, subscription_state("Active"), SUBSCRIPTION)


# --- VMM and the vault's set-up ---------------------------------------------------------------------------------------


def in_cloud(lab: Lab, cloud: str, *vms: str) -> Seen:
    """That VMs belong to a cloud in VMM."""
    known = lab.site.vmm.vms
    found = {vm: known[vm].cloud if vm in known else "" for vm in vms}
    text = _("{vm}: {state}")
    seen = listed(text.format(vm=vm, state=name or _("in no cloud")) for vm, name in found.items())
    expected = _("{vms}: in {cloud}").format(vms=listed(vms), cloud=cloud)
    return look(all(name == cloud for name in found.values()), expected, seen, VMM_VMS)


def cloud_configured(lab: Lab, cloud: str, target: str = "Microsoft Azure") -> Seen:
    """That a cloud is protected to a target, as the portal's list says it."""
    row = next((row for row in lab.vault.clouds if row.name == cloud), None)
    ok = row is not None and row.role == "protected" and row.target == target
    text = _("{cloud}: protected to {target}")
    seen = _("not in the vault") if row is None else (row.target or _("not configured"))
    return look(ok, text.format(cloud=cloud, target=target), seen, CLOUDS)


def cloud_free(lab: Lab, cloud: str) -> Seen:
    """That a cloud in the vault is not configured."""
    row = next((row for row in lab.vault.clouds if row.name == cloud), None)
    ok = row is not None and not row.role
    seen = _("not in the vault") if row is None else (row.target or _("not configured"))
    return look(ok, _("{cloud}: in the vault, not configured").format(cloud=cloud), seen, CLOUDS)


def registered(lab: Lab, vault: str | None = None) -> Seen:
    """That the site's VMM server is registered with a Site Recovery vault (of a name, or any)."""
    name = lab.site.vmm.name
    found = [one.name for one in lab.azure.vaults.values() if name in one.servers]
    expected = _("{server} is registered with the vault").format(server=name)
    return look(vault in found if vault else found, expected, found, SERVERS)


def journalled(lab: Lab, command: str, **arguments: object) -> bool:
    """Whether a command with these arguments was given to this lab and done."""
    return any(
        entry["command"] == command and entry["outcome"] == "done" and _has(entry["arguments"], arguments)
        for entry in lab.journal
    )


def _has(text: str, wanted: dict[str, object]) -> bool:
    found = json.loads(text)
    return all(found.get(key) == value for key, value in wanted.items())


def last_fact(lab: Lab, kind: str, entity: str | None = None) -> dict[str, object] | None:
    """The last fact of a kind, of one entity or any; None when nothing of it has happened."""
    found = [fact for fact in lab.facts if fact["kind"] == kind and entity in (None, fact["entity"])]
    return dict(found[-1]) if found else None

"""The site: servers and their set-up, the VMM console, Hyper-V with its replication health, the event log."""

from __future__ import annotations

from labkit.engine import units
from labkit.engine.errors import LabError, word
from labkit.engine.texts import gettext as _
from labkit.lab.vmm import VmmDoor
from labkit.portal import blocks, results, statistics, titles
from labkit.portal.blocks import Block, Cell, Page
from labkit.portal.cells import health, instant, seconds
from labkit.portal.pages.context import Context
from labkit.views.titles import power, replica_state

_MOST_EVENTS = 200
_SERVER_BAR = (
    "site.join_domain",
    "site.add_feature",
    "site.install",
    "site.update",
    "site.start_server",
    "site.stop_server",
    "site.use_port",
    "site.need_proxy",
)
_VMM_BAR = (
    "site.install_vmm",
    "site.install_provider",
    "site.register",
    "site.provider_proxy",
    "site.make_certificate",
    "site.uninstall_provider",
    "site.clean_up_registration",
)
_HOST_BAR = (
    ("site.install_agent", "host"),
    ("site.agent_proxy", "host"),
    ("site.uninstall_agent", "host"),
    ("site.throttle", "host"),
)
_VM_BAR = (
    "site.start",
    "site.shut_down",
    "site.turn_off",
    "site.set_remote",
    "site.set_network_level_authentication",
    "site.resize_disk",
    "site.pause_replication",
    "site.resume_replication",
    "site.resynchronise_by_itself",
    "site.reset_statistics",
    "site.replication",
    "site.remove_replication_relationship",
)
_REPLICA_BAR = (
    "test_failover",
    "end_test",
    "planned_failover",
    "cancel_planned_failover",
    "failover",
    "cancel_failover",
    "complete_failover",
    "reverse",
    "shut_down",
    "start",
    "resynchronise",
    "import_initial",
    "remove",
    "wait",
)


def page(context: Context) -> Page:
    """One of the parts."""
    part = context.at(1)
    made = {"vmm": _vmm, "hyperv": _hyperv, "events": _events}.get(part, _servers)(context)
    made.tabs = [
        (_("Servers"), ("site", "servers")),
        (_("VMM console"), ("site", "vmm")),
        (_("Hyper-V"), ("site", "hyperv")),
        (_("Event log"), ("site", "events")),
    ]
    return made


# --- servers ----------------------------------------------------------------------------------------------------------


def _servers(context: Context) -> Page:
    made = Page(_("Servers"))
    rows: list[tuple[str, list[Cell]]] = []
    for name, role in context.lab.site.servers.items():
        one = context.lab.site.server(name)
        domain = blocks.yes_no(one.joined)
        rows.append(
            (name, [name, word("role", role), one.os, _power(one.power), domain, ", ".join(one.software) or "-"])
        )
    columns = [_("Name"), _("Role"), _("Operating system"), _("Status"), _("In the domain"), _("Installed")]
    made.blocks.append(blocks.table("servers", columns, rows, choose="one", chosen=context.rows("servers")))
    chosen = next(iter(context.rows("servers")), "")
    if chosen:
        made.blocks.append(_server_facts(context, chosen))
    for control in _SERVER_BAR:
        context.on_one(control, "servers", "server")
    role = context.lab.site.servers.get(chosen, "")
    for control in _VMM_BAR:
        why = "" if role == "vmm" else _("Choose a VMM server first.")
        context.command(control, {"server": chosen}, why=why)
    for control, argument in _HOST_BAR:
        why = "" if role == "host" else _("Choose a Hyper-V host first.")
        context.command(control, {argument: chosen}, why=why)
    context.command("site.add_account")
    return made


def _power(found: str) -> Cell:
    return blocks.said(power(found), {"running": blocks.GOOD, "off": blocks.OFF}.get(found, blocks.BAD))


def _server_facts(context: Context, name: str) -> Block:
    one = context.lab.site.server(name)
    rows: list[tuple[str, Cell]] = [
        (_("Full name"), one.fqdn),
        (_("Features"), ", ".join(one.features) or "-"),
        (_("Installed"), ", ".join(one.software) or "-"),
        (_("Ports in use"), ", ".join(f"{port} ({what})" for port, what in one.ports.items()) or "-"),
        (_("Virtual switches"), ", ".join(one.switches) or "-"),
        (_("Cluster of hosts"), one.cluster or "-"),
        (_("Host group"), one.group or "-"),
        (_("Internet through a proxy only"), one.proxy or blocks.yes_no(one.needs_proxy)),
        (_("Proxy of the agent"), one.agent_proxy or "-"),
    ]
    return blocks.facts("server", rows, title=name)


# --- VMM --------------------------------------------------------------------------------------------------------------


def _vmm(context: Context) -> Page:
    """The console of a VMM server: fabric, clouds, VMs; what it answers when it is not there."""
    names = [name for name, role in context.lab.site.servers.items() if role == "vmm"]
    server = context.at(2) if context.at(2) in names else next(iter(names), "")
    made = Page(_("VMM console: {server}").format(server=server))
    preset = {"_vmm": server} if len(names) > 1 and server != context.lab.site.vmm.name else {}
    if len(names) > 1:
        made.blocks.append(
            blocks.facts("which", [(_("VMM server"), blocks.link(name, "site", "vmm", name)) for name in names])
        )
    try:
        made.blocks += _console(context, server, preset)
    except LabError as error:
        made.blocks.append(blocks.note("vmm", str(error), state=blocks.WARN))
    context.command("site.vmm.start_service", preset)
    context.command("site.vmm.stop_service", preset)
    return made


_HOST_OF = ("site.vmm.remove_host", "site.vmm.move_host")
_CLOUD_OF = ("site.vmm.change_cloud", "site.vmm.send_cloud")
_VM_OF = (
    "site.vmm.assign",
    "site.vmm.set_system",
    "site.vmm.mark_system_disks",
    "vault.check",
    "site.vmm.enable_protection",
    "site.vmm.clear_dr_protection",
)


def _console(context: Context, server: str, preset: dict[str, str]) -> list[Block]:
    """Fabric, servers, clouds and VMs, each with its commands below it."""
    console = context.lab.site.vmm.on(server)
    running = blocks.said(_("running"), blocks.GOOD) if console.running else blocks.said(_("stopped"), blocks.BAD)
    stands = context.lab.site.server(server).power
    running = running if stands == "running" else _power(stands)
    told: list[tuple[str, Cell]] = [(_("Service SCVMMService"), running)]
    told += [(titles.of(name), results.plain(value)) for name, value in console.settings.items()]
    told += [(_("Logical networks"), ", ".join(console.logical_networks) or "-")]
    told += [(_("Host groups"), ", ".join(console.host_groups))]
    return [
        blocks.facts("vmm", told, title=_("Fabric")),
        _vmm_hosts(context, console),
        _below(context, "hosts", ("site.vmm.add_host",), _HOST_OF, "host", preset),
        blocks.commands("fabric", _free(context, ("site.vmm.create_host_group", "site.vmm.make_broker"), preset)),
        _vmm_clouds(context, console),
        _below(context, "clouds", ("site.vmm.create_cloud",), _CLOUD_OF, "name", preset),
        _vmm_vms(context, console),
        _below(context, "vms", ("site.vmm.create_vm",), _VM_OF, "vm", preset),
    ]


def _free(context: Context, controls: tuple[str, ...], preset: dict[str, str]) -> list[str]:
    return [context.command(control, preset, bar=False) for control in controls]


def _below(
    context: Context,
    table: str,
    always: tuple[str, ...],
    chosen: tuple[str, ...],
    argument: str,
    preset: dict[str, str],
) -> Block:
    """The commands of a table: some always, others for the row that is chosen."""
    keys = _free(context, always, preset)
    keys += [context.on_one(control, table, argument, bar=False, **preset) for control in chosen]
    return blocks.commands(f"{table}-commands", keys)


def _vmm_hosts(context: Context, console: VmmDoor) -> Block:
    rows: list[tuple[str, list[Cell]]] = [(name, [name, group]) for name, group in console.hosts.items()]
    columns = [_("Host"), _("Host group")]
    return blocks.table("hosts", columns, rows, title=_("Servers"), choose="one", chosen=context.rows("hosts"))


def _vmm_clouds(context: Context, console: VmmDoor) -> Block:
    rows: list[tuple[str, list[Cell]]] = []
    for name, one in console.clouds.items():
        lists = [", ".join(names) or "-" for names in (one.groups, one.networks, one.profiles)]
        rows.append((name, [name, *lists, blocks.yes_no(one.sends), str(len(one.vms))]))
    columns = [
        _("Name"),
        _("Host groups"),
        _("Logical networks"),
        _("Capability profiles"),
        _("Sends"),
        _("Virtual machines"),
    ]
    return blocks.table("clouds", columns, rows, title=_("Clouds"), choose="one", chosen=context.rows("clouds"))


def _vmm_vms(context: Context, console: VmmDoor) -> Block:
    rows: list[tuple[str, list[Cell]]] = []
    for name, one in console.vms.items():
        system = [one.system or "-", ", ".join(one.system_disks) or "-"]
        rows.append((name, [name, one.host, one.cloud or "-", *system, _(one.state), _(one.status)]))
    columns = [
        _("Name"),
        _("Host"),
        _("Cloud"),
        _("Operating system"),
        _("OS disk"),
        _("Status"),
        _("Last job"),
    ]
    return blocks.table("vms", columns, rows, title=_("VMs and Services"), choose="one", chosen=context.rows("vms"))


# --- Hyper-V ----------------------------------------------------------------------------------------------------------


def _hyperv(context: Context) -> Page:
    made = Page(_("Hyper-V"))
    machines = context.lab.site.machines
    rows: list[tuple[str, list[Cell]]] = []
    for name, one in machines.items():
        disks = ", ".join(f"{disk} {units.show_size(size)}" for disk, size in one.disks.items())
        rows.append((name, [name, one.os, _(one.state), disks, blocks.yes_no(one.answering)]))
    columns = [_("Name"), _("Operating system"), _("Status"), _("Disks"), _("Application answers")]
    made.blocks.append(
        blocks.table("vms", columns, rows, choose="one", chosen=context.rows("vms"), title=_("Virtual machines"))
    )
    chosen = next(iter(context.rows("vms")), "")
    if chosen:
        made.blocks.append(_health(context, chosen))
    for control in _VM_BAR:
        context.on_one(control, "vms", "vm")
    context.command("site.create_vm")
    context.on_one("hyperv.enable", "vms", "vm")
    made.blocks += _replicas(context)
    return made


def _replicas(context: Context) -> list[Block]:
    """Hyper-V Replica without a vault: what is replicated, and what was left at the replica site; their commands."""
    replicas: list[tuple[str, list[Cell]]] = [
        (name, [name, replica_state(one.state), one.primary, one.replica, health(one.health), _rpo(one.rpo)])
        for name, one in context.lab.hyperv.replicas.items()
    ]
    left: list[tuple[str, list[Cell]]] = [
        (name, [name, _(one.state)]) for name, one in context.lab.hyperv.machines.items()
    ]
    if not replicas and not left:
        return []
    heads = [_("Name"), _("Status"), _("Primary server"), _("Replica server"), _("Replication health"), "RPO"]
    title, names = _("Hyper-V Replica"), [f"hyperv.{name}" for name in _REPLICA_BAR]
    others = _("Replica site")
    return [
        blocks.table("replicas", heads, replicas, title=title, choose="one", chosen=context.rows("replicas")),
        _below(context, "replicas", (), tuple(names), "vm", {}),
        blocks.table("others", heads[:2], left, title=others, choose="one", chosen=context.rows("others")),
        _below(context, "others", (), ("hyperv.delete",), "vm", {}),
    ]


def _rpo(age: float | None) -> str:
    """As on the other pages; the library gives seconds."""
    return seconds(None if age is None else age * units.SECOND)


def _health(context: Context, vm: str) -> Block:
    """The window "Replication Health" (rule 2.9-2)."""
    try:
        found = context.lab.site.replication(vm)
    except LabError as error:
        return blocks.note("health", error.message, title=_("Replication Health"))
    return statistics.block(context.lab, found, "health", _("Replication Health: {vm}").format(vm=vm))


def _events(context: Context) -> Page:
    """The log MicrosoftAzureRecoveryServices, newest first (rule 2.9-3)."""
    from labkit.views import events

    made = Page(_("Event log"))
    found = context.lab.site.event_log()[-_MOST_EVENTS:]
    states = {"Error": blocks.BAD, "Warning": blocks.WARN}
    rows: list[tuple[str, list[Cell]]] = [
        (
            str(place),
            [
                blocks.said(word("level", one.level), states.get(one.level, blocks.OFF)),
                instant(context.lab.show_instant(one.at)),
                "-" if one.id is None else str(one.id),
                one.vm or "-",
                events.headline({**one.details, "kind": one.kind, "entity": one.vm, "at": one.at}),
            ],
        )
        for place, one in enumerate(reversed(found))
    ]
    columns = [_("Level"), _("Time"), _("Event ID"), _("Name"), _("Text")]
    made.blocks.append(blocks.table("events", columns, rows, title="MicrosoftAzureRecoveryServices"))
    return made

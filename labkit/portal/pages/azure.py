"""Azure: the subscription, vaults, machines with their endpoints, storage, networks, automation, and the bill."""

from __future__ import annotations

from labkit.engine import units
from labkit.engine.errors import word
from labkit.engine.texts import gettext as _
from labkit.portal import blocks, choices, results
from labkit.portal.blocks import Block, Cell, Page
from labkit.portal.cells import instant
from labkit.portal.pages.context import Context, refusal_text
from labkit.views.titles import component, subscription_state


def page(context: Context) -> Page:
    """One of the parts."""
    parts = {
        "vaults": _vaults,
        "machines": _machines,
        "storage": _storage,
        "networks": _networks,
        "automation": _automation,
        "bill": _bill,
    }
    made = parts.get(context.at(1), _subscription)(context)
    made.tabs = [
        (_("Subscription"), ("azure", "subscription")),
        (_("Recovery Services"), ("azure", "vaults")),
        (_("Virtual Machines"), ("azure", "machines")),
        (_("Storage accounts"), ("azure", "storage")),
        (_("Networks"), ("azure", "networks")),
        (_("Automation"), ("azure", "automation")),
        (_("Bill"), ("azure", "bill")),
    ]
    return made


def _subscription(context: Context) -> Page:
    made, found = Page(_("Subscription")), context.lab.azure.subscription
    if found is None:
        text = _("There is no subscription. Signing up needs a Microsoft account, a phone, and a credit card.")
        made.blocks.append(blocks.note("subscription", text, state=blocks.OFF))
    else:
        active = found.state == "Active"
        rows: list[tuple[str, Cell]] = [
            (_("Account"), found.account),
            (_("Plan"), word("subscription_plan", found.plan)),
            (_("Status"), blocks.said(subscription_state(found.state), blocks.GOOD if active else blocks.BAD)),
            (_("Credit left"), "-" if found.credit_left is None else f"¥{found.credit_left:,}"),
            (_("Ends"), instant(found.ends) or "-"),
            (_("Subscription licences"), str(context.lab.azure.licences)),
        ]
        made.blocks.append(blocks.facts("subscription", rows))
    quotas: list[tuple[str, list[Cell]]] = [
        (name, [word("quota", name), str(one.used), str(one.limit), str(one.maximum)])
        for name, one in context.lab.azure.quotas.items()
    ]
    columns = [_("Quota"), _("Used"), _("Limit"), _("Can be raised to")]
    made.blocks.append(
        blocks.table("quotas", columns, quotas, title=_("Quotas"), choose="one", chosen=context.rows("quotas"))
    )
    for name in ("sign_up", "create_account", "confirm_phone", "give_card", "subscribe", "sign_in", "upgrade"):
        context.command(f"azure.{name}")
    context.on_one("azure.raise_quota", "quotas", "name")
    for name in ("buy_licences", "end_licences", "licence_checklist"):
        context.command(f"azure.{name}")
    return made


def _vaults(context: Context) -> Page:
    made = Page(_("Recovery Services"))
    rows: list[tuple[str, list[Cell]]] = [
        (
            name,
            [
                name,
                word("vault_kind", one.kind),
                blocks.said(_("Active"), blocks.GOOD),
                one.region,
                ", ".join(one.servers) or "-",
            ],
        )
        for name, one in context.lab.azure.vaults.items()
    ]
    columns = [_("Name"), _("Kind"), _("Status"), _("Region"), _("Servers")]
    made.blocks.append(
        blocks.table(
            "vaults", columns, rows, empty=_("There is no vault."), choose="one", chosen=context.rows("vaults")
        )
    )
    context.command("azure.create_vault")
    context.on_one("vault.generate_key", "vaults", "vault")
    context.on_one("vault.delete", "vaults", "name")
    return made


def _machines(context: Context) -> Page:
    name = context.at(2)
    made = Page(name or _("Virtual Machines"))
    if name:
        made.crumbs = [(_("Virtual Machines"), ("azure", "machines"))]
        made.blocks += _machine(context, name)
        return made
    rows: list[tuple[str, list[Cell]]] = []
    for vm in context.lab.azure.machines:
        one = context.lab.azure.machine(vm)
        state = blocks.said(_(one.state), blocks.GOOD if one.state == "Running" else blocks.OFF)
        rows.append(
            (vm, [blocks.link(vm, "azure", "machines", vm), state, one.size, one.dns_name, one.vip, one.location])
        )
    columns = [_("Name"), _("Status"), _("Size"), _("DNS name"), _("Public virtual IP (VIP) address"), _("Location")]
    empty = _("No virtual machine is in Azure: none is made, and no compute is charged, before a failover starts.")
    made.blocks.append(
        blocks.table("machines", columns, rows, empty=empty, choose="one", chosen=context.rows("machines"))
    )
    context.command("azure.create_machine")
    context.on_one("azure.connect", "machines", "machine")
    context.on_one("azure.add_endpoint", "machines", "machine")
    _delete(context, next(iter(context.rows("machines")), ""))
    return made


def _delete(context: Context, name: str) -> None:
    """Delete, greyed with what it would be refused with."""
    why = refusal_text(context.lab.azure.delete_refusal(name)) if name else _("Choose a row first.")
    context.command("azure.delete_machine", {"name": name or None}, why=why)


def _machine(context: Context, name: str) -> list[Block]:
    one = context.lab.azure.machine(name)
    rows: list[tuple[str, Cell]] = [
        (_("Status"), _(one.state)),
        (_("DNS name"), one.dns_name),
        (_("Host name"), one.host_name),
        (_("Public virtual IP (VIP) address"), one.vip),
        (_("Internal IP address"), one.internal_address),
        (_("Network"), one.network or "-"),
        (_("Subnet"), one.subnet or "-"),
        (_("Size"), one.size),
        (_("RDP certificate thumbprint"), one.thumbprint),
        (_("Location"), one.location),
        (_("Disks"), ", ".join(f"{disk} {units.show_size(size)}" for disk, size in one.disks.items())),
    ]
    if one.conflict:
        rows.append((_("Duplicate name"), blocks.said(", ".join(one.conflict), blocks.BAD)))
    ends: list[tuple[str, list[Cell]]] = [
        (end.name, [end.name, end.protocol, str(end.public_port), str(end.private_port)]) for end in one.endpoints
    ]
    columns = [_("Name"), _("Protocol"), _("Public port"), _("Private port")]
    context.command("azure.connect", {"machine": name})
    context.command("azure.add_endpoint", {"machine": name})
    context.on_one("azure.remove_endpoint", "endpoints", "name", machine=name)
    context.command("azure.set_network_level_authentication", {"machine": name})
    _delete(context, name)
    return [
        blocks.facts("machine", rows),
        blocks.table("endpoints", columns, ends, title=_("Endpoints"), choose="one", chosen=context.rows("endpoints")),
    ]


def _storage(context: Context) -> Page:
    made = Page(_("Storage accounts"))
    rows: list[tuple[str, list[Cell]]] = [
        (
            name,
            [name, one.region, _("Geo-Redundant") if one.redundancy == "GRS" else one.redundancy, one.secondary or "-"],
        )
        for name, one in context.lab.azure.storage_accounts.items()
    ]
    columns = [_("Name"), _("Location/Affinity Group"), _("Replication of the storage"), _("Secondary region")]
    made.blocks.append(
        blocks.table(
            "storage",
            columns,
            rows,
            empty=_("There is no storage account."),
            choose="one",
            chosen=context.rows("storage"),
        )
    )
    context.command("azure.create_storage")
    context.on_one("azure.delete_storage", "storage", "name")
    _delete_disks(context, next(iter(context.rows("storage")), ""))
    return made


def _delete_disks(context: Context, account: str) -> None:
    """Greyed where nothing was left that the dialog could offer."""
    why = "" if account else _("Choose a row first.")
    if account and not choices.left_disks(context.lab, {"account": account}):
        why = _("No replica disks are left in this storage account.")
    context.command("azure.delete_disks", {"account": account or None}, why=why)


def _networks(context: Context) -> Page:
    made = Page(_("Networks"))
    rows: list[tuple[str, list[Cell]]] = [
        (
            name,
            [
                name,
                one.region,
                one.address_space,
                results.text(one.subnets),
                results.text(one.dns),
                word("vpn", one.vpn) if one.vpn else "-",
            ],
        )
        for name, one in context.lab.azure.virtual_networks.items()
    ]
    columns = [_("Name"), _("Region"), _("Address space"), _("Subnets"), _("DNS servers"), _("VPN")]
    made.blocks.append(
        blocks.table(
            "networks",
            columns,
            rows,
            empty=_("There is no virtual network."),
            choose="one",
            chosen=context.rows("networks"),
        )
    )
    context.command("azure.quick_network")
    context.command("azure.create_network")
    context.on_one("azure.delete_network", "networks", "name")
    return made


def _automation(context: Context) -> Page:
    made = Page(_("Automation"))
    rows: list[tuple[str, list[Cell]]] = [
        (name, [name, ", ".join(books) or "-"]) for name, books in context.lab.azure.automation_accounts.items()
    ]
    made.blocks.append(
        blocks.table("accounts", [_("Account"), _("Runbooks")], rows, choose="one", chosen=context.rows("accounts"))
    )
    runs: list[tuple[str, list[Cell]]] = [
        (one.id, [one.runbook, blocks.link(one.job, "jobs", one.job), instant(one.at), _(one.outcome), one.output])
        for one in context.lab.vault.runbook_runs
    ]
    columns = [_("Runbook"), _("Job"), _("Time"), _("Outcome"), _("Output")]
    made.blocks.append(blocks.table("runs", columns, runs, title=_("Runs")))
    context.command("azure.create_automation_account")
    context.on_one("azure.delete_automation_account", "accounts", "name")
    context.on_one("azure.import_runbook", "accounts", "account")
    context.on_one("azure.runbook", "accounts", "account")
    context.command("azure.trust_runbooks")
    return made


def _bill(context: Context) -> Page:
    """A bill for each month, by component, in dollars and yen, with the price list it was made from."""
    made = Page(_("Bill"))
    if "cost" in context.charts:
        made.blocks.append(blocks.chart("cost"))
    bills = context.remembered("bills", context.lab.azure.bills)
    for month, bill in bills.items():
        rows: list[tuple[str, list[Cell]]] = [
            (name, [component(name), one.quantity, _amount("$", one.dollars, 2), _amount("¥", one.yen, 0)])
            for name, one in bill.components.items()
        ]
        rows.append(("total", [_("Total"), "", f"${bill.dollars:,.2f}", f"¥{bill.yen:,.0f}"]))
        columns = [_("Component"), _("Quantity"), _("US dollars"), _("Yen")]
        made.blocks.append(blocks.table(f"bill-{month}", columns, rows, title=month))
        source = _("Price list {name} of {date}; {rate} yen per dollar.").format(
            name=bill.price_list, date=bill.date, rate=bill.yen_per_dollar
        )
        missing = [f"{item}: {why}" for item, why in bill.not_priced.items()]
        made.blocks.append(blocks.note(f"source-{month}", "\n".join([source, *missing])))
    if not bills:
        made.blocks.append(blocks.note("nothing", _("Nothing was used yet.")))
    return made


def _amount(sign: str, value: float | None, digits: int) -> str:
    return _("not priced") if value is None else f"{sign}{value:,.{digits}f}"

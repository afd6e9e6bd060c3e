"""Resources: the registered servers, and the mapping of networks (rules 2.5-8, 2.7-9, 4.3-1)."""

from __future__ import annotations

from labkit.engine.texts import gettext as _
from labkit.portal import blocks
from labkit.portal.blocks import Page
from labkit.portal.pages.context import Context


def page(context: Context) -> Page:
    """Servers, or networks."""
    made = _networks(context) if context.at(1) == "networks" else _servers(context)
    made.tabs = [(_("Servers"), ("resources", "servers")), (_("Networks"), ("resources", "networks"))]
    return made


def _servers(context: Context) -> Page:
    made = Page(_("Resources"))
    rows = []
    for row in context.lab.vault.servers:
        state = (
            blocks.said(_("connected"), blocks.GOOD) if row.connected else blocks.said(_("not connected"), blocks.BAD)
        )
        rows.append((row.server, [row.name, row.vault, state, row.version, blocks.yes_no(row.encryption)]))
    columns = [_("Name"), _("Vault"), _("Status"), _("Version of the provider"), _("Encryption certificate")]
    empty = _("No VMM server is registered. Quick Start shows the steps.")
    made.blocks.append(
        blocks.table("servers", columns, rows, empty=empty, choose="one", chosen=context.rows("servers"))
    )
    context.command("vault.generate_key")
    context.command("vault.register_server")
    context.on_one("vault.unregister_server", "servers", "server")
    context.command("vault.delete")
    return made


def _networks(context: Context) -> Page:
    made = Page(_("Resources"))
    rows = [
        (f"{row.source}/{row.server}", [row.source, row.server or _("Microsoft Azure"), row.target])
        for row in context.lab.vault.network_mappings
    ]
    columns = [_("Network of the site"), _("Target location"), _("Target network")]
    empty = _("No network is mapped. A virtual machine without a mapping is on no network after its failover.")
    made.blocks.append(blocks.table("networks", columns, rows, empty=empty))
    context.command("vault.map_network")
    return made

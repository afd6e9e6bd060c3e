"""Quick Start: the deployment, and its steps in order, ticked as they are done (rule 2.5-3)."""

from __future__ import annotations

from labkit.engine.texts import gettext as _
from labkit.portal import blocks
from labkit.portal.blocks import Page
from labkit.portal.pages.context import Context

# What a step is done with, and where one goes for it.
_DOING: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "subscription": (("azure.sign_up", "azure.sign_in"), ("azure",)),
    "vmm": ((), ("site",)),
    "cloud": ((), ("site", "vmm")),
    "vault": (("azure.create_vault",), ("azure", "vaults")),
    "server": (("vault.generate_key",), ("site",)),
    "storage": (("azure.create_storage",), ("azure", "storage")),
    "agents": ((), ("site",)),
    "protection": ((), ("items",)),
    "pair": ((), ("items",)),
    "network": (("azure.quick_network", "azure.create_network"), ("azure", "networks")),
    "mapping": (("vault.map_network",), ("resources", "networks")),
    "vms": ((), ("items",)),
    "plan": (("vault.create_plan",), ("plans",)),
}


def page(context: Context) -> Page:
    """Steps before the vault, the choice of the deployment, and its steps."""
    setups = context.lab.vault.setups
    chosen = next((one for one in setups if one.name == context.at(1)), setups[0])
    made = Page(_("Quick Start"))
    vaults = [name for name, one in context.lab.azure.vaults.items() if one.kind == "site-recovery"]
    for notice in context.lab.vault.notices() if vaults else ():
        made.blocks.append(blocks.note(f"notice-{len(made.blocks)}", notice, state=blocks.WARN))
    before = context.lab.vault.quick_start("before")
    if not all(step.done for step in before):
        made.blocks.append(_steps(context, "before", _("Before there is a vault")))
    made.tabs = [(one.title, ("quick", one.name)) for one in setups]
    made.blocks.append(blocks.note("setup", chosen.note, title=_("Setup recovery: {title}").format(title=chosen.title)))
    if chosen.opens == "steps":
        made.blocks.append(_steps(context, chosen.name, _("Steps")))
    return made


def _steps(context: Context, setup: str, title: str) -> blocks.Block:
    rows = []
    for step in context.lab.vault.quick_start(setup):
        controls, there = _DOING[step.name]
        keys = [context.command(control, bar=False, key=f"{step.name}-{control}") for control in controls]
        rows.append({"title": step.title, "text": step.text, "done": step.done, "commands": keys, "go": list(there)})
    return blocks.steps(f"steps-{setup}", rows, title=title)

"""Commands that have no control of their own, and why."""

from __future__ import annotations

WITHOUT: dict[str, str] = {
    "vault.save_plan": "the editor's Save (draft.save) is this call",
    "vault.plan_wizard": "opened by Create (vault.create_plan)",
    "vault.plan_vms": "what that wizard offers",
    "leftovers": "shown on the page What is left",
    "vault.quick_start": "shown on the page Quick Start",
    "vault.needs_certificate": "has a failover's dialog ask for the encryption key",
    "vault.settings": "shown on the cloud's page Settings",
    "vault.protectable": "what Add virtual machines offers",
    "vault.target": "shown on the item's page",
    "vault.target_refusal": "greys Change target size, name or adapter",
    "vault.notices": "shown at the top of Quick Start",
    "site.wizard": "opened by the controls whose pages it has",
    "site.server": "shown on the page of the servers",
    "site.manager": "which VMM server is meant by default",
    "site.event_log": "shown on the page of the event log",
    "site.vmm.on": "the VMM server is chosen on the page",
    "site.vmm.add_hosts": "the wizard Add Resource takes several names",
    "azure.machine": "shown on the VM's page",
    "azure.left_disks": "what the dialog that deletes them offers",
    "azure.delete_refusal": "greys Delete of a VM in Azure",
    "azure.meter": "shown on the page Bill",
    "azure.bill": "shown on the page Bill",
    "azure.bills": "shown on the page Bill",
    "azure.total": "shown on the page Bill",
    "azure.prices": "shown on the page Bill",
}

"""Labs in which everything of the portal can be met."""

from __future__ import annotations

from pathlib import Path

import labkit
from labkit import Lab

CONTOSO = Path(__file__).resolve().parents[2] / "data" / "sites" / "contoso.yml"


def all_kinds(folder: Path) -> dict[str, Lab]:
    """Bare servers; just registered, with a job under way; protected, with a plan and a VM in Azure; two sites."""
    bare = labkit.create(folder / "bare.lab")
    full = labkit.create(folder / "full.lab", stage="protected")
    full.vault.create_plan("Plan", ["MYWSV01"])
    full.azure.create_automation_account("automation1")
    full.vault.test_failover("MYBSD01", wait=True)
    full.azure.add_endpoint("MYBSD01-test", "ssh", 22, 22)
    full.azure.create_machine("DC02", network=full.azure.networks[0])
    (folder / "two.yml").write_text(CONTOSO.read_text("utf-8") + "replica_site: {hosts: [HV11]}\n", "utf-8")
    two = labkit.create(folder / "two.lab", site=folder / "two.yml")
    two.hyperv.enable("MYWSV01")
    fresh = labkit.create(folder / "fresh.lab", stage="registered")
    fresh.vault.map_network()  # a job that is under way
    return {"bare": bare, "fresh": fresh, "full": full, "two": two}

"""What the portal and the views say of VMs that are protected to a second site, with no Azure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit import Lab, views
from labkit.course import looks
from tests.portal.clicks import Person
from tests.recovery.labs import SHOP
from tests.recovery.test_cloud_to_cloud import OURS, THEIRS, two_clouds


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Lab]:
    """SHOP, protected to the cloud of the other site."""
    with two_clouds(tmp_path, SHOP) as lab:
        for server in ("SC01", "SC02"):
            lab.vault.register_server(server, wait=True)
        lab.vault.configure_protection(target=THEIRS, wait=True)
        lab.vault.enable_protection("SHOP", wait=True)
        lab.wait(lab.vault.items["SHOP"])
        yield lab


@pytest.mark.rule("1.2-3", "3.4-3")
@pytest.mark.parametrize("way", ["planned", "unplanned"])
def test_the_active_location_is_the_recovery_cloud(pair: Lab, way: str) -> None:
    """Failed over, a VM is active in the recovery cloud: in the list, on its page, in the view and for a check."""
    person = Person(pair)

    def shown() -> set[object]:
        in_list = person.go("items", OURS, "vms").block("vms")["rows"][0]["cells"][1]
        on_page = dict(person.go("items", OURS, "vms", "SHOP").block("state")["rows"])["Active location"]
        return {in_list, on_page, *views.items(pair).active}

    assert shown() == {OURS}
    assert looks.active(pair, "SHOP", "Primary").ok
    job = getattr(pair.vault, f"{way}_failover")("SHOP", wait=True)
    assert job.state == "Succeeded"
    assert shown() == {THEIRS}
    seen = looks.active(pair, "SHOP", "Primary")
    assert (seen.ok, THEIRS in seen.seen) == (False, True)
    assert looks.active(pair, "SHOP", "Recovery").ok
    assert person.go("items", OURS, "vms", "SHOP").block("sides")["columns"] == ["", "Site", THEIRS]


def _counted(lab: Lab) -> tuple[str, str]:
    card = Person(lab).go("dashboard").block("figures")["cards"][0]
    return card["value"], card["beside"]


def test_a_replica_is_no_vm_of_its_own(pair: Lab) -> None:
    """The dashboard counts the VM once, also while a test of it runs at the other site."""
    assert _counted(pair) == ("1", "of 1 virtual machines")
    pair.vault.test_failover("SHOP", wait=True)
    assert _counted(pair) == ("1", "of 1 virtual machines")


def test_nor_is_its_vm_in_azure(lab: Lab) -> None:
    """The same with a VM that runs in Azure, and one of a test there."""
    before = _counted(lab)
    assert before == (str(len(lab.vault.items)), f"of {len(lab.site.machines)} virtual machines")
    lab.vault.planned_failover("MYWSV01", wait=True)
    lab.vault.test_failover("MYBSD01", wait=True)
    assert _counted(lab) == before


def test_a_lost_site_has_no_power(pair: Lab) -> None:
    """Servers, VMM and hosts of the lost site are not shown as running, nor in the status; the other site's are."""
    person = Person(pair)
    pair.faults.lose_site()
    shown = {row["id"]: row["cells"][3]["text"] for row in person.go("site", "servers").block("servers")["rows"]}
    lost, there = {"DC01", "SC01", "HV01"}, {"SC02", "HV11", "HV12"}
    assert shown == {**dict.fromkeys(lost, "no power"), **dict.fromkeys(there, "running")}
    assert pair.status()["servers"] == shown
    for server, word in (("SC01", "no power"), ("SC02", "running")):
        service = dict(person.go("site", "vmm", server).block("vmm")["rows"])["Service SCVMMService"]
        assert service["text"] == word
        assert pair.site.vmm.on(server).running == (word == "running")
    assert not pair.site.server("HV01").running
    pair.faults.restore_site()
    assert set(pair.status()["servers"].values()) == {"running"}

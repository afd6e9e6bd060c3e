"""Who reaches what: names, the VPN, endpoints, the guest, domain controllers (rules 3.1-3, 3.1-4, 3.3-3, 3.3-4)."""

from __future__ import annotations

from pathlib import Path

import pytest

import labkit
from labkit import views
from labkit.engine.world import World
from labkit.lab import Lab
from labkit.recovery import requirements, subjects
from labkit.recovery.reach import Answer
from labkit.site import vms
from labkit.views import events
from tests.recovery.labs import BILLS, QUIET, SHOP, error_of, new_lab, rows
from tests.recovery.labs import export as export_disk

RDP, SSH, APPLICATION = 3389, 22, 443
DOMAIN, LOCAL = "DEMO\\Administrator", "COMPUTER\\Administrator"
CLOSED = SHOP.replace("{name: SHOP,", "{name: SHOP, firewall: closed,")
DISABLED = SHOP.replace("{name: SHOP,", "{name: SHOP, remote: no,")


def corporate(lab: Lab, name: str = "Corp", **more: object) -> None:
    """Map the site's network to a virtual network with a VPN."""
    lab.azure.create_network(name, "East Asia", "10.9.0.0/16", vpn="site-to-site", **more)  # type: ignore[arg-type]
    lab.vault.map_network(target=name, wait=True)


def why(answer: Answer) -> str:
    """The reason why not; "" when reached."""
    assert answer.reached == (not answer.reason)
    assert bool(answer.words) == bool(answer.reason)
    return answer.reason


@pytest.fixture
def joined(shop: Lab) -> Lab:
    """SHOP, protected, its network mapped to one that the VPN joins to the site."""
    corporate(shop)
    return shop


def _over(lab: Lab, kind: str = "planned") -> None:
    getattr(lab.vault, f"{kind}_failover")("SHOP", wait=True)
    lab.run("5min")


# --- names and the VPN ------------------------------------------------------------------------------------------------


@pytest.mark.rule("3.1-3", "1.2-6")
def test_the_same_name_leads_to_azure_after_a_failover(joined: Lab) -> None:
    """Before and after, a client at the site asks for SHOP: first the site's address, then Azure's over the VPN."""
    before = joined.reach("site", "SHOP", APPLICATION)
    assert (why(before), before.machine, before.path[1]) == ("", "site/SHOP", "dns")
    _over(joined)
    after = joined.reach("site", "SHOP", APPLICATION)
    assert (why(after), after.machine, after.address) == ("", "azure/SHOP", "10.9.0.4")
    assert after.path == ("site", "dns", "vpn Corp", "azure/SHOP")
    assert before.address != after.address
    assert why(joined.reach("site", "shop.demo.contoso.com", RDP)) == ""
    assert joined.azure.machine("SHOP").endpoints == ()  # by name, without any endpoint (rule 3.4-5)
    assert joined.azure.connect("SHOP", DOMAIN, client="site").internal_address == "10.9.0.4"


@pytest.mark.rule("3.1-3")
def test_without_the_vpn_nobody_reaches_it(joined: Lab) -> None:
    """The VPN lost after the failover, with the line or by itself: not reached; back again: reached as before."""
    _over(joined)
    for lose, mend in (("lose_vpn", "restore_vpn"), ("lose_line", "restore_line")):
        getattr(joined.faults, lose)()
        assert why(joined.reach("site", "SHOP", APPLICATION)) == "vpn down"
        assert error_of(lambda: joined.azure.connect("SHOP", client="site")).code == 900959
        getattr(joined.faults, mend)()
        assert why(joined.reach("site", "SHOP", APPLICATION)) == ""


@pytest.mark.rule("3.1-3")
def test_a_vm_that_started_without_the_vpn_enters_its_name_later(joined: Lab) -> None:
    """The name still stands for the site's VM, and the VPN is why; as soon as it is up, the name follows."""
    joined.faults.lose_vpn()
    _over(joined)
    answer = joined.reach("site", "SHOP", APPLICATION)
    assert (why(answer), answer.address) == ("vpn down", "192.168.1.1")
    joined.faults.restore_vpn()
    assert joined.reach("site", "SHOP", APPLICATION).machine == "azure/SHOP"


@pytest.mark.rule("3.1-3")
@pytest.mark.parametrize(("lose", "mend"), [("lose_line", "restore_line"), ("lose_site", "restore_site")])
def test_after_a_disaster_the_name_follows(joined: Lab, lose: str, mend: str) -> None:
    """Failed over while line or site is lost, the VM enters its name when they are back."""
    getattr(joined.faults, lose)()
    _over(joined, "unplanned")
    assert why(joined.reach("site", "SHOP")) == {"lose_line": "", "lose_site": "site lost"}[lose]
    getattr(joined.faults, mend)()
    if lose == "lose_line":
        joined.site.turn_off("SHOP")
        joined.faults.lose_line()
        joined.faults.restore_line()
    answer = joined.reach("site", "SHOP")
    assert (why(answer), answer.machine, answer.conflict) == ("", "azure/SHOP", ())


@pytest.mark.rule("3.1-3")
def test_a_failback_that_dns_does_not_hear_of(joined: Lab) -> None:
    """DNS broken after the failover: back at the site, the name still stands for Azure's VM."""
    _over(joined)
    joined.vault.commit("SHOP", wait=True)
    joined.faults.break_dns()
    joined.vault.failback("SHOP", synchronise="during", wait=True)
    joined.run("5min")
    answer = joined.reach("site", "SHOP")
    assert (why(answer), answer.address) == ("dns not updated", "10.9.0.4")
    joined.faults.mend_dns()
    assert joined.reach("site", "SHOP").machine == "site/SHOP"


def test_a_test_vm_does_not_stand_in_for_production(shop: Lab) -> None:
    """The site's VM is off, an isolated test runs: the name leads to the site's VM, which is off."""
    shop.vault.test_failover("SHOP", wait=True)
    shop.run("5min")
    shop.site.shut_down("SHOP")
    assert why(shop.reach("site", "SHOP", RDP)) == "off"


@pytest.mark.rule("3.1-3")
def test_a_dns_that_takes_no_updates(joined: Lab) -> None:
    """DNS broken: the VPN is up, the VM runs, its own address answers, its name does not; mended, it follows."""
    joined.faults.break_dns()
    _over(joined)
    answer = joined.reach("site", "SHOP", APPLICATION)
    assert (why(answer), answer.address) == ("dns not updated", "192.168.1.1")
    assert error_of(lambda: joined.azure.connect("SHOP", client="site")).code == 900960
    assert why(joined.reach("site", "10.9.0.4", APPLICATION)) == ""
    joined.faults.mend_dns()
    assert why(joined.reach("site", "SHOP", APPLICATION)) == ""


@pytest.mark.rule("3.1-3")
def test_the_name_comes_home_with_a_failback(joined: Lab) -> None:
    """After the failback the name stands for the site's VM again."""
    _over(joined)
    joined.vault.commit("SHOP", wait=True)
    joined.vault.failback("SHOP", synchronise="during", wait=True)
    joined.run("5min")
    answer = joined.reach("site", "SHOP", APPLICATION)
    assert (why(answer), answer.machine, answer.address) == ("", "site/SHOP", "192.168.1.1")
    joined.vault.commit("SHOP", wait=True)
    assert joined.reach("site", "SHOP").machine == "site/SHOP"


def test_a_failover_to_a_closed_network(shop: Lab) -> None:
    """On a dummy network of the quick create the VM runs, and nobody at the site has a way to it (rule 2.5-6)."""
    _over(shop)
    assert why(shop.reach("site", "SHOP", APPLICATION)) == "no route"
    assert why(shop.reach("site", "10.0.0.4", APPLICATION)) == "no route"
    shop.azure.add_endpoint("SHOP", "RDP", 3389, 3389)
    assert shop.azure.connect("SHOP", client="site").host_name == "SHOP"  # through the public address
    assert shop.azure.connect("SHOP", client="internet").host_name == "SHOP"


def test_faults_of_the_way_are_refused_twice(shop: Lab) -> None:
    """What is broken cannot be broken again, what is whole cannot be mended."""
    for lose, mend in (("lose_vpn", "restore_vpn"), ("break_dns", "mend_dns")):
        assert error_of(getattr(shop.faults, mend)).code == 900955
        getattr(shop.faults, lose)()
        assert error_of(getattr(shop.faults, lose)).code == 900954
        getattr(shop.faults, mend)()


def test_clients_and_targets_that_are_none(shop: Lab) -> None:
    """Unknown names are refused with those there are; an address nobody has is an answer."""
    for client, target in (("site", "SHOPP"), ("SHOPP", "SHOP"), ("azure:SHOP", "SHOP"), ("site", "azure:SHOP")):
        assert error_of(lambda c=client, t=target: shop.reach(c, t, RDP)).code == 900010  # type: ignore[misc]
    assert why(shop.reach("site", "192.168.77.7", RDP)) == "address"
    assert why(shop.reach("internet", "SHOP", RDP)) == "name"
    assert why(shop.reach("internet", "gone.cloudapp.net", RDP)) == "name"
    assert why(shop.reach("internet", "site:SHOP", RDP)) == "no route"


def test_ports_of_a_guest(shop: Lab) -> None:
    """Its remote desktop and its application answer, nothing else does; nothing at all while it is off or starts."""
    assert [why(shop.reach("site", "SHOP", port)) for port in (RDP, APPLICATION)] == ["", ""]
    assert [why(shop.reach("site", "SHOP", port)) for port in (SSH, 80, 389)] == ["nothing listens"] * 3
    shop.site.shut_down("SHOP")
    assert why(shop.reach("site", "SHOP", RDP)) == "off"
    shop.site.start("SHOP")
    assert why(shop.reach("site", "SHOP", RDP)) == "off"
    shop.run("5min")
    assert why(shop.reach("site", "SHOP", RDP)) == ""
    shop.faults.lose_site()
    assert why(shop.reach("site", "SHOP", RDP)) == "site lost"


# --- test VMs and endpoints -------------------------------------------------------------------------------------------


@pytest.mark.rule("3.3-3")
def test_a_test_vm_on_no_network_is_reached_by_an_endpoint_alone(shop: Lab) -> None:
    """Beside production, from the internet, after an endpoint is added: at its name and its public address."""
    shop.vault.test_failover("SHOP", wait=True)
    shop.run("5min")
    page = shop.azure.machine("SHOP-test")
    assert (page.network, page.dns_name) == (None, "SHOP-test.cloudapp.net")
    assert why(shop.reach("internet", page.dns_name, 50_000)) == "no endpoint"
    assert error_of(lambda: shop.azure.connect("SHOP-test")).code == 900956
    shop.azure.add_endpoint("SHOP-test", "Remote Desktop", 50_000, RDP)
    for target in (page.dns_name, page.vip):
        assert shop.reach("internet", target, 50_000).machine == "test/SHOP-test"
        assert why(shop.reach("internet", target, RDP)) == "no endpoint"
    assert shop.reach("site", "SHOP", RDP).machine == "site/SHOP"  # production has its name
    assert why(shop.reach("site", "azure:SHOP-test", RDP)) == "no route"
    shop.azure.remove_endpoint("SHOP-test", "Remote Desktop")
    assert error_of(lambda: shop.azure.connect("SHOP-test")).code == 900956


@pytest.mark.rule("3.3-3", "3.3-2")
def test_a_test_on_the_corporate_network_takes_the_name(joined: Lab) -> None:
    """A test VM is a copy and calls itself SHOP: where the VPN joins it to the site, the name stands twice."""
    job = joined.vault.test_failover("SHOP", network="Corp", wait=True)
    joined.run("5min")
    answer = joined.reach("site", "SHOP", RDP)
    assert answer.machine == "test/SHOP-test"
    assert answer.conflict == ("site/SHOP", "test/SHOP-test")
    assert joined.azure.machine("SHOP-test").conflict == answer.conflict
    joined.wait(job.complete())
    answer = joined.reach("site", "SHOP", RDP)
    assert (answer.machine, answer.conflict) == ("site/SHOP", ())


@pytest.mark.rule("3.3-4")
def test_network_level_authentication_refuses_a_domain_account(shop: Lab) -> None:
    """In an isolated VM a domain account is refused, with both cures; each of them works."""
    shop.vault.test_failover("SHOP", wait=True)
    shop.run("5min")
    shop.azure.add_endpoint("SHOP-test", "Remote Desktop", RDP, RDP)
    error = error_of(lambda: shop.azure.connect("SHOP-test", DOMAIN))
    assert error.code == 900963
    assert LOCAL in error.action
    assert "set_network_level_authentication" in error.action
    assert shop.azure.connect("SHOP-test", LOCAL).user == "SHOP\\Administrator"
    shop.azure.set_network_level_authentication("SHOP-test", False)
    assert shop.azure.connect("SHOP-test", DOMAIN).user == DOMAIN
    # an account the guest has never seen still needs a domain controller
    assert error_of(lambda: shop.azure.connect("SHOP-test", "DEMO\\Operator")).code == 900964
    assert error_of(lambda: shop.azure.connect("SHOP-test", "DEMO\\Nobody")).code == 900629


@pytest.mark.rule("3.3-4")
def test_what_is_seen_is_the_vms_own_disk(shop: Lab) -> None:
    """Disks with their sizes, and the orders that SQL finds on the point's disk, with what the test took since."""
    shop.vault.test_failover("SHOP", wait=True)
    point = shop.vault.items["SHOP"].recovery_points[-1].id
    shop.run("1min")
    shop.azure.add_endpoint("SHOP-test", "Remote Desktop", RDP, RDP)
    early = error_of(lambda: shop.azure.connect("SHOP-test"))
    shop.run("9min")
    seen = shop.azure.connect("SHOP-test")
    assert early.code in (900961, 900956)
    assert seen.disks == {"os": 24 << 20, "data": 20 << 20}
    on_point = rows(export_disk(shop, "SHOP", "data", "azure", str(point)), "orders")
    assert len(on_point) < seen.orders < len(on_point) + 10 * 6 + 2
    assert seen.application == "answering"
    assert seen.last_order is not None
    assert seen.last_order > "2014-10-01T10:0"
    shop.run("10min")
    assert shop.azure.connect("SHOP-test").orders > seen.orders


# --- the guest's own settings -----------------------------------------------------------------------------------------


@pytest.mark.rule("2.4-5")
@pytest.mark.parametrize(("vm", "reason", "code"), [(CLOSED, "firewall", 900958), (DISABLED, "remote off", 900957)])
def test_a_guest_that_lets_nobody_in(tmp_path: Path, vm: str, reason: str, code: int) -> None:
    """Protection does not check it; the learner finds out in the test, sets it right at the site, and tests again."""
    with new_lab(tmp_path, vm) as lab:
        assert lab.vault.items["SHOP"].state == "Protected"
        job = lab.vault.test_failover("SHOP", wait=True)
        lab.run("5min")
        lab.azure.add_endpoint("SHOP-test", "Remote Desktop", RDP, RDP)
        page = lab.azure.machine("SHOP-test")
        assert why(lab.reach("internet", page.dns_name, RDP)) == reason
        error = error_of(lambda: lab.azure.connect("SHOP-test"))
        assert error.code == code
        assert "lab.site.set_remote" in error.action
        lab.site.set_remote("SHOP", enabled=True, firewall="open")
        assert error_of(lambda: lab.azure.connect("SHOP-test")).code == code  # the test has its own disk
        lab.wait(job.complete())
        lab.run("10min")
        lab.vault.test_failover("SHOP", wait=True)
        lab.run("5min")
        lab.azure.add_endpoint("SHOP-test", "Remote Desktop", RDP, RDP)
        assert lab.azure.connect("SHOP-test").host_name == "SHOP"


@pytest.mark.rule("2.4-5")
def test_a_setting_is_in_the_recovery_points_after_it(shop: Lab) -> None:
    """A VM made from a point of before the change has what was set then, and takes home what was set in Azure."""
    old = shop.vault.items["SHOP"].recovery_points[-1].id
    shop.site.set_remote("SHOP", firewall="closed")
    assert why(shop.reach("site", "SHOP", RDP)) == "firewall"
    job = shop.vault.test_failover("SHOP", point=old, wait=True)
    shop.run("5min")
    shop.azure.add_endpoint("SHOP-test", "Remote Desktop", RDP, RDP)
    assert shop.azure.connect("SHOP-test").host_name == "SHOP"
    shop.wait(job.complete())
    shop.site.set_remote("SHOP", firewall="open")
    _over(shop)
    shop.azure.set_network_level_authentication("SHOP", False)
    shop.vault.commit("SHOP", wait=True)
    shop.vault.failback("SHOP", synchronise="during", wait=True)
    shop.vault.commit("SHOP", wait=True)
    shop.wait(shop.vault.items["SHOP"])
    shop.vault.reverse_replication("SHOP", wait=True)
    shop.run("1h")
    shop.vault.test_failover("SHOP", wait=True)
    shop.run("5min")
    shop.azure.add_endpoint("SHOP-test", "Remote Desktop", RDP, RDP)
    assert shop.azure.connect("SHOP-test", DOMAIN).user == DOMAIN


@pytest.mark.rule("2.4-5")
def test_ssh_for_what_is_not_windows(tmp_path: Path) -> None:
    """A FreeBSD guest answers on 22, not on 3389, and knows no domain."""
    with new_lab(tmp_path, QUIET) as lab:
        assert [why(lab.reach("site", "QUIET", port)) for port in (SSH, RDP)] == ["", "nothing listens"]
        lab.vault.test_failover("QUIET", wait=True)
        lab.run("5min")
        error = error_of(lambda: lab.azure.connect("QUIET-test"))
        assert (error.code, "SSH (22)" in error.message) == (900956, True)
        lab.azure.add_endpoint("QUIET-test", "SSH", 2222, SSH)
        seen = lab.azure.connect("QUIET-test", "root")
        assert (seen.user, seen.application, seen.orders, seen.last_order) == ("QUIET\\root", "none", 0, None)


def test_an_unknown_firewall_is_refused(shop: Lab) -> None:
    """A firewall is open or closed."""
    assert error_of(lambda: shop.site.set_remote("SHOP", firewall="ajar")).code == 900545


# --- domain controllers -----------------------------------------------------------------------------------------------


@pytest.mark.rule("3.1-4")
def test_a_domain_controller_in_azure(shop: Lab) -> None:
    """On a closed network a domain account needs a DC beside the VM; deleted again, it is refused again."""
    _over(shop)
    shop.azure.add_endpoint("SHOP", "Remote Desktop", RDP, RDP)
    assert error_of(lambda: shop.azure.connect("SHOP", DOMAIN)).code == 900963
    assert why(shop.reach("azure:SHOP", "site:SHOP", RDP)) == "no route"
    page = shop.azure.create_machine("DC02", network="AzureNetwork")
    assert (page.internal_address, page.size) == ("10.0.0.5", "Standard_A1 (1 core, 1.75 GB memory)")
    assert error_of(lambda: shop.azure.connect("SHOP", DOMAIN)).code == 900963  # it has not started yet
    shop.run("5min")
    assert shop.azure.connect("SHOP", DOMAIN).user == DOMAIN
    assert [why(shop.reach("azure:SHOP", "DC02", port)) for port in (389, 80)] == ["", "nothing listens"]
    assert shop.verify(full=True) == []
    shop.azure.delete_machine("DC02")
    assert error_of(lambda: shop.azure.connect("SHOP", DOMAIN)).code == 900963


@pytest.mark.rule("3.1-4")
def test_without_one_it_depends_on_the_vpn(joined: Lab) -> None:
    """Over the VPN the site's DC confirms the account and gives names; with the VPN lost neither works."""
    _over(joined)
    joined.azure.add_endpoint("SHOP", "Remote Desktop", RDP, RDP)
    assert joined.azure.connect("SHOP", DOMAIN, client="internet").user == DOMAIN
    joined.faults.lose_vpn()
    assert error_of(lambda: joined.azure.connect("SHOP", DOMAIN, client="internet")).code == 900963
    joined.azure.create_machine("DC02", network="Corp", role=None)
    joined.run("5min")
    assert error_of(lambda: joined.azure.connect("SHOP", DOMAIN, client="internet")).code == 900963  # no DC, that one


@pytest.mark.rule("3.1-4")
def test_vms_in_azure_and_the_site(tmp_path: Path) -> None:
    """Names and ways between VMs: on one network with a DC, over the VPN to the site, not between isolated tests."""
    with new_lab(tmp_path, SHOP, BILLS) as lab:
        lab.run("30min")
        for vm in ("SHOP", "BILLS"):
            lab.vault.test_failover(vm, wait=True)
        lab.run("5min")
        assert why(lab.reach("azure:SHOP-test", "azure:BILLS-test", RDP)) == "no route"
        assert why(lab.reach("azure:SHOP-test", "BILLS", RDP)) == "name"
        assert why(lab.reach("SHOP", "BILLS", RDP)) == ""
        for vm in ("SHOP", "BILLS"):
            lab.vault.complete_test(vm, wait=True)
        corporate(lab)
        lab.vault.planned_failover("SHOP", wait=True)
        lab.run("5min")
        assert lab.reach("azure:SHOP", "BILLS", RDP).path == ("azure:SHOP", "dns", "vpn Corp", "site/BILLS")
        assert lab.reach("BILLS", "SHOP", RDP).machine == "azure/SHOP"
        lab.vault.planned_failover("BILLS", wait=True)
        lab.run("5min")
        lab.faults.lose_vpn()
        assert why(lab.reach("azure:SHOP", "azure:BILLS", RDP)) == ""
        assert why(lab.reach("azure:SHOP", "BILLS", RDP)) == "name"  # Azure's own names end with the cloud service
        lab.azure.create_machine("DC02", network="Corp")
        lab.run("5min")
        assert why(lab.reach("azure:SHOP", "BILLS", RDP)) == ""


def test_the_table_of_all_pairs(joined: Lab) -> None:
    """Every client with every VM, as each would name it, with the reasons in words."""
    _over(joined)
    table = views.reach(joined)
    assert list(table.columns) == ["client", "target", "port", "reached", "reason", "path", "conflict"]
    assert set(table["client"]) == {"site", "internet", "azure:SHOP"}
    assert set(table["target"]) == {"SHOP", "SHOP.cloudapp.net", "azure:SHOP"}
    found = table.set_index(["client", "target"])
    assert bool(found.loc[("site", "SHOP"), "reached"])
    assert found.loc[("internet", "SHOP.cloudapp.net"), "reason"]
    assert (table["reached"] == (table["reason"] == "")).all()


def test_a_copy_goes_on_alike(joined: Lab, tmp_path: Path) -> None:
    """A lab closed and opened anew gives the same answers: all of it is in the file."""
    joined.faults.break_dns()
    _over(joined)
    path = joined.copy(tmp_path / "again.lab")
    with labkit.open(path) as again:
        for target in ("SHOP", "10.9.0.4", "azure:SHOP"):
            assert again.reach("site", target, RDP) == joined.reach("site", target, RDP)
        assert again.azure.machine("SHOP") == joined.azure.machine("SHOP")
        assert again.verify(full=True) == []


@pytest.mark.rule("2.4-5")
def test_readiness_sees_what_was_set(tmp_path: Path) -> None:
    """The readiness page warns of a guest that lets nobody in, and no longer once it was set right at the site."""
    with new_lab(tmp_path, DISABLED) as lab:
        assert _warned(lab)
        lab.site.set_remote("SHOP", enabled=True)
        assert not _warned(lab)
        lab.site.set_remote("SHOP", firewall="closed")
        assert _warned(lab)


def _warned(lab: Lab) -> bool:
    def found(world: World) -> bool:
        rules = requirements.check(subjects.of_world(world, vms.get(world, "SHOP")))
        return "2.4-5" in [finding.rule for finding in rules if finding.severity == "warns"]

    return lab.read(found)


def test_faults_of_the_way_have_words(shop: Lab) -> None:
    """The trainer's faults, endpoints and settings are told in words in the timeline."""
    shop.faults.lose_vpn()
    shop.faults.break_dns()
    shop.faults.restore_vpn()
    shop.site.set_remote("SHOP", firewall="closed")
    told = [events.headline(fact) for fact in list(shop.facts)[-4:]]
    assert told == [
        "Fault, site: the site-to-site VPN is down",
        "Fault, site: the DNS takes no updates of names",
        "A cause is gone: site",
        "The guest's remote access was changed: site/SHOP",
    ]

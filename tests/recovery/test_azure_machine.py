"""A VM in Azure: its page, addresses, endpoints, the quota it needs, whether it starts (rules 3.3-3, 3.4-5, F-7)."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

import labkit
from labkit.azure.hosted import AzureVm, CloudService
from labkit.engine.jobs import JobRecord
from labkit.engine.world import World
from labkit.lab import Lab
from labkit.recovery import azurevms
from tests.recovery.labs import BUSY, QUIET, SHOP, error_of, new_lab, records, state_of

MIDDLE = SHOP.replace("{name: SHOP,", "{name: SHOP, cpu: 2, memory: 2GB,")
PUBLIC = [ip_network("203.0.113.0/24"), ip_network("198.51.100.0/24")]


def small(name: str) -> str:
    """A VM that writes nothing and needs one core."""
    return f"{{name: {name}, os: FreeBSD 10.0, disks: [{{name: os, size: 24MB, used: 1MB}}]}}"


def hosted(lab: Lab) -> tuple[list[str], list[str]]:
    """What Azure keeps of VMs and of cloud services."""
    return lab.read(lambda world: ([vm.id for vm in world.all(AzureVm)], [s.id for s in world.all(CloudService)]))


# --- the page ---------------------------------------------------------------------------------------------------------


@pytest.mark.rule("3.4-5")
def test_the_page_of_a_vm_that_failed_over(tmp_path: Path) -> None:
    """State, DNS name without -test, host name, VIP, internal address, size, thumbprint, location."""
    with new_lab(tmp_path, MIDDLE) as lab:
        lab.run("30min")
        lab.vault.planned_failover("SHOP", wait=True)
        assert lab.azure.machine("SHOP").state == "Starting"
        lab.run("5min")
        page = lab.azure.machine("SHOP")
        assert (page.state, page.dns_name, page.host_name) == ("Running", "SHOP.cloudapp.net", "SHOP")
        assert page.size == "Standard_A2 (2 cores, 3.5 GB memory)"
        assert (page.thumbprint, page.location) == ("-", "East Asia")
        assert (page.network, page.subnet, page.internal_address) == ("AzureNetwork", "Subnet-1", "10.0.0.4")
        assert any(ip_address(page.vip) in space for space in PUBLIC)
        assert page.disks == lab.azure.machines["SHOP"].disks
        assert error_of(lambda: lab.azure.machine("SHOPP")).code == 900010


@pytest.mark.rule("3.4-3")
def test_both_sides_of_an_item(shop: Lab) -> None:
    """Name, size, server, network and storage on both sides; storage is not applicable at the site."""
    site, azure = shop.vault.items["SHOP"].properties.values()
    assert site == ("SHOP", "1 core, 1 GB memory", "HV01", "VirtualSwitch - FrontEnd", "(not applicable)")
    assert azure == (
        "SHOP",
        "Standard_A1 (1 core, 1.75 GB memory)",
        "Microsoft Azure",
        "AzureNetwork",
        "mysiterecovery",
    )
    shop.vault.set_target("SHOP", size="M", azure_name="SHOP-IN-AZURE")
    assert shop.vault.items["SHOP"].properties["azure"][:2] == ("SHOP-IN-AZURE", "Standard_A2 (2 cores, 3.5 GB memory)")
    shop.vault.planned_failover("SHOP", wait=True)
    assert shop.azure.machine("SHOP-IN-AZURE").dns_name == "SHOP-IN-AZURE.cloudapp.net"
    assert shop.azure.machine("SHOP-IN-AZURE").host_name == "SHOP"
    shop.vault.commit("SHOP", wait=True)
    assert shop.vault.items["SHOP"].properties["azure"].network == "AzureNetwork"
    assert shop.vault.items["SHOP"].active_location == "Recovery"


# --- networks and addresses -------------------------------------------------------------------------------------------


def test_addresses_are_given_in_order_and_come_back(tmp_path: Path) -> None:
    """The lowest free ones from .4 on; deleted VMs give theirs back; nothing is left at the end."""
    with new_lab(tmp_path, small("A"), small("B"), small("C")) as lab:
        lab.run("10min")
        for vm in "ABC":
            lab.vault.test_failover(vm, network="AzureNetwork", wait=True)
        found = [lab.azure.machine(f"{vm}-test") for vm in "ABC"]
        assert [page.internal_address for page in found] == ["10.0.0.4", "10.0.0.5", "10.0.0.6"]
        assert len({page.vip for page in found}) == 3
        lab.vault.complete_test("B", wait=True)
        lab.vault.test_failover("B", network="AzureNetwork", wait=True)
        again = lab.azure.machine("B-test")
        assert (again.internal_address, again.vip) == ("10.0.0.5", found[1].vip)
        for vm in "ABC":
            lab.vault.complete_test(vm, wait=True)
        assert hosted(lab) == ([], [])
        assert lab.verify(full=True) == []


@pytest.mark.rule("3.3-3")
def test_the_subnet_of_the_sources_name_else_the_first(shop: Lab) -> None:
    """Facts 2.7; a gateway's subnet is none for VMs."""
    own = {"Front": "10.5.1.0/24", "VirtualSwitch - FrontEnd": "10.5.2.0/24"}
    shop.azure.create_network("Named", "East Asia", "10.5.0.0/16", subnets=own)
    shop.azure.create_network("First", "East Asia", "10.6.0.0/16", subnets={"Z": "10.6.9.0/24", "A": "10.6.1.0/24"})
    for network, subnet, address in (
        ("Named", "VirtualSwitch - FrontEnd", "10.5.2.4"),
        ("First", "Z", "10.6.9.4"),
        (None, None, "100.72.0.4"),
    ):
        job = shop.vault.test_failover("SHOP", network=network, wait=True)
        page = shop.azure.machine("SHOP-test")
        assert (page.network, page.subnet, page.internal_address) == (network, subnet, address)
        shop.wait(job.complete())


def test_a_network_without_a_subnet(shop: Lab) -> None:
    """28020 as the job's error, before anything is done at the site; nothing is left."""
    shop.azure.create_network("None", "East Asia", "10.7.0.0/24", subnets={}, vpn="site-to-site")
    shop.vault.map_network(target="None", wait=True)
    for begin in (
        lambda: shop.vault.planned_failover("SHOP"),
        lambda: shop.vault.test_failover("SHOP", network="None"),
    ):
        job = begin()
        assert error_of(lambda job=job: shop.wait(job)).code == 28020  # type: ignore[misc]
        assert shop.site.machines["SHOP"].state == "Running"
    assert (shop.azure.machines, hosted(shop), state_of(shop, "SHOP")) == ({}, ([], []), "Protected")


def test_a_network_too_small(tmp_path: Path) -> None:
    """A /29 has room for three VMs: three tests fit, the fourth fails with 161018 and the three go on."""
    with new_lab(tmp_path, *map(small, "ABCD")) as lab:
        lab.azure.create_network("Tiny", "East Asia", "10.8.0.0/28", subnets={"S": "10.8.0.8/29"})
        for vm in "ABC":
            lab.vault.test_failover(vm, network="Tiny", wait=True)
        error = error_of(lambda: lab.vault.test_failover("D", network="Tiny", wait=True))
        assert (error.code, "10.8.0.8/29" in error.message) == (161018, True)
        assert [lab.azure.machine(f"{vm}-test").internal_address for vm in "ABC"] == [
            "10.8.0.12",
            "10.8.0.13",
            "10.8.0.14",
        ]
        assert state_of(lab, "D") == "Protected"


@pytest.mark.rule("3.3-1")
def test_networks_a_test_cannot_be_on(shop: Lab) -> None:
    """One of the site, one in another region, one that is none: refused at the call, and nothing is made."""
    shop.azure.create_network("Elsewhere", "Japan East")
    for network, code in (("VirtualSwitch - FrontEnd", 25080), ("Elsewhere", 900828), ("AzureNetwrk", 900010)):
        assert error_of(lambda n=network: shop.vault.test_failover("SHOP", network=n)).code == code  # type: ignore[misc]
    assert hosted(shop) == ([], [])


# --- endpoints and the shared address ---------------------------------------------------------------------------------


@pytest.mark.rule("3.3-3")
def test_vms_of_a_plan_share_an_address(tmp_path: Path) -> None:
    """One cloud service, one VIP, the plan's name; a public port taken by one VM is refused for the other."""
    with new_lab(tmp_path, small("A"), small("B")) as lab:
        jobs = [lab.vault.test_failover(vm) for vm in "AB"]

        def share(world: World) -> None:
            for job in jobs:
                world.get(JobRecord, job.id).data[azurevms.SERVICE] = "SHIFT"

        lab.command("plan", {}, share)
        for job in jobs:
            lab.wait(job)
        lab.run("5min")
        one, two = (lab.azure.machine(f"{vm}-test") for vm in "AB")
        assert one.dns_name == two.dns_name == "SHIFT-test.cloudapp.net"
        assert one.vip == two.vip
        assert one.internal_address != two.internal_address
        assert lab.azure.quotas["cloud_services"].used == 1
        lab.azure.add_endpoint("A-test", "SSH", 22, 22)
        error = error_of(lambda: lab.azure.add_endpoint("B-test", "SSH", 22, 22))
        assert (error.code, "A-test" in error.message) == (900950, True)
        lab.azure.add_endpoint("B-test", "SSH", 23, 22)
        assert lab.reach("internet", one.dns_name, 22).machine == "test/A-test"
        assert lab.reach("internet", one.dns_name, 23).machine == "test/B-test"
        assert lab.reach("azure:A-test", "B", 22).reached  # in one cloud service (facts 2.7)
        lab.vault.complete_test("A", wait=True)
        assert lab.azure.machine("B-test").vip == two.vip
        lab.vault.complete_test("B", wait=True)
        assert hosted(lab) == ([], [])


def test_endpoints_that_are_refused(shop: Lab) -> None:
    """Ports from 1 to 65,535, tcp or udp, each public port and protocol once, each name once a VM."""
    shop.vault.test_failover("SHOP", wait=True)
    add = shop.azure.add_endpoint
    for port, code in ((0, 900627), (65_536, 900627), (True, 900063), ("80", 900063)):
        assert error_of(lambda p=port: add("SHOP-test", "A", p, 80)).code == code  # type: ignore[misc]
        assert error_of(lambda p=port: add("SHOP-test", "A", 80, p)).code == code  # type: ignore[misc]
    assert error_of(lambda: add("SHOP-test", "A", 80, 80, "icmp")).code == 900545
    assert error_of(lambda: add("SHOP-tst", "A", 80, 80)).code == 900010
    add("SHOP-test", "A", 1, 65_535)
    add("SHOP-test", "B", 65_535, 1)
    add("SHOP-test", "C", 1, 65_535, "udp")
    assert error_of(lambda: add("SHOP-test", "D", 1, 80)).code == 900950
    assert error_of(lambda: add("SHOP-test", "A", 2, 80)).code == 900951
    assert error_of(lambda: shop.azure.remove_endpoint("SHOP-test", "D")).code == 900953
    shop.azure.remove_endpoint("SHOP-test", "A")
    assert add("SHOP-test", "D", 1, 80)[-1].name == "D"


def test_no_more_endpoints_than_a_cloud_service_has(shop: Lab) -> None:
    """150 fit, and not one more (facts 4.3)."""
    shop.vault.test_failover("SHOP", wait=True)
    for port in range(1, 151):
        shop.azure.add_endpoint("SHOP-test", f"E{port}", port, 80)
    assert error_of(lambda: shop.azure.add_endpoint("SHOP-test", "E151", 151, 80)).code == 900952


# --- the quota of cores -----------------------------------------------------------------------------------------------


@pytest.mark.rule("F-7")
def test_the_quota_of_cores_at_a_failover(tmp_path: Path) -> None:
    """20 cores: two VMs of 8 and one of 4 fit; one core more is 28031, repeatable; the others are not undone."""
    with new_lab(tmp_path, *map(small, "ABCD")) as lab:
        lab.run("10min")
        for vm, size in (("A", "XL"), ("B", "A7"), ("C", "L"), ("D", "XS")):
            lab.vault.set_target(vm, size=size)
        begun = [lab.vault.planned_failover(vm) for vm in "ABC"]
        for job in begun:
            lab.wait(job)
        assert lab.azure.quotas["cores"].used == 20
        job = lab.vault.planned_failover("D")
        error = error_of(lambda: lab.wait(job))
        assert (error.code, error.details["quota"], error.details["more"]) == (28031, "cores", 1)
        assert job.state == "Failed"
        assert lab.site.machines["D"].state == "Running"  # found at the check, before the shut-down
        assert {lab.azure.machines[vm].state for vm in "ABC"} == {"Starting"}
        lab.azure.raise_quota("cores", 21)
        lab.vault.planned_failover("D", wait=True)
        lab.run("5min")
        assert {lab.azure.machines[vm].state for vm in "ABCD"} == {"Running"}
        assert lab.azure.quotas["cores"] == (21, 21, 10_000)


@pytest.mark.rule("F-7")
def test_a_smaller_size_fits(tmp_path: Path) -> None:
    """Begun at one instant all pass the check; whoever comes last to the making fails, and fits with a smaller size."""
    with new_lab(tmp_path, *map(small, "ABC")) as lab:
        lab.run("10min")
        for vm in "ABC":
            lab.vault.set_target(vm, size="A7")
        begun = {vm: lab.vault.unplanned_failover(vm) for vm in "ABC"}
        lab.run("10min")
        assert sorted(job.state for job in begun.values()) == ["Failed", "Succeeded", "Succeeded"]
        lost = next(vm for vm, job in begun.items() if job.state == "Failed")
        error = begun[lost].error
        assert error is not None
        assert error.code == 28031
        assert [task.name for task in begun[lost].tasks if task.state == "Failed"] == ["VmFailover"]
        lab.run("10min")
        assert lab.vault.items[lost].rpo is not None
        lab.vault.set_target(lost, size="L")
        lab.vault.unplanned_failover(lost, wait=True)
        assert lab.azure.quotas["cores"].used == 20
        assert len(lab.azure.machines) == 3
        assert lab.verify() == []


@pytest.mark.rule("F-7")
def test_cloud_services_are_a_quota_too(tmp_path: Path) -> None:
    """The twentieth VM has a cloud service of its own, the twenty-first has none left."""
    with new_lab(tmp_path, QUIET) as lab:
        lab.azure.raise_quota("cores", 100)
        for number in range(19):
            lab.azure.create_machine(f"M{number}", network="AzureNetwork", size="XS", role=None)
        lab.vault.test_failover("QUIET", wait=True)
        error = error_of(lambda: lab.azure.create_machine("M19", network="AzureNetwork", size="XS"))
        assert (error.code, error.details["quota"]) == (28031, "cloud_services")


# --- does it start? ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("block", "starts"), [(0, False), (1, False), (2, True)])
def test_a_boot_region_that_was_flipped(shop: Lab, block: int, starts: bool) -> None:
    """A bit flipped in the replica's first two blocks: 170010, and the test leaves nothing; behind them it starts."""
    shop.faults.flip_block("SHOP", "os", block)
    job = shop.vault.test_failover("SHOP")
    if starts:
        shop.wait(job)
        shop.run("5min")
        assert shop.azure.machine("SHOP-test").state == "Running"
        return
    error = error_of(lambda: shop.wait(job))
    assert (error.code, str(block) in error.cause) == (170010, True)
    assert (shop.azure.machines, hosted(shop), state_of(shop, "SHOP")) == ({}, ([], []), "Protected")


@pytest.mark.rule("3.4-2")
@pytest.mark.parametrize("kind", ["planned", "unplanned"])
def test_an_earlier_point_is_the_cure(shop: Lab, kind: str) -> None:
    """After a failover that does not start the item waits for its commit; from an earlier point the VM starts."""
    if kind == "planned":
        shop.site.shut_down("SHOP")  # so that nothing is written over the damage
        shop.run("6min")
    good = shop.vault.items["SHOP"].recovery_points[-4].id
    shop.faults.flip_block("SHOP", "os", 0)
    if kind == "unplanned":
        shop.faults.lose_site()
    job = getattr(shop.vault, f"{kind}_failover")("SHOP")
    assert error_of(lambda: shop.wait(job)).code == 170010
    assert job.state == "Failed"
    assert shop.azure.machine("SHOP").state == "Off"
    assert "ChangePit" in shop.vault.items["SHOP"].allowed_operations
    assert records(shop)[-1].integrity[0].equal is False
    assert error_of(lambda: shop.vault.commit("SHOP")).code == 170010
    shop.vault.change_recovery_point("SHOP", good, wait=True)
    shop.run("5min")
    assert shop.azure.machines["SHOP"].answering
    shop.vault.commit("SHOP", wait=True)


@pytest.mark.rule("3.4-2", "F-7")
def test_a_change_of_the_point_that_finds_no_cores(shop: Lab) -> None:
    """Another VM takes the cores meanwhile: 28031; nothing to be committed; repeated with a core free, it ends well."""
    shop.vault.unplanned_failover("SHOP", wait=True)
    job = shop.vault.change_recovery_point("SHOP", shop.vault.items["SHOP"].recovery_points[-2].id)
    shop.run("1min")
    for name, size in (("A", "XL"), ("B", "XL"), ("C", "L")):
        shop.azure.create_machine(name, network="AzureNetwork", size=size, role=None)
    assert error_of(lambda: shop.wait(job)).code == 28031
    assert "SHOP" not in shop.azure.machines
    assert error_of(lambda: shop.vault.commit("SHOP")).code == 900966
    shop.azure.delete_machine("C")
    shop.vault.change_recovery_point("SHOP", wait=True)
    shop.run("5min")
    assert shop.azure.machines["SHOP"].answering
    shop.vault.commit("SHOP", wait=True)


@pytest.mark.parametrize("fault", ["drop_cycle", "cut_cycle", "swap_cycles"])
def test_an_old_boot_region_boots(shop: Lab, fault: str) -> None:
    """A log that was lost or half applied leaves what the guest wrote before: that starts, damaged as it is."""
    getattr(shop.faults, fault)("SHOP")
    shop.run("11min")
    shop.vault.unplanned_failover("SHOP", wait=True)
    shop.run("5min")
    assert shop.azure.machine("SHOP").state == "Running"


def test_no_vm_is_refused_that_was_not_damaged(tmp_path: Path) -> None:
    """Undamaged replicas start from every recovery point there is, encrypted or not."""
    with new_lab(tmp_path, BUSY, seed=7, retention="3h") as lab:
        lab.run("3h")
        for point in lab.vault.items["BUSY"].recovery_points[::7]:
            job = lab.vault.test_failover("BUSY", point=point.id, wait=True)
            lab.wait(job.complete())


# --- VMs of one's own -------------------------------------------------------------------------------------------------


@pytest.mark.rule("3.1-4")
def test_a_vm_apart_from_site_recovery(shop: Lab) -> None:
    """It stands in the list of VMs and is charged; what it cannot be is refused; deleted, nothing is left."""
    create = shop.azure.create_machine
    refused = [
        (lambda: create("DC 02", network="AzureNetwork"), 70044),
        (lambda: create("SHOP", network="AzureNetwork"), 900809),
        (lambda: create("DC02", network="AzureNetwrk"), 900010),
        (lambda: create("DC02", network="AzureNetwork", size="B1"), 900240),
        (lambda: create("DC02", network="AzureNetwork", role="web"), 900545),
    ]
    for call, code in refused:
        assert error_of(call).code == code
    assert create("DC02", network="AzureNetwork", size="M").size == "Standard_A2 (2 cores, 3.5 GB memory)"
    assert error_of(lambda: create("DC02", network="AzureNetwork")).code == 900809
    assert shop.azure.quotas["cores"].used == 2
    shop.run("1d")
    assert shop.azure.machines["DC02"].state == "Running"
    assert shop.verify(full=True) == []
    shop.azure.delete_machine("DC02")
    assert hosted(shop) == ([], [])


def test_a_lab_of_before_is_shown(shop: Lab) -> None:
    """A VM of which Azure keeps nothing, as in a lab of before, has a page, reaches nobody, and can be deleted."""
    shop.vault.planned_failover("SHOP", wait=True)
    shop.run("5min")

    def forget(world: World) -> None:
        for vm in world.all(AzureVm):
            world.remove(vm)
        for service in world.all(CloudService):
            world.remove(service)

    shop.command("forget", {}, forget)
    page = shop.azure.machine("SHOP")
    assert (page.dns_name, page.vip, page.internal_address, page.network) == ("-", "-", "-", None)
    assert not shop.reach("site", "SHOP", 3389).reached
    assert error_of(lambda: shop.azure.connect("SHOP")).code == 900956
    shop.vault.commit("SHOP", wait=True)
    shop.vault.failback("SHOP", synchronise="during", wait=True)
    shop.vault.commit("SHOP", wait=True)
    assert shop.azure.machines == {}


def test_same_history_same_addresses(shop: Lab, tmp_path: Path) -> None:
    """Two copies given the same commands have the same page and the same digest of events."""
    with labkit.open(shop.copy(tmp_path / "twin.lab")) as other:
        for lab in (shop, other):
            lab.vault.planned_failover("SHOP", wait=True)
            lab.azure.add_endpoint("SHOP", "RDP", 3389, 3389)
            lab.run("5min")
        assert shop.azure.machine("SHOP") == other.azure.machine("SHOP")
        assert shop.events_digest == other.events_digest

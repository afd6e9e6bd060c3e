"""The second site: hosts that are off, its own VMM, its own systems, and what only the first site has."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import labkit
from labkit import views
from labkit.lab import Lab
from labkit.replication.relation import Relation
from tests.recovery.labs import SHOP, error_of, new_lab
from tests.recovery.test_cloud_to_cloud import OURS, THEIRS, two_clouds


@pytest.fixture(scope="session")
def _protected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with two_clouds(tmp_path_factory.mktemp("second"), SHOP) as lab:
        for server in ("SC01", "SC02"):
            lab.vault.register_server(server, wait=True)
        lab.vault.configure_protection(target=THEIRS, points=3, wait=True)
        lab.vault.enable_protection("SHOP", wait=True)
        lab.wait(lab.vault.items["SHOP"])
        return lab.path


@pytest.fixture
def pair(_protected: Path, tmp_path: Path) -> Iterator[Lab]:
    """SHOP, protected to the other cloud with three points."""
    shutil.copy(_protected, tmp_path / "pair.lab")
    with labkit.open(tmp_path / "pair.lab") as lab:
        yield lab


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Lab]:
    """Two sites, VMM at work on both; nothing is registered yet."""
    with two_clouds(tmp_path, SHOP) as lab:
        yield lab


def _host(lab: Lab) -> str:
    return lab.read(lambda world: world.get(Relation, "SHOP").there)


# --- a host that is off -----------------------------------------------------------------------------------------------


@pytest.mark.rule("2.9-3")
def test_a_replica_host_that_is_off(pair: Lab) -> None:
    """Replication to it fails as the network does, is tried again, and goes on when it is back."""
    host = _host(pair)
    pair.run("30min")
    pair.site.stop_server(host)
    before = pair.site.replication("SHOP").successful_count
    pair.run("9min")
    assert pair.site.replication("SHOP").successful_count == before
    assert pair.read(lambda world: world.get(Relation, "SHOP").error) == "network"
    assert error_of(lambda: pair.vault.unplanned_failover("SHOP", wait=True)).code == 900521
    pair.site.start_server(host)
    pair.run("1h")
    assert pair.site.replication("SHOP").successful_count > before
    assert pair.vault.items["SHOP"].rpo <= 310
    assert pair.verify(full=True) == []


@pytest.mark.rule("1.2-4")
def test_a_host_with_an_active_vm_is_not_shut_down(pair: Lab) -> None:
    """After a failover to it, before its commit, and while a test VM is there."""
    host = _host(pair)
    test = pair.vault.test_failover("SHOP", wait=True)
    assert "SHOP" in error_of(lambda: pair.site.stop_server(host)).message
    pair.wait(test.complete())
    pair.vault.unplanned_failover("SHOP", wait=True)
    assert error_of(lambda: pair.site.stop_server(host)).code == 900841
    pair.vault.commit("SHOP", wait=True)
    assert error_of(lambda: pair.site.stop_server(host)).code == 900841


@pytest.mark.rule("1.1-2")
def test_plain_replication_to_a_host_that_is_off(two: Lab) -> None:
    """The same with Hyper-V alone; a failover to it is refused."""
    two.hyperv.enable("SHOP", "HV11")
    two.run("1h")
    two.site.stop_server("HV11")
    two.run("9min")
    assert two.read(lambda world: world.get(Relation, "SHOP").error) == "network"
    two.site.turn_off("SHOP")
    assert error_of(lambda: two.hyperv.failover("SHOP")).code == 900621
    two.site.start_server("HV11")
    two.hyperv.failover("SHOP")
    assert error_of(lambda: two.site.stop_server("HV11")).code == 900841


# --- who reaches it ---------------------------------------------------------------------------------------------------


def test_reach_says_that_the_second_site_has_no_networks(pair: Lab) -> None:
    """A VM that runs there is not called off, as target and as client; back at home it is reached; off, it is off."""
    pair.run("10min")
    assert pair.reach("site", "SHOP", 3389).reached
    pair.vault.planned_failover("SHOP", wait=True)
    pair.wait(pair.vault.items["SHOP"])
    for answer in (pair.reach("site", "SHOP", 3389), pair.reach("SHOP", "internet.test", 443)):
        assert (answer.reached, answer.reason) == (False, "second site")
        assert "second site" in answer.words
    assert list(views.reach(pair).query("client == 'site'").reason) == [pair.reach("site", "SHOP", 3389).words]
    pair.vault.planned_failover("SHOP", wait=True)
    pair.run("10min")
    assert pair.reach("site", "SHOP", 3389).reached
    pair.site.shut_down("SHOP")
    assert pair.reach("site", "SHOP", 3389).reason == "off"


# --- whose VMM --------------------------------------------------------------------------------------------------------


@pytest.mark.rule("1.2-3", "1.2-4", "1.2-8")
def test_failovers_need_the_second_sites_vmm(pair: Lab) -> None:
    """Each of them ends on the other side, and VMM there does it."""
    pair.site.vmm.on("SC02").stop_service()
    for failover in (pair.vault.test_failover, pair.vault.planned_failover, pair.vault.unplanned_failover):
        assert error_of(lambda failover=failover: failover("SHOP", wait=True)).code == 900521  # type: ignore[misc]
    assert error_of(lambda: pair.vault.disable_protection("SHOP", wait=True)).code == 900930
    assert error_of(lambda: pair.vault.change_protection(frequency="15min", wait=True)).code == 900525
    pair.site.vmm.on("SC02").start_service()
    pair.site.vmm.stop_service()
    pair.wait(pair.vault.test_failover("SHOP", wait=True).complete())
    assert error_of(lambda: pair.vault.planned_failover("SHOP", wait=True)).code == 900521
    pair.vault.unplanned_failover("SHOP", wait=True)


@pytest.mark.rule("2.6-2")
def test_the_first_site_is_not_asked_for_the_second(two: Lab) -> None:
    """SC02 registers, and its servers are shut down and started, whatever becomes of the first site."""
    two.site.vmm.stop_service()
    two.vault.register_server("SC02", wait=True)
    two.vault.unregister_server("SC02", wait=True)
    two.faults.lose_site()
    two.vault.register_server("SC02", wait=True)
    for server in ("HV11", "SC02"):
        two.site.stop_server(server)
        two.site.start_server(server)
    assert error_of(lambda: two.site.stop_server("HV01")).code == 900683


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.7-10")
def test_a_changed_frequency_outlives_a_turn(pair: Lab) -> None:
    """There and back it is replicated as was set."""
    pair.vault.change_protection(frequency="30s", app_consistent=2, wait=True)
    for _ in range(2):
        pair.vault.planned_failover("SHOP", wait=True)
        pair.wait(pair.vault.items["SHOP"])
        found = pair.read(lambda world: world.get(Relation, "SHOP"))
        assert (found.frequency, found.snapshots, found.retention) == (30_000, 2, 3)


@pytest.mark.rule("2.7-10", "2.7-11")
def test_a_change_is_checked_like_the_first_setting(pair: Lab) -> None:
    """Three points: snapshots every three hours at most."""
    error = error_of(lambda: pair.vault.change_protection(app_consistent=12))
    assert (error.code, error.details["values"]) == (900514, "0-3 h")
    pair.vault.change_protection(app_consistent=3, wait=True)


@pytest.mark.rule("1.1-1")
def test_a_host_of_2012_knows_five_minutes_only(tmp_path: Path) -> None:
    """Whichever of both clouds it is in; of plain replication the two hosts count."""
    servers = "{hosts: [HV01, {name: HV02, os: Windows Server 2012}]}"
    with two_clouds(tmp_path, SHOP, servers=servers) as lab:
        for server in ("SC01", "SC02"):
            lab.vault.register_server(server, wait=True)
        for target in (None, THEIRS):
            for frequency in ("30s", "15min"):
                error = error_of(
                    lambda target=target, frequency=frequency: lab.vault.configure_protection(  # type: ignore[misc]
                        target=target, frequency=frequency
                    )
                )
                assert error.code == 900514
        lab.vault.configure_protection(target=THEIRS, frequency="5min", wait=True)
        assert error_of(lambda: lab.vault.change_protection(frequency="15min")).code == 900514
        lab.hyperv.enable("SHOP", "HV11", frequency="30s")  # from HV01, of 2012 R2


# --- the provider's proxy ---------------------------------------------------------------------------------------------


@pytest.mark.rule("2.6-6", "2.8-1")
def test_without_its_proxy_the_provider_does_not_get_out(tmp_path: Path) -> None:
    """The job is the same from the portal and from VMM; with the proxy set it works again."""
    with new_lab(tmp_path, SHOP, stage="configured") as lab:
        lab.site.need_proxy("SC01")
        assert error_of(lab.vault.map_network).code == 900525
        assert error_of(lambda: lab.vault.enable_protection("SHOP", wait=True)).code == 900525
        assert error_of(lambda: lab.site.vmm.enable_protection("SHOP")).code == 900525
        lab.site.provider_proxy("proxy.contoso.com", user="CONTOSO\\me")
        lab.vault.map_network(wait=True)
        lab.site.vmm.enable_protection("SHOP", wait=True)


# --- what only the first site has -------------------------------------------------------------------------------------


@pytest.mark.rule("2.4-1")
def test_vms_are_made_at_the_first_site_only(two: Lab) -> None:
    """On a host or in a cloud of the second one it is refused, and that cloud is not protected to the first."""
    system = "Windows Server 2012 R2"
    second = two.site.vmm.on("SC02")
    assert error_of(lambda: second.create_vm("N1", system, cloud=THEIRS)).code == 900684
    assert error_of(lambda: second.create_vm("N1", system, host="HV11")).code == 900684
    assert error_of(lambda: two.site.create_vm("N1", system, host="HV11")).code == 900684
    for server in ("SC01", "SC02"):
        two.vault.register_server(server, wait=True)
    assert error_of(lambda: two.vault.configure_protection(THEIRS, target=OURS)).code == 900685

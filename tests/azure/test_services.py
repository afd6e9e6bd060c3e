"""Regions, quotas, storage accounts and virtual networks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import labkit
from labkit.engine import units
from labkit.lab import Lab
from labkit.site import sitefile
from labkit.views.timeline import timeline
from tests.recovery.labs import QUIET, error_of, guesses, new_lab


@pytest.fixture(scope="module")
def _signed_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with new_lab(tmp_path_factory.mktemp("azure"), QUIET, stage="start") as lab:
        lab.azure.sign_up("admin@contoso.com", "090-0000-0000", "0000000000000000", "pay-as-you-go")
        return lab.path


@pytest.fixture
def lab(_signed_up: Path, tmp_path: Path) -> Iterator[Lab]:
    """An Azure with a subscription and nothing else."""
    with labkit.open(_signed_up, read_only=True) as found:
        found.copy(tmp_path / "azure.lab")
    with labkit.open(tmp_path / "azure.lab") as found:
        yield found


# --- the time line ----------------------------------------------------------------------------------------------------


@pytest.mark.rule("1.1-6")
def test_the_time_line() -> None:
    """The guide's nine entries from April 2013 to September 2014, in order."""
    found = timeline()
    assert [row.when for row in found] == [
        *("2013-04", "2013-10", "2014-01", "2014-03", "2014-06", "2014-07", "2014-08-01", "2014-08-22", "2014-09"),
    ]
    assert [row.when for row in found if "InMage" in row.event] == ["2014-07"]
    assert [row.when for row in found if "Japan East" in row.event] == ["2014-08-22"]


@pytest.mark.rule("1.1-6")
def test_a_lab_begins_after_all_of_it(tmp_path: Path) -> None:
    """A lab may start on 2014-09-30 and not the day before: all that the time line tells of is there."""
    for day, accepted in (("2014-09-29", False), ("2014-09-30", True)):
        path = tmp_path / f"{day}.yml"
        path.write_text(f"site: s\nstart: {day}T12:00:00+09:00\nvms:\n  - {QUIET}\n", encoding="utf-8")
        if accepted:
            start = sitefile.read(path).start
            assert all(row.when <= units.show_instant(start, 540) for row in timeline())
        else:
            assert error_of(lambda found=path: sitefile.read(found)).code // 100 == 9002  # type: ignore[misc]


# --- storage accounts -------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.5-5")
def test_the_secondary_region_is_the_pair(lab: Lab) -> None:
    """Japan East has its other copies in Japan West and the reverse; locally redundant storage has none anywhere."""
    make = lab.azure.create_storage
    assert make("east", "Japan East")[1:] == ("Japan East", "GRS", "Japan West")
    assert make("west", "Japan West", "RA-GRS")[1:] == ("Japan West", "RA-GRS", "Japan East")
    assert make("local", "Japan East", "LRS").secondary is None
    assert make("zone", "Japan East", "ZRS").secondary is None
    assert make("brazil", "Brazil South").secondary == "South Central US"
    regions = lab.azure.regions
    assert all(regions[row.pair].pair == row.name for row in regions.values() if row.name != "Brazil South")


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("abc", True),
        ("a2345678901234567890bcde", True),
        ("7eleven", True),
        ("ab", False),
        ("a2345678901234567890bcdef", False),
        ("mySite", False),
        ("my-site", False),
        ("", False),
    ],
)
def test_names_of_storage_accounts(lab: Lab, name: str, allowed: bool) -> None:
    """3 to 24 lower-case letters and digits, both ends included."""
    if allowed:
        assert lab.azure.create_storage(name, "East Asia").name == name
    else:
        assert error_of(lambda: lab.azure.create_storage(name, "East Asia")).code == 900810


def test_what_is_not_there_or_there_already(lab: Lab) -> None:
    """An unknown region or redundancy comes with a guess; a name is taken once."""
    azure = lab.azure
    assert guesses(error_of(lambda: azure.create_storage("one", "japan-east")).cause, "Japan East")
    error = error_of(lambda: azure.create_storage("one", "Japan East", "RAGRS"))
    assert (error.code, guesses(error.cause, "RA-GRS")) == (900813, True)
    azure.create_storage("one", "Japan East")
    assert error_of(lambda: azure.create_storage("one", "Japan West")).code == 900809
    azure.quick_network("Net", "Japan East")
    assert error_of(lambda: azure.quick_network("Net", "Japan East")).code == 900809
    azure.create_vault("Vault", "Japan East")
    assert error_of(lambda: azure.create_vault("Vault", "Japan East")).code == 900809


# --- networks ---------------------------------------------------------------------------------------------------------


@pytest.mark.rule("2.5-6")
def test_quick_and_custom(lab: Lab) -> None:
    """Quick create makes a closed network; custom create takes subnets, DNS servers, and a VPN with its gateway."""
    quick = lab.azure.quick_network("Dummy", "East Asia")
    assert (quick.address_space, quick.subnets, quick.dns, quick.vpn) == (
        *("10.0.0.0/16", {"Subnet-1": "10.0.0.0/16"}, (), None),
    )
    custom = lab.azure.create_network(
        "Real",
        "East Asia",
        "192.168.0.0/16",
        subnets={"Front": "192.168.1.0/24", "Back": "192.168.2.0/24"},
        dns=["192.168.1.4", "192.168.1.5"],
        vpn="site-to-site",
    )
    assert custom.subnets == {
        "Front": "192.168.1.0/24",
        "Back": "192.168.2.0/24",
        "GatewaySubnet": "192.168.255.248/29",
    }
    assert (custom.dns, custom.vpn) == (("192.168.1.4", "192.168.1.5"), "site-to-site")
    half = lab.azure.create_network("Half", "East Asia", vpn="site-to-site")
    assert half.subnets == {"Subnet-1": "10.0.0.0/17", "GatewaySubnet": "10.0.255.248/29"}
    assert lab.azure.networks == ["Dummy", "Half", "Real"]


@pytest.mark.rule("2.5-6")
@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"address_space": "10.0.0.0/7"}, 900816),
        ({"address_space": "10.0.0.0/29"}, 900816),
        ({"address_space": "10.0.0.1/16"}, 900816),
        ({"address_space": "everything"}, 900816),
        ({"subnets": {"A": "10.1.0.0/24"}}, 900817),
        ({"subnets": {"A": "10.0.0.0/15"}}, 900817),
        ({"subnets": {"A": "10.0.0.0/30"}}, 900817),
        ({"subnets": {"A": "here"}}, 900817),
        ({"subnets": {"A": "10.0.0.0/24", "B": "10.0.0.128/25"}}, 900818),
        ({"subnets": {"A": "10.0.0.0/16"}, "vpn": "site-to-site"}, 900818),
        ({"dns": ["dc01"]}, 900819),
        ({"vpn": "point-to-site"}, 900545),
    ],
)
def test_networks_that_cannot_be(lab: Lab, settings: dict[str, object], code: int) -> None:
    """A space that is none, subnets outside it or over one another, a gateway without room, a name for an address."""
    assert error_of(lambda: lab.azure.create_network("Net", "East Asia", **settings)).code == code  # type: ignore[arg-type]
    assert lab.azure.networks == []


def test_networks_at_the_limits(lab: Lab) -> None:
    """The largest and the smallest space, the smallest subnet; names from a letter on, without a hyphen at the end."""
    lab.azure.create_network("A", "East Asia", "10.0.0.0/8")
    lab.azure.create_network("B1", "East Asia", "10.0.0.0/28", subnets={"S": "10.0.0.0/29"}, vpn="site-to-site")
    for name in ("1st", "end-", "two words", "", "x" * 64):
        assert error_of(lambda n=name: lab.azure.quick_network(n, "East Asia")).code == 900811  # type: ignore[misc]
    assert lab.azure.quick_network("x" * 63, "East Asia").vpn is None


# --- quotas -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("F-7")
def test_twenty_storage_accounts(lab: Lab) -> None:
    """The 21st is refused until the quota is raised; it goes up to 50 and no further."""
    for number in range(20):
        lab.azure.create_storage(f"storage{number}", "East Asia")
    assert lab.azure.quotas["storage_accounts"] == (20, 20, 50)
    error = error_of(lambda: lab.azure.create_storage("onemore", "East Asia"))
    assert (error.code, "20 of 20" in error.message) == (900814, True)
    for wrong in (20, 51, 0, 21.0, "30", True):
        code = error_of(lambda to=wrong: lab.azure.raise_quota("storage_accounts", to)).code  # type: ignore[misc]
        assert code == (900815 if type(wrong) is int else 900063)
    lab.azure.raise_quota("storage_accounts", 50)
    lab.azure.create_storage("onemore", "East Asia")
    assert lab.azure.quotas["storage_accounts"] == (21, 50, 50)
    assert guesses(error_of(lambda: lab.azure.raise_quota("storage", 30)).cause, "storage_accounts")


@pytest.mark.rule("F-7")
def test_ten_networks(lab: Lab) -> None:
    """The eleventh is refused until the quota is raised, or one is deleted; addresses of DNS servers count once."""
    for number in range(10):
        lab.azure.create_network(f"Net{number}", "East Asia", dns=["10.0.0.4"])
    assert lab.azure.quotas["dns_servers"].used == 1
    assert error_of(lambda: lab.azure.quick_network("Net10", "East Asia")).code == 900814
    lab.azure.delete_network("Net3")
    lab.azure.quick_network("Net10", "East Asia")
    lab.azure.raise_quota("virtual_networks", 11)
    lab.azure.quick_network("Net11", "East Asia")
    many = [f"10.0.0.{number}" for number in range(4, 13)]
    lab.azure.delete_network("Net11")
    assert error_of(lambda: lab.azure.create_network("D", "East Asia", dns=[*many, "10.0.0.13"])).code == 900814
    lab.azure.create_network("D", "East Asia", dns=many)

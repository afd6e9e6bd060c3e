"""Servers, hosts and clusters of a site file (rule 2.1-1): what a lab makes of them, and how faults are told."""

from __future__ import annotations

from pathlib import Path

import pytest

import labkit
from labkit.engine.errors import LabError
from labkit.site import sitefile
from tests.recovery.labs import QUIET
from tests.recovery.step2 import R2, lab_of, site_text

HOSTS = (
    "hosts: [HV01, {name: HV02, role: no}, {name: HV03, joined: no, free: 1GB, data_free: 0B},"
    " {name: HV04, switch: no, os: Windows Server 2012}]"
)


def faults(servers: str) -> list[str]:
    """The lines a site file with such servers is refused with."""
    with pytest.raises(LabError) as caught:
        sitefile.parse(site_text(servers=servers), "x.yml")
    assert caught.value.code == 900200
    return str(caught.value.details["faults"]).splitlines()


@pytest.mark.rule("2.1-1")
def test_what_a_host_may_be(tmp_path: Path) -> None:
    """Without role (and so without switch), outside the domain, with little room, without switch, of another system."""
    with lab_of(tmp_path, servers=f"{HOSTS}, proxy: [SC01, HV03]") as lab:
        views = {name: lab.site.server(name) for name in lab.site.hosts}
        assert list(views) == ["HV01", "HV02", "HV03", "HV04"]
        assert [view.features for view in views.values()] == [["Hyper-V"], [], ["Hyper-V"], ["Hyper-V"]]
        assert [len(view.switches) for view in views.values()] == [1, 0, 1, 0]
        assert [view.joined for view in views.values()] == [True, True, False, True]
        assert [view.os for view in views.values()] == [R2, R2, R2, "Windows Server 2012"]
        assert [name for name in lab.site.servers if lab.site.server(name).needs_proxy] == ["HV03", "SC01"]
        with pytest.raises(LabError) as caught:
            lab.site.install_agent("HV03", cache="D:")
        assert caught.value.code == 900837  # no data drive
        lab.site.install_agent("HV01", cache="D:")


def test_a_host_told_plainly_is_the_same() -> None:
    """A mapping with nothing but a name, or with every default said, is the plain name: the digest does not change."""
    plain = sitefile.digest(sitefile.parse(site_text(servers="hosts: [HV01]"), "x.yml"))
    for told in ("{name: HV01}", "{name: HV01, role: yes, joined: yes, switch: yes, free: 100GiB}"):
        assert sitefile.digest(sitefile.parse(site_text(servers=f"hosts: [{told}]"), "x.yml")) == plain
    assert sitefile.digest(sitefile.parse(site_text(servers="hosts: [{name: HV01, role: no}]"), "x.yml")) != plain


@pytest.mark.parametrize("address", ["dhcp", "static"])
def test_clusters(tmp_path: Path, address: str) -> None:
    """A cluster has its nodes, and an address of one kind."""
    clusters = f"clusters: [{{name: CL01, hosts: [HV01, HV02], address: {address}}}]"
    site = sitefile.parse(site_text(servers=f"hosts: [HV01, HV02, HV03], {clusters}"), "x.yml")
    (cluster,) = site.servers.clusters
    assert (cluster.name, cluster.hosts, cluster.static) == ("CL01", ("HV01", "HV02"), address == "static")
    with labkit.create(tmp_path / "a.lab", site=site) as lab:
        assert [lab.site.server(name).cluster for name in lab.site.hosts] == ["CL01", "CL01", ""]


@pytest.mark.parametrize(
    ("servers", "told"),
    [
        ("hosts: [{name: HV01, os: Windows Server 2008}]", "Windows Server 2012"),
        ("hosts: [{name: HV01, free: -1GB}]", "size"),
        ("hosts: [{name: HV01, free: 65TB}]", "64TB"),
        ("hosts: [{role: no}]", "name"),
        ("hosts: [{name: HV01, colour: red}]", "colour"),
        ("hosts: [HV01, {name: hv01}]", "every host once"),
        ("hosts: [HV01, {name: SC01}]", "every host once"),
        ("proxy: [SC09]", "SC01"),
        ("domain_controller: SC01", "a name of its own"),
        ("domain_controller: X, vmm: x", "a name of its own"),
        ("clusters: [{name: CL01, hosts: [HV09]}]", "hosts of the site, each in one cluster"),
        ("clusters: [{name: HV01, hosts: [HV01]}]", "a name of its own"),
        ("clusters: [{name: C1, hosts: [HV01]}, {name: C2, hosts: [HV01]}]", "each in one cluster"),
        ("clusters: [{name: C1, hosts: [HV01]}, {name: c1, hosts: [HV01]}]", "a name of its own"),
        ("clusters: [{name: C1, hosts: [HV01], address: fixed}]", "static"),
        ("clusters: [{name: C1, hosts: []}]", "hosts"),
        ("clusters: [{name: SC01, hosts: [HV01]}]", "a name of its own"),
    ],
)
def test_faults_between_servers(servers: str, told: str) -> None:
    """Each fault stands on the line of the servers and says what is allowed."""
    lines = faults(servers)
    assert all(line.startswith("x.yml:3:") for line in lines), lines
    assert any(told in line for line in lines), lines


@pytest.mark.rule("2.1-1")
def test_such_a_site_is_prepared_all_the_same(tmp_path: Path) -> None:
    """The later stages do what a learner would have done: role, domain, switch, cache, proxies; and protect."""
    servers = "hosts: [{name: HV01, role: no, joined: no, free: 1GB}], proxy: [SC01, HV01]"
    with lab_of(tmp_path, QUIET, servers=servers, stage="protected") as lab:
        view = lab.site.server("HV01")
        assert (view.joined, view.features, len(view.switches)) == (True, ["Hyper-V"], 1)
        assert lab.vault.items["QUIET"].state == "Protected"
        assert lab.verify() == []

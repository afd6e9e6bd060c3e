"""Site files: what they mean when they are right, and how they are refused when they are wrong."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.engine import resources, texts
from labkit.engine.errors import LabError
from labkit.site import sitefile
from labkit.site.sitefile import SiteFile
from tests.disks import makers

MIB, GB, MINUTE, HOUR = 2**20, 2**30, 60_000, 3_600_000
DESIGN = """\
site: three-tier
start: 2014-10-01T09:00:00+09:00
line: {bandwidth: 100Mbps, latency: 20ms}
cloud: {name: OnPremise Cloud, frequency: 5min, retention: 24h}
vms:
  - {name: DB01, os: Windows Server 2012 R2, cpu: 2, memory: 4GB, disks: [{name: os, size: 40GB}, \
{name: data, size: 100GB}], orders: 6/min, churn: 1MB/s}
  - {name: FILES01, os: Ubuntu Server, disks: [{name: os, image: files.vhdx}]}
objectives: {rto: 1h, rpo: 15min}
"""


def site_of(vms: str, more: str = "") -> SiteFile:
    """A site with these VMs, given as YAML flow lists."""
    return sitefile.parse(f"site: x\nvms:\n{vms}\n{more}", "x.yml")


def vm_line(name: str = "A", disks: str = "{name: os, size: 1GB}", more: str = "") -> str:
    """One VM as a line of YAML."""
    return f"  - {{name: {name}, os: Windows Server 2012 R2, disks: [{disks}]{', ' + more if more else ''}}}"


TWO_DISKS = "{name: os, size: 1GB}, {name: data, size: 1GB}"


def faults(text: str, name: str = "x.yml") -> list[str]:
    """The fault lines a text is refused with; their number is the number told."""
    with pytest.raises(LabError) as caught:
        sitefile.parse(text, name)
    assert caught.value.code == 900200
    lines = str(caught.value.details["faults"]).splitlines()
    assert caught.value.details["count"] == len(lines)
    assert caught.value.exit_status == 3
    return lines


@pytest.mark.rule("2.1-1")
def test_contoso_has_the_guides_names() -> None:
    """Servers, domain, cloud, switch, VMs, network and region are those of the guide's evaluation site."""
    site = sitefile.read("contoso")
    assert (site.servers.domain_controller, site.servers.vmm, site.servers.hosts) == ("DC01", "SC01", ("HV01",))
    assert site.servers.fqdn(site.servers.vmm) == "SC01.demo.contoso.com"
    assert (site.cloud.name, site.network) == ("OnPremise Cloud", "VirtualSwitch - FrontEnd")
    assert (site.azure.network, site.azure.region) == ("AzureNetwork", "East Asia")
    windows, bsd = site.vm("MYWSV01"), site.vm("MYBSD01")
    assert (windows.os, windows.cpu) == ("Windows Server 2012 R2", 2)
    assert (bsd.os, [disk.size for disk in bsd.disks]) == ("FreeBSD 10.0", [20 * GB])


def test_contoso_is_the_site_of_the_design() -> None:
    """MYWSV01 has os and data and takes 6 orders a minute; a VM with up to 1 TB of dynamic memory stands by."""
    site = sitefile.read("contoso")
    windows = site.vm("MYWSV01")
    assert [(disk.name, disk.size, disk.application) for disk in windows.disks] == [
        ("os", 40 * GB, False),
        ("data", 20 * GB, True),
    ]
    assert windows.orders_per_day == 6 * 60 * 24
    assert site.cloud.frequency == 5 * MINUTE
    assert (site.start, site.offset_min) == (1_412_121_600_000, 540)
    standby = [vm for vm in site.vms if not vm.protected]
    assert [(vm.name, vm.memory_max, vm.dynamic_memory) for vm in standby] == [("MYWSV02", 2**40, True)]


def test_three_tier_orders_and_invoices() -> None:
    """DB01 takes the orders, APP01 invoices them, nobody else has an application."""
    site = sitefile.read("three-tier")
    assert [(vm.name, vm.orders_per_day, vm.invoices) for vm in site.vms] == [
        ("DB01", 8640, False),
        ("APP01", None, True),
        ("WEB01", None, False),
        ("WEB02", None, False),
    ]


@pytest.mark.parametrize("name", ["contoso", "requirements", "three-tier", "two-sites"])
def test_shipped_sites_survive_json(name: str) -> None:
    """The tree goes through JSON unchanged, and its digest is that of the text, wherever it was read from."""
    site = sitefile.read(name)
    again = msgspec.json.decode(msgspec.json.encode(site), type=SiteFile)
    assert again == site
    text = resources.data("sites", f"{name}.yml").read_text("utf-8")
    assert sitefile.digest(sitefile.parse(text, "elsewhere.yml")) == sitefile.digest(again)
    assert sitefile.shipped() == ["contoso", "requirements", "three-tier", "two-sites"]


def test_the_example_of_the_documentation_is_right() -> None:
    """The site file printed in docs/site-files.md is accepted, and the list of systems there is complete."""
    page = (Path(__file__).parents[2] / "docs" / "site-files.md").read_text("utf-8")
    example = re.search(r"```yaml\n(.*?)```", page, re.S)
    assert example is not None
    site = sitefile.parse(example[1], "docs")
    assert site.vm("WEB01").data_disks[0].churn == sitefile.Churn(300 * 1024, 4096, 100)
    listed = " ".join(page.split("## Operating systems")[1].split())
    for system in resources.yaml("guest-os.yml")["systems"]:
        assert re.split(r"(?<=Server) |(?<=CentOS) |(?<=openSUSE) ", system["name"])[-1].split("Server ")[-1] in listed


def test_the_designs_example(tmp_path: Path) -> None:
    """The example of the design is read; the image is found beside the file and carries nothing."""
    folder = tmp_path / "サイト ファイル"
    folder.mkdir()
    makers.vhdx(folder / "files.vhdx", bytes(40 * MIB) + b"x" * 512)
    path = folder / "三層.yml"
    path.write_text(DESIGN, "utf-8")
    site = sitefile.read(path)
    disk = site.vm("FILES01").disks[0]
    assert disk.image == str((folder / "files.vhdx").resolve())
    assert (disk.size, disk.churn, disk.application) == (40 * MIB + 512, None, False)
    assert 0 < disk.used < disk.size
    assert site.vm("DB01").disks[0].churn == sitefile.Churn(2**20, 64 * 1024, 50)
    assert site.vm("DB01").disks[1].churn is None
    assert site.objectives == sitefile.Objectives(HOUR, 15 * MINUTE, None)
    assert sitefile.warnings(site) == []


def test_defaults() -> None:
    """What a file leaves out gets the documented values."""
    site = site_of(vm_line())
    vm = site.vms[0]
    assert site.line == sitefile.Line(100_000_000, 20)
    assert site.cloud == sitefile.Cloud("OnPremise Cloud", 5 * MINUTE, 0, 0)
    assert (site.start, site.offset_min) == (1_412_121_600_000, 540)
    assert (vm.cpu, vm.memory, vm.memory_max, vm.host, vm.protected) == (1, GB, GB, "HV01", True)
    assert (vm.orders_per_day, vm.invoices, vm.disks[0].churn) == (None, False, None)


@pytest.mark.parametrize(
    ("size", "used"),
    [
        ("size: 40GB", 2 * GB),
        ("size: 100GB", 4 * GB),
        ("size: 127GB, used: 2GB", 2 * GB),
        ("size: 1GB, used: 0", 0),
    ],
)
def test_what_a_disk_holds_at_the_start(size: str, used: int) -> None:
    """5 % of the size, at most 4 GB, unless the file says how much."""
    assert site_of(vm_line(disks=f"{{name: os, {size}}}")).vms[0].disks[0].used == used


@pytest.mark.parametrize(
    ("vms", "expected"),
    [
        ([("A", TWO_DISKS, ""), ("B", TWO_DISKS, "")], {"A": 8640, "B": "invoices"}),
        ([("A", "{name: os, size: 1GB}", ""), ("B", TWO_DISKS, "")], {"B": 8640}),
        ([("A", TWO_DISKS, "orders: none"), ("B", TWO_DISKS, "")], {}),
        ([("A", TWO_DISKS, "orders: 30/h"), ("B", TWO_DISKS, "invoices: no")], {"A": 720}),
        ([("A", TWO_DISKS, ""), ("B", TWO_DISKS, "orders: 2/min"), ("C", TWO_DISKS, "")], {"B": 2880, "C": "invoices"}),
        ([("A", TWO_DISKS, ""), ("B", TWO_DISKS, ""), ("C", TWO_DISKS, "invoices: yes")], {"A": 8640, "C": "invoices"}),
        ([("A", TWO_DISKS, "invoices: yes"), ("B", TWO_DISKS, "")], {"A": "invoices", "B": 8640}),
        ([("A", TWO_DISKS.replace("data,", "data, churn: 1KB/s,"), ""), ("B", TWO_DISKS, "")], {"B": 8640}),
    ],
)
def test_who_runs_the_application(vms: list[tuple[str, str, str]], expected: dict[str, object]) -> None:
    """The first VM with a free data disk takes 6 orders a minute, the next invoices, unless the file says otherwise."""
    site = site_of("\n".join(vm_line(*vm) for vm in vms))
    found = {vm.name: "invoices" if vm.invoices else vm.orders_per_day for vm in site.vms}
    assert {name: what for name, what in found.items() if what is not None} == expected
    assert {vm.name for vm in site.vms if any(disk.application for disk in vm.disks)} == set(expected)
    assert not any(disk.application and disk.churn for vm in site.vms for disk in vm.disks)


def test_orders_come_at_exact_instants() -> None:
    """7 orders a minute have no whole interval, but the 10,080th comes exactly a day after the start."""
    vm = site_of(vm_line("A", TWO_DISKS, "orders: 7/min")).vms[0]
    assert vm.orders_per_day == 10_080
    assert sitefile.order_instant(5, 10_080, 10_080) == 5 + 86_400_000
    assert sitefile.order_instant(0, 10_080, 1) == 8_571


def test_writing_to_an_image_warns(tmp_path: Path) -> None:
    """An image gets a workload only where the file asks for it, and then the lab says what becomes of it."""
    image = makers.vhd(tmp_path / "a.vhd", b"x" * MIB).path
    quiet = vm_line("A", "{name: os, image: a.vhd}")
    loud = vm_line("B", "{name: os, image: a.vhd}, {name: data, image: a.vhd}", "churn: 1MB/s, orders: 1/min")
    site = sitefile.parse(f"site: x\nvms:\n{quiet}\n{loud}\n", "x.yml", tmp_path)
    assert [line.split(":")[0] for line in sitefile.warnings(site)] == ["B, disk os", "B, disk data"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.vhd").write_bytes(image.read_bytes())
    assert sitefile.digest(site) == sitefile.digest(sitefile.parse(f"site: x\nvms:\n{quiet}\n{loud}\n", "y", other))


def test_anchors_may_be_used() -> None:
    """A disk list written once and used twice counts for both VMs."""
    site = site_of(
        "  - {name: A, os: CentOS, disks: &disks [{name: os, size: 1GB}]}\n  - {name: B, os: centos 6.5, disks: *disks}"
    )
    assert [(vm.os, vm.disks[0].size) for vm in site.vms] == [("CentOS 7.0", GB), ("CentOS 6.5", GB)]


@pytest.mark.parametrize(
    ("text", "ok"), [("30s", True), ("5min", True), ("PT15M", True), ("1min", False), ("29s", False), ("10min", False)]
)
def test_frequency_is_one_of_three(text: str, ok: bool) -> None:
    """30 s, 5 min and 15 min are taken, everything else is refused with these three."""
    if ok:
        assert site_of(vm_line(), f"cloud: {{frequency: {text}}}").cloud.frequency in (30_000, 300_000, 900_000)
    else:
        assert faults(f"site: x\ncloud: {{frequency: {text}}}\nvms:\n{vm_line()}") == [
            f"x.yml:2: cloud.frequency: found '{text}', allowed: 30s, 5min, 15min"
        ]


@pytest.mark.parametrize(
    ("key", "text", "hours"),
    [
        ("retention", "0h", 0),
        ("retention", "0", 0),
        ("retention", "24h", 24),
        ("retention", "1d", 24),
        ("retention", "25h", None),
        ("retention", "90min", None),
        ("app_consistent", "none", 0),
        ("app_consistent", "1h", 1),
        ("app_consistent", "12h", 12),
        ("app_consistent", "13h", None),
        ("app_consistent", "30min", None),
    ],
)
def test_retention_and_snapshots_are_whole_hours(key: str, text: str, hours: int | None) -> None:
    """Retention is 0 to 24 whole hours; application-consistent points come every 1 to 12 whole hours or not at all."""
    if hours is None:
        (line,) = faults(f"site: x\ncloud: {{{key}: {text}}}\nvms:\n{vm_line()}")
        assert line.startswith(f"x.yml:2: cloud.{key}: found '{text}', allowed: whole hours")
    else:
        cloud = site_of(vm_line(), f"cloud: {{{key}: {text}}}").cloud
        assert (cloud.retention_h if key == "retention" else cloud.app_consistent_h) == hours


@pytest.mark.parametrize(
    ("disks", "ok"),
    [
        ("{name: os, size: 20MB}", True),
        ("{name: os, size: 127GB}", True),
        ("{name: os, size: 19MB}", False),
        ("{name: os, size: 128GB}", False),
        ("{name: os, size: 1GB}, {name: d, size: 1023GB}", True),
        ("{name: os, size: 1GB}, {name: d, size: 20MB}", True),
        ("{name: os, size: 1GB}, {name: d, size: 1024GB}", False),
        ("{name: os, size: 1GB}, {name: d, size: 19MB}", False),
        (", ".join(f"{{name: d{number}, size: 1GB}}" for number in range(17)), True),
        (", ".join(f"{{name: d{number}, size: 1GB}}" for number in range(18)), False),
        ("", False),
    ],
)
def test_disk_limits(disks: str, ok: bool) -> None:
    """An OS disk of 20 MB to 127 GB and up to 16 data disks of 20 MB to 1,023 GB are taken, others are refused."""
    if ok:
        assert len(site_of(vm_line(disks=disks)).vms[0].disks) == disks.count("name")
    else:
        (line,) = faults(f"site: x\nvms:\n{vm_line(disks=disks)}")
        assert line.startswith("x.yml:3: vms[0].disks")


def test_all_faults_in_one_go() -> None:
    """Every mistake of a file is told at once: file, line, key, what was found, what is allowed, what was meant."""
    text = """\
site: 01
start: 2014-10-01
line: {bandwidth: 100mbps, latncy: 20ms}
vms:
  - name: A
    os: Windows Server 2012 R3
    cpu: 2.5
    disks: [{name: os, size: fourty}, {name: OS, size: 2000GB}]
  - name: a
    os: on
    memory: 4G
    dsks: []
    name: b
"""
    lines = faults(text, "mysite.yml")
    assert [line.split(": found")[0] for line in lines] == [
        "mysite.yml:1: site",
        "mysite.yml:2: start",
        "mysite.yml:3: line.bandwidth",
        "mysite.yml:3: line.latncy",
        "mysite.yml:6: vms[0].os",
        "mysite.yml:7: vms[0].cpu",
        "mysite.yml:8: vms[0].disks[0].size",
        "mysite.yml:8: vms[0].disks[1].name",
        "mysite.yml:8: vms[0].disks[1].size",
        "mysite.yml:9: vms[1].disks",
        "mysite.yml:9: vms[1].name",
        "mysite.yml:10: vms[1].os",
        "mysite.yml:11: vms[1].memory",
        "mysite.yml:12: vms[1].dsks",
        "mysite.yml:13: vms[1].name",
    ]
    assert lines[6] == (
        "mysite.yml:8: vms[0].disks[0].size: found 'fourty', "
        "allowed: a size in whole sectors of 512 bytes such as 40GB, from 20MB to 1023GB"
    )
    for number, meant in {2: "100Mbps", 3: "latency", 4: "Windows Server 2012 R2", 12: "4GB", 13: "disks"}.items():
        assert lines[number].endswith(f"; did you mean '{meant}'?")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "empty"),
        ("# nothing\n", 1, "empty"),
        ("~", 1, "found nothing, allowed: a mapping of site, start"),
        ("- a\n- b\n", 1, "found a list, allowed: a mapping"),
        ("hello", 1, "the file: found 'hello', allowed: a mapping"),
        ("a: b\n" * 201, 1, "a mapping with 201 keys"),
        ("site: x\nvms: [\n", 3, "no YAML"),
        ("site: x\n\tvms: 1\n", 2, "no YAML"),
        ("site: x\nvms: []\n---\nsite: y\n", 3, "second document"),
        ("site: x\nvms: *nobody\n", 2, "alias *nobody"),
        ("site: x\nvms: &a [*a]\n", 2, "alias *a"),
        ("site: x\nvms: !!python/object/apply:os.system [ls]\n", 2, "tag"),
        ("site: !!binary aGk=\nvms: []\n", 1, "tag"),
        ("site: x\nvms: " + "[" * 50_000 + "\n", 2, "nested deeper than 16"),
        ("site: x\nnote: \x01\n", 2, "U+0001"),
        ("site: x\nvms: 5\n", 2, "vms: found '5', allowed: a list"),
        ("site: x\nvms: []\n", 2, "a list with 0 entries"),
        ("site: x\nvms: [on]\n", 2, "vms[0]: found 'on'"),
        ("site: x\n? [a, b]\n: c\nvms: []", 2, "unknown key a list"),
        ("site: x\n<<: {a: b}\nvms: []", 2, "unknown key '<<'"),
        ("site: ''\nvms: []", 1, "site: found ''"),
        ('site: "a\\0b"\nvms: []', 1, "site: found 'a\\u0000b'"),
        ('site: "\\ud800"\nvms: []', 1, "found"),
        ("site: a/b\nvms: []", 1, "site: found 'a/b'"),
        ("site: ..\nvms: []", 1, "site: found '..'"),
        ("site: " + "x" * 101 + "\nvms: []", 1, "…"),
        ("site: on\nvms: []", 1, "yes or no; put it in quotes"),
        ("site: 2014-10-01\nvms: []", 1, "put it in quotes"),
        ("site: null\nvms: []", 1, "site: found nothing"),
    ],
)
def test_odd_texts_are_refused_with_their_line(text: str, line: int, words: str) -> None:
    """Broken YAML, odd documents, bombs and odd names end in a fault with its line, never in a traceback."""
    found = faults(text)
    assert any(fault.startswith(f"x.yml:{line}: ") and words in fault for fault in found), found


@pytest.mark.parametrize(
    ("vm", "key", "words"),
    [
        ("cpu: 0", "cpu", "1 to 64"),
        ("cpu: -1", "cpu", "found '-1'"),
        ("cpu: .nan", "cpu", "found '.nan'"),
        ("cpu: 1_0", "cpu", "found '1_0'"),
        ("cpu: 'two'", "cpu", "found 'two'"),
        ("memory: 511MB", "memory", "512MB to 1TB"),
        ("memory: 2TB", "memory", "512MB to 1TB"),
        ("memory: 4", "memory", "found '4'"),
        ("memory: -4GB", "memory", "found '-4GB'"),
        ("memory: 4 gigabytes", "memory", "found '4 gigabytes'"),
        ("memory: " + "9" * 5_000 + "GB", "memory", "…"),
        ("memory: 4GB, memory_max: 2GB", "memory_max", "at least memory, 4 GB"),
        ("protected: 1", "protected", "yes, no"),
        ("host: HV1", "host", "did you mean 'HV01'?"),
        ("orders: 6", "orders", "6/min"),
        ("orders: 6/minute", "orders", "did you mean '6/min'?"),
        ("orders: 6/min", "orders", "a second disk"),
        ("invoices: yes", "invoices", "a second disk"),
        ("churn: 1MB", "churn", "1MB/s"),
        ("churn: {write: 4KB}", "churn.rate", "found nothing"),
        ("churn: {rate: 1MB/s, write: 5KB}", "churn.write", "4KB, 8KB, 16KB, 32KB, 64KB"),
        ("churn: {rate: 1MB/s, hot: 5}", "churn.hot", "5%"),
        ("churn: {rate: 1MB/s, hot: 200%}", "churn.hot", "0.1% to 100%"),
        ("churn: []", "churn", "found a list"),
        ("image: a.vhd", "image", "unknown key 'image'"),
    ],
)
def test_values_out_of_place_are_refused(vm: str, key: str, words: str) -> None:
    """Each key of a VM refuses what it cannot be, by name and with what it can be."""
    found = faults(f"site: x\nvms:\n{vm_line(more=vm)}")
    assert any(fault.startswith(f"x.yml:3: vms[0].{key}: ") and words in fault for fault in found), found


@pytest.mark.parametrize(
    ("disk", "words"),
    [
        ("{name: os}", "size: found nothing, allowed: a size such as 40GB, or an image"),
        ("{name: os, size: 20000001B}", "whole sectors"),
        ("{name: os, size: 1GB, used: 2GB}", "at most the size of the disk, 1 GB"),
        ("{name: os, image: a.vhd}", "an absolute path"),
        ("{name: os, image: /no/such/place/a.vhd}", "which is no file there"),
        ("{name: os, image: /no/such/place/a.vhd, used: 1GB}", "no such key beside an image"),
        ("{size: 1GB}", "name: found nothing"),
        ("os", "found 'os', allowed: a mapping of name"),
    ],
)
def test_disks_out_of_place_are_refused(disk: str, words: str) -> None:
    """Each key of a disk refuses what it cannot be."""
    found = faults(f"site: x\nvms:\n{vm_line(disks=disk)}")
    assert any("vms[0].disks[0]" in fault and words in fault for fault in found), found


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("start: 2014-09-29T09:00:00+09:00", "from 2014-09-30"),
        ("start: 2014-10-01T09:00:00", "with its zone"),
        ("start: 2014-10-01T09:00:00+09:00:30", "with its zone"),
        ("start: 0001-01-01T00:00:00+14:00", "with its zone"),
        ("line: {bandwidth: 999bps}", "1kbps to 100Gbps"),
        ("line: 100Mbps", "a mapping of bandwidth, latency"),
        ("servers: {hosts: [HV01, hv01]}", "every host once"),
        ("azure: {region: Tokyo}", "Japan East"),
        ("azure: {region: Central US}", "East Asia"),
        ("objectives: {rto: 2h, mtd: 1h}", "at least the RTO, 2 h"),
        ("objectives: {rto: 0s}", "1s to 365d"),
    ],
)
def test_the_site_as_a_whole(more: str, words: str) -> None:
    """Start, line, servers, region and objectives refuse what they cannot be; the other keys go on being read."""
    (found,) = faults(f"site: x\n{more}\nvms:\n{vm_line()}")
    assert found.startswith("x.yml:2: ")
    assert words in found


@pytest.mark.parametrize(
    ("vms", "words"),
    [
        ([("A", TWO_DISKS, "orders: none"), ("B", TWO_DISKS, "invoices: yes")], "invoices where no VM takes orders"),
        ([("A", TWO_DISKS, "orders: 1/min, invoices: yes")], "orders and invoices at one VM"),
        ([("A", TWO_DISKS, ""), ("B", TWO_DISKS, "invoices: yes"), ("C", TWO_DISKS, "invoices: yes")], "a second VM"),
        ([("A", TWO_DISKS.replace("data,", "data, churn: 1KB/s,"), "orders: 1/min")], "churn beside an application"),
        ([("A", TWO_DISKS, ""), ("ａ", TWO_DISKS, "")], "'ａ' again (line 3 has it)"),
    ],
)
def test_contradictions_are_refused(vms: list[tuple[str, str, str]], words: str) -> None:
    """What single keys allow and together cannot be is refused, too."""
    found = faults("site: x\nvms:\n" + "\n".join(vm_line(*vm) for vm in vms))
    assert any(words in fault for fault in found), found


def test_very_many_faults_are_counted_and_cut() -> None:
    """A thousand bad VMs give a thousand faults, of which the first hundred are shown."""
    with pytest.raises(LabError) as caught:
        sitefile.parse("site: x\nvms:\n" + "  - 1\n" * 1000, "x.yml")
    assert caught.value.details["count"] == 1000
    assert str(caught.value.details["faults"]).splitlines()[-1] == "and 900 more"


def test_an_alias_bomb_costs_nothing() -> None:
    """Lists of lists of aliases are refused at once instead of being unfolded."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    begun = time.process_time()
    found = faults("\n".join(["site: x", *lines, "vms: *a11"]))
    assert any("vms[0]" in fault for fault in found)
    assert time.process_time() - begun < 5


def refused(path: str | Path) -> LabError:
    """The error a path or name is refused with."""
    with pytest.raises(LabError) as caught:
        sitefile.read(path)
    assert "{" not in str(caught.value)
    return caught.value


def test_files_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing files, folders, huge files, other encodings and wrong names are refused in words of their own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "huge.yml").write_bytes(b"#" * (1 << 20) + b"\n")
    (tmp_path / "sjis.yml").write_bytes("site: x\n# 三\nvms: []".encode("cp932"))
    (tmp_path / "utf16.yml").write_text("site: x", "utf-16")
    (tmp_path / "folder.yml").mkdir()
    assert refused("nothing.yml").code == 900201
    assert refused("").code == refused("a" * 5000).code == refused("a\0b").code == 900206
    assert refused("../sites/contoso").code == 900201
    assert refused(tmp_path / "folder.yml").code == 900202
    assert refused("huge.yml").code == 900203
    assert refused("sjis.yml").details["line"] == 2
    assert refused("utf16.yml").code == 900204
    assert "Did you mean 'contoso'?" in str(refused("contosso"))


@pytest.mark.skipif(os.name == "nt", reason="rights are other things on Windows")
def test_a_file_without_rights_is_refused(tmp_path: Path) -> None:
    """A file that may not be read is refused with the system's reason; a device is no file."""
    path = tmp_path / "mine.yml"
    path.write_text("site: x", "utf-8")
    path.chmod(0)
    assert refused(path).code == (900200 if os.access(path, os.R_OK) else 900205)
    assert refused("/dev/null").code == 900202


def test_names_and_folders_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder named contoso does not hide the shipped site; a file of that name does."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "contoso"
    folder.mkdir()
    assert sitefile.read("contoso").site == "contoso"
    folder.rmdir()
    folder.write_text(f"site: mine\nvms:\n{vm_line()}\n", "utf-8-sig")
    assert sitefile.read("contoso").site == "mine"


def test_windows_line_ends_and_byte_order_mark(tmp_path: Path) -> None:
    """A file as Windows Notepad saves it is read, and its lines are counted as shown."""
    path = tmp_path / "notepad.yml"
    path.write_bytes(b"\xef\xbb\xbf" + DESIGN.replace("\n", "\r\n").encode())
    error = refused(path)
    assert error.code == 900200
    assert re.search(r"notepad\.yml:7: vms\[1\]\.disks\[0\]\.image: ", str(error.details["faults"]))


def test_faults_follow_the_language_but_the_site_does_not() -> None:
    """The tree is the same in both languages, so that the lab's digest is."""
    english = sitefile.read("contoso")
    texts.set_language("ja")
    assert sitefile.read("contoso") == english


CONTOSO = resources.data("sites", "contoso.yml").read_text("utf-8")


@given(
    st.integers(0, len(CONTOSO)),
    st.integers(0, 40),
    st.text(st.sampled_from("{}[],:-&*!|>'\"%@`#?\n\t \\0159abGBnoneyes.~<\u3000\u2028\x85é一\ud800"), max_size=30),
)
def test_no_text_gives_a_traceback(position: int, length: int, inserted: str) -> None:
    """Whatever is cut out of a site file and put in: it is read, or refused with faults that name lines."""
    text = CONTOSO[:position] + inserted + CONTOSO[position + length :]
    outcome: SiteFile | LabError
    try:
        outcome = sitefile.parse(text, "x.yml")
    except LabError as error:
        outcome = error
    if isinstance(outcome, LabError):
        assert outcome.code == 900200
        assert all(re.match(r"x\.yml:\d+: ", line) for line in str(outcome.details["faults"]).splitlines())
    else:
        assert outcome.vms

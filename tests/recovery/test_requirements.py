"""The rules for one VM: each on both sides of its limit, what is not known, and the refusal that names all causes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.engine import resources, texts, units
from labkit.recovery import requirements
from labkit.recovery.requirements import (
    ENABLE,
    FAILS,
    HOLDS,
    READINESS,
    UNKNOWN,
    WARNS,
    Finding,
    Subject,
    SubjectAdapter,
    SubjectDisk,
    check,
    refusal,
)
from labkit.site import schema, sitefile

MB, GB, TB = 1 << 20, 1 << 30, 1 << 40
OS = SubjectDisk("os", 40 * GB, "ide", "vhdx", "dynamic", True)
DATA = SubjectDisk("data", 100 * GB, "scsi", "vhdx", "dynamic", False)
GOOD = Subject(
    name="WEB01",
    generation=1,
    declared="Windows Server 2012 R2",
    system="Windows Server 2012 R2",
    cpu=2,
    memory_max=4 * GB,
    disks=(OS, DATA),
    adapters=(SubjectAdapter("Network Adapter", "dhcp", 1),),
    fibre_channel=False,
    integration="current",
    remote=True,
    cloud="OnPremise Cloud",
    host_os="Windows Server 2012 R2",
)
LINUX = {"system": "Ubuntu Server 14.04", "declared": "Ubuntu Server 14.04"}


def vm(**changes: Any) -> Subject:
    """The good VM, changed."""
    return msgspec.structs.replace(GOOD, **changes)


def with_os(**changes: Any) -> Subject:
    """The good VM with another OS disk."""
    return vm(disks=(msgspec.structs.replace(OS, **changes), DATA))


def with_data(**changes: Any) -> Subject:
    """The good VM with another data disk."""
    return vm(disks=(OS, msgspec.structs.replace(DATA, **changes)))


def bad(subject: Subject, target: Any = "azure", purpose: Any = READINESS) -> list[tuple[str, str, int]]:
    """Rule, severity and code of what does not hold; each finding has its texts filled in."""
    found = check(subject, target, purpose=purpose)
    for finding in found:
        error = finding.error
        assert (error is None) == (finding.severity == HOLDS)
        assert error is None or "{" not in str(error)
    return [(finding.rule, finding.severity, finding.code) for finding in found if finding.severity != HOLDS]


def test_a_vm_of_the_guide_meets_every_rule() -> None:
    """Nothing is wrong with it, every rule has said so, and there is no refusal."""
    found = check(GOOD)
    assert {finding.severity for finding in found} == {HOLDS}
    rules = [finding.rule for finding in found]
    assert rules == [f"1.4-{n}" for n in (2, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14)] + [f"2.4-{n}" for n in (1, 2, 3, 5)]
    assert refusal(found) is None


@pytest.mark.rule("1.2-7")
@pytest.mark.parametrize("platform", ["vmware", "physical"])
def test_other_machines_get_one_note(platform: str) -> None:
    """A VMware VM or a physical server gets the words about InMage Scout once, and nothing else."""
    (finding,) = check(Subject("OLD", platform=platform))
    assert (finding.rule, finding.severity, finding.code) == ("1.2-7", FAILS, 900873)
    assert finding.error is not None
    assert "InMage Scout" in finding.error.cause
    assert "Migration Accelerator" in finding.error.cause


@pytest.mark.rule("1.4-2")
@pytest.mark.parametrize(
    ("host", "azure", "site"),
    [
        ("Windows Server 2012 R2", True, True),
        ("Microsoft Windows Server 2012 R2 Datacenter", True, True),
        ("Microsoft Hyper-V Server 2012 R2", True, True),
        ("Windows Server 2012", False, True),
        ("Windows Server 2008 R2 Enterprise", False, False),
    ],
)
def test_hosts(host: str, azure: bool, site: bool) -> None:
    """2012 R2 to Azure, 2012 also from site to site."""
    expected = [("1.4-2", FAILS, 900861)]
    assert bad(vm(host_os=host)) == ([] if azure else expected)
    assert bad(vm(host_os=host), "site") == ([] if site else expected)


@pytest.mark.rule("1.4-4")
@pytest.mark.parametrize(
    "name", ["Windows Server 2012", "64-bit edition of Windows Server 2008 R2 Standard", "CentOS Linux 6.4 (64 bit)"]
)
def test_supported_guests(name: str) -> None:
    """The guide's systems hold, as VMM or the guest itself writes them."""
    assert bad(vm(system=name, declared=name)) == []


@pytest.mark.rule("1.4-4", "2.4-2")
def test_32_bits_are_refused() -> None:
    """A 32-bit guest fails with 70002, whoever tells that it has 32 bits, and is refused for one reason only."""
    old = vm(system="Windows Server 2008 SP2 (x86)", declared="Windows Server 2008 SP2 (x86)")
    assert bad(old) == [("1.4-4", FAILS, 70002), ("2.4-2", FAILS, 70002)]
    error = refusal(check(old))
    assert error is not None
    assert (error.code, "x86" in error.message) == (70002, True)
    assert ("1.4-4", FAILS, 70002) in bad(vm(**LINUX, bits=32))
    assert ("1.4-4", UNKNOWN, 900875) in bad(vm(system="CentOS release 6.5"))


@pytest.mark.rule("1.4-4")
def test_integration_services_are_advised() -> None:
    """Old ones are no condition; a guest without any is protected with a warning."""
    assert bad(vm(integration="old")) == []
    assert bad(vm(integration="none")) == [("1.4-4", WARNS, 900862)]


@pytest.mark.rule("1.4-5")
def test_freebsd_as_other_linux() -> None:
    """FreeBSD 10.0 declared as "Other Linux (64-bit)" can be protected, outside the guarantee; 32-bit Linux cannot."""
    assert bad(vm(system="FreeBSD 10.0", declared="Other Linux (64-bit)")) == [("1.4-5", WARNS, 900863)]
    assert bad(vm(system=None, declared="Other Linux (64 bit)")) == [("1.4-5", WARNS, 900863)]
    assert bad(vm(system="Red Hat Enterprise Linux 6 (64 bit)"))[0] == ("1.4-5", WARNS, 900863)
    found = bad(vm(system="Other Linux (32-bit)", declared="Other Linux (32-bit)"))
    assert found == [("1.4-4", FAILS, 70002), ("2.4-2", FAILS, 70002)]


def test_a_windows_that_is_not_in_the_list_is_refused() -> None:
    """There is no "other Windows"."""
    assert ("1.4-4", FAILS, 70002) in bad(vm(system="Windows Server 2016 Standard"))
    assert ("1.4-4", FAILS, 70002) in bad(vm(system="Windows Server 2003 R2 SP2 (x64)"))


@pytest.mark.rule("1.4-7")
def test_generation() -> None:
    """Generation 2 is refused with 70009, and holds from site to site."""
    second = vm(generation=2, disks=(msgspec.structs.replace(OS, controller="scsi"), DATA))
    assert bad(second) == [("1.4-7", FAILS, 70009)]
    assert bad(second, "site") == []


@pytest.mark.rule("1.4-8")
@pytest.mark.parametrize(
    ("size", "ok"),
    [(127 * GB, True), (127 * GB + MB, False), (127 * GB + 512, False), (20 * MB, True), (20 * MB - 512, False)],
)
def test_os_disk_size(size: int, ok: bool) -> None:
    """20 MB to 127 GB; one sector more or less is refused and shown so that the difference is seen."""
    assert bad(with_os(size=size)) == ([] if ok else [("1.4-8", FAILS, 900864)])
    error = refusal(check(with_os(size=size)))
    assert ok == (error is None)
    assert error is None or f"{size >> 20:,} MB" in error.message or f"{size:,} B" in error.message


@pytest.mark.rule("1.4-8")
def test_the_os_disk_is_on_ide() -> None:
    """On SCSI it is refused, whether VMM has marked it or not."""
    assert bad(with_os(controller="scsi")) == [("2.4-3", FAILS, 70003)]
    first = SubjectDisk("os", 40 * GB, "scsi", "vhd", "fixed")
    assert bad(vm(disks=(first,))) == [("1.4-8", FAILS, 900876), ("2.4-3", UNKNOWN, 900875)]


@pytest.mark.rule("1.4-9")
@pytest.mark.parametrize(
    ("size", "ok"), [(1023 * GB, True), (1023 * GB + MB, False), (20 * MB, True), (20 * MB - 512, False)]
)
def test_data_disk_size(size: int, ok: bool) -> None:
    """20 MB to 1,023 GB, on IDE or SCSI."""
    for controller in ("ide", "scsi"):
        found = bad(with_data(size=size, controller=controller))
        assert found == ([] if ok else [("1.4-9", FAILS, 900865)])


@pytest.mark.rule("1.4-9")
@pytest.mark.parametrize(("count", "ok"), [(0, True), (16, True), (17, False)])
def test_number_of_data_disks(count: int, ok: bool) -> None:
    """Sixteen are the most."""
    disks = (OS, *(msgspec.structs.replace(DATA, name=f"d{number}") for number in range(count)))
    assert bad(vm(disks=disks)) == ([] if ok else [("1.4-9", FAILS, 900866)])


@pytest.mark.rule("1.4-10")
@pytest.mark.parametrize("format", ["vhd", "vhdx"])
@pytest.mark.parametrize("type", ["fixed", "dynamic", "differencing"])
def test_kinds_of_disk_files(format: str, type: str) -> None:
    """VHD and VHDX, fixed, dynamic and differencing hold."""
    assert bad(with_data(format=format, type=type)) == []


@pytest.mark.rule("1.4-10")
def test_other_files_are_refused() -> None:
    """A file of another kind is named."""
    assert bad(with_data(format="vmdk")) == [("1.4-10", FAILS, 900867)]


@pytest.mark.rule("1.4-11")
@pytest.mark.parametrize("type", ["pass-through", "iscsi", "shared"])
def test_disks_that_are_refused(type: str) -> None:
    """Pass-through, guest iSCSI and shared disks are refused, to Azure and from site to site."""
    assert bad(with_data(type=type)) == [("1.4-11", FAILS, 900868)]
    assert bad(with_data(type=type), "site") == [("1.4-11", FAILS, 900868)]


@pytest.mark.rule("1.4-11")
def test_fibre_channel_is_refused() -> None:
    """Virtual Fibre Channel is refused."""
    assert bad(vm(fibre_channel=True)) == [("1.4-11", FAILS, 900869)]


@pytest.mark.rule("1.4-12")
def test_static_addresses() -> None:
    """Readiness fails both systems; enabling warns for Windows and is refused for Linux."""
    static = (SubjectAdapter("LAN", "static", 1),)
    assert bad(vm(adapters=static)) == [("1.4-12", FAILS, 900870)]
    assert bad(vm(adapters=static, **LINUX)) == [("1.4-12", FAILS, 900870)]
    assert bad(vm(adapters=static), purpose=ENABLE) == [("1.4-12", WARNS, 900870)]
    assert bad(vm(adapters=static, **LINUX), purpose=ENABLE) == [("1.4-12", FAILS, 900870)]


@pytest.mark.rule("1.4-12")
def test_one_address_an_adapter() -> None:
    """A second address fails the readiness check."""
    assert bad(vm(adapters=(SubjectAdapter("LAN", "dhcp", 2),))) == [("1.4-12", FAILS, 900889)]


@pytest.mark.rule("1.4-13")
def test_several_adapters_warn() -> None:
    """They work, but which one is taken is not asked."""
    two = (SubjectAdapter("LAN", "dhcp", 1), SubjectAdapter("DMZ", "dhcp", 1))
    assert bad(vm(adapters=two)) == [("1.4-13", WARNS, 900871)]


@pytest.mark.rule("1.4-14")
@pytest.mark.parametrize(
    ("name", "ok"),
    [
        ("a", True),
        ("a" * 63, True),
        ("a" * 64, False),
        ("web-01", True),
        ("-web", False),
        ("web-", False),
        ("web 01", False),
        ("web_01", False),
        ("受注", False),
        ("web01\n", False),
    ],
)
def test_names_for_azure(name: str, ok: bool) -> None:
    """1 to 63 letters, digits and hyphens; another name only warns, since protection works with it (70044)."""
    assert bad(vm(name=name)) == ([] if ok else [("1.4-14", WARNS, 70044)])
    assert refusal(check(vm(name=name), purpose="enable")) is None


@pytest.mark.rule("2.4-1")
def test_a_vm_belongs_to_a_cloud() -> None:
    """Without a cloud it is refused; where clouds do not matter, nothing is said of them."""
    assert bad(vm(cloud="")) == [("2.4-1", FAILS, 900872)]
    assert "2.4-1" not in [finding.rule for finding in check(vm(cloud=None))]


@pytest.mark.rule("2.4-2")
@pytest.mark.parametrize("declared", ["", "Unknown", "FreeBSD 10.0", "Windows 10"])
def test_the_system_must_be_set_in_vmm(declared: str) -> None:
    """Not set, "Unknown", or a value that is not supported: 70002."""
    assert bad(vm(declared=declared)) == [("2.4-2", FAILS, 70002)]


@pytest.mark.rule("2.4-3")
@pytest.mark.parametrize("marks", [(False, False), (True, True)])
def test_exactly_one_disk_is_marked(marks: tuple[bool, bool]) -> None:
    """None and two are both wrong: 70003."""
    disks = tuple(msgspec.structs.replace(OS, name=f"d{n}", system=mark) for n, mark in enumerate(marks))
    assert bad(vm(disks=disks)) == [("2.4-3", FAILS, 70003)]


@pytest.mark.rule("2.4-5")
def test_remote_access_only_warns_and_only_beforehand() -> None:
    """Enabling protection does not check it."""
    assert bad(vm(remote=False)) == [("2.4-5", WARNS, 900874)]
    assert bad(vm(remote=False), purpose=ENABLE) == []
    (finding,) = [one for one in check(vm(remote=False, **LINUX)) if one.rule == "2.4-5"]
    assert finding.details["access"] == "SSH"


@pytest.mark.rule("F-5")
def test_several_causes_are_all_named() -> None:
    """900860 has every code, message and remedy; one cause alone keeps its own code."""
    disks = (msgspec.structs.replace(OS, size=200 * GB), msgspec.structs.replace(DATA, type="pass-through"))
    found = check(vm(generation=2, disks=disks, declared=""), purpose="enable")
    error = refusal(found)
    assert error is not None
    assert (error.code, error.details["count"]) == (900860, 4)
    for code in ("70009", "900864", "900868", "70002"):
        assert f"- {code}: " in error.message
    single = refusal(check(vm(generation=2, disks=disks[:1]), purpose="enable"))
    assert single is not None
    assert single.details["count"] == 2
    alone = refusal([Finding("1.4-7", FAILS, 70009, {"vm": "A", "found": 2})])
    assert alone is not None
    assert alone.code == 70009


def test_nothing_known_is_told_and_refuses_nothing() -> None:
    """A bare name: every rule but that for the name is open, and none crashes."""
    found = check(Subject("A"))
    assert {finding.severity for finding in found} == {HOLDS, UNKNOWN}
    assert {finding.rule for finding in found if finding.severity == HOLDS} == {"1.4-5", "1.4-14"}
    assert refusal(found) is None


@pytest.mark.rule("1.4-16")
def test_limits_are_a_dated_table() -> None:
    """The table has a date, and the site file's limits are those of the table."""
    table = resources.yaml("azure", "vm-limits.yml")
    assert requirements.dated() == str(table["date"]) == "2014-09-30"
    assert (table["os_disk"]["most"], table["data_disks"]["most"]) == (schema.OS_DISK_LIMIT, schema.DATA_DISK_LIMIT)
    assert table["os_disk"]["least"] == table["data_disks"]["least"] == schema.LEAST_DISK
    assert table["data_disks"]["count"] + 1 == schema.MOST_DISKS
    assert tuple(table["refused_types"]) == schema.REFUSED_TYPES
    assert set(table["hosts"]["site"]) == set(schema.HOST_SYSTEMS)


def test_a_site_file_describes_its_vms() -> None:
    """A VM made in a cloud is known to VMM, one made in Hyper-V Manager is not."""
    text = """\
site: x
vms:
  - {name: A, os: FreeBSD, made: cloud, disks: [{name: os, size: 1GB}]}
  - {name: B, os: Windows Server 2012, firewall: closed, disks: [{name: os, size: 1GB}]}
  - {name: C, os: Other Linux (64-bit), made: host, disks: [{name: os, size: 1GB}]}
"""
    site = sitefile.parse(text, "x.yml")
    a, b, c = (requirements.described(site, one) for one in site.vms)
    assert (a.declared, a.cloud, a.integration, a.remote) == (
        "Other Linux (64-bit)",
        "OnPremise Cloud",
        "current",
        True,
    )
    assert (b.declared, b.cloud, b.integration, b.remote) == (None, None, "old", False)
    assert (c.declared, c.cloud, c.integration) == ("Other Linux (64-bit)", None, "none")
    assert [one.disks and one.disks[0].controller for one in (a, b, c)] == ["ide"] * 3
    assert bad(a) == [("1.4-5", WARNS, 900863)]


_CHARS = st.characters(exclude_characters="{}")
_SOME = st.none() | st.text(_CHARS, max_size=12)
_DISKS = st.builds(
    SubjectDisk,
    st.text(_CHARS, max_size=5),
    st.none() | st.integers(0, 64 * TB),
    st.sampled_from([None, "ide", "scsi"]),
    _SOME,
    _SOME,
    st.none() | st.booleans(),
)


@given(
    st.builds(
        Subject,
        name=st.text(_CHARS, max_size=70),
        generation=st.none() | st.integers(0, 3),
        declared=_SOME,
        system=_SOME | st.sampled_from(["CentOS 6", "Windows", "Windows Server 2008", "sles 11 sp1", "FreeBSD"]),
        bits=st.sampled_from([None, 32, 64]),
        disks=st.none() | st.lists(_DISKS, max_size=3).map(tuple),
        adapters=st.none() | st.lists(st.builds(SubjectAdapter, _SOME.map(str), _SOME), max_size=2).map(tuple),
        integration=_SOME,
        host_os=_SOME,
        cloud=_SOME,
    ),
    st.sampled_from(["azure", "site"]),
    st.sampled_from(["readiness", "enable"]),
)
def test_anything_can_be_judged(subject: Subject, target: Any, purpose: Any) -> None:
    """Whatever a VM is said to be, each rule says something, in both languages, and nothing crashes."""
    for language in ("en", "ja"):
        texts.set_language(language)
        bad(subject, target, purpose)
        refusal(check(subject, target, purpose=purpose))


def test_sizes_are_shown_exactly() -> None:
    """The limit in a text is the limit of the table."""
    (finding,) = [one for one in check(with_os(size=127 * GB + MB)) if one.rule == "1.4-8"]
    assert (finding.details["least"], finding.details["most"]) == ("20 MB", "127 GB")
    assert units.size(str(finding.details["most"]).replace(" ", "")) == 127 * GB

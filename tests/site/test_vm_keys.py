"""What a VM is, in a site file: new keys and their defaults, and limits that hold only for VMs to be protected."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from labkit.engine.errors import LabError
from labkit.lab import create
from labkit.site import sitefile, systems
from labkit.site.model import Adapter, SiteFile
from tests.site.test_sitefile import faults, vm_line

GB, TB = 1 << 30, 1 << 40


def site_of(*lines: str, lenient: bool = False) -> SiteFile:
    return sitefile.parse("site: x\nvms:\n" + "\n".join(lines), "x.yml", lenient=lenient)


def test_defaults_of_a_vm() -> None:
    """A VM that says nothing is one of generation 1 with one adapter by DHCP, made in Hyper-V Manager."""
    site = site_of(vm_line())
    vm = site.vms[0]
    assert (vm.generation, vm.made, vm.remote, vm.firewall) == (1, "hyper-v", True, "open")
    assert (vm.network_level_authentication, vm.fibre_channel, vm.integration) == (True, False, "")
    assert site.adapters(vm) == (Adapter("Network Adapter", "dhcp", "VirtualSwitch - FrontEnd"),)
    disk = vm.disks[0]
    assert (vm.controller(0), disk.format, disk.type) == ("ide", "vhdx", "dynamic")


def test_every_key_is_read() -> None:
    """Each new key has its value in the tree, which goes through JSON unchanged."""
    more = (
        "protected: no, generation: 2, integration: old, made: cloud, remote: no, firewall: closed, "
        "network_level_authentication: no, fibre_channel: yes, adapters: [{}, {name: B, address: static, switch: S}]"
    )
    site = site_of(vm_line(disks="{name: os, size: 1GB}, {name: d, size: 1GB, type: shared}", more=more))
    vm = site.vms[0]
    assert (vm.generation, vm.integration, vm.made, vm.remote, vm.firewall) == (2, "old", "cloud", False, "closed")
    assert (vm.network_level_authentication, vm.fibre_channel) == (False, True)
    assert site.adapters(vm)[1] == Adapter("B", "static", "S")
    assert [vm.controller(number) for number in (0, 1)] == ["scsi", "scsi"]
    assert vm.disks[1].type == "shared"
    assert msgspec.json.decode(msgspec.json.encode(site), type=SiteFile) == site


def test_the_digest_of_a_site_without_new_keys_is_the_old_one() -> None:
    """Neither defaults left out nor defaults written down show in a digest."""
    plain = site_of(vm_line())
    written = "generation: 1, made: hyper-v, remote: yes, firewall: open, fibre_channel: no"
    said = site_of(vm_line(disks="{name: os, size: 1GB, format: vhdx, type: dynamic}", more=written))
    assert sitefile.digest(plain) == sitefile.digest(said)
    assert sitefile.digest(plain) == "405b218b3be87664d4268f46996d2b5d012977f20e9d5632ed6828158d9ff7ab"
    assert sitefile.digest(site_of(vm_line(more="made: host"))) != sitefile.digest(plain)


@pytest.mark.parametrize(
    ("disks", "more"),
    [
        ("{name: os, size: 128GB}", ""),
        ("{name: os, size: 64TB}", ""),
        ("{name: os, size: 512B}", ""),
        ("{name: os, size: 1GB}, {name: d, size: 1024GB}", ""),
        ("{name: os, size: 1GB}, {name: d, size: 1GB, type: pass-through}", ""),
        ("{name: os, size: 1GB}", "generation: 2"),
        ("{name: os, size: 1GB}", "fibre_channel: yes"),
        (", ".join(f"{{name: d{number}, size: 1GB}}" for number in range(18)), ""),
        (", ".join(f"{{name: d{number}, size: 1GB}}" for number in range(257)), ""),
    ],
)
def test_a_vm_that_is_not_protected_may_be_what_hyper_v_has(disks: str, more: str) -> None:
    """With protected: yes it is a fault, whose text says so; with no, and when only looked at, it is none."""
    (line,) = faults(f"site: x\nvms:\n{vm_line(disks=disks, more=more)}")
    assert "'protected: no'" in line
    count = disks.count("name")
    assert (
        len(site_of(vm_line(disks=disks, more=", ".join(filter(None, (more, "protected: no"))))).vms[0].disks) == count
    )
    assert len(site_of(vm_line(disks=disks, more=more), lenient=True).vms[0].disks) == count


@pytest.mark.parametrize(
    ("disks", "more", "words"),
    [
        ("{name: os, size: 65TB}", "", "disks[0].size"),
        ("{name: os, size: 3TB, format: vhd}", "", "at most 2040GB for a VHD"),
        ("{name: os, size: 1GB, controller: scsi}", "", "generation 1 starts from an IDE disk"),
        ("{name: os, size: 1GB, controller: ide}", "generation: 2", "has no IDE controller"),
        ("{name: os, size: 1GB, format: vhd}", "generation: 2", "takes no VHD"),
        (", ".join(f"{{name: d{number}, size: 1GB, controller: ide}}" for number in range(5)), "", "5 disks on IDE"),
        (", ".join(f"{{name: d{number}, size: 1GB}}" for number in range(258)), "", "257 disks on SCSI"),
        ("{name: os, size: 1GB}", "adapters: [{name: A}, {name: a}]", "'a' again"),
        ("{name: os, size: 1GB}", "adapters: []", "a list with 0 entries"),
        ("{name: os, size: 1GB}", "generation: 3", "from 1 to 2"),
        ("{name: os, size: 1GB}", "integration: newest", "current, old, none"),
    ],
)
def test_what_hyper_v_does_not_have(disks: str, more: str, words: str) -> None:
    """That is a fault whatever `protected` says."""
    text = vm_line(disks=disks, more=", ".join(filter(None, (more, "protected: no"))))
    (line,) = faults(f"site: x\nvms:\n{text}")
    assert words in line
    with pytest.raises(LabError):
        site_of(text, lenient=True)


@pytest.mark.rule("1.4-12")
def test_a_static_address_of_linux_is_a_fault_where_it_would_be_refused() -> None:
    """Windows is let pass; Linux is a fault with protected: yes."""
    windows = vm_line(more="adapters: [{address: static}]")
    linux = windows.replace("Windows Server 2012 R2", "CentOS")
    assert site_of(windows).vms[0].adapters[0].address == "static"
    (line,) = faults(f"site: x\nvms:\n{linux}")
    assert "adapters[0].address: found static" in line


def test_a_large_vm_stands_in_a_lab(tmp_path: Path) -> None:
    """64 TB cost nothing as long as nothing is written there, and the lab is sound."""
    (tmp_path / "s.yml").write_text(
        "site: x\nvms:\n" + vm_line(disks="{name: os, size: 64TB, used: 1GB}", more="protected: no, generation: 2")
    )
    with create(tmp_path / "a.lab", site=tmp_path / "s.yml") as lab:
        lab.run("1h")
        assert lab.verify() == []
        assert lab.path.stat().st_size < 8 << 20


@pytest.mark.rule("1.4-4")
@pytest.mark.parametrize(
    ("name", "expected", "bits", "supported"),
    [
        ("Microsoft Windows Server 2012 R2 Datacenter", "Windows Server 2012 R2", 64, True),
        ("Windows Server 2008 R2 Standard Service Pack 1", "Windows Server 2008 R2 SP1", 64, True),
        ("Windows Server 2008 R2 SP0", "", 64, False),
        ("64-bit edition of Windows Server 2008 Standard", "Windows Server 2008 SP2 (x64)", 64, True),
        ("Windows Server 2008 Standard 32-Bit", "Windows Server 2008 SP2 (x86)", 32, False),
        ("Windows Server 2008 Standard", "", None, False),
        ("CentOS 5.8 x86_64", "CentOS 5.8", 64, True),
        ("CentOS Linux 6.2 (64 bit)", "CentOS 6.3", 64, True),
        ("CentOS Linux 6.10 (64 bit)", "CentOS 6.5", 64, True),
        ("CentOS Linux 6 (32 bit)", "CentOS 6.5", 32, False),
        ("SLES 11 SP1 x86_64", "", 64, False),
        ("Suse Linux Enterprise Server 12 (64 bit)", "SUSE Linux Enterprise Server 11 SP3", 64, True),
        ("Ubuntu Linux 13.10 (64 bit)", "Ubuntu Server 12.04", 64, True),
        ("Ubuntu Linux 10.10 (64 bit)", "Ubuntu Server 10.04", 64, False),
        ("freebsd", "FreeBSD 10.0", 64, False),
        ("MS-DOS", "", None, False),
    ],
)
def test_names_of_systems(name: str, expected: str, bits: int | None, supported: bool) -> None:
    """What VMM, guests and people call a system is found in the table: "and later", "and older" included."""
    found = systems.recognise(name)
    assert (found.name, found.bits, found.supported) == (expected, bits, supported)

"""The rules for one VM (1.2-7, 1.4, 2.4), in one place: what holds, what warns, what fails, what cannot be told.

A ``Subject`` (``subjects``) says plainly what a VM is; what nobody knows gives a finding of that kind. The readiness
report and "Enable protection" ask ``check``; limits are ``data/azure/vm-limits.yml``, dated (rule 1.4-16).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, NamedTuple

import msgspec

from labkit.engine import resources, units
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.recovery.subjects import HYPER_V, Subject, SubjectAdapter, SubjectDisk, described
from labkit.site import systems
from labkit.site.model import Vm

__all__ = [
    "Finding", "Subject", "SubjectAdapter", "SubjectDisk", "check", "dated", "described", "refusal", "title",
]  # fmt: skip

HOLDS, WARNS, FAILS, UNKNOWN = "holds", "warns", "fails", "unknown"
AZURE, SITE = "azure", "site"
READINESS, ENABLE = "readiness", "enable"
Target = Literal["azure", "site"]
Purpose = Literal["readiness", "enable"]

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", re.ASCII)


class Finding(msgspec.Struct, frozen=True):
    """What one rule says of a VM: ``severity`` "holds", "warns", "fails" or "unknown"; ``code`` 0 when it holds.

    ``details`` fill the texts of the code.
    """

    rule: str
    severity: str
    code: int = 0
    details: dict[str, Any] = {}

    @property
    def error(self) -> LabError | None:
        """The finding as an error with message, cause and action; None when the rule holds."""
        return LabError(self.code, **self.details) if self.code else None


class _Asked(NamedTuple):
    """What is looked at, where it is to go, and why somebody asks."""

    vm: Subject
    target: str
    purpose: str

    @property
    def limits(self) -> dict[str, Any]:
        return _limits()


class _Said(NamedTuple):
    """A finding of a rule that does not know its own number."""

    severity: str
    code: int
    details: dict[str, Any]


_Rule = Callable[[_Asked], Iterator[_Said]]


@functools.cache
def _limits() -> dict[str, Any]:
    found: dict[str, Any] = resources.yaml("azure", "vm-limits.yml")
    return found


def dated() -> str:
    """The date of the table of limits, ISO 8601 (rule 1.4-16)."""
    return str(_limits()["date"])


def check(subject: Subject, target: Target = "azure", *, purpose: Purpose = "readiness") -> list[Finding]:
    """What each rule says of a VM that is to be protected to Azure or to another site; at least one finding a rule.

    ``purpose``: "readiness" looks ahead; "enable" judges as "Enable protection" does (rules 1.4-12, 2.4-5). A machine
    that is no VM of Hyper-V gets the one finding of rule 1.2-7.
    """
    asked = _Asked(subject, target, purpose)
    if subject.platform != HYPER_V:
        return [Finding("1.2-7", FAILS, 900873, {"vm": subject.name, "platform": subject.platform})]
    found: list[Finding] = []
    for rule, judge in _RULES.items():
        if target == SITE and rule not in _SITE_RULES:
            continue
        if (rule == "2.4-1" and subject.cloud is None) or (rule == "2.4-5" and purpose == ENABLE):
            continue
        said = [Finding(rule, *one) for one in judge(asked)]
        found += said or [Finding(rule, HOLDS)]
    return [_numbered(finding) for finding in found]


def _numbered(finding: Finding) -> Finding:
    if finding.severity != UNKNOWN:
        return finding
    return msgspec.structs.replace(finding, details={**finding.details, "rule": finding.rule})


def title(rule: str) -> str:
    """What a rule is about, in a few words of the language of the session.

    >>> title("1.4-7")
    'generation of the virtual machine'
    """
    return _(_TITLES[rule])


def refusal(findings: Iterable[Finding]) -> LabError | None:
    """The error that refuses the VM: of the one failing finding, 900860 with all of them (F-5), None without any."""
    failing: list[Finding] = []
    for finding in findings:
        same = any((finding.code, finding.details) == (other.code, other.details) for other in failing)
        if finding.severity == FAILS and not same:
            failing.append(finding)
    errors = [LabError(finding.code, **finding.details) for finding in failing]
    if len(errors) < 2:
        return errors[0] if errors else None
    reasons = "\n".join(f"- {error.code}: {error.message} {error.action}" for error in errors)
    return LabError(900860, vm=failing[0].details["vm"], count=len(errors), reasons=reasons)


def _missing(asked: _Asked, *names: str) -> _Said:
    """Something is not known; the names are those of the columns of an inventory."""
    return _Said(UNKNOWN, 900875, {"vm": asked.vm.name, "missing": ", ".join(names)})


# --- host and guest --------------------------------------------------------------------------------------------------


def _host(asked: _Asked) -> Iterator[_Said]:
    name, allowed = asked.vm.host_os, asked.limits["hosts"][asked.target]
    if not name:
        yield _missing(asked, "HostOperatingSystem")
        return
    # Hyper-V Server is the same system without its other roles.
    if systems.recognise(re.sub("hyper-v server", "Windows Server", name, flags=re.I)).name not in allowed:
        details = {"vm": asked.vm.name, "found": name, "choices": ", ".join(allowed)}
        yield _Said(FAILS, 900861, details)


def _guest(asked: _Asked) -> Iterator[_Said]:
    """64 bits, a Windows that is in the list; integration services."""
    vm, guest = asked.vm, asked.vm.guest
    if asked.target == AZURE:
        if guest is None:
            yield _missing(asked, "GuestOperatingSystem")
        elif guest.bits == 32 or (guest.family == systems.WINDOWS and not guest.supported and guest.bits):
            yield _Said(FAILS, 70002, {"vm": vm.name, "found": vm.system or vm.declared})
        elif guest.bits is None:
            yield _missing(asked, "GuestBits")
    if vm.integration == systems.NONE:
        yield _Said(WARNS, 900862, {"vm": vm.name})


def _outside(asked: _Asked) -> Iterator[_Said]:
    """A 64-bit Linux, or a FreeBSD, that the list lacks."""
    guest = asked.vm.guest
    if guest and not guest.supported and guest.family != systems.WINDOWS and guest.bits == 64:
        found = asked.vm.system or asked.vm.declared
        yield _Said(WARNS, 900863, {"vm": asked.vm.name, "found": found, "declared": systems.OTHER_LINUX})


def _generation(asked: _Asked) -> Iterator[_Said]:
    generation = asked.vm.generation
    if generation is None:
        yield _missing(asked, "Generation")
    elif generation not in asked.limits["generations"][asked.target]:
        yield _Said(FAILS, 70009, {"vm": asked.vm.name, "found": generation})


# --- disks -----------------------------------------------------------------------------------------------------------


def _sized(asked: _Asked, disk: SubjectDisk, limits: dict[str, Any], code: int) -> Iterator[_Said]:
    if disk.size is not None and not units.size(limits["least"]) <= disk.size <= units.size(limits["most"]):
        shown = {key: units.show_size(units.size(limits[key])) for key in ("least", "most")}
        yield _Said(FAILS, code, {"vm": asked.vm.name, "disk": disk.name, "found": _exact(disk.size), **shown})


def _exact(size: int) -> str:
    """A size as it is read; one that rounds to a whole unit but is none also in MB or bytes: 127 GB (130049 MB)."""
    shown = units.show_size(size)
    try:
        exact = units.size(shown.replace(" ", "")) == size
    except LabError:
        exact = False
    if exact:
        return shown
    return f"{shown} ({size >> 20:,} MB)" if size % (1 << 20) == 0 else f"{shown} ({size:,} B)"


def _os_disk(asked: _Asked) -> Iterator[_Said]:
    vm = asked.vm
    if not vm.disks:
        yield _missing(asked, "Disks")
        return
    for disk in vm.os_disks:
        yield from _sized(asked, disk, asked.limits["os_disk"], 900864)
        # Of a marked disk rule 2.4-3 tells this, and of generation 2 its own rule.
        if disk.controller == "scsi" and disk.system is None and vm.generation != 2:
            yield _Said(FAILS, 900876, {"vm": vm.name, "disk": disk.name})
    unknown = {"Size": "size", "ControllerType": "controller"}
    names = [name for name, key in unknown.items() if any(getattr(disk, key) is None for disk in vm.os_disks)]
    if names:
        yield _missing(asked, *names)


def _data_disks(asked: _Asked) -> Iterator[_Said]:
    vm, limits = asked.vm, asked.limits["data_disks"]
    if vm.disks is None:
        yield _missing(asked, "Disks")
        return
    if len(vm.data_disks) > limits["count"]:
        yield _Said(FAILS, 900866, {"vm": vm.name, "found": len(vm.data_disks), "most": limits["count"]})
    for disk in vm.data_disks:
        yield from _sized(asked, disk, limits, 900865)
    if any(disk.size is None for disk in vm.data_disks):
        yield _missing(asked, "Size")


def _files(asked: _Asked) -> Iterator[_Said]:
    """VHD or VHDX, fixed, dynamic or differencing. What is refused altogether has no file to judge."""
    vm, limits = asked.vm, asked.limits
    if vm.disks is None:
        yield _missing(asked, "Disks")
        return
    files = [disk for disk in vm.disks if disk.type not in ("pass-through", "iscsi")]
    for disk in files:
        for found, allowed in ((disk.format, limits["disk_formats"]), (disk.type, limits["disk_types"])):
            if found is not None and found not in (*allowed, *limits["refused_types"]):
                choices = ", ".join(allowed)
                yield _Said(FAILS, 900867, {"vm": vm.name, "disk": disk.name, "found": found, "choices": choices})
    unknown = {"VhdFormat": "format", "VhdType": "type"}
    names = [name for name, key in unknown.items() if any(getattr(disk, key) is None for disk in files)]
    if names:
        yield _missing(asked, *names)


def _refused(asked: _Asked) -> Iterator[_Said]:
    vm = asked.vm
    for disk in vm.disks or ():
        if disk.type in asked.limits["refused_types"]:
            yield _Said(FAILS, 900868, {"vm": vm.name, "disk": disk.name, "found": disk.type})
    if vm.fibre_channel:
        yield _Said(FAILS, 900869, {"vm": vm.name})
    known = {
        "Disks": vm.disks is not None,
        "VhdType": all(disk.type is not None for disk in vm.disks or ()),
        "FibreChannel": vm.fibre_channel is not None,
    }
    if not all(known.values()):
        yield _missing(asked, *(name for name, is_known in known.items() if not is_known))


# --- network and name ------------------------------------------------------------------------------------------------


def _addresses(asked: _Asked) -> Iterator[_Said]:
    vm = asked.vm
    if vm.adapters is None:
        yield _missing(asked, "Adapters")
        return
    severity = WARNS if asked.purpose == ENABLE and vm.family == systems.WINDOWS else FAILS
    for adapter in vm.adapters:
        if adapter.address == "static":
            yield _Said(severity, 900870, {"vm": vm.name, "adapter": adapter.name})
        if (adapter.addresses or 0) > 1:
            # The guide names no refusal for this: the readiness check tells it, enabling lets it pass with a warning.
            details = {"vm": vm.name, "adapter": adapter.name, "found": adapter.addresses}
            yield _Said(WARNS if asked.purpose == ENABLE else FAILS, 900889, details)
    if any(adapter.address is None for adapter in vm.adapters):
        yield _missing(asked, "DhcpEnabled")


def _adapters(asked: _Asked) -> Iterator[_Said]:
    adapters = asked.vm.adapters
    if adapters is None:
        yield _missing(asked, "Adapters")
    elif len(adapters) > 1:
        yield _Said(WARNS, 900871, {"vm": asked.vm.name, "found": len(adapters)})


def good_name(name: str) -> bool:
    """Whether Azure takes a VM's name: 1 to 63 letters, digits, hyphens, none of these at its ends (rule 1.4-14)."""
    return len(name) <= longest_name() and _NAME.fullmatch(name) is not None


def longest_name() -> int:
    """The most characters a VM's name has in Azure."""
    return int(_limits()["name_longest"])


def host_systems(target: Target) -> list[str]:
    """The systems a host may have (rule 1.4-2)."""
    return list(_limits()["hosts"][target])


def integrated(vm: Vm) -> bool:
    """Whether a guest has integration services, old ones or new (rule 1.4-4)."""
    return (vm.integration or systems.integration(vm.os)) != systems.NONE


def _name(asked: _Asked) -> Iterator[_Said]:
    if not good_name(asked.vm.name):
        yield _Said(WARNS, 70044, {"vm": asked.vm.name, "most": longest_name()})


# --- what VMM says of it ---------------------------------------------------------------------------------------------


def _cloud(asked: _Asked) -> Iterator[_Said]:
    if not asked.vm.cloud:
        yield _Said(FAILS, 900872, {"vm": asked.vm.name})


def _declaration(asked: _Asked) -> Iterator[_Said]:
    """The system that VMM was told is a supported 64-bit one, or "Other Linux (64-bit)"."""
    if asked.vm.declared is None:
        yield _missing(asked, "OperatingSystem")
        return
    name = asked.vm.set_system
    system = systems.recognise(name) if name else None
    if system is None or not (system.supported or (system.name, system.bits) == (systems.OTHER_LINUX, 64)):
        yield _Said(FAILS, 70002, {"vm": asked.vm.name, "found": name or "Unknown"})


def _mark(asked: _Asked) -> Iterator[_Said]:
    vm = asked.vm
    if vm.disks is None or any(disk.system is None for disk in vm.disks):
        yield _missing(asked, "ContainsOperatingSystem")
        return
    marked = [disk for disk in vm.disks if disk.system]
    if len(marked) == 1 and (marked[0].controller != "scsi" or vm.generation == 2):
        return
    shown = ", ".join(f"{disk.name} ({(disk.controller or '?').upper()})" for disk in marked) or "-"
    yield _Said(FAILS, 70003, {"vm": vm.name, "marked": shown})


def _remote(asked: _Asked) -> Iterator[_Said]:
    vm = asked.vm
    if vm.remote is None:
        yield _missing(asked, "RemoteAccess")
    elif not vm.remote:
        access = {systems.WINDOWS: "RDP", None: "RDP / SSH"}.get(vm.family, "SSH")
        yield _Said(WARNS, 900874, {"vm": vm.name, "access": access})


_RULES: dict[str, _Rule] = {
    "1.4-2": _host,
    "1.4-4": _guest,
    "1.4-5": _outside,
    "1.4-7": _generation,
    "1.4-8": _os_disk,
    "1.4-9": _data_disks,
    "1.4-10": _files,
    "1.4-11": _refused,
    "1.4-12": _addresses,
    "1.4-13": _adapters,
    "1.4-14": _name,
    "2.4-1": _cloud,
    "2.4-2": _declaration,
    "2.4-3": _mark,
    "2.4-5": _remote,
}
# Section 1.4 is about Azure where it does not say otherwise; from site to site Hyper-V's own limits hold.
_SITE_RULES = ("1.4-2", "1.4-4", "1.4-7", "1.4-10", "1.4-11", "2.4-1")
_TITLES = {
    "1.2-7": mark("kind of machine"),
    "1.4-2": mark("system of the host"),
    "1.4-4": mark("64-bit guest, integration services"),
    "1.4-5": mark("guest outside the guarantee"),
    "1.4-7": mark("generation of the virtual machine"),
    "1.4-8": mark("OS disk"),
    "1.4-9": mark("data disks"),
    "1.4-10": mark("kinds of disk files"),
    "1.4-11": mark("disks that are refused"),
    "1.4-12": mark("one address by DHCP"),
    "1.4-13": mark("number of network adapters"),
    "1.4-14": mark("name for Azure"),
    "2.4-1": mark("belongs to a cloud"),
    "2.4-2": mark("operating system set in VMM"),
    "2.4-3": mark("OS disk marked in VMM"),
    "2.4-5": mark("remote access"),
}

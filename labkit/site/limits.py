"""What a VM of a site file may have: what Hyper-V has, and less where it is to be protected to Azure.

The numbers are those of rules 1.4-7 to 1.4-12. A VM that says ``protected: no`` may break them.
"""

from __future__ import annotations

from typing import Any

from labkit.engine import units
from labkit.engine.texts import gettext as _
from labkit.site import systems
from labkit.site.kinds import Report
from labkit.site.records import Values
from labkit.site.schema import (
    DATA_DISK_LIMIT,
    DISK_SIZE,
    DISKS,
    HYPER_V_SIZES,
    IDE_DISKS,
    LEAST_DISK,
    MOST_DISKS,
    OS_DISK_LIMIT,
    REFUSED_TYPES,
    SCSI_DISKS,
    VHD_LIMIT,
)


def check(vm: Values, report: Report, *, protected: bool) -> None:
    """Report what the VM may not have; ``protected``: also what Azure does not take."""
    disks = vm.get("disks") or []
    _controllers(vm, disks, report)
    for number, disk in enumerate(disks):
        if isinstance(disk, Values):
            _file(vm, disk, report)
            if protected:
                _size(disk, number, report)
                _type(disk, report)
    if protected:
        _machine(vm, disks, report)


def _else(allowed: str) -> str:
    return _("{allowed}; a VM that says 'protected: no' may differ").format(allowed=allowed)


def _controllers(vm: Values, disks: list[Any], report: Report) -> None:
    generation = vm.get("generation", 1)
    counts = {"ide": 0, "scsi": 0}
    for number, disk in enumerate(disks):
        if not isinstance(disk, Values):
            continue
        controller = disk.get("controller") or ("ide" if number == 0 and generation == 1 else "scsi")
        counts[controller] += 1
        if generation == 2 and controller == "ide":
            report.add(*disk.where("controller"), "ide", _("scsi: a VM of generation 2 has no IDE controller"))
        elif generation == 1 and number == 0 and controller == "scsi":
            report.add(*disk.where("controller"), "scsi", _("ide: a VM of generation 1 starts from an IDE disk"))
    for controller, most in (("ide", IDE_DISKS), ("scsi", SCSI_DISKS)):
        if counts[controller] > most:
            found = _("{count} disks on {controller}").format(count=counts[controller], controller=controller.upper())
            report.add(*vm.where("disks"), found, _("at most {count}").format(count=most))


def _file(vm: Values, disk: Values, report: Report) -> None:
    if disk.get("format") != "vhd":
        return
    if vm.get("generation") == 2:
        report.add(*disk.where("format"), "vhd", _("vhdx: a VM of generation 2 takes no VHD"))
    if (disk.get("size") or 0) > units.size(VHD_LIMIT):
        allowed = _("at most {limit} for a VHD").format(limit=VHD_LIMIT)
        report.add(*_said(disk), units.show_size(disk["size"]), allowed)


def _said(disk: Values) -> tuple[int, str]:
    return disk.where("size" if "size" in disk.lines else "image")


def _size(disk: Values, number: int, report: Report) -> None:
    size = disk.get("size")
    if not size:
        return
    found, low, high = units.show_size(size), units.size(LEAST_DISK), units.size(DATA_DISK_LIMIT)
    if number == 0 and size > units.size(OS_DISK_LIMIT):
        text = _("20MB to {limit} for the first disk, which holds the operating system").format(limit=OS_DISK_LIMIT)
        report.add(*_said(disk), found, _else(text))
    elif not low <= size <= high:
        if "size" in disk.lines:
            text = _("{allowed}; a VM that says 'protected: no' may have {low} to {high}")
            text = text.format(allowed=DISK_SIZE.allowed(), low=HYPER_V_SIZES[0], high=HYPER_V_SIZES[1])
            report.add(*disk.where("size"), found, text)
        elif size > high:
            text = _("an image of at most {limit}").format(limit=DATA_DISK_LIMIT)
            report.add(*disk.where("image"), found, _else(text))


def _type(disk: Values, report: Report) -> None:
    if disk.get("type") in REFUSED_TYPES:
        report.add(*disk.where("type"), disk["type"], _else("fixed, dynamic, differencing"))


def _machine(vm: Values, disks: list[Any], report: Report) -> None:
    """Number of disks, generation, Fibre Channel, and addresses."""
    if len(disks) > MOST_DISKS:
        found = _("a list with {count} entries").format(count=len(disks))
        report.add(*vm.where("disks"), found, _else(DISKS.allowed()))
    if vm.get("generation") == 2:
        report.add(*vm.where("generation"), "2", _else("1"))
    if vm.get("fibre_channel"):
        report.add(*vm.where("fibre_channel"), _("virtual Fibre Channel"), _else("no"))
    if "os" not in vm or systems.family(vm["os"]) == systems.WINDOWS:
        return
    for adapter in vm.get("adapters") or []:
        if isinstance(adapter, Values) and adapter.get("address") == "static":
            report.add(*adapter.where("address"), "static", _else(_("dhcp, for a guest that is not Windows")))

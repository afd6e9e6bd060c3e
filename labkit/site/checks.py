"""What must be right between the keys of a site file, and who runs the guest application."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labkit.engine import units
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.site import churns, images, limits, places
from labkit.site.files import path_of
from labkit.site.kinds import Report, show
from labkit.site.records import Values
from labkit.site.schema import DEFAULT_ORDERS_PER_DAY


def _tables(things: Any) -> list[Values]:
    return [thing for thing in things or [] if isinstance(thing, Values)]


def vms_of(site: Values) -> list[Values]:
    """The VMs that could be read."""
    return _tables(site.get("vms"))


def disks_of(vm: Values) -> list[Values]:
    """The disks of a VM that could be read."""
    return _tables(vm.get("disks"))


def check(site: Values, folder: Path | None, report: Report, *, lenient: bool = False) -> None:
    """Report everything that single keys cannot tell; paths become absolute, disks get sizes, churn its meaning.

    ``lenient``: what no VM to be protected may have is no fault; what Hyper-V does not have is one.
    """
    _unique(vms_of(site), report)
    places.check(site, vms_of(site), report)
    _objectives(site.get("objectives"), report)
    for vm in vms_of(site):
        _unique(disks_of(vm), report)
        _memory(vm, report)
        for number, disk in enumerate(vm.get("disks") or []):
            if isinstance(disk, Values):
                _image(disk, folder, report)
                _disk(disk, report)
                holder = vm if number == 0 and "churn" not in disk.lines else disk
                churns.resolve(holder, folder, disk.get("size") or 0, report)
        _unique(_tables(vm.get("adapters")), report)
        limits.check(vm, report, protected=bool(vm.get("protected", True)) and not lenient)
        if isinstance(vm.get("churn"), Values):
            churns.resolve(vm, folder, 0, report)  # what no disk makes use of has to be right, too
        _application(vm, report)
    _invoices(site, report)


def _unique(things: list[Values], report: Report) -> None:
    seen: dict[str, int] = {}
    for thing in things:
        name = thing.get("name")
        if name is None:
            continue
        line, path = thing.where("name")
        if places.same(name) in seen:
            found = _("'{name}' again (line {line} has it)").format(name=show(name), line=seen[places.same(name)])
            report.add(line, path, found, _("a name of its own; upper and lower case are the same"))
        seen.setdefault(places.same(name), line)


def _objectives(objectives: Any, report: Report) -> None:
    if not isinstance(objectives, Values) or objectives.get("mtd") is None or "rto" not in objectives:
        return
    if objectives["mtd"] < objectives["rto"]:
        found = units.show_duration(objectives["mtd"])
        allowed = _("at least the RTO, {rto}").format(rto=units.show_duration(objectives["rto"]))
        report.add(*objectives.where("mtd"), found, allowed)


def _memory(vm: Values, report: Report) -> None:
    most, least = vm.get("memory_max"), vm.get("memory")
    if most is not None and least is not None and most < least:
        allowed = _("at least memory, {size}").format(size=units.show_size(least))
        report.add(*vm.where("memory_max"), units.show_size(most), allowed)


def _disk(disk: Values, report: Report) -> None:
    size, used = disk.get("size"), disk.get("used") if "used" in disk.lines else None
    if size is None and "size" not in disk.lines and "image" not in disk.lines:
        report.add(*disk.where("size"), _("nothing"), _("a size such as 40GB, or an image"))
    if used is not None and "image" in disk.lines:
        allowed = _("no such key beside an image, which brings its own data")
        report.add(*disk.where("used"), units.show_size(used), allowed)
    elif used is not None and size is not None and used > size:
        allowed = _("at most the size of the disk, {size}").format(size=units.show_size(size))
        report.add(*disk.where("used"), units.show_size(used), allowed)


def _image(disk: Values, folder: Path | None, report: Report) -> None:
    if disk.get("image") is None:
        return
    allowed = _("the path of a disk image, relative to the site file")
    path = path_of(disk, "image", folder, report, allowed)
    if path is not None:
        disk["image"] = str(path)
        _content(disk, path, report)


def _content(disk: Values, path: Path, report: Report) -> None:
    """What is in an image: a disk has its size unless the file says one, which may be larger."""
    try:
        found = images.look(path)
    except LabError as error:
        text = _("an image that cannot be used (error {code}: {message})")
        wrong = text.format(code=error.code, message=error.message.rstrip(".。"))
        report.add(*disk.where("image"), wrong, _("a sound disk image ({action})").format(action=error.action))
        return
    if "size" not in disk.lines:
        disk["size"] = found.size
    elif disk.get("size") is not None and disk["size"] < found.size:
        allowed = _("at least the size of the image, {count} bytes").format(count=found.size)
        report.add(*disk.where("size"), units.show_size(disk["size"]), allowed)
    if "used" not in disk.lines:
        disk["used"] = found.held


def _application(vm: Values, report: Report) -> None:
    wanted = [key for key in ("orders", "invoices") if vm.get(key)]
    if not wanted or "disks" not in vm:
        return
    where = vm.where(wanted[-1])
    if len(wanted) == 2:
        allowed = _("one of the two: invoices are for the orders of another VM")
        report.add(*where, _("orders and invoices at one VM"), allowed)
    disks = vm["disks"]
    if len(disks) < 2:
        report.add(*where, _("a VM with one disk"), _("a second disk, where the application keeps its database"))
    elif isinstance(disks[1], Values) and churns.writes(disks[1]):
        allowed = _("no churn on the second disk, where the application keeps its database")
        report.add(*disks[1].where("churn"), _("churn beside an application"), allowed)


def _invoices(site: Values, report: Report) -> None:
    stated = [vm for vm in vms_of(site) if vm.get("invoices")]
    for vm in stated[1:]:
        report.add(*vm.where("invoices"), _("a second VM that invoices"), _("one VM that invoices"))
    if stated and not order_takers(site) and not any("disks" not in vm for vm in vms_of(site)):
        report.add(*stated[0].where("invoices"), _("invoices where no VM takes orders"), _("orders at another VM"))


def _free(vm: Values) -> bool:
    """Whether the VM has a second disk that nothing else is said of."""
    disks = vm.get("disks") or []
    if len(disks) < 2 or not isinstance(disks[1], Values):
        return False
    return disks[1].get("image") is None and not churns.writes(disks[1])


def order_takers(site: Values) -> dict[int, int]:
    """Orders a day by VM number: as the file says, else the site's first VM with a data disk takes 6 a minute."""
    vms = vms_of(site)
    stated = {number: vm["orders"] for number, vm in enumerate(vms) if vm.get("orders")}
    if stated:
        return stated
    free = [number for number, vm in enumerate(vms) if _free(vm) and not vm.get("invoices")]
    if not free or vms[free[0]].get("orders") is not None:
        return {}
    return {free[0]: DEFAULT_ORDERS_PER_DAY}


def invoicer(site: Values) -> int | None:
    """Number of the VM that invoices: as the file says, else the next with a data disk after the first that orders."""
    vms, takers = vms_of(site), order_takers(site)
    stated = [number for number, vm in enumerate(vms) if vm.get("invoices")]
    if stated or not takers:
        return stated[0] if stated else None
    for number in range(min(takers) + 1, len(vms)):
        if number not in takers and _free(vms[number]) and vms[number].get("orders") is None:
            return number if vms[number].get("invoices") is None else None
    return None

"""Site files: a whole site as one YAML file people write.

``read`` takes the name of a site that ships with labkit or a path, ``parse`` a text. Both give a resolved ``SiteFile``
or refuse with *all* faults at once, each with file, line, key, what was found and what is allowed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from labkit.engine import resources
from labkit.engine.errors import LabError
from labkit.engine.names import meant
from labkit.engine.texts import gettext as _
from labkit.engine.units import HOUR
from labkit.site import checks, places
from labkit.site.kinds import Report
from labkit.site.model import (
    Adapter,
    Azure,
    Churn,
    Cloud,
    Cluster,
    Disk,
    Host,
    Line,
    Objectives,
    ReplicaSite,
    Servers,
    SiteFile,
    Trace,
    Vm,
    digest,
    order_instant,
)
from labkit.site.records import Values
from labkit.site.schema import SITE
from labkit.site.yamltext import Unreadable, compose

__all__ = [
    "Adapter", "Azure", "Churn", "Cloud", "Disk", "Line", "Objectives", "Servers", "SiteFile", "Trace", "Vm",
    "digest", "order_instant", "parse", "read", "shipped", "warnings",
]  # fmt: skip

LARGEST_FILE = 1 << 20
MOST_SHOWN = 100
_USED_MOST = 4 << 30
_HARDWARE = (
    "generation", "integration", "made", "remote", "firewall", "network_level_authentication", "fibre_channel",
)  # fmt: skip


def shipped() -> list[str]:
    """Names of the sites that ship with labkit."""
    return sorted(path.stem for path in resources.data("sites").glob("*.yml"))


def read(path_or_name: str | Path, *, lenient: bool = False) -> SiteFile:
    """The site of a shipped name (``"contoso"``) or of a file.

    ``lenient``: VMs may be whatever Hyper-V has, also those that are to be protected; it is for looking at a site, and
    no lab is made of it.

    Refused with 900200 (faults in it), 900201 (no such site or file), 900202 (a folder or the like), 900203 (over
    1 MB), 900204 (not UTF-8), 900205 (the system does not let it be read).
    """
    path = Path(path_or_name)
    kind = _kind(path)
    if kind != "file" and str(path_or_name) in shipped():
        path = resources.data("sites", f"{path_or_name}.yml")
        return parse(_text(path, path.name), path.name, path.parent, lenient=lenient)
    if kind == "missing":
        _refuse_missing(str(path_or_name))
    if kind == "other":
        raise LabError(900202, file=str(path_or_name))
    return parse(_text(path, str(path_or_name)), str(path_or_name), path.absolute().parent, lenient=lenient)


def _kind(path: Path) -> str:
    if path == Path():
        return "missing"
    try:
        return "file" if path.is_file() else "other" if path.exists() else "missing"
    except (OSError, ValueError):
        return "missing"


def _refuse_missing(wanted: str) -> None:
    if Path(wanted).suffix.lower() in (".yml", ".yaml") or Path(wanted).name != wanted:
        code, known = 900201, shipped()
    else:
        code, known = 900206, shipped()
    raise LabError(code, file=wanted, sites=", ".join(known), meant=meant(wanted, known))


def _text(path: Path, shown: str) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise LabError(900205, file=shown, reason=error.strerror or str(error)) from None
    if len(raw) > LARGEST_FILE:
        raise LabError(900203, file=shown, limit="1 MB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise LabError(900204, file=shown, line=line, byte=f"0x{raw[error.start]:02X}") from None


def parse(text: str, name: str, folder: Path | None = None, *, lenient: bool = False) -> SiteFile:
    """The site a text describes; ``name`` stands in messages, relative paths are relative to ``folder``.

    ``lenient`` as of ``read``.

    Refused with 900200, all faults in one go.
    """
    report = Report()
    values: Any = None
    if len(text) > LARGEST_FILE:
        raise LabError(900203, file=name, limit="1 MB")
    try:
        values = SITE.read(compose(text), "", report)
    except Unreadable as error:
        report.add(error.line, "", error.reason, _("YAML as in docs/site-files.md"))
    if isinstance(values, Values):
        checks.check(values, folder, report, lenient=lenient)
    if report.faults:
        raise _refusal(name, report)
    return _site(values)


def _refusal(name: str, report: Report) -> LabError:
    faults = sorted(set(report.faults))
    lines = [fault.text(name) for fault in faults[:MOST_SHOWN]]
    if len(faults) > MOST_SHOWN:
        lines.append(_("and {count} more").format(count=len(faults) - MOST_SHOWN))
    return LabError(900200, file=name, count=len(faults), faults="\n".join(lines))


def warnings(site: SiteFile) -> list[str]:
    """What works but may surprise, in the language of the session: writing to an imported image breaks its files."""
    text = _("{vm}, disk {disk}: the lab writes to the image, its file system will not survive")
    return [
        text.format(vm=vm.name, disk=disk.name)
        for vm in site.vms
        for disk in vm.disks
        if disk.image is not None and (disk.churn is not None or disk.application)
    ]


def _site(values: Values) -> SiteFile:
    start, offset = values["start"]
    cloud, servers = values["cloud"], values["servers"]
    takers, invoicer = checks.order_takers(values), checks.invoicer(values)
    return SiteFile(
        site=values["site"],
        start=start,
        offset_min=offset,
        line=Line(**values["line"]),
        cloud=Cloud(
            cloud["name"],
            cloud["frequency"],
            cloud["retention"] // HOUR,
            cloud["app_consistent"] // HOUR,
            cloud["health_rules"],
        ),
        servers=_servers(servers),
        network=values["network"],
        azure=Azure(**values["azure"]),
        vms=tuple(
            _vm(vm, places.host_names(servers)[0], takers.get(number), number == invoicer)
            for number, vm in enumerate(values["vms"])
        ),
        objectives=Objectives(**values["objectives"]),
        replica_site=_replica_site(values["replica_site"]),
    )


def _replica_site(values: Values | None) -> ReplicaSite | None:
    if values is None:
        return None
    return ReplicaSite(tuple(values["hosts"]), Line(**values["line"]), values["vmm"], values["cloud"])


def _servers(values: Values) -> Servers:
    details = (Host(**host) for host in values["hosts"] if isinstance(host, Values))
    return Servers(
        domain=values["domain"],
        domain_controller=values["domain_controller"],
        vmm=values["vmm"],
        hosts=tuple(places.host_names(values)),
        host_os=values["host_os"],
        details=tuple(detail for detail in details if detail != Host(detail.name)),
        clusters=tuple(
            Cluster(cluster["name"], tuple(cluster["hosts"]), cluster["address"] == "static")
            for cluster in values["clusters"]
        ),
        proxy=tuple(values["proxy"]),
    )


def _vm(values: Values, first_host: str, orders: int | None, invoices: bool) -> Vm:
    application = orders is not None or invoices
    return Vm(
        name=values["name"],
        os=values["os"],
        host=values["host"] or first_host,
        cpu=values["cpu"],
        memory=values["memory"],
        memory_max=values["memory_max"] or values["memory"],
        protected=values["protected"],
        disks=tuple(
            _disk(disk, values["churn"] if number == 0 else None, application and number == 1)
            for number, disk in enumerate(values["disks"])
        ),
        orders_per_day=orders,
        invoices=invoices,
        adapters=tuple(Adapter(**_said(adapter, Adapter)) for adapter in values["adapters"] or ()),
        **_said({key: values[key] for key in _HARDWARE}, Vm),
    )


def _disk(values: Values, inherited: Any, application: bool) -> Disk:
    size, used, image = values["size"] or 0, values["used"], values["image"]
    if used is None:
        used = min(size // 20, _USED_MOST)
    churn = values["churn"] if "churn" in values.lines else inherited
    more = {key: values[key] for key in ("controller", "format", "type")}
    return Disk(values["name"], size, used, image, churn, application, **_said(more, Disk))


def _said(values: dict[str, Any], kind: Any) -> dict[str, Any]:
    """What is not the default of a field of ``kind``: only the default object itself is left out of a digest."""
    known = {field.name: field.default for field in msgspec.structs.fields(kind)}
    return {key: value for key, value in values.items() if value != known[key]}

"""The guide's four pictures (rule 1.1-8), each made from real labs that were brought to that state."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from labkit.engine.errors import LabError
from labkit.engine.names import meant
from labkit.engine.texts import gettext as _
from labkit.replication import line
from labkit.replication.line import Line
from labkit.site import sitefile
from labkit.site.model import ReplicaSite, SiteFile
from labkit.views.sitemap import still
from labkit.views.sitemap.model import Map
from labkit.views.sitemap.reading import of_world

if TYPE_CHECKING:
    from labkit.lab import Lab

_BACKUP = "Backup Cloud - 2ndDC"


class Picture(NamedTuple):
    """A picture: its ``caption`` in the language of the session, the maps it shows, and itself as an SVG element."""

    name: str
    caption: str
    maps: tuple[Map, ...]
    svg: str

    @property
    def file(self) -> str:
        """The same as a file that stands for itself, for light and dark."""
        return still.standalone(self.svg)

    def __repr__(self) -> str:
        return f"<{self.caption}>"

    def _repr_html_(self) -> str:
        """A notebook shows the picture; within HTML it needs no namespace."""
        return self.svg.replace(f"{still.NAMESPACE} ", "")


def picture(name: str) -> Picture:
    """One of :data:`PICTURES`, from labs made for it and thrown away; about a second. 900545 for another name."""
    if name not in PICTURES:
        raise LabError(900545, found=name, choices=", ".join(PICTURES), meant=meant(name, PICTURES))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return PICTURES[name](Path(folder))


def _lab(folder: Path, name: str, site: SiteFile, stage: str) -> Lab:
    from labkit.lab import create

    return create(folder / f"{name}.lab", site=site, stage=stage)


def _contoso(*, protected_only: bool = False) -> SiteFile:
    site = sitefile.read("contoso")
    vms = tuple(vm for vm in site.vms if vm.protected or not protected_only)
    return msgspec.structs.replace(site, vms=vms)


def _one(name: str, caption: str, found: Map) -> Picture:
    return Picture(name, caption, (found,), still.svg(found, caption))


def _deployments(folder: Path) -> Picture:
    """Two sites with a cloud each, one protected to the other; and one site protected to Azure."""
    site = _contoso(protected_only=True)
    second = ReplicaSite(("HV02",), msgspec.structs.replace(site.line), "SC02", _BACKUP)
    with _lab(folder, "two", msgspec.structs.replace(site, replica_site=second), "prepared") as lab:
        for server in ("SC01", "SC02"):
            lab.vault.register_server(server, wait=True)
        lab.vault.configure_protection(target=_BACKUP, wait=True)
        _protect(lab, site)
        _an_hour(lab, line.LAN)
        to_site = lab.read(of_world)
    with _lab(folder, "azure", site, "protected") as lab:
        _an_hour(lab, line.UP)
        to_azure = lab.read(of_world)
    caption = _("The two deployments: on-premises to on-premises, and on-premises to Azure")
    parts = [(to_site, _("On-premises to on-premises")), (to_azure, _("On-premises to Azure"))]
    return Picture("deployments", caption, (to_site, to_azure), still.beside(parts, caption))


def _protect(lab: Lab, site: SiteFile) -> None:
    for vm in site.vms:
        lab.vault.enable_protection(vm.name, wait=True)
    for vm in site.vms:
        lab.wait(lab.vault.items[vm.name])


def _an_hour(lab: Lab, direction: str) -> None:
    """An hour of history, to an instant at which a cycle is under way in a direction of a line."""
    lab.run("1h")
    lab.run_until(lambda world: any(lane.flows for lane in world.get(Line, direction).lanes), within="15min")


def _evaluation(folder: Path) -> Picture:
    with _lab(folder, "evaluation", _contoso(), "prepared") as lab:
        caption = _("The evaluation site: the servers DC01, SC01 and HV01, and what there is in Azure")
        return _one("evaluation-site", caption, lab.read(of_world))


def _joined(folder: Path) -> Lab:
    """The protected VMs, their network mapped to one that the VPN joins to the site."""
    lab = _lab(folder, "joined", _contoso(protected_only=True), "protected")
    azure = sitefile.read("contoso").azure
    lab.azure.create_network("CorpNetwork", azure.region, "10.1.0.0/16", vpn="site-to-site")
    lab.vault.map_network(target="CorpNetwork", wait=True)
    lab.azure.delete_network(azure.network)  # the closed one of the quick create: nobody at the site reaches it
    _an_hour(lab, line.UP)
    return lab


def _ordinary(folder: Path) -> Picture:
    with _joined(folder) as lab:
        caption = _("In ordinary running clients reach the servers in the data center")
        return _one("ordinary", caption, lab.read(of_world))


def _after(folder: Path) -> Picture:
    with _joined(folder) as lab:
        jobs = [lab.vault.planned_failover(name) for name in lab.vault.items]
        for job in jobs:
            lab.wait(job)
        lab.run("5min")
        caption = _("After a failover clients reach the servers recovered in Azure; a failback brings changes home")
        return _one("after-failover", caption, lab.read(of_world))


PICTURES: dict[str, Callable[[Path], Picture]] = {
    "deployments": _deployments,
    "evaluation-site": _evaluation,
    "ordinary": _ordinary,
    "after-failover": _after,
}

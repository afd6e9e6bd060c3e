"""2.4: what has to be said of a VM before it can be protected."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab

CLOUD = "OnPremise Cloud"
SYSTEMS = {
    "MYWSV01": "Windows Server 2012 R2",
    "MYBSD01": "Other Linux (64-bit)",
    "MYWSV02": "Windows Server 2012 R2",
}


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.vmm_runs(lab)
    found = lab.site.vmm.clouds
    yield looks.look(CLOUD in found, _("there is the cloud {cloud}").format(cloud=CLOUD), list(found), looks.VMM_CLOUDS)
    members = found[CLOUD].vms
    yield looks.equal(_("VMs in the cloud"), members, [], looks.VMM_CLOUDS)
    yield looks.equal(_("vaults"), list(lab.azure.vaults), [], looks.VAULTS)


def _assigned(lab: Lab) -> Iterator[Seen]:
    yield looks.in_cloud(lab, CLOUD, *SYSTEMS)


def _assign(lab: Lab) -> None:
    for vm in ("MYWSV01", "MYBSD01", "MYWSV02"):
        lab.site.vmm.assign(vm, "OnPremise Cloud")


def _described(lab: Lab) -> Iterator[Seen]:
    known = lab.site.vmm.vms
    for vm, system in SYSTEMS.items():
        found = known[vm].system if vm in known else ""
        yield looks.equal(_("operating system of {vm}").format(vm=vm), found, system, looks.VMM_VMS)


def _describe(lab: Lab) -> None:
    lab.site.vmm.set_system("MYWSV01", "Windows Server 2012 R2")
    lab.site.vmm.set_system("MYBSD01", "Other Linux (64-bit)")
    lab.site.vmm.set_system("MYWSV02", "Windows Server 2012 R2")


def _marked(lab: Lab) -> Iterator[Seen]:
    known = lab.site.vmm.vms
    for vm in SYSTEMS:
        found = list(known[vm].system_disks) if vm in known else []
        yield looks.equal(
            _("disks of {vm} that contain the operating system").format(vm=vm), found, ["os"], looks.VMM_VMS
        )


def _mark(lab: Lab) -> None:
    for vm in ("MYWSV01", "MYBSD01", "MYWSV02"):
        lab.site.vmm.mark_system_disks(vm, "os")


def _mark_two(lab: Lab) -> None:
    lab.site.vmm.mark_system_disks("MYWSV01", "os", "data")


def _mark_one(lab: Lab) -> None:
    lab.site.vmm.mark_system_disks("MYWSV01", "os")


def _close_firewall(lab: Lab) -> None:
    lab.site.set_remote("MYWSV01", firewall="closed")


def _reached(lab: Lab) -> Iterator[Seen]:
    answer = lab.reach("site", "MYWSV01", 3389)
    expected = _("a computer of the site reaches {vm} by Remote Desktop").format(vm="MYWSV01")
    yield looks.look(answer.reached, expected, answer.words, looks.REACH)


def _open_firewall(lab: Lab) -> None:
    lab.site.set_remote("MYWSV01", enabled=True, firewall="open")


LESSON = Lesson(
    slug="vms-to-protect",
    number="2.4",
    title=mark("The VMs to be protected"),
    heading="保護される仮想マシンの準備",
    track=CONTOSO,
    after="vmm",
    rules=("2.4-1", "2.4-2", "2.4-3", "2.4-4", "2.4-5"),
    begins=_begins,
    minutes=10,
    steps=(
        Step(
            slug="assign-cloud",
            title=mark("Put the three VMs into the cloud"),
            hint=mark(
                "They were made in Hyper-V Manager, so VMM has them in no cloud: lab.site.vmm.assign, one by one."
            ),
            check=_assigned,
            solution=_assign,
        ),
        Step(
            slug="set-system",
            title=mark("Set the operating system of each VM"),
            hint=mark(
                "MYBSD01 runs FreeBSD, which the list lacks: Other Linux (64-bit) stands for it."
                " lab.site.vmm.systems is the list."
            ),
            check=_described,
            solution=_describe,
        ),
        Step(
            slug="mark-disk",
            title=mark("Mark the disk of each VM that contains the operating system"),
            hint=mark("Exactly one disk a VM, here the one called os: lab.site.vmm.mark_system_disks."),
            check=_marked,
            solution=_mark,
        ),
        Step(
            slug="two-system-disks",
            title=mark("A colleague has marked one disk too many: find it, and mend it"),
            hint=mark("Go through lab.site.vmm.vms and look at system_disks."),
            check=_marked,
            solution=_mark_one,
            trouble=_mark_two,
            optional=True,
        ),
        Step(
            slug="closed-firewall",
            title=mark("Nobody reaches MYWSV01 by Remote Desktop: mend it before it matters"),
            hint=mark(
                'lab.reach("site", "MYWSV01", 3389) says why. In Azure there is no console: lab.site.set_remote.'
            ),
            check=_reached,
            solution=_open_firewall,
            trouble=_close_firewall,
            optional=True,
        ),
    ),
)

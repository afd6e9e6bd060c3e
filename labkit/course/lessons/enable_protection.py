"""2.8: protection of the VMs, from the portal and from VMM; the size each gets in Azure."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab

VMS = ("MYWSV01", "MYBSD01", "MYWSV02")


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.cloud_configured(lab, "OnPremise Cloud")
    fact = looks.last_fact(lab, "network.mapped")
    found = None if fact is None else fact["to"]
    yield looks.equal(
        _("{network} is mapped to").format(network="VirtualSwitch - FrontEnd"), found, "AzureNetwork", looks.NETWORKS
    )
    yield looks.unprotected(lab, *VMS)
    yield looks.server_runs(lab, "SC01", "HV01")
    yield looks.in_cloud(lab, "OnPremise Cloud", *VMS)


def _first(lab: Lab) -> Iterator[Seen]:
    yield looks.job_done(lab, "EnableDr", "MYWSV01")
    yield looks.look("MYWSV01" in lab.vault.items, _("MYWSV01 is a protected item"), list(lab.vault.items), looks.ITEMS)


def _enable_first(lab: Lab) -> None:
    lab.vault.enable_protection("MYWSV01", wait=True)


def _second(lab: Lab) -> Iterator[Seen]:
    yield looks.job_done(lab, "EnableDr", "MYBSD01")
    yield looks.look("MYBSD01" in lab.vault.items, _("MYBSD01 is a protected item"), list(lab.vault.items), looks.ITEMS)


def _unmark(lab: Lab) -> None:
    lab.site.vmm.mark_system_disks("MYBSD01")


def _enable_second(lab: Lab) -> None:
    lab.site.vmm.mark_system_disks("MYBSD01", "os")
    lab.site.vmm.enable_protection("MYBSD01", wait=True)


def _third(lab: Lab) -> Iterator[Seen]:
    yield looks.look("MYWSV02" in lab.vault.items, _("MYWSV02 is a protected item"), list(lab.vault.items), looks.ITEMS)
    yield looks.equal(
        _("target size of {vm}").format(vm="MYWSV02"), lab.vault.items["MYWSV02"].size, "M", looks.PROPERTIES
    )


def _enable_third(lab: Lab) -> None:
    if "MYWSV02" not in lab.vault.items:
        lab.vault.enable_protection("MYWSV02", wait=True)
    lab.vault.set_target("MYWSV02", size="M")


def _replicated(lab: Lab) -> Iterator[Seen]:
    yield looks.protected(lab, *VMS)


def _wait(lab: Lab) -> None:
    for vm in ("MYWSV01", "MYBSD01", "MYWSV02"):
        lab.wait(lab.vault.items[vm])


LESSON = Lesson(
    slug="enable-protection",
    number="2.8",
    title=mark("Protection of the VMs"),
    heading="仮想マシンの保護の有効化",
    track=CONTOSO,
    after="configure-protection",
    rules=("1.4-13", "1.4-14", "2.8-1", "2.8-2", "2.8-3", "2.8-4"),
    begins=_begins,
    minutes=10,
    steps=(
        Step(
            slug="protect-vm",
            title=mark("Enable the protection of MYWSV01 from the portal"),
            hint=mark(
                "Protected Items > OnPremise Cloud > Virtual Machines > Add virtual machines;"
                " lab.vault.enable_protection."
            ),
            check=_first,
            solution=_enable_first,
        ),
        Step(
            slug="protect-from-vmm",
            title=mark("Enable the protection of MYBSD01 from the VMM console"),
            hint=mark(
                "lab.site.vmm.enable_protection starts the same job. If it fails, its error names every cause: a VM's"
                " properties are mended in VMM."
            ),
            check=_second,
            solution=_enable_second,
            trouble=_unmark,
            symptom=mark("The VMM console does not protect MYBSD01 any more."),
        ),
        Step(
            slug="target-size",
            title=mark("Protect MYWSV02, too, and give it the size M instead of the one chosen"),
            hint=mark(
                "Its memory may grow to 1 TB, so the largest size was chosen. Change it on the VM's page:"
                " lab.vault.set_target."
            ),
            check=_third,
            solution=_enable_third,
        ),
        Step(
            slug="initial-replication",
            title=mark("Let initial replication end for all three"),
            hint=mark("It takes what the disks hold over what the line carries: lab.wait(lab.vault.items[VM])."),
            check=_replicated,
            solution=_wait,
        ),
    ),
)

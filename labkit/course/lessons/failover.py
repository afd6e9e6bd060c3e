"""3.1: who reaches the VMs now, and what has to be there before a failover."""

from __future__ import annotations

import json
from collections.abc import Iterator

from labkit.course import looks
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine.errors import word
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab

VMS = ("MYWSV01", "MYBSD01", "MYWSV02")


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.protected(lab, *VMS)
    yield looks.line_up(lab)
    yield looks.equal(_("VMs in Azure"), list(lab.azure.machines), [], looks.AZURE_VMS)
    found = lab.status()["items"]["MYWSV01"]["cycles"]
    yield looks.look(found >= 1, _("replication goes on"), found, looks.HEALTH)


def _objectives(lab: Lab) -> Iterator[Seen]:
    told = [entry for entry in lab.journal if entry["command"] == "vault.set_objectives"]
    given = [json.loads(entry["arguments"]) for entry in told if entry["outcome"] == "done"]
    given = [one for one in given if one["vm"] == "MYWSV01"]
    found = given[-1] if given else {}
    seen = [f"{name.upper()} {found.get(name) or _('none')}" for name in ("rto", "rpo", "mtd")]
    expected = _("targets of {vm} were set: RTO, RPO and MTD").format(vm="MYWSV01")
    place = (mark("Protected Items > Virtual Machines > Set targets"), "lab.vault.set_objectives(VM, ...)")
    yield looks.look(all(found.get(name) for name in ("rto", "rpo", "mtd")), expected, seen, place)


def _set_objectives(lab: Lab) -> None:
    lab.vault.set_objectives("MYWSV01", rto="30min", rpo="10min", mtd="4h")


def _who_reaches(lab: Lab) -> object:
    answer = lab.reach("site", "MYWSV01", 3389)
    return answer.address if answer.reached else answer.reason


def _controller(lab: Lab) -> Iterator[Seen]:
    yield looks.runs_in_azure(lab, "DC02")
    page = lab.azure.machine("DC02")
    yield looks.equal(_("network of {vm}").format(vm="DC02"), page.network, "AzureNetwork", looks.AZURE_VMS)
    role, wanted = word("role", page.role or _("none")), word("role", "domain-controller")
    yield looks.equal(_("role of {vm}").format(vm="DC02"), role, wanted, looks.AZURE_VMS)


def _create_controller(lab: Lab) -> None:
    lab.azure.create_machine("DC02", network="AzureNetwork")
    lab.run("5min")


def _lose_vpn(lab: Lab) -> None:
    lab.faults.lose_vpn()


def _vpn_up(lab: Lab) -> Iterator[Seen]:
    answer = lab.reach("site", "azure:DC02", 3389)
    expected = _("a computer of the site reaches {vm} in Azure").format(vm="DC02")
    yield looks.look(answer.reached, expected, answer.words, looks.REACH)


def _restore_vpn(lab: Lab) -> None:
    lab.faults.restore_vpn()


LESSON = Lesson(
    slug="failover",
    number="3.1",
    title=mark("What a failover is"),
    heading="フェールオーバーとは",
    track=CONTOSO,
    after="replication-health",
    rules=("1.1-3", "1.1-8", "1.2-6", "3.1-1", "3.1-2", "3.1-3", "3.1-4", "3.1-5"),
    begins=_begins,
    minutes=10,
    steps=(
        Step(
            slug="set-objectives",
            title=mark("Set targets for MYWSV01: RTO, RPO and MTD"),
            hint=mark(
                "lab.vault.set_objectives(VM, rto=..., rpo=..., mtd=...) takes durations; MTD is the longest of them."
            ),
            check=_objectives,
            solution=_set_objectives,
        ),
        Step(
            slug="address-today",
            title=mark("At which address does a computer of the site find MYWSV01 today?"),
            hint=mark(
                'lab.reach("site", "MYWSV01", 3389) has the address and the way there. Keep it: after failover it'
                " is another."
            ),
            answer=_who_reaches,
        ),
        Step(
            slug="domain-controller",
            title=mark("Make the domain controller DC02 in AzureNetwork, and let it start"),
            hint=mark("It is always on and has nothing to do with Site Recovery: lab.azure.create_machine."),
            check=_controller,
            solution=_create_controller,
        ),
        Step(
            slug="vpn-down",
            title=mark("Nobody at the site reaches DC02 any more: find out why, and mend it"),
            hint=mark('lab.reach("site", "azure:DC02", 3389) gives the reason. Line and VPN are two things.'),
            check=_vpn_up,
            solution=_restore_vpn,
            trouble=_lose_vpn,
            optional=True,
        ),
    ),
)

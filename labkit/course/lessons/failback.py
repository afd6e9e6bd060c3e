"""3.6: back to the site, in both ways, and replication turned round again."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab

VMS = ("MYWSV01", "MYWSV02")


def _begins(lab: Lab) -> Iterator[Seen]:
    for vm in VMS:
        yield looks.active(lab, vm, "Recovery")
        yield looks.allowed(lab, vm, "Failback")
    yield looks.off_at_site(lab, "MYWSV01")
    yield looks.protected(lab, "MYBSD01")
    yield looks.server_runs(lab, "HV01", "SC01")
    yield looks.line_up(lab)


def _back(lab: Lab, vm: str, synchronise: str) -> Iterator[Seen]:
    asked = looks.journalled(lab, "vault.failback", vm=vm, synchronise=synchronise)
    seen = _("yes") if asked else _("no")
    words = {
        "before": _("synchronise before the failover (minimise downtime)"),
        "during": _("synchronise during the failover only (minimise synchronisation)"),
    }
    yield looks.look(
        asked, _("failback of {vm}: {choice}").format(vm=vm, choice=words[synchronise]), seen, looks.JOURNAL
    )
    yield looks.active(lab, vm, "Primary")
    yield looks.at_site(lab, vm)
    yield looks.not_in_azure(lab, vm)


def _before(lab: Lab) -> Iterator[Seen]:
    yield from _back(lab, "MYWSV02", "before")


def _fail_back_before(lab: Lab) -> None:
    job = lab.vault.failback("MYWSV02", synchronise="before", wait=True)
    lab.wait(job.complete("Now: nobody works."))
    lab.vault.commit("MYWSV02", wait=True)


def _during(lab: Lab) -> Iterator[Seen]:
    yield from _back(lab, "MYWSV01", "during")


def _fail_back_during(lab: Lab) -> None:
    lab.vault.failback("MYWSV01", synchronise="during", wait=True)
    lab.vault.commit("MYWSV01", wait=True)


def _ready(lab: Lab) -> Iterator[Seen]:
    yield looks.job_done(lab, "ReprotectReplicationGroup", "MYWSV01")
    yield looks.job_done(lab, "ReprotectReplicationGroup", "MYWSV02")
    yield looks.protected(lab, *VMS)


def _reverse(lab: Lab) -> None:
    for vm in ("MYWSV01", "MYWSV02"):
        if "ReverseReplicate" in lab.vault.items[vm].allowed_operations:
            lab.vault.reverse_replication(vm, wait=True)
    for vm in ("MYWSV01", "MYWSV02"):
        lab.wait(lab.vault.items[vm])


def _lose_line(lab: Lab) -> None:
    lab.faults.lose_line()
    lab.run("10min")


def _line_back(lab: Lab) -> Iterator[Seen]:
    yield looks.line_up(lab)
    yield looks.protected(lab, *VMS, "MYBSD01")
    for vm, item in lab.vault.items.items():
        yield looks.equal(_("replication health of {vm}").format(vm=vm), _(item.health), _("Normal"), looks.HEALTH)


def _restore_line(lab: Lab) -> None:
    lab.faults.restore_line()
    lab.run("40min")


LESSON = Lesson(
    slug="failback",
    number="3.6",
    title=mark("Failback"),
    heading="フェールバック",
    track=CONTOSO,
    after="unplanned-failover",
    rules=("3.6-1", "3.6-2", "3.6-3", "3.6-4", "3.6-5", "F-8"),
    begins=_begins,
    minutes=15,
    steps=(
        Step(
            slug="failback-before",
            title=mark("Bring MYWSV02 back with the shortest downtime, and commit it"),
            hint=mark(
                'lab.vault.failback(VM, synchronise="before") waits for your word when both sides are nearly equal:'
                " job.complete(). Then commit."
            ),
            check=_before,
            solution=_fail_back_before,
        ),
        Step(
            slug="failback-during",
            title=mark("Bring MYWSV01 back with the least to send, and commit it"),
            hint=mark('lab.vault.failback(VM, synchronise="during") stops the Azure VM at once. Then commit.'),
            check=_during,
            solution=_fail_back_during,
        ),
        Step(
            slug="reverse-replication",
            title=mark("Reverse replication of both, and wait until they could fail over again"),
            hint=mark(
                "lab.vault.reverse_replication ends the wait; the initial replication that follows takes as long"
                " as the first."
            ),
            check=_ready,
            solution=_reverse,
        ),
        Step(
            slug="line-lost-again",
            title=mark("The line is gone once more: mend it, until all is healthy again"),
            hint=mark("lab.faults.restore_line; then replication's next attempt, and what has piled up."),
            check=_line_back,
            solution=_restore_line,
            trouble=_lose_line,
            optional=True,
        ),
    ),
)

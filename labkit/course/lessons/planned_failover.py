"""3.4: a planned failover, from the dialog to the commit."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.answers import Wanted
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab

VM = "MYWSV02"


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.protected(lab, "MYWSV01", "MYBSD01", VM)
    yield looks.job_done(lab, "TestFailover", "MYWSV01")
    yield looks.no_job_runs(lab)
    yield looks.line_up(lab)


def _pending(lab: Lab) -> Iterator[Seen]:
    yield looks.job_done(lab, "PlannedFailover", VM)
    yield looks.allowed(lab, VM, "Commit")
    yield looks.in_azure(lab, VM)


def _fail_over(lab: Lab) -> None:
    lab.vault.planned_failover("MYWSV02", wait=True)
    lab.run("5min")


def _lost(lab: Lab) -> object:
    found = [one for one in lab.vault.failovers if one.vm == VM]
    return Wanted(found[-1].bytes if found else None, units=(mark("bytes"), "byte"))


def _committed(lab: Lab) -> Iterator[Seen]:
    yield looks.active(lab, VM, "Recovery")
    yield looks.allowed(lab, VM, "Failback")
    answer = lab.reach("site", VM, 3389)
    expected = _("a computer of the site reaches {vm} in Azure by its name").format(vm=VM)
    yield looks.look(answer.reached and "azure" in str(answer.machine), expected, answer.words, looks.REACH)


def _commit(lab: Lab) -> None:
    lab.vault.commit("MYWSV02", wait=True)


def _break_dns(lab: Lab) -> None:
    lab.faults.break_dns()
    lab.run("1min")


def _dns_works(lab: Lab) -> Iterator[Seen]:
    told = [fact["kind"] for fact in lab.facts if "dns" in (fact.get("fault"), fact.get("reason"))]
    ok = told[-1:] != ["fault"]
    seen = _("it takes updates") if ok else _("it takes no updates")
    yield looks.look(ok, _("the DNS of the site takes updates"), seen, looks.REACH)


def _mend_dns(lab: Lab) -> None:
    lab.faults.mend_dns()


LESSON = Lesson(
    slug="planned-failover",
    number="3.4",
    title=mark("Planned failover"),
    heading="計画されたフェールオーバー",
    track=CONTOSO,
    after="test-failover",
    rules=("3.4-1", "3.4-2", "3.4-3", "3.4-4", "3.4-5", "F-9"),
    begins=_begins,
    minutes=12,
    steps=(
        Step(
            slug="planned-failover-done",
            title=mark("Fail MYWSV02 over as planned, until it waits for its commit"),
            hint=mark(
                "The site runs: it shuts the VM down, sends the rest, and Azure starts it. lab.vault.planned_failover."
            ),
            check=_pending,
            solution=_fail_over,
        ),
        Step(
            slug="planned-loss",
            title=mark("How many bytes were lost?"),
            hint=mark("The lab has counted them: views.failovers(lab), column bytes."),
            answer=_lost,
        ),
        Step(
            slug="commit-planned",
            title=mark("Commit the failover"),
            hint=mark("Before it you may choose another recovery point, after it not. lab.vault.commit."),
            check=_committed,
            solution=_commit,
        ),
        Step(
            slug="stale-names",
            title=mark("The site's DNS takes no updates any more: find out, and mend it before the next failover"),
            hint=mark(
                "Names stay as they are while it is broken: lab.faults.mend_dns mends it, and guests enter their"
                " names again."
            ),
            check=_dns_works,
            solution=_mend_dns,
            trouble=_break_dns,
            optional=True,
        ),
    ),
)

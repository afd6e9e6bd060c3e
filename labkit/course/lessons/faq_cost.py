"""The guide's FAQ on charges: what a failover, a stop in mid-month and a licence do to the bill."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.answers import VM_DAYS, Wanted
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import FAQ
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.protected(lab, "MYWSV01", "MYBSD01")
    yield looks.no_job_runs(lab)
    yield looks.equal(_("VMs in Azure"), list(lab.azure.machines), [], looks.AZURE_VMS)
    yield looks.equal(_("licences"), lab.azure.licences, 0, looks.BILL)


METER = (mark("Azure > Bill"), "views.meter(lab)")


def _days(lab: Lab, component: str, vm: str) -> int:
    return len({row.day for row in lab.azure.meter() if row.component == component and row.vm == vm})


def _stopped(lab: Lab) -> Iterator[Seen]:
    days = _days(lab, "protection.azure", "MYBSD01")
    yield looks.look(days >= 2, _("MYBSD01 was protected on at least two days"), days, METER)
    yield looks.unprotected(lab, "MYBSD01")
    yield looks.protected(lab, "MYWSV01")


def _stop(lab: Lab) -> None:
    lab.run("16h")
    lab.vault.disable_protection("MYBSD01", wait=True)


def _charged_days(lab: Lab) -> object:
    return Wanted(_days(lab, "protection.azure", "MYBSD01"), units=VM_DAYS)


def _forget_test(lab: Lab) -> None:
    lab.vault.test_failover("MYWSV01", wait=True)
    lab.run("16h")


def _no_test(lab: Lab) -> Iterator[Seen]:
    yield looks.job_done(lab, "TestFailover", "MYWSV01")
    yield looks.equal(_("VMs in Azure"), list(lab.azure.machines), [], looks.AZURE_VMS)


def _complete(lab: Lab) -> None:
    lab.vault.complete_test("MYWSV01", note="It ran for a day for nothing.", wait=True)


def _licensed(lab: Lab) -> Iterator[Seen]:
    items = len(lab.vault.items)
    text = _("as many licences as protected VMs: {count}")
    yield looks.look(items and lab.azure.licences == items, text.format(count=items), lab.azure.licences, looks.BILL)


def _buy(lab: Lab) -> None:
    lab.azure.buy_licences(len(lab.vault.items))


def _included(lab: Lab) -> object:
    return Wanted(100 if lab.azure.prices() else None, units=("GB",))


LESSON = Lesson(
    slug="faq-cost",
    number="",
    title=mark("Questions on charges"),
    heading="サービスの課金に関する FAQ",
    track=FAQ,
    rules=("1.3-1", "1.3-3", "1.3-4", "2.2-2", "F-6"),
    begins=_begins,
    minutes=8,
    steps=(
        Step(
            slug="stop-mid-month",
            title=mark("Protect until the next day, then stop protecting MYBSD01"),
            hint=mark(
                'lab.run("16h"), lab.vault.disable_protection. The month\'s bill counts the days, not the month. If you'
                " stopped too early, protect it again and let the night pass."
            ),
            check=_stopped,
            solution=_stop,
        ),
        Step(
            slug="days-charged",
            title=mark("For how many days is MYBSD01 charged?"),
            hint=mark("A VM counts for each day on which it was protected at any moment: views.meter(lab)."),
            answer=_charged_days,
        ),
        Step(
            slug="forgotten-test",
            title=mark("The bill has grown fast: find the cause, and end it"),
            hint=mark(
                "A test VM runs and is charged by the minute until its test is completed: lab.azure.machines,"
                " lab.vault.complete_test."
            ),
            check=_no_test,
            solution=_complete,
            trouble=_forget_test,
            optional=True,
        ),
        Step(
            slug="buy-licences",
            title=mark("Buy a subscription licence for each VM that is still protected"),
            hint=mark("lab.azure.buy_licences(count). It is not compulsory; it includes 100 GB a month for its VM."),
            check=_licensed,
            solution=_buy,
        ),
        Step(
            slug="licence-includes",
            title=mark("How many GB a month does a licence include for its VM?"),
            hint=mark("Storage and traffic out together; transactions are free within it."),
            answer=_included,
        ),
    ),
)

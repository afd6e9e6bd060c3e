"""1.3: what a protected site costs, counted day by day."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.answers import VM_DAYS, Wanted
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import TOUR
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab
from labkit.views.titles import component


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.protected(lab, "MYWSV01", "MYBSD01")
    yield looks.equal(_("VMs in Azure"), list(lab.azure.machines), [], looks.AZURE_VMS)
    days = len({row.day for row in lab.azure.meter()})
    yield looks.look(days <= 1, _("the meter runs since today"), days, looks.BILL)


def _vm_days(lab: Lab) -> int:
    found = [row for row in lab.azure.meter() if row.component == "protection.azure"]
    return len({(row.day, row.vm) for row in found})


def _metered(lab: Lab) -> Iterator[Seen]:
    found = _vm_days(lab)
    yield looks.look(found >= 4, _("two VMs were protected on at least two days"), found, looks.BILL)


def _let_a_day_pass(lab: Lab) -> None:
    lab.run("16h")


def _average(lab: Lab) -> object:
    return Wanted(_vm_days(lab), units=VM_DAYS)


def _free(lab: Lab) -> object:
    said = (mark("into Azure"), mark("traffic into Azure"), mark("received"), component("traffic.in"))
    return Wanted("traffic.in", also=("in", "traffic in", *said))


def _tested(lab: Lab) -> Iterator[Seen]:
    minutes = [row for row in lab.azure.meter() if row.component == "compute" and row.quantity > 0]
    yield looks.look(minutes, _("minutes of a VM in Azure stand on the bill"), len(minutes), looks.BILL)
    yield looks.job_done(lab, "TestFailover", "MYWSV01")
    yield looks.equal(_("VMs in Azure"), list(lab.azure.machines), [], looks.AZURE_VMS)


def _test(lab: Lab) -> None:
    if "TestFailover" in lab.vault.items["MYWSV01"].allowed_operations:
        lab.vault.test_failover("MYWSV01", wait=True)
    lab.run("2h")
    lab.vault.complete_test("MYWSV01", wait=True)


def _licensed(lab: Lab) -> Iterator[Seen]:
    yield looks.look(lab.azure.licences >= 1, _("at least one licence is held"), lab.azure.licences, looks.BILL)


def _buy(lab: Lab) -> None:
    lab.azure.buy_licences(1)


def _too_many(lab: Lab) -> None:
    lab.azure.buy_licences(20)


def _ended(lab: Lab) -> Iterator[Seen]:
    fact = looks.last_fact(lab, "licences.ended")
    seen = _("no") if fact is None else _("yes")
    yield looks.look(fact is not None, _("the licences end with this month"), seen, looks.BILL)


def _end(lab: Lab) -> None:
    lab.azure.end_licences()


LESSON = Lesson(
    slug="charges",
    number="1.3",
    title=mark("What it costs"),
    heading="Azure Site Recovery の利用料金",
    track=TOUR,
    rules=("1.2-5", "1.3-1", "1.3-2", "1.3-3", "1.3-4"),
    begins=_begins,
    minutes=10,
    steps=(
        Step(
            slug="first-bill",
            title=mark("Let the meter run until the next day"),
            hint=mark("lab.run(...) past midnight; then views.meter(lab) and lab.azure.bill()."),
            check=_metered,
            solution=_let_a_day_pass,
        ),
        Step(
            slug="vm-days",
            title=mark("How many VM-days of protection stand on the bill?"),
            hint=mark(
                "A VM counts for a day on which it was protected at any moment. Divided by the days of the month"
                " it is the average."
            ),
            answer=_average,
        ),
        Step(
            slug="free-of-charge",
            title=mark("Gigabytes have crossed the line and cost nothing: which component of the bill is free?"),
            hint=mark("Look at the bill's components: one has a quantity and the price 0."),
            answer=_free,
        ),
        Step(
            slug="test-on-the-bill",
            title=mark("Run a test failover of MYWSV01 for two hours, complete it, and find it on the bill"),
            hint=mark(
                "lab.vault.test_failover, lab.run, lab.vault.complete_test. Compute is charged by the minute and"
                " by the size."
            ),
            check=_tested,
            solution=_test,
        ),
        Step(
            slug="one-licence",
            title=mark("Buy one subscription licence"),
            hint=mark("lab.azure.buy_licences(1). Pay as you go is the rule, licences are not compulsory."),
            check=_licensed,
            solution=_buy,
        ),
        Step(
            slug="too-many-licences",
            title=mark("Somebody has bought twenty licences for two VMs: let them end"),
            hint=mark("A licence is paid for whole months: lab.azure.end_licences lets all of them end with this one."),
            check=_ended,
            solution=_end,
            trouble=_too_many,
            optional=True,
        ),
    ),
)

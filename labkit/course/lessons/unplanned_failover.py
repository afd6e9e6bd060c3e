"""3.5: an unplanned failover after the loss of the site."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.answers import Wanted
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine import units
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab

VM = "MYWSV01"


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.active(lab, "MYWSV02", "Recovery")
    yield looks.allowed(lab, "MYWSV02", "Failback")
    yield looks.protected(lab, VM, "MYBSD01")
    yield looks.no_job_runs(lab)
    yield looks.line_up(lab)
    yield looks.server_runs(lab, "HV01", "SC01")


def _lost(lab: Lab) -> Iterator[Seen]:
    fact = looks.last_fact(lab, "site.lost")
    seen = _("never") if fact is None else lab.show_instant(int(str(fact["at"])))
    yield looks.look(fact is not None, _("the site has lost its power"), seen, looks.POWER)
    assert fact is not None
    said = looks.last_fact(lab, "disaster.declared")
    passed = None if said is None else int(str(said["at"])) - int(str(fact["at"]))
    seen = _("never") if passed is None else (_("before it") if passed < 0 else units.show_duration(passed))
    ok = passed is not None and passed >= 10 * units.MINUTE
    place = (mark("Dashboard > Declare a disaster"), "lab.vault.declare_disaster")
    yield looks.look(ok, _("the disaster was declared, ten minutes after the loss or later"), seen, place)


def _disaster(lab: Lab) -> None:
    lab.faults.lose_site()
    lab.run("10min")
    lab.vault.declare_disaster("Power is out, the utility says until tomorrow.")


def _pending(lab: Lab) -> Iterator[Seen]:
    yield looks.job_done(lab, "UnplannedFailover", VM)
    yield looks.allowed(lab, VM, "Commit")
    yield looks.runs_in_azure(lab, VM)


def _fail_over(lab: Lab) -> None:
    lab.vault.unplanned_failover("MYWSV01", wait=True)
    lab.run("10min")


def _orders_lost(lab: Lab) -> object:
    found = [one for one in lab.vault.failovers if one.vm == VM]
    return Wanted(found[-1].orders if found else None, units=(mark("orders"), "order"))


def _committed(lab: Lab) -> Iterator[Seen]:
    yield looks.active(lab, VM, "Recovery")
    yield looks.allowed(lab, VM, "Failback")


def _commit(lab: Lab) -> None:
    lab.vault.commit("MYWSV01", wait=True)


def _power(lab: Lab) -> Iterator[Seen]:
    yield looks.active(lab, VM, "Recovery")
    yield looks.site_restored(lab)
    yield looks.server_runs(lab, "HV01", "SC01")
    yield looks.at_site(lab, "MYBSD01", up=True)


def _restore(lab: Lab) -> None:
    lab.faults.restore_site()
    lab.run("15min")


def _resynchronised(lab: Lab) -> Iterator[Seen]:
    yield looks.site_restored(lab)
    yield looks.protected(lab, "MYBSD01")


def _resynchronise(lab: Lab) -> None:
    lab.vault.resynchronise("MYBSD01", wait=True)
    lab.wait(lab.vault.items["MYBSD01"])


def _start_twin(lab: Lab) -> None:
    lab.site.start("MYWSV01")
    lab.run("10min")


def _one_of_them(lab: Lab) -> Iterator[Seen]:
    yield looks.active(lab, VM, "Recovery")
    yield looks.off_at_site(lab, VM)


def _stop_twin(lab: Lab) -> None:
    lab.site.shut_down("MYWSV01")
    lab.run("1min")


LESSON = Lesson(
    slug="unplanned-failover",
    number="3.5",
    title=mark("Unplanned failover"),
    heading="計画されていないフェールオーバー",
    track=CONTOSO,
    after="planned-failover",
    rules=("1.1-4", "3.5-1", "3.5-2", "3.5-3"),
    begins=_begins,
    minutes=12,
    steps=(
        Step(
            slug="disaster",
            title=mark("Let the site lose its power, wait ten minutes, and declare the disaster"),
            hint=mark(
                "lab.faults.lose_site, lab.run, lab.vault.declare_disaster: people need time to decide, and that"
                " counts."
            ),
            check=_lost,
            solution=_disaster,
        ),
        Step(
            slug="unplanned-failover-done",
            title=mark("Fail MYWSV01 over without the site, until it runs in Azure and waits for its commit"),
            hint=mark("lab.vault.unplanned_failover: nothing can be asked of the site. Then let Windows start."),
            check=_pending,
            solution=_fail_over,
        ),
        Step(
            slug="orders-lost",
            title=mark("How many orders were lost?"),
            hint=mark("The lab has opened both databases and compared them: views.failovers(lab), column orders."),
            answer=_orders_lost,
        ),
        Step(
            slug="commit-unplanned",
            title=mark("Commit the failover"),
            hint=mark(
                "Look at the recovery points before: lab.vault.look_into says what each would lose. Then"
                " lab.vault.commit."
            ),
            check=_committed,
            solution=_commit,
        ),
        Step(
            slug="power-back",
            title=mark("Power is back: let the site come up again"),
            hint=mark("lab.faults.restore_site, and some minutes for the servers. MYWSV01 stays in Azure."),
            check=_power,
            solution=_restore,
        ),
        Step(
            slug="resynchronise",
            title=mark("MYBSD01 has stayed at the site, and its host has crashed: make its replica whole again"),
            hint=mark(
                "Its change log cannot be trusted after a crash, so both sides have to be compared:"
                " lab.vault.resynchronise. Comparing takes its time: let it pass."
            ),
            check=_resynchronised,
            solution=_resynchronise,
        ),
        Step(
            slug="twin",
            title=mark("Somebody has started MYWSV01 at the site, too: put an end to it"),
            hint=mark(
                "Two machines under one name, and what the one at the site takes will be lost at failback."
                " lab.site.shut_down."
            ),
            check=_one_of_them,
            solution=_stop_twin,
            trouble=_start_twin,
            optional=True,
        ),
    ),
)

"""2.1: the evaluation site, as it stands before anything is set up."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine import units
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab

SERVERS = ("DC01", "SC01", "HV01")


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.server_runs(lab, *SERVERS)
    yield looks.equal(_("Azure subscription"), lab.azure.subscription, None, looks.SUBSCRIPTION)
    software = [one for name in SERVERS for one in lab.site.server(name).software]
    yield looks.equal(_("software on the servers"), software, [], looks.SITE)


def _hosts(lab: Lab) -> object:
    return [name for name, role in lab.site.servers.items() if role == "host"]


def _hour_passed(lab: Lab) -> Iterator[Seen]:
    clock = lab.status()["clock"]
    passed = units.instant(clock["now"]) - units.instant(clock["started"])
    yield looks.look(passed >= units.HOUR, _("at least one hour has passed in the lab"), clock["now"], looks.CLOCK)


def _let_an_hour_pass(lab: Lab) -> None:
    lab.run("1h")


def _account(lab: Lab) -> Iterator[Seen]:
    made = looks.journalled(lab, "site.add_account", administrator=True)
    expected = _("an account with the rights of a domain administrator, beside the first one")
    yield looks.look(made, expected, lab.site.accounts, looks.SITE)


def _add_account(lab: Lab) -> None:
    lab.site.add_account("labadmin", administrator=True)


def _host_off(lab: Lab) -> None:
    lab.site.stop_server("HV01")


def _host_on(lab: Lab) -> Iterator[Seen]:
    yield looks.server_runs(lab, "HV01")
    for vm in lab.site.machines:
        yield looks.at_site(lab, vm, up=True)


def _start_host(lab: Lab) -> None:
    lab.site.start_server("HV01")
    lab.run("5min")


LESSON = Lesson(
    slug="evaluation-site",
    number="2.1",
    title=mark("The evaluation site"),
    heading="評価環境のシステム構成",
    track=CONTOSO,
    rules=("1.1-8", "2.1-1"),
    begins=_begins,
    minutes=5,
    steps=(
        Step(
            slug="find-the-host",
            title=mark("Which server is the Hyper-V host?"),
            hint=mark("lab.site.servers names every server with its role."),
            answer=_hosts,
        ),
        Step(
            slug="first-hour",
            title=mark("Let an hour pass in the lab"),
            hint=mark("Time is virtual and stands still until somebody lets it pass: lab.run takes a duration."),
            check=_hour_passed,
            solution=_let_an_hour_pass,
        ),
        Step(
            slug="host-account",
            title=mark("Make an account that may add hosts to VMM"),
            hint=mark(
                "VMM will ask for a domain administrator. lab.site.add_account makes one with administrator=True."
            ),
            check=_account,
            solution=_add_account,
        ),
        Step(
            slug="host-off",
            title=mark("The VMs have stopped answering: find out why, and start them again"),
            hint=mark("Look at lab.site.server(NAME).running of each server. VMs that ran start with their host."),
            check=_host_on,
            solution=_start_host,
            trouble=_host_off,
            optional=True,
        ),
    ),
)

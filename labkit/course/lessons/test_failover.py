"""3.3: a test failover of a VM and of a plan, looked at and cleaned up."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab

VM, TEST, PLAN = "MYWSV01", "MYWSV01-test", "Contoso"


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.protected(lab, "MYWSV01", "MYBSD01", "MYWSV02")
    yield looks.look(
        PLAN in lab.vault.plans,
        _("there is the recovery plan {name}").format(name=PLAN),
        list(lab.vault.plans),
        looks.PLANS,
    )
    groups = [vm for group in lab.vault.plans[PLAN].groups for vm in group["vms"]]
    yield looks.equal(_("VMs of the plan"), set(groups), {"MYWSV01", "MYBSD01"}, looks.PLANS)
    yield looks.no_job_runs(lab)
    yield looks.line_up(lab)


def _started(lab: Lab) -> Iterator[Seen]:
    yield looks.job_waits(lab, "TestFailover", VM)
    yield looks.runs_in_azure(lab, TEST)
    yield looks.equal(_("network of {vm}").format(vm=TEST), lab.azure.machine(TEST).network, None, looks.AZURE_VMS)
    yield looks.at_site(lab, VM)


def _start(lab: Lab) -> None:
    lab.vault.test_failover("MYWSV01", network=None, wait=True)
    lab.run("5min")


def _endpoint(lab: Lab) -> Iterator[Seen]:
    yield looks.in_azure(lab, TEST)
    ports = [endpoint.private_port for endpoint in lab.azure.machine(TEST).endpoints]
    expected = _("an endpoint of {vm} leads to port {port}").format(vm=TEST, port=3389)
    yield looks.look(3389 in ports, expected, ports, looks.AZURE_VMS)
    connected = looks.journalled(lab, "azure.connect", machine=TEST)
    seen = _("yes") if connected else _("no")
    yield looks.look(connected, _("somebody has connected to {vm}").format(vm=TEST), seen, looks.JOURNAL)


def _connect(lab: Lab) -> None:
    lab.azure.add_endpoint("MYWSV01-test", "Remote Desktop", 50000, 3389)
    lab.azure.connect("MYWSV01-test", "COMPUTER\\Administrator")


def _completed(lab: Lab) -> Iterator[Seen]:
    yield looks.job_done(lab, "TestFailover", VM)
    found = [name for name in lab.azure.machines if name.endswith("-test")]
    yield looks.look(not found, _("no test VM is left in Azure"), found, looks.AZURE_VMS)
    yield looks.protected(lab, VM)


def _complete(lab: Lab) -> None:
    lab.vault.complete_test("MYWSV01", note="The guest answers, both disks are there.", wait=True)


def _plan_tested(lab: Lab) -> Iterator[Seen]:
    yield looks.job_done(lab, "PlanTestFailover", PLAN)
    found = [name for name in lab.azure.machines if name.endswith("-test")]
    yield looks.look(not found, _("no test VM is left in Azure"), found, looks.AZURE_VMS)


def _test_plan(lab: Lab) -> None:
    job = lab.wait(lab.vault.test_failover_plan("Contoso"))
    while job.state == "Suspended":
        lab.wait(job.complete("Seen."))


def _close_firewall(lab: Lab) -> None:
    lab.site.set_remote("MYWSV01", firewall="closed")
    lab.run("15min")


def _console_reached(lab: Lab) -> Iterator[Seen]:
    answer = lab.reach("site", VM, 3389)
    expected = _("a computer of the site reaches {vm} by Remote Desktop").format(vm=VM)
    yield looks.look(answer.reached, expected, answer.words, looks.REACH)
    mended = [
        entry["at"] for entry in lab.journal if entry["command"] == "site.set_remote" and entry["outcome"] == "done"
    ]
    later = [p for p in lab.vault.items[VM].recovery_points if p.cut > mended[-1]] if mended else []
    expected = _("a recovery point of {vm} has the change, too").format(vm=VM)
    yield looks.look(later, expected, len(later), looks.ITEMS)


def _open_firewall(lab: Lab) -> None:
    lab.site.set_remote("MYWSV01", firewall="open")
    lab.run("15min")


LESSON = Lesson(
    slug="test-failover",
    number="3.3",
    title=mark("Test failover"),
    heading="テスト フェールオーバー",
    track=CONTOSO,
    after="recovery-plans",
    rules=("3.3-1", "3.3-2", "3.3-3", "3.3-4", "3.3-5", "3.3-6"),
    begins=_begins,
    minutes=12,
    steps=(
        Step(
            slug="start-test",
            title=mark("Start a test failover of MYWSV01, on no network, until it waits for you"),
            hint=mark(
                "Test failover in the bar at the foot of the page, network None; lab.vault.test_failover. Then"
                " let Windows start."
            ),
            check=_started,
            solution=_start,
        ),
        Step(
            slug="connect-test-vm",
            title=mark("Add an endpoint for Remote Desktop to the test VM, and connect to it"),
            hint=mark(
                "On no network it is reached at its public address alone: lab.azure.add_endpoint. Connect as a local"
                " administrator, COMPUTER\\Administrator: no domain controller is in reach. lab.azure.connect."
            ),
            check=_endpoint,
            solution=_connect,
        ),
        Step(
            slug="complete-test",
            title=mark("Complete the test: everything that it made is deleted"),
            hint=mark("Jobs > Complete test, with the tick; lab.vault.complete_test, or job.complete(note)."),
            check=_completed,
            solution=_complete,
        ),
        Step(
            slug="test-plan",
            title=mark("Test the recovery plan Contoso from its first group to the clean-up"),
            hint=mark(
                "lab.vault.test_failover_plan; each time the job waits, read job.instructions and give your word:"
                " job.complete()."
            ),
            check=_plan_tested,
            solution=_test_plan,
            leaves=False,
        ),
        Step(
            slug="unreachable-guest",
            title=mark("The next test VM will start, and nobody will get into it: mend the cause"),
            hint=mark(
                "What a guest does not let in at the site it will not let in in Azure: look at"
                ' lab.reach("site", "MYWSV01", 3389). The cure (lab.site.set_remote(VM, firewall="open"), or Site >'
                " Hyper-V > Remote Desktop or SSH) has to be replicated before it is in a recovery point."
            ),
            check=_console_reached,
            solution=_open_firewall,
            trouble=_close_firewall,
            optional=True,
        ),
    ),
)

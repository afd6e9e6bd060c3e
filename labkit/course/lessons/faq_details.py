"""The guide's FAQ on the service in detail: quotas, undoing a failover, moving for good, licences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from labkit.course import looks
from labkit.course.answers import Wanted
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import FAQ
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab

VM, OTHER = "MYWSV01", "MYBSD01"


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.protected(lab, VM, OTHER)
    yield looks.no_job_runs(lab)
    yield looks.equal(_("VMs in Azure"), list(lab.azure.machines), [], looks.AZURE_VMS)


def _logged_on(lab: Lab) -> Iterator[Seen]:
    connected = looks.journalled(lab, "azure.connect", machine="MYWSV01-test")
    seen = _("yes") if connected else _("no")
    yield looks.look(connected, _("somebody has connected to {vm}").format(vm="MYWSV01-test"), seen, looks.JOURNAL)
    yield looks.job_done(lab, "TestFailover", VM)


def _start_test(lab: Lab) -> None:
    lab.vault.test_failover(VM, wait=True)
    lab.run("5min")
    lab.azure.add_endpoint("MYWSV01-test", "Remote Desktop", 50000, 3389)
    with suppress(LabError):
        lab.azure.connect("MYWSV01-test", "DEMO\\Administrator")


def _log_on(lab: Lab) -> None:
    lab.azure.connect("MYWSV01-test", "COMPUTER\\Administrator")
    lab.vault.complete_test("MYWSV01", wait=True)


def _use_up_cores(lab: Lab) -> None:
    item = lab.vault.items.get(VM)
    refused = item.refusal("UnplannedFailover") if item is not None else None
    if refused is not None:  # an open test, say: nothing is made then
        raise refused
    for number, size in enumerate(("A7", "A7", "M", "S"), 1):
        if f"REPORTS{number}" not in lab.azure.machines:
            lab.azure.create_machine(f"REPORTS{number}", network="AzureNetwork", size=size, role=None)
    with suppress(LabError):
        lab.vault.unplanned_failover(VM, wait=True)


def _failed_over(lab: Lab) -> Iterator[Seen]:
    yield looks.job_done(lab, "UnplannedFailover", VM)
    yield looks.allowed(lab, VM, "Commit")


def _raise_quota(lab: Lab) -> None:
    lab.azure.raise_quota("cores", 40)
    lab.vault.unplanned_failover("MYWSV01", wait=True)


def _undone(lab: Lab) -> Iterator[Seen]:
    yield looks.job_done(lab, "UnplannedFailover", VM)
    yield looks.protected(lab, VM)
    yield looks.not_in_azure(lab, VM)
    yield looks.at_site(lab, VM)


def _by_mistake(lab: Lab) -> None:
    item = lab.vault.items.get(VM)
    if item is not None and "UnplannedFailover" in item.allowed_operations:
        lab.vault.unplanned_failover(VM, wait=True)


def _undo(lab: Lab) -> None:
    if "MYWSV01" in lab.vault.items:
        lab.vault.disable_protection("MYWSV01", wait=True)
    if "MYWSV01" in lab.azure.machines:
        lab.azure.delete_machine("MYWSV01")
    if lab.site.machines["MYWSV01"].state == "Off":
        lab.site.start("MYWSV01")
    lab.vault.enable_protection("MYWSV01", wait=True)
    lab.wait(lab.vault.items["MYWSV01"])


def _moved(lab: Lab) -> Iterator[Seen]:
    yield looks.job_done(lab, "CommitFailover", OTHER)
    yield looks.unprotected(lab, OTHER)
    yield looks.in_azure(lab, OTHER)


def _move(lab: Lab) -> None:
    lab.vault.planned_failover("MYBSD01", wait=True)
    lab.vault.commit("MYBSD01", wait=True)
    lab.vault.disable_protection("MYBSD01", wait=True)


def _basis(lab: Lab) -> object:
    basis = lab.azure.licence_checklist(["SQL Server 2012 SP1"])[0].basis
    return Wanted(basis, also=("SA", mark("Software Assurance")))


LESSON = Lesson(
    slug="faq-details",
    number="",
    title=mark("Questions on the service in detail"),
    heading="サービスの詳細に関する FAQ",
    track=FAQ,
    rules=("1.4-6", "1.4-7", "1.4-10", "2.5-7", "3.3-4", "F-7", "F-8", "F-9", "F-10", "F-11", "F-12"),
    begins=_begins,
    minutes=15,
    steps=(
        Step(
            slug="refused-log-on",
            title=mark("The test VM refuses a domain account: log on all the same, then complete the test"),
            hint=mark(
                "No domain controller is in its reach, and network-level authentication asks for one: take"
                " COMPUTER\\Administrator."
            ),
            check=_logged_on,
            solution=_log_on,
            trouble=_start_test,
            optional=True,
        ),
        Step(
            slug="core-quota",
            title=mark("A failover of MYWSV01 fails for the quota: make room, and fail over again"),
            hint=mark(
                "lab.azure.quotas: cores. Raise it (lab.azure.raise_quota), shrink the target size, or delete"
                " what is not needed."
            ),
            check=_failed_over,
            solution=_raise_quota,
            trouble=_use_up_cores,
            optional=True,
        ),
        Step(
            slug="undo-failover",
            title=mark("Undo the failover of MYWSV01 that waits for its commit"),
            hint=mark(
                "It cannot be cancelled. The way back: protection off, the Azure VM deleted by hand with its disks, the"
                " site's VM started if it is off, protection on, and initial replication again."
            ),
            check=_undone,
            solution=_undo,
            trouble=_by_mistake,
            symptom=mark("MYWSV01 has failed over, by mistake."),
        ),
        Step(
            slug="move-for-good",
            title=mark("Move MYBSD01 to Azure for good"),
            hint=mark("Planned failover, commit, protection off: the Azure VM stays, and nothing brings it back."),
            check=_moved,
            solution=_move,
        ),
        Step(
            slug="sql-licence",
            title=mark("What gives SQL Server the right to run in Azure for recovery at no cost?"),
            hint=mark("lab.azure.licence_checklist([product]) says it for each product: its basis."),
            answer=_basis,
        ),
    ),
)

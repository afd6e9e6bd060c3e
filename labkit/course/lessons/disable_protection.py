"""4.1: protection of VMs off, in both ways, and the clean-up by hand that one of them needs."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine.texts import mark
from labkit.lab import Lab


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.protected(lab, "MYWSV01", "MYWSV02", "MYBSD01")
    yield looks.no_job_runs(lab)
    yield looks.vmm_runs(lab)
    yield looks.server_runs(lab, "HV01")


def _disabled(lab: Lab) -> Iterator[Seen]:
    yield looks.job_done(lab, "DisableDr", "MYWSV01")
    yield looks.job_done(lab, "DisableDr", "MYWSV02")
    yield looks.unprotected(lab, "MYWSV01", "MYWSV02")


def _disable(lab: Lab) -> None:
    for vm in ("MYWSV01", "MYWSV02"):
        if vm in lab.vault.items:
            lab.vault.disable_protection(vm, wait=True)


def _stop_service(lab: Lab) -> None:
    lab.site.vmm.stop_service()


def _stopped(lab: Lab) -> Iterator[Seen]:
    yield looks.job_done(lab, "StopManaging", "MYBSD01")
    yield looks.unprotected(lab, "MYBSD01")


def _stop_managing(lab: Lab) -> None:
    lab.vault.stop_managing("MYBSD01", wait=True)


def _cleaned(lab: Lab) -> Iterator[Seen]:
    yield from _stopped(lab)
    yield looks.clean_by_hand(lab)
    yield looks.vmm_runs(lab)


def _clean_up(lab: Lab) -> None:
    if not lab.site.vmm.running:
        lab.site.vmm.start_service()
    if any(one.kind == "vmm settings" for one in lab.leftovers()):
        lab.site.vmm.clear_dr_protection("MYBSD01")
    lab.site.remove_replication_relationship("MYBSD01", "HV01.demo.contoso.com")


LESSON = Lesson(
    slug="disable-protection",
    number="4.1",
    title=mark("Protection of the VMs off"),
    heading="仮想マシンの保護の無効化",
    track=CONTOSO,
    after="failback",
    rules=("1.1-8", "4.1-1", "4.1-2", "4.1-3"),
    begins=_begins,
    minutes=10,
    steps=(
        Step(
            slug="disable-vms",
            title=mark("Disable the protection of MYWSV01 and MYWSV02"),
            hint=mark("Disable protection for the virtual machine (lab.vault.disable_protection) cleans both sides."),
            check=_disabled,
            solution=_disable,
        ),
        Step(
            slug="stop-managing",
            title=mark("VMM is not connected: take MYBSD01 out of the vault all the same"),
            hint=mark("Stop managing the virtual machine (lab.vault.stop_managing) works on the vault alone."),
            check=_stopped,
            solution=_stop_managing,
            trouble=_stop_service,
        ),
        Step(
            slug="clean-up-by-hand",
            title=mark("Clean up by hand what VMM server and host have kept of MYBSD01"),
            hint=mark(
                "In this order: on the VMM server lab.site.vmm.clear_dr_protection, on the host"
                " lab.site.remove_replication_relationship with the host's full name. lab.leftovers() says what"
                " is left."
            ),
            check=_cleaned,
            solution=_clean_up,
        ),
    ),
)

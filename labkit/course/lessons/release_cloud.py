"""4.2: the protection of the cloud off."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab

CLOUD = "OnPremise Cloud"


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.equal(_("protected VMs"), list(lab.vault.items), [], looks.ITEMS)
    yield looks.cloud_configured(lab, CLOUD)
    yield looks.job_done(lab, "DisableDr", "MYWSV01")
    yield looks.vmm_runs(lab)
    yield looks.server_runs(lab, "HV01")


def _one_more(lab: Lab) -> None:
    lab.vault.enable_protection("MYWSV01", wait=True)
    lab.wait(lab.vault.items["MYWSV01"])


def _released(lab: Lab) -> Iterator[Seen]:
    yield looks.equal(_("protected VMs"), list(lab.vault.items), [], looks.ITEMS)
    yield looks.clean_by_hand(lab)
    yield looks.cloud_free(lab, CLOUD)


def _release(lab: Lab) -> None:
    for vm in list(lab.vault.items):
        lab.vault.disable_protection(vm, wait=True)
    for left in lab.leftovers():  # of a VM that was only taken out of the vault
        if left.kind == "vmm settings":
            lab.site.vmm.clear_dr_protection(left.name)
        elif left.kind == "replication relationship":
            lab.site.remove_replication_relationship(left.name, "HV01.demo.contoso.com")
    if any(row.role for row in lab.vault.clouds):
        lab.vault.release_cloud("OnPremise Cloud", wait=True)


LESSON = Lesson(
    slug="release-cloud",
    number="4.2",
    title=mark("Protection of the cloud off"),
    heading="クラウドの保護の解除",
    track=CONTOSO,
    after="disable-protection",
    rules=("4.1-1", "4.2-1"),
    begins=_begins,
    minutes=5,
    steps=(
        Step(
            slug="release-cloud-done",
            title=mark("Release the cloud OnPremise Cloud"),
            hint=mark(
                "Remove protection (of a cloud); lab.vault.release_cloud. It is refused while a VM in it is protected:"
                " disable that VM's protection, the clean way."
            ),
            check=_released,
            solution=_release,
            trouble=_one_more,
            symptom=mark("The cloud cannot be released any more."),
        ),
    ),
)

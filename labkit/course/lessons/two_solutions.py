"""1.2: the two deployments: site to site first, then the same cloud to Azure."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.answers import Wanted
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import TWO_SITES
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab

VM, OURS, THEIRS, SERVER = "MYWSV01", "Primary Cloud", "Backup Cloud - 2ndDC", "SC02.demo.contoso.com"


def _register_both(lab: Lab) -> None:
    lab.vault.register_server("SC01", wait=True)
    lab.vault.register_server("SC02", wait=True)


def _begins(lab: Lab) -> Iterator[Seen]:
    names = {row.name for row in lab.vault.clouds}
    yield looks.equal(_("clouds in the vault"), names, {OURS, THEIRS}, looks.CLOUDS)
    yield looks.cloud_free(lab, OURS)
    yield looks.unprotected(lab, VM)
    yield looks.equal(_("replicas"), list(lab.hyperv.replicas), [], looks.REPLICAS)


def _paired(lab: Lab) -> Iterator[Seen]:
    yield looks.cloud_configured(lab, OURS, SERVER)
    row = next(row for row in lab.vault.clouds if row.name == OURS)
    yield looks.equal(_("recovery cloud of {cloud}").format(cloud=OURS), row.target_cloud, THEIRS, looks.CLOUDS)


def _pair(lab: Lab) -> None:
    lab.vault.configure_protection("Primary Cloud", target="Backup Cloud - 2ndDC", wait=True)


def _rows(lab: Lab) -> object:
    return Wanted(len(lab.vault.clouds), units=(mark("rows"), "row", mark("clouds"), "cloud"))


def _protected(lab: Lab) -> Iterator[Seen]:
    yield looks.cloud_configured(lab, OURS, SERVER)
    yield looks.protected(lab, VM)


def _protect(lab: Lab) -> None:
    if "MYWSV01" not in lab.vault.items:
        lab.vault.enable_protection("MYWSV01", wait=True)
    lab.wait(lab.vault.items["MYWSV01"])


def _switched(lab: Lab) -> Iterator[Seen]:
    yield looks.job_done(lab, "PlannedFailover", VM)
    there = lab.hyperv.machines
    seen = _("{vm}: {state}").format(vm=VM, state=_(there[VM].state)) if VM in there else _("none")
    running = VM in there and there[VM].state in ("Starting", "Running")
    yield looks.look(running, _("{vm} runs at the other site").format(vm=VM), seen, looks.REPLICAS)


def _switch(lab: Lab) -> None:
    lab.vault.planned_failover("MYWSV01", wait=True)
    lab.wait(lab.vault.items["MYWSV01"])


def _home(lab: Lab) -> Iterator[Seen]:
    yield looks.active(lab, VM, "Primary")
    yield looks.at_site(lab, VM)
    runs = [job for job in lab.jobs.values() if job.scenario == "PlannedFailover" and job.state == "Succeeded"]
    yield looks.look(len(runs) >= 2, _("two planned failovers have ended: there and back"), len(runs), looks.JOBS)


def _switch_back(lab: Lab) -> None:
    lab.vault.planned_failover("MYWSV01", wait=True)
    lab.wait(lab.vault.items["MYWSV01"])


def _lose_line(lab: Lab) -> None:
    lab.faults.lose_line("replica-site")
    lab.run("20min")


def _line_back(lab: Lab) -> Iterator[Seen]:
    yield looks.protected(lab, VM)
    item = lab.vault.items[VM]
    yield looks.equal(_("replication health of {vm}").format(vm=VM), _(item.health), _("Normal"), looks.HEALTH)


def _restore_line(lab: Lab) -> None:
    lab.faults.restore_line("replica-site")
    lab.site.resume_replication("MYWSV01")
    lab.run("15min")


def _to_azure(lab: Lab) -> Iterator[Seen]:
    yield looks.cloud_configured(lab, OURS)
    yield looks.protected(lab, VM)


def _change_target(lab: Lab) -> None:
    if lab.vault.settings("Primary Cloud").get("target"):  # a pair still
        for vm in list(lab.vault.items):
            lab.vault.disable_protection(vm, wait=True)
        lab.vault.release_cloud("Primary Cloud", wait=True)
    if not lab.vault.settings("Primary Cloud"):
        lab.vault.configure_protection("Primary Cloud", wait=True)
    if "MYWSV01" not in lab.vault.items:
        lab.vault.enable_protection("MYWSV01", wait=True)
    lab.wait(lab.vault.items["MYWSV01"])


LESSON = Lesson(
    slug="two-solutions",
    number="1.2",
    title=mark("The two deployments"),
    heading="Azure Site Recovery の 2 つのソリューション",
    track=TWO_SITES,
    opening=_register_both,
    rules=(*(f"1.2-{number}" for number in range(1, 9)), "2.7-11", "F-2"),
    begins=_begins,
    minutes=15,
    steps=(
        Step(
            slug="pair-clouds",
            title=mark("Protect Primary Cloud to the other site's Backup Cloud - 2ndDC"),
            hint=mark(
                "Protected Items > Primary Cloud > Configure, another cloud as target;"
                " lab.vault.configure_protection(cloud, target=...)."
            ),
            check=_paired,
            solution=_pair,
        ),
        Step(
            slug="rows-of-a-pair",
            title=mark("How many rows does the list of clouds have now?"),
            hint=mark("A pair is two rows, one for each role: lab.vault.clouds."),
            answer=_rows,
        ),
        Step(
            slug="protect-to-site",
            title=mark("Protect MYWSV01 to the other site, and let initial replication end"),
            hint=mark("lab.vault.enable_protection, then lab.wait(lab.vault.items[VM])."),
            check=_protected,
            solution=_protect,
        ),
        Step(
            slug="between-sites-lost",
            title=mark("Replication between the sites has stopped: mend it, until its health is normal"),
            hint=mark(
                'lab.faults.restore_line("replica-site"), lab.site.resume_replication, and a quarter of an hour.'
            ),
            check=_line_back,
            solution=_restore_line,
            trouble=_lose_line,
            optional=True,
        ),
        Step(
            slug="site-switch",
            title=mark("Maintenance of the whole first site: fail MYWSV01 over as planned"),
            hint=mark("lab.vault.planned_failover: nothing is lost, and replication turns round by itself."),
            check=_switched,
            solution=_switch,
        ),
        Step(
            slug="site-back",
            title=mark("Maintenance is over: bring MYWSV01 back"),
            hint=mark("Site to site it is the same command once more; the other way round now."),
            check=_home,
            solution=_switch_back,
        ),
        Step(
            slug="to-azure",
            title=mark("The second site is given up: protect MYWSV01 to Azure instead"),
            hint=mark(
                "Protection of all VMs off, the cloud released, configured anew without target, the VM enabled again."
            ),
            check=_to_azure,
            solution=_change_target,
        ),
    ),
)

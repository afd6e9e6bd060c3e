"""1.1: plain Hyper-V Replica between two hosts, RPO and RTO, and what VMM does not do by itself."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.answers import MINUTES, Wanted
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import TWO_SITES
from labkit.engine import units
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab
from labkit.views.titles import replica_state

VM = "MYWSV01"
_MOST = 60  # seconds: twice the fastest interval


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.equal(_("replicas"), list(lab.hyperv.replicas), [], looks.REPLICAS)
    yield looks.equal(_("clouds in the vault"), [row.name for row in lab.vault.clouds], [], looks.CLOUDS)
    yield looks.at_site(lab, VM)


def _replica(lab: Lab, *states: str) -> Seen:
    found = lab.hyperv.replicas
    state = found[VM].state if VM in found else ""
    expected = _("replica of {vm}: {states}").format(vm=VM, states=" / ".join(map(replica_state, states)))
    return looks.look(state in states, expected, replica_state(state) if state else _("none"), looks.REPLICAS)


def _replicated(lab: Lab) -> Iterator[Seen]:
    yield _replica(lab, "Replicating")
    begun = looks.last_fact(lab, "initial.ended", VM)
    now = lab.clock.ms
    passed = now - int(str(begun["at"])) if begun else 0
    expected = _("at least half an hour of replication has passed")
    yield looks.look(passed >= 30 * units.MINUTE, expected, units.show_duration(passed), looks.CLOCK)
    rpo = lab.hyperv.replicas[VM].rpo
    seen = _("none") if rpo is None else _("{seconds} s").format(seconds=round(rpo))
    expected = _("RPO of {vm}: at most {seconds} s").format(vm=VM, seconds=_MOST)
    yield looks.look(rpo is not None and rpo <= _MOST, expected, seen, looks.REPLICAS)


def _enable(lab: Lab) -> None:
    if "MYWSV01" not in lab.hyperv.replicas:
        lab.hyperv.enable("MYWSV01", frequency="30s")
    lab.hyperv.wait("MYWSV01")
    lab.run("31min")


def _best_interval(lab: Lab) -> object:
    return Wanted(5, units=MINUTES)


def _failed_over(lab: Lab) -> Iterator[Seen]:
    yield _replica(lab, "FailedOver")
    found = lab.hyperv.machines
    state = found[VM].state if VM in found else _("none")
    yield looks.look(
        state in ("Starting", "Running"), _("{vm} runs at the other site").format(vm=VM), _(state), looks.REPLICAS
    )


def _fail_over(lab: Lab) -> None:
    if lab.site.machines["MYWSV01"].state != "Off":
        lab.site.turn_off("MYWSV01")
    if "Failover" in lab.hyperv.replicas["MYWSV01"].allowed_operations:
        lab.hyperv.failover("MYWSV01")
    lab.hyperv.complete_failover("MYWSV01")
    lab.run("5min")


def _reversed(lab: Lab) -> Iterator[Seen]:
    yield _replica(lab, "Replicating")
    found = lab.hyperv.replicas[VM].primary
    yield looks.equal(_("primary server of {vm}").format(vm=VM), found.partition(".")[0], "HV11", looks.REPLICAS)


def _reverse(lab: Lab) -> None:
    lab.hyperv.reverse("MYWSV01")
    lab.hyperv.wait("MYWSV01")


def _which_service(lab: Lab) -> object:
    return Wanted("Backup", also=(mark("Azure Backup"), mark("Backup")))


def _lose_line(lab: Lab) -> None:
    lab.faults.lose_line("replica-site")
    lab.run("5min")


def _line_back(lab: Lab) -> Iterator[Seen]:
    yield _replica(lab, "Replicating")
    rpo = lab.hyperv.replicas[VM].rpo
    seen = _("none") if rpo is None else _("{seconds} s").format(seconds=round(rpo))
    expected = _("RPO of {vm}: at most {seconds} s").format(vm=VM, seconds=_MOST)
    yield looks.look(rpo is not None and rpo <= _MOST, expected, seen, looks.REPLICAS)


def _restore_line(lab: Lab) -> None:
    lab.faults.restore_line("replica-site")
    lab.run("12min")


LESSON = Lesson(
    slug="hyper-v-replica",
    number="1.1",
    title=mark("Hyper-V Replica and Site Recovery"),
    heading="Hyper-V レプリカと Azure Site Recovery",
    track=TWO_SITES,
    rules=tuple(f"1.1-{number}" for number in range(1, 9)),
    begins=_begins,
    minutes=12,
    steps=(
        Step(
            slug="replicate-host",
            title=mark("Replicate MYWSV01 to the other site every 30 seconds, for half an hour"),
            hint=mark(
                'In Hyper-V Manager: Enable Replication. lab.hyperv.enable(VM, frequency="30s"), lab.hyperv.wait,'
                " lab.run."
            ),
            check=_replicated,
            solution=_enable,
        ),
        Step(
            slug="interval-of-2012",
            title=mark("Which interval, in minutes, do hosts on Windows Server 2012 have?"),
            hint=mark("2012 R2 brought 30 seconds and 15 minutes; before, there was one."),
            answer=_best_interval,
        ),
        Step(
            slug="replica-line-lost",
            title=mark("The line between the sites is lost: mend it, until RPO is small again"),
            hint=mark(
                'It is another line than the one to Azure: lab.faults.restore_line("replica-site"). Then let'
                " replication try again."
            ),
            check=_line_back,
            solution=_restore_line,
            trouble=_lose_line,
            optional=True,
        ),
        Step(
            slug="host-failover",
            title=mark("MYWSV01 fails at its host: fail it over to the other site, and complete it"),
            hint=mark(
                "Turn it off at the site as a power failure would, then lab.hyperv.failover and complete_failover."
            ),
            check=_failed_over,
            solution=_fail_over,
        ),
        Step(
            slug="reverse-by-hand",
            title=mark("Turn replication round by hand"),
            hint=mark("After an unplanned failover nobody does it for you: lab.hyperv.reverse, lab.hyperv.wait."),
            check=_reversed,
            solution=_reverse,
        ),
        Step(
            slug="which-service",
            title=mark("A file was deleted three weeks ago: which of the two recovery services brings it back?"),
            hint=mark("Site Recovery keeps up to a day of recovery points of whole VMs. The other one keeps data."),
            answer=_which_service,
        ),
    ),
)

"""2.9: watching replication, a line that is too thin, and a line that is gone."""

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

VMS = ("MYWSV01", "MYBSD01", "MYWSV02")
_CYCLES = 12  # an hour of five minutes


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.protected(lab, *VMS)
    yield looks.line_up(lab)
    cycles = lab.status()["items"]["MYWSV01"]["cycles"]
    expected = _("initial replication has just ended: less than an hour of cycles")
    yield looks.look(cycles < _CYCLES, expected, cycles, looks.HEALTH)


def _hour(lab: Lab) -> Iterator[Seen]:
    yield looks.protected(lab, "MYWSV01")
    found = lab.status()["items"]["MYWSV01"]["cycles"]
    expected = _("at least {count} cycles of {vm} have arrived").format(count=_CYCLES, vm="MYWSV01")
    yield looks.look(found >= _CYCLES, expected, found, looks.HEALTH)


def _watch(lab: Lab) -> None:
    lab.run("1h")


def _interval(lab: Lab) -> object:
    return Wanted(lab.site.replication("MYWSV01").expected_count, units=(mark("cycles"), "cycle"))


def _thin_line(lab: Lab) -> None:
    lab.faults.set_bandwidth("1Mbps")
    lab.run("30min")


def _healthy(lab: Lab) -> Iterator[Seen]:
    yield looks.line_up(lab)
    for vm, item in lab.vault.items.items():
        yield looks.equal(_("replication health of {vm}").format(vm=vm), _(item.health), _("Normal"), looks.HEALTH)
        rpo = item.rpo
        seen = _("none") if rpo is None else _("{seconds} s").format(seconds=round(rpo))
        expected = _("RPO of {vm}: at most 20 minutes").format(vm=vm)
        yield looks.look(rpo is not None and rpo * 1000 <= 20 * units.MINUTE, expected, seen, looks.HEALTH)


def _widen_line(lab: Lab) -> None:
    lab.faults.set_bandwidth("100Mbps")
    lab.run("30min")


def _lose_line(lab: Lab) -> None:
    lab.faults.lose_line()
    lab.run("20min")


def _restore_line(lab: Lab) -> None:
    lab.faults.restore_line()
    for vm in ("MYWSV01", "MYBSD01", "MYWSV02"):
        lab.site.resume_replication(vm)
    lab.run("20min")


LESSON = Lesson(
    slug="replication-health",
    number="2.9",
    title=mark("Watching replication"),
    heading="レプリケーションの正常性の監視",
    track=CONTOSO,
    after="enable-protection",
    rules=("1.1-4", "2.9-1", "2.9-2", "2.9-3", "2.9-4"),
    begins=_begins,
    minutes=12,
    steps=(
        Step(
            slug="an-hour-of-cycles",
            title=mark("Let an hour of replication pass"),
            hint=mark('lab.run("1h"), or play it: await portal.watch(lab).play("1h").'),
            check=_hour,
            solution=_watch,
        ),
        Step(
            slug="cycles-due",
            title=mark("How many cycles of MYWSV01 were due in this monitoring interval?"),
            hint=mark("Hyper-V's window Replication Health counts them: lab.site.replication(VM).expected_count."),
            answer=_interval,
        ),
        Step(
            slug="thin-line",
            title=mark("Health is critical although data still flows: find out why, and mend it"),
            hint=mark(
                'Compare what is written with what the line carries: lab.site.event_log(), lab.status()["line"].'
                " Here the"
                " provider has cut the bandwidth: lab.faults.set_bandwidth. Then let half an hour pass."
            ),
            check=_healthy,
            solution=_widen_line,
            trouble=_thin_line,
            optional=True,
        ),
        Step(
            slug="line-lost",
            title=mark("Nothing arrives in Azure any more: mend it, and make up for it"),
            hint=mark(
                "The line is gone: lab.faults.restore_line. Replication tries again by itself, later and later; whoever"
                " does not want to wait resumes it: lab.site.resume_replication."
            ),
            check=_healthy,
            solution=_restore_line,
            trouble=_lose_line,
            optional=True,
        ),
    ),
)

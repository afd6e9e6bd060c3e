"""``report.html``: one page that stands for itself, for somebody who was not there.

Everything in it comes from the result and from the facts of the stored lab. It holds no address, no script and no file
beside itself; it suits light, dark and paper, and is written in the language of the session.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from pathlib import Path
from typing import Any

from labkit.drills import judge, listing, pictures, result, story, words
from labkit.drills.result import Result
from labkit.engine import texts, units
from labkit.engine.texts import gettext as _
from labkit.lab import Lab
from labkit.site import inventory
from labkit.site.model import SiteFile
from labkit.views import charts, events, rpo

_TEMPLATES = Path(__file__).parent / "templates"
_STYLES = {
    "TestFailover": "test",
    "PlannedFailover": "switch",
    "UnplannedFailover": "switch",
    "ChangePit": "switch",
    "Failback": "switch",
    "CommitFailover": "commit",
}


class Page:
    """The report of one drill. Reads the lab when it is made; ``html`` may be called when the lab is closed."""

    def __init__(self, lab: Lab | None, found: Result) -> None:
        self.found = found
        self.site: SiteFile | None = None
        self.facts: list[dict[str, Any]] = []
        self.until = 0
        if lab is not None:
            self.facts = list(lab.facts)
            self.site = lab.read(inventory.site_of)
            self.until = lab.read(lambda world: world.now)

    @property
    def zone(self) -> int:
        """The site's zone in minutes east of UTC."""
        return self.site.offset_min if self.site else 0

    def html(self) -> str:
        """The whole page; ``found["files"]`` must be there."""
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from markupsafe import Markup

        environment = Environment(
            loader=FileSystemLoader(_TEMPLATES, encoding="utf-8"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals.update(_=_, words=words, seconds=result.show_seconds, when=when, money=money)
        drill = self._drill()
        drawn = {"time_line": "", "rpo": "", "recovery": "", **self._pictures()}
        pictures_of = {name: Markup(svg) for name, svg in drawn.items()}
        return environment.get_template("report.html").render(
            r=self.found,
            drill=drill,
            site=self.site,
            language=texts.language(),
            zone=units.show_instant(0, self.zone)[-6:],
            pictures=pictures_of,
            events=self._events(),
            paragraphs=story.paragraphs(self.found, self.site),
            spent=self._recoveries(),
            every=[(row["vm"], row) for row in self.found["failovers"]],
            titles=defaultdict(str, {step.name: _(step.title) for step in drill.steps} if drill else {}),
            stretches=pictures.stretches(self._recoveries()),
            unequal=[disk for row in self.found["failovers"] for disk in row["integrity"] if not disk["equal"]],
            orders=result.orders_lost(self.found),
            integrity=result.integrity(self.found),
            identity=self._identity(),
            manifest=manifest(self.found["files"]),
            met=judge.MET,
        )

    def _drill(self) -> listing.Drill | None:
        return listing.describe(self.found["drill"]) if self.found["drill"] in listing.names() else None

    def _identity(self) -> str:
        """The report's own number: the same for the same drill of the same lab."""
        digest = self.found["events_digest"] or "no-lab"
        return f"{self.found['drill']}-{self.found['site']}-{self.found['seed']}-{digest[:10]}"

    # --- what happened -----------------------------------------------------------------------------------------------

    def _events(self) -> list[dict[str, str]]:
        return [{"at": units.show_instant(mark.at, self.zone), "text": mark.text} for mark in events.marks(self.facts)]

    def _pictures(self) -> dict[str, str]:
        if self.site is None or not self.facts:
            return {}
        drawn = {"time_line": self._time_line()}
        curves = rpo.break_points(self.facts, self.until)
        if curves:
            chart = charts.rpo_chart(
                curves, target=self.site.objectives.rpo, marks=events.marks(self.facts), offset_min=self.zone
            )
            drawn["rpo"] = charts.svg(chart, _("RPO over virtual time"))
        spent = self._recoveries()
        if spent:
            drawn["recovery"] = pictures.recovery(spent)
        return drawn

    def _time_line(self) -> str:
        assert self.site is not None
        names = [vm.name for vm in self.site.vms if vm.protected]
        bands = pictures.service(self.facts, names, self.until)
        others = self._jobs(lambda target: target not in names)
        lanes = [pictures.Lane(_("site and vault"), [], others)] if others else []
        lanes += [
            pictures.Lane(name, bands[name], self._jobs(lambda target, own=name: target == own)) for name in names
        ]
        return pictures.time_line(lanes, self.site.start, self.until, events.marks(self.facts), self.zone)

    def _jobs(self, wanted: Any) -> list[pictures.Span]:
        found = []
        for job in self.found["jobs"]:
            if wanted(job["target"]):
                begin = units.instant(job["start"])
                end = units.instant(job["end"]) if job["end"] else self.until
                style = "broken" if job["state"] == "Failed" else _STYLES.get(job["name"], "job")
                title = f"{words.job(job['name'])}, {job['target']}: {units.show_duration(end - begin)}"
                found.append(pictures.Span(begin, end, style, title))
        return found

    def _recoveries(self) -> dict[str, list[pictures.Part]]:
        """Of each VM's last switch to Azure: what the time until its application answered was made of."""
        jobs = {job["id"]: job for job in self.found["jobs"]}
        found = {}
        for vm, row in self.found["vms"].items():
            if row["answered"] is not None:
                found[vm] = self._parts(vm, row, jobs[row["job"]])
        return found

    def _parts(self, vm: str, row: dict[str, Any], job: dict[str, Any]) -> list[pictures.Part]:
        triggered, answered = units.instant(row["triggered"]), units.instant(row["answered"])
        parts = []
        if row["outage_s"] is not None:
            outage = answered - round(row["outage_s"] * 1000)
            parts.append(pictures.Part(_("from the outage to the trigger"), triggered - outage))
        begin = triggered
        for task in job["tasks"]:
            if task["end"]:
                end = units.instant(task["end"])
                title = words.task(job["name"], task["name"])
                if task["state"] == "Skipped":
                    title = _("{task} (skipped)").format(task=title)
                parts.append(pictures.Part(title, end - begin))
                begin = end
        up = [fact["at"] for fact in self.facts if fact["kind"] == "guest.up" and fact["entity"] == f"azure/{vm}"]
        up_at = max((at for at in up if at <= answered), default=answered)
        parts.append(pictures.Part(_("the guest boots"), up_at - begin))
        if answered > up_at:
            parts.append(pictures.Part(_("the application opens its database"), answered - up_at))
        return parts


def when(text: str | None) -> str:
    """An ISO 8601 instant as it is read in a table: date and time, whole seconds, without the zone."""
    return "-" if text is None else f"{text[:10]} {text[11:19]}"


def money(value: float | None, currency: str) -> str:
    """An amount, or a dash for what is not priced."""
    return "-" if value is None else f"{value:,.2f} {currency}"


def manifest(files: list[dict[str, Any]]) -> str:
    """SHA-256 over the lines "HASH  NAME" of the files, as ``sha256sum`` writes them."""
    lines = "".join(f"{file['sha256']}  {file['name']}\n" for file in files)
    return hashlib.sha256(lines.encode("utf-8")).hexdigest()

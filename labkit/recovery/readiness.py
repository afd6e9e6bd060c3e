"""Is an inventory ready to be protected: every rule for every machine, what fails and what to do (rule 1.4-15)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, get_args

import msgspec

from labkit.azure import sizes
from labkit.engine.errors import LabError, listed
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark, ngettext
from labkit.recovery import inventories, requirements
from labkit.recovery.inventorytext import columns
from labkit.recovery.requirements import AZURE, FAILS, UNKNOWN, WARNS, Finding, Target
from labkit.recovery.subjects import HYPER_V, Subject
from labkit.site import systems

READY, WARNINGS, OPEN, NOT_READY = "ready", "warnings", "unknown", "not_ready"
VERDICTS = {
    READY: mark("ready"),
    WARNINGS: mark("ready, with warnings"),
    OPEN: mark("not to be told"),
    NOT_READY: mark("not ready"),
}
# What VMM is told before protection is enabled, and the guest's remote access, do not stand in the way of a verdict.
_SET_LATER = ("2.4-1", "2.4-2", "2.4-3", "2.4-5")


class Machine(msgspec.Struct, frozen=True):
    """One machine of the report.

    ``size``: the size it would get in Azure (M), None when CPUs, memory or disks are not known; ``fits``: whether that
    size has enough of them.
    """

    name: str
    verdict: str
    size: str | None
    fits: bool
    findings: tuple[Finding, ...]

    def of(self, *severities: str) -> list[Finding]:
        """The findings of these severities."""
        return [finding for finding in self.findings if finding.severity in severities]

    def as_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "size": self.size,
            "size_fits": self.fits,
            "findings": [_plain(finding) for finding in self.findings],
        }


class Report(msgspec.Struct, frozen=True):
    """The readiness of an inventory. ``dates``: of the tables of limits, systems and sizes (rule 1.4-16)."""

    sources: tuple[str, ...]
    target: str
    dates: dict[str, str]
    machines: tuple[Machine, ...]
    notes: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether no machine is "not ready"."""
        return all(machine.verdict != NOT_READY for machine in self.machines)

    @property
    def counts(self) -> dict[str, int]:
        """Machines by verdict."""
        found = Counter(machine.verdict for machine in self.machines)
        return {verdict: found[verdict] for verdict in VERDICTS}

    @property
    def remedies(self) -> list[tuple[Finding, int]]:
        """One finding for each code that warns or fails, failing ones first, with the number of its machines."""
        first: dict[int, Finding] = {}
        counts: Counter[int] = Counter()
        for machine in self.machines:
            found = {finding.code: finding for finding in machine.of(FAILS, WARNS)}
            counts.update(found.keys())
            for code, finding in found.items():
                first.setdefault(code, finding)
        order = sorted(first.values(), key=lambda finding: (finding.severity != FAILS, finding.code))
        return [(finding, counts[finding.code]) for finding in order]

    def as_dict(self) -> dict[str, Any]:
        """JSON form, texts in the language of the session."""
        return {
            "ready": self.ready,
            "sources": list(self.sources),
            "target": self.target,
            "dates": self.dates,
            "counts": self.counts,
            "notes": list(self.notes),
            "vms": [machine.as_dict() for machine in self.machines],
        }

    def html(self) -> str:
        """The report as one page that stands for itself."""
        from labkit.recovery import readinesspage

        return readinesspage.page(self)


def assess(*paths: str | Path, target: Target = "azure") -> Report:
    """The readiness of an inventory: a site file (path or shipped name), or CSV and JSON files and folders of them.

    ``target``: "azure", or "site" for protection from site to site. Refused as ``inventories.read`` does.
    """
    if target not in (choices := get_args(Target)):
        raise LabError(900545, found=target, choices=", ".join(choices))
    found = inventories.read(paths)
    machines = tuple(_machine(entry.label, entry.subject, target) for entry in found.entries)
    dates = {"limits": requirements.dated(), "systems": systems.dated(), "sizes": sizes.dated()}
    return Report(found.sources, target, dates, machines, (*found.notes, *_missing(machines)))


def _machine(label: str, subject: Subject, target: Target) -> Machine:
    findings = tuple(requirements.check(subject, target))
    size = None
    if target == AZURE and subject.platform == HYPER_V:
        size = _size(subject)
    fits = size is not None and not size.misfits(subject.cpu or 1, subject.memory_max or 0, len(subject.data_disks))
    return Machine(label, _verdict(findings), size.name if size else None, fits, findings)


def _size(subject: Subject) -> sizes.Size | None:
    if subject.cpu is None or subject.memory_max is None or subject.disks is None:
        return None
    return sizes.choose(subject.cpu, subject.memory_max, len(subject.data_disks))


def _verdict(findings: tuple[Finding, ...]) -> str:
    found = {finding.severity for finding in findings if finding.severity != UNKNOWN or finding.rule not in _SET_LATER}
    if FAILS in found:
        return NOT_READY
    if UNKNOWN in found:
        return OPEN
    return WARNINGS if WARNS in found else READY


def _missing(machines: tuple[Machine, ...]) -> list[str]:
    """What is not known of how many machines, and the rules that need it; each thing once."""
    rules: dict[str, dict[str, None]] = {}
    counts: Counter[str] = Counter()
    for machine in machines:
        names = set()
        for finding in machine.of(UNKNOWN):
            for name in str(finding.details["missing"]).split(", "):
                rules.setdefault(name, {})[finding.rule] = None
                names.add(name)
        counts.update(names)
    return [_unknown(name, counts[name], ", ".join(found)) for name, found in rules.items()]


def _unknown(column: str, count: int, rules: str) -> str:
    text = ngettext(
        "Not known of {count} machine: {columns} (for {rules}).",
        "Not known of {count} machines: {columns} (for {rules}).",
        count,
    )
    called = next((names for things in columns().values() for names in things.values() if column in names), [column])
    others = [name for name in called if name != column]
    shown = _("{column}, or {others}").format(column=column, others=listed(others)) if others else column
    return text.format(count=f"{count:,}", columns=shown, rules=rules)


def _plain(finding: Finding) -> dict[str, Any]:
    error = finding.error
    return {
        "rule": finding.rule,
        "title": requirements.title(finding.rule),
        "severity": finding.severity,
        "code": finding.code or None,
        "message": error.message if error else "",
        "cause": error.cause if error else "",
        "action": error.action if error else "",
    }

"""``readiness``: a whole inventory against the requirements of protection."""

from __future__ import annotations

import argparse
import unicodedata
from pathlib import Path

from labkit.cli.labs import print_json
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.engine.texts import ngettext
from labkit.recovery import readinesspage as words
from labkit.recovery.readiness import VERDICTS, Report, assess
from labkit.recovery.requirements import FAILS, WARNS
from labkit.site.kinds import show


def readiness(options: argparse.Namespace) -> int:
    """Check an inventory; status 1 when a machine of it is not ready."""
    found = assess(*options.inventory, target=options.target)
    if options.html:
        _write(options.html, found)
    if options.json:
        print_json(found.as_dict())
    else:
        _print(found)
        if options.html:
            print(_("{file} is made.").format(file=options.html))
    return 0 if found.ready else 1


def _write(path: Path, found: Report) -> None:
    """Only a page is written over: an inventory given here by mistake stays."""
    if path.suffix.casefold() not in (".html", ".htm"):
        raise LabError(900885, file=str(path), reason=_("its name does not end in .html"))
    try:
        path.write_text(found.html(), "utf-8")
    except OSError as error:
        raise LabError(900885, file=str(path), reason=error.strerror or str(error)) from None


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _print(found: Report) -> None:
    rows = [(_("machine"), _("verdict"), _("size"), _("rules"))]
    for machine in found.machines:
        rules = dict.fromkeys(finding.rule for finding in machine.of(FAILS, WARNS))
        rows.append((show(machine.name), _(VERDICTS[machine.verdict]), words.size(machine), ", ".join(rules) or "-"))
    widths = [max(_width(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        begin = "  ".join(text + " " * (widths[column] - _width(text)) for column, text in enumerate(row[:3]))
        print(f"{begin}  {row[3]}")
    _details(found)
    print()
    counts = [f"{_(VERDICTS[verdict])}: {count:,}" for verdict, count in found.counts.items() if count]
    print("; ".join(counts))
    print(words.dates(found))


def _details(found: Report) -> None:
    """Each finding that fails or warns, then what to do against each kind, then what is not known."""
    lines = [
        f"  {finding.rule:6}  {finding.code:<6}  {words.told(finding)}"
        for machine in found.machines
        for finding in machine.of(FAILS, WARNS)
    ]
    if lines:
        print()
        print(_("Findings:"))
        print("\n".join(lines))
        print()
        print(_("What to do:"))
    for finding, count in found.remedies:
        machines = ngettext("{count} machine", "{count} machines", count).format(count=f"{count:,}")
        if finding.error:
            print(f"  {finding.rule:6}  {finding.code:<6}  ({machines}) {finding.error.action}")
    if found.notes:
        print()
        for note in found.notes:
            print(note)

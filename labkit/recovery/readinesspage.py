"""The readiness report as one HTML page: no address, no script, no file beside it; for light, dark and paper."""

from __future__ import annotations

from html import escape

from labkit.engine import texts
from labkit.engine.texts import gettext as _
from labkit.engine.texts import ngettext
from labkit.recovery import requirements
from labkit.recovery.readiness import VERDICTS, Machine, Report
from labkit.recovery.requirements import FAILS, UNKNOWN, WARNS, Finding

_STYLE = """
:root { color-scheme: light dark; --page: #f4f6f8; --card: #fff; --ink: #1f2328; --faint: #59636e; --line: #d8dee4;
  --good: #00734f; --good-back: #e3f4ec; --bad: #b3261e; --bad-back: #fbe9e7; --warn: #7a4d00; --warn-back: #fff3d6;
  --none-back: #eceff2; }
@media (prefers-color-scheme: dark) { :root { --page: #0f1419; --card: #181e25; --ink: #e6e9ec; --faint: #9aa5b1;
  --line: #2c353f; --good: #5fd3a5; --good-back: #12352a; --bad: #ff9488; --bad-back: #451f1c; --warn: #f5cf7a;
  --warn-back: #372a0c; --none-back: #262e37; } }
* { box-sizing: border-box; }
html { background: var(--page); }
body { margin: 0; color: var(--ink); font: 15px/1.55 system-ui, "Segoe UI", "Noto Sans CJK JP", "Yu Gothic UI", Meiryo,
  sans-serif; font-variant-numeric: tabular-nums; }
:lang(ja) { line-height: 1.75; line-break: strict; }
main { max-width: 1040px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 4px; }
h2 { font-size: 19px; margin: 0 0 12px; }
p { margin: 0 0 8px; max-width: 86ch; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 22px 24px;
  margin: 0 0 16px; }
.faint, caption, dt { color: var(--faint); font-size: 13px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 12px; margin: 14px 0 0; }
.card { border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; }
.card b { display: block; font-size: 23px; line-height: 1.25; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); }
th { color: var(--faint); font-weight: 600; font-size: 12.5px; white-space: nowrap; }
tbody > tr:last-child > * { border-bottom: 0; }
td ul { margin: 0; padding-left: 18px; }
td.name { font-weight: 600; overflow-wrap: anywhere; min-width: 8em; }
td.about { min-width: 12em; }
.badge { display: inline-block; padding: 1px 10px; border-radius: 999px; font-weight: 600; font-size: 13px;
  white-space: nowrap; }
.ready, .holds { color: var(--good); background: var(--good-back); }
.not_ready, .fails { color: var(--bad); background: var(--bad-back); }
.warnings, .warns { color: var(--warn); background: var(--warn-back); }
.unknown { color: var(--faint); background: var(--none-back); }
@media print { section { break-inside: auto; } tr { break-inside: avoid; } }
"""


def page(report: Report) -> str:
    """The whole page, in the language of the session."""
    title = _("Readiness for protection")
    return (
        f'<!DOCTYPE html>\n<html lang="{texts.language()}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{_head(report, title)}{_remedies(report)}{_machines(report)}{_notes(report)}</main>\n</body>\n</html>\n"
    )


def dates(report: Report) -> str:
    """The sentence that tells how old the tables are (rule 1.4-16)."""
    text = _("Limits of {limits}, systems of {systems}, sizes of {sizes}; later versions of the service may differ.")
    return text.format(**report.dates)


def size(machine: Machine) -> str:
    """The size it would get; one that is too small has a mark."""
    if machine.size is None:
        return "-"
    return machine.size if machine.fits else _("{size} (too small)").format(size=machine.size)


def told(finding: Finding) -> str:
    """What a finding says of its machine; of a machine of another kind also what protects it (rule 1.2-7)."""
    error = finding.error
    if error is None:
        return ""
    return f"{error.message} {error.cause}" if finding.rule == "1.2-7" else error.message


def _head(report: Report, title: str) -> str:
    target = _("to Azure") if report.target == requirements.AZURE else _("from site to site")
    cards = "".join(
        f'<div class="card"><span class="badge {verdict}">{escape(_(VERDICTS[verdict]))}</span><b>{count:,}</b></div>'
        for verdict, count in report.counts.items()
    )
    sources = escape(f"{', '.join(report.sources)} · {target}")
    return (
        f'<section>\n<h1>{escape(title)}</h1>\n<p class="faint">{sources}</p>\n'
        f'<div class="cards">{cards}</div>\n<p class="faint" style="margin-top:14px">{escape(dates(report))}</p>\n'
        "</section>\n"
    )


def _remedies(report: Report) -> str:
    if not report.remedies:
        return ""
    rows = []
    for finding, count in report.remedies:
        error = finding.error
        if error is None:
            continue
        machines = ngettext("{count} machine", "{count} machines", count).format(count=f"{count:,}")
        rows.append(
            f'<tr><td><span class="badge {finding.severity}">{escape(finding.rule)}</span></td>'
            f'<td class="about">{escape(requirements.title(finding.rule))}<br>'
            f'<span class="faint">{finding.code} · {escape(machines)}</span></td>'
            f"<td>{escape(error.action)}<br><span class='faint'>{escape(error.cause)}</span></td></tr>\n"
        )
    return _table(_("What to do"), (_("rule"), "", ""), rows)


def _table(title: str, head: tuple[str, ...], rows: list[str]) -> str:
    cells = "".join(f"<th>{escape(word)}</th>" for word in head)
    return (
        f'<section>\n<h2>{escape(title)}</h2>\n<div class="wide"><table>\n<thead><tr>{cells}</tr></thead>\n<tbody>\n'
        f"{''.join(rows)}</tbody></table></div>\n</section>\n"
    )


def _machines(report: Report) -> str:
    rows = []
    for machine in report.machines:
        points = "".join(
            f'<li><span class="badge {finding.severity}">{escape(finding.rule)}</span> {escape(told(finding))}</li>'
            for finding in machine.of(FAILS, WARNS)
        )
        open_rules = ", ".join(finding.rule for finding in machine.of(UNKNOWN))
        if open_rules:
            text = _("not to be told: {rules}").format(rules=open_rules)
            points += f'<li class="faint">{escape(text)}</li>'
        rows.append(
            f'<tr><td class="name">{escape(machine.name)}</td>'
            f'<td><span class="badge {machine.verdict}">{escape(_(VERDICTS[machine.verdict]))}</span></td>'
            f"<td>{escape(size(machine))}</td><td>{f'<ul>{points}</ul>' if points else ''}</td></tr>\n"
        )
    return _table(_("Machines"), (_("machine"), _("verdict"), _("size"), _("findings")), rows)


def _notes(report: Report) -> str:
    if not report.notes:
        return ""
    points = "".join(f"<li>{escape(note)}</li>\n" for note in report.notes)
    title = _("About the inventory")
    return f"<section>\n<h2>{escape(title)}</h2>\n<ul>\n{points}</ul>\n</section>\n"

"""The lab itself: what a trainer breaks, who reaches whom, what is left, and this portal's lines of Python."""

from __future__ import annotations

from labkit.engine import units
from labkit.engine.errors import word
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.portal import blocks, results
from labkit.portal.blocks import Block, Cell, Page
from labkit.portal.cells import health, instant
from labkit.portal.pages.context import Context
from labkit.views import titles

_MOST = 100


def page(context: Context) -> Page:
    """Objectives, faults, leftovers, alerts, or the journal."""
    part = context.at(1) or "objectives"
    made = {"faults": _faults, "leftovers": _leftovers, "alerts": _alerts, "journal": _journal}.get(part, _results)(
        context
    )
    made.tabs = [
        (_("Failovers and targets"), ("lab", "objectives")),
        (_("Faults"), ("lab", "faults")),
        (_("What is left"), ("lab", "leftovers")),
        (_("Alerts"), ("lab", "alerts")),
        (_("Journal"), ("lab", "journal")),
    ]
    return made


def site_map(context: Context) -> Page:
    """Both sides in one picture, and who reaches whom (rule 1.1-8)."""
    made = Page(_("Site map"))
    made.blocks.append(blocks.chart("map"))
    context.command("reach")
    return made


def _results(context: Context) -> Page:
    """What every failover lost, and its targets beside what was achieved."""
    made = Page(_("Lab"))
    made.blocks = [_lost(context), _objectives(context)]
    for control in ("reach", "verify", "copy"):
        context.command(control)
    return made


def _lost(context: Context) -> Block:
    rows: list[tuple[str, list[Cell]]] = []
    for place, row in enumerate(context.lab.vault.failovers):
        same = blocks.said(_("equal"), blocks.GOOD) if row.equal else blocks.said(_("not equal"), blocks.BAD)
        counted = [f"{row.rpo:,.0f} s", results.text(row.orders), results.text(row.blocks)]
        rows.append(
            (
                str(place),
                [row.vm, word("operation", row.operation), instant(row.at), instant(row.point), *counted, same],
            )
        )
    columns = [
        _("Name"),
        _("Operation"),
        _("Time"),
        _("Recovery point"),
        "RPO",
        _("Orders lost"),
        _("Blocks lost"),
        _("Disks"),
    ]
    return blocks.table("lost", columns, rows, title=_("Failovers"), empty=_("Nothing was failed over yet."))


def _objectives(context: Context) -> Block:
    words = {
        "met": blocks.said(_("met"), blocks.GOOD),
        "missed": blocks.said(_("missed"), blocks.BAD),
        "not_tested": blocks.said(_("not tested"), blocks.OFF),
    }
    rows: list[tuple[str, list[Cell]]] = []
    for place, row in enumerate(context.lab.vault.objectives):
        spans = [_span(row.target), _span(row.achieved)]
        asked = [row.name, word("operation", row.operation), row.objective.upper()]
        rows.append((str(place), [*asked, *spans, words[row.verdict]]))
    columns = [_("Name"), _("Operation"), _("Objective"), _("Wanted"), _("Achieved"), _("Verdict")]
    return blocks.table("objectives", columns, rows, title=_("Targets"))


def _span(ms: int | None) -> str:
    return "-" if ms is None else units.show_duration(ms)


def _faults(context: Context) -> Page:
    made = Page(_("Faults"))
    made.blocks.append(_lines(context))
    text = _("What a trainer can break. The symptom shows in health, jobs and the event log; the cure is on this page.")
    made.blocks.append(blocks.note("faults", text))
    for place, (title, names) in enumerate(_FAULTS):
        keys = [context.command(f"faults.{name}", bar=False, why=_why(context, name)) for name in names]
        made.blocks.append(blocks.commands(f"faults-{place}", keys, title=_(title)))
    return made


def _why(context: Context, name: str) -> str:
    """Why a fault or its cure is greyed: there is nothing to mend."""
    lost = any(not found["connected"] for found in context.status["lines"].values())
    return _("No line is lost.") if name == "restore_line" and not lost else ""


def _lines(context: Context) -> Block:
    """Each line on its own: the one between two sites fails alone."""
    rows: list[tuple[str, list[Cell]]] = []
    for to, line in context.status["lines"].items():
        up = line["connected"]
        state = blocks.said(_("connected") if up else _("not connected"), blocks.GOOD if up else blocks.BAD)
        figures = [
            units.show_bandwidth(line["bandwidth"]),
            f"{line['latency_ms']} ms",
            f"{line['loss_per_million'] / 10_000:g} %",
        ]
        rows.append((to, [titles.line(to), state, *figures]))
    columns = [_("Line"), _("Status"), _("Bandwidth"), _("Latency"), _("Loss of packets")]
    return blocks.table("lines", columns, rows)


_FAULTS = (
    (
        mark("Line, VPN and names"),
        (
            "lose_line",
            "restore_line",
            "set_bandwidth",
            "set_quality",
            "lose_vpn",
            "restore_vpn",
            "break_dns",
            "mend_dns",
        ),
    ),
    (mark("Site"), ("lose_site", "restore_site", "crash_host", "lose_vm", "fail_log", "edit_disk", "revert_disks")),
    (mark("In the way of replication"), ("obstruct", "clear")),
    (
        mark("Replica"),
        (
            "flip_block",
            "drop_cycle",
            "double_cycle",
            "swap_cycles",
            "cut_cycle",
            "corrupt_cycle",
            "restore_replica",
        ),
    ),
)


def _leftovers(context: Context) -> Page:
    made = Page(_("What is left"))
    rows = [
        (
            str(place),
            [
                word("leftover", row.kind),
                row.name,
                _money("$", row.dollars_per_day, 2),
                _money("¥", row.yen_per_day, 0),
                row.action,
            ],
        )
        for place, row in enumerate(context.lab.leftovers())
    ]
    columns = [_("Kind"), _("Name"), _("US dollars per day"), _("Yen per day"), _("What to do")]
    made.blocks.append(blocks.table("leftovers", columns, rows, empty=_("Nothing is left, and nothing costs.")))
    return made


def _money(sign: str, value: float | None, digits: int) -> str:
    return "-" if value is None else f"{sign}{value:,.{digits}f}"


def _alerts(context: Context) -> Page:
    from labkit.views import events

    made = Page(_("Alerts"))
    found = context.remembered("alerts", lambda: context.lab.alerts)[-_MOST:]
    rows: list[tuple[str, list[Cell]]] = [
        (
            str(place),
            [one.vm, instant(one.time), health(one.health), ", ".join(events.reason(code) for code in one.reasons)],
        )
        for place, one in enumerate(reversed(found))
    ]
    columns = [_("Name"), _("Time"), _("Replication health"), _("Reason")]
    made.blocks.append(blocks.table("alerts", columns, rows, empty=_("There was no alert.")))
    return made


def _journal(context: Context) -> Page:
    """What was asked, by whom, and how it ended, newest first."""
    made = Page(_("Journal"))
    rows: list[tuple[str, list[Cell]]] = []
    for row in reversed(context.lab.journal[-_MOST:]):
        done = row["outcome"] == "done"
        word = _("done") if done else _("refused ({code})").format(code=row["code"])
        at = instant(context.lab.show_instant(row["at"]))
        rows.append(
            (
                str(row["n"]),
                [
                    at,
                    row["command"],
                    row["surface"],
                    str(row["user"]),
                    blocks.said(word, blocks.GOOD if done else blocks.WARN),
                ],
            )
        )
    columns = [_("Time"), _("Command"), _("Surface"), _("User"), _("Outcome")]
    made.blocks.append(blocks.table("journal", columns, rows))
    return made

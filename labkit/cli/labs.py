"""``new``, ``status``, ``log``, ``copy``, ``verify``, ``run``."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import labkit
from labkit.engine.errors import LabError, in_words
from labkit.engine.names import meant
from labkit.engine.texts import gettext as _
from labkit.engine.texts import ngettext
from labkit.engine.units import show_bandwidth, show_size
from labkit.lab import Lab
from labkit.replication.relation import RESYNCHRONISING
from labkit.views import events, titles


def print_json(data: Any) -> None:
    """One JSON document on standard output; escaped, so that every console can carry it."""
    print(json.dumps(data, indent=2))


def _open(options: argparse.Namespace, *, read_only: bool = False) -> Lab:
    return labkit.open(options.file, surface="cli", read_only=read_only)


def new(options: argparse.Namespace) -> int:
    """Make a lab."""
    with _made(options) as lab:
        if options.json:
            print_json(lab.status())
        else:
            print(_("{file} is made: it is {now} there.").format(file=options.file, now=lab.now))
            for warning in lab.warnings():
                print(warning, file=sys.stderr)
    return 0


def _made(options: argparse.Namespace) -> Lab:
    """A new lab at a stage of its own, or at the beginning of a lesson of the course."""
    from labkit.lab import build, create

    if options.stage not in build.STAGES:
        from labkit.course import stages

        if options.stage not in stages.slugs():
            known = (*build.STAGES, *stages.slugs())
            raise LabError(900050, found=options.stage, choices=", ".join(known), meant=meant(options.stage, known))
        return stages.new(options.file, options.stage, site=options.site, seed=options.seed)
    site = options.site or "contoso"
    return create(options.file, site=site, seed=options.seed, stage=options.stage, surface="cli")


def status(options: argparse.Namespace) -> int:
    """Show the state of a lab."""
    with _open(options, read_only=True) as lab:
        found = lab.status()
    if options.json:
        print_json(found)
        return 0
    clock = found["clock"]
    print(_("Site {site}, seed {seed}, {now}").format(site=found["site"], seed=found["seed"], now=clock["now"]))
    if clock["played_by"]:
        print(_("The clock is played by process {pid} on {host}").format(**clock["played_by"]))
    for to, line in found["lines"].items():
        plug = _("connected") if line["connected"] else _("lost")
        print(f"{titles.line(to)}: {show_bandwidth(line['bandwidth'])}, {plug}")
    for name, power in found["servers"].items():
        if power != "running":
            print(f"{name}: {titles.power(power)}")
    for name, item in found["items"].items():
        _print_item(name, item)
    for name, replica in found["replicas"].items():
        text = _("  {name}: {state}, from {primary} to {replica}, health {health}, RPO {rpo}")
        rpo = "-" if replica["rpo_ms"] is None else f"{replica['rpo_ms'] / 1000:.0f} s"
        word = replica["health"]
        print(text.format(name=name, **{**replica, "health": _(word), "rpo": rpo}))
    for name, job in found["jobs"].items():
        words = {key: in_words(key, job[key]) for key in ("scenario", "state", "task")}
        text = _("  {name}  {scenario}, {target}: {state}; task: {task}")
        print(text.format(name=name, target=job["target"], **words))
    print(_("{count} events, digest {digest}").format(count=found["events"], digest=found["events_digest"]))
    return 0


def _print_item(name: str, item: dict[str, Any]) -> None:
    rpo = "-" if item["rpo_ms"] is None else f"{item['rpo_ms'] / 1000:.0f} s"
    points = len(item["recovery_points"])
    text = ngettext(
        "  {name}: {state} ({location}), health {health}, RPO {rpo}, {points} recovery point",
        "  {name}: {state} ({location}), health {health}, RPO {rpo}, {points} recovery points",
        points,
    )
    words = {"state": item["description"], "location": item["active_location"], "health": item["health"]}
    print(text.format(name=name, rpo=rpo, points=points, **{key: _(word) for key, word in words.items()}))
    if item["paused"]:
        print(_("    replication is paused"))
    if item["failed"]:
        _print_failure(item["failed"])
    if item["reason"]:
        under_way = item["replication"] == RESYNCHRONISING
        state = _("under way") if under_way else _("required")
        print(_("    resynchronisation {state}: {reason}").format(state=state, reason=events.reason(item["reason"])))


def _print_failure(failed: dict[str, Any]) -> None:
    why = events.failure(failed)
    if failed["next"]:
        text = _("    replication has failed: {reason}; attempts: {count}, the next at {instant}")
        print(text.format(reason=why, count=failed["attempts"], instant=failed["next"]))
    else:
        print(_("    replication has failed: {reason}; it is not tried again before it is resumed").format(reason=why))


def log(options: argparse.Namespace) -> int:
    """Print the facts (with ``--json`` in canonical form, one a line) or the journal."""
    with _open(options, read_only=True) as lab:
        if options.journal:
            for entry in lab.journal:
                print(json.dumps(entry) if options.json else _journal_line(entry))
            return 0
        if options.json:
            sys.stdout.flush()
            for line in lab.fact_lines():
                sys.stdout.buffer.write(line.encode("utf-8") + b"\n")
            return 0
        for fact in lab.facts:
            rest = " ".join(
                f"{key}={value}" for key, value in sorted(fact.items()) if key not in ("at", "kind", "entity")
            )
            print(f"{lab.show_instant(fact['at'])}  {fact['kind']:20} {fact['entity']:20} {rest}")
    return 0


def _journal_line(entry: dict[str, Any]) -> str:
    code = f" {entry['code']}" if entry["code"] is not None else ""
    who = f"{entry['user']} ({entry['surface']})"
    return f"{entry['wall']}  {who}  {entry['command']} {entry['arguments']}: {entry['outcome']}{code}"


def copy(options: argparse.Namespace) -> int:
    """Copy a lab."""
    with _open(options, read_only=True) as lab:
        made = lab.copy(options.new)
    print(_("{file} is made ({size}).").format(file=made, size=show_size(made.stat().st_size)))
    return 0


def verify(options: argparse.Namespace) -> int:
    """Check a lab; status 1 when something is wrong."""
    with _open(options, read_only=True) as lab:
        problems = lab.verify(full=options.full)
    if options.json:
        print_json({"ok": not problems, "problems": problems})
    elif problems:
        print("\n".join(problems))
    else:
        print(_("All is well: file, facts, invariants and replicas."))
    return 1 if problems else 0


def run(options: argparse.Namespace) -> int:
    """Let time pass."""
    with _open(options) as lab:
        if options.on_alert:
            lab.on_alert(options.on_alert)
        lab.run(options.duration, until=options.until, take_over=options.take_over)
        if options.json:
            print_json(lab.status())
        else:
            print(_("It is {now}.").format(now=lab.now))
    return 0

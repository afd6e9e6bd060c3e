"""Commands and their options, as data for argparse."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NoReturn

from labkit.cli import bench, course, disk, doctor, drill, jupyter, labs, readiness
from labkit.engine.errors import EXIT_BAD_INPUT
from labkit.engine.texts import gettext as _
from labkit.lab.exports import FORMATS


class Parser(argparse.ArgumentParser):
    """Bad input ends with status 3, as everywhere in labkit."""

    def error(self, message: str) -> NoReturn:
        """Say how the command is used, and what was wrong."""
        self.print_usage()
        self.exit(EXIT_BAD_INPUT, f"{self.prog}: {message}\n")

    def print_usage(self, file: Any = None) -> None:
        """Usage goes to standard error unless it was asked for."""
        import sys

        super().print_usage(file or sys.stderr)


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    from labkit import __version__

    parser = Parser(prog="labkit", description=_("An offline disaster-recovery lab: virtual time, real bytes."))
    parser.add_argument("--version", action="version", version=f"labkit {__version__}")
    commands = parser.add_subparsers(metavar=_("COMMAND"), required=True)
    _labs(commands)
    _drills(commands)
    _disks(commands)
    _readiness(commands)
    _course(commands)
    _others(commands)
    return parser


def _command(commands: Any, name: str, text: str, function: Any, *, json: bool = False) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(function=function)
    if json:
        parser.add_argument(
            "--json", action="store_true", help=_("print JSON on standard output, and nothing else there")
        )
    return parser


def _file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help=_("lab file"))


def _labs(commands: Any) -> None:
    new = _command(commands, "new", _("make a lab"), labs.new, json=True)
    _file(new)
    new.add_argument(
        "--site",
        metavar="NAME|SITE.yml",
        help=_("site that comes with labkit, or a site file (default: contoso, or the one of the lesson)"),
    )
    new.add_argument("--seed", type=int, default=1, help=_("seed of chance (default: 1)"))
    new.add_argument(
        "--stage",
        default="start",
        metavar="SLUG",
        help=_("start (bare servers), prepared, registered, configured, protected, or a lesson (default: start)"),
    )

    status = _command(commands, "status", _("show the state of a lab"), labs.status, json=True)
    _file(status)

    log = _command(commands, "log", _("show what happened in a lab, or what was asked of it"), labs.log, json=True)
    _file(log)
    log.add_argument("--journal", action="store_true", help=_("what was asked, by whom, and how it ended"))

    copy = _command(commands, "copy", _("copy a lab, also while its clock plays"), labs.copy)
    _file(copy)
    copy.add_argument("new", metavar="NEW", type=Path, help=_("the copy; must not exist"))

    verify = _command(commands, "verify", _("check file, facts, invariants and replicas"), labs.verify, json=True)
    _file(verify)
    verify.add_argument("--full", action="store_true", help=_("compare every byte"))

    run = _command(commands, "run", _("let virtual time pass"), labs.run, json=True)
    _file(run)
    run.add_argument("duration", metavar="DURATION", nargs="?", help=_("6h, 2d, or ISO 8601 such as PT6H"))
    run.add_argument("--until", metavar="TIME", help=_("instant with a zone, as status prints it"))
    run.add_argument(
        "--on-alert", metavar="COMMAND", help=_("start this for each alert, with JSON on its standard input")
    )
    run.add_argument("--take-over", action="store_true", help=_("stop the process that plays the clock now"))


def _drills(commands: Any) -> None:
    text = _("list, describe and run recovery drills")
    drills = commands.add_parser("drill", help=text, description=text).add_subparsers(
        metavar=_("ACTION"), required=True
    )
    _command(drills, "list", _("list the drills"), drill.list_drills, json=True)
    describe = _command(drills, "describe", _("describe a drill and its parameters"), drill.describe, json=True)
    describe.add_argument("name", metavar="NAME")
    run = _command(drills, "run", _("run a drill unattended, and report"), drill.run, json=True)
    run.add_argument("name", metavar="NAME")
    run.add_argument(
        "-p", dest="parameters", metavar="KEY=VALUE", action="append", default=[], help=_("parameter of the drill")
    )
    run.add_argument("--site", metavar="NAME|SITE.yml", help=_("site that comes with labkit, or a site file"))
    run.add_argument("--seed", type=int, default=1, help=_("seed of chance (default: 1)"))
    run.add_argument(
        "--out", metavar="DIR", type=Path, help=_("folder for report, result, notebook and lab; new or empty")
    )


def _disks(commands: Any) -> None:
    text = _("virtual disks")
    disks = commands.add_parser("disk", help=text, description=text).add_subparsers(metavar=_("ACTION"), required=True)
    export = _command(disks, "export", _("write a disk to a file other programs open"), disk.export, json=True)
    _file(export)
    export.add_argument("vm", metavar="VM")
    export.add_argument("disk", metavar="DISK", help=_("name of the disk in the site file"))
    export.add_argument("out", metavar="OUT", type=Path, help=_("file to make; must not exist"))
    export.add_argument("--side", choices=("site", "azure"), default="site")
    export.add_argument("--point", default="latest", metavar="latest|failover|ID", help=_("recovery point"))
    export.add_argument("--format", choices=FORMATS, help=_("default: as OUT ends (.vhd, .vhdx), else raw"))
    export.add_argument(
        "--certificate", metavar="PFX", type=Path, help=_("of an encrypted cloud; its password: LABKIT_PFX_PASSWORD")
    )
    export.add_argument("--sha256", action="store_true", help=_("write OUT.sha256 beside it"))
    info = _command(disks, "info", _("check a disk image (raw, VHD, VHDX) and say what it is"), disk.info, json=True)
    info.add_argument("image", metavar="IMAGE", type=Path, help=_("file of a disk from another program"))


def _readiness(commands: Any) -> None:
    ready = _command(
        commands,
        "readiness",
        _("check which machines of an inventory can be protected"),
        readiness.readiness,
        json=True,
    )
    ready.add_argument(
        "inventory",
        metavar="INVENTORY",
        nargs="+",
        help=_("site file, or CSV and JSON of PowerShell, or a folder of them (docs/readiness.md)"),
    )
    ready.add_argument("--target", choices=("azure", "site"), default="azure", help=_("where they are to be protected"))
    ready.add_argument("--html", metavar="FILE", type=Path, help=_("write the report as a page, too"))


def _course(commands: Any) -> None:
    lessons = _command(
        commands, "lessons", _("list the lessons of the course and their steps"), course.lessons, json=True
    )
    lessons.add_argument("slug", metavar="SLUG", nargs="?", help=_("one lesson, with its steps"))

    reset = _command(commands, "reset", _("get a fresh copy of a lesson's notebook; yours is kept"), course.reset)
    reset.add_argument("slug", metavar="SLUG", help=_("the lesson, such as test-failover"))
    reset.add_argument("folder", metavar="DIR", nargs="?", type=Path, help=_("folder of your notebooks and labs"))

    text = _("show how a class stands: learners, their steps, who is stuck or asks for help")
    board = _command(commands, "class", text, course.classroom, json=True)
    board.add_argument("folder", metavar="DIR", type=Path, help=_("folder that LABKIT_CLASS names for the learners"))
    board.add_argument("--hide-names", action="store_true", help=_("show numbers instead of names"))


def _others(commands: Any) -> None:
    lab = _command(commands, "lab", _("open JupyterLab with copies of the notebooks"), jupyter.lab)
    lab.add_argument("folder", metavar="DIR", nargs="?", type=Path, help=_("folder of your notebooks and labs"))
    lab.add_argument("--no-browser", action="store_true", help=_("only start the server"))

    _command(commands, "doctor", _("check this computer"), doctor.doctor, json=True)
    benches = _command(commands, "bench", _("measure labkit against its references"), bench.bench, json=True)
    what = benches.add_mutually_exclusive_group()
    what.add_argument("name", metavar="NAME", nargs="?", help=_("cycles, export or portal (default: all)"))
    what.add_argument("--grow", action="store_true", help=_("how cost grows with VMs, disks, hours and writes"))
    benches.add_argument("--chart", metavar="FILE", type=Path, help=_("with --grow: draw it, .svg or .png"))

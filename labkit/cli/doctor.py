"""``doctor``: whether this computer has what labkit needs."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import shutil
import sqlite3
import sys
from pathlib import Path
from typing import NamedTuple

from labkit.cli.labs import print_json
from labkit.engine import host
from labkit.engine.texts import gettext as _
from labkit.engine.units import show_size

_NEEDED = ("numpy", "msgspec", "apsw", "cryptography", "google-crc32c", "psutil", "PyYAML")
_FOR_DRILLS = ("papermill", "ipykernel", "matplotlib", "pandas", "Jinja2")
_FOR_NOTEBOOKS = ("jupyterlab", "ipywidgets", "anywidget")
_ROOM = 2 << 30


class Finding(NamedTuple):
    """One thing looked at: needed or only useful, well or not, and what to do."""

    name: str
    found: str
    well: bool
    needed: bool
    action: str


def _package(name: str, *, needed: bool, extra: str) -> Finding:
    try:
        return Finding(name, importlib.metadata.version(name), True, needed, "")
    except importlib.metadata.PackageNotFoundError:
        action = _("install it: pip install 'labkit{extra}'").format(extra=extra)
        return Finding(name, _("missing"), False, needed, action)


def _tool(name: str, use: str) -> Finding:
    path = shutil.which(name)
    return Finding(name, path or _("missing"), path is not None, False, "" if path else use)


def _home() -> Finding:
    folder = host.home()
    parent = next(found for found in (folder, *folder.parents) if found.exists())
    if not os.access(parent, os.W_OK):
        action = _("set LABKIT_HOME to a folder you can write to")
        return Finding("LABKIT_HOME", f"{folder}: " + _("read-only"), False, False, action)
    kind = host.folder_kind(folder)
    if kind != "local":
        return Finding("LABKIT_HOME", f"{folder}: {kind}", False, False, _("set LABKIT_HOME to a local folder"))
    free = shutil.disk_usage(parent).free
    action = "" if free >= _ROOM else _("make room: exports of disks need it")
    return Finding("LABKIT_HOME", f"{folder}: {show_size(free)}", free >= _ROOM, False, action)


def findings() -> list[Finding]:
    """Everything that was looked at."""
    python = ".".join(map(str, sys.version_info[:3]))
    old = _("install Python 3.11 or later")
    found = [Finding("Python", python, sys.version_info >= (3, 11), True, "" if sys.version_info >= (3, 11) else old)]
    sqlite = sqlite3.sqlite_version_info >= (3, 35)
    found.append(Finding("SQLite", sqlite3.sqlite_version, sqlite, True, "" if sqlite else _("install a newer Python")))
    found += [_package(name, needed=True, extra="") for name in _NEEDED]
    found += [_package(name, needed=False, extra="[drills]") for name in _FOR_DRILLS]
    found += [_package(name, needed=False, extra="[notebooks]") for name in _FOR_NOTEBOOKS]
    found.append(_tool("qemu-img", _("only to compare exported disks; install qemu-utils")))
    found.append(_home())
    return found


def doctor(options: argparse.Namespace) -> int:
    """Print what was found; status 1 when something needed is missing."""
    found = findings()
    if options.json:
        print_json([finding._asdict() for finding in found])
    else:
        for finding in found:
            mark = _("ok") if finding.well else (_("MISSING") if finding.needed else _("note"))
            print(f"{mark:8} {finding.name:14} {finding.found}" + (f"  ({finding.action})" if finding.action else ""))
        print(_("Labs and notebooks: {folder}").format(folder=Path(host.home())))
    return 1 if any(finding.needed and not finding.well for finding in found) else 0

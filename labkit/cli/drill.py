"""``drill list``, ``drill describe``, ``drill run``."""

from __future__ import annotations

import argparse

from labkit.cli.labs import print_json
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _


def list_drills(options: argparse.Namespace) -> int:
    """List the drills."""
    from labkit import drills

    found = drills.catalogue()
    if options.json:
        print_json([drill.as_dict() for drill in found])
    else:
        for drill in found:
            print(f"{drill.name:14} {_(drill.title)}")
    return 0


def describe(options: argparse.Namespace) -> int:
    """Describe a drill."""
    from labkit import drills

    drill = drills.describe(options.name)
    if options.json:
        print_json(drill.as_dict())
    else:
        print("\n".join(drill.lines()))
    return 0


def parameters(pairs: list[str]) -> dict[str, str]:
    """``KEY=VALUE`` texts as a dictionary; 900702 for anything else or a key given twice."""
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip() or key.strip() in found:
            raise LabError(900702, found=pair)
        found[key.strip()] = value.strip()
    return found


def run(options: argparse.Namespace) -> int:
    """Run a drill; status 0 met, 1 missed, 2 failed."""
    from labkit import drills

    done = drills.run(
        options.name, parameters(options.parameters), site=options.site, seed=options.seed, out=options.out
    )
    if options.json:
        print_json(done.result)
    else:
        print("\n".join(drills.summary(done)))
    return done.exit_status

"""``lessons``, ``reset``, ``class``: the course from the command line."""

from __future__ import annotations

import argparse

from labkit.cli.labs import print_json
from labkit.engine import host
from labkit.engine.texts import gettext as _


def lessons(options: argparse.Namespace) -> int:
    """List the lessons, or the steps of one."""
    from labkit.course import catalogue

    found = [catalogue.lesson(options.slug)] if options.slug else list(catalogue.all_lessons())
    if options.json:
        print_json(
            [
                {
                    "slug": one.slug,
                    "number": one.number,
                    "title": _(one.title),
                    "heading": one.heading,
                    "minutes": one.minutes,
                    "after": one.after,
                    "rules": list(one.rules),
                    "steps": [
                        {"slug": step.slug, "title": _(step.title), "optional": step.optional} for step in one.steps
                    ],
                }
                for one in found
            ]
        )
        return 0
    for one in found:
        print(f"{one.number:4} {one.slug:22} {_(one.title)}")
        if options.slug:
            for step in one.steps:
                print(f"     {step.slug:22} {_(step.title)}")
    return 0


def reset(options: argparse.Namespace) -> int:
    """Put a fresh copy of a lesson's notebook in its place, in the languages that are there."""
    from labkit.course import copies

    for fresh, kept in copies.reset(options.slug, options.folder or host.home()):
        if kept is None:
            print(_("{file} is new.").format(file=fresh))
        else:
            print(_("{file} is fresh; yours is {kept} now.").format(file=fresh, kept=kept.name))
    return 0


def classroom(options: argparse.Namespace) -> int:
    """Show a class."""
    from labkit.course import board

    found = board.classroom(options.folder, hide_names=options.hide_names)
    if options.json:
        print_json(found.as_dict())
    else:
        print(found)
    return 0

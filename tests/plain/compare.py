"""Both engines live through one story, and their labs are compared."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.plain.engine import PlainLab, nonzero
from tests.plain.guest import Blocks
from tests.plain.real import RealLab, real_lab
from tests.plain.sites import Command, Story

MOST_POINTS = 8  # looked at block by block, of each VM


def differences(told: Story, path: Path, *, secret: Command | None = None) -> tuple[PlainLab, list[str]]:
    """The plain lab at the end of a story, and what the engines disagree about: nothing when all is well.

    ``path`` is where the real lab's file will be. ``secret`` happens to the real lab only.
    """
    plain = PlainLab(told.site, told.seed, told.job, told.traces)
    for name, text in told.traces.items():
        (path.parent / name).write_text(text, "utf-8")
    with real_lab(path, told.site, told.seed, told.job) as real:
        found = list(_lived(told, plain, real, secret))
        return plain, found + list(_compared(told, plain, real))


def _lived(told: Story, plain: PlainLab, real: RealLab, secret: Command | None) -> Iterator[str]:
    commands = [*told.commands, secret] if secret else told.commands
    for command in sorted(commands, key=lambda command: command.at):
        plain.advance(command.at)
        real.advance(command.at)
        if command.name == "ask":
            yield from _pending(plain, real)
        elif command.name == "reopen":
            real.reopen()
        else:
            getattr(real, command.name)(*command.arguments)
            if command is not secret:
                getattr(plain, command.name)(*command.arguments)
    plain.advance(told.end)
    real.advance(told.end)


def _compared(told: Story, plain: PlainLab, real: RealLab) -> Iterator[str]:
    yield from _facts(plain.facts, real.facts())
    yield from _pending(plain, real)
    for name, guest in plain.guests.items():
        yield from _disks(f"{name} source", guest.disks, real.source(name))
    for name, made in plain.protections.items():
        yield from _disks(f"{name} replica", made.replica, real.replica(name))
        yield from _points(told, name, plain, real)


def _points(told: Story, name: str, plain: PlainLab, real: RealLab) -> Iterator[str]:
    points, cuts = plain.protections[name].points, real.cuts(name)
    if [point.cut for point in points] != cuts:
        yield f"{name} points: {[point.cut for point in points]} is not {cuts}"
        return
    numbers = range(len(cuts))
    looked = random.Random(told.seed).sample(numbers, min(MOST_POINTS, len(numbers)))
    for number in sorted({*looked, *numbers[:1], *numbers[-1:]}):
        yield from _disks(f"{name} point {number}", points[number].disks, real.replica(name, number))


def _facts(plain: list[dict[str, Any]], real: list[dict[str, Any]]) -> Iterator[str]:
    for number, (one, other) in enumerate(zip(plain, real, strict=False)):
        if one != other:
            yield f"fact {number}: {one} is not {other}"
            return
    if len(plain) != len(real):
        yield f"{len(plain)} facts are not {len(real)}"


def _pending(plain: PlainLab, real: RealLab) -> Iterator[str]:
    for name in plain.protections:
        if plain.pending(name) != real.pending(name):
            yield f"{name} pending at {plain.now}: {plain.pending(name)} is not {real.pending(name)}"


def _disks(what: str, plain: list[Blocks], real: list[Blocks]) -> Iterator[str]:
    for disk, (one, other) in enumerate(zip(plain, real, strict=True)):
        written = {block: content for block, content in one.items() if nonzero(content)}
        if written != other:
            blocks = sorted(block for block in {*written, *other} if written.get(block) != other.get(block))
            yield f"{what}, disk {disk}: {len(blocks)} blocks differ, the first is {blocks[0]}"

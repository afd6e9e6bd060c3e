"""``disk export``."""

from __future__ import annotations

import argparse
import dataclasses
import sys

import labkit
from labkit.cli.labs import print_json
from labkit.engine.texts import gettext as _
from labkit.engine.units import show_size


def export(options: argparse.Namespace) -> int:
    """Write a disk to a file."""

    def show(done: int, whole: int) -> None:
        print(f"\r{100 * done // max(1, whole):3} %", end="", file=sys.stderr)

    with labkit.open(options.file, surface="cli", read_only=True) as lab:
        made = lab.export_disk(
            options.vm,
            options.disk,
            options.out,
            side=options.side,
            point=options.point,
            format=options.format,
            sha256=options.sha256,
            progress=show if sys.stderr.isatty() else None,
        )
    if sys.stderr.isatty():
        print(file=sys.stderr)
    if options.json:
        print_json({key: str(value) if key == "path" else value for key, value in dataclasses.asdict(made).items()})
        return 0
    print(_("{file}: {format}, {size}").format(file=made.path, format=made.format, size=show_size(made.virtual_size)))
    if made.padded_bytes:
        text = _("{bytes} bytes of zeros were added: Azure takes only disks of whole MiB.")
        print(text.format(bytes=made.padded_bytes))
    return 0

"""``disk export``."""

from __future__ import annotations

import argparse
import dataclasses
import getpass
import os
from typing import Any

import labkit
from labkit.cli.labs import print_json
from labkit.engine.texts import gettext as _
from labkit.engine.units import show_size


def export(options: argparse.Namespace) -> int:
    """Write a disk to a file."""
    with labkit.open(options.file, surface="cli", read_only=True) as lab:
        made = lab.export_disk(
            options.vm,
            options.disk,
            options.out,
            side=options.side,
            point=options.point,
            format=options.format,
            sha256=options.sha256,
            certificate=options.certificate,
            password=_password(options),
        )
    if options.json:
        print_json({key: str(value) if key == "path" else value for key, value in dataclasses.asdict(made).items()})
        return 0
    print(_("{file}: {format}, {size}").format(file=made.path, format=made.format, size=show_size(made.virtual_size)))
    if made.padded_bytes:
        text = _("{bytes} bytes of zeros were added: Azure takes only disks of whole MiB.")
        print(text.format(bytes=made.padded_bytes))
    return 0


def _password(options: argparse.Namespace) -> str | None:
    """Of the certificate: from ``LABKIT_PFX_PASSWORD``, or asked for; never an argument that others could see."""
    if options.certificate is None or options.side == "site":
        return None
    try:
        return os.environ.get("LABKIT_PFX_PASSWORD") or getpass.getpass(_("Password of the certificate: "))
    except EOFError:  # nobody is there to be asked
        return None


def info(options: argparse.Namespace) -> int:
    """Say what a disk image is, after all its checks; images from elsewhere are read, never changed."""
    from labkit.disks.image import open_image
    from labkit.disks.importing import held

    with open_image(options.image) as image:
        found: dict[str, Any] = {
            "format": image.kind,
            "size": image.size,
            "sector_size": image.sector_size,
            "held": held(image),
            "files": [str(path) for path in image.files],
            "warnings": image.warnings,
        }
    if options.json:
        print_json(found)
        return 0
    text = _("{file}: {format}, {size} ({bytes} bytes), at most {held} of it not zeros")
    sizes = {"size": show_size(found["size"]), "bytes": found["size"], "held": show_size(found["held"])}
    print(text.format(file=options.image, format=found["format"], **sizes))
    for path in found["files"][1:]:
        print(_("  its parent: {file}").format(file=path))
    for warning in found["warnings"]:
        print(warning)
    return 0

"""One piece of work of ``labkit bench export`` in a process of its own.

``import LAB IMAGE STAGE`` or ``export LAB OUT``.

Prints seconds and the peak of memory (bytes) as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec

import labkit
from labkit.engine import host, pace
from labkit.site import sitefile
from labkit.site.model import Disk, SiteFile, Vm


def _site(image: str) -> SiteFile:
    disk = Disk("os", 0, 0, image, None, application=False)
    vm = Vm("DISK01", "Windows Server 2012 R2", "HV01", 1, 1 << 30, 1 << 30, True, (disk,), None, invoices=False)
    found = sitefile.read("contoso")
    return msgspec.structs.replace(found, site="bench", vms=(vm,))


def main(arguments: list[str]) -> None:
    """Do it and print what it took."""
    work, lab, other, *stage = arguments
    start = pace.ticks()
    if work == "import":
        labkit.create(lab, site=_site(other), stage=stage[0]).close()
    else:
        with labkit.open(lab, read_only=True) as opened:
            opened.export_disk("DISK01", "os", Path(other), side="azure")
    print(json.dumps({"seconds": pace.ticks() - start, "memory": host.peak_memory()}))


if __name__ == "__main__":
    main(sys.argv[1:])

"""Foreign programs that read what labkit writes, and libraries that read what labkit reads.

qemu-img never judges a differencing VHD: it opens one without its parent and says nothing.
"""

from __future__ import annotations

import json
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

QEMU_NAMES = {"raw": "raw", "vhd": "vpc", "vhd-dynamic": "vpc", "vhdx": "vhdx"}


def qemu_size(qemu_img: str, path: Path, format: str) -> int:
    """Bytes of the disk in qemu's eyes."""
    command = [qemu_img, "info", "-f", QEMU_NAMES[format], "--output=json", str(path)]
    return int(json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["virtual-size"])


def qemu_equal(qemu_img: str, path: Path, format: str, raw: Path) -> None:
    """Assert that qemu finds the same size and the same bytes as in a raw file."""
    assert qemu_size(qemu_img, path, format) == raw.stat().st_size
    command = [qemu_img, "compare", "-f", QEMU_NAMES[format], "-F", "raw", str(path), str(raw)]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (found.returncode, found.stdout.strip()) == (0, "Images are identical."), found.stdout + found.stderr


def qemu_check(qemu_img: str, path: Path, *options: str) -> None:
    """Assert that qemu's check of a VHDX finds nothing, or repairs all (``-r all``)."""
    command = [qemu_img, "check", "-f", "vhdx", *options, str(path)]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


def libvhdi_content(pyvhdi: Any, *chain: Path) -> bytes:
    """All bytes of a disk as libvhdi reads them; ``chain``: the file, its parent, the parent's parent, ..."""
    files = []
    for path in chain:
        file = pyvhdi.file()
        file.open(str(path))
        files.append(file)
    for child, parent in pairwise(files):
        child.set_parent(parent)
    size = files[0].get_media_size()
    content = b"".join(files[0].read_buffer_at_offset(min(1 << 20, size - at), at) for at in range(0, size, 1 << 20))
    for file in files:
        file.close()
    return content


def sevenzip_content(sevenzip: str, path: Path) -> bytes:
    """All bytes of a disk as 7-Zip unpacks them; it finds parents by name in the same folder."""
    form = "VHDX" if "vhdx" in path.suffix else "VHD"
    command = [sevenzip, "e", "-so", f"-t{form}", str(path)]
    found = subprocess.run(command, check=False, capture_output=True)
    assert found.returncode == 0, found.stderr.decode()
    return found.stdout

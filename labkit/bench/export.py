"""``export``: 8 GiB of real bytes out of a lab and into one, against ``qemu-img convert``.

Two disks: random bytes throughout, and the same size with a tenth of it data. A disk is imported from a raw file,
replicated, and its replica exported as fixed VHD and dynamic VHDX; then that VHDX is imported into a lab. The reference
does the same file for file: raw to VHD, raw to VHDX, VHDX to raw, with its data flushed to the medium as labkit's are.
labkit's work runs in a process of its own, so that its peak of memory can be told.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from labkit.bench.rows import Row
from labkit.disks.blocks import BLOCK, synthetic_stamp
from labkit.disks.export import export
from labkit.disks.frozen import Frozen
from labkit.engine import host, pace
from labkit.engine.errors import LabError
from labkit.engine.units import show_size

SIZE, ROUNDS = 8 << 30, 3
_SHARES = {"random": 1, "sparse": 10}
_TASKS = {"vhd": "export VHD", "vhdx": "export VHDX", "import": "import VHDX"}
_FILES = 4  # of the disk's size at once: raw, lab, and what both sides write


def _raw(path: Path, size: int, share: int) -> None:
    """A raw disk with one MiB of data in each ``share`` MiB; nothing in it compresses."""
    stamps = np.zeros(size // BLOCK, np.int64)
    held = np.flatnonzero(np.arange(len(stamps)) // 16 % share == 0)
    stamps[held] = synthetic_stamp(1, 0)
    export(Frozen(size, stamps, lambda stamp: b""), path)


def _qemu(program: str, source: str, target: str, before: Path, after: Path) -> float:
    """Seconds of the reference."""
    _warm(before)
    options = ["-o", "subformat=fixed,force_size=on"] if target == "vpc" else []
    start = pace.ticks()
    command = [program, "convert", "-t", "writeback", "-f", source, "-O", target, *options, str(before), str(after)]
    subprocess.run(command, check=True, capture_output=True)
    return pace.ticks() - start


def _warm(path: Path) -> None:
    """Read a file once, so that neither side is measured by where its source happened to be."""
    buffer = bytearray(1 << 20)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def _labkit(*arguments: object) -> tuple[float, int]:
    """Seconds and peak of memory (bytes) of one piece of labkit's work."""
    command = [sys.executable, "-m", "labkit.bench.export_work", *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8")
    found = json.loads(done.stdout)
    return float(found["seconds"]), int(found["memory"])


class _Disk:
    """One disk, its lab, and what was measured of it: seconds of labkit and of the reference by task."""

    def __init__(self, folder: Path, program: str, size: int, share: int) -> None:
        self._folder, self._program = folder, program
        self.seconds: dict[str, list[tuple[float, float]]] = {task: [] for task in _TASKS}
        self.memory: list[int] = []
        self._raw = folder / "disk.raw"
        _raw(self._raw, size, share)
        _labkit("import", folder / "disk.lab", self._raw, "protected")

    def round(self) -> None:
        """Everything once; reference and labkit in turn."""
        for task, name in (("vhd", "vpc"), ("vhdx", "vhdx")):
            ours, theirs = self._folder / f"ours.{task}", self._folder / f"theirs.{task}"
            reference = _qemu(self._program, "raw", name, self._raw, theirs)
            theirs.unlink()
            self._note(task, reference, "export", self._folder / "disk.lab", ours)
            if task != "vhdx":
                ours.unlink()
        image = self._folder / "ours.vhdx"
        back, lab = self._folder / "back.raw", self._folder / "again.lab"
        reference = _qemu(self._program, "vhdx", "raw", image, back)
        back.unlink()
        self._note("import", reference, "import", lab, image, "start")
        lab.unlink()
        image.unlink()

    def _note(self, task: str, reference: float, *work: object) -> None:
        _warm(Path(str(work[1] if work[0] == "export" else work[2])))
        seconds, memory = _labkit(*work)
        self.seconds[task].append((seconds, reference))
        self.memory.append(memory)


def check() -> str:
    """Path of the reference; 900708 without it."""
    program = shutil.which("qemu-img")
    if program is None:
        raise LabError(900708, program="qemu-img")
    return program


def run(size: int = SIZE, rounds: int = ROUNDS) -> list[Row]:
    """The rows: MB/s of the virtual disk, with ratios; then the peak of memory. 900707 without room; :func:`check`."""
    program = check()
    rows: list[Row] = []
    memory = 0
    for kind, share in _SHARES.items():
        with tempfile.TemporaryDirectory(prefix="labkit-bench-") as name:
            free = host.free_bytes(Path(name))
            if free < _FILES * size:
                raise LabError(900707, folder=name, needed=show_size(_FILES * size), free=show_size(free))
            disk = _Disk(Path(name), program, size, share)
            for _ in range(rounds):
                disk.round()
            rows += [_row(f"{title}, {kind}", size, disk.seconds[task]) for task, title in _TASKS.items()]
            memory = max(memory, *disk.memory)
    return [*rows, Row("memory, export and import", float(memory), "bytes")]


def _row(name: str, size: int, seconds: list[tuple[float, float]]) -> Row:
    ratio = statistics.median(theirs / ours for ours, theirs in seconds)
    ours, theirs = (statistics.median(pair[side] for pair in seconds) for side in (0, 1))
    return Row(name, size / ours / 1e6, "MB/s", size / theirs / 1e6, ratio)

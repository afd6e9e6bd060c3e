"""A disk of the lab as a file that other programs open: raw, or fixed VHD.

The file is written beside its target under a name of its own, synchronised, and renamed at the end: under the name
asked for there is a whole file or none, also after a power failure. Zeros stay holes where the file system knows holes.
The caller's thread produces the bytes and one other thread writes them, in buffers of 1 MiB that are reused.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import BinaryIO, NamedTuple

from labkit.disks import vhd_layout
from labkit.disks.blocks import BLOCK
from labkit.disks.content import ZEROS, Run, pack
from labkit.disks.frozen import Frozen
from labkit.engine.errors import LabError

FORMATS = ("raw", "vhd")
_MIB = 1 << 20
_BUFFER_BLOCKS, _BUFFERS = _MIB // BLOCK, 3


@dataclass(frozen=True)
class Exported:
    """What an export left: sizes in bytes; ``padded_bytes`` of ``virtual_size`` were added as zeros at the end."""

    path: Path
    format: str
    virtual_size: int
    file_size: int
    padded_bytes: int
    sha256: str | None


def export(
    frozen: Frozen,
    path: str | Path,
    *,
    format: str = "raw",
    whole_mib: bool = False,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
    sha256: bool = False,
    identity: uuid.UUID | None = None,
    created: int = 0,
) -> Exported:
    """Write a disk to ``path`` as ``"raw"`` or ``"vhd"`` (fixed).

    ``whole_mib`` pads the disk with zeros to whole MiB, as Azure asks of a VHD. ``overwrite`` replaces an existing
    file. ``progress(done, total)`` is called in this thread with bytes of content. ``sha256`` also computes the digest
    of the file, zeros included, and writes it to ``PATH.sha256``, in the form ``sha256sum -c`` reads. ``identity`` (if
    not given, a fresh one) and ``created`` (seconds since 2000-01-01 UTC) go into the VHD footer.

    ``LabError``: 900302 target exists, 900303 no folder or no file, 900304 the system refused to write, 900305 too
    large, 900308 unknown format; after any of them there is no new file, and an old one is as it was.
    """
    target = Path(path)
    padded = -frozen.size % _MIB if whole_mib else 0
    size = frozen.size + padded
    _check(target, format, size, overwrite)
    footer = vhd_layout.fixed_footer(size, identity or uuid.uuid4(), created) if format == "vhd" else b""
    with _beside(target, overwrite) as file:
        sinks = _Sinks(_FileSink(file, target), _HashSink(sha256))
        _stream(frozen, sinks, progress or (lambda done, total: None))
        sinks.hash.end(size, footer)
        sinks.file.end(size, footer)
    found = sinks.hash.hexdigest()
    if found:
        _write_sidecar(target, found)
    return Exported(target, format, size, size + len(footer), padded, found)


def sidecar(path: Path) -> Path:
    """Where the SHA-256 of an exported file lies: ``PATH.sha256``."""
    return path.with_name(path.name + ".sha256")


def _check(target: Path, format: str, size: int, overwrite: bool) -> None:
    if format not in FORMATS:
        raise LabError(900308, found=format, formats=", ".join(FORMATS))
    if format == "vhd" and size > vhd_layout.MAX_SIZE:
        raise LabError(900305, size=size, limit=vhd_layout.MAX_SIZE >> 30)
    if not target.parent.is_dir() or (target.exists() and not target.is_file()):
        raise LabError(900303, path=target)
    _refuse_existing(target, overwrite)


def _refuse_existing(target: Path, overwrite: bool) -> None:
    for path in (target, sidecar(target)):
        if path.exists() and not overwrite:
            raise LabError(900302, path=path)


@contextmanager
def _beside(target: Path, overwrite: bool) -> Iterator[BinaryIO]:
    """A new file in the target's folder that takes the target's name if all goes well, and is removed if not."""
    temporary = target.with_name(f".labkit-{uuid.uuid4().hex}.part")
    try:
        with _writing(target):
            file = temporary.open("xb", buffering=0)
        with file:
            yield file
        _refuse_existing(target, overwrite)
        with _writing(target):
            # A digest left from the file that is replaced must never stand beside the new one.
            sidecar(target).unlink(missing_ok=True)
            temporary.replace(target)
    except BaseException:
        with suppress(OSError):  # what went wrong first is what the person has to know
            temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LabError(900304, path=target, reason=error.strerror or str(error)) from error


def _write_sidecar(target: Path, found: str) -> None:
    with _writing(sidecar(target)):
        sidecar(target).write_text(f"{found}  {target.name}\n", encoding="utf-8", newline="\n")


def _stream(frozen: Frozen, sinks: _Sinks, progress: Callable[[int, int], None]) -> None:
    """Produce (and hash) all blocks here while another thread writes what was produced before, in order."""
    blocks, total, done = frozen.nonzero(), frozen.held(), 0
    progress(done, total)
    buffers = cycle([bytearray(_BUFFER_BLOCKS * BLOCK) for _ in range(_BUFFERS)])
    under_way: list[Future[None]] = []
    with ThreadPoolExecutor(1, "labkit-export") as writer:
        for first in range(0, len(blocks), _BUFFER_BLOCKS):
            if len(under_way) == _BUFFERS:
                under_way.pop(0).result()
            batch, buffer = blocks[first : first + _BUFFER_BLOCKS], next(buffers)
            runs = pack(frozen, batch, buffer)
            under_way.append(writer.submit(sinks.file.put, buffer, runs))
            sinks.hash.put(buffer, runs)
            done = min(total, done + len(batch) * BLOCK)
            progress(done, total)
        for future in under_way:
            future.result()


class _FileSink:
    """The file being written: bytes at ascending offsets, holes between them."""

    def __init__(self, file: BinaryIO, target: Path) -> None:
        self._file, self._target = file, target

    def put(self, buffer: bytearray, runs: list[Run]) -> None:
        """Write runs of a buffer to where they belong on the disk."""
        with memoryview(buffer) as view, _writing(self._target):
            for run in runs:
                self._write(run.offset, view[run.start : run.start + run.length])

    def end(self, size: int, footer: bytes) -> None:
        """Give the disk its length, put the footer after it, and everything on the medium."""
        with _writing(self._target):
            self._file.truncate(size)
            self._write(size, memoryview(footer))
            os.fsync(self._file.fileno())

    def _write(self, offset: int, data: memoryview) -> None:
        self._file.seek(offset)
        while len(data):
            data = data[self._file.write(data) :]


class _HashSink:
    """SHA-256 of the file as it will be read, its holes as zeros; does nothing unless ``wanted``."""

    def __init__(self, wanted: bool) -> None:
        self._hash = hashlib.sha256() if wanted else None
        self._position = 0

    def put(self, buffer: bytearray, runs: list[Run]) -> None:
        """Take in runs of a buffer, and the zeros before each."""
        if self._hash:
            for run in runs:
                self._zeros_to(self._hash, run.offset)
                self._hash.update(memoryview(buffer)[run.start : run.start + run.length])
                self._position += run.length

    def end(self, size: int, footer: bytes) -> None:
        """Take in the zeros at the end of the disk and the footer."""
        if self._hash:
            self._zeros_to(self._hash, size)
            self._hash.update(footer)

    def hexdigest(self) -> str | None:
        """64 hexadecimal digits, ``None`` if not wanted."""
        return self._hash.hexdigest() if self._hash else None

    def _zeros_to(self, whole: hashlib._Hash, offset: int) -> None:
        while self._position < offset:
            zeros = memoryview(ZEROS)[: offset - self._position]
            whole.update(zeros)
            self._position += len(zeros)


class _Sinks(NamedTuple):
    file: _FileSink
    hash: _HashSink

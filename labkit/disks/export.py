"""A disk of the lab as a file that other programs open: raw, VHD (fixed or dynamic), VHDX (dynamic).

The file is written beside its target under a name of its own, synchronised, and renamed at the end: under the name
asked for there is a whole file or none, also after a power failure. Zeros stay holes where the file system knows holes.
The caller's thread produces the bytes and one other thread writes them, in buffers of 1 MiB that are reused.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import BinaryIO

from labkit.disks.blocks import BLOCK
from labkit.disks.content import ZEROS, Run, pack
from labkit.disks.formats import FORMATS, Format, Plan
from labkit.disks.frozen import Frozen
from labkit.engine import host
from labkit.engine.errors import LabError

_MIB = 1 << 20
_FLUSH_BYTES = 64 * _MIB
_BUFFER_BLOCKS, _BUFFERS = _MIB // BLOCK, 3
_Writes = list[tuple[int, memoryview]]  # place in the file, bytes; ascending


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
    block_size: int | None = None,
    sector_size: int | None = None,
) -> Exported:
    """Write a disk to ``path`` as ``"raw"``, ``"vhd"`` (fixed), ``"vhd-dynamic"`` or ``"vhdx"`` (dynamic).

    ``whole_mib`` pads the disk with zeros to whole MiB, as Azure asks of a VHD. ``overwrite`` replaces an existing
    file. ``progress(done, total)`` is called in this thread with bytes of content. ``sha256`` also computes the digest
    of the file, zeros included, and writes it to ``PATH.sha256``, in the form ``sha256sum -c`` reads. ``identity`` (if
    not given, a fresh one) and ``created`` (seconds since 2000-01-01 UTC) go into the file. ``block_size`` of the
    dynamic formats (bytes; 2 MiB in a VHD, 32 MiB in a VHDX) and ``sector_size`` of a VHDX (512; 4,096 is possible).

    ``LabError``: 900302 target exists, 900303 no folder or no file, 900304 the system refused to write, 900305 too
    large, 900308 unknown format, 900309 option not known to the format; after any of them there is no new file, and an
    old one is as it was.
    """
    target = Path(path)
    padded = -frozen.size % _MIB if whole_mib else 0
    if format not in FORMATS:
        raise LabError(900308, found=format, formats=", ".join(FORMATS))
    identity, size = identity or uuid.uuid4(), frozen.size + padded
    layout = FORMATS[format](Plan(size, frozen.nonzero(), identity, created, block_size, sector_size))
    _check(target, overwrite)
    with _beside(target, overwrite) as file, closing(_FileSink(file, target)) as sink:
        found = _stream(frozen, layout, sink, _HashSink(sha256), progress or (lambda done, total: None))
    if found:
        _write_sidecar(target, found)
    return Exported(target, format, size, layout.file_size, padded, found)


def sidecar(path: Path) -> Path:
    """Where the SHA-256 of an exported file lies: ``PATH.sha256``."""
    return path.with_name(path.name + ".sha256")


def _check(target: Path, overwrite: bool) -> None:
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


def _stream(
    frozen: Frozen, layout: Format, file: _FileSink, digest: _HashSink, progress: Callable[[int, int], None]
) -> str | None:
    """Produce (and hash) everything here while another thread writes what was produced before, in order."""
    blocks, total, done = frozen.nonzero(), frozen.held(), 0
    progress(done, total)
    buffers = cycle([host.aligned(_BUFFER_BLOCKS * BLOCK) for _ in range(_BUFFERS)])
    order = _Order(layout)
    under_way: deque[Future[None]] = deque()
    with ThreadPoolExecutor(1, "labkit-export") as writer:
        for first in range(0, len(blocks), _BUFFER_BLOCKS):
            if len(under_way) == _BUFFERS:
                under_way.popleft().result()
            batch, buffer = blocks[first : first + _BUFFER_BLOCKS], next(buffers)
            writes = order.writes(buffer, pack(frozen, batch, buffer))
            under_way.append(writer.submit(file.put, writes))
            digest.put(writes)
            done = min(total, done + len(batch) * BLOCK)
            progress(done, total)
        for future in under_way:
            future.result()
    rest = order.rest()
    file.put(rest)
    digest.put(rest)
    file.end(layout.file_size)
    return digest.end(layout.file_size)


class _Order:
    """Content and structures of a file in the order of their places."""

    def __init__(self, layout: Format) -> None:
        self._layout = layout
        self._structures = layout.structures()
        self._next = next(self._structures, None)

    def writes(self, view: memoryview, runs: Iterable[Run]) -> _Writes:
        """Where runs of a buffer go, and the structures before them that are not written yet."""
        writes: _Writes = []
        for run in runs:
            start = run.start
            for at, length in self._layout.places(run.offset, run.length):
                writes += self._until(at)
                writes.append((at, view[start : start + length]))
                start += length
        return writes

    def rest(self) -> _Writes:
        """The structures that are left when all content is written."""
        return list(self._until(self._layout.file_size))

    def _until(self, place: int) -> Iterator[tuple[int, memoryview]]:
        while self._next and self._next[0] < place:
            at, data = self._next
            yield at, memoryview(data)
            self._next = next(self._structures, None)


class _FileSink:
    """The file being written: bytes at ascending places, holes between them.

    What is written goes to the medium meanwhile, past the system's cache where it is large and the system can, so that
    little is left to wait for at the end.
    """

    def __init__(self, file: BinaryIO, target: Path) -> None:
        self._file, self._target = file, target
        self._direct = host.DirectWriter(Path(file.name))
        self._flusher = ThreadPoolExecutor(1, "labkit-flush")
        self._flushing: Future[None] | None = None
        self._written = 0

    def put(self, writes: _Writes) -> None:
        """Write bytes to where they belong."""
        with _writing(self._target):
            for at, data in writes:
                if self._direct.put(at, data):
                    continue
                self._file.seek(at)
                self._written += len(data)
                while len(data):
                    data = data[self._file.write(data) :]
            if self._written >= _FLUSH_BYTES and (self._flushing is None or self._flushing.done()):
                self._written = 0
                if self._flushing is not None:
                    self._flushing.result()
                self._flushing = self._flusher.submit(os.fsync, self._file.fileno())

    def end(self, size: int) -> None:
        """Give the file its length, and put everything on the medium."""
        with _writing(self._target):
            if self._flushing is not None:
                self._flushing.result()  # what the system could not write it tells once, perhaps there
            self._file.truncate(size)
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let go of the thread that flushes; the file itself is the caller's."""
        self._flusher.shutdown()
        self._direct.close()


class _HashSink:
    """SHA-256 of the file as it will be read, its holes as zeros; does nothing unless ``wanted``."""

    def __init__(self, wanted: bool) -> None:
        self._hash = hashlib.sha256() if wanted else None
        self._position = 0

    def put(self, writes: _Writes) -> None:
        """Take in bytes, and the zeros before each."""
        if self._hash:
            for at, data in writes:
                self._zeros_to(self._hash, at)
                self._hash.update(data)
                self._position += len(data)

    def end(self, size: int) -> str | None:
        """Take in the zeros at the end of the file; 64 hexadecimal digits, ``None`` if not wanted."""
        if not self._hash:
            return None
        self._zeros_to(self._hash, size)
        return self._hash.hexdigest()

    def _zeros_to(self, whole: hashlib._Hash, place: int) -> None:
        while self._position < place:
            zeros = memoryview(ZEROS)[: place - self._position]
            whole.update(zeros)
            self._position += len(zeros)

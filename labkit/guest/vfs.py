"""SQLite on an emulated disk: an APSW VFS under a name of its own, never the process's default.

Bytes must depend on the disk, the seed and virtual time only, but SQLite draws the salts of a new write-ahead log from
one generator for the whole process, seeded by the *default* VFS. Instead of taking that over, the lab starts each log
itself: a header with its own salts and a checkpoint number that is not zero is a log without frames, which SQLite
recovers, appends to, and never salts again (https://www.sqlite.org/fileformat2.html#the_write_ahead_log). So nothing
another user of SQLite in the process does changes a byte here, and nothing here changes anything there.
"""

from __future__ import annotations

import itertools
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from labkit.disks.blocks import PAGE
from labkit.engine.chance import mix
from labkit.engine.errors import LabError
from labkit.guest.volume import LOG_SUFFIX, Directory, NoSpaceError

NAME = "labkit"
LOG_HEADER, FRAME = 32, 24 + PAGE

_LOG_MAGIC, _LOG_VERSION = 0x377F0682, 3007000
_PRAGMAS = "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY"
_numbers = itertools.count(1)
_mounts: dict[str, Directory] = {}
_registered: list[apsw.VFS] = []
_gate = threading.Lock()


class _DiskFile:
    """A file of the directory, with the methods APSW asks for. One connection at a time: locks are nothing."""

    def __init__(self, directory: Directory, name: str) -> None:
        self._directory, self._name = directory, name

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - APSW's names
        return self._directory.read(self._name, offset, amount)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        try:
            self._directory.write(self._name, offset, data)
        except NoSpaceError:
            raise apsw.FullError(self._name) from None

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        self._directory.truncate(self._name, newsize)

    def xFileSize(self) -> int:  # noqa: N802
        return self._directory.files[self._name].size

    def xSync(self, flags: int) -> None:  # noqa: N802
        """Every write is on the disk when it returns."""

    def xLock(self, level: int) -> None:  # noqa: N802
        pass

    def xUnlock(self, level: int) -> None:  # noqa: N802
        pass

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        return False

    def xFileControl(self, op: int, ptr: int) -> bool:  # noqa: N802
        return False

    def xSectorSize(self) -> int:  # noqa: N802
        return PAGE

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE

    def xClose(self) -> None:  # noqa: N802
        pass


class _Disks(apsw.VFS):
    """Paths are ``/labkit/NUMBER/FILE``; a number is used for one opening only, so that no name meets another's file.

    Anything else (temporary files have no name) goes to the system's own VFS.
    """

    def __init__(self) -> None:
        super().__init__(NAME, "")

    @staticmethod
    def _find(path: str) -> tuple[Directory, str] | None:
        folder, _slash, name = path.rpartition("/")
        directory = _mounts.get(folder)
        return (directory, name) if directory else None

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        return name

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: N802
        found = self._find(pathname)
        if not found:
            return bool(super().xAccess(pathname, flags))
        directory, name = found
        file = directory.files.get(name)
        # An empty log is kept in the directory, so that its room stays reserved; to SQLite it does not exist.
        return file is not None and (file.size > 0 or not name.endswith(LOG_SUFFIX))

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        found = self._find(filename)
        if not found:
            super().xDelete(filename, syncdir)
        elif found[1] in found[0].files:
            found[0].truncate(found[1], 0)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        found = self._find(path) if path else None
        if not found:
            return super().xOpen(name, flags)
        if found[1] not in found[0].files:
            raise apsw.CantOpenError(path)
        flags[1] = flags[0]
        return _DiskFile(*found)  # type: ignore[return-value]  # APSW asks for the methods, not for the class


def _register() -> None:
    with _gate:
        if not _registered:
            _registered.append(_Disks())


def _open(path: str) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READWRITE
    if not apsw.connection_hooks:
        return apsw.Connection(path, flags=flags, vfs=NAME)
    # Hooks are the learner's settings for databases of the learner's own; some of them cannot work on this disk.
    with _gate:
        hooks, apsw.connection_hooks = apsw.connection_hooks, []
        try:
            return apsw.Connection(path, flags=flags, vfs=NAME)
        finally:
            apsw.connection_hooks = hooks


@contextmanager
def connect(directory: Directory, database: str) -> Iterator[apsw.Connection]:
    """Open a database of the directory in WAL mode; closing leaves the log as it is, like a guest that loses power.

    Raises LabError 900402 when the disk is full, 900403 when SQLite finds the database damaged; what was written to
    the volume until then must be thrown away by the caller.
    """
    _register()
    folder = f"/labkit/{next(_numbers)}"
    _mounts[folder] = directory
    connection = None
    disk = directory.volume.name
    try:
        connection = _open(f"{folder}/{database}")
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        connection.wal_autocheckpoint(0)
        connection.execute(_PRAGMAS).fetchall()  # APSW runs the next statement when the last one's rows are taken
        yield connection
    except apsw.FullError:
        raise LabError(900402, disk=disk, database=database, size=directory.volume.size) from None
    except (apsw.Error, UnicodeDecodeError) as error:
        raise LabError(900403, disk=disk, database=database, reason=str(error)) from error
    finally:
        try:
            if connection is not None:
                connection.close(True)
        finally:
            del _mounts[folder]


def log_frames(connection: apsw.Connection) -> int:
    """Frames of the log that SQLite holds valid, by its own count (it is asked for a checkpoint that does nothing).

    Something must have been read before: SQLite recovers the log at the first reading.
    """
    return max(0, connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)[0])


def settle(connection: apsw.Connection) -> None:
    """Bring the whole log into the database and cut it to no bytes."""
    connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


def empty_database(schema: str) -> bytes:
    """A database with only ``schema`` in it (SQL), to be opened with a write-ahead log."""
    _register()
    connection = _open(":memory:")
    try:
        connection.execute(f"PRAGMA page_size={PAGE};{schema}")
        content = bytearray(connection.serialize("main"))
    finally:
        connection.close(True)
    # Bytes 18 and 19 of the file format: written and read through a write-ahead log.
    content[18:20] = b"\2\2"
    return bytes(content)


def start_log(directory: Directory, database: str, *salt: int | str) -> None:
    """Give an empty (or unreadable) log a header with salts that are a function of ``salt``; leave a good one alone.

    A log of only a header is ignored by SQLite, salts and all, hence the 8 zeros behind it: the first frame
    overwrites them.
    """
    name = database + LOG_SUFFIX
    raw = directory.read(name, 0, LOG_HEADER)
    if len(raw) == LOG_HEADER and _sum(raw[:24]) == raw[24:] and raw[12:16] != bytes(4):
        return
    head = struct.pack(">IIIIQ", _LOG_MAGIC, _LOG_VERSION, PAGE, 1, mix(*salt))
    directory.truncate(name, 0)
    directory.write(name, 0, head + _sum(head) + bytes(8))


def _sum(head: bytes) -> bytes:
    first = second = 0
    for low, high in struct.iter_unpack("<II", head):
        first = (first + low + second) & 0xFFFFFFFF
        second = (second + high + first) & 0xFFFFFFFF
    return struct.pack(">II", first, second)

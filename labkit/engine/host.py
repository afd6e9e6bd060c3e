"""The host labkit itself runs on: the only module with branches for operating systems (promise 9).

Processes are told apart by (host, pid, start time): a pid alone is used again after a crash.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import mmap
import os
import platform
import shutil
import stat
import sys
import tempfile
from pathlib import Path
from typing import Literal

FolderKind = Literal["local", "network", "synchronised"]

_NETWORK_TYPES = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "9p", "davfs", "fuse.sshfs", "fuse.davfs2", "afs"}
_SYNCHRONISED = (
    "onedrive",
    "dropbox",
    "google drive",
    "googledrive",
    "icloud",
    "nextcloud",
    "box sync",
    "creative cloud",
)


def name() -> str:
    """Name of this computer."""
    return platform.node() or "localhost"


@functools.cache
def _boot_and_start(pid: int) -> int:
    return start_time(pid)


def start_time(pid: int) -> int:
    """Start of a process in whole seconds since the epoch; 0 when there is no such process, or it has ended.

    A killed process that its parent has not asked after stays in the table of a Unix system as a zombie.
    """
    import psutil

    try:
        process = psutil.Process(pid)
        return 0 if process.status() == psutil.STATUS_ZOMBIE else int(process.create_time())
    except (psutil.Error, ValueError, OverflowError):  # numbers no system gives to a process
        return 0


def identity() -> tuple[str, int, int]:
    """``(host, pid, start time)`` of this process."""
    return name(), os.getpid(), _boot_and_start(os.getpid())


def alive(host: str, pid: int, started: int) -> bool | None:
    """Whether a process lives: ``None`` when it is on another host and cannot be known."""
    if host != name():
        return None
    found = start_time(pid)
    # Start times are derived from the uptime; some systems let them move by a second when the clock is set.
    return found != 0 and abs(found - started) <= 2


def folder_kind(folder: Path) -> FolderKind:
    """Whether a folder is on a local disk, a network share, or watched by a synchronising client."""
    folder = folder.resolve()
    parts = [part.lower() for part in folder.parts]
    if any(part.startswith(mark) for part in parts for mark in _SYNCHRONISED):
        return "synchronised"
    for variable in ("OneDrive", "OneDriveCommercial", "OneDriveConsumer"):
        root = os.environ.get(variable)
        if root and folder.is_relative_to(Path(root).resolve()):
            return "synchronised"
    return "network" if _on_network(folder) else "local"


def _on_network(folder: Path) -> bool:
    if sys.platform == "win32":
        import ctypes

        anchor = folder.anchor
        return anchor.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(anchor) == 4
    import psutil

    best, kind = "", ""
    for mount in psutil.disk_partitions(all=True):
        if len(mount.mountpoint) >= len(best) and folder.is_relative_to(mount.mountpoint):
            best, kind = mount.mountpoint, mount.fstype
    return kind in _NETWORK_TYPES


def home() -> Path:
    """``LABKIT_HOME``, else ``~/labkit``; without a home folder, a folder for temporary files."""
    chosen = os.environ.get("LABKIT_HOME")
    if chosen:
        return Path(chosen)
    try:
        return Path.home() / "labkit"
    except RuntimeError:
        return Path(tempfile.gettempdir()) / "labkit"


def parent_command() -> list[str]:
    """The command line of the process that started this one; empty when it cannot be known."""
    import psutil

    try:
        return list(psutil.Process(os.getppid()).cmdline())
    except (psutil.Error, OSError):
        return []


def user() -> str:
    """Name of the person at this computer, for the journal only."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def to_medium(path: Path) -> None:
    """Return when what was written to a file is on its medium."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def read_regular(path: Path, most: int) -> bytes:
    """At most ``most`` bytes of a regular file; ``OSError`` for a link, folder, pipe or device, without waiting."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OSError(errno.EINVAL, "Not a regular file")
    # It may have become another since: neither followed nor waited for, where the system knows how.
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(path, "rb", opener=lambda name, mode: os.open(name, mode | flags)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "Not a regular file")
        return file.read(most)


class DirectWriter:
    """Writes to a file that pass by the system's cache, where the system and the file system have them.

    Copying gigabytes through the cache costs several times what the medium does. ``put`` takes what is at least 256 KiB
    and aligned to 4 KiB in the file, in length and in memory (``aligned``), and says ``False`` for anything else: that
    is to be written in the usual way. What it took is on the medium after ``fsync`` of the file.
    """

    _ALIGN, _LEAST = 4096, 1 << 18

    def __init__(self, path: Path) -> None:
        self._descriptor = -1
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # a file system without direct writes, such as tmpfs
                self._descriptor = os.open(path, os.O_WRONLY | os.O_DIRECT)

    def put(self, at: int, data: memoryview) -> bool:
        """Write ``data`` to the place ``at`` (bytes); ``False`` if it was not. ``OSError`` if the system refused."""
        if sys.platform == "win32" or self._descriptor < 0 or len(data) < self._LEAST:
            return False
        if at % self._ALIGN or len(data) % self._ALIGN:
            return False
        while len(data):
            try:
                done = os.pwrite(self._descriptor, data, at)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                # Another alignment than ours is asked for here (larger sectors): never again in this file.
                self.close()
                return False
            at, data = at + done, data[done:]
        return True

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def aligned(size: int) -> memoryview:
    """Writable memory of ``size`` bytes that begins on a page, as ``DirectWriter`` needs it."""
    return memoryview(mmap.mmap(-1, size))


def free_bytes(folder: Path) -> int:
    """Bytes that can still be written in a folder."""
    return shutil.disk_usage(folder).free


def peak_memory() -> int:
    """The most memory (bytes) this process has had at once."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    if sys.platform == "linux":
        # What getrusage says begins with the peak of the process that started this one.
        with contextlib.suppress(OSError):
            for line in Path("/proc/self/status").read_text("utf-8", "replace").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def is_root() -> bool:
    """Whether this is the superuser of a Unix system."""
    return sys.platform != "win32" and os.geteuid() == 0


def hand_over(command: list[str]) -> int:
    """Let another program take this process's place at the console, so that Ctrl-C is its own; returns its status."""
    sys.stdout.flush()
    if sys.platform != "win32":
        os.execv(command[0], command)
    import subprocess

    return subprocess.call(command)


def feed(command: str, text: str, seconds: float) -> str:
    """Start a command line, give it ``text`` (UTF-8) on its standard input, wait at most so long; "" or what failed."""
    import shlex
    import subprocess

    try:
        # Windows takes a command line as it is; elsewhere it is split as a shell would, and no shell is started.
        words = command if sys.platform == "win32" else shlex.split(command)
        ended = subprocess.run(words, input=text.encode(), stdout=subprocess.DEVNULL, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"> {seconds:g} s"
    except (OSError, ValueError) as error:
        return str(error)
    return f"exit status {ended.returncode}" if ended.returncode else ""


def in_folder(where: Path, name: str) -> Path:
    """A file of that name when ``where`` is a folder, else ``where`` itself, which may be no path at all."""
    try:
        return where / name if where.is_dir() else where
    except (OSError, ValueError):
        return where

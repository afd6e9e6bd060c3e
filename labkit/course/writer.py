"""Writing a small file beside the Jupyter kernel's loop: a class folder on a share may hang, a lesson may not.

One daemon thread while there is something to write; of what comes meanwhile the latest alone is kept.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
from pathlib import Path

_TRIES, _PAUSE = 10, 0.1  # seconds; on Windows a file that somebody reads at this moment cannot be replaced
_AT_EXIT = 1.0  # seconds a process waits at its end


class Writer:
    """``failed``: why the last write did not succeed, "" when it did."""

    def __init__(self) -> None:
        self.failed = ""
        self._changed = threading.Condition()
        self._latest: tuple[Path, bytes] | None = None
        self._thread: threading.Thread | None = None
        self._since = 0.0
        self._registered = False

    def put(self, target: Path, content: bytes) -> None:
        """Write this soon, whole under another name and renamed into its place."""
        with self._changed:
            self._latest = (target, content)
            if not self._registered:
                self._registered = True
                atexit.register(self.flush, _AT_EXIT)
            if self._thread is None or not self._thread.is_alive():  # or this is a fork of its process
                self._since = time.monotonic()
                self._thread = threading.Thread(target=self._work, name="labkit-class", daemon=True)
                self._thread.start()

    def flush(self, seconds: float) -> bool:
        """Wait at most so long until all is written or has failed; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._thread is None, seconds)

    @property
    def busy(self) -> float:
        """Seconds that the present write takes already; 0 for none."""
        with self._changed:
            return 0.0 if self._thread is None else time.monotonic() - self._since

    def _work(self) -> None:
        while True:
            with self._changed:
                if self._latest is None:
                    self._thread = None
                    self._changed.notify_all()
                    return
                (target, content), self._latest = self._latest, None
                self._since = time.monotonic()
            self.failed = _written(target, content)


def _written(target: Path, content: bytes) -> str:
    """Write a file; "", or why it could not be: the next one is another attempt."""
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(content)
        _replaced(beside, target)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        with contextlib.suppress(OSError, ValueError):
            beside.unlink(missing_ok=True)
        return (error.strerror if isinstance(error, OSError) else "") or str(error)
    return ""


def _replaced(beside: Path, target: Path) -> None:
    for left in reversed(range(_TRIES)):
        try:
            beside.replace(target)
        except PermissionError:
            if not left:
                raise
            time.sleep(_PAUSE)
        else:
            return

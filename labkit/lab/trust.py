"""Which runbooks this person lets run: a lab file that somebody hands out must not run anything by itself.

What somebody imports is trusted; what comes with a file of somebody else is not, until it is looked at and allowed. It
is kept by digest in ``LABKIT_HOME``, never in a lab.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from labkit.engine import host

_here: set[str] = set()  # of this process, for a home that cannot be written to


def _file() -> Path:
    return host.home() / "trusted-runbooks"


def _digest(suffix: str, text: str) -> str:
    return hashlib.sha256(f"{suffix}\n{text}".encode()).hexdigest()


def trust(suffix: str, text: str) -> None:
    """Let a runbook run from now on, whatever lab it is in."""
    digest = _digest(suffix, text)
    _here.add(digest)
    if digest in _kept():
        return
    try:
        _file().parent.mkdir(parents=True, exist_ok=True)
        with _file().open("a", encoding="ascii") as file:
            file.write(digest + "\n")
    except OSError:
        return  # it is trusted in this process, and the next one asks again


def trusted(suffix: str, text: str) -> bool:
    """Whether a runbook may run."""
    digest = _digest(suffix, text)
    return digest in _here or digest in _kept()


def _kept() -> set[str]:
    """What the file lists; nothing when it is another person's."""
    try:
        if hasattr(os, "getuid") and _file().stat().st_uid != os.getuid():
            return set()
        return set(_file().read_text(encoding="ascii", errors="replace").split())
    except OSError:
        return set()

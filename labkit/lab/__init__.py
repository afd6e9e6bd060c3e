"""The one door: notebook cells, portal, command line and drills call the same commands here (promise 4)."""

from __future__ import annotations

from labkit.lab.continued import open_or_create
from labkit.lab.door import Lab, create
from labkit.lab.door import open_lab as open  # noqa: A004 - labkit.open is the name people look for

__all__ = ["Lab", "create", "open", "open_or_create"]

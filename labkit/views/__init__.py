"""Tables and still charts of a lab, made from break points and records; shared by reports, notebooks and widgets."""

from __future__ import annotations

from labkit.views.frames import failovers

__all__ = ["failovers"]

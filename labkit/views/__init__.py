"""Tables and still charts of a lab, made from break points and records; shared by reports, notebooks and widgets."""

from __future__ import annotations

from labkit.views.frames import alerts, event_log, failovers, reach, replication

__all__ = ["alerts", "event_log", "failovers", "reach", "replication"]

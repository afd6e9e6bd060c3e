"""What a site file says of the writing to a disk: the keys that go together, and the traces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labkit.disks import workload
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.site import traces
from labkit.site.files import found, path_of
from labkit.site.kinds import Report
from labkit.site.model import Churn, Trace
from labkit.site.records import Values
from labkit.site.schema import RATE

_OF_TRACES = ("host", "disk", "repeat", "skip")


def resolve(holder: Values, folder: Path | None, size: int, report: Report) -> None:
    """Put the :class:`Churn` a disk (or a VM for its first disk) asks for in the place of what the file says.

    ``size``: bytes of the disk, 0 where they are not known. After a fault what the file says stays.
    """
    said = holder.get("churn")
    if isinstance(said, Values):
        churn = _of_trace(said, folder, size, report) if said.get("trace") else _synthetic(said, report)
        if churn is not None:
            holder["churn"] = churn if churn.rate or churn.trace else None
    elif said is not None:
        kind = workload.kind(workload.ORDINARY)
        holder["churn"] = Churn(said, kind.write, kind.hot_permille) if said else None


def writes(disk: Values) -> bool:
    """Whether the file asks for writing to a disk itself (not by its VM)."""
    said = disk.get("churn")
    return bool(said.get("rate") or said.get("trace")) if isinstance(said, Values) else bool(said)


def _synthetic(said: Values, report: Report) -> Churn | None:
    faults = len(report.faults)
    if "rate" not in said.lines and "trace" not in said.lines:
        report.add(*said.where("rate"), _("nothing"), _("{rate}; or a trace").format(rate=RATE.allowed()))
    for key in _OF_TRACES:
        if key in said.lines:
            report.add(
                *said.where(key), _("{key} without a trace").format(key=key), _("such a key beside a trace only")
            )
    if said.get("rate") is None or len(report.faults) > faults or _has_faults(said):
        return None
    name = said["kind"]
    kind = workload.kind(name)
    shape = _said(said, "shape", kind.shape)
    if workload.paced(name) and shape not in workload.shapes(exact=True):
        report.add(*said.where("shape"), found(shape), ", ".join(workload.shapes(exact=True)))
        return None
    return Churn(said["rate"], _said(said, "write", kind.write), _said(said, "hot", kind.hot_permille), shape, name)


def _has_faults(said: Values) -> bool:
    """Whether a value that was written could not be read; that is reported already."""
    return any(key not in said for key in said.lines)


def _said(said: Values, key: str, otherwise: Any) -> Any:
    value = said.get(key)
    return otherwise if value is None else value


def _of_trace(said: Values, folder: Path | None, size: int, report: Report) -> Churn | None:
    faults = len(report.faults)
    for key in ("rate", "shape"):
        if key in said.lines:
            allowed = _("no such key beside a trace, which tells how much is written and when")
            report.add(*said.where(key), _("{key} beside a trace").format(key=key), allowed)
    allowed = _("the path of a trace file, relative to the site file")
    path = path_of(said, "trace", folder, report, allowed)
    if path is None:
        return None
    said["trace"] = str(path)
    if len(report.faults) > faults or _has_faults(said):
        return None
    trace = Trace(str(path), said["host"] or "", said["disk"] or "", said["repeat"], said["skip"])
    kind = workload.kind(said["kind"])
    churn = Churn(0, said["write"] or 0, _said(said, "hot", kind.hot_permille), workload.STEADY, said["kind"], trace)
    try:
        churn = traces.looked_at(churn, size)
    except LabError as error:
        text = _("a trace that cannot be used (error {code}: {message})")
        wrong = text.format(code=error.code, message=error.message.rstrip(".。"))
        report.add(*said.where("trace"), wrong, _("a sound trace ({action})").format(action=error.action))
        return None
    return _of_blocks(said, churn, report) if traces.is_blocks(churn) else churn


def _of_blocks(said: Values, churn: Churn, report: Report) -> Churn | None:
    """A block trace tells each write: nothing else may be said of them."""
    faults = len(report.faults)
    for key in ("write", "hot", "kind"):
        if key in said.lines:
            allowed = _("no such key beside a block trace, which tells where each write goes")
            report.add(*said.where(key), _("{key} beside a trace").format(key=key), allowed)
    kind = workload.kind(workload.ORDINARY)
    return None if len(report.faults) > faults else Churn(0, kind.write, kind.hot_permille, trace=churn.trace)

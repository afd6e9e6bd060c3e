"""Inventories: the machines of a site file, or of CSV and JSON that PowerShell wrote, as subjects of the rules.

Files are joined by the machine's name. What is told twice of a machine fills gaps; a name twice in one file, or on two
hosts, is two machines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.recovery import inventorycells as cells
from labkit.recovery.inventorycells import Cells
from labkit.recovery.inventorymachines import FORMATS, Disk, Machine, fill, is_disk, join, subject_of
from labkit.recovery.inventorytext import Row, columns, listed, plain, row_of, rows_of
from labkit.recovery.subjects import HYPER_V, PHYSICAL, VMWARE, Subject, SubjectAdapter, described
from labkit.site import sitefile
from labkit.site.kinds import show

_MOST_SHOWN = 100
_FEW_SHOWN = 5
_MOST_OF_A_NAME = 50
_PLATFORMS = (
    (VMWARE, r"vmware|esx|vsphere|vcenter"),
    (PHYSICAL, r"physical|bare|物理"),
    (HYPER_V, r"hyper-?v|virtual"),
)


class Entry(msgspec.Struct, frozen=True):
    """A machine: ``label`` tells it from others of the same name."""

    label: str
    subject: Subject


class Inventory(msgspec.Struct, frozen=True):
    """Machines in the order they were found, the names of the files, and what had to be said about reading them."""

    entries: tuple[Entry, ...]
    sources: tuple[str, ...]
    notes: tuple[str, ...]


def read(paths: Sequence[str | Path]) -> Inventory:
    """The inventory in one site file (path or shipped name), or in CSV and JSON files and folders of them.

    Refused with 900877 to 900886, and as ``sitefile.read`` does; limits are no faults of a site file here.
    """
    for path in paths:
        if _is_site(path):
            if len(paths) > 1:
                raise LabError(900886, file=str(path))
            return _of_site(path)
    files = [file for path in paths for file in _files(Path(path))]
    return _Joined().read(files)


def _is_site(path: str | Path) -> bool:
    return Path(path).suffix.casefold() in (".yml", ".yaml") or str(path) in sitefile.shipped()


def _of_site(path: str | Path) -> Inventory:
    site = sitefile.read(path, lenient=True)
    entries = tuple(Entry(vm.name, described(site, vm)) for vm in site.vms)
    return Inventory(entries, (Path(path).name,), ())


def _files(path: Path) -> list[Path]:
    try:
        if not path.is_dir():
            return [path]
        found = sorted(file for file in path.iterdir() if file.suffix.casefold() in (".csv", ".json"))
    except (OSError, ValueError) as error:
        raise LabError(900877, file=show(str(path)), reason=getattr(error, "strerror", None) or str(error)) from None
    if not found:
        raise LabError(900878, file=show(str(path)))
    return found


_VM_ONLY = ("generation", "cpu", "memory", "memory_maximum", "declared", "system", "platform", "cloud", "disks")


def _kind(rows: list[Row]) -> str:
    """What the rows of a file are: "vm", "disk", "adapter", or "file" (disk files without a machine)."""
    known = columns()
    held = {column for row in rows for column in row.cells}

    def some(part: str, *things: str) -> bool:
        return any(plain(name) in held for thing in things for name in known[part][thing])

    if not some("vm", "name"):
        return "file" if "path" in held else ""
    if some("vm", *_VM_ONLY) or not held & {"vmname", "vm"}:
        return "vm"  # a disk's or an adapter's own name is no machine's, so that their tables have VMName
    if some("disk", "size", "controller", "format", "type") or "path" in held:
        return "disk"
    return "adapter" if some("adapter", "address", "addresses", "switch", "mac") else "vm"


@dataclass
class _Joined:
    """Joins the rows of several files."""

    cells: Cells = field(default_factory=Cells)
    machines: list[Machine] = field(default_factory=list)
    named: dict[str, list[Machine]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    tables: set[str] = field(default_factory=set)

    def read(self, files: list[Path]) -> Inventory:
        """All of it; refused when there is no machine in it, or a value that cannot be understood."""
        tables: dict[str, list[Row]] = {"vm": [], "disk": [], "adapter": [], "file": []}
        for path in files:
            rows = rows_of(path)
            kind = _kind(rows) if rows else "vm"
            if not kind:
                found = ", ".join(show(column) for column in list(rows[0].columns.values())[:20])
                raise LabError(900880, file=path.name, found=found or "-", choices=", ".join(columns()["vm"]["name"]))
            tables[kind] += rows
        self._machines(tables["vm"])
        if not tables["vm"]:
            self._named_only([*tables["disk"], *tables["adapter"]])
        self.tables = {f"{kind}s" for kind in ("disk", "adapter") if tables[kind]}
        self._add_disks(tables["disk"], {self._path(row): row for row in tables["file"]})
        self._add_adapters(tables["adapter"])
        names = tuple(path.name for path in files)
        if not self.machines:
            raise LabError(900878, file=", ".join(names))
        self._refuse()
        return Inventory(tuple(self._entries()), names, tuple(self._told()))

    def _refuse(self) -> None:
        faults = self.cells.faults
        if not faults:
            return
        lines = [fault.text(file) for file, fault in faults[:_MOST_SHOWN]]
        if len(faults) > _MOST_SHOWN:
            lines.append(_("and {count} more").format(count=len(faults) - _MOST_SHOWN))
        file = ", ".join(dict.fromkeys(file for file, _fault in faults))
        raise LabError(900883, file=file, count=len(faults), faults="\n".join(lines))

    # --- machines ----------------------------------------------------------------------------------------------------

    def _name(self, row: Row, part: str = "vm") -> str:
        """The name of the machine a row is of; of a disk or an adapter not its own name."""
        names = columns()["vm"]["name"] if part == "vm" else ["VMName", "VM"]
        found = (cells.text(row.cells.get(plain(name))) for name in names)
        return " ".join(next(filter(None, found), "").split())[:200]

    def _machines(self, rows: list[Row]) -> None:
        nameless = 0
        for row in rows:
            name = self._name(row)
            if not name:
                nameless += 1
                continue
            self._machine(row, name)
        if nameless:
            text = _("{count} entries without a name are left out.")
            self.notes.append(text.format(count=nameless))

    def _named_only(self, rows: list[Row]) -> None:
        """Machines of which only disks or adapters are told."""
        for row in rows:
            name = self._name(row, "disk")
            if name and name.casefold() not in self.named:
                self.machines.append(Machine({}, name, set(), set(), set()))
                self.named[name.casefold()] = self.machines[-1:]

    def _machine(self, row: Row, name: str) -> None:
        """Take a row to the machine it is of, or to a new one."""
        own = {plain(self.cells.text(row, "vm", "id") or "")} - {""}
        hosts = {(self.cells.text(row, "vm", "host") or "").split(".")[0].casefold()} - {""}
        disk = self._disk(row, {}) if self._tells_disk(row) else None
        values = self._values(row)
        for machine in self.named.setdefault(name.casefold(), []):
            if not machine.differs(own, hosts, values) and (row.file not in machine.files or disk):
                break
        else:
            if len(self.named[name.casefold()]) >= _MOST_OF_A_NAME:
                raise LabError(900887, file=row.file, name=show(name), most=_MOST_OF_A_NAME)
            machine = Machine({}, name, set(), set(), set())
            self.machines.append(machine)
            self.named[name.casefold()].append(machine)
        machine.ids |= own
        machine.hosts |= hosts
        machine.files.add(row.file)
        for key, value in values.items():
            if machine.values.get(key) in (None, "") and value is not None:
                machine.values[key] = value
        self._inner(row, machine)
        if disk:
            join(machine, disk)

    def _values(self, row: Row) -> dict[str, Any]:
        read = self.cells
        most, start = read.size(row, "vm", "memory_maximum"), read.size(row, "vm", "memory")
        if read.truth(row, "vm", "dynamic") is False:
            most = None  # Hyper-V names a maximum of 1 TB for each VM, whether its memory is dynamic or not
        cloud = read.text(row, "vm", "cloud")
        return {
            "platform": self._platform(row),
            "generation": read.whole(row, "vm", "generation", 9),
            "declared": read.text(row, "vm", "declared"),
            "system": read.text(row, "vm", "system"),
            "bits": read.bits(row),
            "cpu": read.whole(row, "vm", "cpu", 4_096),
            "memory_max": most or start,
            "fibre_channel": read.fibre_channel(row),
            "integration": read.integration(row),
            "remote": read.truth(row, "vm", "remote"),
            "cloud": "" if cloud is None and read.has(row, "vm", "cloud") else cloud,
            "host_os": read.text(row, "vm", "host_os"),
        }

    def _platform(self, row: Row) -> str | None:
        column, value = self.cells.found(row, "vm", "platform")
        word = cells.text(value)
        for platform, pattern in _PLATFORMS:
            if re.search(pattern, word, re.I):
                return platform
        # A column "Type" may be about something else.
        if word and plain(column) != "type":
            self.cells.refuse(row, column, value, "Hyper-V, VMware, Physical")
        return None

    # --- disks and adapters ------------------------------------------------------------------------------------------

    def _inner(self, row: Row, machine: Machine) -> None:
        """Disks and adapters inside an entry: lists of objects in JSON, names between semicolons in CSV."""
        column, inner = self.cells.found(row, "vm", "disks")
        if isinstance(inner, list | dict) or self._is_list(row, "disks"):
            machine.disks = machine.disks or []
            for disk in self._objects(row, "disks", column, inner):
                join(machine, self._disk(disk, {}))
        column, inner = self.cells.found(row, "vm", "adapters")
        if isinstance(inner, list | dict) or self._is_list(row, "adapters"):
            adapters = [self._adapter(adapter) for adapter in self._objects(row, "adapters", column, inner)]
            machine.adapters = (machine.adapters or []) + adapters
        elif not machine.adapters and (names := self.cells.texts(row, "vm", "adapters")):
            machine.adapters = self._adapters_of(row, names)

    def _objects(self, row: Row, thing: str, column: str, inner: Any) -> Iterator[Row]:
        """The objects in a list; one that PowerShell cut off counts as one of which nothing is known."""
        for one in listed(inner):
            if not isinstance(one, dict):
                self.cells.cut.setdefault((thing, column), show(cells.text(one)))
            yield row_of(one if isinstance(one, dict) else {}, row.file, row.line)

    def _is_list(self, row: Row, thing: str) -> bool:
        return any(isinstance(row.cells.get(plain(name)), list) for name in columns()["vm"][thing])

    def _adapters_of(self, row: Row, names: list[str]) -> list[SubjectAdapter]:
        addresses = self.cells.texts(row, "adapter", "address")
        kinds = [cells.ADDRESSES.get(one.casefold()) for one in addresses]
        if addresses and None in kinds:
            column, value = self.cells.found(row, "adapter", "address")
            self.cells.refuse(row, column, value, "True, False")
        if len(kinds) != len(names):
            kinds = kinds * len(names) if len(kinds) == 1 else [None] * len(names)
        return [SubjectAdapter(name, kind) for name, kind in zip(names, kinds, strict=True)]

    def _tells_disk(self, row: Row) -> bool:
        path = self._path(row)
        if is_disk(path):  # a machine has a path, too
            return True
        return any(self.cells.text(row, "disk", thing) for thing in ("size", "controller", "format"))

    def _path(self, row: Row) -> str:
        return (cells.text(row.cells.get("path")) or "").replace("/", "\\").casefold()

    def _disk(self, row: Row, files: dict[str, Row]) -> Disk:
        read, path = self.cells, self._path(row)
        other = files.get(path) if path else None
        rows = (row, other) if other else (row,)
        suffix = Path(path.replace("\\", "/")).suffix
        controller = read.word(row, "disk", "controller", cells.CONTROLLERS)
        kinds = (read.word(one, "disk", "type", cells.TYPES, str.casefold) for one in rows)
        formats = (read.word(one, "disk", "format", cells.FORMATS, str.casefold) for one in rows)
        kind: str | None = next(filter(None, kinds), None)
        if suffix not in FORMATS and (read.text(row, "disk", "physical") or is_disk(path)):
            kind = "pass-through"
        elif read.text(row, "disk", "shared") and read.truth(row, "disk", "shared"):
            kind = "shared"
        number, location = (read.whole(row, "disk", thing, 9_999) for thing in ("number", "location"))
        told = controller is not None and number is not None and location is not None
        spot = (0 if controller == "ide" else 1, number or 0, location or 0) if told else None
        name = (read.text(row, "disk", "name") or "").replace("\\", "/").rsplit("/", 1)[-1]
        if not name and spot:
            name = f"{(controller or '').upper()} {number}:{location}"
        values = {
            "name": name,
            "size": next(filter(None, (read.size(one, "disk", "size") for one in rows)), None),
            "controller": controller,
            "format": next(filter(None, formats), None) or FORMATS.get(suffix),
            "type": kind,
            "system": read.mark(row),
        }
        return Disk(values, path, spot)

    def _adapter(self, row: Row) -> SubjectAdapter:
        name = self.cells.text(row, "adapter", "name") or "Network Adapter"
        address = self.cells.word(row, "adapter", "address", cells.ADDRESSES)
        return SubjectAdapter(name, address, self.cells.ipv4(self.cells.found(row, "adapter", "addresses")[1]))

    def _of(self, row: Row) -> list[Machine]:
        """The machines that a row of disks or adapters is of."""
        name = self._name(row, "disk")
        found = self.named.get(name.casefold(), [])
        host = (self.cells.text(row, "vm", "host") or "").split(".")[0].casefold()
        if not found:
            self.lost.append(name or "-")
        return [machine for machine in found if not host or not machine.hosts or host in machine.hosts]

    def _add_disks(self, rows: list[Row], files: dict[str, Row]) -> None:
        if rows:
            for machine in self.machines:
                machine.disks = machine.disks or []
        for row in rows:
            for machine in self._of(row):
                join(machine, self._disk(row, files))
        if files:
            for machine in self.machines:
                for disk in machine.disks or []:
                    if disk.path in files:
                        fill(disk, self._disk(files[disk.path], {}))

    def _add_adapters(self, rows: list[Row]) -> None:
        told = {id(machine) for machine in self.machines if machine.adapters}
        for row in rows:
            for machine in self._of(row):
                if id(machine) not in told:
                    machine.adapters = [*(machine.adapters or []), self._adapter(row)]

    # --- the end -----------------------------------------------------------------------------------------------------

    def _entries(self) -> Iterator[Entry]:
        for name, machines in self.named.items():
            if len(machines) > 1:
                text = _("{name} stands {count} times in the inventory; the others are called '{name} (2)' and so on.")
                self.notes.append(text.format(name=self.named[name][0].name, count=len(machines)))
        numbers: dict[str, int] = {}
        for machine in self.machines:
            number = numbers[machine.name.casefold()] = numbers.get(machine.name.casefold(), 0) + 1
            yield Entry(machine.name if number == 1 else f"{machine.name} ({number})", subject_of(machine))

    def _told(self) -> Iterator[str]:
        yield from self.notes
        for (thing, column), value in self.cells.cut.items():
            if thing in self.tables:
                continue  # a file of its own tells it
            text = _("{column} was cut off by PowerShell ({found}): take the commands of docs/readiness.md.")
            yield text.format(column=column, found=value)
        if self.lost:
            text = _("{count} entries of disks or adapters are of machines that the inventory does not name: {names}.")
            yield text.format(count=len(self.lost), names=_few(dict.fromkeys(self.lost)))


def _few(names: Iterable[str]) -> str:
    shown = [show(name) for name in names]
    return ", ".join(shown[:_FEW_SHOWN]) + (", ..." if len(shown) > _FEW_SHOWN else "")

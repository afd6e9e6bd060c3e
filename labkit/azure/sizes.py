"""VM sizes of Azure and which one a protected VM gets (rule 2.8-4). The table is ``data/azure/sizes.yml``, dated."""

from __future__ import annotations

import functools

import msgspec

from labkit.engine import resources, units
from labkit.engine.errors import LabError
from labkit.engine.names import meant


class Size(msgspec.Struct, frozen=True):
    """A VM size: ``name`` as in the portal (M), ``series`` (A2), ``memory`` and ``temporary`` disk in bytes.

    ``cores`` counts for choosing and for the quota; ``shared``: the core is shared with others (XS).
    """

    name: str
    series: str
    cores: int
    shared: bool
    memory: int
    data_disks: int
    nics: int
    temporary: int | None

    @property
    def title(self) -> str:
        """As the portal lists it: ``M (2 CPU, 3.5 GB RAM)`` (guide, section 2.8)."""
        return f"{self.name} ({self.cores} CPU, {self.memory / 2**30:g} GB RAM)"

    @property
    def instance(self) -> str:
        """As the VM's page shows it: ``Standard_A2`` (rule 3.4-5)."""
        return f"Standard_{self.series}"

    def misfits(self, cpu: int, memory_max: int, data_disks: int) -> tuple[str, ...]:
        """What the size has too little of: any of ``"cpu"``, ``"memory"``, ``"data_disks"``; empty when it fits."""
        wanted = {
            "cpu": (cpu, self.cores),
            "memory": (memory_max, self.memory),
            "data_disks": (data_disks, self.data_disks),
        }
        return tuple(what for what, (needed, offered) in wanted.items() if needed > offered)


@functools.cache
def table() -> dict[str, Size]:
    """All sizes by name."""
    sizes = {}
    for row in resources.yaml("azure", "sizes.yml")["sizes"]:
        temporary = row["temporary"] and units.size(row["temporary"])
        sizes[row["name"]] = Size(**{**row, "memory": units.size(row["memory"]), "temporary": temporary})
    return sizes


def dated() -> str:
    """The date of the table, ISO 8601 (rule 1.4-16)."""
    return str(resources.yaml("azure", "sizes.yml")["date"])


def choose(cpu: int, memory_max: int, data_disks: int) -> Size:
    """The size a VM gets by itself: the first that fits in the order XS S M A5 L A6 XL A7, else A7 (rule 2.8-4).

    ``memory_max`` is in bytes, the maximum where memory is dynamic; ``data_disks`` leaves out the OS disk.
    """
    source = resources.yaml("azure", "sizes.yml")
    fitting = (table()[name] for name in source["order"] if not table()[name].misfits(cpu, memory_max, data_disks))
    return next(fitting, table()[source["fallback"]])


def named(name: str) -> Size:
    """The size of that name, series (A2) or instance (Standard_A2), whatever the case; 900240 when there is none."""
    for size in table().values():
        if name.casefold() in (size.name.casefold(), size.series.casefold(), size.instance.casefold()):
            return size
    raise LabError(900240, found=name, sizes=", ".join(table()), meant=meant(name, table()))

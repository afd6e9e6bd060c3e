"""The keys of a site file: kinds, limits and defaults, as tables.

Limits come from the guide (1.4: disks; 2.7: frequency, retention, snapshots) and from Hyper-V 2012 R2 (64 CPUs and
1 TB for one VM); the others are labkit's own. Defaults are those of the guide's evaluation site (2.1).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from fractions import Fraction

from labkit.disks import workload
from labkit.engine import resources, units
from labkit.engine.texts import mark
from labkit.site.kinds import Choice, Instant, Label, Quantity, Text, Truth, Whole, names_of
from labkit.site.records import EMPTY, Either, Field, Listing, Record

OS_DISK_LIMIT = "127GB"
DATA_DISK_LIMIT = "1023GB"
LEAST_DISK = "20MB"
MOST_DISKS = 17
MOST_ADAPTERS = 12
# What Hyper-V 2012 R2 gives a VM: four IDE disks, four SCSI controllers of 64, a VHDX of 64 TB, a VHD of 2,040 GB.
IDE_DISKS, SCSI_DISKS = 4, 256
HYPER_V_SIZES = ("512B", "64TB")
VHD_LIMIT = "2040GB"
REFUSED_TYPES = ("pass-through", "iscsi", "shared")
HOST_SYSTEMS = ("Windows Server 2012 R2", "Windows Server 2012")
FIRST_DAY, LAST_DAY = "2014-09-30T00:00:00+00:00", "2100-01-01T00:00:00+00:00"
DEFAULT_ORDERS_PER_DAY = 8_640

_SIZES = ("B", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB")
_DURATIONS = ("ms", "s", "min", "h", "d")
_PER_DAY = {"d": 1, "h": 24, "min": 1_440, "s": 86_400}


def per_day(text: str) -> int:
    """Orders a day of ``"6/min"``, ``"30/h"``, ``"2/s"``, ``"100/d"``; ``ValueError`` for anything else.

    >>> per_day("6/min"), per_day("0.5/h")
    (8640, 12)
    """
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*/\s*(s|min|h|d)", text.strip())
    if not match:
        raise ValueError(text)
    count = Fraction(match[1]) * _PER_DAY[match[2]]
    if count.denominator != 1:
        raise ValueError(text)
    return int(count)


def per_mille(text: str) -> int:
    """Per mille of ``"5%"`` or ``"0.5%"``; ``ValueError`` for anything else.

    >>> per_mille("5%"), per_mille("0.5%")
    (50, 5)
    """
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9])?)\s*%", text.strip())
    if not match:
        raise ValueError(text)
    return int(Fraction(match[1]) * 10)


def _systems() -> Iterable[tuple[str, tuple[str, ...]]]:
    for system in resources.yaml("guest-os.yml")["systems"]:
        yield system["name"], tuple(system.get("aliases", ()))


def _regions() -> Iterable[tuple[str, tuple[str, ...]]]:
    for region in resources.yaml("azure", "regions.yml")["regions"]:
        if region["site_recovery"]:
            yield region["name"], ()


_NAME = Text()


def _size(low: str, high: str, *, step: int = 1, zero: bool = False) -> Quantity:
    shape = mark("a size") if step == 1 else mark("a size in whole sectors of 512 bytes")
    return Quantity(shape, units.size, "40GB", _SIZES, low, high, step=step, zero=zero)


def _duration(example: str, low: str, high: str, *, step: int = 1, none: bool = False, zero: bool = False) -> Quantity:
    shape = mark("a duration") if step == 1 else mark("whole hours")
    return Quantity(shape, units.duration, example, _DURATIONS, low, high, step=step, none=none, zero=zero)


_RATE_UNITS = tuple(f"{unit}/s" for unit in _SIZES)
RATE = Quantity(mark("a rate of writing"), units.rate, "1MB/s", _RATE_UNITS, "0B/s", "1GB/s", none=True)
_BANDWIDTH_UNITS = ("bps", "kbps", "Mbps", "Gbps")
_BANDWIDTH = Quantity(mark("a bandwidth"), units.bandwidth, "100Mbps", _BANDWIDTH_UNITS, "1kbps", "100Gbps")
_ORDER_UNITS = ("/s", "/min", "/h", "/d")
_ORDERS = Quantity(mark("orders in some time"), per_day, "6/min", _ORDER_UNITS, "1/d", "100/s", none=True)
_FREQUENCY = Quantity(mark("a frequency"), units.duration, "5min", _DURATIONS, among=("30s", "5min", "15min"))
_WRITE = Quantity(mark("a size"), units.size, "64KB", _SIZES, among=("4KB", "8KB", "16KB", "32KB", "64KB"))
_HOT = Quantity(mark("a share of the disk"), per_mille, "5%", ("%",), "0.1%", "100%")

_LOSS = Quantity(mark("a share of the packets"), units.per_million, "0.1%", ("%",), "0.0001%", "50%", none=True)

_CHURN = Either(
    RATE,
    Record(
        {
            "rate": Field(RATE, None),
            "write": Field(_WRITE, None),
            "hot": Field(_HOT, None),
            "shape": Field(Choice(lambda: {name: name for name in workload.shapes()}), None),
            "kind": Field(Choice(lambda: {name: name for name in workload.kinds()}), workload.ORDINARY),
            "trace": Field(Text(name=False, longest=1_000), None),
            "host": Field(Label(name=False), None),
            "disk": Field(Label(name=False), None),
            "repeat": Field(Truth(), False),
            "skip": Field(_duration("2h", "0s", "400d", zero=True), 0),
        }
    ),
)


def _one_of(*names: str) -> Choice:
    return Choice(lambda: {name: name for name in names})


DISK_SIZE = dataclasses.replace(_size(LEAST_DISK, DATA_DISK_LIMIT, step=512), wide=HYPER_V_SIZES)

_DISK = Record(
    {
        "name": Field(_NAME),
        "size": Field(DISK_SIZE, None),
        "used": Field(_size("0B", DATA_DISK_LIMIT, zero=True), None),
        "image": Field(Text(name=False, longest=1_000), None),
        "churn": Field(_CHURN, None),
        "controller": Field(_one_of("ide", "scsi"), ""),
        "format": Field(_one_of("vhd", "vhdx"), "vhdx"),
        "type": Field(_one_of("fixed", "dynamic", "differencing", *REFUSED_TYPES), "dynamic"),
    }
)

_ADAPTER = Record(
    {
        "name": Field(_NAME, "Network Adapter"),
        "address": Field(_one_of("dhcp", "static"), "dhcp"),
        "switch": Field(_NAME, ""),
    }
)

DISKS = Listing(_DISK, 1, MOST_DISKS, IDE_DISKS + SCSI_DISKS)

_VM = Record(
    {
        "name": Field(_NAME),
        "os": Field(Choice(names_of(_systems))),
        "host": Field(_NAME, None),
        "cpu": Field(Whole(1, 64), 1),
        "memory": Field(_size("512MB", "1TB"), 1 << 30),
        "memory_max": Field(_size("512MB", "1TB"), None),
        "protected": Field(Truth(), True),
        "disks": Field(DISKS),
        "orders": Field(_ORDERS, None),
        "invoices": Field(Truth(), None),
        "churn": Field(_CHURN, None),
        "generation": Field(Whole(1, 2), 1),
        "integration": Field(_one_of("current", "old", "none"), ""),
        "adapters": Field(Listing(_ADAPTER, 1, MOST_ADAPTERS), None),
        "made": Field(_one_of("hyper-v", "host", "cloud"), "hyper-v"),
        "remote": Field(Truth(), True),
        "firewall": Field(_one_of("open", "closed"), "open"),
        "network_level_authentication": Field(Truth(), True),
        "fibre_channel": Field(Truth(), False),
    }
)

_LINE = Record(
    {
        "bandwidth": Field(_BANDWIDTH, 100_000_000),
        "latency": Field(_duration("20ms", "0s", "60s", zero=True), 20),
        "loss": Field(_LOSS, 0),
    }
)

_CLOUD = Record(
    {
        "name": Field(_NAME, "OnPremise Cloud"),
        "frequency": Field(_FREQUENCY, 5 * units.MINUTE),
        "retention": Field(_duration("24h", "0h", "24h", step=units.HOUR, zero=True), 0),
        "app_consistent": Field(_duration("4h", "1h", "12h", step=units.HOUR, none=True), 0),
        "health_rules": Field(Choice(lambda: {name: name for name in ("guide", "windows-2012")}), "guide"),
    }
)

_HOST = Record(
    {
        "name": Field(_NAME),
        "os": Field(Choice(lambda: {name: name for name in HOST_SYSTEMS}), ""),
        "role": Field(Truth(), True),
        "joined": Field(Truth(), True),
        "switch": Field(Truth(), True),
        "free": Field(_size("0B", "64TB", zero=True), 100 << 30),
        "data_free": Field(_size("0B", "64TB", zero=True), -1),
    }
)

_CLUSTER = Record(
    {
        "name": Field(_NAME),
        "hosts": Field(Listing(_NAME, 1, 64)),
        "address": Field(Choice(lambda: {name: name for name in ("dhcp", "static")}), "dhcp"),
    }
)

_SERVERS = Record(
    {
        "domain": Field(_NAME, "demo.contoso.com"),
        "domain_controller": Field(_NAME, "DC01"),
        "vmm": Field(_NAME, "SC01"),
        "hosts": Field(Listing(Either(_NAME, _HOST), 1, 64), ["HV01"]),
        "clusters": Field(Listing(_CLUSTER, 1, 16), []),
        "proxy": Field(Listing(_NAME, 1, 64), []),
        "host_os": Field(Choice(lambda: {name: name for name in HOST_SYSTEMS}), HOST_SYSTEMS[0]),
    }
)

_REPLICA_LINE = Record(
    {
        "bandwidth": Field(_BANDWIDTH, 1_000_000_000),
        "latency": Field(_duration("5ms", "0s", "60s", zero=True), 0),
        "loss": Field(_LOSS, 0),
    }
)

_REPLICA_SITE = Record(
    {
        "hosts": Field(Listing(_NAME, 1, 64)),
        "line": Field(_REPLICA_LINE, EMPTY),
        "vmm": Field(_NAME, ""),
        "cloud": Field(_NAME, ""),
    }
)

_AZURE = Record(
    {
        "region": Field(Choice(names_of(_regions)), "East Asia"),
        "network": Field(_NAME, "AzureNetwork"),
        "storage": Field(_NAME, "mysiterecovery"),
        "vault": Field(_NAME, "MySiteRecovery"),
    }
)

_OBJECTIVES = Record(
    {
        "rto": Field(_duration("1h", "1s", "365d"), units.HOUR),
        "rpo": Field(_duration("15min", "0s", "365d", zero=True), 15 * units.MINUTE),
        "mtd": Field(_duration("8h", "1s", "365d"), None),
    }
)

SITE = Record(
    {
        "site": Field(_NAME),
        "start": Field(Instant(FIRST_DAY, LAST_DAY), (1_412_121_600_000, 540)),
        "line": Field(_LINE, EMPTY),
        "cloud": Field(_CLOUD, EMPTY),
        "servers": Field(_SERVERS, EMPTY),
        "replica_site": Field(_REPLICA_SITE, None),
        "network": Field(_NAME, "VirtualSwitch - FrontEnd"),
        "azure": Field(_AZURE, EMPTY),
        "vms": Field(Listing(_VM, 1, 1_000)),
        "objectives": Field(_OBJECTIVES, EMPTY),
    }
)

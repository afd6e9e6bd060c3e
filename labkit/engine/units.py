"""Units people write: ``"5min"``, ``"6h"``, ``"40GB"``, ``"20Mbps"``, ``"6/min"``, and back.

Durations are milliseconds, sizes bytes (GB, MB, KB are powers of 1,024 as in Hyper-V's dialogs; a rate of writing
too), bandwidths bits per second (powers of 1,000 as on every line). All results are integers.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

from labkit.engine.errors import LabError

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000

_DURATIONS = {"ms": 1, "s": SECOND, "sec": SECOND, "min": MINUTE, "m": MINUTE, "h": HOUR, "d": DAY}
_SIZES = {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}
_SIZES |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_BANDWIDTHS = {"bps": 1, "kbps": 10**3, "Kbps": 10**3, "Mbps": 10**6, "Gbps": 10**9}
_MOST = 1 << 53  # larger numbers are not exact in every reader of JSON
_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")
_PART = re.compile(r"\d+(?:\.\d+)?\s*[A-Za-z]+")
_PARTS = re.compile(rf"\s*(?:{_PART.pattern}\s*)+")
_ISO = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def _parse(text: object, units: dict[str, int], code: int, example: str) -> int:
    match = _NUMBER.fullmatch(str(text))
    if match and match[2] in units:
        value = Fraction(match[1]) * units[match[2]]
        if value.denominator == 1 and value < _MOST:
            return int(value)
    raise LabError(code, found=text, units=", ".join(units), example=example)


def duration(text: object) -> int:
    """Milliseconds of ``"30s"``, ``"5min"``, ``"6h"``, ``"1h30min"``, ``"2d"`` or ISO 8601 (``"PT6H"``, ``"P2D"``).

    >>> duration("5min"), duration("PT1H30M"), duration("1h 30min")
    (300000, 5400000, 5400000)
    """
    iso = _ISO.fullmatch(str(text).strip())
    if iso and any(iso.groups()):
        days, hours, minutes, seconds = (Fraction(part or 0) for part in iso.groups())
        value = days * DAY + hours * HOUR + minutes * MINUTE + seconds * SECOND
        if value.denominator == 1 and value < _MOST:
            return int(value)
    parts = _PART.findall(str(text)) if _PARTS.fullmatch(str(text)) else [str(text)]
    return sum(_parse(part, _DURATIONS, 900101, "5min") for part in parts)


def size(text: object) -> int:
    """Bytes of ``"40GB"``, ``"64KiB"``, ``"512B"``.

    >>> size("1GB")
    1073741824
    """
    return _parse(text, _SIZES, 900102, "40GB")


def bandwidth(text: object) -> int:
    """Bits per second of ``"20Mbps"``, ``"1Gbps"``.

    >>> bandwidth("1.5Mbps")
    1500000
    """
    return _parse(text, _BANDWIDTHS, 900103, "20Mbps")


def rate(text: object) -> int:
    """Bytes per second of ``"1MB/s"``; ``"0B/s"`` is no writing at all."""
    head, slash, tail = str(text).strip().rpartition("/")
    if slash and tail.strip() == "s":
        return _parse(head, _SIZES, 900104, "1MB/s")
    raise LabError(900104, found=text, units=", ".join(_SIZES), example="1MB/s")


def per_million(text: object) -> int:
    """Parts per million of a share: ``"0.1%"``, ``"0%"``.

    >>> per_million("0.1%"), per_million("0.0005%")
    (1000, 5)
    """
    match = re.fullmatch(r"\s*(\d{1,3}(?:\.\d{1,4})?)\s*%\s*", str(text))
    if not match:
        raise LabError(900106, found=text, example="0.1%")
    return int(Fraction(match[1]) * 10_000)


def show_hours(begin: int, end: int) -> str:
    """Hours of a day, given in minutes since midnight.

    >>> show_hours(540, 1440)
    '09:00-24:00'
    """
    return f"{begin // 60:02}:{begin % 60:02}-{end // 60:02}:{end % 60:02}"


def show_duration(ms: int) -> str:
    """Short text of a duration: ``"1 h 5 min"``, ``"42 s"``, ``"250 ms"``.

    >>> show_duration(3_900_000), show_duration(250), show_duration(0)
    ('1 h 5 min', '250 ms', '0 s')
    """
    if 0 < abs(ms) < SECOND:
        return f"{ms} ms"
    parts, rest = [], abs(ms) // SECOND
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, length)
        if count:
            parts.append(f"{count} {unit}")
    return ("-" if ms < 0 else "") + (" ".join(parts) or "0 s")


def _largest(value: int, table: dict[str, int], names: tuple[str, ...]) -> str:
    unit = next(name for name in names if value % table[name] == 0)
    return f"{value // table[unit]}{unit}"


def write_duration(ms: int) -> str:
    """A duration as :func:`duration` reads it, exactly: ``"5min"``, ``"90s"``.

    >>> write_duration(300_000), write_duration(90_000), duration(write_duration(1_234))
    ('5min', '90s', 1234)
    """
    return _largest(ms, _DURATIONS, ("d", "h", "min", "s", "ms"))


def write_bandwidth(bits: int) -> str:
    """A bandwidth as :func:`bandwidth` reads it, exactly: ``"100Mbps"``.

    >>> write_bandwidth(10**8), write_bandwidth(1_500_000)
    ('100Mbps', '1500kbps')
    """
    return _largest(bits, _BANDWIDTHS, ("Gbps", "Mbps", "kbps", "bps"))


def show_bandwidth(bits: float) -> str:
    """Short text of a bandwidth, to a tenth of its unit: ``"12.5 Mbit/s"``.

    >>> show_bandwidth(20_000_000), show_bandwidth(1_500_000), show_bandwidth(999_990_000), show_bandwidth(0)
    ('20 Mbit/s', '1.5 Mbit/s', '1 Gbit/s', '0 bit/s')
    """
    value, unit = float(bits), "bit/s"
    for unit in ("bit/s", "kbit/s", "Mbit/s", "Gbit/s"):
        if round(value, 1) < 1000 or unit == "Gbit/s":
            break
        value /= 1000
    return f"{value:.1f}".removesuffix(".0") + f" {unit}"


def show_size(count: int) -> str:
    """Short text of a size: ``"1.5 GB"``, ``"64 KB"``.

    >>> show_size(3 << 29), show_size(512)
    ('1.5 GB', '512 B')
    """
    value, unit = float(count), "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if abs(value) < 1024 or unit == "TB":
            break
        value /= 1024
    return f"{value:.1f}".rstrip("0").rstrip(".") + f" {unit}"


def instant(text: str) -> int:
    """Milliseconds since the Unix epoch of an ISO 8601 instant with a zone.

    >>> instant("2014-10-01T09:00:00+09:00")
    1412121600000
    """
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        raise LabError(900105, found=text, example="2014-10-01T09:00:00+09:00") from None
    if when.tzinfo is None:
        raise LabError(900105, found=text, example="2014-10-01T09:00:00+09:00")
    return (when - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def show_instant(ms: int, offset_min: int = 0) -> str:
    """ISO 8601 text of an instant in the zone ``offset_min`` minutes east of UTC; milliseconds only when there are any.

    >>> show_instant(1412121600000, 540), show_instant(1412121600250, 540)
    ('2014-10-01T09:00:00+09:00', '2014-10-01T09:00:00.250+09:00')
    """
    when = _epoch(offset_min) + timedelta(milliseconds=ms)
    return when.isoformat(timespec="milliseconds" if ms % 1000 else "seconds")


@functools.cache
def _epoch(offset_min: int) -> datetime:
    """1970-01-01T00:00Z as a zone of one offset shows it; thousands of instants are shown at a time."""
    return datetime(1970, 1, 1, tzinfo=UTC).astimezone(timezone(timedelta(minutes=offset_min)))


def offset_minutes(text: str) -> int:
    """Minutes east of UTC of an ISO 8601 instant with a zone (``+09:00`` -> 540)."""
    when = datetime.fromisoformat(text.strip())
    shift = when.utcoffset()
    if shift is None:
        raise LabError(900105, found=text, example="2014-10-01T09:00:00+09:00")
    return int(shift.total_seconds()) // 60

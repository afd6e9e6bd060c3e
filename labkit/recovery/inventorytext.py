"""Files of an inventory as rows: CSV and JSON as PowerShell and spreadsheets write them, whatever their encoding."""

from __future__ import annotations

import codecs
import csv
import functools
import io
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from labkit.engine import resources, units
from labkit.engine.errors import LabError
from labkit.site.kinds import show

LARGEST_FILE = 64 << 20
MOST_ROWS = 100_000
_DEEPEST = 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SEPARATORS = ",;\t"


class Row(msgspec.Struct, frozen=True):
    """One entry: ``cells`` by plain column name; ``columns``: how those are written; where it stands.

    ``line`` is the line of a CSV file, the number of the entry (from 1) in JSON.
    """

    file: str
    line: int
    cells: dict[str, Any]
    columns: dict[str, str]


@functools.cache
def columns() -> dict[str, dict[str, list[str]]]:
    """``data/inventory-columns.yml``: part (vm, disk, adapter), thing, names."""
    found: dict[str, dict[str, list[str]]] = resources.yaml("inventory-columns.yml")
    return found


def plain(column: object) -> str:
    """A column's name without case, blanks, hyphens and underscores."""
    return re.sub(r"[\s_\-]+", "", str(column)).casefold()


def rows_of(path: Path) -> list[Row]:
    """The entries of a CSV or JSON file; refused with 900877 to 900884."""
    text = decode(_bytes(path), path.name)
    if text.lstrip()[:1] in ("{", "["):
        return _json(text, path.name)
    return _csv(text, path.name)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LabError(900877, file=show(str(path)), reason=reason) from None
    if len(raw) > LARGEST_FILE:
        limit = units.show_size(LARGEST_FILE)
        raise LabError(900881, file=path.name, found=f"> {limit}", limit=limit)
    return raw


def decode(raw: bytes, name: str) -> str:
    """The text of a file: by its mark, else UTF-8, UTF-16 by its zeros, Shift-JIS, Windows-1252; 900882 otherwise."""
    encodings = [encoding for mark, encoding in _MARKS if raw.startswith(mark)][:1]
    if not encodings:
        head = raw[:1000]
        # Latin letters in UTF-16 have a zero beside each.
        if b"\0" in head:
            encodings = ["utf-16-le" if head[1::2].count(0) >= head[::2].count(0) else "utf-16-be"]
        else:
            encodings = ["utf-8", "cp932", "cp1252"]
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeError:
            continue
        if "\0" not in text:
            return text.removeprefix("\ufeff")
    raise LabError(900882, file=name)


# --- JSON ------------------------------------------------------------------------------------------------------------


def _json(text: str, name: str) -> list[Row]:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise LabError(900879, file=name, line=error.lineno, column=error.colno, reason=error.msg) from None
    except (RecursionError, ValueError) as error:
        raise LabError(900879, file=name, line=1, column=1, reason=show(str(error))) from None
    found = [entry for entry in listed(data) if isinstance(entry, dict)]
    if len(found) == 1 and isinstance(inner := found[0].get("VMs", found[0].get("vms")), list):
        found = [entry for entry in inner if isinstance(entry, dict)]
    _few(len(found), name)
    return [row_of(entry, name, number) for number, entry in enumerate(found, 1)]


def listed(data: Any) -> list[Any]:
    """A list; one thing that PowerShell took out of its list; or the list inside ``{"value": [...], "Count": 2}``."""
    if isinstance(data, dict) and isinstance(data.get("value"), list) and set(map(plain, data)) <= {"value", "count"}:
        data = data["value"]
    if data is None:
        return []
    return data if isinstance(data, list) else [data]


def row_of(entry: dict[str, Any], file: str, line: int) -> Row:
    """An entry of JSON as a row."""
    cells: dict[str, Any] = {}
    for column, value in entry.items():
        cells.setdefault(plain(column), value)
    return Row(file, line, cells, {plain(column): column for column in entry})


def _few(count: int, name: str) -> None:
    if count > MOST_ROWS:
        raise LabError(900881, file=name, found=f"{count:,}", limit=f"{MOST_ROWS:,}")


# --- CSV -------------------------------------------------------------------------------------------------------------


def _csv(text: str, name: str) -> list[Row]:
    text, skipped, separator = _begin(text)
    # strict: a quotation mark that is never closed would swallow all rows after it.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    head: list[str] = []
    rows: list[Row] = []
    end = 0
    try:
        for fields in reader:
            line, end = skipped + end + 1, reader.line_num
            if not any(field.strip() for field in fields):
                continue
            if head:
                rows.append(_row(head, fields, name, line))
                _few(len(rows), name)
            else:
                head = [field.strip().strip('"') for field in fields]
    except csv.Error as error:
        raise LabError(900884, file=name, line=skipped + reader.line_num, reason=error) from None
    _named(head, name)
    return rows


def _begin(text: str) -> tuple[str, int, str]:
    """The text from its head on, how many lines stand before that, and the separator."""
    lines = text.splitlines(keepends=True)
    count, separator = 0, ""
    for line in lines[:20]:
        if line.casefold().startswith("sep=") and len(line.strip()) <= len("sep=;"):
            separator = line.rstrip("\r\n")[4:5]
        elif line.strip() and not line.casefold().startswith("#type"):
            break
        count += 1
    head = lines[count] if count < len(lines) else ""
    bare = re.sub(r'"[^"]*"', "", head)
    if not separator or separator in '"\r\n':
        separator = max(_SEPARATORS, key=bare.count)
    return "".join(lines[count:]), count, separator


def _row(head: list[str], fields: list[str], name: str, line: int) -> Row:
    cells: dict[str, Any] = {}
    for column, field in zip(head, fields, strict=False):
        cells.setdefault(plain(column), field.strip())
    return Row(name, line, cells, {plain(column): column for column in head})


def _named(head: Iterable[str], name: str) -> None:
    """Whether some column can name a machine, or a disk file; an empty file is told as that elsewhere."""
    known = columns()
    names = [*known["vm"]["name"], "Path"]
    found = list(head)
    if found and not {plain(column) for column in found} & {plain(column) for column in names}:
        shown = ", ".join(show(column) for column in found[:20] if column)
        raise LabError(900880, file=name, found=shown or "-", choices=", ".join(known["vm"]["name"]))

"""Keeps the Japanese in step with the English: ``labkit/locale/ja/LC_MESSAGES/labkit.po`` and its compiled ``.mo``.

    python tools/i18n.py update     take in new texts, drop those that are gone, compile
    python tools/i18n.py missing    print what is not translated yet
    python tools/i18n.py fill FILE  take translations from a JSON file, {English: Japanese}
    python tools/i18n.py check      exit 1 when anything is missing, left over, doubtful, or not compiled (in CI)

Texts come from calls of ``_``, ``gettext``, ``ngettext`` and ``mark`` in ``labkit/`` and ``tools/``, from templates in
``labkit/``, and from the keys of files below ``data/`` that ``DATA_TEXTS`` names. Words: docs/glossary.md.
"""

from __future__ import annotations

import argparse
import io
import json
import string
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "labkit" / "locale" / "ja" / "LC_MESSAGES"
PO, MO = FOLDER / "labkit.po", FOLDER / "labkit.mo"

SOURCES = (("labkit", "*.py", "python"), ("tools", "*.py", "python"), ("labkit", "*.html", "jinja2.ext:babel_extract"))
KEYWORDS: dict[str, Any] = {**DEFAULT_KEYWORDS, "mark": None}

# Which keys of which files below data/ hold texts for people; a list below a key is a list of texts.
# A file that carries both languages itself (a mapping table) does not belong here.
DATA_TEXTS = {
    "azure/prices-*.yml": ("not_priced",),
    "azure/licences.yml": ("text", "questions"),
    "azure/setups.yml": ("title", "note", "text"),
    "azure/unregister-reasons.yml": ("title",),
    "drills/*.yml": ("title", "description", "scenario", "help"),
    "errors/*.yml": ("message", "cause", "action"),
    "guest-os.yml": ("remarks", "version_remark"),
    "states.yml": ("description", "location", "status", "failover", "title", "health", "job_states"),
    "timeline.yml": ("event",),
    "timings.yml": ("title",),
    "wizards.yml": ("title",),
}

HEADER = "# Japanese texts of labkit. Kept by tools/i18n.py; words from docs/glossary.md."
# The same texts give the same files: no clock in them.
WHEN = datetime(2026, 1, 1, tzinfo=UTC)

Text = str | tuple[str, str]


def from_code() -> Iterator[tuple[Text, str, list[str]]]:
    """Texts of Python files and templates: text, place, comments for the translator."""
    for folder, pattern, method in SOURCES:
        for path in sorted((ROOT / folder).rglob(pattern)):
            place = path.relative_to(ROOT).as_posix()
            with path.open("rb") as file:
                for _line, text, comments, _context in extract(method, file, KEYWORDS, ("Translators:",)):
                    yield text if isinstance(text, str) else (text[0], text[1]), place, comments


def from_data() -> Iterator[tuple[Text, str, list[str]]]:
    """Texts of data files, by ``DATA_TEXTS``."""
    for pattern, keys in DATA_TEXTS.items():
        for path in sorted((ROOT / "data").glob(pattern)):
            place = path.relative_to(ROOT).as_posix()
            for text in below(yaml.safe_load(path.read_text("utf-8")), keys):
                yield text, place, []


def below(node: Any, keys: Iterable[str], wanted: bool = False) -> Iterator[str]:
    """All texts under the keys, however deep they stand."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from below(value, keys, wanted or key in keys)
    elif isinstance(node, list):
        for value in node:
            yield from below(value, keys, wanted)
    elif wanted and isinstance(node, str) and node.strip():
        yield node


def says_something(text: str) -> bool:
    """Whether there are words beside the placeholders; a text with broken braces is kept, for the check to name."""
    try:
        literal = "".join(before for before, *_field in string.Formatter().parse(text))
    except ValueError:
        return True
    return any(map(str.isalpha, literal))


def extracted() -> Catalog:
    """What there is to translate now; without words only what a comment for the translator asks for."""
    catalog = Catalog(project="labkit", version="1", charset="utf-8", creation_date=WHEN)
    for text, place, comments in (*from_code(), *from_data()):
        if comments or any(map(says_something, forms(text))):
            catalog.add(text, locations=[(place, 0)], auto_comments=comments)
    return catalog


def translated() -> Catalog:
    """What the .po file holds; empty when there is none."""
    if not PO.exists():
        return Catalog(locale="ja", domain="labkit")
    with PO.open("rb") as file:
        return read_po(file, locale="ja", domain="labkit")


def compiled(catalog: Catalog) -> bytes:
    """The bytes of the .mo file of a catalogue."""
    catalog.creation_date = catalog.revision_date = WHEN
    out = io.BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


def update() -> Catalog:
    """Bring the .po file up to date with the texts and compile it. Doubtful guesses at translations are not made."""
    catalog = translated()
    catalog.update(extracted(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.header_comment = HEADER
    catalog.project, catalog.version, catalog.fuzzy = "labkit", "1", False
    catalog.creation_date = catalog.revision_date = WHEN
    catalog.last_translator = catalog.language_team = catalog.copyright_holder = "The labkit authors"
    catalog.msgid_bugs_address = "the labkit repository"
    write(catalog)
    return catalog


def write(catalog: Catalog) -> None:
    """Write the .po file and compile it."""
    out = io.BytesIO()
    write_po(out, catalog, width=110, include_lineno=False, sort_output=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    PO.write_bytes(out.getvalue())
    MO.write_bytes(compiled(translated()))


def fill(path: Path) -> list[str]:
    """Take translations from a JSON file; returns the English texts in it that no source has."""
    words: dict[str, str] = json.loads(path.read_text("utf-8"))
    catalog = update()
    for message in catalog:
        if message.id and (target := words.pop(forms(message.id)[0], None)):
            message.string = target if isinstance(message.id, str) else (target,)
    write(catalog)
    return list(words)


def forms(value: Any) -> list[str]:
    """A text or its plural forms, as a list."""
    return [value] if isinstance(value, str) else list(value or ("",))


def placeholders(text: str) -> set[str]:
    """Names in braces; ``ValueError`` when the braces do not match."""
    return {name for _before, name, _format, _conversion in string.Formatter().parse(text) if name is not None}


def faults_of(message: Message) -> Iterator[str]:
    """What is wrong with one translation."""
    sources, targets = forms(message.id), forms(message.string)
    if not all(target.strip() for target in targets):
        yield "not translated"
        return
    if message.fuzzy:
        yield "marked fuzzy"
    try:
        wanted = set[str]().union(*map(placeholders, sources))
        for target in targets:
            if (found := placeholders(target)) != wanted:
                yield f"placeholders {sorted(found)}, should be {sorted(wanted)}"
    except ValueError as error:
        yield f"braces: {error}"


def check() -> list[str]:
    """One line per fault; none when English and Japanese are in step."""
    if not PO.exists():
        return [f"{PO.relative_to(ROOT)} is missing: run the update"]
    wanted = {forms(message.id)[0]: forms(message.id) for message in extracted() if message.id}
    catalog = translated()
    held = {forms(message.id)[0]: message for message in catalog if message.id}
    faults = [f"new text, not in the .po: {text!r}" for text in wanted if text not in held]
    faults += [f"no longer used: {text!r}" for text in held if text not in wanted]
    faults += [f"left over as obsolete: {text!r}" for text in catalog.obsolete]
    for text in sorted(wanted.keys() & held.keys()):
        if forms(held[text].id) != wanted[text]:
            faults.append(f"its plural has changed: {text!r}")
        faults += [f"{fault}: {text!r}" for fault in faults_of(held[text])]
    if not MO.exists() or MO.read_bytes() != compiled(catalog):
        faults.append("the .mo is not what the .po compiles to: run the update")
    return faults


def missing() -> list[str]:
    """Texts without a translation."""
    return [repr(message.id) for message in update() if message.id and "not translated" in faults_of(message)]


def main() -> int:
    """Command line; exit 1 when the check finds something, or a text to fill in is not one of labkit's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("update", "missing", "check"):
        commands.add_parser(name)
    commands.add_parser("fill").add_argument("file", type=Path)
    arguments = parser.parse_args()
    if arguments.command in ("check", "fill"):
        faults = check() if arguments.command == "check" else [f"unknown: {text!r}" for text in fill(arguments.file)]
        print("\n".join(faults) or ("English and Japanese are in step." if arguments.command == "check" else "Filled."))
        return 1 if faults else 0
    todo = missing()  # updates first
    print("\n".join(todo) if arguments.command == "missing" else f"{PO.name}: {len(todo)} not translated.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Builds the notebooks of the course: code once, texts in two languages.

A source is a Python file in jupytext's percent format. A text stands twice, as ``# %% [markdown] lang="en"`` and
``lang="ja"``; code is the same for both. ``build`` makes the notebooks, runs each in an empty folder in its
language, and keeps the outputs that are text: what nbval compares and what a reader without labkit sees.
``check`` says whether the committed ones have the texts and code of their sources; with ``--complete`` also whether
every lesson has a notebook and every rule is shown in one.

Sources in ``course/`` are lessons of ``labkit.course``: ``N.M-slug.py`` becomes ``N.M-slug.ipynb`` in ``notebooks/en``
and ``notebooks/ja``. A cell names the rules it shows, ``rules="3.3-1, 3.3-2"`` (a text at its English one); the
metadata of the notebook has them all.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jupytext
import nbformat as _nbformat

from labkit.course import catalogue

nbformat: Any = _nbformat  # its functions have no types
ROOT = Path(__file__).resolve().parents[1]
SOURCES, NOTEBOOKS = ROOT / "tools" / "notebook_sources", ROOT / "notebooks"
COURSE = "course"
LANGUAGES = ("en", "ja")
KEPT = ("text/plain", "text/html")
_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def sources() -> list[Path]:
    """All sources: those of single notebooks, then the course's."""
    return [*sorted(SOURCES.glob("*.py")), *sorted((SOURCES / COURSE).glob("*.py"))]


def target(source: Path, language: str) -> Path:
    """Where the notebook of a source lies: of the course in a folder for each language, with the same name.

    Others: ``NAME.ipynb`` for English, ``NAME.ja.ipynb`` for Japanese.
    """
    if source.parent.name == COURSE:
        return NOTEBOOKS / language / f"{source.stem}.ipynb"
    return NOTEBOOKS / f"{source.stem}{'' if language == 'en' else '.' + language}.ipynb"


def notebook(source: Path, language: str) -> Any:
    """A source's notebook in a language, without outputs; ``ValueError`` where a text misses its other language.

    ``ValueError`` too for a source of the course whose rules are not those its lesson is to show.
    """
    read = jupytext.reads(source.read_text("utf-8"), fmt="py:percent")
    made = nbformat.v4.new_notebook(metadata=json.loads(json.dumps(_METADATA)))
    texts: list[str] = []
    for number, cell in enumerate(read.cells):
        spoken = cell.metadata.get("lang")
        if cell.cell_type == "markdown":
            if spoken not in LANGUAGES:
                raise ValueError(f'{source.name}, cell {number + 1}: a text needs lang="en" or lang="ja"')
            texts.append(spoken)
            if spoken != language:
                continue
        made.cells.append(_cell(cell, f"{source.stem} {len(made.cells)}", spoken))
    if texts != list(LANGUAGES) * (len(texts) // 2):
        raise ValueError(f"{source.name}: each text stands in English, then in Japanese")
    if source.parent.name == COURSE:
        made.metadata["labkit"] = _lesson(source, rules_of(read.cells))
    return made


def _cell(cell: Any, place: str, spoken: str | None) -> Any:
    identity = hashlib.sha256(place.encode()).hexdigest()[:8]
    maker = nbformat.v4.new_markdown_cell if cell.cell_type == "markdown" else nbformat.v4.new_code_cell
    text = joined(cell.source) if spoken == "ja" else cell.source
    return maker(text, id=identity)


def rules_of(cells: Iterable[Any]) -> list[str]:
    """The rules that cells name, in the order of ``data/course/rules.yml``; ``ValueError`` for one that is not"
    " there."""
    named = {rule.strip() for cell in cells for rule in str(cell.metadata.get("rules", "")).split(",")} - {""}
    known = catalogue.rules()
    if strange := sorted(named - set(known)):
        raise ValueError(f"there is no rule {', '.join(strange)}")
    return [rule for rule in known if rule in named]


def _lesson(source: Path, named: list[str]) -> dict[str, Any]:
    """What the metadata of a course's notebook says of its lesson."""
    lesson = catalogue.lesson(source.stem)
    if lesson.name != source.stem:
        raise ValueError(f"{source.name}: the lesson's notebook is called {lesson.name}")
    if missing := sorted(set(lesson.rules) - set(named)):
        raise ValueError(f"{source.name}: no cell shows the rules {', '.join(missing)}")
    return {"lesson": lesson.slug, "section": lesson.number, "heading": lesson.heading, "rules": named}


def joined(text: str) -> str:
    r"""A Japanese text with its paragraphs on one line each: a page would show a line's end as a space.

    >>> joined("ここで\n切る。\nAzure に\nある")
    'ここで切る。Azure にある'
    >>> joined("1. 一つ目。\n2. 二つ目。")
    '1. 一つ目。\n2. 二つ目。'

    Code, fenced or indented after an empty line, stays as it is.
    """
    parts: list[tuple[bool, list[str]]] = [(False, [])]
    fenced = False
    for line in text.split("\n"):
        coded, lines = parts[-1]
        fence = line.lstrip().startswith("```")
        code = fenced or fence or (line.startswith("    ") and (coded or not lines or not lines[-1].strip()))
        if code == coded:
            lines.append(line)
        else:
            parts.append((code, [line]))
        fenced = fenced != fence
    return "\n".join("\n".join(lines) if code else _joined("\n".join(lines)) for code, lines in parts if lines)


def _joined(text: str) -> str:
    wide = r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]"
    text = re.sub(r"(?<=[\u3000-\u303f\uff00-\uff65])\n *(?=\S)(?![\n#|>\- ]|[*+] |\d+\. |```)", "", text)
    text = re.sub(rf"(?<={wide})\n *(?={wide}|\*\*)", "", text)
    return re.sub(rf"(?<={wide})\n *(?!\d+\. )(?=[A-Za-z0-9`(\[])|(?<=[A-Za-z0-9`)])\n *(?={wide})", " ", text)


def executed(found: Any, language: str) -> Any:
    """The notebook with the outputs of a run in an empty folder; errors as nbclient raises them."""
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "LABKIT_LANG": language, "MPLBACKEND": "Agg", "LABKIT_COURSE": "new"}
        resources = {"metadata": {"path": folder}}
        NotebookClient(
            found, timeout=300, resources=resources, store_widget_state=False, coalesce_streams=True
        ).execute(env=environment)
    return cleaned(found)


def cleaned(found: Any) -> Any:
    """The notebook with text outputs only: no picture, no widget, no state, no times."""
    found.metadata.pop("widgets", None)
    for cell in found.cells:
        cell.metadata = nbformat.NotebookNode({})
        if cell.cell_type != "code":
            continue
        for output in cell.outputs:
            if "data" in output:
                output.data = {kind: value for kind, value in output.data.items() if kind in KEPT}
    return found


def main(arguments: list[str] | None = None) -> int:
    """``build [NAME ...]`` or ``check``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("build", "check"))
    parser.add_argument("names", nargs="*", help="stems of sources; all when left out")
    parser.add_argument("--complete", action="store_true", help="with check: every lesson and every rule, too")
    options = parser.parse_args(arguments)
    lacking = incomplete() if options.complete else []
    print(*lacking, sep="\n", end="\n" if lacking else "")
    stale = len(lacking)
    for source in sources():
        if options.names and source.stem not in options.names:
            continue
        for language in LANGUAGES:
            path, made = target(source, language), notebook(source, language)
            if options.action == "build":
                path.parent.mkdir(parents=True, exist_ok=True)
                nbformat.write(executed(made, language), path)
                print(path.relative_to(ROOT))
            elif not path.exists() or _other(nbformat.read(path, 4), made):
                print(f"{path.relative_to(ROOT)} is not what its source makes: python tools/notebooks.py build")
                stale += 1
    return 1 if stale else 0


def incomplete() -> list[str]:
    """One line for each lesson without a source, and for each rule that no built notebook of a language shows."""
    there = {source.stem for source in sources()}
    lines = [f"no notebook for the lesson {one.name}" for one in catalogue.all_lessons() if one.name not in there]
    for language in LANGUAGES:
        shown: set[str] = set()
        for path in sorted((NOTEBOOKS / language).glob("*.ipynb")):
            shown |= set(nbformat.read(path, 4).metadata.get("labkit", {}).get("rules", []))
        lines += [f"{language}: no notebook shows the rule {rule}" for rule in catalogue.rules() if rule not in shown]
    return lines


def _other(committed: Any, made: Any) -> bool:
    return stripped(committed) != stripped(made) or committed.metadata.get("labkit") != made.metadata.get("labkit")


def stripped(found: Any) -> list[tuple[str, str, str]]:
    """Kind, id and text of every cell."""
    return [(cell.cell_type, cell.id, cell.source) for cell in found.cells]


if __name__ == "__main__":
    sys.exit(main())

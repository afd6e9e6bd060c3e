"""Builds the notebooks of the course: code once, texts in two languages.

A source is a Python file in jupytext's percent format. A text stands twice, as ``# %% [markdown] lang="en"`` and
``lang="ja"``; code is the same for both. ``build`` makes the notebooks, runs each in an empty folder in its
language, and keeps the outputs that are text: what nbval compares and what a reader without labkit sees.
``check`` says whether the committed ones have the texts and code of their sources.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import jupytext
import nbformat as _nbformat

nbformat: Any = _nbformat  # its functions have no types
ROOT = Path(__file__).resolve().parents[1]
SOURCES, NOTEBOOKS = ROOT / "tools" / "notebook_sources", ROOT / "notebooks"
LANGUAGES = ("en", "ja")
KEPT = ("text/plain", "text/html")
_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def target(source: Path, language: str) -> Path:
    """Where the notebook of a source lies: ``NAME.ipynb`` for English, ``NAME.ja.ipynb`` for Japanese."""
    return NOTEBOOKS / f"{source.stem}{'' if language == 'en' else '.' + language}.ipynb"


def notebook(source: Path, language: str) -> Any:
    """A source's notebook in a language, without outputs; ``ValueError`` where a text misses its other language."""
    read = jupytext.reads(source.read_text("utf-8"), fmt="py:percent")
    made = nbformat.v4.new_notebook(metadata=_METADATA)
    texts: list[str] = []
    for number, cell in enumerate(read.cells):
        spoken = cell.metadata.get("lang")
        if cell.cell_type == "markdown":
            if spoken not in LANGUAGES:
                raise ValueError(f'{source.name}, cell {number + 1}: a text needs lang="en" or lang="ja"')
            texts.append(spoken)
            if spoken != language:
                continue
        identity = hashlib.sha256(f"{source.stem} {len(made.cells)}".encode()).hexdigest()[:8]
        maker = nbformat.v4.new_markdown_cell if cell.cell_type == "markdown" else nbformat.v4.new_code_cell
        text = joined(cell.source) if spoken == "ja" else cell.source
        made.cells.append(maker(text, id=identity))
    if texts != list(LANGUAGES) * (len(texts) // 2):
        raise ValueError(f"{source.name}: each text stands in English, then in Japanese")
    return made


def joined(text: str) -> str:
    """A Japanese text with its paragraphs on one line each: a page would show a line's end as a space.

    >>> joined("ここで\n切る。\nAzure に\nある")
    'ここで切る。Azure にある'
    """
    wide = r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]"
    text = re.sub(r"(?<=[\u3000-\u303f\uff00-\uff65])\n *(?![\n#|>\- ]|[*+] |\d+\. |```)", "", text)
    text = re.sub(rf"(?<={wide})\n *(?={wide}|\*\*)", "", text)
    return re.sub(rf"(?<={wide})\n *(?=[A-Za-z0-9`(])|(?<=[A-Za-z0-9`)])\n *(?={wide})", " ", text)


def executed(found: Any, language: str) -> Any:
    """The notebook with the outputs of a run in an empty folder; errors as nbclient raises them."""
    from nbclient import NotebookClient

    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "LABKIT_LANG": language, "MPLBACKEND": "Agg"}
        resources = {"metadata": {"path": folder}}
        NotebookClient(found, timeout=300, resources=resources, store_widget_state=False).execute(env=environment)
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
    options = parser.parse_args(arguments)
    stale = 0
    for source in sorted(SOURCES.glob("*.py")):
        if options.names and source.stem not in options.names:
            continue
        for language in LANGUAGES:
            path, made = target(source, language), notebook(source, language)
            if options.action == "build":
                nbformat.write(executed(made, language), path)
                print(path.relative_to(ROOT))
            elif not path.exists() or stripped(nbformat.read(path, 4)) != stripped(made):
                print(f"{path.relative_to(ROOT)} is not what its source makes: python tools/notebooks.py build")
                stale += 1
    return 1 if stale else 0


def stripped(found: Any) -> list[tuple[str, str, str]]:
    """Kind, id and text of every cell."""
    return [(cell.cell_type, cell.id, cell.source) for cell in found.cells]


if __name__ == "__main__":
    sys.exit(main())

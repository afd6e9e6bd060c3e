"""The notebooks of the course: from their sources, in both languages, with the rules they show, and run as committed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from labkit.course import catalogue
from tools import notebooks

SOURCES = sorted((notebooks.SOURCES / notebooks.COURSE).glob("*.py"))
BUILT = [notebooks.target(source, language) for language in notebooks.LANGUAGES for source in SOURCES]


def _source(folder: Path, *cells: str, name: str = "4.3-unregister-server") -> Path:
    made = folder / notebooks.COURSE / f"{name}.py"
    made.parent.mkdir(exist_ok=True)
    made.write_text("\n".join(cells) + "\n", "utf-8")
    return made


def _text(english: str = "One", rules: str = "") -> str:
    return f'# %% [markdown] lang="en" rules="{rules}"\n# {english}\n# %% [markdown] lang="ja"\n# 一つ'


def test_rules_are_marked_where_they_are_met(tmp_path: Path) -> None:
    """The metadata has the rules of all cells; one that the lesson is to show and no cell does, one that there is not, a
    name that is no lesson's: refused.
    """
    good = notebooks.notebook(_source(tmp_path, _text(rules="4.3-1, 4.1-1"), _text()), "ja")
    assert good.metadata["labkit"] == {
        "lesson": "unregister-server",
        "section": "4.3",
        "heading": "サーバーの登録解除",
        "rules": ["4.1-1", "4.3-1"],
    }
    for cells, match in (([_text()], "no cell shows the rules 4.3-1"), ([_text(rules="4.3-1, 9.9-9")], "no rule 9.9-9")):
        with pytest.raises(ValueError, match=match):
            notebooks.notebook(_source(tmp_path, *cells), "en")
    with pytest.raises(ValueError, match=r"is called 4\.3-unregister-server"):
        notebooks.notebook(_source(tmp_path, _text(rules="4.3-1"), name="unregister-server"), "en")


def test_what_is_missing_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a course with one notebook every other lesson is named, and every rule that it does not show, by language; of
    one in which every rule is in a notebook's metadata, none.
    """
    monkeypatch.setattr(notebooks, "SOURCES", tmp_path)
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path / "built")
    source = _source(tmp_path, _text(rules="4.3-1"))
    for language in notebooks.LANGUAGES:
        path = notebooks.target(source, language)
        path.parent.mkdir(parents=True)
        nbformat.write(notebooks.notebook(source, language), path)
    lines = notebooks.incomplete()
    assert "no notebook for the lesson 3.3-test-failover" in lines
    assert "ja: no notebook shows the rule 3.3-1" in lines
    assert len(lines) == len(catalogue.all_lessons()) - 1 + 2 * (len(catalogue.rules()) - 1)
    for lesson in catalogue.all_lessons():
        (source.parent / f"{lesson.name}.py").touch()
    for language in notebooks.LANGUAGES:
        path = notebooks.target(source, language)
        found = nbformat.read(path, 4)
        found.metadata["labkit"]["rules"] = list(catalogue.rules())
        nbformat.write(found, path)
    assert notebooks.incomplete() == []


def test_every_lesson_and_every_rule_has_its_notebook() -> None:
    """Each lesson has its notebook in both languages, and each rule of the guide is shown in one of each language."""
    assert notebooks.incomplete() == []


@pytest.mark.parametrize("path", BUILT, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_notebook_is_a_lesson(path: Path) -> None:
    """It begins with its title and the guide's heading, starts and checks its lesson, breaks something, and ends without
    an error; no widget, picture, address or path is kept.
    """
    found = nbformat.read(path, 4)
    lesson = catalogue.lesson(found.metadata["labkit"]["lesson"])
    text = json.dumps(found, ensure_ascii=False)
    assert found.cells[0].cell_type == "markdown"
    assert found.cells[0].source.startswith(f"# {lesson.number}".strip())
    assert lesson.heading in found.cells[0].source
    code = "\n".join(cell.source for cell in found.cells if cell.cell_type == "code")
    assert f'course.start("{lesson.slug}")' in code
    assert "course.trouble(" in code
    assert [step.slug for step in lesson.steps if f'"{step.slug}"' not in code] == []
    outputs = [output for cell in found.cells for output in cell.get("outputs", [])]
    assert [output for output in outputs if output.output_type == "error"] == []
    assert not any(word in text for word in ("image/png", "http", "/home", "/tmp", "application/vnd.jupyter.widget"))
    assert found.metadata.kernelspec.name == "python3"


STEPS = sorted({path.stem[0] for path in BUILT})  # "1" to "4", and "f" of the FAQ


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("language", notebooks.LANGUAGES)
def test_nbval_finds_the_committed_outputs(tmp_path: Path, language: str, step: str) -> None:
    """All notebooks of a STEP of the course, strictly compared: every output that is a text is the committed one."""
    chosen = [path for path in BUILT if path.parent.name == language and path.stem[0] == step]
    names = [Path(shutil.copy(path, tmp_path)).name for path in chosen]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "nbval", "--nbval", "-p", "no:cacheprovider"]
    environment: dict[str, Any] = {**os.environ, "LABKIT_LANG": language, "PYTEST_ADDOPTS": ""}
    run = subprocess.run(
        [*command, "-c", os.devnull, *names],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    cells = sum(cell.cell_type == "code" for path in chosen for cell in nbformat.read(path, 4).cells)
    assert run.returncode == 0, run.stdout[-6000:]
    assert f"{cells} passed" in run.stdout

"""The first notebook: made from its source, the same code in both languages, and what it says is what comes out."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

import labkit
from tools import notebooks

SOURCE = notebooks.SOURCES / "00-start-here.py"
LANGUAGES = ("en", "ja")


def committed(language: str) -> Any:
    return nbformat.read(notebooks.target(SOURCE, language), 4)


def code(language: str) -> list[str]:
    return [cell.source for cell in committed(language).cells if cell.cell_type == "code"]


def test_the_committed_notebooks_are_built_from_the_sources() -> None:
    """Texts, code and ids of every notebook that has a source are those of the source."""
    assert notebooks.main(["check"]) == 0


def test_a_stale_notebook_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word changed in one committed notebook fails the check."""
    before = {language: committed(language) for language in LANGUAGES}
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    for bad in (False, True):
        for language, found in before.items():
            found.cells[0].source += "!" if bad and language == "ja" else ""
            nbformat.write(found, tmp_path / notebooks.target(SOURCE, language).name)
        assert notebooks.main(["check", SOURCE.stem]) == int(bad)


def test_a_text_without_its_other_language_is_refused(tmp_path: Path) -> None:
    """A source with two English texts in a row, or a text of no language, cannot be built."""
    source = tmp_path / "a.py"
    source.write_text('# %% [markdown] lang="en"\n# One\n# %% [markdown] lang="en"\n# Two\n', "utf-8")
    with pytest.raises(ValueError, match="English, then in Japanese"):
        notebooks.notebook(source, "en")
    source.write_text("# %% [markdown]\n# One\n", "utf-8")
    with pytest.raises(ValueError, match="lang="):
        notebooks.notebook(source, "en")


def test_both_languages_have_the_same_code() -> None:
    """Same code cells, same order; every text is another one."""
    english, japanese = committed("en"), committed("ja")
    assert code("en") == code("ja")
    pairs = list(zip(english.cells, japanese.cells, strict=True))
    assert all(one.cell_type == two.cell_type for one, two in pairs)
    texts_of = [(one.source, two.source) for one, two in pairs if one.cell_type == "markdown"]
    assert len(texts_of) > 8
    assert all(one != two for one, two in texts_of)


@pytest.mark.parametrize("language", LANGUAGES)
def test_committed_outputs_are_texts_only(language: str) -> None:
    """No widget, no widget state, no picture, no address, no path of a computer; the kernel is python3."""
    found = committed(language)
    text = json.dumps(found)
    assert "widget" not in text.replace("ipywidgets", "")
    assert "image/png" not in text
    assert "http" not in text
    assert "/home" not in text
    assert found.metadata.kernelspec.name == "python3"
    assert all(cell.outputs for cell in found.cells if cell.cell_type == "code")


def run_nbval(folder: Path, language: str) -> subprocess.CompletedProcess[str]:
    name = notebooks.target(SOURCE, language).name
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "nbval", "--nbval", "-p", "no:cacheprovider", "-c", os.devnull, name
    ]  # fmt: skip
    environment = {**os.environ, "LABKIT_LANG": language, "PYTEST_ADDOPTS": ""}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_nbval_finds_the_committed_outputs(tmp_path: Path, language: str) -> None:
    """Run without a page in an empty folder, strictly compared: every output is the committed one."""
    shutil.copy(notebooks.target(SOURCE, language), tmp_path)
    done = run_nbval(tmp_path, language)
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"{len(code(language))} passed" in done.stdout


def test_nbval_would_find_another_number(tmp_path: Path) -> None:
    """The comparison can fail: one order more in the committed table, and nbval says so."""
    name = notebooks.target(SOURCE, "en").name
    text = notebooks.target(SOURCE, "en").read_text("utf-8")
    assert " 273\\n" in text
    (tmp_path / name).write_text(text.replace(" 273\\n", " 274\\n"), "utf-8")
    done = run_nbval(tmp_path, "en")
    assert done.returncode == 1
    assert "1 failed" in done.stdout


def test_papermill_twice_in_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run by papermill it takes no parameters and no page; the second run lives through the story in the same lab.

    What it shows is counted again here: orders lost are those taken after the recovery point, six a minute.
    """
    monkeypatch.setenv("LABKIT_LANG", "ja")
    for times in (1, 2):
        out = tmp_path / f"out-{times}.ipynb"
        papermill.execute_notebook(
            str(notebooks.target(SOURCE, "ja")), str(out), cwd=str(tmp_path), progress_bar=False, log_output=False
        )
        played = nbformat.read(out, 4)
        pictures = [o for cell in played.cells for o in cell.get("outputs", []) if "image/png" in o.get("data", {})]
        assert len(pictures) == 4
        with labkit.open(tmp_path / "start-here.lab", read_only=True) as lab:
            found = lab.vault.failovers
            assert len(found) == times
            last = found[-1]
            assert last.orders is not None
            assert last.orders == pytest.approx(last.rpo / 10, abs=2)
            assert last.equal
            assert lab.azure.machines == {}
            assert list(lab.vault.items) == []
            assert lab.status()["line"]["connected"]
            assert lab.verify() == []


def test_japanese_lines_are_joined_without_spaces() -> None:
    """A line's end inside a Japanese sentence is no space; lists and paragraphs stay as they are."""
    assert notebooks.joined("一行目、\n二行目") == "一行目、二行目"
    assert notebooks.joined("値を\n読む Azure\nに送る") == "値を読む Azure に送る"
    assert notebooks.joined("図。\n\n    サイト\n    回線\n\n一つ\n二つ") == "図。\n\n    サイト\n    回線\n\n一つ二つ"
    assert notebooks.joined("```text\nサイト\n回線\n```\n一つ\n二つ") == "```text\nサイト\n回線\n```\n一つ二つ"
    assert notebooks.joined("# 題\n\n本文。\n\n- 一つ。\n- **二つ**。\n  続き") == "# 題\n\n本文。\n\n- 一つ。\n- **二つ**。続き"

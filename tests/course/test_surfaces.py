"""The course from the command line, and the language it speaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import labkit
from labkit.cli import main
from labkit.course import catalogue, copies, stages
from labkit.engine import resources, texts
from labkit.engine.errors import LabError
from labkit.lab import Lab


def test_a_lab_at_any_lesson(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``new --stage SLUG`` makes a lab at a lesson's beginning; another site, a slug that is none: refused."""
    assert main(["new", str(tmp_path / "a.lab"), "--stage", "test-failover"]) == 0
    with labkit.open(tmp_path / "a.lab") as lab:
        assert stages.missing(lab, catalogue.lesson("test-failover")) is None
    assert main(["new", str(tmp_path / "a.lab"), "--stage", "test-failover"]) == 3
    assert main(["new", str(tmp_path / "b.lab"), "--stage", "test-failover", "--site", "three-tier"]) == 3
    assert "901106" in capsys.readouterr().err
    assert main(["new", str(tmp_path / "b.lab"), "--stage", "test-failver"]) == 3
    assert "Did you mean 'test-failover'" in capsys.readouterr().err
    assert not (tmp_path / "b.lab").exists()
    assert main(["new", str(tmp_path / "b.lab"), "--stage", "configured", "--site", "three-tier"]) == 0


def test_another_seed_is_another_lab(tmp_path: Path) -> None:
    """A stage of another seed is made anew, never taken from what is kept."""
    with stages.new(tmp_path / "a.lab", "vmm", seed=7) as one, stages.new(tmp_path / "b.lab", "vmm") as two:
        assert (one.status()["seed"], two.status()["seed"]) == (7, 1)


def test_lessons_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """``lessons`` lists all, or the steps of one, as text and as JSON."""
    assert main(["lessons", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["slug"] for one in found] == [one.slug for one in catalogue.all_lessons()]
    assert main(["lessons", "test-failover"]) == 0
    assert "connect-test-vm" in capsys.readouterr().out


def test_a_fresh_notebook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``reset`` puts the master in place of the learner's copy, which is kept under the next free name."""
    slug = next(iter(copies.masters()))
    name = f"{catalogue.lesson(slug).name}.ipynb"
    assert main(["reset", slug, str(tmp_path)]) == 0
    fresh = tmp_path / "en" / name
    assert fresh.read_bytes() == resources.notebooks("en", name).read_bytes()
    assert not (tmp_path / "ja").exists()
    for number in (1, 2):
        fresh.write_text(f"mine {number}")
        assert main(["reset", slug, str(tmp_path)]) == 0
        kept = fresh.with_name(f"{fresh.stem}.mine-{number}.ipynb")
        assert kept.read_text() == f"mine {number}"
        assert fresh.read_bytes() == resources.notebooks("en", name).read_bytes()
    assert main(["reset", "no-such", str(tmp_path)]) == 3


@pytest.fixture
def undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has chosen a language; the computer's is English."""
    texts.set_language(None)
    monkeypatch.setitem(texts._state, "lab", None)
    for name in ("LABKIT_LANG", "LC_ALL", "LC_MESSAGES", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")


def test_the_order_in_which_a_language_is_found(
    undecided: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: Callable[[str], Lab]
) -> None:
    """The computer's, unless a folder above is called ja or en, unless the lab says, unless LABKIT_LANG, unless"
    " asked."""
    assert texts.language() == "en"
    (tmp_path / "ja" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "ja" / "deep")
    assert texts.language() == "ja"
    with stage("evaluation-site") as lab:
        digest = lab.events_digest
        lab.language = "en"
        assert (texts.language(), lab.events_digest) == ("en", digest)
        copy = lab.copy(tmp_path / "copy.lab")
        with pytest.raises(LabError):
            lab.language = "fr"
    monkeypatch.setitem(texts._state, "lab", None)
    with labkit.open(copy) as again:
        assert (again.language, texts.language(), again.verify()) == ("en", "en", [])
        again.language = None
        assert again.language is None
    monkeypatch.setenv("LABKIT_LANG", "ja")
    assert texts.language() == "ja"
    texts.set_language("en")
    assert texts.language() == "en"


def test_a_person_called_ja(undecided: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home folder and what is above it do not choose a language."""
    home = tmp_path / "ja"
    (home / "labs").mkdir(parents=True)
    monkeypatch.setattr(Path, "home", lambda: home)
    texts.folder_language.cache_clear()
    assert texts.folder_language(str(home / "labs")) is None
    assert texts.folder_language(str(home / "labs" / "ja")) == "ja"
    texts.folder_language.cache_clear()

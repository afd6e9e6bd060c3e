"""A learner in a folder of their own, and stages that all tests of the course share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labkit.course import beginning, stages
from labkit.engine import texts
from labkit.lab import Lab


@pytest.fixture(scope="session")
def _stages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stages")


@pytest.fixture(autouse=True)
def learner(
    _own_world: None, _stages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], None]]:
    """A learner's kernel in an empty folder; called, it is a kernel started anew."""
    monkeypatch.setenv("LABKIT_HOME", str(_stages))
    monkeypatch.setenv("LABKIT_COURSE", "own")
    monkeypatch.delenv("LABKIT_CLASS", raising=False)
    monkeypatch.chdir(tmp_path)

    def restart() -> None:
        if beginning.Present.lab is not None:
            beginning.Present.lab.close()
        beginning.Present.lab = beginning.Present.lesson = None

    restart()
    yield restart
    restart()
    texts._state["lab"] = None


@pytest.fixture
def stage(tmp_path: Path) -> Callable[[str], Lab]:
    """A new lab at a lesson's beginning."""

    def made(slug: str) -> Lab:
        return stages.new(tmp_path / f"{slug}-{len(list(tmp_path.iterdir()))}.lab", slug)

    return made

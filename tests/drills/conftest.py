"""Each drill is played once, by papermill in a Jupyter kernel of its own, as the command line does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labkit import Lab, drills
from labkit import open as open_lab
from labkit.drills.runner import Done
from labkit.engine import texts

Play = Callable[..., Done]


@pytest.fixture(scope="session")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """``play("planned", bandwidth="3Mbps")``: play a drill in English; its evidence lies in ``done.out``."""
    patch = pytest.MonkeyPatch()
    patch.setenv("LANGUAGE", "en")
    patch.setenv("MPLBACKEND", "Agg")

    def run(name: str, site: str | Path | None = None, seed: int | None = None, **parameters: str) -> Done:
        texts.set_language("en")
        return drills.run(name, parameters, site=site, seed=seed, out=tmp_path_factory.mktemp(name) / "evidence")

    yield run
    patch.undo()


@pytest.fixture(scope="session")
def planned(play: Play) -> Done:
    """The drill "planned" with its defaults."""
    return play("planned")


@pytest.fixture(scope="session")
def unplanned(play: Play) -> Done:
    """The drill "unplanned": 5 min, a line that keeps up."""
    return play("unplanned", run_before="2h")


@pytest.fixture(scope="session")
def life_cycle(play: Play) -> Done:
    """The drill "life-cycle" with its defaults."""
    return play("life-cycle")


@pytest.fixture
def lab_of(tmp_path: Path) -> Iterator[Callable[[Done], Lab]]:
    """Opens a copy of a drill's lab: opening the evidence itself would change its hash."""
    opened: list[Lab] = []

    def copy(done: Done) -> Lab:
        target = tmp_path / f"copy-{len(opened)}.lab"
        target.write_bytes((done.out / "drill.lab").read_bytes())
        opened.append(open_lab(target))
        return opened[-1]

    yield copy
    for lab in opened:
        lab.close()

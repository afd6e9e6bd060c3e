"""Random commands over the table of states: the lab keeps its word about what is allowed, and stays whole."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

import labkit
from tests.engine.walk import Walk


@pytest.fixture(scope="module")
def protected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab in which both VMs replicate, closed."""
    path = tmp_path_factory.mktemp("protected") / "protected.lab"
    labkit.create(path, stage="protected").close()
    return path


@pytest.mark.promise(2, 6)
@pytest.mark.parametrize("number", range(3))
def test_a_random_walk_keeps_every_promise(tmp_path: Path, protected: Path, number: int, effort: int) -> None:
    """Allowed operations are accepted, all others refused without a trace; ``verify`` is content after each step.

    In the end line and site are mended, and within two days nothing hangs: every item can be asked for something.
    """
    accepted = refused = 0
    for turn in range(effort):
        seed = number if effort == 1 else time.time_ns() + turn
        path = Path(shutil.copy(protected, tmp_path / f"{turn}.lab"))
        with labkit.open(path) as lab:
            said: list[str] = []
            walk = Walk(lab, seed, said.append)
            try:
                for _ in range(40):
                    walk.step()
                walk.heal()
            except BaseException as error:
                error.add_note(f"seed {seed}:\n" + "\n".join(said))
                raise
            accepted, refused = accepted + walk.accepted, refused + walk.refused
        path.unlink()
    assert accepted >= 5
    assert refused >= 5


@pytest.mark.promise(4)
def test_a_walk_is_the_same_walk_again(tmp_path: Path, protected: Path) -> None:
    """The same number walks the same way: same facts, from other batches, in another folder, closed on its way."""
    digests = []
    for name, steps in (("a", 1_000), ("b", 13)):
        folder = tmp_path / name / "訓練 folder"
        folder.mkdir(parents=True)
        path = Path(shutil.copy(protected, folder / f"{name}.lab"))
        with labkit.open(path) as lab:
            lab._session.batch_steps = steps
            walk = Walk(lab, 5)
            for _ in range(12):
                walk.step()
            chance = walk.chance
        with labkit.open(path, surface="other") as lab:
            lab._session.batch_steps = steps
            walk = Walk(lab, 0)
            walk.chance = chance
            for _ in range(12):
                walk.step()
            digests.append(lab.events_digest)
    assert digests[0] == digests[1]

"""How ``pytest -n`` spreads the tests: what stays together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import workers

ROOT = Path(__file__).resolve().parents[2]


def test_files_and_folders_stay_together() -> None:
    """A file's tests are one group, the drills' files another; what is dealt out test by test exists."""
    assert workers.group("tests/disks/test_chains.py::test_a[x::y]") == "tests/disks/test_chains.py"
    assert {workers.group(f"tests/drills/{name}.py::test_a") for name in ("test_runs", "test_play")} == {"tests/drills"}
    for name in workers.ONE_BY_ONE:
        assert (ROOT / name).is_file()
        assert workers.group(f"{name}::test_a[1]") == f"{name}::test_a[1]"
    assert all((ROOT / name).is_dir() for name in workers.TOGETHER)


@pytest.mark.parametrize(("processors", "processes"), [(1, 2), (2, 2), (4, 4), (64, workers.MOST_WORKERS)])
def test_one_process_for_each_processor(monkeypatch: pytest.MonkeyPatch, processors: int, processes: int) -> None:
    """Two at least, for tests that wait; not more than eight."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(processors)), raising=False)
    assert workers.workers() == processes

"""How ``pytest -n`` spreads the tests: what stays together, and what becomes of the others when a process ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import workers

ROOT = Path(__file__).resolve().parents[2]
CONFTEST = """
from tests import workers
def pytest_xdist_make_scheduler(config, log): return workers.scheduler(config, log)
"""
ENDS = """
import os, pathlib
def note(): pathlib.Path("ran.txt").open("a").write(f"{os.environ['PYTEST_CURRENT_TEST'].split()[0]} {os.getpid()}\\n")
def test_before(): note()
def test_ends(): note(); os._exit(1)
def test_after(): note()
"""
OTHERS = ENDS.replace("os._exit(1)", "pass")


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


def test_a_test_that_ends_its_process_fails_once(tmp_path: Path) -> None:
    """Its file goes on in another process with the test after it, and no file is divided among processes."""
    for name, text in {"conftest": CONFTEST, "test_ends": ENDS, "test_others": OTHERS, "test_more": OTHERS}.items():
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "-n", "2", "-p", "no:cacheprovider"]
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n", "utf-8")
    environment = {**os.environ, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert "1 failed, 8 passed" in done.stdout, done.stdout + done.stderr
    assert "crashed while running 'test_ends.py::test_ends'" in done.stdout
    ran = [line.split() for line in (tmp_path / "ran.txt").read_text("utf-8").splitlines()]
    assert len({test for test, _ in ran}) == len(ran) == 9
    processes = {name: {process for test, process in ran if test.startswith(name)} for name in ("test_o", "test_m")}
    assert {name: len(found) for name, found in processes.items()} == {"test_o": 1, "test_m": 1}
    assert len({process for test, process in ran if test.startswith("test_e")}) == 2

"""What every test stands on: English, a home of its own, and tools that are asked for rather than assumed."""

from __future__ import annotations

import itertools
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from labkit.engine import texts

EFFORT = int(os.environ.get("LABKIT_EFFORT", "1"))
"""How many times the usual number of rounds a random or crash test does; `make fuzz` and `make crash` set it."""

settings.register_profile(
    "labkit",
    max_examples=25 * EFFORT,
    deadline=None,  # a slow machine is no failure
    derandomize=EFFORT == 1,  # the same examples for everybody, new ones when somebody goes looking
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("labkit")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """What ``-n auto`` means."""
    from tests.workers import workers

    return workers()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """How ``-n`` deals out tests."""
    from tests.workers import scheduler

    return scheduler(config, log)


def require_tool(package: str, *names: str) -> str:
    """Path of the first of the programs that is installed; without any the test is skipped and says what to install.

    Under ``LABKIT_CI_NO_TOOL_SKIPS=1`` the test fails instead: CI has to install what the tests need.
    """
    for name in names:
        if found := shutil.which(name):
            return found
    message = f"{names[0]} is not installed (Debian, Ubuntu: apt-get install {package})"
    if os.environ.get("LABKIT_CI_NO_TOOL_SKIPS") == "1":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def tool() -> Callable[..., str]:
    """``tool("qemu-utils", "qemu-img")``: path of a program, or the test is skipped; see ``require_tool``."""
    return require_tool


@pytest.fixture(scope="session")
def qemu_img() -> str:
    """Path of ``qemu-img``, the foreign program that reads what labkit exports."""
    return require_tool("qemu-utils", "qemu-img")


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium that a test may drive."""
    return require_tool("chromium", "chromium", "chromium-browser", "google-chrome", "chrome", "msedge")


@pytest.fixture(scope="session")
def effort() -> int:
    """Multiplier for the rounds of random and crash tests; 1 in an ordinary run."""
    return EFFORT


Rounds = Callable[..., Iterator[int]]


@pytest.fixture(scope="session")
def rounds() -> Rounds:
    """``rounds(60, 20)``: the numbers of a random test's rounds, from 0.

    An ordinary run does 60, however slow or busy the computer is: the same for everybody. With ``effort`` it goes on
    for 20 seconds of wall time, times ``effort``, and does 60 at least. ``seconds`` asks for a time all the same.
    """

    def numbers(usual: int, budget: float, *, seconds: float | None = None) -> Iterator[int]:
        if seconds is None:
            seconds = budget * EFFORT if EFFORT > 1 else 0
        until = time.monotonic() + seconds
        for number in itertools.count():
            if number >= usual and time.monotonic() >= until:
                return
            yield number

    return numbers


@pytest.fixture(autouse=True)
def _own_world(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees the person's language or labs, nor leaves a language behind for the next."""
    monkeypatch.delenv("LABKIT_LANG", raising=False)
    monkeypatch.setenv("LANGUAGE", "en")  # for the processes a test starts
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("MPLBACKEND", "Agg")
    texts.set_language("en")
    yield
    texts.set_language(None)


@pytest.fixture
def lab_home() -> Path:
    """The folder that stands in for the person's ``LABKIT_HOME`` in this test."""
    return Path(os.environ["LABKIT_HOME"])
